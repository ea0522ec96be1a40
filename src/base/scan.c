/*
 * scan.c - with SSE2 where there is it, which is every x86-64; else eight bytes
 * at a time in a word. The rest, and what stopped the stride, byte by byte.
 */
#include <stdint.h>
#include <string.h>

#include "base/scan.h"

#ifdef __SSE2__
#include <emmintrin.h>

#define STRIDE 16

static inline unsigned
not_ascii(const char *p)
{
	return (unsigned)_mm_movemask_epi8(
	    _mm_loadu_si128((const __m128i *)(const void *)p));
}

/* As signed bytes, what is beyond ASCII is below a space, too. */
static inline unsigned
not_plain(const char *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	__m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
	__m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
	__m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));

	return (unsigned)_mm_movemask_epi8(
	    _mm_or_si128(_mm_or_si128(quote, slash), _mm_or_si128(del, low)));
}
#else
#define STRIDE 8
#define ONES UINT64_C(0x0101010101010101)
#define TOPS UINT64_C(0x8080808080808080)

static inline bool
not_ascii(const char *p)
{
	uint64_t w;

	memcpy(&w, p, 8);
	return (w & TOPS) != 0;
}

/* May say so of a byte that is plain behind one that is not: harmless. */
static inline bool
not_plain(const char *p)
{
	uint64_t w, quote, slash, del;

	memcpy(&w, p, 8);
	quote = w ^ ONES * '"';
	slash = w ^ ONES * '\\';
	del = w ^ ONES * 0x7f;
	return ((w | (w - ONES * 0x20) | (quote - ONES) | (slash - ONES) |
		    (del - ONES)) &
		   TOPS) != 0;
}
#endif

size_t
scan_ascii(const char *s, size_t n)
{
	size_t i = 0;

	while (n - i >= STRIDE && !not_ascii(s + i))
		i += STRIDE;
	while (i < n && (unsigned char)s[i] < 0x80)
		i++;
	return i;
}

static inline bool
plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

size_t
scan_plain(const char *s, size_t n)
{
	size_t i = 0;

	while (n - i >= STRIDE && !not_plain(s + i))
		i += STRIDE;
	while (i < n && plain((unsigned char)s[i]))
		i++;
	return i;
}

/* 1 for each byte of the alphabet. */
static const unsigned char base64[256] = { ['+'] = 1,
	['/'] = 1,
	['='] = 1,
	['0'] = 1,
	['1'] = 1,
	['2'] = 1,
	['3'] = 1,
	['4'] = 1,
	['5'] = 1,
	['6'] = 1,
	['7'] = 1,
	['8'] = 1,
	['9'] = 1,
	['A'] = 1,
	['B'] = 1,
	['C'] = 1,
	['D'] = 1,
	['E'] = 1,
	['F'] = 1,
	['G'] = 1,
	['H'] = 1,
	['I'] = 1,
	['J'] = 1,
	['K'] = 1,
	['L'] = 1,
	['M'] = 1,
	['N'] = 1,
	['O'] = 1,
	['P'] = 1,
	['Q'] = 1,
	['R'] = 1,
	['S'] = 1,
	['T'] = 1,
	['U'] = 1,
	['V'] = 1,
	['W'] = 1,
	['X'] = 1,
	['Y'] = 1,
	['Z'] = 1,
	['a'] = 1,
	['b'] = 1,
	['c'] = 1,
	['d'] = 1,
	['e'] = 1,
	['f'] = 1,
	['g'] = 1,
	['h'] = 1,
	['i'] = 1,
	['j'] = 1,
	['k'] = 1,
	['l'] = 1,
	['m'] = 1,
	['n'] = 1,
	['o'] = 1,
	['p'] = 1,
	['q'] = 1,
	['r'] = 1,
	['s'] = 1,
	['t'] = 1,
	['u'] = 1,
	['v'] = 1,
	['w'] = 1,
	['x'] = 1,
	['y'] = 1,
	['z'] = 1 };

bool
scan_base64(const char *s)
{
	while (base64[(unsigned char)*s])
		s++;
	return *s == '\0';
}

/*
 * str.c - UTF-8 by RFC 3629, and which characters a name may not hold because
 * a person reading it could be deceived about what they read.
 *
 * Widths are the rough truth of terminals, good for aligning a table; this is
 * no implementation of Unicode.
 */
#include <string.h>

#include "base/scan.h"
#include "base/str.h"

struct range {
	uint32_t from, to;
};

bool
str_eq(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

bool
str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
str_copy(char *out, size_t cap, const char *s)
{
	size_t n = strlen(s);
	bool fits = n < cap;

	if (cap == 0)
		return false;
	if (!fits)
		n = cap - 1;
	memcpy(out, s, n);
	out[n] = '\0';
	return fits;
}

size_t
utf8_step(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t i, len;

	if (n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0; /* no longer than needed */
	else if (p[0] == 0xed)
		high = 0x9f; /* no surrogates */
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f; /* at most U+10FFFF */
	if (n < len || p[1] < low || p[1] > high)
		return 0;
	for (i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

bool
utf8_valid(const char *s, size_t n)
{
	size_t step;

	for (; n > 0; s += step, n -= step) {
		step = scan_ascii(s, n);
		if (step == 0)
			step = utf8_step(s, n);
		if (step == 0)
			return false;
	}
	return true;
}

uint32_t
utf8_next(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	size_t n = strnlen(*s, 4), len;

	if (n == 0)
		return 0;
	len = utf8_step(*s, n);
	*s += len == 0 ? 1 : len;
	switch (len) {
	case 0:
		return 0xfffd; /* not promised, but never past the end */
	case 1:
		return p[0];
	case 2:
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	case 3:
		return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 |
		    (p[2] & 0x3fu);
	default:
		return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 |
		    (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
	}
}

static bool
in_ranges(const struct range *r, size_t n, uint32_t cp)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (cp >= r[i].from && cp <= r[i].to)
			return true;
	}
	return false;
}

#define IN(table, cp) in_ranges(table, sizeof(table) / sizeof((table)[0]), cp)

bool
cp_is_unsafe(uint32_t cp)
{
	static const struct range unsafe[] = {
		{ 0x00, 0x1f }, { 0x7f, 0x9f },	      /* controls */
		{ 0xad, 0xad },			      /* soft hyphen */
		{ 0x61c, 0x61c }, { 0x200e, 0x200f }, /* bidi marks */
		{ 0x202a, 0x202e }, { 0x2066, 0x206f }, { 0x115f, 0x1160 },
		{ 0x3164, 0x3164 }, /* blank letters */
		{ 0xffa0, 0xffa0 }, { 0x180b, 0x180f }, { 0x200b, 0x200d },
		{ 0x2060, 0x2065 }, /* zero width */
		{ 0xfeff, 0xfeff },
		{ 0x2028, 0x2029 }, /* line and paragraph separators */
		{ 0xfff0, 0xfffb }, /* annotation, unassigned */
		{ 0xfffe, 0xffff }, { 0xe0000, 0xe0fff }, /* tags */
	};

	return IN(unsafe, cp);
}

static bool
cp_is_space(uint32_t cp)
{
	static const struct range space[] = {
		{ ' ', ' ' },
		{ 0xa0, 0xa0 },
		{ 0x1680, 0x1680 },
		{ 0x2000, 0x200a },
		{ 0x202f, 0x202f },
		{ 0x205f, 0x205f },
		{ 0x2800, 0x2800 },
		{ 0x3000, 0x3000 },
	};

	return IN(space, cp);
}

static size_t
cp_width(uint32_t cp)
{
	static const struct range none[] = {
		{ 0x300, 0x36f },
		{ 0x483, 0x489 },
		{ 0x591, 0x5bd },
		{ 0x610, 0x61a },
		{ 0x64b, 0x65f },
		{ 0x1ab0, 0x1aff },
		{ 0x1dc0, 0x1dff },
		{ 0x20d0, 0x20ff },
		{ 0xfe00, 0xfe0f },
		{ 0xfe20, 0xfe2f },
		{ 0x1f3fb, 0x1f3ff },
	};
	static const struct range wide[] = {
		{ 0x1100, 0x115e },
		{ 0x2e80, 0x303e },
		{ 0x3041, 0xa4cf },
		{ 0xa960, 0xa97f },
		{ 0xac00, 0xd7a3 },
		{ 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f },
		{ 0xff00, 0xff60 },
		{ 0xffe0, 0xffe6 },
		{ 0x1f300, 0x1f64f },
		{ 0x1f680, 0x1f6ff },
		{ 0x1f900, 0x1faff },
		{ 0x20000, 0x3fffd },
	};

	if (cp >= 0x20 && cp < 0x7f)
		return 1;
	if (cp_is_unsafe(cp) || IN(none, cp))
		return 0;
	return IN(wide, cp) ? 2 : 1;
}

size_t
utf8_width(const char *s)
{
	size_t n = 0;
	uint32_t cp;

	while ((cp = utf8_next(&s)) != 0)
		n += cp_width(cp);
	return n;
}

/* A sentence with the limit in it: limits are few, so a small table will do. */
static const char *
too_long(size_t max)
{
	static const struct {
		size_t max;
		const char *text;
	} row[] = {
		{ 16, "is longer than 16 bytes" },
		{ 32, "is longer than 32 bytes" },
		{ 48, "is longer than 48 bytes" },
		{ 64, "is longer than 64 bytes" },
		{ 80, "is longer than 80 bytes" },
		{ 100, "is longer than 100 bytes" },
		{ 120, "is longer than 120 bytes" },
		{ 128, "is longer than 128 bytes" },
		{ 200, "is longer than 200 bytes" },
		{ 255, "is longer than 255 bytes" },
		{ 256, "is longer than 256 bytes" },
		{ 512, "is longer than 512 bytes" },
	};
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (row[i].max == max)
			return row[i].text;
	}
	return "is too long";
}

const char *
str_name_fault(const char *s, size_t max)
{
	size_t n = strlen(s);
	uint32_t cp = 0;
	bool first = true;

	if (n == 0)
		return "is empty";
	if (n > max)
		return too_long(max);
	if (!utf8_valid(s, n))
		return "is not valid UTF-8";
	while (*s != '\0') {
		cp = utf8_next(&s);
		if (cp_is_unsafe(cp))
			return cp < 0x20 || (cp >= 0x7f && cp < 0xa0)
			    ? "holds a control character"
			    : "holds an invisible character";
		if (first && cp_is_space(cp))
			return "begins with white space";
		first = false;
	}
	return cp_is_space(cp) ? "ends with white space" : NULL;
}

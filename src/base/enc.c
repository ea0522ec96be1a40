/*
 * enc.c - text forms of bytes. One encoder and one decoder do all three of
 * base64, base64url and base32: they differ in alphabet, bits and padding.
 *
 * Decoding accepts exactly what encoding writes, nothing else, so that every
 * value has one spelling: signatures and keys are compared as text.
 */
#include <stdint.h>
#include <string.h>

#include "base/enc.h"

struct alphabet {
	const char *digits;
	unsigned bits;
	bool pad;
};

static const struct alphabet b64 = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6,
	true
};
static const struct alphabet b64url = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 6,
	false
};
static const struct alphabet b32 = { "abcdefghijklmnopqrstuvwxyz234567", 5,
	false };

static void
encode(const struct alphabet *a, char *out, const void *from, size_t n)
{
	const unsigned char *p = from;
	uint32_t acc = 0;
	unsigned held = 0, mask = (1u << a->bits) - 1;
	size_t i, len = 0;

	for (i = 0; i < n; i++) {
		acc = acc << 8 | p[i];
		for (held += 8; held >= a->bits; held -= a->bits)
			out[len++] = a->digits[acc >> (held - a->bits) & mask];
	}
	if (held > 0)
		out[len++] = a->digits[acc << (a->bits - held) & mask];
	while (a->pad && len % 4 != 0)
		out[len++] = '=';
	out[len] = '\0';
}

/* The value of each byte of the alphabet plus one; 0 for strangers. */
static void
reverse(const struct alphabet *a, unsigned char value[256])
{
	unsigned i;

	memset(value, 0, 256);
	for (i = 0; i < 1u << a->bits; i++)
		value[(unsigned char)a->digits[i]] = (unsigned char)(i + 1);
}

/* The number of digits before a correct padding, or -1. */
static ssize_t
unpadded(const char *s, size_t n)
{
	size_t len = n;

	if (n % 4 != 0)
		return -1;
	while (len > 0 && n - len < 2 && s[len - 1] == '=')
		len--;
	return (ssize_t)len;
}

static ssize_t
decode(const struct alphabet *a, void *to, size_t cap, const char *s, size_t n)
{
	unsigned char value[256], v, *out = to;
	uint32_t acc = 0;
	unsigned held = 0;
	size_t i, len = 0;
	ssize_t digits = a->pad ? unpadded(s, n) : (ssize_t)n;

	if (digits < 0)
		return -1;
	reverse(a, value);
	for (i = 0; i < (size_t)digits; i++) {
		v = value[(unsigned char)s[i]];
		if (v == 0)
			return -1;
		acc = acc << a->bits | (v - 1u);
		held += a->bits;
		if (held < 8)
			continue;
		held -= 8;
		if (len == cap)
			return -1;
		out[len++] = (unsigned char)(acc >> held);
	}
	/* A whole digit too many, or bits that no encoder writes. */
	if (held >= a->bits || (acc & ((1u << held) - 1)) != 0)
		return -1;
	return (ssize_t)len;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

void
hex_encode(char *out, const void *from, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = from;
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

ssize_t
hex_decode(void *to, size_t cap, const char *s, size_t n)
{
	unsigned char *out = to;
	int high, low;
	size_t i;

	if (n % 2 != 0 || n / 2 > cap)
		return -1;
	for (i = 0; i < n / 2; i++) {
		high = hex_value(s[2 * i]);
		low = hex_value(s[2 * i + 1]);
		if (high < 0 || low < 0)
			return -1;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return (ssize_t)i;
}

bool
hex_is(const char *s, size_t nbytes)
{
	size_t i;

	if (s == NULL)
		return false;
	for (i = 0; s[i] != '\0'; i++) {
		if (i >= 2 * nbytes || hex_value(s[i]) < 0)
			return false;
	}
	return i == 2 * nbytes;
}

void
b64_encode(char *out, const void *p, size_t n)
{
	encode(&b64, out, p, n);
}

ssize_t
b64_decode(void *out, size_t cap, const char *s, size_t n)
{
	return decode(&b64, out, cap, s, n);
}

void
b64url_encode(char *out, const void *p, size_t n)
{
	encode(&b64url, out, p, n);
}

ssize_t
b64url_decode(void *out, size_t cap, const char *s, size_t n)
{
	return decode(&b64url, out, cap, s, n);
}

void
b32_encode(char *out, const void *p, size_t n)
{
	encode(&b32, out, p, n);
}

ssize_t
b32_decode(void *out, size_t cap, const char *s, size_t n)
{
	return decode(&b32, out, cap, s, n);
}

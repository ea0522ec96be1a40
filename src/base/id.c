/*
 * id.c - ids that sort by the time they were made: base62 with the digits in
 * the order of ASCII, the milliseconds first, 83 random bits after.
 */
#include <string.h>

#include "base/id.h"

static const char digits[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void
put(char *out, uint64_t v, int n)
{
	while (n-- > 0) {
		out[n] = digits[v % 62];
		v /= 62;
	}
}

void
id_make(char out[ID_LEN + 1], int64_t now, const uint8_t rnd[16])
{
	uint64_t half[2];

	memcpy(half, rnd, sizeof(half));
	put(out, now < 0 ? 0 : (uint64_t)now, 8);
	put(out + 8, half[0], 7); /* 62^7 is far below 2^64: no bias to see */
	put(out + 15, half[1], 7);
	out[ID_LEN] = '\0';
}

bool
id_valid(const char *s, int min, int max)
{
	int n;

	if (s == NULL)
		return false;
	for (n = 0; s[n] != '\0'; n++) {
		if (n >= max ||
		    (strchr(digits, s[n]) == NULL && s[n] != '-' &&
			s[n] != '_'))
			return false;
	}
	return n >= min;
}

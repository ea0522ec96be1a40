/*
 * hash.c - SipHash with one round per word and three at the end.
 *
 * Its key is what the kernel gave this process at birth (AT_RANDOM). That is
 * no randomness in the sense of io.h: it decides where an entry lies in a
 * table, never what the program does. Where the system offers none, the key is
 * an address, which address space randomisation moves.
 */
#include <string.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif

#include "base/hash.h"

static uint64_t key[2];

static void
key_setup(void)
{
	key[0] = (uint64_t)(uintptr_t)key;
	key[1] = (uint64_t)(uintptr_t)&key_setup;
#ifdef __linux__
	if (getauxval(AT_RANDOM) != 0)
		memcpy(key, (const void *)getauxval(AT_RANDOM), sizeof(key));
#endif
	key[0] |= 1; /* zero: not set up yet */
}

static inline uint64_t
rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

uint64_t
hash_bytes(const void *p, size_t n)
{
	const unsigned char *s = p;
	uint64_t v[4], m, last = (uint64_t)n << 56;
	size_t i;

	if (key[0] == 0)
		key_setup();
	v[0] = key[0] ^ 0x736f6d6570736575;
	v[1] = key[1] ^ 0x646f72616e646f6d;
	v[2] = key[0] ^ 0x6c7967656e657261;
	v[3] = key[1] ^ 0x7465646279746573;
	for (; n >= 8; n -= 8, s += 8) {
		memcpy(&m, s, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	for (i = 0; i < n; i++)
		last |= (uint64_t)s[i] << (8 * i);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/*
 * safety.c - the number two people compare to know that nobody stands between
 * them. 30 digits are some 100 bits, so a pair of keys with equal numbers takes
 * 2^50 tries; 2^18 rounds of SHA-512 for each try put that out of reach.
 */
#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "crypto/key.h"

#define ROUNDS (1L << 18)

static const char domain[] = "claudemesh/safety/2"; /* hashed with its NUL */

static void
digest(uint8_t d[64], const char *mesh_id, const uint8_t pair[64])
{
	crypto_hash_sha512_state st;
	uint8_t in[128];

	crypto_hash_sha512_init(&st);
	crypto_hash_sha512_update(&st, (const uint8_t *)domain, sizeof(domain));
	crypto_hash_sha512_update(&st, (const uint8_t *)mesh_id,
	    strlen(mesh_id));
	crypto_hash_sha512_update(&st, pair, 64);
	crypto_hash_sha512_final(&st, d);

	memcpy(in + 64, pair, 64);
	for (long i = 0; i < ROUNDS; i++) {
		memcpy(in, d, 64);
		crypto_hash_sha512(d, in, sizeof(in));
	}
}

/* The i-th 20-bit number of the digest, big-endian. */
static unsigned
number_at(const uint8_t *d, unsigned i)
{
	const uint8_t *p = d + i / 2 * 5;

	if (i % 2 == 0)
		return (unsigned)p[0] << 12 | (unsigned)p[1] << 4 | p[2] >> 4;
	return (unsigned)(p[2] & 15) << 16 | (unsigned)p[3] << 8 | p[4];
}

void
safety_number(char out[36], const char *mesh_id, const char *hex_a,
    const char *hex_b)
{
	uint8_t a[32], b[32], pair[64], d[64];
	bool good = key_parse(a, hex_a) && key_parse(b, hex_b);
	bool swap;

	assert(good); /* keys of members come from the roll */
	(void)good;
	swap = memcmp(a, b, 32) > 0;
	memcpy(pair, swap ? b : a, 32);
	memcpy(pair + 32, swap ? a : b, 32);
	digest(d, mesh_id, pair);
	for (unsigned i = 0; i < 6; i++)
		snprintf(out + i * 6, 7, "%05u%s", number_at(d, i) % 100000,
		    i < 5 ? " " : "");
}

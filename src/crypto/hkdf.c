/*
 * hkdf.c - SHA-256, and RFC 5869 over HMAC-SHA-256 with an empty salt
 * (libsodium 1.0.18 has the HMAC, not the HKDF).
 */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/enc.h"
#include "crypto/key.h"

void
sha256(uint8_t out[32], const void *p, size_t n)
{
	crypto_hash_sha256(out, p, n);
}

void
sha256_hex(char out[65], const void *p, size_t n)
{
	uint8_t h[32];

	sha256(h, p, n);
	hex_encode(out, h, 32);
}

static void
extract(uint8_t prk[32], const uint8_t *ikm, size_t n)
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, (const uint8_t *)"", 0);
	crypto_auth_hmacsha256_update(&st, ikm, n);
	crypto_auth_hmacsha256_final(&st, prk);
	sodium_memzero(&st, sizeof(st));
}

void
hkdf_sha256(uint8_t *out, size_t n, const uint8_t *ikm, size_t nikm,
    const void *info, size_t ninfo)
{
	crypto_auth_hmacsha256_state st;
	uint8_t prk[32], t[32], i = 0;
	size_t step;

	assert(n <= 255 * sizeof(t));
	extract(prk, ikm, nikm);
	for (; n > 0; out += step, n -= step) {
		crypto_auth_hmacsha256_init(&st, prk, sizeof(prk));
		if (i > 0)
			crypto_auth_hmacsha256_update(&st, t, sizeof(t));
		crypto_auth_hmacsha256_update(&st, info, ninfo);
		i++;
		crypto_auth_hmacsha256_update(&st, &i, 1);
		crypto_auth_hmacsha256_final(&st, t);
		step = n < sizeof(t) ? n : sizeof(t);
		memcpy(out, t, step);
	}
	sodium_memzero(&st, sizeof(st));
	sodium_memzero(prk, sizeof(prk));
	sodium_memzero(t, sizeof(t));
}

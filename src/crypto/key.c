/*
 * key.c - libsodium's start, keys and what is derived from them.
 *
 * Every random byte, libsodium's own included, comes from the function given
 * to crypto_setup, so that a simulated mesh repeats exactly. Nothing here keeps
 * a secret; what lies on our stack is wiped before we return.
 */
#include "crypto/key.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/enc.h"

/* The one thing this folder remembers: libsodium is global, too. */
static struct {
	void (*random)(void *arg, void *p, size_t n);
	void *arg;
} source;

static const char *
random_name(void)
{
	return "claudemesh";
}

static void
random_buf(void *const p, const size_t n)
{
	source.random(source.arg, p, n);
}

static uint32_t
random_word(void)
{
	uint32_t v;

	random_buf(&v, sizeof(v));
	return v;
}

static randombytes_implementation random_ours = {
	.implementation_name = random_name,
	.random = random_word,
	.buf = random_buf,
};

int
crypto_setup(void (*random)(void *arg, void *p, size_t n), void *arg)
{
	source.random = random;
	source.arg = arg;
	/* before sodium_init, which draws from it already */
	if (randombytes_set_implementation(&random_ours) != 0)
		return E_INTERNAL;
	return sodium_init() < 0 ? E_INTERNAL : OK;
}

void
crypto_random(void *p, size_t n)
{
	assert(source.random != NULL);
	random_buf(p, n);
}

void
key_wipe(void *p, size_t n)
{
	sodium_memzero(p, n);
}

void
key_from_seed(struct key *k, const uint8_t seed[32])
{
	memcpy(k->seed, seed, 32);
	crypto_sign_seed_keypair(k->pub, k->sec, k->seed);
	hex_encode(k->hex, k->pub, 32);
}

void
key_random(struct key *k)
{
	uint8_t seed[32];

	crypto_random(seed, sizeof(seed));
	key_from_seed(k, seed);
	key_wipe(seed, sizeof(seed));
}

bool
key_parse(uint8_t pub[32], const char *hex)
{
	return hex_is(hex, 32) && hex_decode(pub, 32, hex, 64) == 32 &&
	    crypto_core_ed25519_is_valid_point(pub) == 1;
}

/* HKDF of ikm with the info "prefix" "rest". */
static void
derive(uint8_t out[32], const uint8_t ikm[32], const char *prefix,
    const char *rest)
{
	char info[512];
	size_t n = strlen(prefix), nrest = strlen(rest);

	assert(n + nrest <= sizeof(info));
	memcpy(info, prefix, n);
	memcpy(info + n, rest, nrest);
	hkdf_sha256(out, 32, ikm, 32, info, n + nrest);
}

static void
derive_key(struct key *k, const uint8_t seed[32], const char *prefix,
    const char *rest)
{
	uint8_t derived[32];

	derive(derived, seed, prefix, rest);
	key_from_seed(k, derived);
	key_wipe(derived, sizeof(derived));
}

void
key_account(struct key *k, const uint8_t account_seed[32])
{
	derive_key(k, account_seed, "claudemesh/account/2", "");
}

void
key_owner(struct key *k, const uint8_t account_seed[32], const char *nonce_hex)
{
	derive_key(k, account_seed, "claudemesh/owner/2|", nonce_hex);
}

void
key_member(struct key *k, const uint8_t account_seed[32], const char *mesh_id)
{
	derive_key(k, account_seed, "claudemesh/member/2|", mesh_id);
}

void
key_target(uint8_t out[32], const uint8_t epoch_key[32], const char *target)
{
	derive(out, epoch_key, "claudemesh/target/2|", target);
}

void
mesh_id_of(char out[MESH_ID_LEN + 1], const uint8_t genesis_sha256[32])
{
	b32_encode(out, genesis_sha256, 20);
}

/*
 * epoch.c - the turn of an epoch: see epoch.h and proto/epoch.def.
 */
#include "crypto/epoch.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"

#define BOX_LEN (crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + 32)

static_assert(sizeof(struct keys_sum) >= sizeof(crypto_hash_sha256_state),
    "room for the hash's state");

static crypto_hash_sha256_state *
state_of(struct keys_sum *s)
{
	return (crypto_hash_sha256_state *)(void *)s->state;
}

void
keys_sum_begin(struct keys_sum *s)
{
	crypto_hash_sha256_init(state_of(s));
}

static void
add(struct keys_sum *s, const char *text)
{
	crypto_hash_sha256_update(state_of(s), (const uint8_t *)text,
	    strlen(text));
}

void
keys_sum_add(struct keys_sum *s, const char *key, const char *sealed)
{
	add(s, *key == '\0' ? "prev" : key);
	add(s, " ");
	add(s, sealed);
	add(s, "\n");
}

void
keys_sum_end(struct keys_sum *s, char hex[65])
{
	uint8_t hash[32];

	crypto_hash_sha256_final(state_of(s), hash);
	hex_encode(hex, hash, 32);
}

static void
prev_key(uint8_t out[32], const char *mesh_id, const uint8_t new_key[32])
{
	char info[64];
	int n =
	    snprintf(info, sizeof(info), "claudemesh/prev/2|%.32s", mesh_id);

	hkdf_sha256(out, 32, new_key, 32, info, (size_t)n);
}

char *
epoch_prev_seal_with(struct arena *a, const char *mesh_id,
    const uint8_t new_key[32], const uint8_t old_key[32],
    const uint8_t nonce[24])
{
	uint8_t box[BOX_LEN], key[32];
	char *s = arena_alloc(a, B64_LEN(sizeof(box)) + 1);

	prev_key(key, mesh_id, new_key);
	memcpy(box, nonce, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, old_key, 32,
	    nonce, key);
	sodium_memzero(key, sizeof(key));
	b64_encode(s, box, sizeof(box));
	return s;
}

char *
epoch_prev_seal(struct arena *a, const char *mesh_id, const uint8_t new_key[32],
    const uint8_t old_key[32])
{
	uint8_t nonce[24];

	crypto_random(nonce, sizeof(nonce));
	return epoch_prev_seal_with(a, mesh_id, new_key, old_key, nonce);
}

int
epoch_prev_open(uint8_t old_key[32], const char *mesh_id,
    const uint8_t new_key[32], const char *b64)
{
	uint8_t box[BOX_LEN], key[32];
	int bad;

	if (strlen(b64) != B64_LEN(sizeof(box)) ||
	    b64_decode(box, sizeof(box), b64, strlen(b64)) != sizeof(box))
		return E_CANNOT_OPEN;
	prev_key(key, mesh_id, new_key);
	bad = crypto_secretbox_open_easy(old_key,
	    box + crypto_secretbox_NONCEBYTES,
	    sizeof(box) - crypto_secretbox_NONCEBYTES, box, key);
	sodium_memzero(key, sizeof(key));
	return bad == 0 ? OK : E_CANNOT_OPEN;
}

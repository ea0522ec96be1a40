/*
 * key.h - keys, their derivation, signatures under a domain, signed documents.
 * Pure: randomness comes in as bytes, time as numbers. Secrets are wiped with
 * key_wipe by whoever holds them.
 */
#ifndef CRYPTO_KEY_H
#define CRYPTO_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "wire/wire.h"

#define KEY_LEN 32
#define SIG_LEN 64
#define MESH_ID_LEN 32

struct key { /* an Ed25519 pair */
	uint8_t pub[32], seed[32];
	uint8_t sec[64];
	char hex[65]; /* of pub */
};

/* Once at start: libsodium, and randombytes from io.h's random function. */
int crypto_setup(void (*random)(void *arg, void *p, size_t n), void *arg);

void key_from_seed(struct key *, const uint8_t seed[32]);
void key_random(struct key *); /* from crypto_setup's source */
void key_wipe(void *p, size_t n);
void crypto_random(void *p, size_t n);
/* Is it 64 lower-case hex digits, and a valid point? */
bool key_parse(uint8_t pub[32], const char *hex);

/* RFC 5869 over HMAC-SHA-256, empty salt. n ≤ 8160. */
void hkdf_sha256(uint8_t *out, size_t n, const uint8_t *ikm, size_t nikm,
    const void *info, size_t ninfo);
void sha256(uint8_t out[32], const void *p, size_t n);
void sha256_hex(char out[65], const void *p, size_t n);

/*
 * Derived from the account seed (seed = HKDF(account seed, info)):
 *   account key   "claudemesh/account/2"            names the account, signs nothing yet
 *   owner key     "claudemesh/owner/2|" nonce hex   of the genesis act
 *   member key    "claudemesh/member/2|" mesh id
 * and from an epoch key:
 *   target key    "claudemesh/target/2|" target id  (secretbox)
 */
void key_account(struct key *, const uint8_t account_seed[32]);
void key_owner(struct key *, const uint8_t account_seed[32],
    const char *nonce_hex);
void key_member(struct key *, const uint8_t account_seed[32],
    const char *mesh_id);
void key_target(uint8_t out[32], const uint8_t epoch_key[32],
    const char *target);
void mesh_id_of(char out[MESH_ID_LEN + 1], const uint8_t genesis_sha256[32]);

/* Ed25519 over "claudemesh/2/<kind>" NUL p[0..n). */
void sign_domain(uint8_t sig[64], const char *kind, const void *p, size_t n,
    const struct key *);
bool verify_domain(const uint8_t sig[64], const char *kind, const void *p,
    size_t n, const uint8_t pub[32]);

/* Dialect 1, whose signatures have no domain. */
bool verify_bare(const uint8_t sig[64], const void *p, size_t n,
    const uint8_t pub[32]);

/* Signed document: base64(signature | JSON), in the arena. */
char *doc_sign(struct arena *, const char *kind, const struct wire_msg *row,
    const void *doc, const struct key *signer);
/* Opens, decodes by the row and verifies. pub hex: the signer expected.
 * E_CANNOT_OPEN / E_BAD_SIGNATURE / a field's error. */
int doc_open(struct arena *, const char *b64, const char *kind,
    const struct wire_msg *row, void *out, const char *signer_hex,
    struct why *);
/* The same before the signer is known: decodes without verifying. Follow with
 * doc_open. */
int doc_peek(struct arena *, const char *b64, const struct wire_msg *row,
    void *out, struct why *);

/* crypto_box_seal of 32 bytes to an Ed25519 key (converted), base64. */
char *seal_key(struct arena *, const uint8_t key[32], const char *to_hex);
int unseal_key(uint8_t key[32], const char *b64, const struct key *mine);

/* Safety number of two member keys: 30 digits as "12345 67890 ..." (35 chars);
 * the order of the keys does not matter. Takes about 0.3 s on purpose. */
void safety_number(char out[36], const char *mesh_id, const char *hex_a,
    const char *hex_b);

#endif

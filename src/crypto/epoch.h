/*
 * epoch.h - the turn of an epoch: the hash over the keys that were sealed for
 * the new one, and the old key under the new.
 */
#ifndef CRYPTO_EPOCH_H
#define CRYPTO_EPOCH_H

#include "crypto/key.h"

/*
 * keysHash of remove and rotate acts: SHA-256 over "prev ", prev, newline, and
 * then for each key, sorted, key, space, sealed, newline. Give prev with key "".
 */
struct keys_sum {
	uint64_t state[16]; /* of the hash */
};
void keys_sum_begin(struct keys_sum *);
void keys_sum_add(struct keys_sum *, const char *key, const char *sealed);
void keys_sum_end(struct keys_sum *, char hex[65]);

/* The key of the epoch before, in a secretbox under the new one; base64. */
char *epoch_prev_seal(struct arena *, const char *mesh_id,
    const uint8_t new_key[32], const uint8_t old_key[32]);
/* The same with a nonce of the caller's; for the test vectors. */
char *epoch_prev_seal_with(struct arena *, const char *mesh_id,
    const uint8_t new_key[32], const uint8_t old_key[32],
    const uint8_t nonce[24]);
/* E_CANNOT_OPEN. Whether it is the right key the roll says (its hash). */
int epoch_prev_open(uint8_t old_key[32], const char *mesh_id,
    const uint8_t new_key[32], const char *b64);

#endif

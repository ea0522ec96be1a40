/*
 * box.h - inside crypto: Ed25519 keys used for encryption, and their cache.
 */
#ifndef CRYPTO_BOX_H
#define CRYPTO_BOX_H

#include "crypto/body.h"

/* The X25519 forms. The public one fails (-1) for what is no key. */
int key_x_pub(uint8_t out[32], const uint8_t pub[32]);
void key_x_sec(uint8_t out[32], const struct key *);

/*
 * The shared key of mine and theirs, from the cache when it is there; cache may
 * be NULL. 0, or -1 when theirs is no key. Wipe it.
 */
int box_shared(uint8_t shared[32], struct box_cache *, const struct key *mine,
    const char *their_hex);

#endif

/*
 * body.h - message bodies: signed by the sender's session key, bound to mesh,
 * sender, target and id, then encrypted together with the signature.
 */
#ifndef CRYPTO_BODY_H
#define CRYPTO_BODY_H

#include "crypto/key.h"

/* The shared key of a pair costs 40 times the rest; keep it. */
struct box_cache;
struct box_cache *box_cache_new(size_t max);
void box_cache_free(struct box_cache *); /* wipes */

#define BODY_CIPHERTEXT_MAX 200000 /* base64, as in message.def */

struct sealed {
	const char *nonce, *ciphertext;
}; /* base64, in the arena */

/* Direct: signs body with `from` (body->from must be its hex), boxes it from
 * `from` to the target key (session or member; body->to must be it), random
 * nonce. */
int body_seal_direct(struct arena *, struct box_cache *, const struct body *,
    const struct key *from, const char *to_hex, struct sealed *, struct why *);

/* What the envelope claims; every field that is not NULL must agree. from may
 * not be NULL. The body's `to` must be the key that opens it in any case. */
struct envelope {
	const char *mesh, *from, *to, *id, *priority;
	int64_t epoch; /* 0: says nothing of it */
};
/*
 * Opens a direct body with `mine` (the key it was encrypted to), verifies the
 * signature by env->from, decodes, compares with the envelope.
 * E_CANNOT_OPEN: does not decrypt; E_BAD_SIGNATURE; E_CONFLICT: the envelope
 * disagrees (field named).
 */
int body_open_direct(struct arena *, struct box_cache *, struct body *,
    const struct key *mine, const struct envelope *env, const char *nonce,
    const char *ciphertext, struct why *);

/*
 * Group (@name, *, tag:k=v): the same, in a secretbox under the target key of
 * the epoch key and body->to. To open it env->to must be there: it is the label
 * whose key is tried, and the body must have been written for it.
 */
int body_seal_group(struct arena *, const struct body *, const struct key *from,
    const uint8_t epoch_key[32], struct sealed *, struct why *);
int body_open_group(struct arena *, struct body *, const uint8_t epoch_key[32],
    const struct envelope *, const char *nonce, const char *ciphertext,
    struct why *);

/* Dialect 1: a box with the bare text, which proves no sender but by the key. */
int body_seal_bare(struct arena *, const char *text, const struct key *from,
    const char *to_hex, struct sealed *, struct why *);
int body_open_bare(struct arena *, const struct key *mine, const char *from_hex,
    const char *nonce, const char *ciphertext, const char **text, struct why *);

#endif

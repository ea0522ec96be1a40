/*
 * body.c - message bodies: what was said, signed by the sender's session key
 * and encrypted together with the signature.
 *
 * A body names its mesh, sender, target and id, and an envelope that says
 * otherwise is refused: so nobody, broker and other key holders included, can
 * reflect, replay, redirect or raise a message. It is no judge of whether the
 * sender's session key stands for a member; the attestation says that.
 */
#include "crypto/body.h"

#include <sodium.h>
#include <string.h>

#include "base/enc.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/box.h"

#define PLAIN_MAX (BODY_CIPHERTEXT_MAX / 4 * 3 - crypto_box_MACBYTES)

/* ---- sealing ---- */

static int
check_ours(const struct body *b, const struct key *from, const char *to_hex,
    struct why *w)
{
	if (!str_eq(b->from, from->hex))
		return why_field(w, E_BAD_FIELD, "from",
		    "from is not the key that signs");
	if (!str_eq(b->to, to_hex))
		return why_field(w, E_BAD_FIELD, "to",
		    "to is not the key it is encrypted to");
	return wire_validate(&wire_body, b, w);
}

/* Signature and JSON; over when the limit is passed. */
static void
plain_make(struct buf *plain, const struct body *b, const struct key *from)
{
	uint8_t sig[SIG_LEN] = { 0 };

	buf_init(plain, PLAIN_MAX);
	buf_add(plain, sig, sizeof(sig));
	wire_encode(plain, &wire_body, b, NULL, NULL);
	if (plain->over)
		return;
	sign_domain(sig, "body", plain->data + SIG_LEN, plain->len - SIG_LEN,
	    from);
	memcpy(plain->data, sig, SIG_LEN);
}

/* A crypto_box under a shared key is a crypto_secretbox under it. */
static void
encrypt(struct arena *a, struct sealed *out, const struct buf *plain,
    const uint8_t shared[32])
{
	uint8_t nonce[crypto_box_NONCEBYTES];
	size_t n = plain->len + crypto_box_MACBYTES;
	char *nonce64 = arena_alloc(a, B64_LEN(sizeof(nonce)) + 1);
	char *cipher64 = arena_alloc(a, B64_LEN(n) + 1);
	uint8_t *cipher = mem_alloc(n);

	crypto_random(nonce, sizeof(nonce));
	crypto_box_easy_afternm(cipher, (const uint8_t *)plain->data,
	    plain->len, nonce, shared);
	b64_encode(nonce64, nonce, sizeof(nonce));
	b64_encode(cipher64, cipher, n);
	mem_free(cipher);
	*out = (struct sealed){ .nonce = nonce64, .ciphertext = cipher64 };
}

int
body_seal_direct(struct arena *a, struct box_cache *c, const struct body *b,
    const struct key *from, const char *to_hex, struct sealed *out,
    struct why *w)
{
	struct buf plain;
	uint8_t shared[32];
	int e;

	if ((e = check_ours(b, from, to_hex, w)) != OK)
		return e;
	if (box_shared(shared, c, from, to_hex) != 0)
		return why_field(w, E_BAD_FIELD, "to",
		    "to is no key that one can encrypt to");
	plain_make(&plain, b, from);
	if (plain.over)
		e = why_field(w, E_TOO_LONG, "text",
		    "the message is too long once it is encrypted");
	else
		encrypt(a, out, &plain, shared);
	buf_fini(&plain);
	key_wipe(shared, sizeof(shared));
	return e;
}

/* ---- opening ---- */

/* NUL-terminated signature and JSON in the arena; NULL when it does not open. */
static uint8_t *
decrypt(struct arena *a, const uint8_t shared[32], const char *nonce64,
    const char *cipher64, size_t *n)
{
	uint8_t nonce[crypto_box_NONCEBYTES], *p;
	size_t len = strlen(cipher64);
	ssize_t got;

	if (len > BODY_CIPHERTEXT_MAX || strlen(nonce64) != 32 ||
	    b64_decode(nonce, sizeof(nonce), nonce64, 32) != sizeof(nonce))
		return NULL;
	p = arena_alloc(a, len / 4 * 3 + 3);
	got = b64_decode(p, len / 4 * 3 + 3, cipher64, len);
	if (got < (ssize_t)(crypto_box_MACBYTES + SIG_LEN + 2) ||
	    crypto_box_open_easy_afternm(p, p, (size_t)got, nonce, shared) != 0)
		return NULL;
	*n = (size_t)got - crypto_box_MACBYTES;
	p[*n] = '\0';
	return p;
}

static int
disagrees(struct why *w, const char *field)
{
	return why_field(w, E_CONFLICT, field,
	    "the signed body names another %s than its envelope", field);
}

static int
compare(const struct body *b, const char *key, const struct envelope *env,
    struct why *w)
{
	if (env->mesh != NULL && !str_eq(env->mesh, b->mesh))
		return disagrees(w, "mesh");
	if (!str_eq(env->from, b->from))
		return disagrees(w, "from");
	/* whatever the envelope says: it was written for this key */
	if (!str_eq(key, b->to) || (env->to != NULL && !str_eq(env->to, b->to)))
		return disagrees(w, "to");
	if (env->id != NULL && !str_eq(env->id, b->id))
		return disagrees(w, "id");
	if (env->priority != NULL && !str_eq(env->priority, b->priority))
		return disagrees(w, "priority");
	if (env->epoch != 0 && env->epoch != b->epoch)
		return disagrees(w, "epoch");
	return OK;
}

static int
verify_body(const uint8_t *plain, size_t n, const char *from_hex, struct why *w)
{
	uint8_t pub[32];

	if (!key_parse(pub, from_hex) ||
	    !verify_domain(plain, "body", plain + SIG_LEN, n - SIG_LEN, pub))
		return why_set(w, E_BAD_SIGNATURE,
		    "the body is not signed by the sender's session key");
	return OK;
}

/* What decrypted: whose is it, and does the envelope agree? */
static int
read_plain(struct arena *a, struct body *out, const char *key,
    const struct envelope *env, const uint8_t *plain, size_t n, struct why *w)
{
	int e;

	if (plain == NULL)
		return why_set(w, E_CANNOT_OPEN,
		    "the body does not decrypt with this key");
	if ((e = verify_body(plain, n, env->from, w)) != OK)
		return e;
	if (plain[SIG_LEN] != '{' || plain[n - 1] != '}')
		return why_set(w, E_CANNOT_OPEN,
		    "the body has something around its JSON");
	e = wire_decode_text(&wire_body, (const char *)plain + SIG_LEN,
	    n - SIG_LEN, out, a, w);
	return e != OK ? e : compare(out, key, env, w);
}

int
body_open_direct(struct arena *a, struct box_cache *c, struct body *out,
    const struct key *mine, const struct envelope *env, const char *nonce,
    const char *ciphertext, struct why *w)
{
	uint8_t shared[32], *plain;
	size_t n = 0;

	if (env->from == NULL || box_shared(shared, c, mine, env->from) != 0)
		return why_field(w, E_CANNOT_OPEN, "from",
		    "the sender's key is no key");
	plain = decrypt(a, shared, nonce, ciphertext, &n);
	key_wipe(shared, sizeof(shared));
	return read_plain(a, out, mine->hex, env, plain, n, w);
}

/* ---- groups ---- */

int
body_seal_group(struct arena *a, const struct body *b, const struct key *from,
    const uint8_t epoch_key[32], struct sealed *out, struct why *w)
{
	struct buf plain;
	uint8_t key[32];
	int e;

	if ((e = check_ours(b, from, b->to, w)) != OK)
		return e;
	plain_make(&plain, b, from);
	if (plain.over) {
		e = why_field(w, E_TOO_LONG, "text",
		    "the message is too long once it is encrypted");
	} else {
		key_target(key, epoch_key, b->to);
		encrypt(a, out, &plain, key);
		key_wipe(key, sizeof(key));
	}
	buf_fini(&plain);
	return e;
}

int
body_open_group(struct arena *a, struct body *out, const uint8_t epoch_key[32],
    const struct envelope *env, const char *nonce, const char *ciphertext,
    struct why *w)
{
	uint8_t key[32], *plain;
	size_t n = 0;

	if (env->from == NULL || env->to == NULL)
		return why_field(w, E_CANNOT_OPEN, "to",
		    "the envelope names no sender or no target");
	key_target(key, epoch_key, env->to);
	plain = decrypt(a, key, nonce, ciphertext, &n);
	key_wipe(key, sizeof(key));
	return read_plain(a, out, env->to, env, plain, n, w);
}

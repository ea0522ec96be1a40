/*
 * doc.c - signatures under a domain, and signed documents.
 *
 * A signature covers "claudemesh/2/<kind>" NUL and exactly the bytes that
 * travel. A document is verified as it came and only then decoded; nothing is
 * ever written anew to be verified.
 */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/enc.h"
#include "base/mem.h"
#include "crypto/key.h"

#define DOMAIN "claudemesh/2/"
#define KIND_MAX 32

/* Domain, NUL and the bytes in one piece; to be freed with mem_free. */
static uint8_t *
under_domain(const char *kind, const void *p, size_t n, size_t *total)
{
	size_t nprefix = sizeof(DOMAIN) - 1, nkind = strlen(kind) + 1;
	uint8_t *m;

	assert(nkind <= KIND_MAX);
	m = mem_alloc(nprefix + nkind + n);
	memcpy(m, DOMAIN, nprefix);
	memcpy(m + nprefix, kind, nkind);
	if (n > 0)
		memcpy(m + nprefix + nkind, p, n);
	*total = nprefix + nkind + n;
	return m;
}

void
sign_domain(uint8_t sig[64], const char *kind, const void *p, size_t n,
    const struct key *k)
{
	size_t total;
	uint8_t *m = under_domain(kind, p, n, &total);

	crypto_sign_detached(sig, NULL, m, total, k->sec);
	mem_free(m);
}

bool
verify_domain(const uint8_t sig[64], const char *kind, const void *p, size_t n,
    const uint8_t pub[32])
{
	size_t total;
	uint8_t *m = under_domain(kind, p, n, &total);
	int bad = crypto_sign_verify_detached(sig, m, total, pub);

	mem_free(m);
	return bad == 0;
}

bool
verify_bare(const uint8_t sig[64], const void *p, size_t n,
    const uint8_t pub[32])
{
	return crypto_sign_verify_detached(sig, p, n, pub) == 0;
}

static char *
base64_of(struct arena *a, const void *p, size_t n)
{
	char *s = arena_alloc(a, B64_LEN(n) + 1);

	b64_encode(s, p, n);
	return s;
}

char *
doc_sign(struct arena *a, const char *kind, const struct wire_msg *row,
    const void *doc, const struct key *signer)
{
	struct buf b;
	uint8_t sig[SIG_LEN] = { 0 };
	char *s;

	buf_init(&b, WIRE_FRAME_MAX);
	buf_add(&b, sig, sizeof(sig));
	wire_encode(&b, row, doc, NULL, NULL);
	assert(!b.over); /* no document's limits add up to that */
	sign_domain(sig, kind, b.data + SIG_LEN, b.len - SIG_LEN, signer);
	memcpy(b.data, sig, SIG_LEN);
	s = base64_of(a, b.data, b.len);
	buf_fini(&b);
	return s;
}

/* The bytes of a document: a signature and at least "{}". */
static uint8_t *
doc_bytes(struct arena *a, const char *b64, size_t *n, struct why *w)
{
	size_t len = strlen(b64);
	ssize_t got;
	uint8_t *p;

	if (len > B64_LEN(WIRE_FRAME_MAX)) {
		why_set(w, E_CANNOT_OPEN, "the signed document is too long");
		return NULL;
	}
	p = arena_alloc(a, len / 4 * 3 + 3);
	got = b64_decode(p, len / 4 * 3 + 3, b64, len);
	if (got < SIG_LEN + 2) {
		why_set(w, E_CANNOT_OPEN,
		    got < 0 ? "the signed document is not standard base64"
			    : "the signed document is too short");
		return NULL;
	}
	*n = (size_t)got;
	return p;
}

/* The JSON stands alone: the bytes that are signed are those of the object. */
static int
doc_decode(const uint8_t *p, size_t n, const struct wire_msg *row, void *out,
    struct arena *a, struct why *w)
{
	if (p[SIG_LEN] != '{' || p[n - 1] != '}')
		return why_set(w, E_CANNOT_OPEN,
		    "the signed document has something around its JSON");
	return wire_decode_text(row, (const char *)p + SIG_LEN, n - SIG_LEN,
	    out, a, w);
}

int
doc_open(struct arena *a, const char *b64, const char *kind,
    const struct wire_msg *row, void *out, const char *signer_hex,
    struct why *w)
{
	size_t n;
	uint8_t pub[32], *p = doc_bytes(a, b64, &n, w);

	if (p == NULL)
		return E_CANNOT_OPEN;
	if (!key_parse(pub, signer_hex) ||
	    !verify_domain(p, kind, p + SIG_LEN, n - SIG_LEN, pub))
		return why_set(w, E_BAD_SIGNATURE,
		    "the signature of the %s document does not verify", kind);
	return doc_decode(p, n, row, out, a, w);
}

int
doc_peek(struct arena *a, const char *b64, const struct wire_msg *row,
    void *out, struct why *w)
{
	size_t n;
	uint8_t *p = doc_bytes(a, b64, &n, w);

	if (p == NULL)
		return E_CANNOT_OPEN;
	return doc_decode(p, n, row, out, a, w);
}

/*
 * bare.c - boxes with nothing but a text in them, as dialect 1 has them: not
 * signed, not bound to an id or a mesh. Whoever can open one could have made it,
 * and a broker can send it again under another id.
 */
#include <sodium.h>
#include <string.h>

#include "base/enc.h"
#include "base/mem.h"
#include "crypto/box.h"

#define BARE_MAX 65536

int
body_seal_bare(struct arena *a, const char *text, const struct key *from,
    const char *to_hex, struct sealed *out, struct why *w)
{
	size_t len = strlen(text), n = len + crypto_box_MACBYTES;
	uint8_t shared[32], nonce[crypto_box_NONCEBYTES], *cipher;
	char *nonce64 = arena_alloc(a, B64_LEN(sizeof(nonce)) + 1);
	char *cipher64 = arena_alloc(a, B64_LEN(n) + 1);

	if (len > BARE_MAX)
		return why_field(w, E_TOO_LONG, "text",
		    "a text is at most %d bytes", BARE_MAX);
	if (box_shared(shared, NULL, from, to_hex) != 0)
		return why_field(w, E_BAD_FIELD, "to",
		    "to is no key that one can encrypt to");
	cipher = mem_alloc(n);
	crypto_random(nonce, sizeof(nonce));
	crypto_box_easy_afternm(cipher, (const uint8_t *)text, len, nonce,
	    shared);
	b64_encode(nonce64, nonce, sizeof(nonce));
	b64_encode(cipher64, cipher, n);
	mem_free(cipher);
	key_wipe(shared, sizeof(shared));
	*out = (struct sealed){ .nonce = nonce64, .ciphertext = cipher64 };
	return OK;
}

int
body_open_bare(struct arena *a, const struct key *mine, const char *from_hex,
    const char *nonce64, const char *cipher64, const char **text, struct why *w)
{
	uint8_t shared[32], nonce[crypto_box_NONCEBYTES], *p;
	size_t len = strlen(cipher64);
	ssize_t got;
	int bad;

	if (len > BODY_CIPHERTEXT_MAX || strlen(nonce64) != 32 ||
	    b64_decode(nonce, sizeof(nonce), nonce64, 32) != sizeof(nonce) ||
	    box_shared(shared, NULL, mine, from_hex) != 0)
		return why_set(w, E_CANNOT_OPEN, "it is no box for this key");
	p = arena_alloc(a, len / 4 * 3 + 3);
	got = b64_decode(p, len / 4 * 3 + 3, cipher64, len);
	bad = got < crypto_box_MACBYTES ||
	    crypto_box_open_easy_afternm(p, p, (size_t)got, nonce, shared) != 0;
	key_wipe(shared, sizeof(shared));
	if (bad)
		return why_set(w, E_CANNOT_OPEN,
		    "the text does not decrypt with this key");
	p[got - crypto_box_MACBYTES] = '\0';
	*text = (const char *)p;
	return OK;
}

/*
 * fuzz_body.c - bodies, signed documents and sealed keys from strangers. The
 * first byte chooses: the rest is a body's JSON, which is signed and encrypted
 * here; the same with a wrong signer; a ciphertext; a document's JSON, signed
 * here; a document's base64; a sealed key's base64.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/box.h"

#define MUST(x)                                                    \
	do {                                                       \
		if (!(x)) {                                        \
			fprintf(stderr, "%d: %s\n", __LINE__, #x); \
			abort();                                   \
		}                                                  \
	} while (0)

static struct key me, you, eve;
static struct box_cache *cache;
static const char nonce64[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

static void
zeros(void *arg, void *p, size_t n)
{
	(void)arg;
	memset(p, 0, n);
}

static void
setup(void)
{
	uint8_t seed[32] = { 1 };

	if (cache != NULL)
		return;
	MUST(crypto_setup(zeros, NULL) == OK);
	key_from_seed(&me, seed);
	seed[0] = 2;
	key_from_seed(&you, seed);
	seed[0] = 3;
	key_from_seed(&eve, seed);
	cache = box_cache_new(2);
}

/* JSON in which $me and $you stand for the keys. */
static size_t
expand(char *out, size_t cap, const char *p, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n && len + 70 < cap; i++) {
		if (p[i] == '$' && i + 1 < n && strchr("my", p[i + 1])) {
			memcpy(out + len, p[++i] == 'm' ? me.hex : you.hex, 64);
			len += 64;
		} else {
			out[len++] = p[i];
		}
	}
	return len;
}

static void
opened(const char *nonce, const char *cipher, bool may)
{
	struct envelope env = { .from = you.hex, .to = me.hex };
	struct why w = { 0 };
	struct arena a;
	struct body b;
	int e;

	arena_init(&a);
	e = body_open_direct(&a, cache, &b, &me, &env, nonce, cipher, &w);
	if (e == OK) {
		MUST(may);
		MUST(str_eq(b.from, you.hex) && str_eq(b.to, me.hex));
		MUST(strlen(b.mesh) == 32 && strlen(b.text) <= 65536);
		MUST(utf8_valid(b.text, strlen(b.text)));
	} else {
		MUST(w.code == e && w.text[0] != '\0');
	}
	arena_fini(&a);
}

/* The same to a label: its key is everybody's who holds the epoch's. */
static void
opened_group(const char *nonce, const char *cipher, bool may)
{
	static const uint8_t epoch[32] = { 7 };
	struct envelope env = { .from = you.hex, .to = "@g" };
	struct why w = { 0 };
	struct arena a;
	struct body b;
	int e;

	arena_init(&a);
	e = body_open_group(&a, &b, epoch, &env, nonce, cipher, &w);
	if (e == OK) {
		MUST(may);
		MUST(str_eq(b.from, you.hex) && str_eq(b.to, "@g"));
		MUST(utf8_valid(b.text, strlen(b.text)));
	} else {
		MUST(w.code == e && w.text[0] != '\0');
	}
	arena_fini(&a);
}

static void
sealed_group(const char *text, size_t n, const struct key *signer)
{
	static const uint8_t epoch[32] = { 7 };
	uint8_t key[32], nonce[24] = { 0 };
	uint8_t *m = mem_alloc(SIG_LEN + n + crypto_secretbox_MACBYTES);
	char *s =
	    mem_alloc(B64_LEN(SIG_LEN + n + crypto_secretbox_MACBYTES) + 1);

	sign_domain(m, "body", text, n, signer);
	if (n > 0)
		memcpy(m + SIG_LEN, text, n);
	key_target(key, epoch, "@g");
	crypto_secretbox_easy(m, m, SIG_LEN + n, nonce, key);
	b64_encode(s, m, SIG_LEN + n + crypto_secretbox_MACBYTES);
	opened_group(nonce64, s, signer == &you);
	mem_free(m);
	mem_free(s);
}

static void
sealed_body(const char *text, size_t n, const struct key *signer)
{
	uint8_t shared[32], nonce[24] = { 0 };
	uint8_t *m = mem_alloc(SIG_LEN + n + crypto_box_MACBYTES);
	char *s = mem_alloc(B64_LEN(SIG_LEN + n + crypto_box_MACBYTES) + 1);

	sign_domain(m, "body", text, n, signer);
	if (n > 0)
		memcpy(m + SIG_LEN, text, n);
	MUST(box_shared(shared, NULL, &you, me.hex) == 0);
	crypto_box_easy_afternm(m, m, SIG_LEN + n, nonce, shared);
	b64_encode(s, m, SIG_LEN + n + crypto_box_MACBYTES);
	opened(nonce64, s, signer == &you);
	mem_free(m);
	mem_free(s);
}

static void
document(const char *b64, bool may)
{
	struct receipt_doc r;
	struct why w = { 0 };
	struct arena a;
	int e;

	arena_init(&a);
	doc_peek(&a, b64, &wire_receipt_doc, &r, NULL);
	e = doc_open(&a, b64, "receipt", &wire_receipt_doc, &r, you.hex, &w);
	MUST(e != OK || (may && strlen(r.from) == 64));
	MUST(e == OK || w.code == e);
	arena_fini(&a);
}

static void
signed_document(const char *text, size_t n)
{
	uint8_t *m = mem_alloc(SIG_LEN + n);
	char *s = mem_alloc(B64_LEN(SIG_LEN + n) + 1);

	sign_domain(m, "receipt", text, n, &you);
	if (n > 0)
		memcpy(m + SIG_LEN, text, n);
	b64_encode(s, m, SIG_LEN + n);
	document(s, true);
	mem_free(m);
	mem_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text, *big;
	uint8_t key[32];
	size_t len;

	setup();
	if (n == 0 || n > 100000)
		return 0;
	text = mem_alloc(n);
	memcpy(text, p + 1, n - 1);
	text[n - 1] = '\0';
	big = mem_alloc(n + 1000);
	len = expand(big, n + 1000, text, n - 1);
	switch (p[0] % 6) {
	case 0:
		sealed_body(big, len, &you);
		sealed_group(big, len, &you);
		break;
	case 1:
		sealed_body(big, len, &eve);
		sealed_group(big, len, &eve);
		break;
	case 2:
		opened(nonce64, text, false);
		opened(text, nonce64, false);
		opened_group(nonce64, text, false);
		break;
	case 3:
		signed_document(big, len);
		break;
	case 4:
		document(text, false);
		break;
	default:
		MUST(unseal_key(key, text, &me) != OK);
	}
	mem_free(text);
	mem_free(big);
	return 0;
}

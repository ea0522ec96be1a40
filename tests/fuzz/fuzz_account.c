/*
 * fuzz_account.c - the account as it is carried. The first byte chooses: the
 * rest is the text; or the bytes of one, whose check is added here; or the
 * document that was in the box; or a code.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/mem.h"
#include "crypto/account.h"

#define MUST(x)                                                    \
	do {                                                       \
		if (!(x)) {                                        \
			fprintf(stderr, "%d: %s\n", __LINE__, #x); \
			abort();                                   \
		}                                                  \
	} while (0)

static void
zeros(void *arg, void *p, size_t n)
{
	(void)arg;
	memset(p, 0, n);
}

static void
reads(struct arena *a, const char *text)
{
	struct why w = { 0 };
	const uint8_t *bytes;
	size_t n;

	if (account_text_read(a, text, &bytes, &n, &w) == OK)
		MUST(n >= 41 + 16 + 2 && bytes[0] == 2);
	else
		MUST(w.code == E_LINK_SPOILED && w.text[0] != '\0');
}

static void
with_check(struct arena *a, const uint8_t *p, size_t n)
{
	static const char domain[] = "claudemesh/account-link/2";
	uint8_t *all = arena_alloc(a, sizeof(domain) + n), hash[32];
	uint8_t *bytes = arena_alloc(a, n + 4);
	char *text = arena_alloc(a, 19 + B64URL_LEN(n + 4) + 1);

	memcpy(all, domain, sizeof(domain));
	memcpy(all + sizeof(domain), p, n);
	sha256(hash, all, sizeof(domain) + n);
	memcpy(bytes, p, n);
	memcpy(bytes + n, hash, 4);
	memcpy(text, "claudemesh-account:", 19);
	b64url_encode(text + 19, bytes, n + 4);
	reads(a, text);
}

static void
parcel(struct arena *a, const char *json, size_t n)
{
	struct account_parcel out;
	struct why w = { 0 };
	uint8_t seed[32];

	if (account_parcel_read(a, json, n, 1000, &out, seed, &w) == OK)
		MUST(
		    out.v == 2 && out.expires_at > 1000 && out.meshes.n <= 100);
	else
		MUST(w.code != OK && w.text[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static bool ready;
	char code[ACCOUNT_CODE_LEN + 1];
	struct arena a = { 0 };
	const char *text;

	if (!ready)
		MUST(crypto_setup(zeros, NULL) == OK);
	ready = true;
	if (n == 0)
		return 0;
	text = arena_strndup(&a, (const char *)p + 1, n - 1);
	switch (p[0] % 4) {
	case 0:
		reads(&a, text);
		break;
	case 1:
		with_check(&a, p + 1, n - 1);
		break;
	case 2:
		parcel(&a, text, n - 1);
		break;
	default:
		if (account_code_read(code, text))
			MUST(strlen(code) == ACCOUNT_CODE_LEN);
	}
	arena_fini(&a);
	return 0;
}

/*
 * account.c - see account.h. Errors say which part to look at and repeat
 * neither text nor code.
 */
#include "crypto/account.h"

#include <sodium.h>
#include <string.h>

#include "base/enc.h"
#include "base/str.h"

#define PREFIX "claudemesh-account:"
#define DOMAIN "claudemesh/account-link/2" /* and its NUL */
#define VERSION 2
#define SALT 16
#define NONCE 24
#define CHECK 4
#define HEAD (1 + SALT + NONCE)
#define PASSES 3
#define MEMORY (64u << 20)

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* ---- the code ---- */

void
account_code(char out[ACCOUNT_CODE_SHOWN + 1])
{
	uint8_t rnd[ACCOUNT_CODE_LEN];
	size_t at = 0;

	crypto_random(rnd, sizeof(rnd));
	for (size_t i = 0; i < sizeof(rnd); i++) {
		if (i == 4 || i == 8)
			out[at++] = '-';
		out[at++] = digits[rnd[i] & 31];
	}
	out[at] = '\0';
	key_wipe(rnd, sizeof(rnd));
}

bool
account_code_read(char out[ACCOUNT_CODE_LEN + 1], const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		char c = *text;

		if (strchr("- \t\r\n", c) != NULL)
			continue;
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c == 'O')
			c = '0';
		if (c == 'I' || c == 'L')
			c = '1';
		if (strchr(digits, c) == NULL || n == ACCOUNT_CODE_LEN)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return n == ACCOUNT_CODE_LEN;
}

static int
code_key(uint8_t key[32], const char *code, const uint8_t salt[SALT],
    struct why *w)
{
	char plain[ACCOUNT_CODE_LEN + 1];
	int bad = 0;

	if (!account_code_read(plain, code))
		return why_field(w, E_BAD_FIELD, "code",
		    "the code is 12 letters and digits, like ABCD-EFGH-JKMN");
	bad = crypto_pwhash(key, 32, plain, ACCOUNT_CODE_LEN, salt, PASSES,
	    MEMORY, crypto_pwhash_ALG_ARGON2ID13);
	key_wipe(plain, sizeof(plain));
	if (bad)
		return why_set(w, E_UNAVAILABLE,
		    "there are no 64 MiB of memory to turn the code into a "
		    "key");
	return OK;
}

/* ---- the text ---- */

static void
check_of(uint8_t out[CHECK], const uint8_t *p, size_t n)
{
	crypto_hash_sha256_state s;
	uint8_t hash[32];

	crypto_hash_sha256_init(&s);
	crypto_hash_sha256_update(&s, (const uint8_t *)DOMAIN, sizeof(DOMAIN));
	crypto_hash_sha256_update(&s, p, n);
	crypto_hash_sha256_final(&s, hash);
	memcpy(out, hash, CHECK);
}

static int
spoiled(struct why *w, const char *text)
{
	return why_set(w, E_LINK_SPOILED, "%s; copy it anew", text);
}

int
account_text_read(struct arena *a, const char *text, const uint8_t **bytes,
    size_t *n, struct why *w)
{
	static const char space[] = " \t\r\n";
	size_t len;
	uint8_t check[CHECK], *p;
	ssize_t got;

	text += strspn(text, space);
	len = strlen(text);
	while (len > 0 && strchr(space, text[len - 1]) != NULL)
		len--;
	if (len > ACCOUNT_TEXT_MAX)
		return spoiled(w, "the text is too long for an account");
	if (strncmp(text, PREFIX, sizeof(PREFIX) - 1) != 0)
		return spoiled(w, "the text does not begin with " PREFIX);
	text += sizeof(PREFIX) - 1;
	len -= sizeof(PREFIX) - 1;
	p = arena_alloc(a, len + 1);
	got = b64url_decode(p, len, text, len);
	if (got < (ssize_t)(HEAD + crypto_secretbox_MACBYTES + 2 + CHECK))
		return spoiled(w, "a part of the text is missing or wrong");
	if (p[0] != VERSION)
		return spoiled(w, "the text is of another version");
	check_of(check, p, (size_t)got - CHECK);
	if (memcmp(check, p + got - CHECK, CHECK) != 0)
		return spoiled(w, "the text is damaged");
	*bytes = p;
	*n = (size_t)got - CHECK;
	return OK;
}

int
account_seal(struct arena *a, const struct account_parcel *in, const char *code,
    const char **text, struct why *w)
{
	uint8_t key[32], *p;
	struct buf b, out;
	size_t n;
	int r;

	buf_init(&b, ACCOUNT_TEXT_MAX / 4 * 3 - 256);
	wire_encode(&b, &wire_account_parcel, in, NULL, NULL);
	if (b.over) {
		buf_fini(&b);
		return why_set(w, E_TOO_LONG, "too many meshes for one text");
	}
	n = HEAD + crypto_secretbox_MACBYTES + b.len;
	p = arena_alloc(a, n + CHECK);
	p[0] = VERSION;
	crypto_random(p + 1, SALT + NONCE);
	r = code_key(key, code, p + 1, w);
	if (r == OK) {
		crypto_secretbox_easy(p + HEAD, (const uint8_t *)b.data, b.len,
		    p + 1 + SALT, key);
		check_of(p + n, p, n);
		buf_init(&out, ACCOUNT_TEXT_MAX + 1);
		buf_adds(&out, PREFIX);
		b64url_encode(buf_reserve(&out, B64URL_LEN(n + CHECK) + 1), p,
		    n + CHECK);
		buf_commit(&out, B64URL_LEN(n + CHECK));
		*text = arena_strndup(a, out.data, out.len);
		buf_fini(&out);
	}
	key_wipe(b.data, b.len);
	buf_fini(&b);
	key_wipe(key, sizeof(key));
	return r;
}

/* ---- reading ---- */

int
account_parcel_read(struct arena *a, const char *json, size_t n, int64_t now,
    struct account_parcel *out, uint8_t seed[32], struct why *w)
{
	if (n < 2 || json[0] != '{' || json[n - 1] != '}')
		return spoiled(w, "what was sealed is no account");
	if (wire_decode_text(&wire_account_parcel, json, n, out, a, w) != OK)
		return w->code;
	if (b64url_decode(seed, 32, out->seed, strlen(out->seed)) != 32)
		return why_field(w, E_BAD_FIELD, "seed", "32 bytes, base64url");
	if (out->expires_at <= now) {
		key_wipe(seed, 32);
		return why_set(w, E_EXPIRED,
		    "the account link has expired; make a new one with "
		    "claudemesh account link");
	}
	return OK;
}

int
account_open(struct arena *a, const char *text, const char *code, int64_t now,
    struct account_parcel *out, uint8_t seed[32], struct why *w)
{
	const uint8_t *p;
	uint8_t key[32], *plain;
	size_t n;
	int r = account_text_read(a, text, &p, &n, w), bad;

	if (r != OK || (r = code_key(key, code, p + 1, w)) != OK)
		return r;
	n -= HEAD + crypto_secretbox_MACBYTES;
	plain = arena_alloc(a, n + 1);
	bad = crypto_secretbox_open_easy(plain, p + HEAD,
	    n + crypto_secretbox_MACBYTES, p + 1 + SALT, key);
	key_wipe(key, sizeof(key));
	if (bad)
		return why_field(w, E_CANNOT_OPEN, "code",
		    "the code is not the one that was shown with this text");
	r = account_parcel_read(a, (const char *)plain, n, now, out, seed, w);
	key_wipe(plain, n);
	return r;
}

/*
 * link_parse.c - invite links, read. Strict: one character changed, lost or
 * added makes E_LINK_SPOILED, with a sentence that tells people which part to
 * look at and never repeats the secret.
 */
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/str.h"
#include "crypto/link.h"

#define AGAIN "; copy it anew or ask for another one"

/* What a link says before anything is believed. Slices of the text. */
struct parts {
	const char *host, *code, *secret;
	size_t nhost, ncode, nsecret;
};

static int
spoiled(struct why *w, const char *text)
{
	why_set(w, E_LINK_SPOILED, "%s", text);
	return E_LINK_SPOILED;
}

static bool
space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ---- the short forms ---- */

/* host/i/code[query]#secret; the query, with its ?, is left to the caller. */
static int
split(const char *s, struct parts *p, const char **query, size_t *nquery,
    struct why *w)
{
	const char *hash = strchr(s, '#'), *path = strstr(s, "/i/"), *end;

	if (hash == NULL || hash[1] == '\0')
		return spoiled(w,
		    "the part of the link after # is missing; "
		    "some programs drop it: copy the whole link");
	if (path == NULL || path > hash)
		return spoiled(w,
		    "this is no invite link: "
		    "after the host it should say /i/ and a code" AGAIN);
	p->host = s;
	p->nhost = (size_t)(path - s);
	p->code = path + 3;
	end = memchr(p->code, '?', (size_t)(hash - p->code));
	if (end == NULL)
		end = hash;
	p->ncode = (size_t)(end - p->code);
	*query = end;
	*nquery = (size_t)(hash - end);
	p->secret = hash + 1;
	p->nsecret = strlen(p->secret);
	return OK;
}

static int
broker_of(struct invite_link *l, const struct parts *p, bool tls, struct why *w)
{
	char host[300];

	if (p->nhost >= sizeof(host) || !link_host_ok(p->host, p->nhost, NULL))
		return spoiled(w, "the host in the link is damaged" AGAIN);
	memcpy(host, p->host, p->nhost);
	host[p->nhost] = '\0';
	str_copy(l->broker, sizeof(l->broker), tls ? "wss://" : "ws://");
	strcat(l->broker, host); /* 512 > 6 + 299 + 3 */
	strcat(l->broker, "/ws");
	return OK;
}

/* One of two lengths: with a pin, and without. */
static const char *
length_fault(size_t n)
{
	size_t is_short = B64URL_LEN(LINK_SECRET_LEN),
	       is_long = B64URL_LEN(LINK_PINNED_LEN);

	if (n == is_short || n == is_long)
		return NULL;
	return n < is_short || (n > is_long - 16 && n < is_long)
	    ? "the end of the link is missing" AGAIN
	    : "there is something after the link's end" AGAIN;
}

static int
secret_of(struct invite_link *l, const struct parts *p, bool tls, struct why *w)
{
	const char *fault = length_fault(p->nsecret);
	uint8_t s[LINK_PINNED_LEN], check[4];
	int e = OK;
	size_t n;

	if (fault != NULL)
		return spoiled(w, fault);
	n = p->nsecret * 3 / 4;
	if (b64url_decode(s, sizeof(s), p->secret, p->nsecret) != (ssize_t)n)
		return spoiled(w,
		    "the part of the link after # is damaged" AGAIN);
	link_secret_check(check, l->broker, s, n);
	if (sodium_memcmp(check, s + n - 4, sizeof(check)) != 0 ||
	    (n == LINK_PINNED_LEN && !tls)) {
		e = spoiled(w,
		    "the link is damaged: its checksum does not fit" AGAIN);
	} else {
		key_from_seed(&l->key, s);
		b32_encode(l->mesh, s + 32, 20);
		if (n == LINK_PINNED_LEN)
			hex_encode(l->pin, s + 52, 32);
	}
	sodium_memzero(s, sizeof(s));
	return e;
}

static int
parse_short(struct invite_link *l, const struct parts *p, bool tls,
    struct why *w)
{
	int e;

	if ((e = broker_of(l, p, tls, w)) != OK ||
	    (e = secret_of(l, p, tls, w)) != OK)
		return e;
	link_code(l->code, l->key.pub);
	if (p->ncode != INVITE_CODE_LEN ||
	    memcmp(p->code, l->code, INVITE_CODE_LEN) != 0)
		return spoiled(w, "the code in the link is damaged" AGAIN);
	return OK;
}

static int
parse_web(struct invite_link *l, const char *s, bool tls, struct why *w)
{
	struct parts p = { 0 };
	const char *query = NULL;
	size_t nquery = 0;
	int e = split(s, &p, &query, &nquery, w);

	if (e != OK)
		return e;
	if (nquery > 0)
		return spoiled(w, "there is a ? in the link" AGAIN);
	return parse_short(l, &p, tls, w);
}

static int
parse_app(struct invite_link *l, const char *s, struct why *w)
{
	struct parts p = { 0 };
	const char *query = NULL;
	size_t nquery = 0;
	bool loopback = false, tls;
	int e = split(s, &p, &query, &nquery, w);

	if (e != OK)
		return e;
	if (!link_host_ok(p.host, p.nhost, &loopback))
		return spoiled(w, "the host in the link is damaged" AGAIN);
	tls = !loopback;
	if (nquery > 0) {
		if (nquery != 6 || memcmp(query, "?tls=", 5) != 0 ||
		    (query[5] != '0' && query[5] != '1'))
			return spoiled(w,
			    "the part of the link between ? and "
			    "# is damaged" AGAIN);
		tls = query[5] == '1';
	}
	return parse_short(l, &p, tls, w);
}

/* ---- the self-contained form ---- */

/* ...,"check":"8 digits"}: over all that precedes it. */
static bool
self_checked(const char *text, size_t n)
{
	static const char key[] = ",\"check\":\"";
	size_t tail = sizeof(key) - 1 + 8 + 2;
	char hex[9];
	uint8_t check[4];

	if (n < tail || memcmp(text + n - tail, key, sizeof(key) - 1) != 0 ||
	    memcmp(text + n - 2, "\"}", 2) != 0)
		return false;
	link_check(check, text, n - tail);
	hex_encode(hex, check, sizeof(check));
	return memcmp(hex, text + n - 10, 8) == 0;
}

/* A string member of at most cap-1 bytes. */
static bool
member(char *out, size_t cap, struct json doc, const char *name)
{
	struct json v = json_member(doc, name);
	struct arena a;
	bool good;
	char *s;

	if (json_kind(v) != JSON_STRING)
		return false;
	arena_init(&a);
	s = json_string(&a, v, NULL);
	good = str_copy(out, cap, s);
	sodium_memzero(s, strlen(s)); /* it may be the seed */
	arena_fini(&a);
	return good;
}

static bool
seed_of(struct key *k, struct json doc)
{
	char text[B64URL_LEN(32) + 1];
	uint8_t seed[32];
	bool good = member(text, sizeof(text), doc, "seed") &&
	    b64url_decode(seed, 32, text, strlen(text)) == 32;

	if (good)
		key_from_seed(k, seed);
	sodium_memzero(text, sizeof(text));
	sodium_memzero(seed, sizeof(seed));
	return good;
}

static bool
shown_ok(const char *name)
{
	return name[0] == '\0' || str_name_fault(name, 64) == NULL;
}

/* Absent, or that of a wss broker. */
static bool
pin_of(struct invite_link *l, struct json doc, bool tls)
{
	if (json_kind(json_member(doc, "pin")) == JSON_NONE)
		return true;
	return tls && member(l->pin, sizeof(l->pin), doc, "pin") &&
	    hex_is(l->pin, 32);
}

static bool
self_read(struct invite_link *l, struct json doc)
{
	struct link_url u;
	char expires[CLOCK_ISO_LEN + 1];
	uint8_t hash[20];
	int64_t v;

	if (json_int(json_member(doc, "v"), &v) != 0 || v != 2 ||
	    !member(l->broker, sizeof(l->broker), doc, "broker") ||
	    !link_url_read(&u, l->broker) ||
	    !member(l->mesh, sizeof(l->mesh), doc, "mesh") ||
	    b32_decode(hash, 20, l->mesh, strlen(l->mesh)) != 20)
		return false;
	if (!member(l->name, sizeof(l->name), doc, "name") ||
	    !member(l->inviter, sizeof(l->inviter), doc, "inviter") ||
	    !shown_ok(l->name) || !shown_ok(l->inviter) ||
	    !member(expires, sizeof(expires), doc, "expires") ||
	    clock_parse(expires, &l->expires_at) != 0 || !pin_of(l, doc, u.tls))
		return false;
	return seed_of(&l->key, doc);
}

static int
parse_self(struct invite_link *l, const char *blob, struct why *w)
{
	char text[INVITE_LINK_MAX];
	size_t len = strlen(blob);
	ssize_t n = b64url_decode(text, sizeof(text), blob, len);
	const char *fault;
	struct json doc;
	int e = OK;

	if (n < 0 || !self_checked(text, (size_t)n))
		e = spoiled(w,
		    "the link is damaged: its checksum does not fit" AGAIN);
	else if (json_check(text, (size_t)n, &doc, &fault, NULL) != 0 ||
	    json_kind(doc) != JSON_OBJECT || !self_read(l, doc))
		e = spoiled(w,
		    "the link was not made by a program we know" AGAIN);
	else
		link_code(l->code, l->key.pub);
	sodium_memzero(text, sizeof(text));
	return e;
}

/* ---- any ---- */

static int
parse_trimmed(struct invite_link *l, const char *s, struct why *w)
{
	for (const char *p = s; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 127)
			return spoiled(w,
			    "there is a space, a line break or "
			    "another character in the link that does not "
			    "belong there" AGAIN);
	if (str_starts(s, "https://"))
		return parse_web(l, s + 8, true, w);
	if (str_starts(s, "http://"))
		return parse_web(l, s + 7, false, w);
	if (str_starts(s, "claudemesh://"))
		return parse_app(l, s + 13, w);
	if (str_starts(s, "ic://join/"))
		return parse_self(l, s + 10, w);
	return spoiled(w,
	    "this is no invite link: it should begin with "
	    "https://, http://, claudemesh:// or ic://join/");
}

int
link_parse(struct invite_link *l, const char *text, struct why *w)
{
	char s[INVITE_LINK_MAX];
	size_t n;
	int e;

	*l = (struct invite_link){ 0 };
	while (space(*text))
		text++;
	for (n = strlen(text); n > 0 && space(text[n - 1]); n--)
		;
	if (n >= sizeof(s))
		return spoiled(w, "the link is too long" AGAIN);
	memcpy(s, text, n);
	s[n] = '\0';
	e = parse_trimmed(l, s, w);
	sodium_memzero(s, sizeof(s));
	if (e != OK)
		key_wipe(l, sizeof(*l));
	return e;
}

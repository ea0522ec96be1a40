/*
 * link.c - invite links, written. roll.h says how the three spellings are made.
 *
 * Every byte of a link is covered by its check, so what link_parse accepts is
 * what was printed here. The check finds accidents; it is no signature: who
 * holds a link can make another one.
 */
#include "crypto/link.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/str.h"

#define BROKER_MAX sizeof(((struct invite_link *)NULL)->broker)

static const char domain[] = "claudemesh/link/2"; /* hashed with its NUL */

/* ---- shared with reading ---- */

static bool
host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
	    c == '-' || c == '_';
}

static bool
port_ok(const char *p, size_t n)
{
	unsigned long v = 0;

	if (n < 1 || n > 5 || p[0] == '0')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (unsigned long)(p[i] - '0');
	}
	return v <= 65535;
}

/* Length of the name or address at the front, brackets included; 0: none. */
static size_t
host_len(const char *h, size_t n)
{
	size_t i = 0;

	if (n > 0 && h[0] == '[') {
		for (i = 1; i < n && h[i] != ']'; i++)
			if (strchr("0123456789abcdef:.", h[i]) == NULL)
				return 0;
		return i < n && i > 2 ? i + 1 : 0;
	}
	while (i < n && host_char(h[i]))
		i++;
	return i;
}

static bool
is(const char *p, size_t n, const char *s)
{
	return strlen(s) == n && memcmp(p, s, n) == 0;
}

bool
link_host_ok(const char *host, size_t n, bool *loopback)
{
	size_t len = host_len(host, n);

	if (len == 0 || len > 255)
		return false;
	if (loopback != NULL)
		*loopback = is(host, len, "localhost") ||
		    is(host, len, "[::1]") ||
		    (len > 4 && memcmp(host, "127.", 4) == 0);
	return len == n ||
	    (host[len] == ':' && port_ok(host + len + 1, n - len - 1));
}

bool
link_url_read(struct link_url *u, const char *broker)
{
	size_t n = strlen(broker), start;

	if (n >= BROKER_MAX)
		return false;
	u->tls = str_starts(broker, "wss://");
	start = u->tls ? 6 : 5;
	if ((!u->tls && !str_starts(broker, "ws://")) || n < start + 3 ||
	    strcmp(broker + n - 3, "/ws") != 0)
		return false;
	u->host = broker + start;
	u->nhost = n - start - 3;
	return link_host_ok(u->host, u->nhost, &u->loopback);
}

void
link_check(uint8_t out[4], const void *p, size_t n)
{
	crypto_hash_sha256_state st;
	uint8_t h[32];

	crypto_hash_sha256_init(&st);
	crypto_hash_sha256_update(&st, (const uint8_t *)domain, sizeof(domain));
	crypto_hash_sha256_update(&st, p, n);
	crypto_hash_sha256_final(&st, h);
	memcpy(out, h, 4);
	sodium_memzero(&st, sizeof(st));
}

void
link_secret_check(uint8_t out[4], const char *broker, const uint8_t *secret,
    size_t len)
{
	uint8_t in[BROKER_MAX + LINK_PINNED_LEN];
	size_t n = strlen(broker) + 1;

	memcpy(in, broker, n);
	memcpy(in + n, secret, len - 4);
	link_check(out, in, n + len - 4);
	sodium_memzero(in, sizeof(in));
}

void
link_code(char out[INVITE_CODE_LEN + 1], const uint8_t pub[32])
{
	uint8_t h[32];

	sha256(h, pub, 32);
	b32_encode(out, h, 10);
}

/* ---- printing ---- */

/* The broker URL with its scheme and host in lower case. */
static bool
canonical(char *out, size_t cap, struct link_url *u, const char *broker)
{
	if (!str_copy(out, cap, broker))
		return false;
	for (char *p = out; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z' &&
		    (size_t)(p - out) + 3 < strlen(out))
			*p += 'a' - 'A';
	return link_url_read(u, out);
}

/* A pin is 64 lower hex digits and belongs to TLS. */
static bool
pin_ok(const char *pin, const char *url)
{
	return *pin == '\0' || (hex_is(pin, 32) && str_starts(url, "wss://"));
}

static bool
secret_print(char out[B64URL_LEN(LINK_PINNED_LEN) + 1], const char *broker,
    const struct invite_link *l)
{
	uint8_t s[LINK_PINNED_LEN];
	size_t n = LINK_SECRET_LEN;
	bool good = strlen(l->mesh) == MESH_ID_LEN &&
	    b32_decode(s + 32, 20, l->mesh, MESH_ID_LEN) == 20 &&
	    pin_ok(l->pin, broker);

	memcpy(s, l->key.seed, 32);
	if (good && l->pin[0] != '\0') {
		hex_decode(s + 52, 32, l->pin, 64);
		n = LINK_PINNED_LEN;
	}
	link_secret_check(s + n - 4, broker, s, n);
	b64url_encode(out, s, n);
	sodium_memzero(s, sizeof(s));
	return good;
}

static int
fits(int n, size_t cap)
{
	return n >= 0 && (size_t)n < cap ? OK : E_TOO_LONG;
}

static int
print_short(char *out, size_t cap, const struct invite_link *l, bool app)
{
	char url[sizeof(l->broker)], code[INVITE_CODE_LEN + 1];
	char secret[B64URL_LEN(LINK_PINNED_LEN) + 1];
	const char *scheme, *ask = "";
	struct link_url u;
	int n;

	if (!canonical(url, sizeof(url), &u, l->broker) ||
	    !secret_print(secret, url, l))
		return E_BAD_FIELD;
	scheme = app ? "claudemesh" : u.tls ? "https" : "http";
	if (app && u.tls == u.loopback) /* not the default there */
		ask = u.tls ? "?tls=1" : "?tls=0";
	link_code(code, l->key.pub);
	n = snprintf(out, cap, "%s://%.*s/i/%s%s#%s", scheme, (int)u.nhost,
	    u.host, code, ask, secret);
	sodium_memzero(secret, sizeof(secret));
	return fits(n, cap);
}

int
link_print(char *out, size_t cap, const struct invite_link *l)
{
	return print_short(out, cap, l, false);
}

int
link_print_app(char *out, size_t cap, const struct invite_link *l)
{
	return print_short(out, cap, l, true);
}

static void
self_text(struct buf *b, const struct invite_link *l, const char *url)
{
	char seed[B64URL_LEN(32) + 1], expires[CLOCK_ISO_LEN + 1], hex[9];
	uint8_t check[4];

	b64url_encode(seed, l->key.seed, 32);
	clock_iso(expires, l->expires_at);
	buf_addf(b,
	    "{\"v\":2,\"broker\":\"%s\",\"mesh\":\"%s\",\"seed\":\"%s\"", url,
	    l->mesh, seed);
	buf_adds(b, ",\"name\":");
	json_quote(b, l->name);
	buf_adds(b, ",\"inviter\":");
	json_quote(b, l->inviter);
	buf_addf(b, ",\"expires\":\"%s\"", expires);
	if (l->pin[0] != '\0')
		buf_addf(b, ",\"pin\":\"%s\"", l->pin);
	link_check(check, b->data, b->len);
	hex_encode(hex, check, sizeof(check));
	buf_addf(b, ",\"check\":\"%s\"}", hex);
	sodium_memzero(seed, sizeof(seed));
}

int
link_print_self(char *out, size_t cap, const struct invite_link *l)
{
	static const char head[] = "ic://join/";
	char url[sizeof(l->broker)];
	struct link_url u;
	struct buf b;
	size_t n;
	int e = OK;

	if (!canonical(url, sizeof(url), &u, l->broker) ||
	    strlen(l->mesh) != MESH_ID_LEN || !pin_ok(l->pin, url))
		return E_BAD_FIELD;
	buf_init(&b, INVITE_LINK_MAX);
	self_text(&b, l, url);
	n = sizeof(head) - 1;
	if (b.over || cap < n + B64URL_LEN(b.len) + 1) {
		e = E_TOO_LONG;
	} else {
		memcpy(out, head, n);
		b64url_encode(out + n, b.data, b.len);
	}
	if (b.data != NULL)
		sodium_memzero(b.data, b.len);
	buf_fini(&b);
	return e;
}

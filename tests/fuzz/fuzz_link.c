/*
 * fuzz_link.c - invite links. The first byte chooses: the rest is a link; or
 * the JSON of a self-contained link up to its check, which is added here; or
 * host and names of a link to print and read back; or how to damage a good one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/link.h"

#define MUST(x)                                                    \
	do {                                                       \
		if (!(x)) {                                        \
			fprintf(stderr, "%d: %s\n", __LINE__, #x); \
			abort();                                   \
		}                                                  \
	} while (0)

static const struct invite_link none;

static void
zeros(void *arg, void *p, size_t n)
{
	(void)arg;
	memset(p, 0, n);
}

/* A link that was read is a link that can be written. */
static void
reads(const char *text)
{
	struct invite_link l, again;
	struct why w = { 0 };
	char s[INVITE_LINK_MAX];
	struct link_url u;

	if (link_parse(&l, text, &w) != OK) {
		MUST(w.code == E_LINK_SPOILED && w.text[0] != '\0');
		MUST(memcmp(&l, &none, sizeof(l)) == 0);
		return;
	}
	MUST(link_url_read(&u, l.broker));
	MUST(strlen(l.mesh) == MESH_ID_LEN);
	MUST(strlen(l.code) == INVITE_CODE_LEN);
	MUST(link_print(s, sizeof(s), &l) == OK);
	MUST(link_parse(&again, s, NULL) == OK);
	MUST(str_eq(again.broker, l.broker) && str_eq(again.mesh, l.mesh) &&
	    str_eq(again.key.hex, l.key.hex) && str_eq(again.pin, l.pin));
	MUST(l.pin[0] == '\0' || (u.tls && hex_is(l.pin, 32)));
}

static void
self_with_check(const char *text, size_t n)
{
	struct buf b;
	uint8_t check[4];
	char hex[9], *s;

	link_check(check, text, n);
	hex_encode(hex, check, 4);
	buf_init(&b, n + 64);
	buf_add(&b, text, n);
	buf_addf(&b, ",\"check\":\"%s\"}", hex);
	s = mem_alloc(10 + B64URL_LEN(b.len) + 1);
	memcpy(s, "ic://join/", 10);
	b64url_encode(s + 10, b.data, b.len);
	reads(s);
	mem_free(s);
	buf_fini(&b);
}

static struct invite_link
a_link(uint8_t seed)
{
	uint8_t s[32] = { seed };
	struct invite_link l = { .broker = "ws://127.0.0.1:7900/ws",
		.mesh = "abcdefghijklmnopqrstuvwxyz234567",
		.name = "mesh",
		.inviter = "ann",
		.expires_at = 1790000000000 };

	key_from_seed(&l.key, s);
	return l;
}

static int
print(char s[INVITE_LINK_MAX], const struct invite_link *l, unsigned how)
{
	if (how % 3 == 0)
		return link_print(s, INVITE_LINK_MAX, l);
	if (how % 3 == 1)
		return link_print_app(s, INVITE_LINK_MAX, l);
	return link_print_self(s, INVITE_LINK_MAX, l);
}

static void
round_trip(const uint8_t *p, size_t n)
{
	struct invite_link l = a_link(7), got;
	size_t host = n > 200 ? 200 : n;
	char s[INVITE_LINK_MAX];

	for (unsigned how = 0; how < 6; how++) {
		snprintf(l.broker, sizeof(l.broker), "%s://%.*s/ws",
		    how < 3 ? "ws" : "wss", (int)host, (const char *)p);
		if (how >= 3 && n % 2 == 1)
			memset(l.pin, "0123456789abcdef"[n % 16], 64);
		if (print(s, &l, how) != OK)
			continue;
		MUST(link_parse(&got, s, NULL) == OK);
		MUST(str_eq(got.key.hex, l.key.hex));
		MUST(str_eq(got.mesh, l.mesh) && str_eq(got.pin, l.pin));
		MUST(strlen(got.broker) == strlen(l.broker));
	}
}

static void
damage(const uint8_t *p, size_t n)
{
	struct invite_link l = a_link(9), got;
	char s[INVITE_LINK_MAX], good[INVITE_LINK_MAX];
	size_t len, at;

	if (n < 4)
		return;
	MUST(print(good, &l, p[0]) == OK);
	len = strlen(good);
	at = (p[1] | (size_t)p[2] << 8) % len;
	memcpy(s, good, len + 1);
	s[at] = (char)p[3];
	if (s[at] == good[at])
		return;
	if (p[3] == '\0' || strchr(" \t\r\n", p[3]) == NULL)
		MUST(link_parse(&got, s, NULL) == E_LINK_SPOILED);
	reads(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static bool ready;
	char *text;

	if (!ready)
		MUST(crypto_setup(zeros, NULL) == OK);
	ready = true;
	if (n == 0)
		return 0;
	text = mem_alloc(n);
	memcpy(text, p + 1, n - 1);
	text[n - 1] = '\0';
	switch (p[0] % 4) {
	case 0:
		reads(text);
		break;
	case 1:
		self_with_check(text, n - 1);
		break;
	case 2:
		round_trip((uint8_t *)text, n - 1);
		break;
	default:
		damage((uint8_t *)text, n - 1);
	}
	mem_free(text);
	return 0;
}

/*
 * old.c - words that speak as clients of the protocol's version 1 do: no
 * subprotocol, a hello signed by the member key without a domain, boxes with
 * nothing but the text.
 */
#include <sodium.h>
#include <string.h>

#include "base/enc.h"
#include "crypto/body.h"
#include "tests/wire/script.h"

/* old CONNECTION SESSION KEY [in MESH] [with {}]: says hello; reads nothing. */
void
word_old(const struct args *a)
{
	const char *with = args_after(a, "with"), *mesh = args_after(a, "in");
	struct key *member = tr_key(a->v[3]), *session;
	long long now = (long long)tr_now();
	struct tconn *c;
	uint8_t sig[64];
	char hex[129], *text, *ask;

	session = map_gets(&tr.keys, a->v[2]);
	if (session == NULL)
		session = tr_new_key(a->v[2]);
	c = conn_dial(a->v[1], "/ws", "", false);
	c->old = true;
	mesh = tr_mesh(mesh == NULL ? "m" : mesh)->id;
	text = arena_printf(&tr.arena, "%s|id-of-%s|%s|%lld", mesh, a->v[3],
	    member->hex, now);
	crypto_sign_detached(sig, NULL, (const uint8_t *)text, strlen(text),
	    member->sec);
	hex_encode(hex, sig, 64);
	ask = arena_printf(&tr.arena,
	    "{\"type\":\"hello\",\"meshId\":\"%s\",\"memberId\":"
	    "\"id-of-%s\",\"pubkey\":\"%s\",\"sessionPubkey\":\"%s\","
	    "\"displayName\":\"%s\",\"sessionId\":\"sdk-1\",\"pid\":1,"
	    "\"peerType\":\"connector\",\"channel\":\"sdk\","
	    "\"timestamp\":%lld,\"signature\":\"%s\"}",
	    mesh, a->v[3], member->hex, session->hex, a->v[2], now, hex);
	ask = tr_overlay(ask, with);
	tr_set(arena_printf(&tr.arena, "%s.signed", c->name), ask);
	conn_text(c, ask, strlen(ask));
}

void
word_bare(const struct args *a)
{
	struct why why = { 0 };
	struct sealed out;

	if (body_seal_bare(&tr.arena, a->v[4], tr_key(a->v[2]),
		tr_key(a->v[3])->hex, &out, &why) != OK)
		tr_fail("it cannot be sealed: %s", why.text);
	tr_set(a->v[1],
	    arena_printf(&tr.arena, "\"nonce\":\"%s\",\"ciphertext\":\"%s\"",
		out.nonce, out.ciphertext));
}

void
word_opens_bare(const struct args *a)
{
	struct tconn *c = tr_conn(a->v[1]);
	struct why why = { 0 };
	const char *text;

	if (body_open_bare(&tr.arena, tr_key(a->v[2]),
		tr_member(c->last, "senderPubkey"), tr_member(c->last, "nonce"),
		tr_member(c->last, "ciphertext"), &text, &why) != OK)
		tr_fail("it does not open: %s", why.text);
	if (strcmp(text, a->v[3]) != 0)
		tr_fail("it says '%s'", text);
}

/*
 * link_hello.c - the sessions of a link: their hellos at every connection, home
 * first, and their attestations, which are signed for 12 hours and renewed when
 * less than 6 remain.
 */
#include "client/link_int.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

void
link_sessions_fini(struct link *l)
{
	struct link_session *s;

	for (size_t i = 0; (s = map_next(&l->sessions, &i)) != NULL;) {
		mem_free(s->attestation);
		key_wipe(&s->key, sizeof(s->key));
		mem_free(s);
	}
	map_fini(&l->sessions);
}

/* By the broker's clock, which judges it: ours may be wrong. But not by more
 * than a day: or it would have us sign for years to come. */
static int64_t
attest_now(const struct link *l)
{
	int64_t skew = l->skew;

	if (skew > LINK_SKEW_MAX_MS)
		skew = LINK_SKEW_MAX_MS;
	else if (skew < -LINK_SKEW_MAX_MS)
		skew = -LINK_SKEW_MAX_MS;
	return io_wall(l->io) + skew;
}

static void
attest(struct link *l, struct link_session *s)
{
	int64_t now = attest_now(l);
	struct attestation doc = { .mesh = l->mesh,
		.member = l->member->hex,
		.session = s->key.hex,
		.name = s->name,
		.issued_at = now,
		.expires_at = now + LINK_ATTEST_MS };

	mem_free(s->attestation);
	s->attestation = mem_strdup(
	    doc_sign(&l->arena, "attest", &wire_attestation, &doc, l->member));
	s->expires_at = doc.expires_at;
}

void
link_came_up(struct link *l)
{
	struct link_session *s;

	if (l->state == LINK_UP || !l->synced)
		return;
	for (size_t i = 0; (s = map_next(&l->sessions, &i)) != NULL;)
		if (s->open)
			break;
	if (s == NULL)
		return;
	l->state = LINK_UP;
	l->reason[0] = '\0';
	l->tries = 0;
	log_event(LOG_INFO, "link_up", "mesh", l->mesh, "broker", l->url, NULL);
	l->ops->up(l->arg);
}

/* Which refusals are about the whole link, and which will pass? */
static void
hello_refused(struct link *l, struct link_session *s, const struct why *why)
{
	struct link_session *o;

	l->ops->hello(l->arg, s->key.hex, NULL, why);
	switch (why->code) {
	case E_WRONG_URL:
	case E_NOT_MEMBER:
	case E_NO_MESH:
	case E_OLD_CLIENT:
		link_refuse(l, why->text);
		return;
	case E_REVOKED:
	case E_FORBIDDEN:
	case E_BAD_SIGNATURE:
	case E_CONFLICT:
	case E_BAD_FIELD:
	case E_TOO_LONG:
	case E_TOO_SHORT:
	case E_NOT_ALLOWED:
		s->refused = true;
		break;
	default:
		link_drop(l, why->text);
		return;
	}
	for (size_t i = 0; (o = map_next(&l->sessions, &i)) != NULL;)
		if (!o->refused)
			return;
	link_refuse(l, why->text);
}

static void
on_hello(void *arg, uint64_t tag, const struct link_reply *r)
{
	struct link *l = arg;
	const struct hello_ack *ack = r->msg;
	struct link_session *s = NULL;

	for (size_t i = 0; (s = map_next(&l->sessions, &i)) != NULL;)
		if (memcmp(s->key.pub, &tag, sizeof(tag)) == 0)
			break;
	if (s == NULL || r->code == E_UNREACHABLE)
		return; /* ended meanwhile; or the link knows already */
	if (r->code != OK) {
		hello_refused(l, s, &r->why);
		return;
	}
	s->open = true;
	l->ops->hello(l->arg, s->key.hex, ack, NULL);
	if (!l->synced && (ack->roll.n < roll_n(l->roll)))
		link_refuse(l,
		    "the broker shows a shorter roll than the one known "
		    "here: it lost or hides acts");
	else
		link_roll_see(l, &ack->roll);
	if (l->synced)
		link_came_up(l);
}

void
link_hello(struct link *l, struct link_session *s)
{
	struct hello_proof proof = { .url = l->url,
		.mesh = l->mesh,
		.member = l->member->hex,
		.session = s->key.hex,
		.challenge = l->challenge.nonce };
	struct session_hello h;
	uint64_t tag;

	if (!l->challenged || s->refused)
		return;
	attest(l, s);
	memset(&h, 0, sizeof(h));
	l->ops->fill(l->arg, s->key.hex, &h, &l->arena);
	h.mesh_id = l->mesh;
	h.member_pubkey = l->member->hex;
	h.session_pubkey = s->key.hex;
	h.attestation = s->attestation;
	h.proof =
	    doc_sign(&l->arena, "hello", &wire_hello_proof, &proof, &s->key);
	memcpy(&tag, s->key.pub, sizeof(tag));
	link_call(l, &wire_session_hello, &h, NULL, on_hello, l, tag);
}

void
link_hello_all(struct link *l)
{
	struct link_session *s;

	for (size_t i = 0; (s = map_next(&l->sessions, &i)) != NULL;)
		link_hello(l, s);
}

void
link_session(struct link *l, const struct key *key, const char *name)
{
	struct link_session *s = map_gets(&l->sessions, key->hex);

	if (s == NULL) {
		s = mem_zalloc(sizeof(*s));
		s->key = *key;
		map_puts(&l->sessions, key->hex, s);
	}
	str_copy(s->name, sizeof(s->name), name);
	s->refused = false;
	if (!s->open)
		link_hello(l, s);
}

static void
ignore(void *arg, uint64_t tag, const struct link_reply *r)
{
	(void)arg, (void)tag, (void)r;
}

void
link_session_drop(struct link *l, const char *session, bool end)
{
	struct link_session *s = map_dels(&l->sessions, session);
	struct session_end none = { 0 };

	if (s == NULL)
		return;
	if (end && s->open)
		link_call(l, &wire_session_end, &none, session, ignore, NULL,
		    0);
	mem_free(s->attestation);
	key_wipe(&s->key, sizeof(s->key));
	mem_free(s);
}

bool
link_session_open(const struct link *l, const char *session)
{
	const struct link_session *s = map_gets(&l->sessions, session);

	return s != NULL && s->open;
}

const char *
link_attestation(const struct link *l, const char *session)
{
	const struct link_session *s = map_gets(&l->sessions, session);

	return s ? s->attestation : NULL;
}

static void
on_attested(void *arg, uint64_t tag, const struct link_reply *r)
{
	struct link *l = arg;

	(void)tag;
	if (r->code != OK && r->code != E_UNREACHABLE)
		log_event(LOG_WARN, "attest_refused", "mesh", l->mesh, "why",
		    r->why.text, NULL);
}

void
link_attest_due(struct link *l)
{
	int64_t now = attest_now(l);
	struct link_session *s;
	struct session_attest in = { 0 };

	for (size_t i = 0; (s = map_next(&l->sessions, &i)) != NULL;) {
		if (!s->open || s->expires_at - now >= LINK_RENEW_MS)
			continue;
		attest(l, s);
		in.attestation = s->attestation;
		link_call(l, &wire_session_attest, &in, s->key.hex, on_attested,
		    l, 0);
	}
}

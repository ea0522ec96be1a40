/*
 * brokercast.c - people of a mesh, their sessions, and what they say to the
 * broker; see brokerkit.h.
 */
#include <stdio.h>

#include "base/enc.h"
#include "base/str.h"
#include "tests/unit/brokerkit.h"

/* ---- people and meshes ---- */

void
person_init(struct person *p, struct kit *k, const char *name)
{
	*p = (struct person){ 0 };
	io_random(fakeio_io(k->f), p->seed, 32);
	str_copy(p->name, sizeof(p->name), name);
}

static int64_t
now(struct kit *k)
{
	return io_wall(fakeio_io(k->f));
}

void
make_mesh(struct kit *k, struct person *p)
{
	struct client *c = client_new(k);
	struct roll *roll = roll_new();
	struct act_genesis g = { .name = "test mesh", .epoch = 1 };
	struct act_admin a = { .name = p->name };
	struct mesh_created made;
	struct blob acts[2];
	struct why why = { 0 };
	uint8_t nonce[32];
	char hex[65], hash[65];

	io_random(fakeio_io(k->f), nonce, 32);
	io_random(fakeio_io(k->f), p->epoch, 32);
	hex_encode(hex, nonce, 32);
	sha256_hex(hash, p->epoch, 32);
	key_owner(&p->owner, p->seed, hex);
	g.nonce = hex;
	g.log_key = c->hi.log_key;
	g.epoch_hash = hash;
	acts[0].s = act_make(&k->arena, roll, "genesis", &wire_act_genesis, &g,
	    &p->owner, NULL, now(k));
	assert_int_equal(roll_apply(roll, acts[0].s, &why), OK);
	str_copy(p->mesh, sizeof(p->mesh), roll_mesh(roll));
	key_member(&p->member, p->seed, p->mesh);
	a.member = p->member.hex;
	acts[1].s = act_make(&k->arena, roll, "admin", &wire_act_admin, &a,
	    &p->owner, NULL, now(k));
	assert_int_equal(ASK(c, NULL, mesh_create, &made, .acts = { 2, acts },
			     .sealed =
				 seal_key(&k->arena, p->epoch, p->member.hex)),
	    OK);
	assert_string_equal(made.mesh_id, p->mesh);
	/* the same again is answered the same */
	assert_int_equal(ASK(c, NULL, mesh_create, &made, .acts = { 2, acts },
			     .sealed =
				 seal_key(&k->arena, p->epoch, p->member.hex)),
	    OK);
	assert_int_equal(made.roll.n, 2);
	roll_free(roll);
	client_free(c);
}

struct roll *
fetch_roll(struct client *c, const char *mesh)
{
	struct roll *roll = roll_new();
	struct roll_page page;
	struct why why = { 0 };
	size_t i;

	do {
		assert_int_equal(ASK(c, NULL, roll_get, &page, .mesh_id = mesh,
				     .from = roll_n(roll)),
		    OK);
		for (i = 0; i < page.acts.n; i++)
			assert_int_equal(roll_apply(roll, page.acts.v[i].s,
					     &why),
			    OK);
	} while (roll_n(roll) < page.roll.n);
	assert_string_equal(roll_head(roll), page.roll.head);
	return roll;
}

void
make_invite(struct client *c, struct sess *by, struct key *invite, int64_t uses,
    int64_t expires_at)
{
	struct kit *k = c->k;
	struct roll *roll = fetch_roll(c, by->who->mesh);
	struct act_invite a = { .role = "member",
		.uses = uses,
		.expires_at = expires_at };
	struct sealed_key sealed;
	struct roll_appended done;

	key_random(invite);
	a.invite = invite->hex;
	sealed.key = invite->hex;
	sealed.sealed = seal_key(&k->arena, by->who->epoch, invite->hex);
	assert_int_equal(ASK(c, by->key.hex, roll_append, &done,
			     .act = act_make(&k->arena, roll, "invite",
				 &wire_act_invite, &a, &by->who->member, NULL,
				 now(k)),
			     .sealed = { 1, &sealed }),
	    OK);
	roll_free(roll);
}

int
open_invite(struct client *c, const struct key *invite, struct invite_info *out)
{
	struct invite_proof p = { .url = c->k->url,
		.invite = invite->hex,
		.challenge = c->hi.nonce };

	return ASK(c, NULL, invite_open, out,
	    .proof = doc_sign(&c->k->arena, "invite", &wire_invite_proof, &p,
		invite));
}

int
join_mesh(struct client *c, struct person *p, const struct person *host,
    const struct key *invite)
{
	struct kit *k = c->k;
	struct roll *roll = fetch_roll(c, host->mesh);
	struct act_join a = { .invite = invite->hex, .name = p->name };
	struct roll_appended done;
	int r;

	str_copy(p->mesh, sizeof(p->mesh), host->mesh);
	memcpy(p->epoch, host->epoch, 32);
	key_member(&p->member, p->seed, p->mesh);
	a.member = p->member.hex;
	r = ASK(c, NULL, mesh_join, &done, .mesh_id = p->mesh,
	    .act = act_make(&k->arena, roll, "join", &wire_act_join, &a,
		&p->member, invite, now(k)),
	    .sealed = seal_key(&k->arena, p->epoch, p->member.hex));
	roll_free(roll);
	return r;
}

/* ---- sessions ---- */

void
sess_init(struct sess *s, struct kit *k, struct person *who, const char *name,
    const char *daemon)
{
	(void)k;
	*s = (struct sess){ .who = who, .seq = -1 };
	key_random(&s->key);
	str_copy(s->name, sizeof(s->name), name);
	str_copy(s->daemon, sizeof(s->daemon), daemon);
}

char *
attest(struct kit *k, const struct sess *s, int64_t issued_in, int64_t life_ms)
{
	struct attestation a = { .mesh = s->who->mesh,
		.member = s->who->member.hex,
		.session = s->key.hex,
		.name = s->name,
		.issued_at = now(k) + issued_in,
		.expires_at = now(k) + issued_in + life_ms };

	return doc_sign(&k->arena, "attest", &wire_attestation, &a,
	    &s->who->member);
}

struct session_hello
hello_of(struct client *c, struct sess *s)
{
	struct hello_proof p = { .url = c->k->url,
		.mesh = s->who->mesh,
		.member = s->who->member.hex,
		.session = s->key.hex,
		.challenge = c->hi.nonce };
	struct session_hello h = { .mesh_id = s->who->mesh,
		.member_pubkey = s->who->member.hex,
		.session_pubkey = s->key.hex,
		.daemon_id = s->daemon,
		.attestation = attest(c->k, s, 0, 12 * 3600 * 1000) };

	h.proof =
	    doc_sign(&c->k->arena, "hello", &wire_hello_proof, &p, &s->key);
	if (s->seq >= 0) {
		h.has_cursor = true;
		h.cursor.history = s->ack.cursor.history;
		h.cursor.seq = s->seq;
	}
	return h;
}

int
hello(struct client *c, struct sess *s)
{
	struct session_hello h = hello_of(c, s);

	return ask(c, NULL, &wire_session_hello, &h, &s->ack);
}

int
send_text(struct client *c, struct sess *from, const char *to, const char *id,
    char receipt[16])
{
	struct kit *k = c->k;
	struct body body = { .mesh = from->who->mesh,
		.from = from->key.hex,
		.to = to,
		.id = id,
		.epoch = 1,
		.has_roll = true,
		.roll = { .n = 2, .head = from->ack.roll.head },
		.priority = "next",
		.sent_at = now(k),
		.text = "hello" };
	struct box_cache *cache = box_cache_new(4);
	struct sealed sealed;
	struct ack ack;
	struct why why = { 0 };
	int r;

	r = body_seal_direct(&k->arena, cache, &body, &from->key, to, &sealed,
	    &why);
	if (r != OK)
		fail_msg("seal: %s %s", why.field, why.text);
	box_cache_free(cache);
	r = ASK(c, from->key.hex, message_send, &ack, .id = id,
	    .target_spec = to, .priority = "next", .nonce = sealed.nonce,
	    .ciphertext = sealed.ciphertext);
	if (r == OK && receipt != NULL)
		snprintf(receipt, 16, "%s%s", ack.duplicate ? "+" : "",
		    ack.recipients.v[0].receipt);
	return r;
}

char *
sign_receipt(struct kit *k, const struct sess *by, const char *from,
    const char *rung, const char *id)
{
	struct text t = { .s = id };
	struct receipt_doc d = { .mesh = by->who->mesh,
		.from = from,
		.by = by->key.hex,
		.rung = rung,
		.ids = { 1, &t },
		.at = now(k) };

	return doc_sign(&k->arena, "receipt", &wire_receipt_doc, &d, &by->key);
}

bool
event(struct client *c, const char *name)
{
	struct message_push e;

	while (heard(c, &wire_message_push, &e)) {
		if (strcmp(e.event, name) == 0)
			return true;
	}
	return false;
}

int64_t
wall_now(struct kit *k)
{
	return now(k);
}

int
append(struct client *c, struct sess *s, const char *kind,
    const struct wire_msg *row, const void *fields)
{
	struct roll *roll = fetch_roll(c, s->who->mesh);
	char *act = act_make(&c->k->arena, roll, kind, row, fields,
	    &s->who->member, NULL, now(c->k));

	roll_free(roll);
	return ASK(c, s->key.hex, roll_append, NULL, .act = act);
}

/* ---- two people ---- */

void
pair_init(struct pair *p, struct kit *k)
{
	struct invite_info info;
	struct key invite;

	person_init(&p->alice, k, "alice");
	make_mesh(k, &p->alice);
	sess_init(&p->a, k, &p->alice, "alice", "daemon-of-alice-01");
	p->ca = client_new(k);
	assert_int_equal(hello(p->ca, &p->a), OK);
	make_invite(p->ca, &p->a, &invite, 1, now(k) + HOUR);
	person_init(&p->bob, k, "bob");
	p->cb = client_new(k);
	assert_int_equal(open_invite(p->cb, &invite, &info), OK);
	assert_int_equal(info.epoch, 1);
	assert_int_equal(join_mesh(p->cb, &p->bob, &p->alice, &invite), OK);
	sess_init(&p->b, k, &p->bob, "bob", "daemon-of-bob-0001");
	assert_int_equal(hello(p->cb, &p->b), OK);
}

void
pair_fini(struct pair *p)
{
	client_free(p->ca);
	client_free(p->cb);
}

/*
 * test_daemon_evil.c - what a broker, or a member, may try: forged receipts,
 * mail that was redirected, re-prioritised, replayed or signed by nobody, a
 * roll that is not the one known. None of it shows as true.
 */
#include "tests/unit/daemonkit.h"

static void
forgery(struct dk *k, struct dmesh *m, const struct receipt_doc *doc,
    const struct key *by, int expect)
{
	char *b64 = doc_sign(&k->arena, "receipt", &wire_receipt_doc, doc, by);
	const char *signer;

	d_begin(m->d);
	assert_int_equal(receipt_take(m, b64, &signer), expect);
	d_end(m->d, true);
	d_wake(m->d);
	dk_run(k, 100);
}

static void
forged_receipts(void **state)
{
	struct dk *k = *state;
	struct dmesh *a = dk_mesh(k, ALICE), *b = dk_mesh(k, BOB);
	struct dmesh *c = dk_mesh(k, CAROL);
	struct receipt_doc doc = { .mesh = k->mesh,
		.rung = "delivered",
		.at = world_now(k->sim.world) };
	struct text ids;
	char id[65];

	dk_down(k, BOB);
	assert_string_equal(dk_send(k, ALICE, "bob", "x", "", "", id),
	    "stored");
	ids.s = id;
	doc.ids.n = 1;
	doc.ids.v = &ids;
	doc.from = a->home->key.hex;
	/* carol signs in her own name for what was sent to bob */
	doc.by = c->home->key.hex;
	forgery(k, a, &doc, &c->home->key, OK);
	assert_string_equal(dk_receipt(k, ALICE, id), "stored");
	dk_up(k, BOB);
	dk_run(k, 1000);
	assert_string_equal(dk_receipt(k, ALICE, id), "delivered");

	b = dk_mesh(k, BOB);
	doc.by = b->home->key.hex;
	doc.rung = "in_context";
	forgery(k, a, &doc, &c->home->key,
	    E_BAD_SIGNATURE); /* not bob's hand */
	doc.mesh = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	forgery(k, a, &doc, &b->home->key, E_BAD_SIGNATURE); /* another mesh */
	doc.mesh = k->mesh;
	doc.from = c->home->key.hex;
	forgery(k, a, &doc, &b->home->key, E_BAD_SIGNATURE); /* not my mail */
	doc.from = a->home->key.hex;
	doc.rung = "stored";
	forgery(k, a, &doc, &b->home->key, E_BAD_SIGNATURE); /* no such claim */
	assert_string_equal(dk_receipt(k, ALICE, id), "delivered");
	doc.rung = "held";
	forgery(k, a, &doc, &b->home->key, OK); /* real, but not upward */
	assert_string_equal(dk_receipt(k, ALICE, id), "delivered");
	doc.rung = "in_context";
	forgery(k, a, &doc, &b->home->key, OK); /* the real thing */
	assert_string_equal(dk_receipt(k, ALICE, id), "in_context");
}

/* Mail to one session: another session of the same member does not sign it. */
static void
receipt_of_a_sibling(void **state)
{
	struct dk *k = *state;
	struct dmesh *a = dk_mesh(k, ALICE);
	struct receipt_doc doc = { .mesh = k->mesh,
		.rung = "delivered",
		.at = world_now(k->sim.world),
		.from = a->home->key.hex };
	struct local_session s;
	struct text ids;
	struct key home;
	char id[65];

	assert_int_equal(ASK(k, BOB, local_session_open, &s, .name = "w"), OK);
	dk_run(k, 1500);
	home = dk_mesh(k, BOB)->home->key;
	dk_down(k, BOB);
	assert_string_equal(dk_send(k, ALICE, "w", "x", "", "", id), "stored");
	ids.s = id;
	doc.ids.n = 1;
	doc.ids.v = &ids;
	doc.by = home.hex;
	forgery(k, a, &doc, &home, OK);
	assert_string_equal(dk_receipt(k, ALICE, id), "stored");
}

static void
brokers_word(void **state)
{
	struct dk *k = *state;
	struct dmesh *a = dk_mesh(k, ALICE);
	struct recipient r = { .receipt = "answered", .doc = "", .reason = "" };
	struct db_rows *row;
	char id[65];

	r.target_spec = arena_strdup(&k->arena, dk_mesh(k, BOB)->member.hex);
	dk_down(k, BOB);
	dk_send(k, ALICE, "bob", "x", "", "", id);
	d_begin(a->d);
	row = d_read(a->d, NULL, "SELECT n FROM outbox WHERE id = $1 LIMIT 1",
	    DB_VALS(db_s(id)));
	copy_news(a, db_int(row, 0, 0), a->home, id, &r);
	d_end(a->d, true);
	assert_string_equal(dk_receipt(k, ALICE, id), "stored");
}

/* ---- mail that is not what it says ---- */

struct forged {
	struct body body;
	const struct key *from; /* signs and encrypts */
	struct message_push push;
};

static void
forged_init(struct forged *f, struct dk *k, const char *id)
{
	struct dmesh *a = dk_mesh(k, ALICE), *b = dk_mesh(k, BOB);

	*f = (struct forged){ .from = &a->home->key };
	f->body = (struct body){ .mesh = k->mesh,
		.from = a->home->key.hex,
		.to = b->home->key.hex,
		.id = id,
		.epoch = 1,
		.has_roll = true,
		.priority = "next",
		.sent_at = world_now(k->sim.world),
		.text = "hello" };
	f->body.roll.n = roll_n(a->roll);
	f->body.roll.head = roll_head(a->roll);
	f->push = (struct message_push){ .message_id = id,
		.mesh_id = k->mesh,
		.sender_pubkey = a->home->key.hex,
		.sender_name = "alice",
		.sender_member_pubkey = "",
		.subtype = "",
		.target_spec = b->home->key.hex,
		.priority = "next",
		.created_at = world_now(k->sim.world) };
}

/* What bob's inbox has of it; NULL: nothing came. */
static struct inbox_row *
deliver(struct dk *k, struct forged *f)
{
	struct dmesh *b = dk_mesh(k, BOB);
	struct local_inbox_page *p = arena_alloc(&k->arena, sizeof(*p));
	struct sealed sealed;
	struct why why;

	if (f->push.ciphertext == NULL) {
		if (body_seal_direct(&k->arena, NULL, &f->body, f->from,
			f->body.to, &sealed, &why) != OK)
			fail_msg("seal: %s", why.text);
		f->push.nonce = sealed.nonce;
		f->push.ciphertext = sealed.ciphertext;
	}
	d_begin(b->d);
	assert_int_equal(mail_take(b, &f->push, true, true), MAIL_DONE);
	d_end(b->d, true);
	d_wake(b->d);
	dk_run(k, 200);
	*p = dk_inbox(k, BOB, NULL, true);
	for (size_t i = 0; i < p->messages.n; i++)
		if (str_eq(p->messages.v[i].id, f->push.message_id))
			return &p->messages.v[i];
	return NULL;
}

static void
refused(struct dk *k, struct forged *f, const char *why)
{
	struct inbox_row *row = deliver(k, f);

	assert_non_null(row);
	assert_false(row->verified);
	assert_string_equal(row->text, "");
	assert_string_equal(row->receipt, "failed");
	if (strstr(row->problem, why) == NULL)
		fail_msg("'%s' does not say '%s'", row->problem, why);
}

static void
forged_mail(void **state)
{
	struct dk *k = *state;
	struct dmesh *a = dk_mesh(k, ALICE), *c = dk_mesh(k, CAROL);
	struct forged f;
	struct key stranger;
	struct inbox_row *row;

	forged_init(&f, k, "good0000");
	row = deliver(k, &f);
	assert_true(row->verified);
	assert_string_equal(row->text, "hello");

	forged_init(&f, k, "prio0000"); /* the broker raises the priority */
	f.push.priority = "now";
	refused(k, &f, "priority");
	forged_init(&f, k, "idid0000"); /* replays it under another id */
	f.push.message_id = "idid0001";
	refused(k, &f, "id");
	forged_init(&f, k, "from0000"); /* carol writes, alice is named */
	f.from = &c->home->key;
	f.body.from = c->home->key.hex;
	refused(k, &f, "");
	forged_init(&f, k, "memb0000"); /* another member is named */
	f.push.sender_member_pubkey = c->member.hex;
	refused(k, &f, "another member");
	forged_init(&f, k, "mesh0000"); /* from another mesh */
	f.body.mesh = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	refused(k, &f, "mesh");
	forged_init(&f, k, "olda0000"); /* older than 60 days */
	f.body.sent_at -= MAIL_AGE_MS + 1000;
	refused(k, &f, "60 days");
	forged_init(&f, k, "junk0000");
	f.push.nonce = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	f.push.ciphertext = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	refused(k, &f, "");
	forged_init(&f, k, "strg0000"); /* a session nobody vouches for */
	key_random(&stranger);
	f.from = &stranger;
	f.body.from = f.push.sender_pubkey = stranger.hex;
	refused(k, &f, "vouches");
	(void)a;
}

static void
revoked_sender(void **state)
{
	struct dk *k = *state;
	struct local_session s;
	struct forged f;
	struct key key;

	assert_int_equal(ASK(k, ALICE, local_session_open, &s, .name = "w"),
	    OK);
	dk_run(k, 1500);
	key = ((struct dsess *)map_gets(&dk_mesh(k, ALICE)->sessions, s.key))
		  ->key;
	assert_int_equal(ASK(k, ALICE, local_session_revoke, NULL,
			     .key = s.session),
	    OK);
	dk_run(k, 1500);
	forged_init(&f, k, "revo0000");
	f.from = &key;
	f.body.from = f.push.sender_pubkey = key.hex;
	refused(k, &f, "revoked");
}

/* ---- rolls ---- */

static void
two_rolls(void **state)
{
	struct dk *k = *state;
	struct local_meshes list;
	struct inbox_row *row;
	struct local_state st;
	struct forged f;
	char head[65];

	forged_init(&f, k, "fork0000");
	memset(head, 'a', 64);
	head[64] = '\0';
	f.body.roll.head = head;
	row = deliver(k, &f);
	assert_true(row->verified); /* shown, and shouted about */
	assert_int_equal(ASK(k, BOB, local_mesh_list, &list, .mesh = ""), OK);
	assert_non_null(strstr(list.meshes.v[0].warning, "different rolls"));
	assert_int_equal(ASK(k, BOB, local_status, &st, .end_ = 0), OK);
	assert_false(st.ok);
}

static void
broker_forks(void **state)
{
	struct dk *k = *state;
	struct dmesh *b = dk_mesh(k, BOB);
	struct roll_point p = { .n = roll_n(b->roll) };
	struct local_meshes list;
	char head[65];

	memset(head, 'b', 64);
	head[64] = '\0';
	p.head = head;
	d_begin(b->d);
	link_roll_see(b->link, &p);
	d_end(b->d, true);
	dk_run(k, 60000); /* it does not dial again by itself */
	assert_int_equal(link_phase(b->link), LINK_REFUSED);
	assert_int_equal(ASK(k, BOB, local_mesh_list, &list, .mesh = ""), OK);
	assert_string_equal(list.meshes.v[0].state, "refused");
	assert_non_null(strstr(list.meshes.v[0].warning, "roll_forked"));
}

/* The broker lost acts that this daemon knows: not believed. */
static void
broker_lost_acts(void **state)
{
	struct dk *k = *state;
	struct dmesh *a = dk_mesh(k, ALICE);
	struct act_settings f = { .name = "New" };
	char *act;

	d_begin(a->d);
	act = act_make(&k->arena, a->roll, "settings", &wire_act_settings, &f,
	    &a->member, NULL, world_now(k->sim.world));
	assert_int_equal(roll_apply(a->roll, act, NULL), OK);
	link_drop(a->link, "test");
	d_end(a->d, true);
	dk_run(k, 40000);
	assert_int_equal(link_phase(a->link), LINK_REFUSED);
	assert_non_null(strstr(link_reason(a->link), "shorter"));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, dk_setup, dk_teardown)
	const struct CMUnitTest tests[] = { T(forged_receipts),
		T(receipt_of_a_sibling), T(brokers_word), T(forged_mail),
		T(revoked_sender), T(two_rolls), T(broker_forks),
		T(broker_lost_acts) };

	log_setup(-1, LOG_ERROR, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

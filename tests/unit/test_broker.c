/*
 * test_broker.c - the broker end to end in a virtual world: meshes are made and
 * joined, sessions say hello, messages and receipts travel, connections are lost
 * and found.
 */
#include "tests/unit/brokerkit.h"

#include <stdio.h>

#include "base/str.h"

/* ---- the main job ---- */

static void
test_send_and_receipt(void **state)
{
	struct kit *k = *state;
	struct pair p;
	struct message_push got;
	struct message_receipt back;
	struct message_status_result st;
	struct blob doc;
	char receipt[16];

	pair_init(&p, k);
	assert_int_equal(send_text(p.ca, &p.a, p.b.key.hex, "message-0001",
			     receipt),
	    OK);
	assert_string_equal(receipt, "stored");
	assert_true(heard(p.cb, &wire_message_push, &got));
	assert_string_equal(got.message_id, "message-0001");
	assert_string_equal(got.sender_pubkey, p.a.key.hex);
	assert_string_equal(got.sender_member_pubkey, p.alice.member.hex);
	assert_string_equal(got.sender_name, "alice");
	assert_string_equal(got.target_spec, p.b.key.hex);

	doc.s = sign_receipt(k, &p.b, p.a.key.hex, "delivered", "message-0001");
	assert_int_equal(ASK(p.cb, p.b.key.hex, message_ack, NULL,
			     .cursor = { .history = p.b.ack.cursor.history,
				 .seq = got.seq },
			     .has_cursor = true, .receipts = { 1, &doc }),
	    OK);
	assert_true(heard(p.ca, &wire_message_receipt, &back));
	assert_string_equal(back.doc, doc.s);
	assert_int_equal(ASK(p.ca, NULL, message_status, &st,
			     .message_id = "message-0001"),
	    OK);
	assert_true(st.delivered);
	assert_string_equal(st.recipients.v[0].receipt, "delivered");
	assert_string_equal(st.recipients.v[0].doc, doc.s);
	/* a lower rung, or the same, is not news */
	assert_int_equal(ASK(p.cb, NULL, message_ack, NULL,
			     .receipts = { 1, &doc }),
	    OK);
	assert_false(heard(p.ca, &wire_message_receipt, NULL));
	pair_fini(&p);
}

static void
test_duplicate(void **state)
{
	struct kit *k = *state;
	struct pair p;
	char receipt[16];

	pair_init(&p, k);
	send_text(p.ca, &p.a, p.b.key.hex, "message-0001", NULL);
	assert_int_equal(count_heard(p.cb, "push"), 1);
	assert_int_equal(send_text(p.ca, &p.a, p.b.key.hex, "message-0001",
			     receipt),
	    OK);
	assert_string_equal(receipt, "+stored");
	assert_int_equal(count_heard(p.cb, "push"), 0);
	/* the same id to another target is another copy */
	assert_int_equal(send_text(p.ca, &p.a, p.bob.member.hex, "message-0001",
			     receipt),
	    OK);
	assert_string_equal(receipt, "stored");
	assert_int_equal(count_heard(p.cb, "push"), 1);
	pair_fini(&p);
}

static void
test_refused(void **state)
{
	struct kit *k = *state;
	struct pair p;
	struct key nobody;
	char receipt[16];

	pair_init(&p, k);
	key_random(&nobody);
	assert_int_equal(send_text(p.ca, &p.a, nobody.hex, "message-0001",
			     receipt),
	    OK);
	assert_string_equal(receipt, "refused");
	assert_int_equal(ASK(p.ca, NULL, message_status, NULL,
			     .message_id = "message-0001"),
	    E_NOT_FOUND);
	pair_fini(&p);
}

/* Sent while away: all of it comes, in order, once; acknowledged mail does not
 * come again. */
static void
test_catch_up(void **state)
{
	struct kit *k = *state;
	struct message_push got;
	struct pair p;
	char id[24];
	int64_t last = 0;
	int i;

	pair_init(&p, k);
	client_free(p.cb);
	for (i = 0; i < 600; i++) {
		snprintf(id, sizeof(id), "message-%04d", i);
		assert_int_equal(send_text(p.ca, &p.a,
				     i % 3 ? p.b.key.hex : p.bob.member.hex, id,
				     NULL),
		    OK);
		if (i % 50 == 49)
			fakeio_run(k->f, 1000);
	}
	p.cb = client_new(k);
	p.b.seq = 0;
	assert_int_equal(hello(p.cb, &p.b), OK);
	assert_true(p.b.ack.restored);
	assert_false(p.b.ack.gap);
	for (i = 0; i < 600; i++) {
		do
			assert_true(heard(p.cb, &wire_message_push, &got));
		while (got.subtype[0] != '\0');
		snprintf(id, sizeof(id), "message-%04d", i);
		assert_string_equal(got.message_id, id);
		assert_true(got.seq > last);
		last = got.seq;
	}
	assert_false(heard(p.cb, &wire_message_push, NULL));
	assert_int_equal(ASK(p.cb, NULL, message_ack, NULL,
			     .cursor = { .history = p.b.ack.cursor.history,
				 .seq = last },
			     .has_cursor = true),
	    OK);
	kit_restart(k);
	client_free(p.cb);
	p.cb = client_new(k);
	p.b.seq = last;
	assert_int_equal(hello(p.cb, &p.b), OK);
	assert_int_equal(count_heard(p.cb, "push"), 0);
	/* a new daemon of bob sees the member's mail, not the session's */
	sess_init(&p.b, k, &p.bob, "bob2", "daemon-of-bob-0002");
	assert_int_equal(hello(p.cb, &p.b), OK);
	assert_int_equal(count_heard(p.cb, "push"), 200);
	pair_fini(&p);
}

/* ---- who may ---- */

static void
test_hello_refused(void **state)
{
	struct kit *k = *state;
	struct session_hello h;
	struct pair p;
	struct client *c;
	struct person eve;

	pair_init(&p, k);
	c = client_new(k);
	h = hello_of(p.ca, &p.a); /* proof for another connection */
	assert_int_equal(ask(c, NULL, &wire_session_hello, &h, NULL),
	    E_BAD_SIGNATURE);
	h = hello_of(c, &p.a);
	h.attestation = attest(k, &p.a, -2 * HOUR, HOUR);
	assert_int_equal(ask(c, NULL, &wire_session_hello, &h, NULL),
	    E_EXPIRED);
	h.attestation = attest(k, &p.a, HOUR, HOUR);
	assert_int_equal(ask(c, NULL, &wire_session_hello, &h, NULL),
	    E_BAD_ATTESTATION);
	h.attestation = attest(k, &p.a, 0, 25 * HOUR);
	assert_int_equal(ask(c, NULL, &wire_session_hello, &h, NULL),
	    E_BAD_ATTESTATION);
	h.attestation = attest(k, &p.b, 0, HOUR); /* of another */
	assert_int_not_equal(ask(c, NULL, &wire_session_hello, &h, NULL), OK);
	assert_int_equal(ASK(c, NULL, peer_list, NULL, .group = ""),
	    E_NO_HELLO);
	client_free(c);

	c = client_new(k);
	person_init(&eve, k, "eve");
	str_copy(eve.mesh, sizeof(eve.mesh), p.alice.mesh);
	key_member(&eve.member, eve.seed, eve.mesh);
	p.b.who = &eve;
	assert_int_equal(hello(c, &p.b), E_NOT_MEMBER);
	p.a.who = &p.bob; /* alice's session key, as bob */
	assert_int_equal(hello(c, &p.a), E_FORBIDDEN);
	client_free(c);
	pair_fini(&p);
}

static void
test_wrong_url(void **state)
{
	struct kit *k = *state;
	char keep[64];
	struct pair p;

	pair_init(&p, k);
	memcpy(keep, k->url, sizeof(keep));
	str_copy(k->url, sizeof(k->url), "ws://evil.example:7900/ws");
	assert_int_equal(hello(p.ca, &p.a), E_WRONG_URL);
	assert_non_null(strstr(p.ca->err.message, "evil.example"));
	snprintf(k->url, sizeof(k->url), "ws://localhost:%d/ws", k->port);
	assert_int_equal(hello(p.ca, &p.a), OK);
	memcpy(k->url, keep, sizeof(keep));
	pair_fini(&p);
}

static void
test_strangers_have_little(void **state)
{
	struct kit *k = *state;
	struct client *c = client_new(k);
	struct session_hello h;
	struct pair p;
	int i;

	pair_init(&p, k);
	for (i = 0; i < 5; i++) {
		h = hello_of(p.ca, &p.a);
		assert_int_equal(ask(c, NULL, &wire_session_hello, &h, NULL),
		    E_BAD_SIGNATURE);
	}
	kit_settle(k);
	assert_false(c->open);
	assert_int_equal(c->code, 1008);
	client_free(c);
	pair_fini(&p);
}

static void
test_frames(void **state)
{
	struct kit *k = *state;
	struct client *c = client_new(k);
	struct error e;

	client_text(c, "{\"type\":\"nonsense\",\"_reqId\":\"r1\"}");
	assert_true(heard(c, &wire_error, &e));
	assert_string_equal(e.code, "unknown_type");
	client_text(c, "not json at all");
	assert_true(heard(c, &wire_error, &e));
	assert_string_equal(e.code, "bad_json");
	client_text(c, "{\"type\":\"send\",\"id\":\"message-0001\"}");
	assert_true(heard(c, &wire_error, &e));
	assert_string_equal(e.code, "no_hello");
	assert_string_equal(e.id, "message-0001");
	client_text(c, "{\"type\":\"local_stop\"}");
	assert_true(heard(c, &wire_error, &e));
	assert_string_equal(e.code, "unknown_type");
	client_text(c, "{\"type\":\"invite_open\",\"_reqId\":\"r2\"}");
	assert_true(heard(c, &wire_error, &e));
	assert_string_equal(e.code, "missing_field");
	assert_string_equal(e.field, "proof");
	assert_true(c->open);
	client_free(c);
	c = client_dial(k, "/ws", NULL); /* dialect 1: its hello is judged */
	assert_true(c->open);
	client_text(c, "{\"type\":\"session_hello\",\"_reqId\":\"r3\"}");
	assert_true(heard(c, &wire_error, &e));
	assert_string_equal(e.code, "no_hello");
	client_free(c);
	c = client_dial(k, "/elsewhere", "claudemesh.2");
	assert_false(c->open);
	client_free(c);
}

static void
test_limited_session(void **state)
{
	struct kit *k = *state;
	struct text read = { .s = "read" };
	struct attestation a;
	struct session_hello h;
	struct pair p;

	pair_init(&p, k);
	h = hello_of(p.ca, &p.a);
	a = (struct attestation){ .mesh = p.alice.mesh,
		.member = p.alice.member.hex,
		.session = p.a.key.hex,
		.name = "alice",
		.capabilities = { 1, &read },
		.issued_at = io_wall(fakeio_io(k->f)),
		.expires_at = io_wall(fakeio_io(k->f)) + HOUR };
	h.attestation = doc_sign(&k->arena, "attest", &wire_attestation, &a,
	    &p.alice.member);
	assert_int_equal(ask(p.ca, NULL, &wire_session_hello, &h, &p.a.ack),
	    OK);
	assert_int_equal(send_text(p.ca, &p.a, p.b.key.hex, "message-0001",
			     NULL),
	    E_FORBIDDEN);
	assert_int_equal(ASK(p.ca, NULL, peer_kick, NULL,
			     .target = p.b.key.hex),
	    E_FORBIDDEN);
	assert_int_equal(ASK(p.ca, NULL, peer_list, NULL, .group = ""), OK);
	pair_fini(&p);
}

/* ---- presence ---- */

static void
test_lease(void **state)
{
	struct kit *k = *state;
	struct peers_list list;
	struct pair p;

	pair_init(&p, k);
	assert_true(event(p.ca, "peer_joined"));
	fakeio_cut_one(k->f, p.cb->stream);
	fakeio_run(k->f, 60000);
	assert_false(event(p.ca, "peer_left"));
	assert_int_equal(ASK(p.ca, NULL, peer_list, &list, .group = ""), OK);
	assert_int_equal(list.peers.n, 2);
	assert_false(list.peers.v[1].online);
	client_free(p.cb); /* back within the grace: silent */
	p.cb = client_new(k);
	assert_int_equal(hello(p.cb, &p.b), OK);
	fakeio_run(k->f, 100000);
	assert_int_equal(count_heard(p.ca, "push"), 0);
	fakeio_cut_one(k->f, p.cb->stream); /* each loss has its own grace */
	fakeio_run(k->f, 60000);
	client_free(p.cb);
	p.cb = client_new(k);
	assert_int_equal(hello(p.cb, &p.b), OK);
	fakeio_run(k->f, 5000);
	fakeio_cut_one(k->f, p.cb->stream);
	fakeio_run(k->f, 89000);
	assert_false(event(p.ca, "peer_left"));
	fakeio_run(k->f, 2000);
	assert_true(event(p.ca, "peer_left"));
	client_free(p.cb);
	p.cb = client_new(k);
	assert_int_equal(hello(p.cb, &p.b), OK);
	assert_true(event(p.ca, "peer_returned"));
	wsclient_close(p.cb->ws, 1000, "bye"); /* in order: at once */
	kit_settle(k);
	assert_true(event(p.ca, "peer_left"));
	pair_fini(&p);
}

static void
test_replaced_and_ended(void **state)
{
	struct kit *k = *state;
	struct session_ended end;
	struct client *c;
	struct pair p;

	pair_init(&p, k);
	count_heard(p.ca, "push");
	c = client_new(k);
	assert_int_equal(hello(c, &p.b), OK);
	assert_true(heard(p.cb, &wire_session_ended, &end));
	assert_string_equal(end.reason, "replaced");
	send_text(p.ca, &p.a, p.b.key.hex, "message-0001", NULL);
	assert_int_equal(count_heard(c, "push"), 1);
	assert_int_equal(count_heard(p.cb, "push"), 0);
	assert_int_equal(ASK(p.cb, p.b.key.hex, peer_list, NULL, .group = ""),
	    E_NO_HELLO);
	client_free(p.cb); /* of no consequence: the session moved */
	fakeio_run(k->f, 100000);
	assert_false(event(p.ca, "peer_left"));
	p.cb = c;
	assert_int_equal(ASK(p.ca, NULL, peer_kick, NULL,
			     .target = p.b.key.hex),
	    OK);
	assert_true(heard(p.cb, &wire_session_ended, &end));
	assert_string_equal(end.reason, "kicked");
	assert_string_equal(end.by, "alice");
	assert_true(event(p.ca, "peer_left"));
	assert_int_equal(hello(p.cb, &p.b), OK); /* it may come back */
	assert_int_equal(ASK(p.cb, NULL, session_end, NULL, .end_ = 0), OK);
	assert_true(event(p.ca, "peer_left"));
	pair_fini(&p);
}

static void
test_attestation_runs_out(void **state)
{
	struct kit *k = *state;
	struct session_ended end;
	struct pair p;

	pair_init(&p, k);
	fakeio_run(k->f, 6 * HOUR);
	assert_int_equal(ASK(p.ca, NULL, session_attest, NULL,
			     .attestation = attest(k, &p.a, 0, 12 * HOUR)),
	    OK);
	fakeio_run(k->f, 6 * HOUR + 120000);
	assert_true(heard(p.cb, &wire_session_ended, &end));
	assert_string_equal(end.reason, "expired");
	assert_false(heard(p.ca, &wire_session_ended, &end));
	pair_fini(&p);
}

static void
test_says_of_itself(void **state)
{
	struct kit *k = *state;
	const char *profile = "{\"title\":\"Engineer\","
			      "\"bio\":\"I \\\"quote\\\"\"}";
	struct peers_list list;
	struct pair p;

	pair_init(&p, k);
	assert_int_equal(ASK(p.cb, NULL, peer_status, NULL, .status = "dnd"),
	    OK);
	assert_int_equal(ASK(p.cb, NULL, peer_status, NULL, .status = "odd"),
	    E_BAD_FIELD);
	assert_int_equal(ASK(p.cb, NULL, peer_summary, NULL,
			     .summary = "thinking"),
	    OK);
	assert_int_equal(ASK(p.cb, NULL, peer_profile, NULL,
			     .title = "Engineer"),
	    OK);
	assert_int_equal(ASK(p.cb, NULL, peer_profile, NULL,
			     .bio = "I \"quote\""),
	    OK);
	assert_int_equal(ASK(p.ca, NULL, peer_list, &list, .group = ""), OK);
	assert_string_equal(list.peers.v[1].status, "dnd");
	assert_string_equal(list.peers.v[1].summary, "thinking");
	assert_int_equal(list.peers.v[1].profile.n, strlen(profile));
	assert_memory_equal(list.peers.v[1].profile.p, profile,
	    strlen(profile));
	count_heard(p.ca, "push");
	assert_int_equal(ASK(p.cb, NULL, peer_visible, NULL, .visible = false),
	    OK);
	assert_true(event(p.ca, "peer_hidden"));
	assert_int_equal(ASK(p.ca, NULL, peer_list, &list, .group = ""), OK);
	assert_int_equal(list.peers.n, 1);
	assert_int_equal(ASK(p.cb, NULL, peer_list, &list, .group = ""), OK);
	assert_int_equal(list.peers.n, 2);
	pair_fini(&p);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
		T(test_send_and_receipt),
		T(test_duplicate),
		T(test_refused),
		T(test_catch_up),
		T(test_hello_refused),
		T(test_wrong_url),
		T(test_strangers_have_little),
		T(test_frames),
		T(test_limited_session),
		T(test_lease),
		T(test_replaced_and_ended),
		T(test_attestation_runs_out),
		T(test_says_of_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

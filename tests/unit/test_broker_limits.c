/*
 * test_broker_limits.c - what one client, one member or one mesh may cost: turns,
 * replies that nobody reads, rows, memory; and that all of it is given back.
 */
#include "tests/unit/brokerkit.h"

#include <stdio.h>

#include "broker/broker.h"

static void
with_limits(struct kit *k, struct broker_limits limits)
{
	kit_fini(k);
	kit_init(k);
	k->conf.limits = limits;
	kit_start(k);
}

/* Sent, not yet arrived. */
static void
post(struct client *c, const struct wire_msg *row, const void *in, int no)
{
	char reqid[16];
	struct buf b;

	snprintf(reqid, sizeof(reqid), "p%d", no);
	buf_init(&b, WIRE_FRAME_MAX);
	wire_encode(&b, row, in, reqid, NULL);
	assert_int_equal(wsclient_send(c->ws, b.data, b.len), 0);
	buf_fini(&b);
}

static void
all_gone(struct kit *k)
{
	const struct broker *b = k->broker;

	fakeio_run(k->f, 100 * 1000 + 4 * 60 * 1000);
	assert_int_equal(b->conns.n, 0);
	assert_int_equal(b->meshes.n, 0);
	assert_int_equal(b->grace.n, b->grace_at);
	assert_int_equal(b->dirty.n + b->behind.n + b->gone.n, 0);
}

/* ---- turns ---- */

/* A flood of one does not keep others waiting: its news comes in between. */
static void
test_slices(void **state)
{
	struct kit *k = *state;
	struct peer_list in = { .group = "" };
	struct peer_visible hide = { .visible = false };
	struct pair p;
	size_t at;
	int i;

	pair_init(&p, k);
	count_heard(p.ca, "push");
	for (i = 0; i < 640; i++)
		post(p.ca, &wire_peer_list, &in, i);
	post(p.cb, &wire_peer_visible, &hide, 0);
	kit_settle(k);
	for (at = 0; at < p.ca->got.n; at++) {
		if (strstr(p.ca->got.v[at], "peer_hidden") != NULL)
			break;
	}
	assert_in_range(at, 1, 130);
	assert_int_equal(count_heard(p.ca, "peers_list"), 640);
	pair_fini(&p);
	all_gone(k);
}

/* Who does not read is not read from; what it asked is answered, or it goes. */
static void
test_replies_wait(void **state)
{
	struct kit *k = *state;
	struct roll_get in = { .from = 0 };
	struct bconn *c = NULL;
	size_t i = 0, most = 0;
	struct pair p;
	int n;

	pair_init(&p, k);
	in.mesh_id = p.bob.mesh;
	fakeio_clog(k->f, p.cb->stream, true);
	for (n = 0; n < 2000; n++) {
		post(p.cb, &wire_roll_get, &in, n);
		if (n % 50 == 49)
			kit_settle(k);
		for (i = 0; (c = map_next(&k->broker->conns, &i)) != NULL;)
			if (conn_backlog(k->broker, c) > most)
				most = conn_backlog(k->broker, c);
	}
	assert_true(most > READ_PAUSE && most < 2 * READ_PAUSE);
	fakeio_run(k->f, 40000);
	assert_true(p.cb->open);
	fakeio_clog(k->f, p.cb->stream, false);
	kit_settle(k);
	assert_int_equal(count_heard(p.cb, "roll_page") +
		count_heard(p.cb, "error"), /* open requests have a rate */
	    2000);
	fakeio_clog(k->f, p.cb->stream, true);
	for (n = 0; n < 500; n++)
		post(p.cb, &wire_roll_get, &in, n);
	fakeio_run(k->f, 75000);
	assert_int_equal(k->broker->conns.n, 1); /* 60 s without progress */
	pair_fini(&p);
	all_gone(k);
}

/* A commit that fails harms the meshes that wrote, and no other. */
static void
test_other_meshes_go_on(void **state)
{
	struct kit *k = *state;
	struct client *c = client_new(k);
	struct person olga;
	struct sess s;
	struct pair p;

	pair_init(&p, k);
	person_init(&olga, k, "olga");
	make_mesh(k, &olga);
	sess_init(&s, k, &olga, "olga", "daemon-of-olga-001");
	assert_int_equal(hello(c, &s), OK);
	vfs_full_at(k->vfs, 1, false);
	send_text(p.ca, &p.a, p.b.key.hex, "message-0001", NULL);
	kit_settle(k);
	assert_false(p.ca->open);
	assert_false(p.cb->open);
	assert_true(c->open);
	assert_int_equal(ASK(c, NULL, peer_list, NULL, .group = ""), OK);
	client_free(c);
	pair_fini(&p);
	all_gone(k);
}

/* ---- lanes ---- */

/* The same session on the same connection, for another daemon: the old stream
 * ends with it, and nothing of it stays. */
static void
test_another_daemon(void **state)
{
	struct kit *k = *state;
	struct pair p;
	int i;

	pair_init(&p, k);
	for (i = 0; i < 5; i++) {
		snprintf(p.b.daemon, sizeof(p.b.daemon), "daemon-number-%04d",
		    i);
		assert_int_equal(hello(p.cb, &p.b), OK);
	}
	assert_int_equal(((struct mesh *)map_gets(&k->broker->by_id,
			      p.alice.mesh))
			     ->lanes.n,
	    2);
	count_heard(p.cb, "push");
	send_text(p.ca, &p.a, p.bob.member.hex, "message-0001", NULL);
	assert_int_equal(count_heard(p.cb, "push"), 1);
	send_text(p.ca, &p.a, p.b.key.hex, "message-0002", NULL);
	assert_int_equal(count_heard(p.cb, "push"), 1);
	pair_fini(&p);
	all_gone(k);
}

static int64_t
acked(struct kit *k, const char *daemon)
{
	struct db_rows *r = db_query(k->broker->db, &k->arena, NULL,
	    "SELECT acked FROM queue WHERE daemon = $1 LIMIT 1",
	    DB_VALS(db_s(daemon)));

	return db_int(r, 0, 0);
}

/* An ack and the session's end in one turn: the cursor is kept. */
static void
test_ack_and_end(void **state)
{
	struct kit *k = *state;
	struct message_ack in = { .has_cursor = true };
	struct message_push got;
	struct session_end end = { 0 };
	struct pair p;

	pair_init(&p, k);
	send_text(p.ca, &p.a, p.b.key.hex, "message-0001", NULL);
	assert_true(heard(p.cb, &wire_message_push, &got));
	in.cursor.history = p.b.ack.cursor.history;
	in.cursor.seq = got.seq;
	post(p.cb, &wire_message_ack, &in, 1);
	post(p.cb, &wire_session_end, &end, 2);
	kit_settle(k);
	assert_int_equal(count_heard(p.cb, "ok"), 2);
	assert_int_equal(acked(k, p.b.daemon), got.seq);
	pair_fini(&p);
	all_gone(k);
}

static void
test_other_history(void **state)
{
	struct kit *k = *state;
	struct session_hello h;
	struct pair p;

	pair_init(&p, k);
	client_free(p.cb);
	send_text(p.ca, &p.a, p.b.key.hex, "message-0001", NULL);
	p.cb = client_new(k);
	p.b.seq = 77;
	h = hello_of(p.cb, &p.b);
	h.cursor.history = "of-another-broker";
	assert_int_equal(ask(p.cb, NULL, &wire_session_hello, &h, &p.b.ack),
	    OK);
	assert_true(p.b.ack.gap);
	assert_int_equal(p.b.ack.cursor.seq, 0);
	assert_string_equal(p.b.ack.cursor.history, k->broker->history);
	assert_int_equal(count_heard(p.cb, "push"), 1);
	pair_fini(&p);
}

/* ---- what a member may fill ---- */

static void
test_sessions(void **state)
{
	struct kit *k = *state;
	struct sess s[4];
	struct pair p;
	int i;

	with_limits(k,
	    (struct broker_limits){ .member_here = 3, .member_known = 4 });
	pair_init(&p, k);
	for (i = 0; i < 4; i++)
		sess_init(&s[i], k, &p.bob, "bob", p.b.daemon);
	assert_int_equal(hello(p.cb, &s[0]), OK);
	assert_int_equal(hello(p.cb, &s[1]), OK);
	assert_int_equal(hello(p.cb, &s[2]), E_QUOTA); /* here */
	assert_int_equal(hello(p.cb, &s[1]), OK);      /* it is here already */
	assert_int_equal(hello(p.ca, &p.a), OK);       /* another member */
	assert_int_equal(ASK(p.cb, s[0].key.hex, session_end, NULL, .end_ = 0),
	    OK);
	assert_int_equal(hello(p.cb, &s[2]), OK);
	assert_int_equal(ASK(p.cb, s[2].key.hex, session_end, NULL, .end_ = 0),
	    OK);
	assert_int_equal(hello(p.cb, &s[3]), E_QUOTA); /* known: four rows */
	assert_int_equal(hello(p.cb, &s[0]), OK);
	pair_fini(&p);
	all_gone(k);
}

static void
test_daemons_and_conns(void **state)
{
	struct kit *k = *state;
	struct client *c;
	struct sess s;
	struct pair p;

	/* a member's own queue counts, too */
	with_limits(k,
	    (struct broker_limits){ .member_daemons = 3, .member_conns = 2 });
	pair_init(&p, k);
	sess_init(&s, k, &p.bob, "bob", "daemon-of-bob-0002");
	assert_int_equal(hello(p.cb, &s), OK);
	str_copy(s.daemon, sizeof(s.daemon), "daemon-of-bob-0003");
	assert_int_equal(hello(p.cb, &s), E_QUOTA);
	assert_int_equal(hello(p.cb, &p.b), OK);
	str_copy(s.daemon, sizeof(s.daemon), "daemon-of-bob-0002");
	c = client_new(k);
	assert_int_equal(hello(c, &s), OK);
	client_free(c);
	c = client_new(k);
	assert_int_equal(hello(c, &s), OK); /* the other has gone */
	client_free(p.cb);
	p.cb = client_new(k);
	assert_int_equal(hello(p.cb, &p.b), OK);
	client_free(c);
	c = client_new(k);
	assert_int_equal(hello(c, &p.b), OK); /* moves there; two are open */
	assert_true(p.cb->open);
	client_free(c);
	c = client_new(k);
	assert_int_equal(hello(c, &s), OK);
	assert_int_equal(hello(p.cb, &p.b), OK);
	pair_fini(&p);
	p.ca = client_new(k);
	p.cb = client_new(k);
	assert_int_equal(hello(p.cb, &p.b), OK);
	assert_int_equal(hello(p.ca, &s), E_QUOTA); /* a third of bob's */
	client_free(c);
	assert_int_equal(hello(p.ca, &s), OK);
	pair_fini(&p);
	all_gone(k);
}

static void
test_acts(void **state)
{
	struct kit *k = *state;
	struct act_settings set = { .name = "renamed" };
	struct pair p;

	with_limits(k, (struct broker_limits){ .act_burst = 3, .acts = 7 });
	pair_init(&p, k); /* four acts: one by alice's session */
	assert_int_equal(append(p.ca, &p.a, "settings", &wire_act_settings,
			     &set),
	    OK);
	set.name = "again";
	assert_int_equal(append(p.ca, &p.a, "settings", &wire_act_settings,
			     &set),
	    OK);
	assert_int_equal(append(p.ca, &p.a, "settings", &wire_act_settings,
			     &set),
	    E_RATE_LIMITED);
	assert_in_range(p.ca->err.retry_after_ms, 1, 1000);
	fakeio_run(k->f, 1000);
	assert_int_equal(append(p.ca, &p.a, "settings", &wire_act_settings,
			     &set),
	    OK);
	fakeio_run(k->f, 1000);
	assert_int_equal(append(p.ca, &p.a, "settings", &wire_act_settings,
			     &set),
	    E_QUOTA);
	pair_fini(&p);
}

static int
send_bytes(struct client *c, const char *to, const char *id, size_t n,
    struct ack *ack)
{
	char *text = arena_zalloc(&c->k->arena, n + 1);

	memset(text, 'A', n);
	return ASK(c, NULL, message_send, ack, .id = id, .target_spec = to,
	    .priority = "next", .nonce = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	    .ciphertext = text);
}

static void
test_quotas(void **state)
{
	struct kit *k = *state;
	struct ack ack;
	struct pair p;

	with_limits(k,
	    (struct broker_limits){ .queue_bytes = 1000,
		.sender_count = 3,
		.mesh_bytes = 1500 });
	pair_init(&p, k);
	assert_int_equal(send_bytes(p.ca, p.b.key.hex, "message-1", 900, &ack),
	    OK);
	assert_true(ack.queued);
	assert_int_equal(send_bytes(p.ca, p.b.key.hex, "message-2", 101, &ack),
	    OK);
	assert_false(ack.queued);
	assert_string_equal(ack.error, "quota: the recipient's queue is full");
	send_bytes(p.ca, p.bob.member.hex, "message-3", 601, &ack);
	assert_string_equal(ack.error, "quota: the mesh is full");
	send_bytes(p.ca, p.b.key.hex, "message-4", 10, &ack);
	assert_true(ack.queued);
	send_bytes(p.ca, p.a.key.hex, "message-5", 10, &ack);
	assert_true(ack.queued);
	send_bytes(p.ca, p.a.key.hex, "message-6", 10, &ack);
	assert_string_equal(ack.error,
	    "quota: too many of your messages are not yet delivered");
	pair_fini(&p);
}

/* ---- who is let in ---- */

static void
test_loopback_by_name_only(void **state)
{
	struct kit *k = *state;
	char keep[64];
	struct pair p;

	pair_init(&p, k);
	memcpy(keep, k->url, sizeof(keep));
	snprintf(k->url, sizeof(k->url), "ws://127.evil.example:%d/ws",
	    k->port);
	assert_int_equal(hello(p.ca, &p.a), E_WRONG_URL);
	snprintf(k->url, sizeof(k->url), "ws://127.0.0.2:%d/ws", k->port);
	assert_int_equal(hello(p.ca, &p.a), OK);
	memcpy(k->url, keep, sizeof(keep));
	pair_fini(&p);
}

/* A page may reach us by a name of its own that leads here: not as ours. */
static void
test_hosts(void **state)
{
	static const char *const urls[] = { "wss://mesh.example/ws", NULL };
	struct kit *k = *state;

	kit_fini(k);
	kit_init(k);
	k->conf.url = urls;
	kit_start(k);
	assert_true(host_ours(k->broker, "mesh.example"));
	assert_true(host_ours(k->broker, "MESH.example:443"));
	assert_true(host_ours(k->broker, "localhost:7900"));
	assert_true(host_ours(k->broker, "127.0.0.1:7900"));
	assert_true(host_ours(k->broker, "[::1]:7900"));
	assert_false(host_ours(k->broker, "evil.example:7900"));
	assert_false(host_ours(k->broker, "127.evil.example"));
	assert_false(host_ours(k->broker, "mesh.example.evil.example"));
	assert_false(host_ours(k->broker, "localhost.evil.example"));
}

/* What is wrong with our store is for our log. */
static void
test_store_is_not_described(void **state)
{
	struct kit *k = *state;
	struct pair p;

	pair_init(&p, k);
	assert_int_equal(db_run(k->broker->db, NULL, "DROP TABLE epoch_key", 0,
			     NULL),
	    OK);
	assert_int_equal(ASK(p.ca, NULL, epoch_get, NULL, .epoch = 1), E_STORE);
	assert_string_equal(p.ca->err.message, "the store failed");
	pair_fini(&p);
}

/* Numbers of meshes are given again: an opened invite is not. */
static void
test_invite_of_erased_mesh(void **state)
{
	struct kit *k = *state;
	struct client *c = client_new(k), *own = client_new(k);
	struct delete_proof proof = { .url = k->url };
	struct invite_info info;
	struct person one, two;
	struct key invite;
	struct sess s;

	person_init(&one, k, "olga");
	make_mesh(k, &one);
	sess_init(&s, k, &one, "olga", "daemon-of-olga-001");
	assert_int_equal(hello(own, &s), OK);
	make_invite(own, &s, &invite, 1, wall_now(k) + HOUR);
	assert_int_equal(open_invite(c, &invite, &info), OK);
	assert_int_equal(ASK(c, NULL, roll_get, NULL, .mesh_id = one.mesh), OK);
	proof.mesh = one.mesh;
	proof.challenge = own->hi.nonce;
	assert_int_equal(ASK(own, NULL, mesh_delete, NULL,
			     .proof = doc_sign(&k->arena, "delete",
				 &wire_delete_proof, &proof, &one.owner)),
	    OK);
	fakeio_run(k->f, 14000);
	person_init(&two, k, "other");
	make_mesh(k, &two);
	assert_int_equal(ASK(c, NULL, roll_get, NULL, .mesh_id = two.mesh),
	    E_FORBIDDEN);
	client_free(c);
	client_free(own);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
		T(test_slices),
		T(test_replies_wait),
		T(test_other_meshes_go_on),
		T(test_another_daemon),
		T(test_ack_and_end),
		T(test_other_history),
		T(test_sessions),
		T(test_daemons_and_conns),
		T(test_acts),
		T(test_quotas),
		T(test_loopback_by_name_only),
		T(test_hosts),
		T(test_store_is_not_described),
		T(test_invite_of_erased_mesh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_daemon.c - two daemons and a broker: what is sent arrives once, through
 * connections that are not there, and receipts say what happened.
 */
#include "tests/unit/daemonkit.h"

static int64_t
untold(struct dk *k, int who)
{
	struct db_rows *r = db_query(k->sim.actor[who].daemon->db, &k->arena,
	    NULL, "SELECT COUNT(*) FROM inbox WHERE told = 0 LIMIT 1", 0, NULL);

	return db_int(r, 0, 0);
}

static void
both_ways(void **state)
{
	struct dk *k = *state;
	struct local_inbox_page in;
	char id[65];

	assert_string_equal(dk_send(k, ALICE, "bob", "ship it", "", "delivered",
				id),
	    "delivered");
	in = dk_inbox(k, BOB, NULL, false);
	assert_int_equal(in.messages.n, 1);
	assert_string_equal(in.messages.v[0].text, "ship it");
	assert_string_equal(in.messages.v[0].from, "alice");
	assert_string_equal(in.messages.v[0].id, id);
	assert_true(in.messages.v[0].verified && in.messages.v[0].encrypted);
	assert_string_equal(in.messages.v[0].priority, "next");
	assert_string_equal(in.messages.v[0].receipt, "delivered");
	assert_string_equal(dk_send(k, BOB, "alice", "done", "", "delivered",
				NULL),
	    "delivered");
	assert_int_equal(dk_inbox(k, ALICE, NULL, false).messages.n, 1);
	assert_int_equal(dk_inbox(k, CAROL, NULL, true).messages.n, 0);
	dk_run(k, 500);
	assert_int_equal(untold(k, BOB) + untold(k, ALICE), 0);
}

static void
receiver_away(void **state)
{
	struct dk *k = *state;
	char id[65], text[16];
	struct local_inbox_page in;

	dk_down(k, BOB);
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "n %d", i);
		assert_string_equal(dk_send(k, ALICE, "bob", text, "", "", id),
		    "stored");
	}
	assert_string_equal(dk_receipt(k, ALICE, id), "stored");
	dk_up(k, BOB);
	in = dk_inbox(k, BOB, NULL, false);
	assert_int_equal(in.messages.n, 20);
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "n %d", i);
		assert_string_equal(in.messages.v[i].text, text);
	}
	assert_string_equal(dk_receipt(k, ALICE, id), "delivered");
}

static void
broker_away(void **state)
{
	struct dk *k = *state;
	struct local_state st;
	char id[65];

	dk_broker_down(k);
	assert_string_equal(dk_send(k, ALICE, "bob", "later", "", "", id),
	    "queued");
	assert_int_equal(ASK(k, ALICE, local_status, &st, .end_ = 0), OK);
	assert_false(st.ok);
	assert_int_equal(st.meshes.v[0].outbox, 1);
	dk_down(k, ALICE); /* the outbox outlives its daemon, too */
	dk_up(k, ALICE);
	dk_broker_up(k);
	assert_string_equal(dk_receipt(k, ALICE, id), "delivered");
	assert_int_equal(dk_inbox(k, BOB, NULL, true).messages.n, 1);
	assert_int_equal(ASK(k, ALICE, local_status, &st, .end_ = 0), OK);
	assert_true(st.ok);
}

/* Receipts that came while the sender was away are asked for. */
static void
sender_away(void **state)
{
	struct dk *k = *state;
	char id[65];

	dk_down(k, BOB);
	dk_send(k, ALICE, "bob", "x", "", "", id);
	dk_down(k, ALICE);
	dk_up(k, BOB);
	dk_up(k, ALICE);
	dk_run(k, 2000);
	assert_string_equal(dk_receipt(k, ALICE, id), "delivered");
}

static void
comes_once(void **state)
{
	struct dk *k = *state;
	struct dmesh *m;

	dk_send(k, ALICE, "bob", "once", "", "delivered", NULL);
	m = dk_mesh(k, BOB);
	assert_true(m->seq > 0);
	m->seq = m->acked = 0; /* member mail is kept: it streams again */
	link_drop(m->link, "test");
	dk_run(k, 40000);
	assert_true(m->seq > 0);
	assert_int_equal(dk_inbox(k, BOB, NULL, true).messages.n, 1);
}

static void
do_not_disturb(void **state)
{
	struct dk *k = *state;
	struct local_profile_page page;
	struct local_sent sent;
	char id[65];

	assert_int_equal(ASK(k, BOB, local_profile, &page, .status = "dnd"),
	    OK);
	assert_string_equal(page.status, "dnd");
	assert_string_equal(dk_send(k, ALICE, "bob", "psst", "next",
				"delivered", id),
	    "held");
	assert_int_equal(ASK(k, ALICE, local_message_status, &sent, .id = id),
	    OK);
	assert_string_equal(sent.recipients.v[0].reason, "dnd");
	assert_int_equal(dk_inbox(k, BOB, NULL, false).messages.n, 0);
	assert_string_equal(dk_send(k, ALICE, "bob", "fire", "now", "delivered",
				NULL),
	    "delivered");
	assert_int_equal(dk_inbox(k, BOB, NULL, false).messages.n, 1);
	assert_int_equal(ASK(k, BOB, local_profile, &page, .status = "idle"),
	    OK);
	dk_run(k, 1000);
	assert_int_equal(dk_inbox(k, BOB, NULL, false).messages.n, 2);
	assert_string_equal(dk_receipt(k, ALICE, id), "delivered");
}

static void
launched_session(void **state)
{
	struct dk *k = *state;
	struct local_session s, again;
	struct local_inbox_page in;
	struct local_sent sent;
	struct text to = { .s = "alice" };
	char id[65];

	assert_int_equal(ASK(k, BOB, local_session_open, &s, .name = "worker"),
	    OK);
	dk_run(k, 1000);
	assert_string_equal(dk_send(k, ALICE, "worker", "do", "", "delivered",
				id),
	    "delivered");
	assert_int_equal(dk_inbox(k, BOB, NULL, false).messages.n, 0);
	in = dk_inbox(k, BOB, s.session, false);
	assert_int_equal(in.messages.n, 1);
	assert_string_equal(in.messages.v[0].to, "worker");
	assert_int_equal(ASK_AS(k, BOB, s.session, local_send, &sent,
			     .to = { 1, &to }, .text = "did", .reply_to = id,
			     .wait = "delivered", .wait_ms = 3000),
	    OK);
	in = dk_inbox(k, ALICE, NULL, false);
	assert_string_equal(in.messages.v[0].from, "worker");
	assert_string_equal(in.messages.v[0].reply_to, id);
	dk_run(k, 1000);
	assert_string_equal(dk_receipt(k, ALICE, id), "answered");

	assert_int_equal(ASK(k, BOB, local_session_end, NULL,
			     .session = s.session),
	    OK);
	assert_int_equal(ASK_AS(k, BOB, s.session, local_send, &sent,
			     .to = { 1, &to }, .text = "dead"),
	    E_NO_SESSION);
	dk_run(k, 500);
	assert_string_equal(dk_send(k, ALICE, "worker", "more", "", "delivered",
				NULL),
	    "delivered");
	assert_int_equal(ASK(k, BOB, local_session_open, &again,
			     .name = "other", .resume = s.session),
	    OK);
	assert_string_equal(again.key, s.key);
	assert_string_equal(again.name, "worker");
	assert_int_equal(dk_inbox(k, BOB, s.session, false).messages.n, 2);
}

static void
a_session_outlives_its_daemon(void **state)
{
	struct dk *k = *state;
	struct local_sessions list;
	struct local_session s;

	assert_int_equal(ASK(k, BOB, local_session_open, &s, .name = "w2"), OK);
	dk_down(k, BOB);
	dk_up(k, BOB);
	assert_int_equal(ASK(k, BOB, local_session_list, &list, .mesh = ""),
	    OK);
	assert_int_equal(list.sessions.n, 2);
	assert_string_equal(list.sessions.v[1].key, s.key);
	assert_string_equal(list.sessions.v[1].state, "open");
}

static void
names(void **state)
{
	struct dk *k = *state;
	struct local_session a, b;
	struct text to = { .s = "nobody" };
	struct local_sent sent;

	assert_int_equal(ASK(k, ALICE, local_send, NULL, .to = { 1, &to },
			     .text = "x"),
	    E_NO_PEER);
	assert_int_equal(ASK(k, BOB, local_session_open, &a, .name = "twin"),
	    OK);
	assert_int_equal(ASK(k, CAROL, local_session_open, &b, .name = "twin"),
	    OK);
	dk_run(k, 2000);
	to.s = "twin";
	assert_int_equal(ASK(k, ALICE, local_send, NULL, .to = { 1, &to },
			     .text = "x"),
	    E_AMBIGUOUS);
	assert_non_null(strstr(k->err, "bob"));
	assert_non_null(strstr(k->err, "carol"));
	to.s = b.key;
	assert_int_equal(ASK(k, ALICE, local_send, &sent, .to = { 1, &to },
			     .text = "x", .wait = "delivered"),
	    OK);
	assert_string_equal(sent.recipients.v[0].receipt, "delivered");
	assert_int_equal(dk_inbox(k, CAROL, b.session, false).messages.n, 1);
	assert_int_equal(dk_inbox(k, BOB, a.session, false).messages.n, 0);
}

/* A name that meant one member does not come to mean another. */
static void
pinned_name(void **state)
{
	struct dk *k = *state;
	struct local_session a, b;
	struct text to = { .s = "solo" };

	assert_int_equal(ASK(k, BOB, local_session_open, &a, .name = "solo"),
	    OK);
	dk_run(k, 1500);
	dk_send(k, ALICE, "solo", "x", "", "", NULL);
	assert_int_equal(ASK(k, BOB, local_session_revoke, NULL, .key = a.key),
	    OK);
	assert_int_equal(ASK(k, CAROL, local_session_open, &b, .name = "solo"),
	    OK);
	dk_run(k, 2000);
	assert_int_equal(ASK(k, ALICE, local_send, NULL, .to = { 1, &to },
			     .text = "x"),
	    E_AMBIGUOUS);
	assert_non_null(strstr(k->err, "before"));
}

/* More than fits one frame: several sends of one id, and all arrive. */
static void
many_and_large(void **state)
{
	struct dk *k = *state;
	struct local_sent sent;
	struct local_session s;
	struct text to[24];
	char name[16], *text = arena_alloc(&k->arena, 60001);

	memset(text, 'a', 60000);
	text[60000] = '\0';
	for (int i = 0; i < 24; i++) {
		snprintf(name, sizeof(name), "w%d", i);
		assert_int_equal(ASK(k, BOB, local_session_open, &s,
				     .name = name),
		    OK);
		to[i].s = s.key;
	}
	dk_run(k, 2000);
	assert_int_equal(ASK(k, ALICE, local_send, &sent, .to = { 24, to },
			     .text = text, .wait = "delivered",
			     .wait_ms = 20000),
	    OK);
	assert_int_equal(sent.recipients.n, 24);
	for (int i = 0; i < 24; i++)
		assert_string_equal(sent.recipients.v[i].receipt, "delivered");
	/* a page of the inbox is cut at a size, and goes on by its cursor */
	struct local_inbox_page p = dk_inbox(k, BOB, NULL, true);
	size_t n = p.messages.n;

	assert_in_range(n, 5, 15);
	while (p.messages.n > 0) {
		int64_t after = p.cursor;

		assert_int_equal(ASK(k, BOB, local_inbox, &p, .all = true,
				     .limit = 100, .after = after),
		    OK);
		n += p.messages.n;
	}
	assert_int_equal(n, 24);
}

static void
inbox_waits_and_marks(void **state)
{
	struct dk *k = *state;
	struct local_inbox_page in;
	struct text to = { .s = "bob" };
	struct local_send send = { .to = { 1, &to }, .text = "hi" };
	char reqid[32];
	struct said said = { .from = ALICE, .to = BOB };

	vec_add(&k->sim.said, said);
	assert_true(
	    actor_say(&k->sim.actor[ALICE], &wire_local_send, &send, reqid));
	assert_int_equal(ASK(k, BOB, local_inbox, &in, .wait_ms = 5000,
			     .read = true),
	    OK);
	assert_int_equal(in.messages.n, 1);
	assert_int_equal(dk_inbox(k, BOB, NULL, false).messages.n, 0);
	assert_int_equal(dk_inbox(k, BOB, NULL, true).messages.n, 1);
	assert_int_equal(ASK(k, BOB, local_inbox, &in, .wait_ms = 300), OK);
	assert_int_equal(in.messages.n, 0);
}

/* Nothing is accepted that could not be kept, and it mends by itself. */
static void
disk_full(void **state)
{
	struct dk *k = *state;
	struct vfs *disk = k->sim.actor[ALICE].vfs;
	struct text to = { .s = "bob" };
	struct local_send send = { .to = { 1, &to }, .text = "lost" };
	struct said said = { .from = ALICE, .to = BOB };
	struct local_state st;
	char reqid[32];

	vfs_full_at(disk, 1, true);
	vec_add(&k->sim.said, said);
	actor_say(&k->sim.actor[ALICE], &wire_local_send, &send, reqid);
	dk_run(k, 500);
	assert_false(k->sim.said.v[0].accepted);
	assert_int_equal(ASK(k, ALICE, local_send, NULL, .to = { 1, &to },
			     .text = "x"),
	    E_STORAGE_FULL);
	assert_int_equal(ASK(k, ALICE, local_status, &st, .end_ = 0), OK);
	assert_false(st.ok);
	dk_run(k, 12000);
	vfs_full_at(disk, 0, false);
	dk_run(k, 20000);
	assert_string_equal(dk_send(k, ALICE, "bob", "room again", "",
				"delivered", NULL),
	    "delivered");
	assert_int_equal(dk_inbox(k, BOB, NULL, true).messages.n, 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, dk_setup, dk_teardown)
	const struct CMUnitTest tests[] = { T(both_ways), T(receiver_away),
		T(broker_away), T(sender_away), T(comes_once),
		T(do_not_disturb), T(launched_session),
		T(a_session_outlives_its_daemon), T(names), T(pinned_name),
		T(many_and_large), T(inbox_waits_and_marks), T(disk_full) };

	log_setup(-1, LOG_ERROR, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

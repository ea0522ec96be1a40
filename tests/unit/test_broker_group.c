/*
 * test_broker_group.c - what is said to labels, over time: who is away for too
 * long, what expires, what is swept; and that one row is all that is kept.
 */
#include "tests/unit/brokerkit.h"

#include <stdio.h>

#include "broker/broker.h"

#define CIPHER "AAAA"

/* Bob's session, and another of Alice's on a daemon of its own, are in @g. */
struct stage {
	struct pair p;
	struct sess other;
	struct client *co;
};

static void
stage_init(struct stage *s, struct kit *k)
{
	pair_init(&s->p, k);
	sess_init(&s->other, k, &s->p.alice, "other", "daemon-of-other-01");
	s->co = client_new(k);
	assert_int_equal(hello(s->co, &s->other), OK);
	assert_int_equal(ASK(s->co, NULL, group_join, NULL, .name = "g"), OK);
	assert_int_equal(ASK(s->p.cb, NULL, group_join, NULL, .name = "g"), OK);
}

static void
stage_fini(struct stage *s)
{
	client_free(s->co);
	pair_fini(&s->p);
}

static const char *
say(struct stage *s, int n)
{
	struct kit *k = s->p.ca->k;
	char *id = arena_printf(&k->arena, "message-%04d", n);
	struct ack ack;

	assert_int_equal(ASK(s->p.ca, NULL, message_send, &ack, .id = id,
			     .target_spec = "@g", .priority = "next",
			     .nonce = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
			     .ciphertext = CIPHER, .epoch = 1),
	    OK);
	return ack.recipients.v[0].receipt[0] == 'r'
	    ? ack.recipients.v[0].reason
	    : ack.recipients.v[0].receipt;
}

/* Reads what was pushed; how much, and the last seq. */
static int
read_all(struct client *c, int64_t *seq, int *first)
{
	struct message_push m;
	int n = 0;

	*first = -1;
	while (heard(c, &wire_message_push, &m)) {
		if (m.seq == 0)
			continue;
		if (n++ == 0)
			sscanf(m.message_id, "message-%d", first);
		*seq = m.seq;
	}
	return n;
}

static void
read_and_ack(struct client *c, struct sess *s)
{
	int first;

	read_all(c, &s->seq, &first);
	assert_int_equal(ASK(c, s->key.hex, message_ack, NULL,
			     .has_cursor = true,
			     .cursor = { .history = c->k->broker->history,
				 .seq = s->seq }),
	    OK);
}

static int64_t
count(struct kit *k, const char *sql)
{
	struct db_rows *r =
	    db_query(k->broker->db, &k->arena, NULL, sql, 0, NULL);

	assert_non_null(r);
	return db_int(r, 0, 0);
}

static void
test_one_row(void **state)
{
	struct kit *k = *state;
	struct stage s;
	int i;

	stage_init(&s, k);
	for (i = 0; i < 10; i++)
		assert_string_equal(say(&s, i), "stored");
	assert_int_equal(count(k, "SELECT COUNT(*) FROM message"), 10);
	assert_int_equal(count(k,
			     "SELECT COUNT(*) FROM queue WHERE member = ''"),
	    1);
	assert_int_equal(count(k, "SELECT COUNT(*) FROM audience"), 2);
	read_and_ack(s.co, &s.other);
	assert_int_equal(count(k, "SELECT COUNT(*) FROM message"), 10);
	read_and_ack(s.p.cb, &s.p.b);
	kit_settle(k);
	assert_int_equal(count(k, "SELECT COUNT(*) FROM message"), 0);
	stage_fini(&s);
}

/* One who is away does not make the group mute, and is told of the gap. */
static void
test_full(void **state)
{
	struct kit *k = *state;
	struct stage s;
	int64_t seq = 0;
	int i, first = -1, n;

	kit_fini(k);
	kit_init(k);
	k->conf.limits.queue_count = 20;
	kit_start(k);
	stage_init(&s, k);
	client_free(s.p.cb);
	for (i = 0; i < 60; i++) {
		assert_string_equal(say(&s, i), "stored");
		read_and_ack(s.co, &s.other);
	}
	s.p.cb = client_new(k);
	assert_int_equal(hello(s.p.cb, &s.p.b), OK);
	assert_true(s.p.b.ack.gap);
	kit_settle(k);
	n = read_all(s.p.cb, &seq, &first);
	assert_true(n >= 10 && n <= 20);
	assert_int_equal(first, 60 - n);
	/* who is here and does not read is in the way of all */
	for (i = 100; i < 200 && strcmp(say(&s, i), "stored") == 0; i++)
		;
	assert_in_range(i, 100, 121);
	assert_string_equal(say(&s, i), "quota: the recipient's queue is full");
	stage_fini(&s);
}

static void
test_expired(void **state)
{
	struct kit *k = *state;
	struct message_receipt rec;
	struct stage s;

	kit_fini(k);
	kit_init(k);
	k->conf.limits.keep_ms = 3 * HOUR;
	kit_start(k);
	stage_init(&s, k);
	client_free(s.p.cb);
	say(&s, 1);
	read_and_ack(s.co, &s.other);
	fakeio_run(k->f, 4 * HOUR);
	assert_true(heard(s.p.ca, &wire_message_receipt, &rec));
	assert_string_equal(rec.target_spec, "@g");
	assert_string_equal(rec.receipt, "expired");
	assert_int_equal(count(k, "SELECT COUNT(*) FROM message"), 0);
	s.p.cb = client_new(k);
	assert_int_equal(hello(s.p.cb, &s.p.b), OK);
	assert_int_equal(count_heard(s.p.cb, "push"), 0);
	stage_fini(&s);
}

/* The broker starts over: labels, audiences and what waits are as they were. */
static void
test_restart(void **state)
{
	struct kit *k = *state;
	struct stage s;
	int64_t seq = 0;
	int first;

	stage_init(&s, k);
	client_free(s.p.cb);
	say(&s, 1);
	say(&s, 2);
	client_free(s.p.ca);
	client_free(s.co);
	kit_restart(k);
	s.p.ca = client_new(k);
	s.co = client_new(k);
	s.p.cb = client_new(k);
	assert_int_equal(hello(s.p.ca, &s.p.a), OK);
	assert_int_equal(hello(s.p.cb, &s.p.b), OK);
	assert_int_equal(s.p.b.ack.restored_groups.n, 1);
	kit_settle(k);
	assert_int_equal(read_all(s.p.cb, &seq, &first), 2);
	assert_int_equal(first, 1);
	say(&s, 3);
	assert_int_equal(count(k, "SELECT COUNT(*) FROM message"), 3);
	assert_int_equal(hello(s.co, &s.other), OK);
	kit_settle(k);
	assert_int_equal(read_all(s.co, &seq, &first), 3);
	stage_fini(&s);
}

/* Long after: nothing is kept of what nobody can ask about. */
static void
test_swept(void **state)
{
	struct kit *k = *state;
	struct stage s;

	stage_init(&s, k);
	say(&s, 1);
	read_and_ack(s.co, &s.other);
	read_and_ack(s.p.cb, &s.p.b);
	stage_fini(&s);
	kit_settle(k);
	fakeio_wall_jump(k->f, (int64_t)95 * 24 * HOUR);
	fakeio_run(k->f, 10 * 60 * 1000);
	assert_int_equal(count(k, "SELECT COUNT(*) FROM audience"), 0);
	assert_int_equal(count(k,
			     "SELECT COUNT(*) FROM queue WHERE member = ''"),
	    0);
	assert_int_equal(count(k, "SELECT COUNT(*) FROM label"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_row, kit_setup,
		    kit_teardown),
		cmocka_unit_test_setup_teardown(test_full, kit_setup,
		    kit_teardown),
		cmocka_unit_test_setup_teardown(test_expired, kit_setup,
		    kit_teardown),
		cmocka_unit_test_setup_teardown(test_restart, kit_setup,
		    kit_teardown),
		cmocka_unit_test_setup_teardown(test_swept, kit_setup,
		    kit_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

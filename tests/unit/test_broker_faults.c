/*
 * test_broker_faults.c - what the broker does when things go wrong: disks fill
 * or fail, readers are slow, senders are many, time passes, the end comes.
 */
#include "tests/unit/brokerkit.h"

#include <stdio.h>

#define DAY (24 * (int64_t)HOUR)

/* Nothing is said of what was not stored, and afterwards all is well. */
static void
test_full_disk(void **state)
{
	struct kit *k = *state;
	struct pair p;
	char receipt[16];
	int r;

	pair_init(&p, k);
	count_heard(p.cb, "push");
	vfs_full_at(k->vfs, 1, true);
	r = send_text(p.ca, &p.a, p.b.key.hex, "message-0001", NULL);
	assert_true(r == E_TIMED_OUT || r == E_STORAGE_FULL);
	assert_int_equal(count_heard(p.cb, "push"), 0);
	fakeio_run(k->f, 1000);
	if (!p.ca->open) { /* its mesh was forgotten */
		client_free(p.ca);
		p.ca = client_new(k);
		/* who is known may come in, to read; nothing is stored */
		assert_int_equal(hello(p.ca, &p.a), OK);
		assert_int_equal(send_text(p.ca, &p.a, p.b.key.hex,
				     "message-0001", NULL),
		    E_STORAGE_FULL);
	}
	vfs_full_at(k->vfs, 0, false);
	fakeio_run(k->f, 11000); /* the probe finds room */
	client_free(p.ca);
	client_free(p.cb);
	p.ca = client_new(k);
	p.cb = client_new(k);
	assert_int_equal(hello(p.ca, &p.a), OK);
	assert_int_equal(hello(p.cb, &p.b), OK);
	assert_int_equal(send_text(p.ca, &p.a, p.b.key.hex, "message-0001",
			     receipt),
	    OK);
	assert_string_equal(receipt, "stored");
	assert_int_equal(count_heard(p.cb, "push"), 1);
	assert_false(k->fatal);
	pair_fini(&p);
}

/* An act that was not stored is not in the roll, whoever looks. */
static void
test_roll_not_stored(void **state)
{
	struct kit *k = *state;
	struct act_settings set = { .name = "renamed" };
	struct mesh_info_result info;
	int64_t before;
	struct pair p;

	pair_init(&p, k);
	before = p.b.ack.roll.n;
	vfs_full_at(k->vfs, 1, true);
	assert_int_not_equal(append(p.ca, &p.a, "settings", &wire_act_settings,
				 &set),
	    OK);
	vfs_full_at(k->vfs, 0, false);
	fakeio_run(k->f, 11000);
	assert_int_equal(count_heard(p.cb, "roll_changed"), 0);
	assert_false(p.cb->open);
	assert_int_equal(p.cb->code, 1012);
	client_free(p.cb);
	p.cb = client_new(k);
	assert_int_equal(hello(p.cb, &p.b), OK);
	assert_int_equal(p.b.ack.roll.n, before);
	assert_int_equal(ASK(p.cb, NULL, mesh_info, &info, .end_ = 0), OK);
	assert_string_equal(info.name, "test mesh");
	pair_fini(&p);
}

static void
test_failed_sync(void **state)
{
	struct kit *k = *state;
	struct pair p;

	pair_init(&p, k);
	count_heard(p.cb, "push");
	vfs_fail_sync_at(k->vfs, 1);
	assert_int_equal(send_text(p.ca, &p.a, p.b.key.hex, "message-0001",
			     NULL),
	    E_TIMED_OUT);
	assert_int_equal(count_heard(p.cb, "push"), 0);
	assert_true(k->fatal); /* the process ends */
	pair_fini(&p);
}

/* A handler that wrote and then failed leaves nothing, and harms nobody. */
static void
test_rolled_back(void **state)
{
	struct kit *k = *state;
	struct message_status_result st;
	struct blob doc[2];
	struct pair p;

	pair_init(&p, k);
	send_text(p.ca, &p.a, p.b.key.hex, "message-0001", NULL);
	doc[0].s =
	    sign_receipt(k, &p.b, p.a.key.hex, "surfaced", "message-0001");
	doc[1].s = sign_receipt(k, &p.a, p.a.key.hex, "surfaced",
	    "message-0001"); /* by somebody else */
	assert_int_equal(ASK(p.cb, NULL, message_ack, NULL,
			     .receipts = { 2, doc }),
	    E_FORBIDDEN);
	assert_false(heard(p.ca, &wire_message_receipt, NULL));
	assert_int_equal(ASK(p.ca, NULL, message_status, &st,
			     .message_id = "message-0001"),
	    OK);
	assert_string_equal(st.recipients.v[0].receipt, "stored");
	assert_int_equal(ASK(p.cb, NULL, message_ack, NULL,
			     .receipts = { 1, doc }),
	    OK);
	assert_true(heard(p.ca, &wire_message_receipt, NULL));
	pair_fini(&p);
}

/* A receipt raises nothing but what was sent to its signer by whom it names. */
static void
test_receipt_for_others_mail(void **state)
{
	struct kit *k = *state;
	struct message_status_result st;
	struct sess a2;
	struct blob doc;
	struct pair p;

	pair_init(&p, k);
	sess_init(&a2, k, &p.alice, "alice two", "daemon-of-alice-01");
	assert_int_equal(hello(p.ca, &a2), OK);
	send_text(p.ca, &p.a, a2.key.hex, "message-0001", NULL);
	doc.s = sign_receipt(k, &p.b, p.a.key.hex, "delivered", "message-0001");
	assert_int_equal(ASK(p.cb, NULL, message_ack, NULL,
			     .receipts = { 1, &doc }),
	    OK);
	assert_int_equal(ASK(p.ca, p.a.key.hex, message_status, &st,
			     .message_id = "message-0001"),
	    OK);
	assert_string_equal(st.recipients.v[0].receipt, "stored");
	assert_int_equal(ASK(p.ca, a2.key.hex, message_status, &st,
			     .message_id = "message-0001"),
	    E_NOT_FOUND);
	pair_fini(&p);
}

/* A reader that stands still costs bounded memory and loses no mail. */
static void
test_slow_reader(void **state)
{
	struct kit *k = *state;
	char id[24], *big = arena_zalloc(&k->arena, 100001);
	struct message_push got;
	size_t n = 0, gaps;
	struct pair p;
	int i;

	pair_init(&p, k);
	count_heard(p.cb, "push");
	memset(big, 'A', 100000);
	fakeio_clog(k->f, p.cb->stream, true);
	for (i = 0; i < 120; i++) {
		snprintf(id, sizeof(id), "message-%04d", i);
		assert_int_equal(ASK(p.ca, NULL, message_send, NULL, .id = id,
				     .target_spec = p.b.key.hex,
				     .priority = "next",
				     .nonce =
					 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
				     .ciphertext = big),
		    OK);
		assert_int_equal(ASK(p.ca, NULL, peer_visible, NULL,
				     .visible = i % 2),
		    OK);
	}
	fakeio_clog(k->f, p.cb->stream, false);
	kit_settle(k);
	gaps = count_heard(p.cb, "gap");
	assert_int_equal(gaps, 1); /* events were dropped, and said so */
	while (heard(p.cb, &wire_message_push, &got)) {
		if (got.subtype[0] != '\0')
			continue;
		snprintf(id, sizeof(id), "message-%04d", (int)n++);
		assert_string_equal(got.message_id, id);
	}
	assert_int_equal(n, 120);
	pair_fini(&p);
}

static void
test_quota_and_rate(void **state)
{
	struct kit *k = *state;
	char id[24], receipt[16];
	struct message_push got;
	int64_t last = 0;
	struct pair p;
	int i, r = OK;

	kit_fini(k);
	kit_init(k);
	k->conf.limits.queue_count = 20;
	k->conf.limits.send_rate = 10;
	k->conf.limits.send_burst = 30;
	kit_start(k);
	pair_init(&p, k);
	for (i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "message-%04d", i);
		send_text(p.ca, &p.a, p.b.key.hex, id, receipt);
		assert_string_equal(receipt, "stored");
	}
	send_text(p.ca, &p.a, p.b.key.hex, "message-more", receipt);
	assert_string_equal(receipt, "refused");
	for (i = 0; i < 10 && r == OK; i++) {
		snprintf(id, sizeof(id), "another-%04d", i);
		r = send_text(p.ca, &p.a, p.bob.member.hex, id, receipt);
	}
	assert_int_equal(i, 10);
	assert_int_equal(r, E_RATE_LIMITED);
	assert_in_range(p.ca->err.retry_after_ms, 1, 100);
	assert_string_equal(p.ca->err.id, "another-0009");
	fakeio_run(k->f, p.ca->err.retry_after_ms);
	assert_int_equal(send_text(p.ca, &p.a, p.bob.member.hex, id, receipt),
	    OK);
	/* what is fetched makes room again; it is counted anew after a restart */
	kit_restart(k);
	client_free(p.ca);
	client_free(p.cb);
	p.ca = client_new(k);
	p.cb = client_new(k);
	assert_int_equal(hello(p.ca, &p.a), OK);
	p.b.seq = 0;
	assert_int_equal(hello(p.cb, &p.b), OK);
	send_text(p.ca, &p.a, p.b.key.hex, "message-more", receipt);
	assert_string_equal(receipt, "refused");
	while (heard(p.cb, &wire_message_push, &got))
		last = got.seq > last ? got.seq : last;
	assert_int_equal(ASK(p.cb, NULL, message_ack, NULL,
			     .cursor = { .history = p.b.ack.cursor.history,
				 .seq = last },
			     .has_cursor = true),
	    OK);
	send_text(p.ca, &p.a, p.b.key.hex, "message-more", receipt);
	assert_string_equal(receipt, "stored");
	pair_fini(&p);
}

/* A member's mail is kept for other daemons, but what all of them have makes
 * room when the queue fills. */
static void
test_member_mail_makes_room(void **state)
{
	struct kit *k = *state;
	struct message_push got = { 0 };
	char id[24], receipt[16];
	struct pair p;
	int i;

	kit_fini(k);
	kit_init(k);
	k->conf.limits.queue_count = 20;
	kit_start(k);
	pair_init(&p, k);
	for (i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "message-%04d", i);
		send_text(p.ca, &p.a, p.bob.member.hex, id, receipt);
		assert_string_equal(receipt, "stored");
		assert_true(heard(p.cb, &wire_message_push, &got));
		assert_string_equal(got.message_id, id);
		assert_int_equal(ASK(p.cb, NULL, message_ack, NULL,
				     .cursor = { .history =
						     p.b.ack.cursor.history,
					 .seq = got.seq },
				     .has_cursor = true),
		    OK);
	}
	for (i = 0; i < 21; i++) { /* nobody fetches these */
		snprintf(id, sizeof(id), "another-%04d", i);
		send_text(p.ca, &p.a, p.bob.member.hex, id, receipt);
	}
	assert_string_equal(receipt, "refused");
	pair_fini(&p);
}

/* Days go by; alice renews her attestation, as a daemon does. */
static void
pass_days(struct kit *k, struct pair *p, int days)
{
	int i;

	for (i = 0; i < days * 4; i++) {
		fakeio_wall_jump(k->f, DAY / 4);
		assert_int_equal(ASK(p->ca, NULL, session_attest, NULL,
				     .attestation = attest(k, &p->a, 0, DAY)),
		    OK);
	}
	fakeio_run(k->f, 61000);
}

static void
test_expiry(void **state)
{
	struct kit *k = *state;
	struct message_status_result st;
	struct message_receipt news;
	struct pair p;

	pair_init(&p, k);
	client_free(p.cb);
	p.cb = NULL;
	send_text(p.ca, &p.a, p.b.key.hex, "message-0001", NULL);
	pass_days(k, &p, 29);
	assert_false(heard(p.ca, &wire_message_receipt, &news));
	pass_days(k, &p, 2);
	assert_true(heard(p.ca, &wire_message_receipt, &news));
	assert_string_equal(news.message_id, "message-0001");
	assert_string_equal(news.receipt, "expired");
	assert_int_equal(ASK(p.ca, NULL, message_status, &st,
			     .message_id = "message-0001"),
	    OK);
	assert_string_equal(st.recipients.v[0].receipt, "expired");
	p.cb = client_new(k);
	p.b.seq = 0;
	assert_int_equal(hello(p.cb, &p.b), OK);
	assert_int_equal(count_heard(p.cb, "push"), 0);
	pass_days(k, &p, 8);
	assert_int_equal(ASK(p.ca, NULL, message_status, &st,
			     .message_id = "message-0001"),
	    E_NOT_FOUND);
	pair_fini(&p);
}

static void
test_cursors(void **state)
{
	struct kit *k = *state;
	struct cursor c = { .history = "another", .seq = 1 };
	struct pair p;

	pair_init(&p, k);
	assert_int_equal(ASK(p.cb, NULL, message_ack, NULL, .cursor = c,
			     .has_cursor = true),
	    E_CONFLICT);
	c.history = p.b.ack.cursor.history;
	c.seq = 9000000000000000;
	assert_int_equal(ASK(p.cb, NULL, message_ack, NULL, .cursor = c,
			     .has_cursor = true),
	    E_OUT_OF_RANGE);
	p.b.seq = 9000000000000000; /* a future the broker does not remember */
	client_free(p.cb);
	p.cb = client_new(k);
	assert_int_equal(hello(p.cb, &p.b), OK);
	assert_true(p.b.ack.gap);
	assert_true(p.b.ack.cursor.seq < 9000000000000000);
	send_text(p.ca, &p.a, p.b.key.hex, "message-0001", NULL);
	assert_int_equal(count_heard(p.cb, "push"), 1);
	pair_fini(&p);
}

static void
test_drain(void **state)
{
	struct kit *k = *state;
	struct pair p;

	pair_init(&p, k);
	broker_drain(k->broker);
	fakeio_run(k->f, 1000);
	assert_false(p.ca->open);
	assert_int_equal(p.ca->code, 1001);
	assert_true(k->drained);
	pair_fini(&p);
}

/* One connection may carry sessions of two meshes. */
static void
test_two_meshes(void **state)
{
	struct kit *k = *state;
	struct person other;
	struct sess s;
	struct pair p;
	char receipt[16];

	pair_init(&p, k);
	person_init(&other, k, "olga");
	make_mesh(k, &other);
	sess_init(&s, k, &other, "olga", "daemon-of-alice-01");
	assert_int_equal(hello(p.ca, &s), OK);
	assert_int_equal(send_text(p.ca, &s, p.b.key.hex, "message-0001",
			     receipt),
	    OK);
	assert_string_equal(receipt, "refused"); /* bob is not in that mesh */
	assert_int_equal(send_text(p.ca, &s, s.key.hex, "message-0002",
			     receipt),
	    OK);
	assert_string_equal(receipt, "stored"); /* to oneself is fine */
	assert_int_equal(count_heard(p.cb, "push"), 0);
	pair_fini(&p);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
		T(test_full_disk),
		T(test_roll_not_stored),
		T(test_failed_sync),
		T(test_rolled_back),
		T(test_receipt_for_others_mail),
		T(test_slow_reader),
		T(test_quota_and_rate),
		T(test_member_mail_makes_room),
		T(test_expiry),
		T(test_cursors),
		T(test_drain),
		T(test_two_meshes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

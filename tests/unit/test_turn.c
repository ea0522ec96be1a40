/*
 * test_turn.c - the rules of the turn, one test for each, as long as the commit
 * stands; test_turn_fails.c has the others.
 */
#include <string.h>

#include "tests/unit/turn_fix.h"

/* ---- the rules ---- */

static void
power_goes(struct turns *f, struct turn_chan *c)
{
	(void)c;
	vfs_crash(f->v, 0); /* with what was synced and no more */
}

static void
test_released_is_durable(void **state)
{
	struct turns *f = *state;
	uint64_t syncs = vfs_syncs(f->v);

	assert_int_equal(turns_request(f, 7, 0, "a"), OK);
	assert_int_equal(turns_request(f, 7, 1, "b"), OK);
	assert_string_equal(f->said[0], "");
	assert_true(turn_wrote(f->t));
	assert_true(vfs_syncs(f->v) == syncs);
	turns_end(f, "Brrcf");
	assert_false(f->in_txn_at_release);
	assert_true(f->syncs_at_release == syncs + 1); /* one for both */
	assert_string_equal(f->said[0], "a");
	assert_string_equal(f->said[1], "b");

	f->at_release = power_goes;
	assert_int_equal(turns_request(f, 7, 0, "c"), OK);
	turn_end(f->t);
	assert_string_equal(f->said[0], "ac");
	db_close(f->db);
	turns_open(f);
	assert_string_equal(turns_rows(f), "a b c");
}

static void
test_reading_costs_nothing(void **state)
{
	struct turns *f = *state;
	uint64_t n = vfs_ops(f->v);

	turn_request_begin(f->t);
	assert_string_equal(turns_rows(f), "");
	turns_say(f, 0, "empty");
	turn_request_end(f->t, true);
	assert_false(turn_wrote(f->t));
	assert_string_equal(f->said[0], "");
	turns_end(f, "Brcf");
	assert_string_equal(f->said[0], "empty");
	assert_true(vfs_ops(f->v) == n);
	turns_end(f, "B"); /* a turn in which nothing was */
}

static void
test_failed_request_harms_nobody(void **state)
{
	struct turns *f = *state;

	assert_int_equal(turns_request(f, 1, 0, "a"), OK);
	turn_request_begin(f->t);
	assert_int_equal(turns_insert(f, 2, "bad"), OK);
	assert_int_equal(turns_insert(f, 2, "worse"), OK);
	turns_say(f, 0, "(bad)");
	turns_say(f, 1, "(bad)");
	turn_request_end(f->t, false);
	turns_say(f, 1, "error"); /* the answer to it, outside any request */
	assert_int_equal(turns_request(f, 1, 0, "c"), OK);
	turns_end(f, "Brrcf");
	assert_string_equal(turns_rows(f), "a c");
	assert_string_equal(f->said[0], "ac");
	assert_string_equal(f->said[1], "error");
}

static void
test_constraint_is_the_requests_own(void **state)
{
	struct turns *f = *state;

	assert_int_equal(turns_request(f, 1, 0, "a"), OK);
	turn_request_begin(f->t);
	assert_int_equal(turns_insert(f, 1, "b"), OK);
	assert_int_equal(db_run(f->db, &f->why,
			     "INSERT INTO t (k)"
			     " VALUES (1)",
			     0, NULL),
	    E_CONFLICT);
	turn_request_end(f->t, false);
	turns_end(f, "Brcf");
	assert_string_equal(turns_rows(f), "a");
}

static void
write_cursor(struct turns *f)
{
	assert_int_equal(turns_insert(f, 5, "cursor"), OK);
	turns_say(f, 2, "receipt");
}

static void
test_before_commit_writes(void **state)
{
	struct turns *f = *state;

	f->at_before = write_cursor;
	turns_end(f, "Brcf"); /* even in a turn that wrote nothing else */
	assert_int_equal(turns_request(f, 1, 0, "a"), OK);
	turns_end(f, "Brrcf");
	assert_string_equal(turns_rows(f), "cursor a cursor");
	assert_string_equal(f->said[2], "receiptreceipt");
	vfs_full_at(f->v, 1, true);
	turns_end(f, "BdF");
	assert_int_equal(f->nmark, 1);
	assert_true(f->mark[0] == 5);
}

static void
test_say_many(void **state)
{
	struct turns *f = *state;
	struct turn_chan *all[CHANS] = { &f->chan[0], &f->chan[1], &f->chan[2],
		&f->chan[3] };

	turn_request_begin(f->t);
	turns_say(f, 0, "<");
	turn_say_many(f->t, all, 3, "push", 4);
	turns_say(f, 0, ">");
	turns_say(f, 0, "!");
	turn_say_many(f->t, all, 0, "nobody", 6);
	turn_request_end(f->t, true);
	turn_request_begin(f->t);
	turn_say_many(f->t, all, 4, "no", 2);
	turn_request_end(f->t, false);
	turn_say_many(f->t, all, 2, "+", 1);
	turns_end(f, "Brrrcf");
	assert_string_equal(f->said[0], "<push>!+");
	assert_string_equal(f->said[1], "push+");
	assert_string_equal(f->said[2], "push");
	assert_string_equal(f->said[3], "");
}

/* More than held may hold: nothing of it is said, others are not concerned. */
static void
test_too_much_is_dropped(void **state)
{
	struct turns *f = *state;

	buf_init(&f->chan[0].held, 8);
	assert_int_equal(turns_request(f, 1, 0, "1234"), OK);
	assert_int_equal(turns_request(f, 1, 0, "567890"), OK);
	assert_int_equal(turns_request(f, 1, 0, "1"), OK);
	assert_int_equal(turns_request(f, 1, 1, "fine"), OK);
	turns_end(f, "Bdrcf");
	assert_string_equal(f->said[0], "(dropped)");
	assert_string_equal(f->said[1], "fine");
	assert_string_equal(turns_rows(f), "1234 567890 1 fine");
}

static void
test_chan_gone(void **state)
{
	struct turns *f = *state;

	assert_int_equal(turns_request(f, 1, 0, "a"), OK);
	assert_int_equal(turns_request(f, 1, 1, "b"), OK);
	turn_request_begin(f->t);
	turns_say(f, 2, "c");
	turns_say(f, 3, "d");
	turn_chan_gone(f->t, &f->chan[2]); /* told in the request that runs */
	turn_request_end(f->t, true);
	turn_chan_gone(f->t, &f->chan[0]); /* told in the turn that runs */
	memset(&f->chan[0], 0xaa, sizeof(f->chan[0]));
	memset(&f->chan[2], 0xaa, sizeof(f->chan[2]));
	turns_end(f, "Brrcf");
	memset(&f->chan[0], 0, sizeof(f->chan[0]));
	memset(&f->chan[2], 0, sizeof(f->chan[2]));
	assert_string_equal(f->said[1], "b");
	assert_string_equal(f->said[3], "d");
}

static void
kill_other(struct turns *f, struct turn_chan *c)
{
	turn_chan_gone(f->t, c);
	turn_chan_gone(f->t, &f->chan[1]);
	memset(c, 0, sizeof(*c));
}

static void
test_chan_gone_at_release(void **state)
{
	struct turns *f = *state;

	f->at_release = kill_other;
	assert_int_equal(turns_request(f, 1, 0, "a"), OK);
	assert_int_equal(turns_request(f, 1, 1, "b"), OK);
	turns_end(f, "Brcf");
	assert_string_equal(f->said[0], "a");
	assert_string_equal(f->said[1], "");
}

/* ---- what is left behind ---- */

static void
test_checkpoint_after_flush(void **state)
{
	struct turns *f = *state;

	turn_request_begin(f->t);
	assert_int_equal(turn_writes(f->t, 1, NULL), OK);
	for (int i = 0; i < 100; i++)
		assert_int_equal(db_run(f->db, NULL,
				     "INSERT INTO t (v)"
				     " VALUES (hex(randomblob(30000)))",
				     0, NULL),
		    OK);
	turn_request_end(f->t, true);
	assert_true(db_wal_pages(f->db) < 1000);
	turns_end(f, "Bcf");
	assert_int_equal(db_wal_pages(f->db), 0);
	assert_in_range(vfs_size(f->v, "/x.db"), 6000000, 7000000);
}

/* An idle connection costs nothing, and memory goes round. */
static void
test_memory_goes_round(void **state)
{
	struct turns *f = *state;
	const char *first;

	turns_say(f, 0, "a");
	first = f->chan[0].held.data;
	turn_end(f->t);
	assert_null(f->chan[0].held.data);
	turns_say(f, 1, "b");
	assert_ptr_equal(f->chan[1].held.data, first);
	turn_end(f->t);
	assert_string_equal(f->said[1], "b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_released_is_durable),
		TEST(test_reading_costs_nothing),
		TEST(test_failed_request_harms_nobody),
		TEST(test_constraint_is_the_requests_own),
		TEST(test_before_commit_writes),
		TEST(test_say_many),
		TEST(test_too_much_is_dropped),
		TEST(test_chan_gone),
		TEST(test_chan_gone_at_release),
		TEST(test_checkpoint_after_flush),
		TEST(test_memory_goes_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_turn_later.c - a commit whose outcome comes later, as the contract of
 * db_commit allows. SQLite has none, so turn.c is compiled in here with db_commit
 * replaced.
 */
#include <string.h>

#include "store/db.h"

/* The commit that was asked for and not yet made. */
static bool defer;
static void (*done_cb)(void *, int);
static void *done_arg;

static void
seam_commit(struct db *db, void (*done)(void *, int), void *arg)
{
	if (!defer) {
		db_commit(db, done, arg);
		return;
	}
	defer = false;
	done_cb = done;
	done_arg = arg;
}

#define db_commit seam_commit
#include "turn/turn.c"
#undef db_commit

#include "tests/unit/turn_fix.h"

static void
test_pending_commit(void **state)
{
	struct turns *f = *state;

	defer = true;
	assert_int_equal(turns_request(f, 1, 0, "a"), OK);
	assert_int_equal(turns_request(f, 1, 1, "b"), OK);
	turns_end(f, "B");
	assert_true(turn_busy(f->t));
	turns_end(f, ""); /* again by the loop: nothing */
	turn_chan_gone(f->t, &f->chan[1]);
	assert_string_equal(f->said[0], "");
	db_commit(f->db, done_cb, done_arg);
	assert_string_equal(f->story, "rcf");
	assert_false(turn_busy(f->t));
	assert_string_equal(f->said[0], "a");
	assert_string_equal(f->said[1], "");
}

static void
test_outcome_unknown(void **state)
{
	struct turns *f = *state;

	defer = true;
	assert_int_equal(turns_request(f, 4, 0, "a"), OK);
	turns_end(f, "B");
	db_rollback(f->db);
	done_cb(done_arg, E_UNAVAILABLE);
	assert_string_equal(f->story, "BdF");
	assert_int_equal(f->code, E_UNAVAILABLE);
	assert_int_equal(f->nmark, 1);
	assert_false(turn_busy(f->t));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pending_commit),
		TEST(test_outcome_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

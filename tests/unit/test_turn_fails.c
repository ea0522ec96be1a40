/*
 * test_turn_fails.c - the turn whose commit fails, and the full disk.
 */
#include <string.h>

#include "tests/unit/turn_fix.h"

static void
fails_with(struct turns *f, int code)
{
	turns_end(f, "BddF");
	assert_int_equal(f->code, code);
	assert_int_equal(f->nmark, 2);
	assert_true(f->mark[0] == 3 && f->mark[1] == 9);
	assert_string_equal(f->said[0], "(dropped)");
	assert_string_equal(f->said[1], "(dropped)");
	assert_false(turn_wrote(f->t));
	assert_false(f->chan[0].touched);
	turns_end(f, "B"); /* and it is over */
}

static void
two_meshes(struct turns *f)
{
	assert_int_equal(turns_request(f, 9, 0, "a"), OK);
	assert_int_equal(turns_request(f, 3, 0, "b"), OK);
	turn_request_begin(f->t); /* a reader, told what will not stand */
	turns_say(f, 1, turns_rows(f));
	turn_request_end(f->t, true);
}

static void
test_commit_fails(void **state)
{
	struct turns *f = *state;

	two_meshes(f);
	turn_request_begin(f->t);
	assert_int_equal(turn_writes(f->t, 9, NULL), OK);
	assert_int_equal(db_run(f->db, NULL, "INSERT INTO t (p) VALUES (77)", 0,
			     NULL),
	    OK); /* refers to nothing: COMMIT finds it */
	turn_request_end(f->t, true);
	fails_with(f, E_STORE);
	assert_string_equal(turns_rows(f), "");
	assert_false(turn_is_read_only(f->t));
	assert_int_equal(turns_request(f, 9, 2, "later"), OK);
	turns_end(f, "Brcf");
	assert_string_equal(turns_rows(f), "later");
}

static void
test_commit_finds_disk_full(void **state)
{
	struct turns *f = *state;

	two_meshes(f);
	vfs_full_at(f->v, 1, true);
	fails_with(f, E_STORAGE_FULL);
	assert_string_equal(turns_rows(f), "");
	assert_true(turn_is_read_only(f->t));
}

static void
test_commit_is_not_synced(void **state)
{
	struct turns *f = *state;

	two_meshes(f);
	vfs_fail_sync_at(f->v, 1);
	fails_with(f, E_INTERNAL);
	turn_request_begin(f->t);
	assert_int_equal(turns_insert(f, 9, "more"), E_INTERNAL);
	turn_request_end(f->t, false);
	turns_end(f, "BF"); /* said again until the process ends */
	assert_int_equal(f->code, E_INTERNAL);
}

/* The disk is full in the middle: nobody after it may believe anything. */
static void
test_statement_spoils_the_turn(void **state)
{
	struct turns *f = *state;
	int code = OK;

	assert_int_equal(turns_request(f, 9, 0, "a"), OK);
	vfs_room(f->v, 1 << 20);
	turn_request_begin(f->t);
	assert_int_equal(turn_writes(f->t, 9, NULL), OK);
	for (int i = 0; i < 400 && code == OK; i++)
		code = db_run(f->db, &f->why,
		    "INSERT INTO t (v) VALUES"
		    " (hex(randomblob(50000)))",
		    0, NULL);
	assert_int_equal(code, E_STORAGE_FULL);
	turn_request_end(f->t, false);
	assert_int_equal(turns_request(f, 3, 1, "late"), E_STORAGE_FULL);
	turns_say(f, 1, "error");
	memset(f->story, 0, sizeof(f->story));
	turn_end(f->t);
	assert_string_equal(f->story, "ddF"); /* before_commit is not asked */
	assert_int_equal(f->code, E_STORAGE_FULL);
	assert_int_equal(f->nmark, 2); /* 3 wanted to write, too */
	assert_string_equal(turns_rows(f), "");
}

/* ---- a full disk ---- */

static void
test_read_only(void **state)
{
	struct turns *f = *state;

	turn_read_only(f->t, true);
	assert_true(turn_is_read_only(f->t));
	assert_int_equal(turns_request(f, 1, 0, "a"), E_STORAGE_FULL);
	assert_int_equal(f->why.code, E_STORAGE_FULL);
	assert_int_equal(turns_request(f, TURN_NO_MARK, 0, "p"),
	    E_STORAGE_FULL);
	turn_request_begin(f->t); /* reading goes on */
	turns_say(f, 1, "read");
	turn_request_end(f->t, true);
	turns_end(f, "Brcf");
	assert_string_equal(f->said[0], "");
	assert_string_equal(f->said[1], "read");
	turn_read_only(f->t, false);
	assert_int_equal(turns_request(f, 1, 0, "a"), OK);
	turns_end(f, "Brcf");
}

static void
test_probe(void **state)
{
	struct turns *f = *state;

	vfs_full_at(f->v, 1, true);
	assert_int_equal(turns_request(f, 1, 0, "a"), OK);
	turns_end(f, "BdF");
	assert_true(turn_is_read_only(f->t));

	f->now += 4999;
	assert_int_equal(turns_request(f, TURN_NO_MARK, 1, "p"),
	    E_STORAGE_FULL);
	f->now += 1; /* the disk is still full: 5 s more */
	assert_int_equal(turns_request(f, 1, 0, "a"), E_STORAGE_FULL);
	assert_int_equal(turns_request(f, TURN_NO_MARK, 1, "p"), OK);
	assert_int_equal(turns_request(f, 1, 0, "a"), E_STORAGE_FULL);
	turns_end(f, "BdF");
	assert_int_equal(f->nmark, 0);
	assert_true(turn_is_read_only(f->t));
	f->now += 4999;
	assert_int_equal(turns_request(f, TURN_NO_MARK, 1, "p"),
	    E_STORAGE_FULL);

	vfs_full_at(f->v, 0, false); /* somebody made room */
	f->now += 1;
	assert_int_equal(turns_request(f, TURN_NO_MARK, 1, "p"), OK);
	assert_true(turn_is_read_only(f->t));
	turns_end(f, "Brcf");
	assert_false(turn_is_read_only(f->t));
	assert_int_equal(turns_request(f, 1, 0, "a"), OK);
	turns_end(f, "Brcf");
	assert_string_equal(turns_rows(f), "p a");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_commit_fails),
		TEST(test_commit_finds_disk_full),
		TEST(test_commit_is_not_synced),
		TEST(test_statement_spoils_the_turn),
		TEST(test_read_only),
		TEST(test_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_store_disk.c - what the disk may do to the store: full, failing, damaged,
 * and the checkpoint.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tests/unit/store_fix.h"

static void
fill(struct store *f, int rows)
{
	for (int i = 0; i < rows; i++)
		assert_int_equal(store_run(f,
				     "INSERT INTO t (v)"
				     " VALUES (hex(randomblob(1000)))"),
		    OK);
}

static void
test_checkpoint(void **state)
{
	struct store *f = *state;
	int64_t size;

	store_make_t(f);
	fill(f, 50);
	assert_in_range(db_wal_pages(f->db), 51, 1000);
	size = vfs_size(f->v, "/x.db");
	db_checkpoint(f->db, 1000); /* not yet */
	assert_true(vfs_size(f->v, "/x.db") == size);
	db_checkpoint(f->db, 50);
	assert_true(vfs_size(f->v, "/x.db") > size);
	assert_int_equal(db_wal_pages(f->db), 0);
	fill(f, 1); /* starts at the front again */
	assert_in_range(db_wal_pages(f->db), 1, 10);
}

/* ---- the disk ---- */

/* Wherever the disk is found full, everything is as before and goes on. */
static void
test_full(void **state)
{
	struct store *f = *state;
	int64_t had = 0;
	int nth, code = E_STORAGE_FULL;

	store_make_t(f);
	for (nth = 1; code != OK; nth++) {
		assert_int_equal(db_begin(f->db, NULL), OK);
		vfs_full_at(f->v, nth, false);
		code = store_run(f,
		    "INSERT INTO t (v) SELECT hex(randomblob(3000))"
		    " FROM (SELECT 1 UNION SELECT 2 UNION SELECT 3)");
		assert_int_equal(code, OK);
		code = store_commit(f);
		vfs_full_at(f->v, 0, false);
		assert_true(code == OK || code == E_STORAGE_FULL);
		if (code == OK)
			had += 3;
		assert_int_equal(store_ask(f, "SELECT count(*) FROM t"), had);
	}
	assert_in_range(nth, 4, 100);
	db_close(f->db);
	assert_int_equal(store_open(f, "/x.db", "test_store"), OK);
	assert_int_equal(store_ask(f, "SELECT count(*) FROM t"), had);
	assert_int_equal(db_integrity(f->db, &f->why), OK);
}

/* A transaction too big for the cache meets the full disk in a statement. */
static void
test_full_in_a_statement(void **state)
{
	struct store *f = *state;
	int code = OK;

	store_make_t(f);
	vfs_room(f->v, 1 << 20);
	assert_int_equal(db_begin(f->db, NULL), OK);
	for (int i = 0; i < 400 && code == OK; i++)
		code = store_run(f,
		    "INSERT INTO t (v) VALUES"
		    " (hex(randomblob(50000)))");
	assert_int_equal(code, E_STORAGE_FULL);
	assert_int_equal(f->why.code, E_STORAGE_FULL);
	assert_int_equal(db_failed(f->db), E_STORAGE_FULL);
	assert_int_equal(store_run(f, "SELECT 1 LIMIT 1"), E_STORAGE_FULL);
	assert_int_equal(store_commit(f), E_STORAGE_FULL);
	vfs_room(f->v, -1);
	assert_int_equal(store_ask(f, "SELECT count(*) FROM t"), 0);
	fill(f, 1);
	assert_int_equal(db_integrity(f->db, &f->why), OK);
}

static void
dies(struct store *f)
{
	assert_int_equal(db_begin(f->db, NULL), OK);
	assert_int_equal(store_run(f, "INSERT INTO t (v) VALUES ('a')"), OK);
	assert_int_equal(store_commit(f), E_INTERNAL);
	assert_int_equal(db_begin(f->db, &f->why), E_INTERNAL);
	assert_int_equal(store_run(f, "SELECT 1 LIMIT 1"), E_STORE);
}

static void
test_failed_sync(void **state)
{
	struct store *f = *state;

	store_make_t(f);
	vfs_fail_sync_at(f->v, 1);
	dies(f);
}

static void
test_failed_write(void **state)
{
	struct store *f = *state;

	store_make_t(f);
	vfs_fail_write_at(f->v, 1);
	dies(f);
}

/* A checkpoint whose sync fails must not be taken for done: neither later nor
 * at closing. */
static void
test_failed_checkpoint(void **state)
{
	struct store *f = *state;

	store_make_t(f);
	fill(f, 50);
	vfs_fail_sync_at(f->v, 2); /* the WAL's is the first */
	db_checkpoint(f->db, 10);
	assert_int_equal(db_begin(f->db, NULL), E_INTERNAL);
	db_close(f->db);
	assert_true(vfs_size(f->v, "/x.db-wal") > 0);
	vfs_crash(f->v, 3);
	assert_int_equal(store_open(f, "/x.db", "test_store"), OK);
	assert_int_equal(store_ask(f, "SELECT count(*) FROM t"), 50);
}

static void
test_damaged(void **state)
{
	struct store *f = *state;

	store_make_t(f);
	fill(f, 50);
	db_close(f->db);
	assert_true(vfs_flip(f->v, "/x.db", 8192)); /* a page's kind */
	assert_int_equal(store_open(f, "/x.db", "test_store"), OK);
	assert_int_equal(db_integrity(f->db, &f->why), E_STORE);
	assert_non_null(strstr(f->why.text, "is damaged"));
	assert_int_equal(store_run(f, "SELECT count(v) FROM t LIMIT 1"),
	    E_STORE);
	assert_non_null(strstr(f->why.text, "is damaged"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SIM(test_checkpoint),
		ON_SIM(test_full),
		ON_SIM(test_full_in_a_statement),
		ON_SIM(test_failed_sync),
		ON_SIM(test_failed_write),
		ON_SIM(test_failed_checkpoint),
		ON_SIM(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

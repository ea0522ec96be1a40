/*
 * store_fix.c - a store to test with. Its clock goes on by 10 ms whenever it is
 * looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/unit/store_fix.h"

static int64_t
tick(void *arg)
{
	return ((struct store *)arg)->us += 10 * 1000;
}

int
store_open(struct store *f, const char *path, const char *vfs)
{
	struct db_conf conf = { .path = path,
		.vfs = vfs,
		.exclusive = vfs != NULL,
		.mono_us = tick,
		.arg = f };

	return db_open(&f->db, &conf, &f->why);
}

int
store_on_disk(void **state)
{
	struct store *f = mem_zalloc(sizeof(*f));

	strcpy(f->dir, P_tmpdir "/test_store.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->path = mem_printf("%s/x.db", f->dir);
	assert_int_equal(store_open(f, f->path, NULL), OK);
	*state = f;
	return 0;
}

int
store_on_sim(void **state)
{
	struct store *f = mem_zalloc(sizeof(*f));

	f->v = vfs_new("test_store", 1, 4096);
	assert_int_equal(store_open(f, "/x.db", "test_store"), OK);
	*state = f;
	return 0;
}

int
store_tear_down(void **state)
{
	struct store *f = *state;
	char *cmd = mem_printf("rm -rf '%s'", f->dir);

	db_close(f->db);
	vfs_free(f->v);
	arena_fini(&f->a);
	if (f->dir[0] != '\0')
		assert_int_equal(system(cmd), 0);
	mem_free(cmd);
	mem_free(f->path);
	mem_free(f);
	return 0;
}

int
store_run(struct store *f, const char *sql)
{
	return db_run(f->db, &f->why, sql, 0, NULL);
}

int64_t
store_ask(struct store *f, const char *sql)
{
	struct db_rows *r = db_query(f->db, &f->a, &f->why, sql, 0, NULL);

	if (r == NULL)
		fail_msg("%s: %s", sql, f->why.text);
	assert_true(r->n == 1 && r->ncol >= 1);
	return db_int(r, 0, 0);
}

static void
keep(void *arg, int code)
{
	*(int *)arg = code;
}

int
store_commit(struct store *f)
{
	int code = 1;

	db_commit(f->db, keep, &code);
	assert_int_not_equal(code, 1); /* SQLite knows at once */
	assert_false(db_in_txn(f->db));
	return code;
}

void
store_make_t(struct store *f)
{
	assert_int_equal(store_run(f,
			     "CREATE TABLE t (k INTEGER PRIMARY KEY,"
			     " v TEXT UNIQUE)"),
	    OK);
}

/*
 * test_store.c - the store: opening, values, statements, budgets, transactions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tests/unit/store_fix.h"

static int
mode_of(const char *fmt, const char *arg)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", arg, fmt);
	assert_int_equal(stat(path, &st), 0);
	return (int)(st.st_mode & 0777);
}

/* ---- opening ---- */

static void
test_opens_safe(void **state)
{
	struct store *f = *state;

	store_make_t(f);
	assert_int_equal(mode_of("", f->path), 0600);
	assert_int_equal(mode_of("-wal", f->path), 0600);
	assert_int_equal(mode_of("-shm", f->path), 0600);
	assert_int_equal(store_ask(f, "PRAGMA synchronous"), 2);
	assert_int_equal(store_ask(f, "PRAGMA foreign_keys"), 1);
	assert_int_equal(store_ask(f, "PRAGMA wal_autocheckpoint"), 0);
	assert_int_equal(db_integrity(f->db, &f->why), OK);
}

static void
test_open_refused(void **state)
{
	struct store *f = *state;
	struct db *kept = f->db;
	char *path = mem_printf("%s/text", f->dir);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	for (int i = 0; i < 200; i++)
		fputs("this is not a database, it is prose\n", out);
	fclose(out);
	assert_int_equal(store_open(f, path, NULL), E_STORE);
	assert_null(f->db);
	assert_non_null(strstr(f->why.text, "is not a database"));
	assert_int_equal(store_open(f, "/nowhere/at/all.db", NULL), E_STORE);
	assert_non_null(strstr(f->why.text, "/nowhere/at/all.db"));
	f->db = kept;
	mem_free(path);
}

/* ---- statements ---- */

static void
test_values(void **state)
{
	struct store *f = *state;
	struct db_rows *r;

	r = db_query(f->db, &f->a, &f->why, "SELECT $2, $1, $2, $3, $4, $5",
	    DB_VALS(db_i(INT64_MIN), db_s("zwei"), db_s(NULL), db_s(""),
		db_sn("a\0b", 3)));
	assert_non_null(r);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->ncol, 6);
	assert_string_equal(db_text(r, 0, 0), "zwei");
	assert_true(db_int(r, 0, 1) == INT64_MIN);
	assert_string_equal(db_text(r, 0, 2), "zwei");
	assert_true(db_isnull(r, 0, 3));
	assert_string_equal(db_text(r, 0, 3), "");
	assert_false(db_isnull(r, 0, 4));
	assert_string_equal(db_text(r, 0, 4), "");
	assert_int_equal(r->v[5].n, 3);
	assert_memory_equal(r->v[5].s, "a\0b", 4);
}

static void
test_rows_outlive_the_next_query(void **state)
{
	struct store *f = *state;
	struct db_rows *a, *b;

	a = db_query(f->db, &f->a, NULL,
	    "SELECT 1, 'one' UNION ALL"
	    " SELECT 2, 'two' LIMIT 9",
	    0, NULL);
	b = db_query(f->db, &f->a, NULL, "SELECT 3, 'three' LIMIT 1", 0, NULL);
	assert_true(a != NULL && b != NULL);
	assert_int_equal(a->n, 2);
	assert_string_equal(db_text(a, 1, 1), "two");
	assert_int_equal(db_int(b, 0, 0), 3);
	a = db_query(f->db, &f->a, NULL, "SELECT 1 WHERE 0 LIMIT 1", 0, NULL);
	assert_non_null(a);
	assert_int_equal(a->n, 0);
	assert_int_equal(a->ncol, 1);
}

/* The address alone does not decide which statement runs. */
static void
test_address_used_twice(void **state)
{
	struct store *f = *state;
	char sql[32] = "SELECT 1 LIMIT 1";

	assert_int_equal(store_ask(f, sql), 1);
	assert_int_equal(store_ask(f, sql), 1);
	strcpy(sql, "SELECT 2 LIMIT 1");
	assert_int_equal(store_ask(f, sql), 2);
}

static void
test_insert_tells(void **state)
{
	struct store *f = *state;
	struct db_rows *r;

	store_make_t(f);
	assert_int_equal(store_run(f, "INSERT INTO t (v) VALUES ('a'), ('b')"),
	    OK);
	assert_int_equal(db_last_rowkey(f->db), 2);
	assert_int_equal(db_changes(f->db), 2);
	r = db_query(f->db, &f->a, NULL,
	    "INSERT INTO t (v) VALUES ($1)"
	    " RETURNING k",
	    DB_VALS(db_s("c")));
	assert_non_null(r);
	assert_int_equal(db_int(r, 0, 0), 3);
	assert_int_equal(store_run(f, "DELETE FROM t WHERE k > 1"), OK);
	assert_int_equal(db_changes(f->db), 2);
}

static void
test_wrong_sql(void **state)
{
	struct store *f = *state;

	store_make_t(f);
	assert_int_equal(db_begin(f->db, NULL), OK);
	assert_int_equal(store_run(f, "INSERT INTO t (v) VALUES ('a')"), OK);
	assert_int_equal(store_run(f, "SELECT one FROM nowhere"), E_STORE);
	assert_non_null(strstr(f->why.text, "nowhere"));
	assert_int_equal(db_failed(f->db), OK); /* harms nobody else */
	assert_int_equal(store_commit(f), OK);
	assert_int_equal(store_ask(f, "SELECT count(*) FROM t LIMIT 1"), 1);
}

static void
test_result_has_a_limit(void **state)
{
	struct store *f = *state;

	assert_null(db_query(f->db, &f->a, &f->why,
	    "WITH RECURSIVE n(i) AS"
	    " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 80)"
	    " SELECT zeroblob(1000000) FROM n",
	    0, NULL));
	assert_int_equal(f->why.code, E_TOO_BROAD);
	assert_int_equal(store_ask(f, "SELECT 5 LIMIT 1"), 5);
}

/* ---- budgets ---- */

#define ENDLESS                                      \
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL" \
	" SELECT i + 1 FROM n)"

static void
test_budget(void **state)
{
	struct store *f = *state;
	int64_t before;

	store_make_t(f);
	assert_int_equal(db_begin(f->db, NULL), OK);
	assert_int_equal(store_run(f, "INSERT INTO t (v) VALUES ('a')"), OK);
	before = f->us;
	assert_int_equal(store_run(f, ENDLESS "SELECT count(*) FROM n"),
	    E_TOO_BROAD);
	assert_in_range(f->us - before, 50 * 1000, 80 * 1000);
	assert_int_equal(db_failed(f->db), OK);
	assert_int_equal(store_commit(f),
	    OK); /* what was written before stands */
	assert_int_equal(store_ask(f, "SELECT count(*) FROM t LIMIT 1"), 1);
}

/* A write that is interrupted takes the transaction with it, so it has longer
 * and everybody is told. */
static void
test_budget_of_a_write(void **state)
{
	struct store *f = *state;
	int64_t before;

	store_make_t(f);
	assert_int_equal(db_begin(f->db, NULL), OK);
	assert_int_equal(store_run(f, "INSERT INTO t (v) VALUES ('a')"), OK);
	before = f->us;
	assert_int_equal(store_run(f,
			     ENDLESS "INSERT INTO t SELECT i + 9, i"
				     " FROM n"),
	    E_STORE);
	assert_in_range(f->us - before, 1000 * 1000, 1100 * 1000);
	assert_int_equal(db_failed(f->db), E_STORE);
	assert_true(db_in_txn(f->db));
	assert_int_equal(store_run(f, "SELECT 1 LIMIT 1"), E_STORE);
	assert_int_equal(store_run(f, "INSERT INTO t (v) VALUES ('b')"),
	    E_STORE);
	assert_int_equal(store_commit(f), E_STORE);
	assert_int_equal(db_failed(f->db), OK);
	assert_int_equal(store_ask(f, "SELECT count(*) FROM t LIMIT 1"), 0);
}

/* ---- transactions ---- */

static void
test_constraint(void **state)
{
	struct store *f = *state;

	store_make_t(f);
	assert_int_equal(db_begin(f->db, NULL), OK);
	assert_int_equal(store_run(f, "INSERT INTO t (v) VALUES ('a')"), OK);
	assert_int_equal(store_run(f, "INSERT INTO t (v) VALUES ('b'), ('a')"),
	    E_CONFLICT);
	assert_int_equal(store_commit(f), OK);
	assert_int_equal(store_ask(f, "SELECT count(*) FROM t LIMIT 1"), 1);
}

static void
test_savepoints(void **state)
{
	struct store *f = *state;

	store_make_t(f);
	assert_int_equal(db_begin(f->db, NULL), OK);
	assert_int_equal(store_run(f, "INSERT INTO t (v) VALUES ('a')"), OK);
	assert_int_equal(db_savepoint(f->db, NULL), OK);
	assert_int_equal(store_run(f, "INSERT INTO t (v) VALUES ('b')"), OK);
	db_savepoint_rollback(f->db);
	assert_int_equal(db_savepoint(f->db, NULL), OK);
	assert_int_equal(store_run(f, "INSERT INTO t (v) VALUES ('c')"), OK);
	db_savepoint_release(f->db);
	assert_int_equal(store_commit(f), OK);
	assert_int_equal(store_ask(f, "SELECT group_concat(v) = 'a,c' FROM t"),
	    1);
}

static void
test_close_rolls_back(void **state)
{
	struct store *f = *state;

	store_make_t(f);
	assert_int_equal(db_begin(f->db, NULL), OK);
	assert_int_equal(store_run(f, "INSERT INTO t (v) VALUES ('a')"), OK);
	db_close(f->db);
	assert_int_equal(store_open(f, f->path, NULL), OK);
	assert_int_equal(store_ask(f, "SELECT count(*) FROM t LIMIT 1"), 0);
	db_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_DISK(test_opens_safe),
		ON_DISK(test_open_refused),
		ON_DISK(test_values),
		ON_DISK(test_rows_outlive_the_next_query),
		ON_DISK(test_address_used_twice),
		ON_DISK(test_insert_tells),
		ON_DISK(test_wrong_sql),
		ON_DISK(test_result_has_a_limit),
		ON_DISK(test_budget),
		ON_DISK(test_budget_of_a_write),
		ON_DISK(test_constraint),
		ON_DISK(test_savepoints),
		ON_DISK(test_close_rolls_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_store.c - the store floor: values, transactions, budgets, migrations,
 * the lock, and what the disk may do to it (full, failing, damaged).
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/db.h"
#include "tests/sim/vfs.h"

struct fix {
	char dir[64];
	char *path;
	struct db *db;
	struct arena a;
	struct vfs *v; /* tests on the simulated disk */
	struct why why;
	int64_t us; /* a clock that goes on when it is looked at */
};

static int64_t
tick(void *arg)
{
	return ((struct fix *)arg)->us += 10 * 1000;
}

static int
open_on(struct fix *f, const char *path, const char *vfs)
{
	struct db_conf conf = { .path = path, .vfs = vfs,
		.exclusive = vfs != NULL, .mono_us = tick, .arg = f };

	return db_open(&f->db, &conf, &f->why);
}

static int
set_up(void **state)
{
	struct fix *f = mem_zalloc(sizeof(*f));

	strcpy(f->dir, "/tmp/test_store.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->path = mem_printf("%s/x.db", f->dir);
	assert_int_equal(open_on(f, f->path, NULL), OK);
	*state = f;
	return 0;
}

static int
set_up_sim(void **state)
{
	struct fix *f = mem_zalloc(sizeof(*f));

	f->v = vfs_new("test_store", 1, 4096);
	assert_int_equal(open_on(f, "/x.db", "test_store"), OK);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fix *f = *state;
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

static int
run(struct fix *f, const char *sql)
{
	return db_run(f->db, &f->why, sql, 0, NULL);
}

static int64_t
ask(struct fix *f, const char *sql)
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

static int
commit(struct fix *f)
{
	int code = 1;

	db_commit(f->db, keep, &code);
	assert_int_not_equal(code, 1); /* SQLite knows at once */
	assert_false(db_in_txn(f->db));
	return code;
}

static void
make_t(struct fix *f)
{
	assert_int_equal(run(f, "CREATE TABLE t (k INTEGER PRIMARY KEY,"
	    " v TEXT UNIQUE)"), OK);
}

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
	struct fix *f = *state;

	make_t(f);
	assert_int_equal(mode_of("", f->path), 0600);
	assert_int_equal(mode_of("-wal", f->path), 0600);
	assert_int_equal(mode_of("-shm", f->path), 0600);
	assert_int_equal(ask(f, "PRAGMA synchronous"), 2);
	assert_int_equal(ask(f, "PRAGMA foreign_keys"), 1);
	assert_int_equal(ask(f, "PRAGMA wal_autocheckpoint"), 0);
	assert_int_equal(db_integrity(f->db, &f->why), OK);
}

static void
test_open_refused(void **state)
{
	struct fix *f = *state;
	struct db *kept = f->db;
	char *path = mem_printf("%s/text", f->dir);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	for (int i = 0; i < 200; i++)
		fputs("this is not a database, it is prose\n", out);
	fclose(out);
	assert_int_equal(open_on(f, path, NULL), E_STORE);
	assert_null(f->db);
	assert_non_null(strstr(f->why.text, "is not a database"));
	assert_int_equal(open_on(f, "/nowhere/at/all.db", NULL), E_STORE);
	assert_non_null(strstr(f->why.text, "/nowhere/at/all.db"));
	f->db = kept;
	mem_free(path);
}

/* ---- statements ---- */

static void
test_values(void **state)
{
	struct fix *f = *state;
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
	struct fix *f = *state;
	struct db_rows *a, *b;

	a = db_query(f->db, &f->a, NULL, "SELECT 1, 'one' UNION ALL"
	    " SELECT 2, 'two' LIMIT 9", 0, NULL);
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
	struct fix *f = *state;
	char sql[32] = "SELECT 1 LIMIT 1";

	assert_int_equal(ask(f, sql), 1);
	assert_int_equal(ask(f, sql), 1);
	strcpy(sql, "SELECT 2 LIMIT 1");
	assert_int_equal(ask(f, sql), 2);
}

static void
test_insert_tells(void **state)
{
	struct fix *f = *state;
	struct db_rows *r;

	make_t(f);
	assert_int_equal(run(f, "INSERT INTO t (v) VALUES ('a'), ('b')"), OK);
	assert_int_equal(db_last_rowkey(f->db), 2);
	assert_int_equal(db_changes(f->db), 2);
	r = db_query(f->db, &f->a, NULL, "INSERT INTO t (v) VALUES ($1)"
	    " RETURNING k", DB_VALS(db_s("c")));
	assert_non_null(r);
	assert_int_equal(db_int(r, 0, 0), 3);
	assert_int_equal(run(f, "DELETE FROM t WHERE k > 1"), OK);
	assert_int_equal(db_changes(f->db), 2);
}

static void
test_wrong_sql(void **state)
{
	struct fix *f = *state;

	make_t(f);
	assert_int_equal(db_begin(f->db, NULL), OK);
	assert_int_equal(run(f, "INSERT INTO t (v) VALUES ('a')"), OK);
	assert_int_equal(run(f, "SELECT nothing FROM nowhere"), E_STORE);
	assert_non_null(strstr(f->why.text, "nowhere"));
	assert_int_equal(db_failed(f->db), OK); /* harms nobody else */
	assert_int_equal(commit(f), OK);
	assert_int_equal(ask(f, "SELECT count(*) FROM t LIMIT 1"), 1);
}

static void
test_result_has_a_limit(void **state)
{
	struct fix *f = *state;

	assert_null(db_query(f->db, &f->a, &f->why, "WITH RECURSIVE n(i) AS"
	    " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 80)"
	    " SELECT zeroblob(1000000) FROM n", 0, NULL));
	assert_int_equal(f->why.code, E_TOO_BROAD);
	assert_int_equal(ask(f, "SELECT 5 LIMIT 1"), 5);
}

/* ---- budgets ---- */

#define ENDLESS "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"  \
	" SELECT i + 1 FROM n)"

static void
test_budget(void **state)
{
	struct fix *f = *state;
	int64_t before;

	make_t(f);
	assert_int_equal(db_begin(f->db, NULL), OK);
	assert_int_equal(run(f, "INSERT INTO t (v) VALUES ('a')"), OK);
	before = f->us;
	assert_int_equal(run(f, ENDLESS "SELECT count(*) FROM n"), E_TOO_BROAD);
	assert_in_range(f->us - before, 50 * 1000, 80 * 1000);
	assert_int_equal(db_failed(f->db), OK);
	assert_int_equal(commit(f), OK); /* what was written before stands */
	assert_int_equal(ask(f, "SELECT count(*) FROM t LIMIT 1"), 1);
}

/* A write that is interrupted takes the transaction with it, so it has longer
 * and everybody is told. */
static void
test_budget_of_a_write(void **state)
{
	struct fix *f = *state;
	int64_t before;

	make_t(f);
	assert_int_equal(db_begin(f->db, NULL), OK);
	assert_int_equal(run(f, "INSERT INTO t (v) VALUES ('a')"), OK);
	before = f->us;
	assert_int_equal(run(f, ENDLESS "INSERT INTO t SELECT i + 9, i"
	    " FROM n"), E_STORE);
	assert_in_range(f->us - before, 1000 * 1000, 1100 * 1000);
	assert_int_equal(db_failed(f->db), E_STORE);
	assert_true(db_in_txn(f->db));
	assert_int_equal(run(f, "SELECT 1 LIMIT 1"), E_STORE);
	assert_int_equal(run(f, "INSERT INTO t (v) VALUES ('b')"), E_STORE);
	assert_int_equal(commit(f), E_STORE);
	assert_int_equal(db_failed(f->db), OK);
	assert_int_equal(ask(f, "SELECT count(*) FROM t LIMIT 1"), 0);
}

/* ---- transactions ---- */

static void
test_constraint(void **state)
{
	struct fix *f = *state;

	make_t(f);
	assert_int_equal(db_begin(f->db, NULL), OK);
	assert_int_equal(run(f, "INSERT INTO t (v) VALUES ('a')"), OK);
	assert_int_equal(run(f, "INSERT INTO t (v) VALUES ('b'), ('a')"),
	    E_CONFLICT);
	assert_int_equal(commit(f), OK);
	assert_int_equal(ask(f, "SELECT count(*) FROM t LIMIT 1"), 1);
}

static void
test_savepoints(void **state)
{
	struct fix *f = *state;

	make_t(f);
	assert_int_equal(db_begin(f->db, NULL), OK);
	assert_int_equal(run(f, "INSERT INTO t (v) VALUES ('a')"), OK);
	assert_int_equal(db_savepoint(f->db, NULL), OK);
	assert_int_equal(run(f, "INSERT INTO t (v) VALUES ('b')"), OK);
	db_savepoint_rollback(f->db);
	assert_int_equal(db_savepoint(f->db, NULL), OK);
	assert_int_equal(run(f, "INSERT INTO t (v) VALUES ('c')"), OK);
	db_savepoint_release(f->db);
	assert_int_equal(commit(f), OK);
	assert_int_equal(ask(f, "SELECT group_concat(v) = 'a,c' FROM t"), 1);
}

static void
test_close_rolls_back(void **state)
{
	struct fix *f = *state;

	make_t(f);
	assert_int_equal(db_begin(f->db, NULL), OK);
	assert_int_equal(run(f, "INSERT INTO t (v) VALUES ('a')"), OK);
	db_close(f->db);
	assert_int_equal(open_on(f, f->path, NULL), OK);
	assert_int_equal(ask(f, "SELECT count(*) FROM t LIMIT 1"), 0);
	db_close(NULL);
}

static void
fill(struct fix *f, int rows)
{
	for (int i = 0; i < rows; i++)
		assert_int_equal(run(f, "INSERT INTO t (v)"
		    " VALUES (hex(randomblob(1000)))"), OK);
}

static void
test_checkpoint(void **state)
{
	struct fix *f = *state;
	int64_t size;

	make_t(f);
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
	struct fix *f = *state;
	int64_t had = 0;
	int nth, code = E_STORAGE_FULL;

	make_t(f);
	for (nth = 1; code != OK; nth++) {
		assert_int_equal(db_begin(f->db, NULL), OK);
		vfs_full_at(f->v, nth, false);
		code = run(f, "INSERT INTO t (v) SELECT hex(randomblob(3000))"
		    " FROM (SELECT 1 UNION SELECT 2 UNION SELECT 3)");
		assert_int_equal(code, OK);
		code = commit(f);
		vfs_full_at(f->v, 0, false);
		assert_true(code == OK || code == E_STORAGE_FULL);
		if (code == OK)
			had += 3;
		assert_int_equal(ask(f, "SELECT count(*) FROM t"), had);
	}
	assert_in_range(nth, 4, 100);
	db_close(f->db);
	assert_int_equal(open_on(f, "/x.db", "test_store"), OK);
	assert_int_equal(ask(f, "SELECT count(*) FROM t"), had);
	assert_int_equal(db_integrity(f->db, &f->why), OK);
}

/* A transaction too big for the cache meets the full disk in a statement. */
static void
test_full_in_a_statement(void **state)
{
	struct fix *f = *state;
	int code = OK;

	make_t(f);
	vfs_room(f->v, 1 << 20);
	assert_int_equal(db_begin(f->db, NULL), OK);
	for (int i = 0; i < 400 && code == OK; i++)
		code = run(f, "INSERT INTO t (v) VALUES"
		    " (hex(randomblob(50000)))");
	assert_int_equal(code, E_STORAGE_FULL);
	assert_int_equal(f->why.code, E_STORAGE_FULL);
	assert_int_equal(db_failed(f->db), E_STORAGE_FULL);
	assert_int_equal(run(f, "SELECT 1 LIMIT 1"), E_STORAGE_FULL);
	assert_int_equal(commit(f), E_STORAGE_FULL);
	vfs_room(f->v, -1);
	assert_int_equal(ask(f, "SELECT count(*) FROM t"), 0);
	fill(f, 1);
	assert_int_equal(db_integrity(f->db, &f->why), OK);
}

static void
dies(struct fix *f)
{
	assert_int_equal(db_begin(f->db, NULL), OK);
	assert_int_equal(run(f, "INSERT INTO t (v) VALUES ('a')"), OK);
	assert_int_equal(commit(f), E_INTERNAL);
	assert_int_equal(db_begin(f->db, &f->why), E_INTERNAL);
	assert_int_equal(run(f, "SELECT 1 LIMIT 1"), E_STORE);
}

static void
test_failed_sync(void **state)
{
	struct fix *f = *state;

	make_t(f);
	vfs_fail_sync_at(f->v, 1);
	dies(f);
}

static void
test_failed_write(void **state)
{
	struct fix *f = *state;

	make_t(f);
	vfs_fail_write_at(f->v, 1);
	dies(f);
}

/* A checkpoint whose sync fails must not be taken for done: neither later nor
 * at closing. */
static void
test_failed_checkpoint(void **state)
{
	struct fix *f = *state;

	make_t(f);
	fill(f, 50);
	vfs_fail_sync_at(f->v, 2); /* the WAL's is the first */
	db_checkpoint(f->db, 10);
	assert_int_equal(db_begin(f->db, NULL), E_INTERNAL);
	db_close(f->db);
	assert_true(vfs_size(f->v, "/x.db-wal") > 0);
	vfs_crash(f->v, 3);
	assert_int_equal(open_on(f, "/x.db", "test_store"), OK);
	assert_int_equal(ask(f, "SELECT count(*) FROM t"), 50);
}

static void
test_damaged(void **state)
{
	struct fix *f = *state;

	make_t(f);
	fill(f, 50);
	db_close(f->db);
	assert_true(vfs_flip(f->v, "/x.db", 4096)); /* a page's kind */
	assert_int_equal(open_on(f, "/x.db", "test_store"), OK);
	assert_int_equal(db_integrity(f->db, &f->why), E_STORE);
	assert_non_null(strstr(f->why.text, "is damaged"));
	assert_int_equal(run(f, "SELECT count(v) FROM t LIMIT 1"), E_STORE);
	assert_non_null(strstr(f->why.text, "is damaged"));
}

/* ---- migrations ---- */

static const struct db_step steps[] = {
	{ 1, "base", "CREATE TABLE a (k ROWKEY, v TEXT);"
	    "INSERT INTO a (v) VALUES ('ROWKEY')" },
	{ 2, "more", "CREATE TABLE b (k TEXT PRIMARY KEY) CLUSTERED;"
	    "UPDATE a SET v = v || '!'" },
	{ 3, "wrong", "CREATE TABLE c (k ROWKEY); CREATE TABLE a (k ROWKEY)" },
};

static void
test_migrates(void **state)
{
	struct fix *f = *state;
	char *copy = mem_printf("%s.step-0001", f->path);

	assert_int_equal(db_migrate(f->db, steps, 1, &f->why), OK);
	assert_int_not_equal(access(copy, F_OK), 0); /* nothing to keep yet */
	assert_int_equal(db_migrate(f->db, steps, 2, &f->why), OK);
	assert_int_equal(db_migrate(f->db, steps, 2, &f->why), OK);
	assert_int_equal(ask(f, "SELECT v = 'ROWKEY!' FROM a LIMIT 1"), 1);
	assert_int_equal(ask(f, "SELECT max(no) FROM schema_step"), 2);
	assert_int_equal(mode_of("", copy), 0600);
	db_close(f->db);
	assert_int_equal(open_on(f, copy, NULL), OK);
	assert_int_equal(ask(f, "SELECT v = 'ROWKEY' FROM a LIMIT 1"), 1);
	mem_free(copy);
}

static void
test_failed_step_is_undone(void **state)
{
	struct fix *f = *state;

	assert_int_equal(db_migrate(f->db, steps, 3, &f->why), E_STORE);
	assert_non_null(strstr(f->why.text, "already exists"));
	assert_false(db_in_txn(f->db));
	assert_int_equal(ask(f, "SELECT max(no) FROM schema_step"), 2);
	assert_int_equal(ask(f, "SELECT count(*) FROM sqlite_schema"
	    " WHERE name = 'c'"), 0);
}

static void
test_newer_database_refused(void **state)
{
	struct fix *f = *state;

	assert_int_equal(db_migrate(f->db, steps, 2, &f->why), OK);
	assert_int_equal(db_migrate(f->db, steps, 1, &f->why), E_CONFLICT);
	assert_non_null(strstr(f->why.text, "step 2"));
	assert_int_equal(ask(f, "SELECT max(no) FROM schema_step"), 2);
}

static void
test_schema_text(void **state)
{
	struct fix *f = *state;
	const char sql[] = "CREATE TABLE a (k ROWKEY, ROWKEYS TEXT DEFAULT "
	    "'ROWKEY') CLUSTERED; -- CLUSTERED stays\n";

	assert_string_equal(db_schema_text(&f->a, sql, DB_SQLITE),
	    "CREATE TABLE a (k INTEGER PRIMARY KEY, ROWKEYS TEXT DEFAULT "
	    "'ROWKEY') WITHOUT ROWID; -- CLUSTERED stays\n");
	assert_string_equal(db_schema_text(&f->a, sql, DB_POSTGRES),
	    "CREATE TABLE a (k BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY"
	    " KEY, ROWKEYS TEXT DEFAULT 'ROWKEY') ; -- CLUSTERED stays\n");
	assert_string_equal(db_schema_text(&f->a, "'open", DB_SQLITE), "'open");
	assert_string_equal(db_schema_text(&f->a, "", DB_SQLITE), "");
}

static void
test_our_schemas(void **state)
{
	struct fix *f = *state;

	for (size_t i = 0; i < broker_schema_n; i++)
		assert_int_equal(broker_schema[i].no, i + 1);
	for (size_t i = 0; i < daemon_schema_n; i++)
		assert_int_equal(daemon_schema[i].no, i + 1);
	assert_int_equal(db_migrate(f->db, broker_schema, broker_schema_n,
	    &f->why), OK);
	db_close(f->db);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(open_on(f, f->path, NULL), OK);
	assert_int_equal(db_migrate(f->db, daemon_schema, daemon_schema_n,
	    &f->why), OK);
}

/* ---- the lock ---- */

static void
test_lock(void **state)
{
	struct fix *f = *state;
	char pid[32];
	int fd = dir_lock(f->dir, "lock", &f->why);

	assert_true(fd >= 0);
	assert_int_equal(dir_lock(f->dir, "lock", &f->why), -1);
	assert_int_equal(f->why.code, E_CONFLICT);
	snprintf(pid, sizeof(pid), "process %ld ", (long)getpid());
	assert_non_null(strstr(f->why.text, pid));
	dir_unlock(fd);
	fd = dir_lock(f->dir, "lock", &f->why);
	assert_true(fd >= 0);
	dir_unlock(fd);
	assert_int_equal(dir_lock("/nowhere", "lock", &f->why), -1);
	assert_int_equal(f->why.code, E_STORE);
}

/* It ends with the process, in whatever way. */
static void
test_lock_of_the_dead(void **state)
{
	struct fix *f = *state;
	int fd, up[2];
	pid_t child;
	char c;

	assert_int_equal(pipe(up), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		c = dir_lock(f->dir, "lock", NULL) >= 0 ? 'y' : 'n';
		if (write(up[1], &c, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	assert_int_equal(dir_lock(f->dir, "lock", &f->why), -1);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	fd = dir_lock(f->dir, "lock", &f->why);
	assert_true(fd >= 0);
	dir_unlock(fd);
	close(up[0]);
	close(up[1]);
}

#define ON_DISK(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
#define ON_SIM(fn) cmocka_unit_test_setup_teardown(fn, set_up_sim, tear_down)

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
		ON_SIM(test_checkpoint),
		ON_SIM(test_full),
		ON_SIM(test_full_in_a_statement),
		ON_SIM(test_failed_sync),
		ON_SIM(test_failed_write),
		ON_SIM(test_failed_checkpoint),
		ON_SIM(test_damaged),
		ON_DISK(test_migrates),
		ON_DISK(test_failed_step_is_undone),
		ON_DISK(test_newer_database_refused),
		ON_DISK(test_schema_text),
		ON_DISK(test_our_schemas),
		ON_DISK(test_lock),
		ON_DISK(test_lock_of_the_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

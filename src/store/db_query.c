/*
 * db_query.c - statements: prepared once, bound, stepped, their rows copied.
 *
 * A statement is found again by the address of its text; the text is compared,
 * too, so that an address used twice costs a preparation and not a wrong
 * answer. SQLite numbers $1, $2 in the order it meets them, PostgreSQL by their
 * digits; here the digits count.
 *
 * A statement that writes has WRITE_FACTOR times the budget: interrupting it
 * makes SQLite roll the whole transaction back, so that every request of the
 * turn would pay for one.
 *
 * Only some failures spoil the transaction. What SQLite undid by itself and
 * what the disk or the file is to blame for does (doomed); a constraint, a
 * wrong statement and an interrupted question do not.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/sqlite.h"

#define PARAMS 64
#define WRITE_FACTOR 20
#define RESULT_MAX ((size_t)64 * 1024 * 1024) /* bytes of one result */

struct stmt {
	sqlite3_stmt *p;
	bool reads;
	size_t n;		  /* values it wants */
	unsigned char at[PARAMS]; /* SQLite's parameter i+1 is value at[i] */
};

/* ---- errors ---- */

static bool
disk_is_full(struct db *db, int rc)
{
	int e;

	if ((rc & 0xff) == SQLITE_FULL)
		return true;
	if ((rc & 0xff) != SQLITE_IOERR || rc == SQLITE_IOERR_FSYNC ||
	    rc == SQLITE_IOERR_DIR_FSYNC)
		return false;
	e = sqlite3_system_errno(db->h);
	return e == ENOSPC || e == EDQUOT;
}

/* Does the transaction, if it still is one, have to be rolled back? */
static bool
dooms(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
	case SQLITE_INTERRUPT:
	case SQLITE_ERROR:
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
	case SQLITE_BUSY:
		return false;
	default:
		return true;
	}
}

static int
explain(struct db *db, int rc, struct why *why)
{
	const char *msg =
	    db->h == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(db->h);

	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
		return why_set(why, E_CONFLICT, "%s", msg);
	case SQLITE_INTERRUPT:
		return why_set(why, E_TOO_BROAD, NULL);
	case SQLITE_CORRUPT:
		return why_set(why, E_STORE,
		    "the database %s is damaged; restore it from a copy",
		    db->path);
	case SQLITE_NOTADB:
		return why_set(why, E_STORE, "%s is not a database", db->path);
	case SQLITE_CANTOPEN:
		return why_set(why, E_STORE, "the database %s cannot be opened",
		    db->path);
	case SQLITE_READONLY:
		return why_set(why, E_STORE,
		    "the database %s cannot be written", db->path);
	case SQLITE_BUSY:
		return why_set(why, E_STORE,
		    "another program holds the database %s", db->path);
	case SQLITE_IOERR:
		return why_set(why, E_STORE,
		    "the disk failed under %s (SQLite %d)", db->path, rc);
	default:
		return why_set(why, E_STORE, "the store failed: %s", msg);
	}
}

int
db_fault(struct db *db, int rc, struct why *why)
{
	bool gone = db->h == NULL || sqlite3_get_autocommit(db->h) != 0;
	bool full = disk_is_full(db, rc);
	int code;

	if (full)
		code = why_set(why, E_STORAGE_FULL, NULL);
	else
		code = explain(db, rc, why);
	if ((rc & 0xff) == SQLITE_IOERR && !full)
		db->dead = true;
	if (!db->txn || (!gone && !dooms(rc)))
		return code;
	db->doomed = full ? E_STORAGE_FULL : db->dead ? E_INTERNAL : E_STORE;
	return full ? E_STORAGE_FULL : E_STORE;
}

int
db_failed(const struct db *db)
{
	return db->doomed;
}

static int
refuse(struct db *db, struct why *why)
{
	if (db->doomed == E_STORAGE_FULL)
		return why_set(why, E_STORAGE_FULL, NULL);
	return why_set(why, E_STORE,
	    db->dead ? "the disk failed"
		     : "the transaction failed before this statement");
}

int
db_over_budget(void *arg)
{
	struct db *db = arg;
	int64_t now;

	if (db->limit_us <= 0 || db->mono_us == NULL)
		return 0;
	now = db->mono_us(db->arg);
	if (db->since_us < 0)
		db->since_us = now;
	return now - db->since_us > db->limit_us;
}

/* ---- statements ---- */

static void
stmt_free(struct stmt *s)
{
	if (s == NULL)
		return;
	sqlite3_finalize(s->p);
	mem_free(s);
}

void
db_stmts_free(struct db *db)
{
	struct stmt *s;

	for (size_t i = 0; (s = map_next(&db->stmts, &i)) != NULL;)
		stmt_free(s);
	map_fini(&db->stmts);
	mem_free(db->row);
	db->row = NULL;
	db->nrow = db->row_cap = 0;
}

static void
number_params(struct stmt *s)
{
	int n = sqlite3_bind_parameter_count(s->p);

	assert(n <= PARAMS);
	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_bind_parameter_name(s->p, i + 1);
		size_t no;

		assert(name != NULL && name[0] == '$');
		no = strtoul(name + 1, NULL, 10);
		assert(no >= 1 && no <= PARAMS);
		s->at[i] = (unsigned char)(no - 1);
		if (no > s->n)
			s->n = no;
	}
}

static struct stmt *
stmt_for(struct db *db, const char *sql, struct why *why)
{
	uint64_t key = (uint64_t)(uintptr_t)sql;
	struct stmt *s = map_geti(&db->stmts, key);
	sqlite3_stmt *p = NULL;
	int rc;

	if (s != NULL && strcmp(sqlite3_sql(s->p), sql) == 0)
		return s;
	rc = sqlite3_prepare_v3(db->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &p,
	    NULL);
	if (rc != SQLITE_OK) {
		db_fault(db, rc, why);
		return NULL;
	}
	assert(p != NULL); /* an empty statement is our own bug */
	s = mem_zalloc(sizeof(*s));
	s->p = p;
	s->reads = sqlite3_stmt_readonly(p) != 0;
	number_params(s);
	stmt_free(map_puti(&db->stmts, key, s));
	return s;
}

static int
bind_one(sqlite3_stmt *p, int i, const struct db_val *v)
{
	switch (v->type) {
	case DB_INT:
		return sqlite3_bind_int64(p, i, v->i);
	case DB_TEXT:
		if (v->n == (size_t)-1)
			return sqlite3_bind_text(p, i, v->s, -1, SQLITE_STATIC);
		return sqlite3_bind_text64(p, i, v->n == 0 ? "" : v->s, v->n,
		    SQLITE_STATIC, SQLITE_UTF8);
	default:
		return sqlite3_bind_null(p, i);
	}
}

static struct stmt *
stmt_start(struct db *db, struct why *why, const char *sql, size_t n,
    const struct db_val *v)
{
	struct stmt *s;
	int i, rc = SQLITE_OK, np;

	if (db->dead || db->doomed != OK) {
		refuse(db, why);
		return NULL;
	}
	if ((s = stmt_for(db, sql, why)) == NULL)
		return NULL;
	assert(n == s->n);
	np = sqlite3_bind_parameter_count(s->p);
	for (i = 0; i < np && rc == SQLITE_OK; i++)
		rc = bind_one(s->p, i + 1, &v[s->at[i]]);
	if (rc != SQLITE_OK) {
		db_fault(db, rc, why);
		return NULL;
	}
	db->limit_us = s->reads ? db->budget_us : db->budget_us * WRITE_FACTOR;
	db->since_us = -1;
	return s;
}

/* ---- rows ---- */

static void
row_add(struct db *db, struct db_val v)
{
	if (db->nrow == db->row_cap) {
		db->row_cap = db->row_cap == 0 ? 64 : db->row_cap * 2;
		db->row = mem_realloc(db->row, db->row_cap * sizeof(*db->row));
	}
	db->row[db->nrow++] = v;
	db->row_bytes += sizeof(v) + (v.type == DB_TEXT ? v.n : 0);
}

static struct db_val
column(struct arena *a, sqlite3_stmt *p, int i)
{
	struct db_val v = { .type = DB_NULL };

	switch (sqlite3_column_type(p, i)) {
	case SQLITE_NULL:
		break;
	case SQLITE_INTEGER:
	case SQLITE_FLOAT:
		v.type = DB_INT;
		v.i = sqlite3_column_int64(p, i);
		break;
	default:
		v.type = DB_TEXT;
		v.s = (const char *)sqlite3_column_text(p, i);
		v.n = (size_t)sqlite3_column_bytes(p, i);
		v.s = arena_strndup(a, v.s == NULL ? "" : v.s, v.n);
	}
	return v;
}

static int
rows_read(struct db *db, struct arena *a, sqlite3_stmt *p)
{
	int rc, ncol = sqlite3_column_count(p);

	db->nrow = db->row_bytes = 0;
	while ((rc = sqlite3_step(p)) == SQLITE_ROW) {
		for (int i = 0; a != NULL && i < ncol; i++)
			row_add(db, column(a, p, i));
		if (db->row_bytes > RESULT_MAX)
			return SQLITE_INTERRUPT;
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static struct db_rows *
rows_make(struct db *db, struct arena *a, size_t ncol)
{
	struct db_rows *r = arena_alloc(a, sizeof(*r));

	r->ncol = ncol;
	r->n = ncol == 0 ? 0 : db->nrow / ncol;
	r->v = db->nrow == 0
	    ? NULL
	    : arena_dup(a, db->row, db->nrow * sizeof(*db->row));
	if (db->row_cap > 4096) { /* an unusual one is not kept */
		mem_free(db->row);
		db->row = NULL;
		db->row_cap = 0;
	}
	return r;
}

struct db_rows *
db_query(struct db *db, struct arena *a, struct why *why, const char *sql,
    size_t n, const struct db_val *v)
{
	struct stmt *s = stmt_start(db, why, sql, n, v);
	size_t ncol;
	int rc;

	if (s == NULL)
		return NULL;
	rc = rows_read(db, a, s->p);
	ncol = (size_t)sqlite3_column_count(s->p);
	if (rc != SQLITE_OK)
		db_fault(db, rc, why); /* before reset: it reads the message */
	sqlite3_reset(s->p);
	return rc == SQLITE_OK ? rows_make(db, a, ncol) : NULL;
}

int
db_run(struct db *db, struct why *why, const char *sql, size_t n,
    const struct db_val *v)
{
	struct why own = { 0 };
	struct stmt *s;
	int rc, code = OK;

	if (why == NULL)
		why = &own;
	if ((s = stmt_start(db, why, sql, n, v)) == NULL)
		return why->code;
	rc = rows_read(db, NULL, s->p);
	if (rc != SQLITE_OK)
		code = db_fault(db, rc, why);
	sqlite3_reset(s->p);
	return code;
}

int
db_script(struct db *db, const char *sql, struct why *why)
{
	int rc;

	db->limit_us = 0;
	rc = sqlite3_exec(db->h, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? OK : db_fault(db, rc, why);
}

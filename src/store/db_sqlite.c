/*
 * db_sqlite.c - one SQLite database in WAL mode: opening, transactions, the
 * checkpoint. Statements are in db_query.c.
 *
 * synchronous=FULL: a commit that was reported stands after a power cut. The
 * WAL is moved into the database only by db_checkpoint. After an I/O error
 * nothing is written and nothing checkpointed any more, at closing neither: a
 * second fsync after a failed one may lie, so the WAL on disk is all that may
 * be believed, and the next process reads it.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/sqlite.h"

#define BUDGET_MS 50
#define BUSY_MS 1000 /* somebody else's sqlite3 shell, never our own */
#define LOOK_EVERY \
	1000 /* steps of SQLite's machine between looks at the clock */

/* ---- opening ---- */

/* Before SQLite would make it with another mode. Its companions take the mode
 * of the database. */
static int
make_file(const char *path, struct why *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST)
		return why_set(why, errno == ENOSPC ? E_STORAGE_FULL : E_STORE,
		    "%s cannot be made: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return OK;
}

static int
on_wal(void *arg, sqlite3 *h, const char *name, int pages)
{
	struct db *db = arg;

	(void)h;
	(void)name;
	db->wal = pages;
	return SQLITE_OK;
}

static int
want_wal(struct db *db, struct why *why)
{
	sqlite3_stmt *p;
	int rc;
	bool wal = false;

	rc = sqlite3_prepare_v2(db->h, "PRAGMA journal_mode=WAL", -1, &p, NULL);
	if (rc == SQLITE_OK) {
		if (sqlite3_step(p) == SQLITE_ROW)
			wal = strcmp((const char *)sqlite3_column_text(p, 0),
				  "wal") == 0;
		rc = sqlite3_finalize(p);
	}
	if (rc != SQLITE_OK)
		return db_fault(db, rc, why);
	if (!wal)
		return why_set(why, E_STORE,
		    "%s: this file system has no write-ahead log", db->path);
	return OK;
}

/* Nothing in it yet. To one that has pages auto_vacuum would write, and a
 * full disk would keep a broker from starting. */
static bool
is_new(struct db *db)
{
	sqlite3_stmt *p;
	bool empty = false;

	if (sqlite3_prepare_v2(db->h, "PRAGMA page_count", -1, &p, NULL) ==
	    SQLITE_OK)
		empty = sqlite3_step(p) == SQLITE_ROW &&
		    sqlite3_column_int64(p, 0) == 0;
	sqlite3_finalize(p);
	return empty;
}

static int
set_up(struct db *db, const struct db_conf *conf, struct why *why)
{
	int code = OK;

	sqlite3_busy_timeout(db->h, BUSY_MS);
	if (conf->exclusive)
		code = db_script(db, "PRAGMA locking_mode=EXCLUSIVE", why);
	if (code == OK && is_new(db)) /* an old one stays as it is */
		code = db_script(db, "PRAGMA auto_vacuum=INCREMENTAL", why);
	if (code == OK)
		code = want_wal(db, why);
	if (code == OK)
		code = db_script(db,
		    "PRAGMA synchronous=FULL;PRAGMA wal_autocheckpoint=0;"
		    "PRAGMA foreign_keys=ON;PRAGMA trusted_schema=OFF;"
		    "PRAGMA temp_store=MEMORY;PRAGMA cache_size=-8192;"
		    "PRAGMA journal_size_limit=67108864",
		    why);
	sqlite3_wal_hook(db->h, on_wal, db);
	sqlite3_progress_handler(db->h, LOOK_EVERY, db_over_budget, db);
	return code;
}

int
db_open(struct db **out, const struct db_conf *conf, struct why *why)
{
	struct db *db;
	int rc, code = OK,
		flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

	*out = NULL;
	if (conf->vfs == NULL && (code = make_file(conf->path, why)) != OK)
		return code;
	db = mem_zalloc(sizeof(*db));
	db->path = mem_strdup(conf->path);
	db->own_file = conf->vfs == NULL;
	db->mono_us = conf->mono_us;
	db->arg = conf->arg;
	db->budget_us = (conf->budget_ms == 0 ? BUDGET_MS : conf->budget_ms) *
	    (int64_t)1000;
	rc = sqlite3_open_v2(conf->path, &db->h, flags, conf->vfs);
	code = rc == SQLITE_OK ? set_up(db, conf, why) : db_fault(db, rc, why);
	if (code != OK) {
		db_close(db);
		return code;
	}
	*out = db;
	return OK;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	db_rollback(db);
	db_stmts_free(db);
	if (db->dead)
		sqlite3_db_config(db->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
		    (int *)NULL);
	sqlite3_close_v2(db->h);
	mem_free(db->path);
	mem_free(db);
}

int64_t
db_last_rowkey(struct db *db)
{
	return sqlite3_last_insert_rowid(db->h);
}

int64_t
db_changes(struct db *db)
{
	return sqlite3_changes64(db->h);
}

int64_t
db_bytes(struct db *db)
{
	struct stat st;

	return stat(db->path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* ---- transactions ---- */

/* Without a budget: COMMIT and SAVEPOINT count as reading, but the full-text
 * index writes what it has gathered, and merges, in them. */
static int
word(struct db *db, struct why *why, const char *sql)
{
	int64_t budget = db->budget_us;
	int code;

	db->budget_us = 0;
	code = db_run(db, why, sql, 0, NULL);
	db->budget_us = budget;
	return code;
}

int
db_begin(struct db *db, struct why *why)
{
	int code;

	assert(!db->txn);
	if (db->dead)
		return why_set(why, E_INTERNAL, "the disk failed");
	code = word(db, why, "BEGIN IMMEDIATE");
	db->txn = code == OK;
	return db->dead ? why_set(why, E_INTERNAL, "the disk failed") : code;
}

bool
db_in_txn(const struct db *db)
{
	return db->txn;
}

/* Whatever state SQLite left it in, afterwards no transaction is open. */
static void
end_txn(struct db *db)
{
	if (!sqlite3_get_autocommit(db->h))
		sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL);
	db->txn = false;
	db->doomed = OK;
}

void
db_commit(struct db *db, void (*done)(void *arg, int code), void *arg)
{
	int code = db->doomed;

	assert(db->txn);
	if (code == OK)
		code = word(db, NULL, "COMMIT");
	if (code != OK)
		code = db->dead		     ? E_INTERNAL
		    : code == E_STORAGE_FULL ? E_STORAGE_FULL
					     : E_STORE;
	end_txn(db);
	done(arg, code); /* the last: it may close the store */
}

void
db_rollback(struct db *db)
{
	if (db->txn)
		end_txn(db);
}

int
db_savepoint(struct db *db, struct why *why)
{
	assert(db->txn);
	return word(db, why, "SAVEPOINT request");
}

/* These two cannot fail but for reasons that spoil the whole transaction. */
void
db_savepoint_release(struct db *db)
{
	if (db->doomed == OK && word(db, NULL, "RELEASE request") != OK &&
	    db->doomed == OK)
		db->doomed = E_STORE;
}

void
db_savepoint_rollback(struct db *db)
{
	if (db->doomed == OK && word(db, NULL, "ROLLBACK TO request") != OK &&
	    db->doomed == OK)
		db->doomed = E_STORE;
	db_savepoint_release(db);
}

/* ---- the WAL ---- */

int64_t
db_wal_pages(struct db *db)
{
	return db->wal;
}

/*
 * PASSIVE never waits. When it could not move everything (a reader, a full
 * disk) it is tried again only after as many pages more. What did not reach the
 * disk for another reason ends the process at the next begin.
 */
void
db_checkpoint(struct db *db, int pages)
{
	int log = 0, moved = 0, rc;

	if (db->txn || db->dead || db->wal <= pages || db->wal < db->wal_try)
		return;
	rc = sqlite3_wal_checkpoint_v2(db->h, NULL, SQLITE_CHECKPOINT_PASSIVE,
	    &log, &moved);
	if (rc != SQLITE_OK)
		db_fault(db, rc, NULL);
	if (rc == SQLITE_OK && log == moved)
		db->wal = db->wal_try = 0;
	else
		db->wal_try = db->wal + pages;
}

int
db_integrity(struct db *db, struct why *why)
{
	int64_t budget = db->budget_us;
	struct arena a = { 0 };
	struct db_rows *r;
	int code = OK;

	db->budget_us = 0;
	r = db_query(db, &a, why, "PRAGMA quick_check(1)", 0, NULL);
	db->budget_us = budget;
	if (r == NULL)
		code = E_STORE;
	else if (r->n != 1 || strcmp(db_text(r, 0, 0), "ok") != 0)
		code = why_set(why, E_STORE, "the database %s is damaged: %s",
		    db->path, r->n == 0 ? "" : db_text(r, 0, 0));
	arena_fini(&a);
	return code;
}

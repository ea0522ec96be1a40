/*
 * db.h - the store as the cores see it: SQL in the subset that SQLite and
 * PostgreSQL share, one connection, one open transaction at a time.
 *
 * Values are int64, text, or null. Statements are prepared once and kept. All
 * rows of a query are copied into the caller's arena; a query without LIMIT is
 * a bug. A statement that only reads and runs longer than its budget (50 ms by
 * default) is interrupted: E_TOO_BROAD. One that writes has 20 times as long,
 * because interrupting it costs the whole transaction: E_STORE.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "wire/wire.h" /* E_ codes, struct why */

struct db;

struct db_conf {
	const char *path; /* file; its folder must exist. Made with mode 0600 */
	const char *vfs;  /* NULL: the system's; the simulator names its own */
	bool exclusive;	  /* locking_mode=EXCLUSIVE (no shared memory) */
	int budget_ms; /* per statement; 0: 50; -1: none (migrations do so) */
	int64_t (*mono_us)(void *); /* clock for the budget; NULL: no budget */
	void *arg;
};

/* Opens WAL, synchronous=FULL, wal_autocheckpoint=0, foreign_keys=ON. */
int db_open(struct db **, const struct db_conf *, struct why *);
void db_close(struct db *); /* NULL is fine; rolls back what is open */

struct db_val {
	enum { DB_NULL, DB_INT, DB_TEXT } type;
	int64_t i;
	const char *s; /* NUL-terminated unless n is given */
	size_t n;
};
static inline struct db_val
db_i(int64_t i)
{
	return (struct db_val){ DB_INT, i, NULL, 0 };
}
static inline struct db_val
db_s(const char *s)
{
	return (struct db_val){ s ? DB_TEXT : DB_NULL, 0, s, (size_t)-1 };
}
static inline struct db_val
db_sn(const char *s, size_t n)
{
	return (struct db_val){ DB_TEXT, 0, s, n };
}

struct db_rows {
	size_t n, ncol;
	const struct db_val
	    *v; /* n * ncol; text is NUL-terminated, n its length */
};
static inline int64_t
db_int(const struct db_rows *r, size_t row, size_t col)
{
	return r->v[row * r->ncol + col].i;
}
/* "" when null */
static inline const char *
db_text(const struct db_rows *r, size_t row, size_t col)
{
	const char *s = r->v[row * r->ncol + col].s;
	return s ? s : "";
}
static inline bool
db_isnull(const struct db_rows *r, size_t row, size_t col)
{
	return r->v[row * r->ncol + col].type == DB_NULL;
}

/*
 * Run one statement. NULL on failure, with why (may be NULL): E_STORE,
 * E_STORAGE_FULL, E_TOO_BROAD, E_CONFLICT (a constraint). After a failure that
 * spoiled the open transaction (db_failed) every statement fails until it is
 * rolled back; db_commit does that and reports the code.
 * sql must be a constant: it is the key of the prepared statement.
 */
struct db_rows *db_query(struct db *, struct arena *, struct why *,
    const char *sql, size_t n, const struct db_val *v);
/* The same without rows; returns OK or the code. */
int db_run(struct db *, struct why *, const char *sql, size_t n,
    const struct db_val *v);
#define DB_VALS(...)                                     \
	sizeof((const struct db_val[]){ __VA_ARGS__ }) / \
	    sizeof(struct db_val),                       \
	    (const struct db_val[])                      \
	{                                                \
		__VA_ARGS__                              \
	}
int64_t db_last_rowkey(struct db *); /* of the last INSERT */
int64_t db_changes(struct db *);     /* rows changed by the last statement */

/* Transactions. begin is BEGIN IMMEDIATE. Savepoints nest one deep. */
int db_begin(struct db *, struct why *);
bool db_in_txn(const struct db *);
int db_failed(const struct db *); /* the code commit will report, or OK */
/*
 * Asynchronous by contract: done(arg, code) is called when the outcome is known
 * (SQLite: before it returns). OK; E_STORAGE_FULL or E_STORE: rolled back;
 * E_UNAVAILABLE: outcome unknown; E_INTERNAL: the disk failed (fsync or I/O
 * error), and the process must end.
 */
void db_commit(struct db *, void (*done)(void *arg, int code), void *arg);
void db_rollback(struct db *);
int db_savepoint(struct db *, struct why *);
void db_savepoint_release(struct db *);
void db_savepoint_rollback(struct db *);

/* PASSIVE checkpoint when the WAL exceeds `pages`. Outside transactions. */
void db_checkpoint(struct db *, int pages);
int64_t db_wal_pages(struct db *);
int db_integrity(struct db *, struct why *); /* quick_check */

/* ---- copies (backup.c) ---- */

/*
 * begin makes path (E_CONFLICT when it is there), 0600. step copies so many
 * pages, outside transactions; what is written meanwhile is in the copy. It is
 * not synced. end without keep removes it.
 */
struct db_backup;
int db_backup_begin(struct db *, const char *path, struct db_backup **,
    struct why *);
int db_backup_step(struct db_backup *, int pages, bool *done, struct why *);
int64_t db_backup_left(const struct db_backup *); /* pages */
void db_backup_end(struct db_backup *, bool keep);
int64_t db_bytes(struct db *); /* of the file, without the WAL */

/* ---- migrations (migrate.c) ---- */

/*
 * Brings the schema to the newest version: `step` is in order, the number of
 * the last applied stands in the database. Under a lock, each in a transaction.
 * A database newer than the last step is refused with E_CONFLICT. The text may
 * use the engine words ROWKEY and CLUSTERED.
 */
struct db_step {
	int no;
	const char *name;
	const char *sql;
};
/* Is the file, called so in why, whole, of these steps or the first of them, and
 * has it that table? (backup.c) */
int db_check_copy(const char *path, const char *shown, const struct db_step *,
    size_t n, const char *table, struct why *);
/* The newest step in a file that nobody has open; -1 when it cannot be told. */
int db_step_of(const char *path);
int db_migrate(struct db *, const struct db_step *, size_t n, struct why *);
/* The text as this or that engine wants it, ROWKEY and CLUSTERED replaced. */
enum db_engine { DB_SQLITE, DB_POSTGRES };
char *db_schema_text(struct arena *, const char *sql, enum db_engine);
extern const struct db_step broker_schema[], daemon_schema[];
extern const size_t broker_schema_n, daemon_schema_n;

/* ---- full-text search (search.c) ---- */

/* The index memory_text and its function match_score(memory_text, weights). */
int db_search_open(struct db *, struct why *);

/* ---- one process per folder (lock.c) ---- */

/* An exclusive lock on dir/name, held until the process ends. fd or -1 with
 * why naming the holder's pid. */
int dir_lock(const char *dir, const char *name, struct why *);
void dir_unlock(int fd);

#endif

/*
 * backup.c - a copy of a database that is in use, some pages at a time, and
 * what a copy must be before it is believed.
 *
 * What our own connection writes meanwhile goes to both files, so the copy is
 * of the moment at which it is whole. It is not synced here: that would hold up
 * the loop; whoever asked for it does so before relying on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/sqlite.h"

struct db_backup {
	sqlite3 *to;
	sqlite3_backup *b;
	char *path;
};

static int
refuse(struct db_backup *k, int rc, struct why *why)
{
	bool full = (rc & 0xff) == SQLITE_FULL;

	return why_set(why, full ? E_STORAGE_FULL : E_STORE,
	    "%.150s cannot be written: %s", k->path, sqlite3_errstr(rc));
}

int
db_backup_begin(struct db *db, const char *path, struct db_backup **out,
    struct why *why)
{
	struct db_backup *k;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc;

	*out = NULL;
	if (fd < 0)
		return why_set(why, errno == EEXIST ? E_CONFLICT : E_STORE,
		    "%.150s cannot be made: %s", path, strerror(errno));
	close(fd);
	k = mem_zalloc(sizeof(*k));
	k->path = mem_strdup(path);
	rc = sqlite3_open_v2(path, &k->to,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(k->to,
		    "PRAGMA journal_mode=OFF;PRAGMA synchronous=OFF", NULL,
		    NULL, NULL);
	if (rc == SQLITE_OK) {
		k->b = sqlite3_backup_init(k->to, "main", db->h, "main");
		rc = k->b == NULL ? sqlite3_errcode(k->to) : SQLITE_OK;
	}
	if (rc != SQLITE_OK) {
		rc = refuse(k, rc, why);
		db_backup_end(k, false);
		return rc;
	}
	*out = k;
	return OK;
}

int
db_backup_step(struct db_backup *k, int pages, bool *done, struct why *why)
{
	int rc = sqlite3_backup_step(k->b, pages);

	*done = rc == SQLITE_DONE;
	if (rc == SQLITE_OK || rc == SQLITE_DONE ||
	    (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED)
		return OK;
	return refuse(k, rc, why);
}

int64_t
db_backup_left(const struct db_backup *k)
{
	return sqlite3_backup_remaining(k->b);
}

void
db_backup_end(struct db_backup *k, bool keep)
{
	if (k == NULL)
		return;
	if (k->b != NULL)
		sqlite3_backup_finish(k->b);
	sqlite3_close_v2(k->to);
	if (!keep)
		unlink(k->path);
	mem_free(k->path);
	mem_free(k);
}

/* ---- what is offered as a copy ---- */

static int
open_copy(const char *path, struct db *db, struct why *why)
{
	int rc;

	if (access(path, R_OK) != 0)
		return why_set(why, E_NOT_FOUND, "%.150s cannot be read: %s",
		    path, strerror(errno));
	db->path = mem_strdup(path);
	rc = sqlite3_open_v2(path, &db->h,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    NULL);
	return rc == SQLITE_OK ? OK : db_fault(db, rc, why);
}

/* Of the schema of these steps, or an older one of them. */
static int
check_steps(struct db *db, const struct db_step *steps, size_t n,
    const char *table, struct why *why)
{
	int last = steps[n - 1].no, have = 0, code = OK;
	struct arena a = { 0 };
	struct db_rows *r = db_query(db, &a, NULL,
	    "SELECT MAX(no) FROM schema_step LIMIT 1", 0, NULL);
	struct db_rows *t = db_query(db, &a, NULL,
	    "SELECT name FROM sqlite_schema WHERE name = $1 LIMIT 1",
	    DB_VALS(db_s(table)));

	if (r != NULL && r->n == 1)
		have = (int)db_int(r, 0, 0);
	if (have == 0)
		code = why_set(why, E_CONFLICT, "%.150s is no database of ours",
		    db->path);
	else if (t == NULL || t->n == 0)
		code = why_set(why, E_CONFLICT,
		    "%.150s is a database of another kind", db->path);
	else if (have > last)
		code = why_set(why, E_CONFLICT,
		    "%.150s has schema step %d, this program knows %d: "
		    "it is too old for it",
		    db->path, have, last);
	arena_fini(&a);
	return code;
}

int
db_check_copy(const char *path, const char *shown, const struct db_step *steps,
    size_t n, const char *table, struct why *why)
{
	struct db *db = mem_zalloc(sizeof(*db));
	int code = open_copy(path, db, why);

	mem_free(db->path);
	db->path = mem_strdup(shown);
	if (code == OK)
		code = db_integrity(db, why);
	if (code == OK)
		code = check_steps(db, steps, n, table, why);
	db_close(db);
	return code;
}

int
db_step_of(const char *path)
{
	sqlite3 *h = NULL;
	sqlite3_stmt *p = NULL;
	int no = -1;

	if (sqlite3_open_v2(path, &h, SQLITE_OPEN_READONLY, NULL) ==
		SQLITE_OK &&
	    sqlite3_prepare_v2(h, "SELECT MAX(no) FROM schema_step", -1, &p,
		NULL) == SQLITE_OK &&
	    sqlite3_step(p) == SQLITE_ROW)
		no = sqlite3_column_int(p, 0);
	sqlite3_finalize(p);
	sqlite3_close_v2(h);
	return no;
}

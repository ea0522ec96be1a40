/*
 * sqlite.h - what the files of the store share. Nobody else includes it.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <sqlite3.h>

#include "base/map.h"
#include "store/db.h"

struct db {
	sqlite3 *h;
	char *path;
	bool own_file;	    /* on the system's VFS */
	struct map stmts;   /* the sql's address: struct stmt, see db_query.c */
	struct db_val *row; /* rows of the query that runs, reused */
	size_t nrow, row_cap;
	size_t row_bytes;
	int64_t (*mono_us)(void *);
	void *arg;
	int64_t budget_us; /* of a reading statement; <= 0: none */
	int64_t limit_us;  /* of the statement that runs; <= 0: none */
	int64_t
	    since_us; /* when its first look at the clock was; -1: not yet */
	bool txn;     /* between begin and commit or rollback */
	int doomed;   /* the code with which the open transaction will end */
	bool dead;    /* the disk failed: nothing is written any more */
	int64_t wal, wal_try; /* pages in the WAL; from how many on to try */
};

/* db_query.c */

/* Turns SQLite's result into our code and sentence, and remembers what it
 * means for the transaction. */
int db_fault(struct db *, int rc, struct why *);
void db_stmts_free(struct db *);
/* A text of many statements, without budget; for migrations. */
int db_script(struct db *, const char *sql, struct why *);
int db_over_budget(void *db); /* progress handler */

#endif

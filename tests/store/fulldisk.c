/*
 * fulldisk.c - fulldisk DIR: writes into DIR, a small file system, until it is
 * full, and then as a broker goes on: read-only, and again when there is room.
 * Prints what it saw; tests/store/run compares. Beside the simulated disk, this
 * is what the kernel and SQLite's own VFS say.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/db.h"

#define BALLAST ((off_t)256 * 1024)

static struct db *db;

static void
keep(void *arg, int code)
{
	*(int *)arg = code;
}

static int
write_some(void)
{
	struct why why = { 0 };
	int code = db_begin(db, &why);

	for (int i = 0; code == OK && i < 8; i++)
		code = db_run(db, &why,
		    "INSERT INTO t (v)"
		    " VALUES (hex(randomblob(2000)))",
		    0, NULL);
	if (db_in_txn(db))
		db_commit(db, keep, &code);
	return code;
}

static long
count(void)
{
	struct arena a = { 0 };
	struct db_rows *r = db_query(db, &a, NULL,
	    "SELECT count(*) FROM t"
	    " LIMIT 1",
	    0, NULL);
	long n = r == NULL ? -1 : (long)db_int(r, 0, 0);

	arena_fini(&a);
	return n;
}

static const char *
name(int code)
{
	return code == OK	     ? "ok"
	    : code == E_STORAGE_FULL ? "storage_full"
	    : code == E_INTERNAL     ? "internal"
				     : "other";
}

static int
ballast(const char *path)
{
	static char block[4096];
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	off_t n = 0;

	while (fd >= 0 && n < BALLAST &&
	    write(fd, block, sizeof(block)) == (ssize_t)sizeof(block))
		n += (off_t)sizeof(block);
	if (fd >= 0)
		close(fd);
	return n == BALLAST ? 0 : -1;
}

static int
open_db(const char *path)
{
	struct db_conf conf = { .path = path };
	struct why why = { 0 };

	if (db_open(&db, &conf, &why) == OK)
		return 0;
	printf("open: %s\n", why.text);
	return -1;
}

static long
fill(int *code)
{
	long had = 0;

	while ((*code = write_some()) == OK) {
		had += 8;
		db_checkpoint(db, 50);
	}
	return had;
}

static void
story(const char *path, const char *stone)
{
	int code;
	long had = fill(&code);

	printf("filled: %s\n", name(code));
	printf("again: %s\n", name(write_some()));
	printf("reads: %s\n", count() == had ? "all there" : "WRONG");
	unlink(stone);
	printf("room: %s\n", name(write_some()));
	printf("reads: %s\n", count() == had + 8 ? "all there" : "WRONG");
	had = count() + fill(&code);
	db_close(db);
	if (open_db(path) < 0)
		return;
	printf("opened: %s\n", count() == had ? "all there" : "WRONG");
	printf("integrity: %s\n", name(db_integrity(db, NULL)));
}

int
main(int argc, char **argv)
{
	char *path, *stone;

	if (argc != 2)
		return 2;
	path = mem_printf("%s/x.db", argv[1]);
	stone = mem_printf("%s/ballast", argv[1]);
	if (ballast(stone) == 0 && open_db(path) == 0 &&
	    db_run(db, NULL, "CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)",
		0, NULL) == OK)
		story(path, stone);
	db_close(db);
	mem_free(path);
	mem_free(stone);
	return 0;
}

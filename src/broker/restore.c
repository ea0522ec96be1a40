/*
 * restore.c - a copy of a broker's database takes the place of the one in its
 * folder, which is kept beside it. The broker does not run meanwhile.
 *
 * A database set back has forgotten mail and acts that its clients know of. So
 * its history gets a new name: clients see that what they had read before says
 * nothing of what is there now, and tell their users of a gap.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/enc.h"
#include "base/mem.h"
#include "broker/main.h"
#include "store/db.h"

static int
copy_bytes(int from, int to)
{
	char block[65536];
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) > 0) {
		if (write(to, block, (size_t)n) != n)
			return -1;
	}
	return n == 0 && fsync(to) == 0 ? 0 : -1;
}

static int
copy_file(const char *from, const char *to, struct why *why)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1, code = OK;

	unlink(to); /* of an attempt that was cut short */
	if (in >= 0)
		out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (in < 0 || out < 0 || copy_bytes(in, out) != 0)
		code = why_set(why, errno == ENOSPC ? E_STORAGE_FULL : E_STORE,
		    "%.100s cannot be copied to %.100s: %s", from, to,
		    strerror(errno));
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return code;
}

static void
committed(void *arg, int code)
{
	*(int *)arg = code;
}

static int
rename_history(struct db *db, struct why *why)
{
	char id[33];
	uint8_t bytes[10];
	int code = db_begin(db, why), out = OK;

	if (code != OK)
		return code;
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
		db_rollback(db);
		return why_set(why, E_INTERNAL, "no random bytes");
	}
	b32_encode(id, bytes, sizeof(bytes));
	code =
	    db_run(db, why, "UPDATE meta SET value = $1 WHERE key = 'history'",
		DB_VALS(db_s(id)));
	if (code != OK) {
		db_rollback(db);
		return code;
	}
	db_commit(db, committed, &out);
	return out == OK ? OK : why_set(why, out, NULL);
}

/* Checked, copied, with a history of its own; closed, so that it is one file. */
static int
prepare(const char *file, const char *fresh, struct why *why)
{
	struct db_conf conf = { .path = fresh, .budget_ms = -1 };
	struct db *db;
	int code;

	code = copy_file(file, fresh, why);
	if (code == OK)
		code = db_check_copy(fresh, file, broker_schema,
		    broker_schema_n, "queue", why);
	if (code == OK)
		code = db_open(&db, &conf, why);
	if (code != OK)
		return code;
	code = rename_history(db, why);
	db_close(db);
	return code;
}

/* The database with what belongs to it. */
static int
set_aside(const char *db, const char *aside, struct why *why)
{
	static const char *const part[] = { "-wal", "-shm", "" };
	int code = OK;

	for (int i = 0; code == OK && i < 3; i++) {
		char *from = mem_printf("%s%s", db, part[i]);
		char *to = mem_printf("%s%s", aside, part[i]);

		if (rename(from, to) != 0 && errno != ENOENT)
			code = why_set(why, E_STORE,
			    "%.100s cannot be renamed: %s", from,
			    strerror(errno));
		mem_free(from);
		mem_free(to);
	}
	return code;
}

static int
put_in_place(const char *fresh, const char *db, struct why *why)
{
	if (rename(fresh, db) == 0)
		return OK;
	return why_set(why, E_STORE, "%.100s cannot be renamed: %s", fresh,
	    strerror(errno));
}

static void
forget(const char *fresh)
{
	static const char *const part[] = { "", "-wal", "-shm" };

	for (int i = 0; i < 3; i++) {
		char *path = mem_printf("%s%s", fresh, part[i]);

		unlink(path);
		mem_free(path);
	}
}

int
broker_restore(const char *data, const char *file, char *aside, size_t cap,
    struct why *why)
{
	char *db = mem_printf("%s/broker.db", data);
	char *fresh = mem_printf("%s/broker.db.restoring", data);
	int lock, code;

	lock = dir_lock(data, "broker.lock", why);
	code = lock < 0 ? why->code : OK;
	snprintf(aside, cap, "%s.before-%lld", db, (long long)time(NULL));
	if (code == OK)
		code = prepare(file, fresh, why);
	if (code == OK && access(db, F_OK) != 0)
		aside[0] = '\0';
	else if (code == OK)
		code = set_aside(db, aside, why);
	if (code == OK)
		code = put_in_place(fresh, db, why);
	if (lock >= 0 && code != OK)
		forget(fresh);
	dir_unlock(lock);
	mem_free(db);
	mem_free(fresh);
	return code;
}

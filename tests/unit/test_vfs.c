/*
 * test_vfs.c - the disk that forgets, and what SQLite makes of it: over a
 * thousand seeds what was committed survives every crash and what was not does
 * not; and with syncs that do nothing the same test finds the loss.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/db.h"
#include "tests/sim/vfs.h"

#define SEEDS 1000
#define ROUNDS 3

/* One seed's world. Transaction number k writes a row k, replaces the padding
 * of an older one and sets the sum, so that a half of it is seen. */
struct world {
	struct vfs *v;
	struct db *db;
	uint64_t rng;
	int64_t acked, tried; /* transactions: reported; begun to commit */
	bool nofsync;
};

static const struct db_step steps[] = {
	{ 1, "base",
	    "CREATE TABLE t (k ROWKEY, pad TEXT NOT NULL);"
	    "CREATE TABLE total (one BIGINT NOT NULL PRIMARY KEY,"
	    " sum BIGINT NOT NULL) CLUSTERED;"
	    "INSERT INTO total (one, sum) VALUES (1, 0)" },
};

static size_t
draw(struct world *w, size_t n)
{
	w->rng = w->rng * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(w->rng >> 33) % n;
}

static int
open_db(struct world *w)
{
	struct db_conf conf = { .path = "/sim.db",
		.vfs = "forgets",
		.exclusive = true };
	int code = db_open(&w->db, &conf, NULL);

	return code == OK ? db_migrate(w->db, steps, 1, NULL) : code;
}

static void
keep_code(void *arg, int code)
{
	*(int *)arg = code;
}

static int
writes(struct world *w, int64_t k)
{
	static char pad[9000];
	size_t n = draw(w, sizeof(pad));
	int code;

	memset(pad, 'a' + (int)(k % 26), sizeof(pad));
	code = db_run(w->db, NULL, "INSERT INTO t (k, pad) VALUES ($1, $2)",
	    DB_VALS(db_i(k), db_sn(pad, n)));
	if (code == OK)
		code = db_run(w->db, NULL, "UPDATE t SET pad = $2 WHERE k = $1",
		    DB_VALS(db_i((int64_t)draw(w, (size_t)k) + 1),
			db_sn(pad, n / 3)));
	if (code == OK)
		code = db_run(w->db, NULL,
		    "UPDATE total SET sum = sum + $1"
		    " WHERE one = 1",
		    DB_VALS(db_i(k)));
	return code;
}

/* False when the power went. */
static bool
one_txn(struct world *w)
{
	int code = db_begin(w->db, NULL);

	if (code == OK)
		code = writes(w, w->acked + 1);
	if (code != OK)
		return false;
	if (draw(w, 8) == 0) { /* what is not committed is not there */
		db_rollback(w->db);
		return true;
	}
	w->tried = w->acked + 1;
	db_commit(w->db, keep_code, &code);
	if (code != OK)
		return false;
	w->acked = w->tried;
	db_checkpoint(w->db, (int)draw(w, 40));
	return true;
}

static bool
sound(struct world *w)
{
	struct arena a = { 0 };
	struct db_rows *r;
	bool good = db_integrity(w->db, NULL) == OK;
	int64_t n;

	r = db_query(w->db, &a, NULL,
	    "SELECT count(*), coalesce(max(k), 0),"
	    " coalesce(sum(k), 0), (SELECT sum FROM total) FROM t LIMIT 1",
	    0, NULL);
	good = good && r != NULL;
	if (good) {
		n = db_int(r, 0, 0);
		good = db_int(r, 0, 1) == n &&
		    db_int(r, 0, 2) == db_int(r, 0, 3) && n >= w->acked &&
		    n <= w->tried;
		w->acked = w->tried = n;
	}
	arena_fini(&a);
	return good;
}

static void
crash(struct world *w)
{
	vfs_crash(w->v, w->rng);
	db_close(w->db);
	w->db = NULL;
}

/* Works until the power goes somewhere, then looks at what is left. */
static bool
one_round(struct world *w)
{
	size_t txns = 1 + draw(w, 25);
	bool good;

	if (draw(w, 3) > 0)
		vfs_power_off_at(w->v, 1 + (int64_t)draw(w, 300));
	while (txns-- > 0 && one_txn(w))
		;
	if (!vfs_is_off(w->v) && draw(w, 2) == 0 && !db_in_txn(w->db) &&
	    db_begin(w->db, NULL) == OK)
		(void)writes(w, w->acked + 1); /* and is never committed */
	crash(w);
	good = open_db(w) == OK && sound(w);
	if (!good)
		db_close(w->db);
	return good;
}

/* Was nothing lost and nothing invented? */
static bool
run_seed(uint64_t seed, bool nofsync)
{
	struct world w = { .rng = seed * 2654435761u + 1, .nofsync = nofsync };
	bool good = true;

	w.v = vfs_new("forgets", seed, seed % 2 == 0 ? 512 : 4096);
	assert_int_equal(open_db(&w), OK);
	vfs_nofsync(w.v, nofsync);
	for (int i = 0; i < ROUNDS && good; i++)
		good = one_round(&w);
	if (good)
		db_close(w.db);
	vfs_free(w.v);
	return good;
}

static void
test_committed_survives(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		if (!run_seed(seed, false))
			fail_msg("seed %u lost or invented something",
			    (unsigned)seed);
}

static void
test_lost_sync_is_found(void **state)
{
	unsigned found = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++)
		found += !run_seed(seed, true);
	print_message("without sync %u of 100 seeds are caught\n", found);
	assert_true(found > 50);
}

/* The same seed is the same story, to the last operation. */
static void
test_replays(void **state)
{
	uint64_t ops[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct world w = { .rng = 7 };

		w.v = vfs_new("forgets", 7, 512);
		assert_int_equal(open_db(&w), OK);
		assert_true(one_round(&w));
		ops[i] = vfs_ops(w.v) * 1000003 +
		    (uint64_t)vfs_size(w.v, "/sim.db") * 31 +
		    (uint64_t)vfs_size(w.v, "/sim.db-wal");
		db_close(w.db);
		vfs_free(w.v);
	}
	assert_int_equal(ops[0], ops[1]);
}

/* A failed fsync: what it was about may be gone, and nothing goes on. */
static void
test_failed_sync_ends_it(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct world w = { .rng = seed };

		w.v = vfs_new("forgets", seed, 4096);
		assert_int_equal(open_db(&w), OK);
		vfs_fail_sync_at(w.v, 1 + (int64_t)draw(&w, 20));
		for (int i = 0; i < 40 && one_txn(&w); i++)
			;
		assert_int_equal(db_begin(w.db, NULL), E_INTERNAL);
		crash(&w);
		assert_int_equal(open_db(&w), OK);
		assert_true(sound(&w));
		db_close(w.db);
		vfs_free(w.v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_committed_survives),
		cmocka_unit_test(test_lost_sync_is_found),
		cmocka_unit_test(test_replays),
		cmocka_unit_test(test_failed_sync_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

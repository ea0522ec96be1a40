/*
 * store_fix.h - a store to test with, on the real or on the simulated disk.
 */
#ifndef UNIT_STORE_FIX_H
#define UNIT_STORE_FIX_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "store/db.h"
#include "tests/sim/vfs.h"

struct store {
	char dir[64];
	char *path;
	struct db *db;
	struct arena a;
	struct vfs *v; /* tests on the simulated disk */
	struct why why;
	int64_t us; /* a clock that goes on when it is looked at */
};

/* cmocka's setups; the simulated one is named "test_store", its file "/x.db" */
int store_on_disk(void **state);
int store_on_sim(void **state);
int store_tear_down(void **state);

int store_open(struct store *, const char *path, const char *vfs);
int store_run(struct store *, const char *sql);
int64_t store_ask(struct store *, const char *sql); /* one row, one number */
int store_commit(struct store *);
void store_make_t(struct store *); /* t (k, v UNIQUE) */

#define ON_DISK(fn) \
	cmocka_unit_test_setup_teardown(fn, store_on_disk, store_tear_down)
#define ON_SIM(fn) \
	cmocka_unit_test_setup_teardown(fn, store_on_sim, store_tear_down)

#endif

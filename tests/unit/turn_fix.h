/*
 * turn_fix.h - a turn to test with: the real store on the simulated disk, an
 * owner that writes down what happens, four ways out.
 */
#ifndef UNIT_TURN_FIX_H
#define UNIT_TURN_FIX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tests/sim/vfs.h"
#include "turn/turn.h"

#define CHANS 4

struct turns {
	struct io io;
	int64_t now;
	struct vfs *v;
	struct db *db;
	struct turn *t;
	struct why why;
	struct arena a;
	struct turn_chan chan[CHANS];
	char said[CHANS][256]; /* what was released to each */
	char story[64];	       /* what happened, a letter each; see below */
	uint64_t mark[16];
	size_t nmark;
	int code;
	bool in_txn_at_release;
	uint64_t syncs_at_release;
	void (*at_before)(struct turns *);
	void (*at_release)(struct turns *, struct turn_chan *);
};

int turns_set_up(void **state); /* cmocka's */
int turns_tear_down(void **state);
void turns_open(struct turns *); /* the store, and a turn on it; again, too */

/* In a request: insert a row of table t. */
int turns_insert(struct turns *, uint64_t mark, const char *v);
void turns_say(struct turns *, size_t chan, const char *s);
/* A whole request that writes v and says it. */
int turns_request(struct turns *, uint64_t mark, size_t chan, const char *v);
const char *turns_rows(struct turns *); /* all v of t, a space between */
/*
 * Ends the turn and compares what happened, a letter each: B before_commit,
 * r release, c committed, f flush, d dropped, F failed.
 */
void turns_end(struct turns *, const char *story);

#define TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, turns_set_up, turns_tear_down)

#endif

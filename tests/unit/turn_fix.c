/*
 * turn_fix.c - a turn to test with.
 */
#include <string.h>

#include "tests/unit/turn_fix.h"

/* ---- the owner: B before, r release, c committed, f flush, d dropped, F ---- */

static void
note(struct turns *f, char c)
{
	size_t n = strlen(f->story);

	assert_true(n + 1 < sizeof(f->story));
	f->story[n] = c;
}

static void
release_cb(void *arg, struct turn_chan *c, const char *p, size_t n)
{
	struct turns *f = arg;

	note(f, 'r');
	f->in_txn_at_release = db_in_txn(f->db);
	f->syncs_at_release = vfs_syncs(f->v);
	if (n < sizeof(f->said[0]) - strlen(f->said[c->id]))
		strncat(f->said[c->id], p, n);
	if (f->at_release != NULL)
		f->at_release(f, c);
}

static void
before_cb(void *arg)
{
	struct turns *f = arg;

	note(f, 'B');
	if (f->at_before != NULL)
		f->at_before(f);
}

static void
committed_cb(void *arg)
{
	note(arg, 'c');
}

static void
dropped_cb(void *arg, struct turn_chan *c)
{
	struct turns *f = arg;

	note(f, 'd');
	assert_int_equal(c->held.len, 0);
	strcpy(f->said[c->id], "(dropped)");
}

static void
failed_cb(void *arg, int code, const uint64_t *mark, size_t n)
{
	struct turns *f = arg;

	note(f, 'F');
	f->code = code;
	assert_true(n <= countof(f->mark));
	if (n > 0)
		memcpy(f->mark, mark, n * sizeof(*mark));
	f->nmark = n;
	for (size_t i = 0; i < CHANS; i++)
		assert_int_equal(f->chan[i].held.len, 0);
}

static const struct turn_ops ops = {
	.release = release_cb,
	.before_commit = before_cb,
	.committed = committed_cb,
	.dropped = dropped_cb,
	.failed = failed_cb,
};

/* ---- the world ---- */

static int64_t
mono_cb(struct io *io)
{
	return ((struct turns *)(void *)io)->now;
}

static void
flush_cb(struct io *io)
{
	note((struct turns *)(void *)io, 'f');
}

static const struct io_ops io_ops = { .mono = mono_cb, .flush = flush_cb };

void
turns_open(struct turns *f)
{
	struct db_conf conf = { .path = "/x.db",
		.vfs = "test_turn",
		.exclusive = true };

	assert_int_equal(db_open(&f->db, &conf, &f->why), OK);
	turn_free(f->t);
	f->t = turn_new(&f->io, f->db, &ops, f);
}

int
turns_set_up(void **state)
{
	struct turns *f = mem_zalloc(sizeof(*f));

	f->io.ops = &io_ops;
	f->v = vfs_new("test_turn", 1, 4096);
	turns_open(f);
	assert_int_equal(db_run(f->db, NULL,
			     "CREATE TABLE t (k INTEGER"
			     " PRIMARY KEY, v TEXT, p BIGINT REFERENCES t (k)"
			     " DEFERRABLE INITIALLY DEFERRED)",
			     0, NULL),
	    OK);
	for (size_t i = 0; i < CHANS; i++)
		f->chan[i].id = i;
	*state = f;
	return 0;
}

int
turns_tear_down(void **state)
{
	struct turns *f = *state;

	for (size_t i = 0; i < CHANS; i++)
		turn_chan_gone(f->t, &f->chan[i]);
	turn_free(f->t);
	db_close(f->db);
	vfs_free(f->v);
	arena_fini(&f->a);
	mem_free(f);
	return 0;
}

/* ---- what tests do ---- */

int
turns_insert(struct turns *f, uint64_t mark, const char *v)
{
	int code = turn_writes(f->t, mark, &f->why);

	if (code == OK)
		code = db_run(f->db, &f->why, "INSERT INTO t (v) VALUES ($1)",
		    DB_VALS(db_s(v)));
	return code;
}

void
turns_say(struct turns *f, size_t chan, const char *s)
{
	turn_say(f->t, &f->chan[chan], s, strlen(s));
}

/* A request that writes v and says it. */
int
turns_request(struct turns *f, uint64_t mark, size_t chan, const char *v)
{
	int code;

	turn_request_begin(f->t);
	code = turns_insert(f, mark, v);
	turns_say(f, chan, v);
	turn_request_end(f->t, code == OK);
	return code;
}

const char *
turns_rows(struct turns *f)
{
	struct db_rows *r = db_query(f->db, &f->a, &f->why,
	    "SELECT coalesce(group_concat(v, ' '), '') FROM"
	    " (SELECT v FROM t ORDER BY k LIMIT 100)",
	    0, NULL);

	assert_non_null(r);
	return db_text(r, 0, 0);
}

void
turns_end(struct turns *f, const char *story)
{
	memset(f->story, 0, sizeof(f->story));
	turn_end(f->t);
	assert_string_equal(f->story, story);
}

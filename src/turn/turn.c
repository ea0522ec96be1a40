/*
 * turn.c - a turn is a transaction.
 *
 * Promises that no byte said through it leaves before the transaction it was
 * said in is durable, and that what a failed request wrote and said is gone
 * while everybody else's stays. It knows no message and no connection, and it
 * does not decide how long a turn lasts.
 *
 * The hot path is thousands of small requests a turn: what they say is collected
 * in one buffer with a list of pieces, both reused, and the memory of a held
 * buffer goes to the next one that needs some.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "turn/turn.h"

#define SAID_MAX TURN_HELD_MAX
#define SAID_KEEP ((size_t)1024 * 1024) /* memory kept from turn to turn */
#define SPARES 64
#define SPARE_KEEP ((size_t)64 * 1024)
#define WAL_PAGES 1000
#define PROBE_MS 5000
#define TOO_MUCH ((size_t)-1) /* a piece that did not fit into said */

struct piece {			/* bytes of said for one way out */
	struct turn_chan *chan; /* NULL: gone */
	size_t at, n;
};

struct turn {
	struct io *io;
	struct db *db;
	const struct turn_ops *ops;
	void *arg;

	bool in_request, saved; /* saved: this request has a savepoint */
	bool closing;		/* inside before_commit */
	bool worked;		/* there was a request this turn */
	bool busy;		/* a commit is pending */
	int broken;		/* the store will not even begin: its code */

	bool read_only, probing;
	int64_t probe_at; /* mono */

	struct buf said;
	VEC(struct piece) piece;
	VEC(struct turn_chan *) touched; /* NULL: gone */
	VEC(uint64_t) mark;
	struct buf spare[SPARES];
	size_t nspare;
};

struct turn *
turn_new(struct io *io, struct db *db, const struct turn_ops *ops, void *arg)
{
	struct turn *t = mem_zalloc(sizeof(*t));

	t->io = io;
	t->db = db;
	t->ops = ops;
	t->arg = arg;
	buf_init(&t->said, SAID_MAX);
	return t;
}

void
turn_free(struct turn *t)
{
	if (t == NULL)
		return;
	while (t->nspare > 0)
		buf_fini(&t->spare[--t->nspare]);
	buf_fini(&t->said);
	vec_fini(&t->piece);
	vec_fini(&t->touched);
	vec_fini(&t->mark);
	mem_free(t);
}

struct db *
turn_db(const struct turn *t)
{
	return t->db;
}

bool
turn_busy(const struct turn *t)
{
	return t->busy;
}

bool
turn_wrote(const struct turn *t)
{
	return db_in_txn(t->db);
}

/* ---- held buffers ---- */

static void
touch(struct turn *t, struct turn_chan *c)
{
	size_t max = c->held.max == 0 ? TURN_HELD_MAX : c->held.max;

	if (c->touched)
		return;
	c->touched = true;
	vec_add(&t->touched, c);
	if (c->held.data == NULL && t->nspare > 0)
		c->held = t->spare[--t->nspare];
	c->held.max = max;
}

static void
hold(struct turn *t, struct turn_chan *c, const char *p, size_t n)
{
	touch(t, c);
	if (c->held.over)
		return; /* half of what was said is worse than nothing */
	if (n == TOO_MUCH)
		c->held.over = true;
	else
		(void)buf_add(&c->held, p, n); /* marks it `over` */
}

/* Takes what chan holds; afterwards nothing here knows it. */
static struct buf
unhold(struct turn_chan *c)
{
	struct buf b = c->held;

	buf_init(&c->held, b.max);
	c->touched = false;
	return b;
}

static void
recycle(struct turn *t, struct buf *b)
{
	if (t->nspare == SPARES || b->data == NULL || b->cap > SPARE_KEEP) {
		buf_fini(b);
		return;
	}
	buf_clear(b);
	t->spare[t->nspare++] = *b;
}

/* ---- a request ---- */

void
turn_request_begin(struct turn *t)
{
	assert(!t->in_request && !t->busy);
	t->in_request = t->worked = true;
}

static int
writable(struct turn *t, uint64_t mark, struct why *why)
{
	if (!t->read_only || (t->probing && mark == TURN_NO_MARK))
		return OK;
	if (mark != TURN_NO_MARK || io_mono(t->io) < t->probe_at)
		return why_set(why, E_STORAGE_FULL, NULL);
	t->probing = true;
	return OK;
}

static int
begin(struct turn *t, struct why *why)
{
	int code = db_begin(t->db, why);

	if (code == E_STORAGE_FULL)
		turn_read_only(t, true);
	if (code == E_INTERNAL)
		t->broken = code;
	if (code != OK)
		t->probing = false;
	return code;
}

/* The same mesh often writes many times in a row; the rest is sorted out when
 * a commit fails. */
static void
remember(struct turn *t, uint64_t mark)
{
	if (mark == TURN_NO_MARK ||
	    (t->mark.n > 0 && t->mark.v[t->mark.n - 1] == mark))
		return;
	vec_add(&t->mark, mark);
}

int
turn_writes(struct turn *t, uint64_t mark, struct why *why)
{
	int code;

	assert(t->in_request);
	if ((code = writable(t, mark, why)) != OK)
		return code;
	remember(t, mark);
	if (!db_in_txn(t->db) && (code = begin(t, why)) != OK)
		return code;
	if ((code = db_failed(t->db)) != OK)
		return why_set(why, code, NULL);
	if (t->saved || t->closing)
		return OK;
	code = db_savepoint(t->db, why);
	t->saved = code == OK;
	return code;
}

/* Collects p once; its place goes to *at. False when it is too much. */
static bool
collect(struct turn *t, const char *p, size_t n, size_t *at)
{
	*at = t->said.len;
	return buf_add(&t->said, p, n) == 0;
}

/* Was the last piece said to c, with nothing collected in between? */
static bool
goes_on(const struct turn *t, const struct turn_chan *c)
{
	const struct piece *last;

	if (t->piece.n == 0)
		return false;
	last = &t->piece.v[t->piece.n - 1];
	return last->chan == c && last->n != TOO_MUCH;
}

void
turn_say(struct turn *t, struct turn_chan *c, const char *p, size_t n)
{
	struct piece piece = { .chan = c, .n = n };

	assert(!t->busy);
	if (!t->in_request) {
		hold(t, c, p, n);
		return;
	}
	if (!collect(t, p, n, &piece.at))
		piece.n = TOO_MUCH;
	if (piece.n != TOO_MUCH && goes_on(t, c))
		t->piece.v[t->piece.n - 1].n += n;
	else
		vec_add(&t->piece, piece);
}

void
turn_say_many(struct turn *t, struct turn_chan *const *chan, size_t nchan,
    const char *p, size_t n)
{
	struct piece piece = { .n = n };
	size_t i;

	assert(!t->busy);
	if (!t->in_request) {
		for (i = 0; i < nchan; i++)
			hold(t, chan[i], p, n);
		return;
	}
	if (nchan > 0 && !collect(t, p, n, &piece.at))
		piece.n = TOO_MUCH;
	for (i = 0; i < nchan; i++) {
		piece.chan = chan[i];
		vec_add(&t->piece, piece);
	}
}

static void
splice(struct turn *t)
{
	for (size_t i = 0; i < t->piece.n; i++) {
		const struct piece *p = &t->piece.v[i];

		if (p->chan != NULL)
			hold(t, p->chan, t->said.data + p->at, p->n);
	}
}

void
turn_request_end(struct turn *t, bool ok)
{
	assert(t->in_request);
	if (t->saved && ok)
		db_savepoint_release(t->db);
	else if (t->saved)
		db_savepoint_rollback(t->db);
	if (ok)
		splice(t); /* of a spoiled turn nothing leaves anyway */
	t->in_request = t->saved = false;
	t->piece.n = 0;
	buf_clear(&t->said);
}

void
turn_chan_gone(struct turn *t, struct turn_chan *c)
{
	size_t i;

	for (i = 0; c->touched && i < t->touched.n; i++)
		if (t->touched.v[i] == c)
			t->touched.v[i] = NULL;
	for (i = 0; i < t->piece.n; i++)
		if (t->piece.v[i].chan == c)
			t->piece.v[i].chan = NULL;
	c->touched = false;
	buf_fini(&c->held);
}

/* ---- the end of a turn ---- */

static void
drop(struct turn *t, struct turn_chan *c)
{
	if (t->ops->dropped != NULL)
		t->ops->dropped(t->arg, c);
}

/* The owner may free a chan in these callbacks, and say more. */
static void
release(struct turn *t)
{
	for (size_t i = 0; i < t->touched.n; i++) {
		struct turn_chan *c = t->touched.v[i];
		struct buf b;

		if (c == NULL)
			continue;
		t->touched.v[i] = NULL;
		b = unhold(c);
		if (b.over)
			drop(t, c);
		else if (b.len > 0)
			t->ops->release(t->arg, c, b.data, b.len);
		recycle(t, &b);
	}
	t->touched.n = 0;
}

static void
reset(struct turn *t)
{
	t->worked = t->probing = false;
	t->broken = OK;
	t->mark.n = 0;
	if (t->said.cap > SAID_KEEP)
		buf_reset(&t->said);
}

static void
finish(struct turn *t, bool wrote)
{
	if (wrote && t->probing)
		t->read_only = false;
	reset(t);
	release(t);
	if (t->ops->committed != NULL)
		t->ops->committed(t->arg);
	io_flush(t->io);
	if (wrote)
		db_checkpoint(t->db, WAL_PAGES);
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static size_t
unique(uint64_t *v, size_t n)
{
	size_t i, k = 0;

	if (n > 0)
		qsort(v, n, sizeof(*v), by_value);
	for (i = 0; i < n; i++)
		if (k == 0 || v[k - 1] != v[i])
			v[k++] = v[i];
	return k;
}

static void
drop_all(struct turn *t)
{
	for (size_t i = 0; i < t->touched.n; i++) {
		struct turn_chan *c = t->touched.v[i];
		struct buf b;

		if (c == NULL)
			continue;
		t->touched.v[i] = NULL;
		b = unhold(c);
		recycle(t, &b);
		drop(t, c);
	}
	t->touched.n = 0;
}

static void
give_up(struct turn *t, int code)
{
	uint64_t *mark = t->mark.v;
	size_t n = unique(mark, t->mark.n);

	t->mark.v = NULL; /* ours now: failed() may free t */
	t->mark.n = t->mark.cap = 0;
	if (code == E_STORAGE_FULL)
		turn_read_only(t, true);
	drop_all(t);
	reset(t);
	t->ops->failed(t->arg, code, mark, n);
	mem_free(mark);
}

static void
on_commit(void *arg, int code)
{
	struct turn *t = arg;

	assert(t->busy);
	t->busy = false;
	if (code == OK)
		finish(t, true);
	else
		give_up(t, code);
}

static void
last_writes(struct turn *t)
{
	if (t->ops->before_commit == NULL || db_failed(t->db) != OK)
		return;
	t->in_request = t->closing = true;
	t->ops->before_commit(t->arg);
	t->closing = false;
	turn_request_end(t, true);
}

void
turn_end(struct turn *t)
{
	if (t->busy)
		return;
	assert(!t->in_request);
	last_writes(t);
	if (db_in_txn(t->db)) {
		t->busy = true;
		db_commit(t->db, on_commit, t); /* t may be gone after it */
	} else if (t->broken != OK) {
		give_up(t, t->broken);
	} else if (t->worked || t->touched.n > 0) {
		finish(t, false);
	}
}

/* ---- a full disk ---- */

void
turn_read_only(struct turn *t, bool on)
{
	t->read_only = on;
	t->probe_at = io_mono(t->io) + PROBE_MS;
}

bool
turn_is_read_only(const struct turn *t)
{
	return t->read_only;
}

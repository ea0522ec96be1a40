/*
 * fakeio.c - the world in memory. Events are delivered in the order of stream
 * ids; after each round the turn function runs, as the contract of io.h says.
 * It takes no liberties with order or loss: that is the simulator's trade.
 */
#include "fakeio.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"

#define ROUNDS 1000000
#define CHUNK 65536

struct stream {
	io_id id, other;
	struct io_stream_cb cb;
	void *arg;
	bool bound, opening, stopped, clogged, ending, over, dead, above;
	enum io_why why;
	uint16_t port; /* of the listener */
	struct buf out;
	size_t max, low;
};

struct timer {
	io_id id;
	int64_t at;
	io_timer_fn *fn;
	void *arg;
};
struct listener {
	io_id id;
	uint16_t port;
	io_accept_fn *fn;
	void *arg;
};

struct fakeio {
	struct io io;
	int64_t now, jump, us;
	uint64_t rnd, last_id;
	io_id last;
	struct map streams; /* id -> stream */
	VEC(struct timer) timers;
	VEC(struct listener) listeners;
	io_turn_fn *turn;
	void *turn_arg;
	bool woken;
	uint16_t port;
};

#define F(io) ((struct fakeio *)(io))

static int64_t
f_wall(struct io *io)
{
	return F(io)->now + F(io)->jump + 1763670000000;
}

static int64_t
f_mono(struct io *io)
{
	return F(io)->now;
}

static int64_t
f_mono_us(struct io *io)
{
	return F(io)->now * 1000 + F(io)->us;
}

static void
f_random(struct io *io, void *p, size_t n)
{
	struct fakeio *f = F(io);
	uint8_t *b = p;

	while (n-- > 0) {
		f->rnd = f->rnd * 6364136223846793005u + 1442695040888963407u;
		*b++ = (uint8_t)(f->rnd >> 56);
	}
}

/* ---- timers ---- */

static io_id
f_timer(struct io *io, int64_t ms, io_timer_fn *fn, void *arg)
{
	struct timer t = { ++F(io)->last_id, F(io)->now + ms, fn, arg };

	vec_add(&F(io)->timers, t);
	return t.id;
}

static void
f_timer_stop(struct io *io, io_id id)
{
	struct fakeio *f = F(io);
	size_t i;

	for (i = 0; i < f->timers.n; i++) {
		if (f->timers.v[i].id == id)
			vec_del(&f->timers, i);
	}
}

static size_t
earliest(const struct fakeio *f)
{
	size_t i, best = 0;

	for (i = 1; i < f->timers.n; i++) {
		if (f->timers.v[i].at < f->timers.v[best].at)
			best = i;
	}
	return best;
}

static bool
fire_due(struct fakeio *f)
{
	struct timer t;
	size_t i;

	if (f->timers.n == 0)
		return false;
	i = earliest(f);
	t = f->timers.v[i];
	if (t.at > f->now)
		return false;
	vec_del(&f->timers, i);
	t.fn(t.arg, t.id);
	return true;
}

/* ---- streams ---- */

static struct stream *
find(struct io *io, io_id id)
{
	return id == 0 ? NULL : map_geti(&F(io)->streams, id);
}

static struct stream *
stream_new(struct fakeio *f, uint16_t port)
{
	struct stream *s = mem_zalloc(sizeof(*s));

	s->id = ++f->last_id;
	s->port = port;
	s->max = 16 * 1024 * 1024;
	s->low = 16 * 1024;
	buf_init(&s->out, s->max);
	map_puti(&f->streams, s->id, s);
	return s;
}

static io_id
f_listen(struct io *io, struct io_addr *a, io_accept_fn *fn, void *arg,
    char *why, size_t cap)
{
	struct fakeio *f = F(io);
	struct listener l = { ++f->last_id, a->port, fn, arg };
	size_t i;

	if (a->port == 0)
		a->port = l.port = ++f->port;
	for (i = 0; i < f->listeners.n; i++) {
		if (f->listeners.v[i].port == a->port) {
			snprintf(why, cap, "address in use");
			return 0;
		}
	}
	vec_add(&f->listeners, l);
	return l.id;
}

static void
f_unlisten(struct io *io, io_id id)
{
	struct fakeio *f = F(io);
	size_t i;

	for (i = 0; i < f->listeners.n; i++) {
		if (f->listeners.v[i].id == id)
			vec_del(&f->listeners, i);
	}
}

static void
f_bind(struct io *io, io_id id, const struct io_stream_cb *cb, void *arg)
{
	struct stream *s = find(io, id);

	if (s == NULL)
		return;
	s->cb = *cb;
	s->arg = arg;
	s->bound = true;
}

static io_id
f_connect(struct io *io, const struct io_addr *a, const struct io_stream_cb *cb,
    void *arg)
{
	struct stream *s = stream_new(F(io), a->port);

	s->opening = true;
	F(io)->last = s->id;
	f_bind(io, s->id, cb, arg);
	return s->id;
}

static int
f_write(struct io *io, io_id id, const void *p, size_t n)
{
	struct stream *s = find(io, id);

	if (s == NULL || s->dead || s->ending || s->out.len + n > s->max)
		return -1;
	buf_add(&s->out, p, n);
	if (s->out.len > s->low)
		s->above = true;
	return 0;
}

static size_t
f_queued(struct io *io, io_id id)
{
	struct stream *s = find(io, id);

	return s == NULL ? 0 : s->out.len;
}

static void
f_limit(struct io *io, io_id id, size_t max, size_t low)
{
	struct stream *s = find(io, id);

	if (s == NULL)
		return;
	s->max = s->out.max = max;
	s->low = low;
}

static void
f_flush(struct io *io)
{
	(void)io;
}

static void
f_read_stop(struct io *io, io_id id)
{
	struct stream *s = find(io, id);

	if (s != NULL)
		s->stopped = true;
}

static void
f_read_start(struct io *io, io_id id)
{
	struct stream *s = find(io, id);

	if (s != NULL)
		s->stopped = false;
}

static void
f_close(struct io *io, io_id id, bool after_flush)
{
	struct stream *s = find(io, id);

	if (s == NULL || s->ending)
		return;
	s->ending = true;
	s->why = IO_OURS;
	if (!after_flush)
		buf_reset(&s->out);
}

static void
f_on_turn(struct io *io, io_turn_fn *fn, void *arg)
{
	F(io)->turn = fn;
	F(io)->turn_arg = arg;
}

static void
f_wake(struct io *io)
{
	F(io)->woken = true;
}

static io_id
f_watch_pid(struct io *io, int pid, io_timer_fn *fn, void *arg)
{
	(void)pid;
	(void)fn;
	(void)arg;
	return ++F(io)->last_id; /* nobody dies in here */
}

static void
f_watch_stop(struct io *io, io_id id)
{
	(void)io;
	(void)id;
}

/* ---- events ---- */

static void
end_both(struct fakeio *f, struct stream *s, enum io_why other_sees)
{
	struct stream *o = find(&f->io, s->other);

	s->over = true;
	if (o == NULL || o->over)
		return;
	o->over = true;
	o->why = o->ending ? IO_OURS : other_sees;
}

static void
open_stream(struct fakeio *f, struct stream *s)
{
	struct io_peer peer = { .ip = "127.0.0.1", .uid = -1, .pid = -1 };
	struct stream *o;
	size_t i;

	s->opening = false;
	for (i = 0; i < f->listeners.n; i++) {
		struct listener l = f->listeners.v[i];

		if (l.port != s->port)
			continue;
		o = stream_new(f, s->port);
		o->other = s->id;
		s->other = o->id;
		l.fn(l.arg, o->id, &peer);
		s->cb.open(s->arg, s->id);
		return;
	}
	s->over = true;
	s->why = IO_REFUSED;
}

static bool
move_bytes(struct fakeio *f, struct stream *s)
{
	struct stream *o = find(&f->io, s->other);
	size_t n = s->out.len < CHUNK ? s->out.len : CHUNK;
	char *copy;

	if (n == 0 || o == NULL || o->over || !o->bound || o->stopped ||
	    o->clogged || s->over)
		return false;
	copy = mem_dup(s->out.data, n);
	buf_consume(&s->out, n);
	if (!o->ending)
		o->cb.data(o->arg, o->id, copy, n);
	mem_free(copy);
	if (s->above && s->out.len <= s->low && !s->ending) {
		s->above = false;
		s->cb.drain(s->arg, s->id);
	}
	return true;
}

static void
finish(struct fakeio *f, struct stream *s)
{
	s->dead = true;
	if (s->bound)
		s->cb.close(s->arg, s->id, s->why);
	map_deli(&f->streams, s->id);
	buf_fini(&s->out);
	mem_free(s);
}

static bool
one_stream(struct fakeio *f, struct stream *s)
{
	if (s->opening && !s->ending) {
		open_stream(f, s);
		return true;
	}
	if (s->ending && !s->over && s->out.len == 0)
		end_both(f, s, IO_CLOSED);
	if (s->over) {
		finish(f, s);
		return true;
	}
	return move_bytes(f, s);
}

static bool
round_of(struct fakeio *f)
{
	bool moved = fire_due(f);
	struct stream *s;
	size_t i = 0;

	while ((s = map_next(&f->streams, &i)) != NULL)
		moved |= one_stream(f, s);
	moved |= f->woken;
	f->woken = false;
	if (f->turn != NULL)
		f->turn(f->turn_arg);
	return moved || f->woken;
}

void
fakeio_settle(struct fakeio *f)
{
	int n = 0;

	while (round_of(f)) {
		f->us = f->us < 900 ? f->us + 1 : f->us;
		assert(++n < ROUNDS); /* somebody keeps waking for nothing */
	}
	f->us = 0;
}

void
fakeio_run(struct fakeio *f, int64_t ms)
{
	int64_t until = f->now + ms, at;

	for (;;) {
		fakeio_settle(f);
		if (f->timers.n == 0)
			break;
		at = f->timers.v[earliest(f)].at;
		if (at > until)
			break;
		f->now = at > f->now ? at : f->now;
	}
	f->now = until;
	fakeio_settle(f);
}

/* ---- mischief ---- */

static void
cut(struct fakeio *f, struct stream *s)
{
	if (s->over)
		return;
	s->why = IO_RESET;
	buf_reset(&s->out);
	end_both(f, s, IO_RESET);
}

void
fakeio_cut(struct fakeio *f, uint16_t port)
{
	struct stream *s;
	size_t i = 0;

	while ((s = map_next(&f->streams, &i)) != NULL) {
		if (s->port == port)
			cut(f, s);
	}
}

void
fakeio_cut_one(struct fakeio *f, io_id id)
{
	struct stream *s = find(&f->io, id);

	if (s != NULL)
		cut(f, s);
}

io_id
fakeio_last(const struct fakeio *f)
{
	return f->last;
}

void
fakeio_clog(struct fakeio *f, io_id id, bool on)
{
	struct stream *s = find(&f->io, id);

	if (s != NULL)
		s->clogged = on;
}

void
fakeio_wall_jump(struct fakeio *f, int64_t ms)
{
	f->jump += ms;
}

/* ---- life ---- */

static const struct io_ops ops = {
	.wall = f_wall,
	.mono = f_mono,
	.mono_us = f_mono_us,
	.random = f_random,
	.timer = f_timer,
	.timer_stop = f_timer_stop,
	.listen = f_listen,
	.unlisten = f_unlisten,
	.bind = f_bind,
	.connect = f_connect,
	.write = f_write,
	.queued = f_queued,
	.limit = f_limit,
	.flush = f_flush,
	.read_stop = f_read_stop,
	.read_start = f_read_start,
	.close = f_close,
	.on_turn = f_on_turn,
	.wake = f_wake,
	.watch_pid = f_watch_pid,
	.watch_stop = f_watch_stop,
};

struct fakeio *
fakeio_new(uint64_t seed)
{
	struct fakeio *f = mem_zalloc(sizeof(*f));

	f->io.ops = &ops;
	f->rnd = seed;
	f->now = 1000;
	f->port = 20000;
	return f;
}

void
fakeio_free(struct fakeio *f)
{
	struct stream *s;
	size_t i = 0;

	while ((s = map_next(&f->streams, &i)) != NULL) {
		buf_fini(&s->out);
		mem_free(s);
	}
	map_fini(&f->streams);
	vec_fini(&f->timers);
	vec_fini(&f->listeners);
	mem_free(f);
}

struct io *
fakeio_io(struct fakeio *f)
{
	return &f->io;
}

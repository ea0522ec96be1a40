/*
 * io_uv.c - the real world behind io.h, on libuv 1.44: the loop and its turn.
 *
 * Input callbacks run while the loop polls; uv_check then runs the turn
 * function and flushes. Timers and close callbacks come between that and the
 * next poll, so uv_prepare looks again: the loop never waits with a turn due or
 * with bytes unsent. A wake, or a drain to be told, keeps an idle handle
 * active, which makes the next poll return at once.
 *
 * It holds no policy: no deadlines but those io.h names, no protocol.
 */
#include "net/io_uv.h"

#include <assert.h>
#include <signal.h>

struct thing *
thing_new(struct uvio *u, enum thing_kind kind, size_t size)
{
	struct thing *t = mem_zalloc(size);

	t->kind = kind;
	t->id = ++u->last;
	t->u = u;
	map_puti(&u->things, t->id, t);
	return t;
}

void *
thing_get(struct io *io, enum thing_kind kind, io_id id)
{
	struct uvio *u = (struct uvio *)io;
	struct thing *t = map_geti(&u->things, id);

	return t != NULL && t->kind == kind ? t : NULL;
}

void
thing_gone(struct thing *t)
{
	map_deli(&t->u->things, t->id);
	mem_free(t);
}

void
uvio_event(struct uvio *u)
{
	u->pending = true;
}

static void
flush(struct uvio *u)
{
	struct stream *s;

	/* Flushing never writes anew, so the list does not grow meanwhile. */
	for (size_t i = 0; i < u->dirty.n; i++) {
		s = thing_get(&u->io, STREAM, u->dirty.v[i]);
		if (s == NULL)
			continue;
		s->dirty = false;
		stream_flush(s);
	}
	u->dirty.n = 0;
	if (u->dirty.cap > 1024) { /* a burst does not stay allocated */
		vec_fini(&u->dirty);
	}
}

static void
turn(struct uvio *u)
{
	if (u->pending && u->turn != NULL && !u->dying) {
		u->pending = false;
		u->turn(u->turn_arg);
	}
	u->pending = false;
	flush(u);
	if (u->drained.n > 0)
		io_wake(&u->io);
}

static void
on_check(uv_check_t *h)
{
	turn(h->data);
}

static void
on_prepare(uv_prepare_t *h)
{
	turn(h->data);
}

/* Deferred things: a wake's turn and the drains that a flush brought about. */
static void
on_idle(uv_idle_t *h)
{
	struct uvio *u = h->data;
	struct stream *s;
	size_t n = u->drained.n;

	uv_idle_stop(h);
	u->pending = true;
	for (size_t i = 0; i < n; i++) {
		s = thing_get(&u->io, STREAM, u->drained.v[i]);
		if (s != NULL)
			stream_drain(s);
	}
	for (size_t i = n; i < u->drained.n; i++)
		u->drained.v[i - n] = u->drained.v[i];
	u->drained.n -= n;
}

static void
op_wake(struct io *io)
{
	struct uvio *u = (struct uvio *)io;

	uv_idle_start(&u->idle, on_idle);
}

static void
op_flush(struct io *io)
{
	flush((struct uvio *)io);
}

static void
op_on_turn(struct io *io, io_turn_fn *fn, void *arg)
{
	struct uvio *u = (struct uvio *)io;

	u->turn = fn;
	u->turn_arg = arg;
}

static int64_t
op_mono(struct io *io)
{
	return (int64_t)uv_now(&((struct uvio *)io)->loop);
}

static const struct io_ops ops = {
	.wall = op_wall,
	.mono = op_mono,
	.mono_us = op_mono_us,
	.random = op_random,
	.timer = op_timer,
	.timer_stop = op_timer_stop,
	.listen = op_listen,
	.unlisten = op_unlisten,
	.bind = op_bind,
	.connect = op_connect,
	.write = op_write,
	.queued = op_queued,
	.limit = op_limit,
	.flush = op_flush,
	.read_stop = op_read_stop,
	.read_start = op_read_start,
	.close = op_close,
	.detail = op_detail,
	.on_turn = op_on_turn,
	.wake = op_wake,
	.watch_pid = op_watch_pid,
	.watch_stop = op_watch_stop,
};

struct io *
io_uv_new(void)
{
	struct uvio *u = mem_zalloc(sizeof(*u));
	int rc;

	signal(SIGPIPE, SIG_IGN);
	u->io.ops = &ops;
	rc = uv_loop_init(&u->loop);
	assert(rc == 0); /* only out of descriptors: nothing could run */
	(void)rc;
	uv_check_init(&u->loop, &u->check);
	uv_prepare_init(&u->loop, &u->prepare);
	uv_idle_init(&u->loop, &u->idle);
	u->loop.data = u;
	u->check.data = u->prepare.data = u->idle.data = u;
	uv_check_start(&u->check, on_check);
	uv_prepare_start(&u->prepare, on_prepare);
	return &u->io;
}

static void
close_things(struct uvio *u)
{
	struct thing *t;

	for (size_t i = 0; (t = map_next(&u->things, &i)) != NULL;) {
		switch (t->kind) {
		case STREAM:
			stream_end((struct stream *)t, IO_OURS);
			break;
		case LISTENER:
			listener_close(t);
			break;
		case TIMER:
			timer_close(t);
			break;
		case WATCH:
			watch_close(t);
			break;
		}
	}
}

void
io_uv_free(struct io *io)
{
	struct uvio *u = (struct uvio *)io;
	int rc;

	if (u == NULL)
		return;
	u->dying = true;
	close_things(u);
	uv_close((uv_handle_t *)&u->check, NULL);
	uv_close((uv_handle_t *)&u->prepare, NULL);
	uv_close((uv_handle_t *)&u->idle, NULL);
	for (size_t i = 0; i < u->signals.n; i++)
		uv_close((uv_handle_t *)&u->signals.v[i]->h, NULL);
	while (uv_run(&u->loop, UV_RUN_DEFAULT) != 0)
		; /* an io_uv_stop before is honoured once */
	rc = uv_loop_close(&u->loop);
	assert(rc == 0);
	(void)rc;
	for (size_t i = 0; i < u->signals.n; i++)
		mem_free(u->signals.v[i]);
	vec_fini(&u->signals);
	vec_fini(&u->dirty);
	vec_fini(&u->drained);
	map_fini(&u->things);
	io_uv_proxies(io, NULL, NULL, NULL);
	mem_free(u);
}

void
io_uv_run(struct io *io)
{
	struct uvio *u = (struct uvio *)io;

	uv_run(&u->loop, UV_RUN_DEFAULT);
	flush(u);
}

void
io_uv_stop(struct io *io)
{
	uv_stop(&((struct uvio *)io)->loop);
}

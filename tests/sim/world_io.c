/*
 * world_io.c - streams, timers and listeners of simulated nodes: io.h's operations.
 */
#include <string.h>

#include "base/str.h"
#include "world_int.h"

static struct node *
node_of(struct io *io)
{
	return (struct node *)io;
}

/* ---- ends ---- */

struct end *
end_of(struct node *n, io_id id)
{
	return map_geti(&n->ends, id);
}

struct end *
end_new(struct node *n, struct node *peer)
{
	struct end *e = mem_zalloc(sizeof(*e));

	e->id = ++n->w->last_id;
	e->node = n;
	e->peer = peer;
	e->low_water = LOW_WATER;
	buf_init(&e->out, OUT_MAX);
	map_puti(&n->ends, e->id, e);
	return e;
}

void
end_free(struct end *e)
{
	map_deli(&e->node->ends, e->id);
	for (size_t i = 0; i < e->waiting.n; i++)
		mem_free(e->waiting.v[i].bytes);
	vec_fini(&e->waiting);
	buf_fini(&e->out);
	mem_free(e);
}

void
end_break(struct end *e, enum io_why why, int64_t us)
{
	if (e == NULL || e->closing)
		return;
	e->closing = true;
	world_after(e->node, us,
	    (struct event){ .kind = EV_CLOSE, .id = e->id, .why = why });
}

struct end *
end_other(struct end *e)
{
	return e->other == 0 || e->peer->dead ? NULL
					      : end_of(e->peer, e->other);
}

int64_t
world_latency(struct world *w)
{
	return 50 + (int64_t)world_below(w, world_chance(w, 3) ? 40000 : 900);
}

/* Put what was written on its way, in one piece or several. */
static void
end_flush(struct end *e)
{
	struct world *w = e->node->w;
	struct end *o = end_other(e);
	size_t at = 0;

	e->dirty = false;
	if (!e->open || o == NULL) {
		if (e->open)
			buf_reset(&e->out);
		return;
	}
	while (at < e->out.len) {
		size_t n = e->out.len - at;
		int64_t t = w->now_us + world_latency(w);

		if (world_chance(w, 20))
			n = 1 + world_below(w, n);
		if (t < e->clear_us)
			t = e->clear_us;
		e->clear_us = t;
		e->flight += n;
		world_after(o->node, t - w->now_us,
		    (struct event){ .kind = EV_BYTES,
			.id = o->id,
			.n = n,
			.bytes = mem_dup(e->out.data + at, n) });
		at += n;
	}
	buf_reset(&e->out);
	if (e->linger)
		end_break(e, IO_OURS, e->clear_us - w->now_us);
}

void
node_flush(struct node *n)
{
	for (size_t i = 0; i < n->dirty.n; i++) {
		struct end *e = end_of(n, n->dirty.v[i]);

		if (e != NULL)
			end_flush(e);
	}
	n->dirty.n = 0;
}

/* ---- io_ops ---- */

static int64_t
op_wall(struct io *io)
{
	struct world *w = node_of(io)->w;

	return EPOCH + w->jump_ms + w->now_us / 1000;
}

static int64_t
op_mono(struct io *io)
{
	return 1000 + node_of(io)->w->now_us / 1000;
}

static int64_t
op_mono_us(struct io *io)
{
	return 1000000 + node_of(io)->w->now_us;
}

static void
op_random(struct io *io, void *p, size_t n)
{
	world_random(node_of(io)->w, p, n);
}

static io_id
op_timer(struct io *io, int64_t ms, io_timer_fn *fn, void *arg)
{
	struct node *n = node_of(io);
	struct timer *t = mem_zalloc(sizeof(*t));

	*t = (struct timer){ ++n->w->last_id, fn, arg };
	map_puti(&n->timers, t->id, t);
	world_after(n, (ms < 0 ? 0 : ms) * 1000,
	    (struct event){ .kind = EV_TIMER, .id = t->id });
	return t->id;
}

static void
op_timer_stop(struct io *io, io_id id)
{
	mem_free(map_deli(&node_of(io)->timers, id));
}

static void
where_of(char out[300], const struct io_addr *a)
{
	struct buf b;

	buf_init(&b, 299);
	if (a->unix_)
		buf_addf(&b, "unix:%s", a->path);
	else
		buf_addf(&b, "%s:%d", a->host, a->port);
	str_copy(out, 300, buf_str(&b));
	buf_fini(&b);
}

struct listener *
listener_at(struct world *w, const char *where)
{
	for (size_t i = 0; i < w->listeners.n; i++)
		if (strcmp(w->listeners.v[i]->where, where) == 0)
			return w->listeners.v[i];
	return NULL;
}

static io_id
op_listen(struct io *io, struct io_addr *a, io_accept_fn *fn, void *arg,
    char *why, size_t cap)
{
	struct node *n = node_of(io);
	struct listener *l;
	char where[300];

	if (!a->unix_ && a->port == 0)
		a->port = ++n->w->last_port;
	where_of(where, a);
	if (listener_at(n->w, where) != NULL) {
		str_copy(why, cap, "address in use");
		return 0;
	}
	l = mem_zalloc(sizeof(*l));
	l->id = ++n->w->last_id;
	l->node = n;
	l->fn = fn;
	l->arg = arg;
	str_copy(l->where, sizeof(l->where), where);
	vec_add(&n->w->listeners, l);
	return l->id;
}

static void
op_unlisten(struct io *io, io_id id)
{
	struct world *w = node_of(io)->w;

	for (size_t i = 0; i < w->listeners.n; i++)
		if (w->listeners.v[i]->id == id) {
			mem_free(w->listeners.v[i]);
			vec_del(&w->listeners, i);
			return;
		}
}

static void
op_bind(struct io *io, io_id id, const struct io_stream_cb *cb, void *arg)
{
	struct end *e = end_of(node_of(io), id);

	if (e != NULL) {
		e->cb = cb;
		e->arg = arg;
	}
}

static io_id
op_connect(struct io *io, const struct io_addr *a,
    const struct io_stream_cb *cb, void *arg)
{
	struct node *n = node_of(io);
	struct end *e = end_new(n, NULL);
	char where[300];

	e->cb = cb;
	e->arg = arg;
	where_of(where, a);
	/* The address travels in the event, for whoever listens by then. */
	world_after(n, world_latency(n->w),
	    (struct event){ .kind = EV_OPEN,
		.id = e->id,
		.bytes = mem_strdup(where),
		.n = 1 });
	return e->id;
}

static int
op_write(struct io *io, io_id id, const void *p, size_t len)
{
	struct node *n = node_of(io);
	struct end *e = end_of(n, id);

	if (e == NULL || e->closing || e->linger ||
	    buf_add(&e->out, p, len) != 0)
		return -1;
	if (e->out.len + e->flight > e->low_water)
		e->above = true;
	if (!e->dirty) {
		e->dirty = true;
		vec_add(&n->dirty, id);
	}
	return 0;
}

static size_t
op_queued(struct io *io, io_id id)
{
	struct end *e = end_of(node_of(io), id);

	return e == NULL ? 0 : e->out.len + e->flight;
}

static void
op_limit(struct io *io, io_id id, size_t max, size_t low)
{
	struct end *e = end_of(node_of(io), id);

	if (e != NULL) {
		e->out.max = max;
		e->low_water = low;
	}
}

static void
op_flush(struct io *io)
{
	node_flush(node_of(io));
}

static void
op_read_stop(struct io *io, io_id id)
{
	struct end *e = end_of(node_of(io), id);

	if (e != NULL)
		e->stopped = true;
}

static void
op_read_start(struct io *io, io_id id)
{
	struct end *e = end_of(node_of(io), id);

	if (e == NULL || !e->stopped)
		return;
	e->stopped = false;
	world_after(e->node, 0, (struct event){ .kind = EV_RESUME, .id = id });
}

static void
op_close(struct io *io, io_id id, bool after_flush)
{
	struct end *e = end_of(node_of(io), id);

	if (e == NULL || e->closing || e->linger)
		return;
	if (after_flush && (e->out.len > 0 || !e->open)) {
		e->linger = true;
		return;
	}
	end_break(e, IO_OURS,
	    after_flush && e->clear_us > e->node->w->now_us
		? e->clear_us - e->node->w->now_us
		: 0);
}

static void
op_on_turn(struct io *io, io_turn_fn *fn, void *arg)
{
	node_of(io)->turn = fn;
	node_of(io)->turn_arg = arg;
}

static void
op_wake(struct io *io)
{
	struct node *n = node_of(io);

	if (n->wake)
		return;
	n->wake = true;
	world_after(n, 1, (struct event){ .kind = EV_TURN });
}

/* Processes of the simulated machines never end by themselves. */
static io_id
op_watch_pid(struct io *io, int pid, io_timer_fn *fn, void *arg)
{
	(void)pid;
	(void)fn;
	(void)arg;
	return ++node_of(io)->w->last_id;
}

static void
op_watch_stop(struct io *io, io_id id)
{
	(void)io;
	(void)id;
}

const struct io_ops world_io_ops = {
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
	.on_turn = op_on_turn,
	.wake = op_wake,
	.watch_pid = op_watch_pid,
	.watch_stop = op_watch_stop,
};

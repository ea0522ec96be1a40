/*
 * world.c - the simulated network and clock.
 *
 * One heap of events ordered by (time, number). An event is bytes arriving at
 * one end of a stream, a connection made or refused, a close, a timer or a
 * wake. After each event the node's turn function runs until it asks for no
 * more, then what it wrote is put on its way: just as the real loop does.
 */
#include "world.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

#define EPOCH 1790000000000 /* a day in 2026 */
#define OUT_MAX (8 * 1024 * 1024)
#define LOW_WATER (64 * 1024)

enum ev_kind { EV_TIMER, EV_OPEN, EV_BYTES, EV_CLOSE, EV_TURN, EV_DRAIN, EV_RESUME };

struct event {
	int64_t at_us;
	uint64_t no;
	enum ev_kind kind;
	struct node *node;
	io_id id;
	char *bytes; /* EV_BYTES */
	size_t n;
	enum io_why why; /* EV_CLOSE */
};

struct end { /* one end of a stream, at a node */
	io_id id, other; /* other: the id at the other node; 0: broken off */
	struct node *node, *peer;
	const struct io_stream_cb *cb;
	void *arg;
	struct buf out;
	VEC(struct event) waiting; /* arrived while reading was stopped */
	int64_t clear_us; /* when the last bytes sent will have arrived */
	size_t flight;	  /* bytes on the way */
	size_t low_water;
	bool open, dirty, stopped, closing, linger, above;
};

struct timer {
	io_id id;
	io_timer_fn *fn;
	void *arg;
};

struct listener {
	io_id id;
	struct node *node;
	char where[300];
	io_accept_fn *fn;
	void *arg;
};

struct node {
	struct io io;
	struct world *w;
	char name[32];
	bool dead, in_turn, wake;
	int64_t stalled_us;
	struct map ends, timers;
	VEC(io_id) dirty;
	io_turn_fn *turn;
	void *turn_arg;
};

struct world {
	uint64_t rng[4];
	int64_t now_us, jump_ms;
	uint64_t no, events, digest;
	io_id last_id;
	uint16_t last_port;
	VEC(struct event) heap;
	VEC(struct node *) nodes;
	VEC(struct listener *) listeners;
	void (*on_event)(void *, struct node *);
	void *on_event_arg;
};

/* ---- chance: xoshiro256**, seeded by splitmix64 ---- */

static uint64_t
rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t
world_rand(struct world *w)
{
	uint64_t *s = w->rng, r = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return r;
}

uint64_t
world_below(struct world *w, uint64_t n)
{
	return n == 0 ? 0 : world_rand(w) % n;
}

bool
world_chance(struct world *w, unsigned percent)
{
	return world_below(w, 100) < percent;
}

void
world_random(void *world, void *p, size_t n)
{
	uint8_t *out = p;

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(world_rand(world) >> 24);
}

/* ---- the heap ---- */

static bool
before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->no < b->no;
}

static void
heap_add(struct world *w, struct event ev)
{
	size_t i;

	ev.no = ++w->no;
	vec_add(&w->heap, ev);
	for (i = w->heap.n - 1; i > 0; i = (i - 1) / 2) {
		struct event *c = &w->heap.v[i], *p = &w->heap.v[(i - 1) / 2];
		struct event t = *c;

		if (!before(c, p))
			break;
		*c = *p;
		*p = t;
	}
}

static struct event
heap_take(struct world *w)
{
	struct event first = w->heap.v[0], last = w->heap.v[--w->heap.n];
	size_t i = 0, n = w->heap.n;

	if (n == 0)
		return first;
	for (;;) {
		size_t c = 2 * i + 1;

		if (c >= n)
			break;
		if (c + 1 < n && before(&w->heap.v[c + 1], &w->heap.v[c]))
			c++;
		if (!before(&w->heap.v[c], &last))
			break;
		w->heap.v[i] = w->heap.v[c];
		i = c;
	}
	w->heap.v[i] = last;
	return first;
}

static void
after(struct node *n, int64_t us, struct event ev)
{
	ev.node = n;
	ev.at_us = n->w->now_us + us;
	heap_add(n->w, ev);
}

/* ---- ends ---- */

static struct node *
node_of(struct io *io)
{
	return (struct node *)io;
}

static struct end *
end_of(struct node *n, io_id id)
{
	return map_geti(&n->ends, id);
}

static struct end *
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

static void
end_free(struct end *e)
{
	map_deli(&e->node->ends, e->id);
	for (size_t i = 0; i < e->waiting.n; i++)
		mem_free(e->waiting.v[i].bytes);
	vec_fini(&e->waiting);
	buf_fini(&e->out);
	mem_free(e);
}

static void
end_break(struct end *e, enum io_why why, int64_t us)
{
	if (e == NULL || e->closing)
		return;
	e->closing = true;
	after(e->node, us, (struct event){ .kind = EV_CLOSE, .id = e->id,
	    .why = why });
}

static struct end *
other_of(struct end *e)
{
	return e->other == 0 || e->peer->dead ? NULL : end_of(e->peer, e->other);
}

static int64_t
latency(struct world *w)
{
	return 50 + (int64_t)world_below(w, world_chance(w, 3) ? 40000 : 900);
}

/* Put what was written on its way, in one piece or several. */
static void
end_flush(struct end *e)
{
	struct world *w = e->node->w;
	struct end *o = other_of(e);
	size_t at = 0;

	e->dirty = false;
	if (!e->open || o == NULL) {
		if (e->open)
			buf_reset(&e->out);
		return;
	}
	while (at < e->out.len) {
		size_t n = e->out.len - at;
		int64_t t = w->now_us + latency(w);

		if (world_chance(w, 20))
			n = 1 + world_below(w, n);
		if (t < e->clear_us)
			t = e->clear_us;
		e->clear_us = t;
		e->flight += n;
		after(o->node, t - w->now_us, (struct event){ .kind = EV_BYTES,
		    .id = o->id, .n = n, .bytes = mem_dup(e->out.data + at, n) });
		at += n;
	}
	buf_reset(&e->out);
	if (e->linger)
		end_break(e, IO_OURS, e->clear_us - w->now_us);
}

static void
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
	after(n, (ms < 0 ? 0 : ms) * 1000,
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

static struct listener *
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
	after(n, latency(n->w), (struct event){ .kind = EV_OPEN, .id = e->id,
	    .bytes = mem_strdup(where), .n = 1 });
	return e->id;
}

static int
op_write(struct io *io, io_id id, const void *p, size_t len)
{
	struct node *n = node_of(io);
	struct end *e = end_of(n, id);

	if (e == NULL || e->closing || e->linger || buf_add(&e->out, p, len) != 0)
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
	after(e->node, 0, (struct event){ .kind = EV_RESUME, .id = id });
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
	end_break(e, IO_OURS, after_flush && e->clear_us > e->node->w->now_us ?
	    e->clear_us - e->node->w->now_us : 0);
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
	after(n, 1, (struct event){ .kind = EV_TURN });
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
	.on_turn = op_on_turn,
	.wake = op_wake,
	.watch_pid = op_watch_pid,
	.watch_stop = op_watch_stop,
};

/* ---- events ---- */

static void
do_open(struct world *w, struct event *ev, struct end *e)
{
	struct listener *l = listener_at(w, ev->bytes);
	struct io_peer peer = { .uid = 1000, .pid = 1 };
	struct end *o;

	if (e->closing)
		return;
	if (l == NULL || l->node->dead) {
		end_break(e, IO_REFUSED, 0);
		return;
	}
	if (strncmp(ev->bytes, "unix:", 5) != 0) {
		peer.uid = peer.pid = -1;
		str_copy(peer.ip, sizeof(peer.ip), "127.0.0.1");
	}
	o = end_new(l->node, e->node);
	o->other = e->id;
	o->open = true;
	e->peer = l->node;
	e->other = o->id;
	e->open = true;
	l->fn(l->arg, o->id, &peer);
	after(l->node, 0, (struct event){ .kind = EV_TURN });
	if (e->cb != NULL && e->cb->open != NULL)
		e->cb->open(e->arg, e->id);
	if (e->out.len > 0 && !e->dirty) {
		e->dirty = true;
		vec_add(&e->node->dirty, e->id);
	} else if (e->linger)
		end_break(e, IO_OURS, 0);
}

static void
take_bytes(struct event *ev, struct end *e)
{
	struct end *o = other_of(e);

	if (o != NULL && o->flight >= ev->n) {
		o->flight -= ev->n;
		if (o->above && o->flight + o->out.len <= o->low_water) {
			o->above = false;
			after(o->node, 0, (struct event){ .kind = EV_DRAIN,
			    .id = o->id });
		}
	}
	if (e->cb != NULL && e->cb->data != NULL)
		e->cb->data(e->arg, e->id, ev->bytes, ev->n);
}

static void
do_bytes(struct event *ev, struct end *e)
{
	struct event keep = *ev;

	if (e->closing)
		return;
	if (!e->stopped && e->waiting.n == 0) {
		take_bytes(ev, e);
		return;
	}
	vec_add(&e->waiting, keep);
	ev->bytes = NULL;
}

/* Reading goes on: what waited comes first, as long as nobody stops it. */
static void
do_resume(struct node *n, io_id id)
{
	struct end *e;

	while ((e = end_of(n, id)) != NULL && !e->closing && !e->stopped &&
	    e->waiting.n > 0) {
		struct event ev = e->waiting.v[0];

		vec_del(&e->waiting, 0);
		take_bytes(&ev, e);
		mem_free(ev.bytes);
	}
}

static void
do_close(struct event *ev, struct end *e)
{
	struct end *o = other_of(e);
	const struct io_stream_cb *cb = e->cb;
	void *arg = e->arg;

	if (o != NULL) {
		o->other = 0;
		/* What was under way before the close still arrives first. */
		end_break(o, ev->why == IO_RESET ? IO_RESET : IO_CLOSED,
		    e->clear_us > e->node->w->now_us ?
		    e->clear_us - e->node->w->now_us + 1 : 1);
	}
	end_free(e);
	if (cb != NULL && cb->close != NULL)
		cb->close(arg, ev->id, ev->why);
}

static void
do_timer(struct event *ev)
{
	struct timer *t = map_deli(&ev->node->timers, ev->id);
	struct timer copy;

	if (t == NULL)
		return;
	copy = *t;
	mem_free(t);
	copy.fn(copy.arg, ev->id);
}

static void
dispatch(struct world *w, struct event *ev)
{
	struct end *e = end_of(ev->node, ev->id);

	switch (ev->kind) {
	case EV_TIMER:
		do_timer(ev);
		break;
	case EV_OPEN:
		if (e != NULL)
			do_open(w, ev, e);
		break;
	case EV_BYTES:
		if (e != NULL)
			do_bytes(ev, e);
		break;
	case EV_CLOSE:
		if (e != NULL)
			do_close(ev, e);
		break;
	case EV_DRAIN:
		if (e != NULL && e->cb != NULL && e->cb->drain != NULL)
			e->cb->drain(e->arg, e->id);
		break;
	case EV_RESUME:
		do_resume(ev->node, ev->id);
		break;
	case EV_TURN:
		ev->node->wake = false;
		break;
	}
}

static void
digest(struct world *w, const struct event *ev)
{
	uint64_t h = w->digest;

	h = (h ^ (uint64_t)ev->at_us) * 1099511628211u;
	h = (h ^ (uint64_t)ev->kind) * 1099511628211u;
	h = (h ^ ev->id) * 1099511628211u;
	for (size_t i = 0; ev->kind == EV_BYTES && i < ev->n; i++)
		h = (h ^ (uint8_t)ev->bytes[i]) * 1099511628211u;
	w->digest = h;
}

bool
world_step(struct world *w)
{
	struct event ev;
	struct node *n;

	if (w->heap.n == 0)
		return false;
	ev = heap_take(w);
	n = ev.node;
	if (ev.at_us > w->now_us)
		w->now_us = ev.at_us;
	if (!n->dead && n->stalled_us > w->now_us) {
		after(n, n->stalled_us - w->now_us, ev);
		return true;
	}
	if (!n->dead && w->on_event != NULL)
		w->on_event(w->on_event_arg, n);
	if (!n->dead) {
		w->events++;
		digest(w, &ev);
		dispatch(w, &ev);
		if (!n->dead && n->turn != NULL)
			n->turn(n->turn_arg);
		if (!n->dead)
			node_flush(n);
	}
	mem_free(ev.bytes);
	return true;
}

void
world_run(struct world *w, int64_t ms)
{
	int64_t until = w->now_us + ms * 1000;

	while (w->heap.n > 0 && w->heap.v[0].at_us <= until)
		world_step(w);
	if (w->now_us < until)
		w->now_us = until;
}

/* ---- nodes ---- */

struct node *
node_new(struct world *w, const char *name)
{
	struct node *n = mem_zalloc(sizeof(*n));

	n->io.ops = &ops;
	n->w = w;
	str_copy(n->name, sizeof(n->name), name);
	vec_add(&w->nodes, n);
	return n;
}

struct io *
node_io(struct node *n)
{
	return &n->io;
}

static void
node_drop(struct node *n)
{
	struct end *e;
	struct timer *t;

	for (size_t i = 0; (e = map_next(&n->ends, &i)) != NULL;) {
		struct end *o = other_of(e);

		if (o != NULL) {
			o->other = 0;
			end_break(o, IO_RESET, 1);
		}
		end_free(e);
	}
	for (size_t i = 0; (t = map_next(&n->timers, &i)) != NULL;) {
		map_deli(&n->timers, t->id);
		mem_free(t);
	}
	for (size_t i = n->w->listeners.n; i-- > 0;)
		if (n->w->listeners.v[i]->node == n) {
			mem_free(n->w->listeners.v[i]);
			vec_del(&n->w->listeners, i);
		}
	n->turn = NULL;
	n->dirty.n = 0;
}

void
node_kill(struct node *n)
{
	n->dead = true;
	node_drop(n);
}

void
node_stall(struct node *n, int64_t ms)
{
	n->stalled_us = n->w->now_us + ms * 1000;
}

void
world_cut_some(struct world *w)
{
	struct node *n;
	struct end *e;
	size_t pick;

	if (w->nodes.n == 0)
		return;
	n = w->nodes.v[world_below(w, w->nodes.n)];
	if (n->dead || n->ends.n == 0)
		return;
	pick = world_below(w, n->ends.n);
	for (size_t i = 0; (e = map_next(&n->ends, &i)) != NULL;)
		if (pick-- == 0) {
			struct end *o = other_of(e);

			end_break(e, IO_RESET, 0);
			if (o != NULL)
				end_break(o, IO_RESET, latency(w));
			return;
		}
}

/* ---- the world ---- */

struct world *
world_new(uint64_t seed)
{
	struct world *w = mem_zalloc(sizeof(*w));

	for (int i = 0; i < 4; i++) {
		uint64_t z = (seed += 0x9e3779b97f4a7c15u);

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		w->rng[i] = z ^ (z >> 31);
	}
	w->last_port = 20000;
	w->digest = 14695981039346656037u;
	return w;
}

void
world_free(struct world *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->nodes.n; i++) {
		node_drop(w->nodes.v[i]);
		map_fini(&w->nodes.v[i]->ends);
		map_fini(&w->nodes.v[i]->timers);
		vec_fini(&w->nodes.v[i]->dirty);
		mem_free(w->nodes.v[i]);
	}
	for (size_t i = 0; i < w->heap.n; i++)
		mem_free(w->heap.v[i].bytes);
	vec_fini(&w->heap);
	vec_fini(&w->nodes);
	vec_fini(&w->listeners);
	mem_free(w);
}

int64_t
world_now(const struct world *w)
{
	return EPOCH + w->jump_ms + w->now_us / 1000;
}

int64_t
world_now_us(void *world)
{
	return ((struct world *)world)->now_us;
}

void
world_jump(struct world *w, int64_t ms)
{
	w->jump_ms += ms;
}

uint64_t
world_events(const struct world *w)
{
	return w->events;
}

uint64_t
world_digest(const struct world *w)
{
	return w->digest;
}

void
world_on_event(struct world *w, void (*fn)(void *, struct node *), void *arg)
{
	w->on_event = fn;
	w->on_event_arg = arg;
}

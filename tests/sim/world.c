/*
 * world.c - the simulated network and clock.
 *
 * One heap of events ordered by (time, number). An event is bytes arriving at
 * one end of a stream, a connection made or refused, a close, a timer or a
 * wake. After each event the node's turn function runs until it asks for no
 * more, then what it wrote is put on its way: just as the real loop does.
 */
#include <string.h>

#include "base/str.h"
#include "world_int.h"

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
	world_after(l->node, 0, (struct event){ .kind = EV_TURN });
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
	struct end *o = end_other(e);

	if (o != NULL && o->flight >= ev->n) {
		o->flight -= ev->n;
		if (o->above && o->flight + o->out.len <= o->low_water) {
			o->above = false;
			world_after(o->node, 0,
			    (struct event){ .kind = EV_DRAIN, .id = o->id });
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
	struct end *o = end_other(e);
	const struct io_stream_cb *cb = e->cb;
	void *arg = e->arg;

	if (o != NULL) {
		o->other = 0;
		/* What was under way before the close still arrives first. */
		end_break(o, ev->why == IO_RESET ? IO_RESET : IO_CLOSED,
		    e->clear_us > e->node->w->now_us
			? e->clear_us - e->node->w->now_us + 1
			: 1);
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
		world_after(n, n->stalled_us - w->now_us, ev);
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

	n->io.ops = &world_io_ops;
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
		struct end *o = end_other(e);

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
			struct end *o = end_other(e);

			end_break(e, IO_RESET, 0);
			if (o != NULL)
				end_break(o, IO_RESET, world_latency(w));
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

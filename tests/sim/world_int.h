/*
 * world_int.h - inside the simulated world: shared by world.c (events, nodes),
 * world_io.c (io.h's operations) and world_rand.c (chance, the heap).
 */
#ifndef SIM_WORLD_INT_H
#define SIM_WORLD_INT_H

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "world.h"

#define EPOCH 1790000000000 /* a day in 2026 */
#define OUT_MAX (8 * 1024 * 1024)
#define LOW_WATER (64 * 1024)

enum ev_kind {
	EV_TIMER,
	EV_OPEN,
	EV_BYTES,
	EV_CLOSE,
	EV_TURN,
	EV_DRAIN,
	EV_RESUME
};

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

struct end {		 /* one end of a stream, at a node */
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

extern const struct io_ops world_io_ops;

void heap_add(struct world *, struct event);
struct event heap_take(struct world *);
/* An event at this node so many microseconds from now. */
void world_after(struct node *, int64_t us, struct event);
int64_t world_latency(struct world *);

struct end *end_of(struct node *, io_id);
struct end *end_other(struct end *); /* NULL: broken off */
struct end *end_new(struct node *, struct node *peer);
void end_free(struct end *);
void end_break(struct end *, enum io_why, int64_t us);
void node_flush(struct node *);
struct listener *listener_at(struct world *, const char *where);

#endif

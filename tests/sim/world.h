/*
 * world.h - a simulated world behind io.h: any number of nodes in one process,
 * one virtual clock, one seeded source of chance. The same seed gives the same
 * run, event by event.
 *
 * A node is what a process is: it has its own streams, timers and listeners, and
 * loses all of them when it is killed. Bytes between nodes take time, arrive in
 * pieces and in order; connections break when chance or the test says so.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "net/io.h"

struct world;
struct node;

struct world *world_new(uint64_t seed);
void world_free(struct world *);
uint64_t world_rand(struct world *);
uint64_t world_below(struct world *, uint64_t n); /* 0..n-1 */
bool world_chance(struct world *, unsigned percent);
void world_random(void *world, void *p, size_t n); /* for crypto_setup */

int64_t world_now(const struct world *); /* wall clock, ms since 1970 */
int64_t world_now_us(void *world);

struct node *node_new(struct world *, const char *name);
struct io *node_io(struct node *);
/* The process dies: streams reset at the other ends, nothing of it runs again.
 * Whatever used its io must be freed by the caller, before or after. */
void node_kill(struct node *);
/* A stream of a node loses its connection (both ends are told). */
void world_cut_some(struct world *);
/* Bytes from and to this node stop for so long; nothing is lost. */
void node_stall(struct node *, int64_t ms);
/* The wall clock of all nodes jumps; the monotonic one does not. */
void world_jump(struct world *, int64_t ms);

/* Carry out the next event; false when there is none. */
bool world_step(struct world *);
/* Events until the virtual time has passed, or nothing is left to happen. */
void world_run(struct world *, int64_t ms);
uint64_t world_events(const struct world *);
/* A running hash over all events, to prove that a seed replays. */
uint64_t world_digest(const struct world *);

/* Where a crash may strike: called before each callback into a node. */
void world_on_event(struct world *, void (*fn)(void *arg, struct node *),
    void *);

#endif

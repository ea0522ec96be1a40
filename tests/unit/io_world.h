/*
 * io_world.h - two ends of a stream on the real io.h, and what happened to
 * them: shared by test_io.c and test_io_misc.c.
 */
#ifndef TESTS_IO_WORLD_H
#define TESTS_IO_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "net/io.h"

/* One end of a stream and what happened to it. */
struct end {
	struct world *w;
	io_id id;
	struct buf got;
	size_t bytes;
	int opens, drains, closes;
	enum io_why why;
	struct io_peer peer;
	bool echo, stop_at_close, stop_at_drain;
	size_t stop_at_bytes;
};

struct world {
	struct io *io;
	struct end server, client;
	int turns, ticks;
	bool in_call; /* an io_ call is on the stack */
	bool meeting; /* run until both ends are there */
	char dir[64], path[100];
};

int world_setup(void **state); /* for cmocka; *state is a struct world */
int world_teardown(void **state);

struct io_addr listen_tcp(struct world *);
void on_accept(void *arg, io_id, const struct io_peer *);
void dial(struct world *, const struct io_addr *);
void meet(struct world *, const struct io_addr *); /* until both are there */
void stop_later(void *arg, io_id timer);
void run_ms(struct world *, int64_t ms);

#define WORLD_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

#endif

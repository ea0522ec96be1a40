/*
 * fakeio.h - the world in memory, for unit tests of the cores: a virtual clock,
 * timers, and streams that connect inside the process. Seeded; nothing waits.
 */
#ifndef TEST_FAKEIO_H
#define TEST_FAKEIO_H

#include "net/io.h"

struct fakeio;

struct fakeio *fakeio_new(uint64_t seed);
void fakeio_free(struct fakeio *); /* open streams vanish without a word */
struct io *fakeio_io(struct fakeio *);

/* All that is ready, until nothing is; time stands still. */
void fakeio_settle(struct fakeio *);
/* The same, while this much time passes, timer by timer. */
void fakeio_run(struct fakeio *, int64_t ms);
/* Cuts every stream that was connected to this port: both ends see a reset. */
void fakeio_cut(struct fakeio *, uint16_t port);
/* The one stream whose connecting end has this id. */
void fakeio_cut_one(struct fakeio *, io_id connected);
/* The last stream that was connected. */
io_id fakeio_last(const struct fakeio *);
/* The connecting end stops taking bytes (or takes them again). */
void fakeio_clog(struct fakeio *, io_id connected, bool on);
/* The wall clock jumps by so much. */
void fakeio_wall_jump(struct fakeio *, int64_t ms);

#endif

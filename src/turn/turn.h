/*
 * turn.h - a turn is a transaction.
 *
 * All requests that are ready run straight-line inside one transaction, opened
 * by the first write. What they say is only held. At the end: COMMIT, then what
 * was held is released, then it leaves (one write for each connection), then the
 * WAL is checkpointed if it has grown. So nothing is said before it is durable.
 *
 *   turn_request_begin(t);            what follows is one request
 *   turn_db(t) ... db_query ...       reads; turn_writes(t) before a write
 *   turn_say(t, chan, bytes, n);      collected in the request
 *   turn_request_end(t, ok);          ok: spliced to the channels' held buffers;
 *                                     not ok: rolled back to the savepoint
 *   turn_end(t);                      commit, release, flush, checkpoint
 *
 * The owner stops running requests while turn_busy(t) (a commit is pending).
 *
 * What is said outside a request (an error reply after a request that failed, a
 * push by a timer) is held at once. before_commit is a request of its own that
 * ends well.
 */
#ifndef TURN_TURN_H
#define TURN_TURN_H

#include "base/buf.h"
#include "base/vec.h"
#include "net/io.h"
#include "store/db.h"

/* One way out: a connection. Embedded in the owner's struct; the owner must
 * call turn_chan_gone before freeing it. */
struct turn_chan {
	struct buf held; /* this turn; released after the commit */
	bool touched;
	uint64_t id; /* the owner's, for release */
};
/* A zeroed chan holds at most this in one turn; or buf_init held otherwise. */
#define TURN_HELD_MAX ((size_t)64 * 1024 * 1024)

struct turn_ops {
	/* The commit stands: send chan's held bytes on (then they are cleared). */
	void (*release)(void *arg, struct turn_chan *, const char *p, size_t n);
	/* Before the commit, in the same transaction: cursors and the like that
	 * are written once a turn. May write. */
	void (*before_commit)(void *arg);
	/* The commit stands (or nothing was written) and everything is
	 * released, before the flush. */
	void (*committed)(void *arg);
	/*
	 * What chan was told this turn will not be said: the commit failed, or
	 * it was more than held may hold. A reply may be among it, so close the
	 * connection. Called before failed; may be NULL.
	 */
	void (*dropped)(void *arg, struct turn_chan *);
	/*
	 * The commit failed with this code; nothing held was or will be said
	 * (held buffers are cleared). E_STORE: forget what memory has of all
	 * marks; E_STORAGE_FULL: the same, and go read-only; E_UNAVAILABLE: tear
	 * down and rebuild; E_INTERNAL: end the process. mark is sorted, each
	 * once. It may free the turn and the store.
	 */
	void (*failed)(void *arg, int code, const uint64_t *mark, size_t nmark);
};

struct turn;
struct turn *turn_new(struct io *, struct db *, const struct turn_ops *,
    void *arg);
void turn_free(struct turn *);
struct db *turn_db(const struct turn *);

void turn_request_begin(struct turn *);
/* Ensures transaction and savepoint before a write; mark names what memory
 * depends on it (a mesh's number), TURN_NO_MARK is none. OK or the code to fail
 * with. */
#define TURN_NO_MARK 0
int turn_writes(struct turn *, uint64_t mark, struct why *);
/* Collect bytes for chan. The same bytes for many: say_many. */
void turn_say(struct turn *, struct turn_chan *, const char *p, size_t n);
void turn_say_many(struct turn *, struct turn_chan *const *chan, size_t nchan,
    const char *p, size_t n);
void turn_request_end(struct turn *, bool ok);

bool turn_busy(const struct turn *);  /* a commit is pending */
bool turn_wrote(const struct turn *); /* a transaction is open */
void turn_end(struct turn *);
void turn_chan_gone(struct turn *, struct turn_chan *);
/* A full disk: no writes (turn_writes answers E_STORAGE_FULL) but one probe
 * each 5 s by a write transaction of the owner's, with TURN_NO_MARK: nobody's
 * request pays for it. When it is committed writes are allowed again, before
 * committed() is called. E_STORAGE_FULL turns this on by itself. The time of the
 * probe counts from the last failure; only the first to ask in it is let through
 * (the whole transaction is the probe). */
void turn_read_only(struct turn *, bool on);
bool turn_is_read_only(const struct turn *);

#endif

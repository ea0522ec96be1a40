/*
 * cast.h - who plays in the simulated mesh: one broker, some daemons each with
 * its own disk, and a person at each daemon who types commands and keeps the
 * record against which everything is judged in the end.
 */
#ifndef TESTS_SIM_CAST_H
#define TESTS_SIM_CAST_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"
#include "broker/main.h"
#include "daemon/daemon.h"
#include "vfs.h"
#include "world.h"

#define ACTORS 3
#define BROKER_URL "ws://127.0.0.1:7900/ws"

/* Who is written to: an actor, or one of these. */
enum to { TO_ALL = ACTORS, TO_TWO, TO_MIX, TO_COUNT };

struct said { /* a message somebody was asked to send */
	int from, to, k;
	char id[65];	  /* once the daemon told it */
	bool accepted;	  /* the daemon answered: it must arrive */
	int seen[ACTORS]; /* times it stands in an actor's inbox */
};

struct actor {
	struct sim *sim;
	int no;
	char name[16], sock[32], vfs_name[32];
	struct node *node;
	struct vfs *vfs;
	struct daemon *daemon; /* NULL: down */
	bool stopped;	       /* the core said it cannot go on */
	int64_t up_at;	       /* when down: comes back */
	uint8_t seed[32];
	/* the person's end of the local socket */
	io_id line;
	bool line_open;
	struct buf in;
	int next_k[TO_COUNT];
};

struct sim {
	struct world *world;
	struct node *desk; /* where the persons sit */
	struct actor actor[ACTORS];
	struct node *broker_node;
	struct vfs *broker_vfs;
	struct broker *broker;
	bool broker_stopped, nofsync, verbose;
	int64_t broker_up_at;
	uint64_t seed;
	VEC(struct said) said;
	uint64_t reqs;
	uint64_t message_events; /* accepted, and arrived */
	unsigned crashes, cuts;
	/* the answer that ask() waits for */
	char want[32];
	char *answer;
	size_t nanswer;
	char fault[512]; /* the first violation; "" */
	struct buf trace;
};

void sim_init(struct sim *, uint64_t seed, bool nofsync);
void sim_fini(struct sim *);
/* Note a violation (the first one stays). */
void sim_fault(struct sim *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void sim_trace(struct sim *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void broker_start(struct sim *);
void broker_crash(struct sim *);
void daemon_start(struct actor *);
void daemon_crash(struct actor *);
/* Bring back what is due, take down what lost its disk. */
void sim_tend(struct sim *);
void sim_run(struct sim *, int64_t ms); /* with tending */

/* Write a request to an actor's daemon; false when its line is down. reqid
 * (at least 32 bytes) gets the id its answer will carry. */
bool actor_say(struct actor *, const struct wire_msg *, const void *in,
    char *reqid);
/* Say and wait (virtual seconds) for the answer, decoded into out; on failure
 * a violation is noted. */
bool actor_ask(struct actor *, struct arena *, const struct wire_msg *,
    const void *in, const struct wire_msg *answer, void *out);

#endif

/*
 * load.h - the load generator: one thread, one epoll, every protocol by hand,
 * so that what is measured is the server. Setting up may wait; the measured
 * part never does.
 *
 * A driver speaks one server's protocol. Messages of one sender are counted,
 * not told apart: each protocol here delivers in order, so the n-th message a
 * receiver gets is the n-th that was sent.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define READ_MAX (1u << 20)
#define RING (1u << 20) /* messages under way at most */

struct run;

struct conn {
	int fd;
	size_t no;	    /* receivers: which one; else SIZE_MAX */
	struct buf in, out; /* in: not yet eaten, from at on */
	size_t at;
	bool blocked; /* waits for the socket to take more */
	uint64_t got; /* messages */
	void *own;    /* the driver's */
};

struct driver {
	const char *name;
	/* Connects and sets up; conn_open for each, receivers marked. */
	void (*open)(struct run *);
	/* One message of the sender into its out. */
	void (*send)(struct run *, uint64_t no);
	/* Takes what it can of c->in; says run_acked and run_got. */
	void (*eat)(struct run *, struct conn *);
	bool no_acks; /* the sender hears nothing */
};
extern const struct driver driver_ours, driver_ours_receipts, driver_ours_group;
extern const struct driver driver_nats, driver_jetstream;
extern const struct driver driver_redis_stream, driver_redis_pubsub;
extern const struct driver driver_mqtt;

struct run {
	const struct driver *d;
	const char *host;
	int port, pid; /* pid: of the server, for idle */
	size_t size, window, receivers, count;
	double seconds, warm;
	int ep;
	struct conn **conn;
	size_t nconn;
	struct conn *sender;
	char *payload;		   /* size bytes of text */
	uint64_t sent, acked, got; /* got: of all receivers */
	uint64_t whole;		   /* received by all of them */
	uint16_t *reached;	   /* ring: how many have received it */
	int64_t *due;		   /* ring: when it was to be sent, ns */
	int64_t *late;		   /* latencies, ns */
	size_t nlate, late_max;
};

void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
int64_t now_ns(void);

struct conn *conn_open(struct run *);
void conn_receives(struct run *, struct conn *); /* it is the next receiver */
void conn_close(struct run *, struct conn *);
void conn_flush(struct run *, struct conn *);
/* While setting up: everything out; wait for at least one more byte in. */
void conn_push(struct conn *);
void conn_pull(struct conn *);
const char *conn_in(const struct conn *, size_t *n);
void conn_eaten(struct conn *, size_t n);

void run_acked(struct run *, uint64_t n);
void run_got(struct run *, struct conn *);

/* ours.c: many idle peers; prints what one costs. */
void ours_idle(struct run *, size_t peers, size_t per_mesh);

#endif

/*
 * broker_play.h - the world of fuzz_broker.c: three members, two sessions and
 * two daemons each, five connections, and what is known of each message.
 */
#ifndef FUZZ_BROKER_PLAY_H
#define FUZZ_BROKER_PLAY_H

#include <stdio.h>
#include <stdlib.h>

#include "broker/broker.h"
#include "tests/unit/brokerkit.h"

#define MUST(x)                                                            \
	do {                                                               \
		if (!(x)) {                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
			    #x);                                           \
			abort();                                           \
		}                                                          \
	} while (0)
#define KEEP_MS (30 * DAY_MS)
#define PEOPLE 3
#define DAEMONS (2 * PEOPLE) /* i and i + PEOPLE are person i's */
#define SESSIONS 6	     /* likewise */
#define CONNS 5
#define SENT_MAX 400
#define PENDING_MAX 512

struct conn_model {
	struct client *c;
	char pending[PENDING_MAX][12];
	size_t n;
};

struct sent_model {   /* a copy that may be stored */
	int from, to; /* to: SESSIONS and above are members */
	char id[24];
	int64_t at;
	int64_t seq; /* once it was heard; 0: never */
	bool sure;   /* the broker said so */
	int seen;    /* deliveries, in the end */
};

struct play {
	struct kit k;
	struct sess s[SESSIONS];
	struct conn_model conn[CONNS];
	struct sent_model sent[SENT_MAX];
	size_t nsent;
	int64_t cursor[DAEMONS], newest[DAEMONS];
	bool used[DAEMONS]; /* somebody said hello for it */
	unsigned ids;
	const uint8_t *p;
	size_t left;
};

extern struct person play_people[PEOPLE];

uint8_t play_next(struct play *g);
const char *play_key_of(const struct play *g, int to);
int play_person_of(int to);
struct sent_model *play_copy_of(struct play *g, const char *id,
    const char *from, const char *target);
void play_hang_up(struct conn_model *c);
void play_mend(struct play *g);
void play_restart(struct play *g, bool power, uint64_t seed);
void play_pass(struct play *g, int64_t ms);
bool play_post(struct conn_model *c, const char *session,
    const struct wire_msg *row, const void *in);
int play_daemon_of(const struct play *g, const struct sess *s);
void play_connect(struct play *g, struct conn_model *c);
void play_hello(struct play *g, struct conn_model *c, struct sess *s,
    unsigned how);
void play_init(struct play *g, const uint8_t *p, size_t n);

#define POST(c, session, row, ...)             \
	play_post((c), (session), &wire_##row, \
	    &(const struct row){ __VA_ARGS__ })

#endif

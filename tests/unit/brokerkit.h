/*
 * brokerkit.h - a broker in memory and clients that talk to it: real frames
 * over real WebSockets, in a virtual world, on a disk that can fail.
 */
#ifndef TEST_BROKERKIT_H
#define TEST_BROKERKIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/vec.h"
#include "broker/main.h"
#include "crypto/body.h"
#include "crypto/key.h"
#include "crypto/roll.h"
#include "net/wsclient.h"
#include "tests/sim/vfs.h"
#include "tests/unit/fakeio.h"

struct kit {
	struct fakeio *f;
	struct vfs *vfs;
	struct broker *broker;
	struct broker_conf conf;
	struct arena arena; /* of the test */
	char url[64];
	uint16_t port;
	bool fatal, drained;
};

struct client {
	struct kit *k;
	struct wsclient *ws;
	io_id stream;
	VEC(char *) got;
	struct challenge hi;
	bool open;
	int code;
	int64_t reqs;
	struct error err; /* of the last ask that failed */
};

struct person {
	uint8_t seed[32];
	struct key owner, member;
	char name[65], mesh[33];
	uint8_t epoch[32];
};

struct sess { /* one session of a person */
	struct person *who;
	struct key key;
	char daemon[33], name[65];
	int64_t seq; /* cursor; -1: none */
	struct hello_ack ack;
};

void kit_init(struct kit *); /* sets conf; change it, then kit_start */
void kit_start(struct kit *);
void kit_restart(struct kit *); /* the broker process ends and starts again */
void kit_fini(struct kit *);
int kit_setup(void **state); /* init and start; *state is the kit */
int kit_teardown(void **state);
void kit_settle(struct kit *);

struct client *client_new(struct kit *); /* connected, challenge read */
struct client *client_dial(struct kit *, const char *path, const char *sub);
void client_free(struct client *);
void client_text(struct client *, const char *text);
/* OK, or the error's code with client->err. out may be NULL. */
int ask(struct client *, const char *session, const struct wire_msg *req,
    const void *in, void *out);
#define ASK(c, session, row, out, ...)                                       \
	ask((c), (session), &wire_##row, &(const struct row){ __VA_ARGS__ }, \
	    (out))
/* The next frame of this type that came; false when there is none. */
bool heard(struct client *, const struct wire_msg *, void *out);
size_t count_heard(struct client *, const char *type); /* and forgets them */

void person_init(struct person *, struct kit *, const char *name);
/* A mesh, made by its owner, on a connection of its own. */
void make_mesh(struct kit *, struct person *owner);
struct roll *fetch_roll(struct client *, const char *mesh);
/* An invite by the owner's session; returns its key. */
void make_invite(struct client *, struct sess *by, struct key *invite,
    int64_t uses, int64_t expires_at);
int open_invite(struct client *, const struct key *invite,
    struct invite_info *out);
int join_mesh(struct client *, struct person *, const struct person *host,
    const struct key *invite);

void sess_init(struct sess *, struct kit *, struct person *, const char *name,
    const char *daemon);
char *attest(struct kit *, const struct sess *, int64_t issued_in,
    int64_t life_ms);
struct session_hello hello_of(struct client *, struct sess *);
int hello(struct client *, struct sess *);
/* Sends text; the ack's first recipient word goes to receipt (16 bytes). */
int send_text(struct client *, struct sess *from, const char *to,
    const char *id, char receipt[16]);
#define HOUR 3600000

struct pair { /* alice, who made the mesh, and bob, who joined it */
	struct person alice, bob;
	struct sess a, b;
	struct client *ca, *cb;
};
void pair_init(struct pair *, struct kit *);
void pair_fini(struct pair *);

bool event(struct client *, const char *name); /* forgets what came before */
int64_t wall_now(struct kit *);
/* An act of this kind, signed by the session's member, appended by it. */
int append(struct client *, struct sess *, const char *kind,
    const struct wire_msg *, const void *fields);
char *sign_receipt(struct kit *, const struct sess *by, const char *from,
    const char *rung, const char *id);

#endif

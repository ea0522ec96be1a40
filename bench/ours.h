/*
 * ours.h - a mesh for the generator: made, entered and spoken in as any client
 * would, by the protocol's own rows and documents.
 */
#ifndef BENCH_OURS_H
#define BENCH_OURS_H

#include "bench/load.h"
#include "crypto/key.h"
#include "crypto/roll.h"

struct our_mesh {
	struct roll *roll;
	char url[64];
	uint8_t epoch[32];
	struct key owner, admin, invite;
	struct conn *desk; /* where the admin speaks */
	struct key desk_session;
};

/* What a connection of ours is. */
struct our_conn {
	char nonce[65], log_key[65]; /* of its challenge */
	char mesh[MESH_ID_LEN + 1], history[33];
	struct key session;
	struct key member;
	uint64_t asked;
};

/* Makes a mesh, opens its invite for many and lifts its rate. */
void our_mesh_open(struct run *, struct our_mesh *);
void our_mesh_fini(struct our_mesh *);
/* A new member; no connection stays. */
void our_join(struct run *, struct our_mesh *, struct key *member);
/* A session of the member on a connection of its own. */
struct conn *our_session(struct run *, struct our_mesh *,
    const struct key *member, const char *name);

/* One frame, masked, into out. */
void our_frame(struct conn *, const char *text, size_t n);
/* Setting up: asks and waits for the reply, which is decoded into the arena. */
const void *our_ask(struct arena *, struct conn *, const struct wire_msg *,
    const void *in);
/* The next whole message at the front of c->in: its text, and all its bytes;
 * false when it is not all there. op as ws.h. */
bool our_next(struct conn *, int *op, const char **text, size_t *n,
    size_t *total);

#endif

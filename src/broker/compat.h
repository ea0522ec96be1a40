/*
 * compat.h - dialect 1: what the rest of the broker knows of older clients. A
 * connection without a subprotocol is one of theirs; a mesh lets them in when its
 * roll says so, and then only members that were added as old clients.
 */
#ifndef BROKER_COMPAT_H
#define BROKER_COMPAT_H

#include "broker/broker.h"

#define OLD_FRAME_MAX 131072

/* One frame of theirs, in place of dispatch's own reading. */
int compat_request(struct rq *, const char *text, size_t n);
/* A handler's reply, as they expect it. False: as everybody's. */
bool compat_reply(struct rq *, const struct wire_msg *, const void *);
/* A push, if there is one like it in dialect 1. */
void compat_push(struct broker *, struct bconn *, const char *session,
    const struct wire_msg *, const void *);
/* The connection went: what it was sent it has, if it said goodbye. */
void compat_gone(struct broker *, struct bconn *);
/* The roll has grown: whom it lets in no more goes. */
void compat_settle(struct broker *, struct mesh *);
/* Evicts a session that only claimed this key; it is being proven. */
int compat_evict(struct rq *, struct mesh *, const char *session_key,
    const char *member);
void compat_fini(struct broker *);

/* ---- between compat.c and compat_say.c ---- */

void compat_hello_ack(struct rq *, const struct presence *);
/* A message without encryption, to old clients here. */
int compat_fan(struct rq *, const struct old_send *, const char *message_id);
void compat_sent(struct rq *, const char *message_id, bool queued,
    const char *error);

#endif

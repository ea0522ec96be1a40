/*
 * link.h - one connection to one broker for one mesh, kept up: dialled with
 * back-off, opened by challenge and hellos, requests matched with replies, the
 * roll kept in step. Pure: the world comes in through io.h.
 *
 * Input is queued by the callbacks of io.h and handled by link_step, which the
 * owner calls in its turn; every callback below runs inside link_step. A link
 * is never freed from inside a step of its own.
 *
 * What a link says goes to ops->out, so that the owner can hold it until its
 * transaction is committed; link_write puts it on the wire.
 */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include "crypto/key.h"
#include "crypto/roll.h"
#include "net/io.h"
#include "wire/wire.h"

#define LINK_CALL_MS 10000
#define LINK_ATTEST_MS (12 * 3600 * 1000LL)
#define LINK_RENEW_MS (6 * 3600 * 1000LL)
#define LINK_SKEW_MAX_MS (24 * 3600 * 1000LL)

struct link;

enum link_phase { LINK_CONNECTING, LINK_WAITING, LINK_UP, LINK_REFUSED };
const char *link_phase_name(enum link_phase);

struct link_ops {
	/* Input waits (or a timer ran): have a turn and call link_step. */
	void (*ready)(void *arg);
	/* Hold or write this frame. */
	void (*out)(void *arg, const char *text, size_t n);
	/* Fields of a session's hello besides keys, attestation and proof. */
	void (*fill)(void *arg, const char *session, struct session_hello *,
	    struct arena *);
	/* A session's hello was answered: ack, or NULL and why. */
	void (*hello)(void *arg, const char *session, const struct hello_ack *,
	    const struct why *);
	/* Sessions are open and the roll is in step. Guests: challenged. */
	void (*up)(void *arg);
	/* It was, or was to be, and is not. Also when refused. */
	void (*down)(void *arg, const char *reason);
	/* The roll has this new act: keep it. OK or an error. */
	int (*act)(void *arg, int64_t n, const char *act);
	/* The roll is in step again (after growing or when asked for). */
	void (*roll)(void *arg);
	/* Anything pushed: push, receipt, gap, session_ended, ... */
	void (
	    *push)(void *arg, const struct frame *, const char *text, size_t n);
};

struct link_conf {
	const char *url;	  /* ws://host:port/ws, or wss:// */
	const char *ca, *pin;	  /* wss: who is believed (io.h); or NULL */
	bool guest;		  /* no session, no mesh, dialled once */
	const char *mesh;	  /* mesh id */
	const struct key *member; /* borrowed */
	struct roll *roll;	  /* borrowed; grown by the link */
};

struct link *link_new(struct io *, const struct link_conf *,
    const struct link_ops *, void *arg);
void link_free(struct link *); /* no callbacks */
void link_dial(struct link *); /* begin; also the user's "try again" */
/* Goodbye: a close frame 1000, no more dialling. */
void link_bye(struct link *);
/* Not to be dialled until link_dial. Shouts. */
void link_refuse(struct link *, const char *reason);
/* Something is wrong with this connection: begin anew. */
void link_drop(struct link *, const char *reason);

/* Others are believed from now on: drops the connection there is. */
void link_trust(struct link *, const char *ca, const char *pin);
/* Its last connection failed because the certificate is not believed. */
bool link_untrusted(const struct link *);

bool link_pending(const struct link *);
void link_step(struct link *);
void link_write(struct link *, const char *text, size_t n);

enum link_phase link_phase(const struct link *);
const char *link_reason(const struct link *); /* "" when up */
const char *link_url(const struct link *);
/* Of the open connection; NULL when there is none. */
const struct challenge *link_challenge(const struct link *);
int64_t link_skew(const struct link *); /* broker's clock less ours, ms */

/* ---- sessions ---- */

/* Opens a session now or when the link comes up. The key is copied. */
void link_session(struct link *, const struct key *, const char *name);
/* Forgets it; end: tells the broker so. */
void link_session_drop(struct link *, const char *session, bool end);
bool link_session_open(const struct link *, const char *session);
/* The session's own attestation, as last sent; NULL when none. */
const char *link_attestation(const struct link *, const char *session);

/* ---- requests ---- */

struct link_reply {
	int code; /* OK, or why not */
	struct why why;
	const void *msg;	/* the decoded reply row of the request */
	int64_t retry_after_ms; /* of an error */
	struct arena *arena;	/* of this step */
};
typedef void link_reply_fn(void *arg, uint64_t tag, const struct link_reply *);

/*
 * OK, and fn is called once in a later step (E_UNREACHABLE when the connection
 * goes first, E_TIMED_OUT after 10 s); or E_UNREACHABLE or E_TOO_LARGE at once,
 * and fn is not called. session: for whom, or NULL.
 */
int link_call(struct link *, const struct wire_msg *, const void *in,
    const char *session, link_reply_fn *fn, void *arg, uint64_t tag);

/* The broker says its roll is there: get in step, then ops->roll. */
void link_roll_see(struct link *, const struct roll_point *);
/* Ask, whatever was said. ops->roll when done. */
void link_roll_sync(struct link *);

#endif

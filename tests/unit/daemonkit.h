/*
 * daemonkit.h - a broker and three daemons in the simulated world, and clients
 * of their local sockets that ask and check.
 */
#ifndef TEST_DAEMONKIT_H
#define TEST_DAEMONKIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/core.h"
#include "tests/sim/cast.h"

enum { ALICE, BOB, CAROL };

struct dk {
	struct sim sim;
	struct arena arena;
	char mesh[65]; /* id */
	struct {
		io_id id;
		bool open, closed;
		struct buf in;
	} line[ACTORS];
	char err[512];
	unsigned reqs;
};

int dk_setup(void **state); /* the mesh "team", all three in it */
int dk_teardown(void **state);
int dk_empty(void **state); /* daemons without a mesh */
void dk_run(struct dk *, int64_t ms);
/* OK and the decoded answer, or the error's code with its text in k->err. */
int dk_ask(struct dk *, int who, const char *session, const struct wire_msg *,
    const void *in, void *out);
#define ASK(k, who, row, out, ...)            \
	dk_ask((k), (who), NULL, &wire_##row, \
	    &(const struct row){ __VA_ARGS__ }, (out))
#define ASK_AS(k, who, session, row, out, ...)     \
	dk_ask((k), (who), (session), &wire_##row, \
	    &(const struct row){ __VA_ARGS__ }, (out))
/* Sends and waits for a rung; the first recipient's receipt. */
const char *dk_send(struct dk *, int who, const char *to, const char *text,
    const char *priority, const char *wait, char id[65]);
const char *dk_receipt(struct dk *, int who, const char *id);
/* All of an inbox (with `all`), or what is unread. */
struct local_inbox_page dk_inbox(struct dk *, int who, const char *session,
    bool all);
struct dmesh *dk_mesh(struct dk *, int who);
void dk_down(struct dk *, int who); /* stays down until dk_up */
void dk_up(struct dk *, int who);
void dk_broker_down(struct dk *);
void dk_broker_up(struct dk *);

#endif

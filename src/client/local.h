/*
 * local.h - the blocking client of the daemon's socket. One connection, one
 * request at a time, one answer each: {"type":...} lines as in proto/local.def.
 *
 * Opening starts the daemon when asked to and none runs; several clients that
 * start it at once end up with one, because the daemon locks its folder. A
 * daemon that renews itself is connected to again. Nothing here is for threads:
 * a connection belongs to whoever opened it.
 */
#ifndef CLIENT_LOCAL_H
#define CLIENT_LOCAL_H

#include "client/home.h"
#include "wire/wire.h"

#define LOCAL_REPLY_MAX (64 * 1024 * 1024)
#define LOCAL_WAIT_MS 30000 /* for an answer, unless told otherwise */

struct local;

struct local_conf {
	struct home *home;   /* borrowed while open */
	const char *exe;     /* our binary, to start the daemon; NULL: never */
	const char *session; /* _session of every request; NULL: home session */
};

struct local_error { /* what the daemon said, whole */
	char code[33], message[513], field[65];
	int64_t retry_after_ms;
};

struct local_answer {
	struct json object; /* in the arena */
	const struct wire_msg *msg;
};

/* 0 and a connection, or E_UNREACHABLE, E_FORBIDDEN (modes), E_TIMED_OUT. */
int local_open(struct local **, const struct local_conf *, struct why *);
void local_close(struct local *);	 /* NULL is fine */
int64_t local_pid(const struct local *); /* of the daemon */
const char *local_version(const struct local *);

/* One request by its row. out: the row's reply, decoded into the arena. */
int local_call(struct local *, const struct wire_msg *row, const void *in,
    int wait_ms, struct arena *, void *out, struct why *);
/* The same with fields as the text of a JSON object ("{}" for none). */
int local_call_text(struct local *, const char *type, const char *fields,
    int wait_ms, struct arena *, struct local_answer *, struct why *);
/*
 * The same in two steps, for who waits for other things, too: local_begin asks;
 * local_poll is called when local_fd is readable and returns 1 as long as the
 * answer is not whole. One request at a time; closing gives it up.
 */
int local_begin(struct local *, const struct wire_msg *row, const void *in,
    struct why *);
int local_poll(struct local *, const struct wire_msg *row, struct arena *,
    void *out, struct why *);
int local_fd(const struct local *);
/* After a call that failed with an error of the daemon; never NULL. */
const struct local_error *local_error(const struct local *);

/* Is anybody answering on the socket of this home? */
bool local_alive(const struct home *);

/*
 * Run argv[0] detached from us: its own session, no terminal, everything it
 * prints appended to log, CLAUDEMESH_HOME set. 0 with *life readable (end of file) once it is gone,
 * or -1 with errno.
 */
int local_spawn(char *const argv[], const char *home, const char *log,
    int *life);
/* Where its log ends now, and what it printed since as its reason to end: the
 * text of the last "claudemesh: TEXT" line. False: nothing of the kind. */
int64_t local_log_end(const char *log);
bool local_last_words(const char *log, int64_t from, char *out, size_t cap);

#endif

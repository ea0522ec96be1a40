/*
 * script.h - what the files of the transcript runner share. The language is
 * described in tests/wire/README.md; a test fails by tr_fail, which does not
 * return.
 */
#ifndef TESTS_WIRE_SCRIPT_H
#define TESTS_WIRE_SCRIPT_H

#include <setjmp.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "crypto/key.h"
#include "net/ws.h"
#include "wire/wire.h"

#define TR_WAIT_MS 15000
#define TR_ARGS 24

/* ---- where it all is ---- */

struct tr {
	const char *file;
	int line;
	const char *said;   /* the line being carried out */
	const char *test;   /* its title; NULL before the first */
	struct arena arena; /* of the test; everything below, too */
	struct map vars, conns, keys, people, meshes, sessions;
	VEC(struct made_act) acts;
	jmp_buf failed;
	char dir[64]; /* temporary, of this file */
	char url[64], http[64];
	int64_t reqs, n; /* requests of ours; n of a repeat */
	bool cover_ok[M_COUNT_], cover_error[M_COUNT_], cover_push[M_COUNT_];
};
extern struct tr tr;

/* Says where, which line, and why; ends the test. */
void tr_fail(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));
/* Carries out a line made by us: what a word consists of. */
void tr_do(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int64_t tr_now(void);
/* One line, as the file has it (words.c). */
void tr_line(char *text);
void tr_line_or_many(char *text); /* the same, which may begin with repeat */

struct args {
	char *v[TR_ARGS + 1]; /* objects and quoted texts are one; NULL-ended */
	size_t n;
};
/* The value after this word, or NULL; flags have no value. */
char *args_after(const struct args *, const char *word);

/* ---- variables (vars.c) ---- */

void tr_set(const char *name, const char *text);
void tr_setn(const char *name, const char *text, size_t n);
const char *tr_get(const char *name); /* NULL: unbound */
/* Every $name replaced; an unbound one fails. */
char *tr_fill(const char *text);
/* The same for a pattern, made strict JSON: what is free bears TR_MARK. */
char *tr_pattern(const char *text);
#define TR_MARK "\\u0001"

/* ---- patterns (match.c) ---- */

/* Binds what is free. NULL, or the differences in words, in tr.arena. */
const char *tr_match(const char *pattern, const char *text);

/* ---- objects as text (vars.c) ---- */

struct json tr_object(const char *text); /* must be one */
/* The members of base, replaced and followed by those of over (may be NULL);
 * null takes one away. */
char *tr_overlay(const char *base, const char *over);
/* Member name of an object as text without quotes; "" when there is none. */
const char *tr_member(const char *object, const char *name);

/* ---- connections (conn.c, rows.c) ---- */

struct asked {
	char reqid[WIRE_REQID_MAX + 1];
	const struct wire_msg *msg; /* NULL: of no known type */
};
struct tconn {
	char name[40];
	int fd;
	bool ws; /* else lines on a Unix socket */
	bool open, refused;
	bool old; /* dialect 1: no rows tell what it hears */
	struct ws_dec dec;
	struct buf in, out;
	VEC(char *) got;
	size_t taken;
	VEC(struct asked) asked;
	int code; /* of their close; 1006: none came */
	char reason[128];
	char *last; /* the frame read last */
};

struct tconn *tr_conn(const char *name); /* fails when there is none */
struct tconn *conn_dial(const char *name, const char *path, const char *sub,
    bool slow);
struct tconn *conn_local(const char *name, const char *path);
void conn_text(struct tconn *, const char *text, size_t n);
void conn_frame(struct tconn *, int op, const void *p, size_t n);
void conn_bytes(struct tconn *, const void *p, size_t n);
/* The next frame, checked against its row; NULL when it closed or after ms. */
char *conn_next(struct tconn *, int ms);
void conn_drop(struct tconn *);
void conn_close_all(void);
/* Whether all that was caused so far has been read. */
void conn_quiet(struct tconn *);

/* Is the frame what its row says, and asked for? Fails if not. */
void rows_check(struct tconn *, const char *text);
void rows_asked(struct tconn *, const char *text, size_t n);

/* ---- words that loop over the rows (sweep.c) ---- */

void word_no_hello(const struct args *);
void word_limits(const struct args *);
void word_try(const struct args *);
void word_tried_all(const struct args *);

/* ---- people, meshes, sessions, signatures (people.c, sign.c) ---- */

struct tperson {
	const char *name;
	uint8_t seed[32];
	struct tmesh *mesh;
	struct key member;
};
struct tmesh {
	const char *name;
	struct tperson *owner;
	struct key owner_key;
	char id[MESH_ID_LEN + 1];
	uint8_t epoch[32];
	int64_t n; /* the roll, as the broker last told it */
	char head[65];
};
struct tsession {
	const char *name, *daemon;
	struct tperson *who;
	struct key key;
};
struct made_act {
	struct tmesh *mesh;
	int64_t n;
	char hash[65];
};

struct key *tr_key(const char *name); /* its pair; fails when there is none */
struct key *tr_new_key(const char *name);
struct tmesh *tr_mesh(const char *name);
struct tsession *tr_session(const char *name);
/* What a frame tells of rolls. */
void people_heard(const char *text);

void word_mesh(const struct args *);
void word_join(const struct args *);
void word_hello(const struct args *);
void word_event(const struct args *);
void word_rolled(const struct args *);
void word_key(const struct args *);
void word_sign(const struct args *);
void word_act(const struct args *);
void word_seal(const struct args *);
void word_unseal(const struct args *);
void word_sum(const struct args *);
void word_record(const struct args *);
void word_sealed(const struct args *);
void word_bare(const struct args *);
void word_opens_bare(const struct args *);
void word_old(const struct args *);
void word_opens(const struct args *);

/* ---- processes (proc.c) ---- */

extern char **environ;
void proc_broker(void); /* starts it, unless it runs; fills tr.url */
void proc_broker_args(const struct args *);
void proc_daemon(const char *name);
void proc_signal(const char *name, int signo);
void proc_stop(const char *name, int signo); /* 0: it ends by itself */
/* All that were started end, and ended well; 0, or -1 with words said. */
int proc_stop_all(void);

#endif

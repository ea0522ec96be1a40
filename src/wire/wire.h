/*
 * wire.h - the protocol's rows as C: a struct for each message and record, a
 * row for each field, one decoder and one encoder that walk them.
 *
 * The table is proto/all.def, included several times with its words redefined:
 * here for the structs, the enumeration and the declarations of the rows; in
 * rows.c for the rows themselves. That is the only clever code in the house.
 *
 * In a decoded struct strings are NUL-terminated UTF-8 in the arena and never
 * NULL ("" when absent), an absent ANY has p NULL, an absent OBJ has every
 * field empty and its has_<name> is false. Encoding reads the same shapes; a
 * NULL string counts as "".
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"

#define WIRE_FRAME_MAX (1024 * 1024)
#define WIRE_REQID_MAX 64 /* _reqId and _session */
#define WIRE_TYPE_MAX 32

/* ---- errors ---- */

enum {
	OK = 0,
	E_FIRST_ = -1000,
#define ERROR(code, wire, http, exit, text) code,
#include "proto/errors.def"
#undef ERROR
	E_LAST_
}; /* all negative */

struct err_info {
	int code;
	const char *name, *wire, *text; /* E_X, "x", the general sentence */
	int http, exit;
};
const struct err_info *err_info(int code);	    /* never NULL */
const struct err_info *err_named(const char *wire); /* or NULL */
const struct err_info *err_at(size_t i); /* every error; NULL past the last */

/* Why something failed: the code, the field at fault, a sentence. */
struct why {
	int code;
	char field[64]; /* "" or the path on the wire: copies[3].nonce */
	char text[256];
};
/* Fills w (may be NULL) and returns code: `return why_set(w, E_X, ...)`.
 * A NULL fmt means the general sentence. why_field names the field, too. */
int why_set(struct why *w, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int why_field(struct why *w, int code, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- scopes and flags of a request ---- */

enum {
	SCOPE_OPEN = 1,	   /* before any hello */
	SCOPE_SESSION = 2, /* the session itself, whatever its capabilities */
	SCOPE_READ = 3,
	SCOPE_SEND = 4,
	SCOPE_WRITE = 5,
	SCOPE_ADMIN = 6, /* admins of the mesh */
	SCOPE_LOCAL = 7, /* the daemon's own socket */
	SCOPE_MASK = 15,
	ONCE = 16,  /* creates: (session, _reqId) is answered like the first */
	LATER = 32, /* answered in a later turn */
};
const char *wire_scope_name(unsigned scope); /* "send"; flags ignored */

/* ---- structs ---- */

#define REQUEST(c, wire, scope, reply, doc) struct c {
#define REPLY(c, wire, doc) struct c {
#define PUSH(c, wire, doc) struct c {
#define RECORD(c, doc) struct c {
/* clang-format off */
#define END char end_; };
/* clang-format on */
#define STR(c, wire, min, max, doc) const char *c;
#define INT(c, wire, min, max, doc) int64_t c;
#define BOOL(c, wire, doc) bool c;
#define TIME(c, wire, doc) int64_t c;
#define ANY(c, wire, max, doc) struct json c;
#define LIST(c, wire, record, max, doc) \
	struct {                        \
		size_t n;               \
		struct record *v;       \
	} c;
#define OBJ(c, wire, record, doc) \
	struct record c;          \
	bool has_##c;
#define OPT_STR STR
#define OPT_INT INT
#define OPT_BOOL BOOL
#define OPT_TIME TIME
#define OPT_ANY ANY
#define OPT_LIST LIST
#define OPT_OBJ OBJ
#include "proto/all.def"
#include "wire/undef.h"

/* ---- rows ---- */

enum wire_type { W_STR, W_INT, W_BOOL, W_TIME, W_ANY, W_LIST, W_OBJ };
enum wire_kind { W_REQUEST, W_REPLY, W_PUSH, W_RECORD };

struct wire_field {
	const char *name, *wire, *doc; /* C name, name on the wire */
	const char *key;	       /* the wire name quoted, and a colon */
	size_t nkey;
	enum wire_type type;
	bool opt;
	size_t at;	  /* offset in the struct (LIST: of n, v follows) */
	size_t has_at;	  /* OBJ: offset of has_ */
	int64_t min, max; /* STR: bytes; INT: value; ANY: bytes; LIST: items */
	const struct wire_msg *record; /* LIST and OBJ */
};

struct wire_msg {
	const char *name, *wire, *doc;
	enum wire_kind kind;
	int no; /* M_<name>; the row's number */
	unsigned scope;
	const struct wire_msg *reply; /* of a request */
	/* nfield rows, then one whose name is NULL: m->fields()[i]. A function,
	 * because only in a block can a row name its own struct (see rows.c). */
	const struct wire_field *(*fields)(void);
	size_t nfield, size;
};

/* M_<name> numbers every row; wire_<name> is the row. */
enum wire_no {
#define REQUEST(c, wire, scope, reply, doc) M_##c,
#define REPLY(c, wire, doc) M_##c,
#define PUSH(c, wire, doc) M_##c,
#define RECORD(c, doc) M_##c,
#define END
#include "wire/nofields.h"
#include "proto/all.def"
#include "wire/undef.h"
	M_COUNT_
};

#define REQUEST(c, wire, scope, reply, doc) \
	extern const struct wire_msg wire_##c;
#define REPLY(c, wire, doc) extern const struct wire_msg wire_##c;
#define PUSH(c, wire, doc) extern const struct wire_msg wire_##c;
#define RECORD(c, doc) extern const struct wire_msg wire_##c;
#define END
#include "wire/nofields.h"
#include "proto/all.def"
#include "wire/undef.h"

const struct wire_msg *wire_row(size_t no);	     /* NULL past the last */
const struct wire_msg *wire_named(const char *wire); /* not records; NULL */
/* By C name; NULL when there is none. */
const struct wire_field *wire_field(const struct wire_msg *, const char *name);

/* ---- reading ---- */

/* One frame, validated, its envelope read, its fields not yet. */
struct frame {
	struct json object;
	const struct wire_msg *msg; /* of its type; NULL when unknown */
	const char *type;	    /* "" when absent */
	const char *reqid;	    /* _reqId, or NULL */
	const char *session;	    /* _session, or NULL */
};

/*
 * Strict JSON object with a type we know? On failure, too, the frame is filled
 * as far as it could be read: after E_UNKNOWN_TYPE type, reqid and session are
 * there and msg is NULL. Whether this end wants such a message is the caller's
 * question.
 */
int frame_open(struct frame *, struct arena *, const char *text, size_t n,
    struct why *);

/* Decode the fields of a message into out (msg->size bytes, any content). The
 * object is of text that json_check passed; ANY fields point into it. */
int wire_decode(const struct wire_msg *, struct json object, void *out,
    struct arena *, struct why *);
/* The same for a whole document of a RECORD row given as text. */
int wire_decode_text(const struct wire_msg *, const char *text, size_t n,
    void *out, struct arena *, struct why *);

/* Are the values of a struct inside the row's limits? For what we send. */
int wire_validate(const struct wire_msg *, const void *in, struct why *);

/* ---- writing ---- */

/*
 * Append {"type":...,"_reqId":...,"_session":...,fields}. reqid and session
 * may be NULL. A RECORD row has no envelope: just the object. When the buffer's
 * maximum is passed nothing is appended and the buffer is marked `over`.
 */
void wire_encode(struct buf *, const struct wire_msg *, const void *in,
    const char *reqid, const char *session);
/* Fields of two records in one object: an act's head and its kind. */
void wire_encode_pair(struct buf *, const struct wire_msg *a, const void *in_a,
    const struct wire_msg *b, const void *in_b);
/* The value as a document for people's scripts: C names, no envelope, every
 * field present; when `only` is not NULL just those it names, comma separated. */
void wire_encode_doc(struct buf *, const struct wire_msg *, const void *in,
    const char *only);

/* ---- describing (protodump.c) ---- */

enum proto_format { PROTO_MARKDOWN, PROTO_JSON_SCHEMA, PROTO_TYPESCRIPT };
void proto_dump(struct buf *, enum proto_format);
/* The fields of one request as a JSON Schema object of its own, on one line. */
void proto_arguments(struct buf *, const struct wire_msg *);

/* ---- which rows were exercised, for the test run ---- */

/* When set, called with each row decoded or encoded: a message, a document, or
 * a record within one. */
extern void (*wire_seen)(const struct wire_msg *, bool encoded);

#endif

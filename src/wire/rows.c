/*
 * rows.c - proto/all.def as data: a row for each message, a row for each field.
 *
 * The table is included five times, its words meaning something else each time:
 * to count the fields, to write each message's array of fields, to write the
 * messages, and to list them twice. The one trick: a field's offset needs the
 * name of its struct, which the field's word does not say. So each array lives
 * in a function of its own, where `here` is that struct.
 *
 * All of it is constant; nothing is built at run time.
 */
#include <string.h>

#include "base/mem.h"
#include "wire/wire.h"

void (*wire_seen)(const struct wire_msg *, bool encoded);

/* ---- how many fields ---- */

#define REQUEST(c, wire, scope, reply, doc) enum { N_##c = 0
#define REPLY(c, wire, doc) enum { N_##c = 0
#define PUSH(c, wire, doc) enum { N_##c = 0
#define RECORD(c, doc) enum { N_##c = 0
/* clang-format off */
#define END };
/* clang-format on */
#define STR(c, wire, min, max, doc) +1
#define INT(c, wire, min, max, doc) +1
#define BOOL(c, wire, doc) +1
#define TIME(c, wire, doc) +1
#define ANY(c, wire, max, doc) +1
#define LIST(c, wire, record, max, doc) +1
#define OBJ(c, wire, record, doc) +1
#define OPT_STR STR
#define OPT_INT INT
#define OPT_BOOL BOOL
#define OPT_TIME TIME
#define OPT_ANY ANY
#define OPT_LIST LIST
#define OPT_OBJ OBJ
#include "proto/all.def"
#include "wire/undef.h"

/* ---- the fields ---- */

/* clang-format off */
#define OPEN(c)						\
	static const struct wire_field *		\
	fields_##c(void)				\
	{						\
		typedef struct c here;			\
		static const struct wire_field row[] = {
#define END						\
			{ .at = sizeof(here) }		\
		};					\
		return row;				\
	}
/* clang-format on */
#define REQUEST(c, wire, scope, reply, doc) OPEN(c)
#define REPLY(c, wire, doc) OPEN(c)
#define PUSH(c, wire, doc) OPEN(c)
#define RECORD(c, doc) OPEN(c)

#define F(c, w, kind, maybe, info)                                           \
	.name = #c, .wire = w, .doc = info,                                  \
	.key = "\"" w "\":", .nkey = sizeof("\"" w "\":") - 1, .type = kind, \
	.opt = maybe, .at = offsetof(here, c)
#define F_STR(c, w, o, lo, hi, d) \
	{ F(c, w, W_STR, o, d), .min = lo, .max = hi },
#define F_INT(c, w, o, lo, hi, d) \
	{ F(c, w, W_INT, o, d), .min = lo, .max = hi },
#define F_BOOL(c, w, o, d) { F(c, w, W_BOOL, o, d) },
#define F_TIME(c, w, o, d) { F(c, w, W_TIME, o, d) },
#define F_ANY(c, w, o, hi, d) { F(c, w, W_ANY, o, d), .max = hi },
#define F_LIST(c, w, o, r, hi, d) \
	{ F(c, w, W_LIST, o, d), .max = hi, .record = &wire_##r },
#define F_OBJ(c, w, o, r, d)                                       \
	{ F(c, w, W_OBJ, o, d), .has_at = offsetof(here, has_##c), \
		.record = &wire_##r },

#define STR(c, w, lo, hi, d) F_STR(c, w, false, lo, hi, d)
#define INT(c, w, lo, hi, d) F_INT(c, w, false, lo, hi, d)
#define BOOL(c, w, d) F_BOOL(c, w, false, d)
#define TIME(c, w, d) F_TIME(c, w, false, d)
#define ANY(c, w, hi, d) F_ANY(c, w, false, hi, d)
#define LIST(c, w, r, hi, d) F_LIST(c, w, false, r, hi, d)
#define OBJ(c, w, r, d) F_OBJ(c, w, false, r, d)
#define OPT_STR(c, w, lo, hi, d) F_STR(c, w, true, lo, hi, d)
#define OPT_INT(c, w, lo, hi, d) F_INT(c, w, true, lo, hi, d)
#define OPT_BOOL(c, w, d) F_BOOL(c, w, true, d)
#define OPT_TIME(c, w, d) F_TIME(c, w, true, d)
#define OPT_ANY(c, w, hi, d) F_ANY(c, w, true, hi, d)
#define OPT_LIST(c, w, r, hi, d) F_LIST(c, w, true, r, hi, d)
#define OPT_OBJ(c, w, r, d) F_OBJ(c, w, true, r, d)
#include "proto/all.def"
#include "wire/undef.h"

/* ---- the messages ---- */

#define M(c, w, k, d)                                            \
	.name = #c, .wire = w, .doc = d, .kind = k, .no = M_##c, \
	.fields = fields_##c, .nfield = N_##c, .size = sizeof(struct c)
#define REQUEST(c, w, s, r, d)                                                \
	const struct wire_msg wire_##c = { M(c, w, W_REQUEST, d), .scope = s, \
		.reply = &wire_##r };
#define REPLY(c, w, d) const struct wire_msg wire_##c = { M(c, w, W_REPLY, d) };
#define PUSH(c, w, d) const struct wire_msg wire_##c = { M(c, w, W_PUSH, d) };
#define RECORD(c, d) const struct wire_msg wire_##c = { M(c, "", W_RECORD, d) };
#define END
#include "wire/nofields.h"
#include "proto/all.def"
#include "wire/undef.h"

static const struct wire_msg *const rows[] = {
#define REQUEST(c, wire, scope, reply, doc) &wire_##c,
#define REPLY(c, wire, doc) &wire_##c,
#define PUSH(c, wire, doc) &wire_##c,
#define RECORD(c, doc) &wire_##c,
#define END
#include "wire/nofields.h"
#include "proto/all.def"
#include "wire/undef.h"
};

/* The length of each row's wire name; 0 for records. A name is looked up by
 * its length first, which leaves a handful to compare. */
static const unsigned char lengths[] = {
#define REQUEST(c, wire, scope, reply, doc) sizeof(wire) - 1,
#define REPLY(c, wire, doc) sizeof(wire) - 1,
#define PUSH(c, wire, doc) sizeof(wire) - 1,
#define RECORD(c, doc) 0,
#define END
#include "wire/nofields.h"
#include "proto/all.def"
#include "wire/undef.h"
};

const struct wire_msg *
wire_row(size_t no)
{
	return no < countof(rows) ? rows[no] : NULL;
}

const struct wire_msg *
wire_named(const char *wire)
{
	const unsigned char *end = lengths + countof(lengths), *p = lengths;
	size_t n = strlen(wire);

	if (n == 0 || n > WIRE_TYPE_MAX)
		return NULL;
	for (; (p = memchr(p, (int)n, (size_t)(end - p))) != NULL; p++) {
		if (memcmp(rows[p - lengths]->wire, wire, n) == 0)
			return rows[p - lengths];
	}
	return NULL;
}

const struct wire_field *
wire_field(const struct wire_msg *m, const char *name)
{
	const struct wire_field *f;

	for (f = m->fields(); f->name != NULL; f++) {
		if (strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

const char *
wire_scope_name(unsigned scope)
{
	static const char *const name[] = {
		[SCOPE_OPEN] = "open",
		[SCOPE_SESSION] = "session",
		[SCOPE_READ] = "read",
		[SCOPE_SEND] = "send",
		[SCOPE_WRITE] = "write",
		[SCOPE_ADMIN] = "admin",
		[SCOPE_LOCAL] = "local",
	};
	size_t i = scope & SCOPE_MASK;

	return i < countof(name) && name[i] != NULL ? name[i] : "";
}

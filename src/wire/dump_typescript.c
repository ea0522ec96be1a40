/*
 * dump_typescript.c - the rows as TypeScript types: an interface for each
 * message and record, the unions, and which reply belongs to which request.
 * Limits stand in the comments, as TypeScript has no words for them.
 */
#include <inttypes.h>
#include <string.h>

#include "wire/dump.h"

static const char *const suffix[] = { [W_REQUEST] = "Request",
	[W_REPLY] = "Reply",
	[W_PUSH] = "Push",
	[W_RECORD] = "" };

/* message_send, a request: MessageSendRequest. message_push: MessagePush. */
static void
type_name(struct buf *b, const struct wire_msg *m)
{
	const char *s, *end = suffix[m->kind];
	size_t from = b->len;
	bool upper = true;
	size_t n = strlen(end);

	for (s = m->name; *s != '\0'; s++) {
		if (*s == '_') {
			upper = true;
			continue;
		}
		buf_addc(b,
		    upper && *s >= 'a' && *s <= 'z' ? (char)(*s - 'a' + 'A')
						    : *s);
		upper = false;
	}
	if (b->len - from < n || strcmp(b->data + b->len - n, end) != 0)
		buf_adds(b, end);
}

static void
field_type(struct buf *b, const struct wire_field *f)
{
	switch (f->type) {
	case W_STR:
	case W_TIME:
		buf_adds(b, "string");
		break;
	case W_INT:
		buf_adds(b, "number");
		break;
	case W_BOOL:
		buf_adds(b, "boolean");
		break;
	case W_ANY:
		buf_adds(b, "unknown");
		break;
	case W_LIST:
	case W_OBJ:
		if (dump_bare(f->record))
			buf_adds(b, "string");
		else
			type_name(b, f->record);
		if (f->type == W_LIST)
			buf_adds(b, "[]");
		break;
	}
}

static void
limits(struct buf *b, const struct wire_field *f)
{
	if (f->type == W_STR && f->min == f->max)
		buf_addf(b, " %" PRId64 " bytes.", f->max);
	else if (f->type == W_STR)
		buf_addf(b, " %" PRId64 " to %" PRId64 " bytes.", f->min,
		    f->max);
	else if (f->type == W_INT)
		buf_addf(b, " %" PRId64 " to %" PRId64 ".", f->min, f->max);
	else if (f->type == W_TIME)
		buf_adds(b, " ISO 8601, UTC, milliseconds.");
	else if (f->type == W_ANY)
		buf_addf(b, " At most %" PRId64 " bytes.", f->max);
	else if (f->type == W_LIST)
		buf_addf(b, " At most %" PRId64 ".", f->max);
}

/* A comment may not hold its own end. */
static void
comment(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		buf_addc(b, *s);
		if (*s == '*' && s[1] == '/')
			buf_addc(b, ' ');
	}
}

static void
interface(struct buf *b, const struct wire_msg *m)
{
	const struct wire_field *f;

	buf_adds(b, "/** ");
	comment(b, m->doc);
	if (m->kind == W_REQUEST)
		buf_addf(b, " Scope: %s.", wire_scope_name(m->scope));
	buf_adds(b, " */\nexport interface ");
	type_name(b, m);
	buf_adds(b, " {\n");
	if (m->kind != W_RECORD)
		buf_addf(b,
		    "\ttype: \"%s\";\n\t_reqId?: string;\n"
		    "\t_session?: string;\n",
		    m->wire);
	for (f = m->fields(); f->name != NULL; f++) {
		buf_adds(b, "\t/** ");
		comment(b, f->doc);
		limits(b, f);
		buf_addf(b, " */\n\t%s%s: ", f->wire, f->opt ? "?" : "");
		field_type(b, f);
		buf_adds(b, ";\n");
	}
	buf_adds(b, "}\n\n");
}

static void
type_union(struct buf *b, const char *name, enum wire_kind kind)
{
	const struct wire_msg *m;
	size_t no;

	buf_addf(b, "export type %s =", name);
	for (no = 0; (m = wire_row(no)) != NULL; no++) {
		if (m->kind == kind) {
			buf_adds(b, "\n\t| ");
			type_name(b, m);
		}
	}
	buf_adds(b, ";\n\n");
}

static void
replies(struct buf *b)
{
	const struct wire_msg *m;
	size_t no;

	buf_adds(b,
	    "/** By the request's type, the reply it gets; or "
	    "ErrorReply. */\nexport interface ReplyTo {\n");
	for (no = 0; (m = wire_row(no)) != NULL; no++) {
		if (m->kind == W_REQUEST) {
			buf_addf(b, "\t%s: ", m->wire);
			type_name(b, m->reply);
			buf_adds(b, ";\n");
		}
	}
	buf_adds(b, "}\n\n");
}

static void
error_codes(struct buf *b)
{
	const struct err_info *e;
	size_t i;

	buf_adds(b,
	    "/** The code of an ErrorReply. */\n"
	    "export type ErrorCode =");
	for (i = 0; (e = err_at(i)) != NULL; i++)
		buf_addf(b, "\n\t| \"%s\"", e->wire);
	buf_adds(b, ";\n");
}

void
dump_typescript(struct buf *b)
{
	const struct wire_msg *m;
	size_t no;

	buf_adds(b,
	    "// The claudemesh protocol. Written by `claudemesh "
	    "protocol`; not to be edited.\n\n");
	for (no = 0; (m = wire_row(no)) != NULL; no++) {
		if (!dump_bare(m))
			interface(b, m);
	}
	type_union(b, "Request", W_REQUEST);
	type_union(b, "Reply", W_REPLY);
	type_union(b, "Push", W_PUSH);
	buf_adds(b, "export type Message = Request | Reply | Push;\n\n");
	replies(b);
	error_codes(b);
}

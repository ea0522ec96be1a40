/*
 * protodump.c - the protocol describes itself: the rows as a reference in
 * Markdown. JSON Schema is dump_schema.c, TypeScript dump_typescript.c.
 *
 * The Markdown says all a client's author needs of messages, fields, limits and
 * errors. How connections, keys and signatures work is for prose elsewhere.
 */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "wire/dump.h"

/* Chapters, each from its first row on. */
static const struct section {
	const struct wire_msg *first;
	const char *title, *about;
} sections[] = {
	{ &wire_text, "Common", "What every domain shares." },
	{ &wire_attestation, "Documents",
	    "The JSON documents that are signed or encrypted. They travel as "
	    "base64 and are never written anew to be verified: a signature "
	    "covers `claudemesh/2/<kind>`, a NUL byte, and then exactly the "
	    "bytes of the document.\n\n"
	    "- A *signed document* is base64 of the signature (64 bytes) and "
	    "the JSON.\n"
	    "- An *act* is base64 of the number of signatures (1 byte), the "
	    "signatures (64 bytes each) and the JSON; its kind is `act` for "
	    "each signature.\n"
	    "- A *body* is base64 of the crypto_box of the signature (64 "
	    "bytes) and the JSON; its kind is `body`.\n\n"
	    "Keys are Ed25519 public keys as 64 lower-case hex digits." },
	{ &wire_challenge, "Sessions",
	    "How a connection begins, and the sessions that speak on it. A "
	    "connection carries any number of sessions. A request says for "
	    "which it speaks in `_session` (a session key); without it, the "
	    "first session that said hello speaks. A push names its session "
	    "in the same field." },
	{ &wire_peer, "Peers",
	    "Presence: who is here, and what they say of themselves. A peer "
	    "is a session. Presence is a lease of 90 s keyed by the session "
	    "key: a connection lost and found again within it is not a "
	    "departure." },
	{ &wire_copy, "Messages",
	    "Direct messages, their queues and receipts. A message is durable "
	    "before it is acknowledged. Every copy gets a sequence number; a "
	    "daemon reads its queue in that order and acknowledges "
	    "cumulatively. The sender's id makes a repeated send harmless: it "
	    "is answered like the first." },
	{ &wire_mesh_create, "Meshes",
	    "Making a mesh, entering it by invite, erasing it." },
	{ &wire_sealed_key, "The roll",
	    "The list of signed acts that says who is a member. The broker "
	    "appends to the head and serves it; every client replays it and "
	    "believes nothing else." },
	{ &wire_local_hello, "The daemon's local socket",
	    "What the daemon's own socket speaks: one JSON object a line, the "
	    "same envelope. Only processes of the daemon's user are answered. "
	    "`_session` names the launched session that speaks (its id); "
	    "without it the home session speaks. `mesh` is a slug or an id, "
	    "needed only when more than one mesh is joined. The replies are "
	    "the documents that `--json` prints. None of this part is spoken "
	    "to a broker." },
};

bool
dump_bare(const struct wire_msg *m)
{
	const struct wire_field *f = m->fields();

	return f->name != NULL && f->wire[0] == '\0';
}

/* Text for a paragraph or a cell: what Markdown would take amiss is escaped. */
static void
prose(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (strchr("|*<", *s) != NULL)
			buf_addc(b, '\\');
		buf_addc(b, *s);
	}
}

static void
type_cell(struct buf *b, const struct wire_field *f)
{
	static const char *const name[] = {
		[W_STR] = "string",
		[W_INT] = "integer",
		[W_BOOL] = "boolean",
		[W_TIME] = "instant",
		[W_ANY] = "any",
		[W_LIST] = "list of ",
		[W_OBJ] = "",
	};

	buf_adds(b, name[f->type]);
	if (f->record != NULL && dump_bare(f->record))
		buf_adds(b, "strings");
	else if (f->record != NULL)
		buf_addf(b, "[%s](#%s)", f->record->name, f->record->name);
}

static void
bytes_cell(struct buf *b, const struct wire_field *f)
{
	if (f->min == f->max)
		buf_addf(b, "%" PRId64 " bytes", f->max);
	else if (f->min > 0)
		buf_addf(b, "%" PRId64 " to %" PRId64 " bytes", f->min, f->max);
	else
		buf_addf(b, "at most %" PRId64 " bytes", f->max);
}

static void
limit_cell(struct buf *b, const struct wire_field *f)
{
	switch (f->type) {
	case W_STR:
	case W_ANY:
		bytes_cell(b, f);
		break;
	case W_INT:
		buf_addf(b, "%" PRId64 " to %" PRId64, f->min, f->max);
		break;
	case W_LIST:
		buf_addf(b, "at most %" PRId64, f->max);
		if (dump_bare(f->record)) {
			buf_adds(b, ", each ");
			bytes_cell(b, f->record->fields());
		}
		break;
	case W_BOOL:
	case W_TIME:
	case W_OBJ:
		break;
	}
}

static void
field_table(struct buf *b, const struct wire_msg *m)
{
	const struct wire_field *f = m->fields();

	if (f->name == NULL) {
		buf_adds(b, "No fields.\n\n");
		return;
	}
	buf_adds(b,
	    "| field | type | required | limits | name in `--json` | "
	    "meaning |\n|---|---|---|---|---|---|\n");
	for (; f->name != NULL; f++) {
		buf_addf(b, "| `%s` | ", f->wire);
		type_cell(b, f);
		buf_addf(b, " | %s | ", f->opt ? "no" : "yes");
		limit_cell(b, f);
		buf_addf(b, " | `%s` | ", f->name);
		prose(b, f->doc);
		buf_adds(b, " |\n");
	}
	buf_addc(b, '\n');
}

static bool
is_local(const struct wire_msg *m)
{
	return (m->scope & SCOPE_MASK) == SCOPE_LOCAL;
}

static void
request_line(struct buf *b, const struct wire_msg *m)
{
	buf_addf(b, ", client to %s, scope *%s*, answered by [`%s`](#%s)",
	    is_local(m) ? "daemon" : "broker", wire_scope_name(m->scope),
	    m->reply->wire, m->reply->name);
	if ((m->scope & ONCE) != 0)
		buf_adds(b,
		    "; repeated with the same `_reqId` it is answered "
		    "like the first time");
	if ((m->scope & LATER) != 0)
		buf_adds(b, "; may take a while");
}

static void
message(struct buf *b, const struct wire_msg *m)
{
	static const char *const kind[] = { [W_REQUEST] = "Request",
		[W_REPLY] = "Reply",
		[W_PUSH] = "Push",
		[W_RECORD] = "Record" };

	/* Headings and anchors go by the C name, which is unique. */
	buf_addf(b, "### %s\n\n", m->name);
	if (m->kind == W_RECORD)
		buf_adds(b, "Record");
	else
		buf_addf(b, "%s, type `%s`", kind[m->kind], m->wire);
	if (m->kind == W_REQUEST)
		request_line(b, m);
	else if (m->kind == W_PUSH)
		buf_adds(b, ", broker to client, unasked");
	buf_adds(b, ".\n\n");
	prose(b, m->doc);
	buf_adds(b, "\n\n");
	if (dump_bare(m)) {
		buf_adds(b, "On the wire just a string of ");
		bytes_cell(b, m->fields());
		buf_adds(b, ".\n\n");
	} else {
		field_table(b, m);
	}
}

/* What is spoken to a broker, or what to the daemon. */
static void
overview(struct buf *b, bool local)
{
	const struct wire_msg *m;
	size_t no;

	buf_adds(b,
	    "| type | kind | scope | answered by | meaning |\n"
	    "|---|---|---|---|---|\n");
	for (no = 0; (m = wire_row(no)) != NULL; no++) {
		if (is_local(m) != local)
			continue;
		if (m->kind == W_REQUEST)
			buf_addf(b, "| [`%s`](#%s) | request | %s | `%s` | ",
			    m->wire, m->name, wire_scope_name(m->scope),
			    m->reply->wire);
		else if (m->kind == W_PUSH)
			buf_addf(b, "| [`%s`](#%s) | push | | | ", m->wire,
			    m->name);
		else
			continue;
		prose(b, m->doc);
		buf_adds(b, " |\n");
	}
	buf_addc(b, '\n');
}

static void
error_table(struct buf *b)
{
	const struct err_info *e;
	size_t i;

	buf_adds(b,
	    "## Errors\n\n"
	    "A request that fails is answered by [`error`](#error), whose `code` "
	    "is one of these. HTTP status and exit status are what the HTTP "
	    "interface and the command line make of it.\n\n"
	    "| code | HTTP | exit | meaning |\n|---|---|---|---|\n");
	for (i = 0; (e = err_at(i)) != NULL; i++)
		buf_addf(b, "| `%s` | %d | %d | %s |\n", e->wire, e->http,
		    e->exit, e->text);
	buf_addc(b, '\n');
}

static const char opening[] =
    "# The claudemesh protocol, row by row\n\n"
    "Written by the program from its own tables (`claudemesh protocol`).\n\n"
    "## Frames\n\n"
    "Every frame is one JSON object: over WebSocket one text message of at "
    "most 1 MiB, on the daemon's local socket one line. It is RFC 8259 and "
    "stricter: valid UTF-8, no duplicate keys, no U+0000 in strings, no lone "
    "surrogates, depth at most 32, at most 4096 members in an object.\n\n"
    "Besides the fields listed below every frame has these:\n\n"
    "| field | type | limits | meaning |\n|---|---|---|---|\n"
    "| `type` | string | 1 to 32 bytes | The message's type. Required. |\n"
    "| `_reqId` | string | 1 to 64 bytes | Chosen by the client for each "
    "request; comes back in its reply or error. |\n"
    "| `_session` | string | 1 to 64 bytes | For which session a request "
    "speaks, or to which a push is addressed. |\n\n"
    "Each request gets exactly one reply, or one `error`, with its `_reqId`, "
    "and what it did is durable by then. Replies may come in another order "
    "than the requests. Pushes come unasked.\n\n"
    "## Fields\n\n"
    "- *string*: limits count bytes of UTF-8, escapes resolved.\n"
    "- *integer*: without fraction or exponent.\n"
    "- *instant*: a string exactly like `2026-11-20T19:13:00.000Z`.\n"
    "- *any*: any JSON value; limits count bytes of its text, which is passed "
    "on as it came.\n"
    "- A field that is not required may be absent or null, which means an "
    "empty string, 0, false, null, an empty list or nothing; a field at that "
    "value is not sent.\n"
    "- Unknown fields are ignored. Fields are added, never changed.\n\n"
    "## Scopes\n\n"
    "Who may send a request: *open*, any connection; *session*, an open "
    "session; *read*, *send* and *write*, a session whose attestation does "
    "not withhold that capability; *admin*, admins of the mesh; *local*, the "
    "daemon's own socket.\n\n";

/* The chapter that begins with this row, if one does. */
static void
chapter(struct buf *b, const struct wire_msg *first)
{
	size_t i;

	for (i = 0; i < countof(sections); i++) {
		if (sections[i].first == first)
			buf_addf(b, "## %s\n\n%s\n\n", sections[i].title,
			    sections[i].about);
	}
	if (first == &wire_local_hello)
		overview(b, true);
}

void
dump_markdown(struct buf *b)
{
	const struct wire_msg *m;
	size_t no;

	buf_adds(b, opening);
	buf_adds(b, "## What a broker speaks\n\n");
	overview(b, false);
	error_table(b);
	for (no = 0; (m = wire_row(no)) != NULL; no++) {
		chapter(b, m);
		message(b, m);
	}
}

void
proto_dump(struct buf *b, enum proto_format format)
{
	switch (format) {
	case PROTO_MARKDOWN:
		dump_markdown(b);
		break;
	case PROTO_JSON_SCHEMA:
		dump_schema(b);
		break;
	case PROTO_TYPESCRIPT:
		dump_typescript(b);
		break;
	}
}

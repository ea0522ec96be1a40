/*
 * dump_schema.c - the rows as one JSON Schema document (draft 2020-12), with
 * a definition for each message and record.
 *
 * JSON Schema counts characters where the rows count bytes, so its lengths are
 * a little more generous; the descriptions give the bytes.
 */
#include <inttypes.h>

#include "wire/dump.h"

static void
member(struct buf *b, const char *name, const char *value)
{
	json_quote(b, name);
	buf_addc(b, ':');
	json_quote(b, value);
}

static void
string_schema(struct buf *b, const struct wire_field *f)
{
	buf_adds(b, "\"type\":\"string\"");
	if (f->min > 0)
		buf_addf(b, ",\"minLength\":%" PRId64, f->min);
	buf_addf(b, ",\"maxLength\":%" PRId64, f->max);
}

static void
list_schema(struct buf *b, const struct wire_field *f)
{
	buf_addf(b, "\"type\":\"array\",\"maxItems\":%" PRId64 ",\"items\":{",
	    f->max);
	if (dump_bare(f->record))
		string_schema(b, f->record->fields());
	else
		buf_addf(b, "\"$ref\":\"#/$defs/%s\"", f->record->name);
	buf_addc(b, '}');
}

static void
value_schema(struct buf *b, const struct wire_field *f)
{
	switch (f->type) {
	case W_STR:
		string_schema(b, f);
		break;
	case W_INT:
		buf_addf(b,
		    "\"type\":\"integer\",\"minimum\":%" PRId64
		    ",\"maximum\":%" PRId64,
		    f->min, f->max);
		break;
	case W_BOOL:
		buf_adds(b, "\"type\":\"boolean\"");
		break;
	case W_TIME:
		buf_adds(b,
		    "\"type\":\"string\",\"format\":\"date-time\","
		    "\"minLength\":24,\"maxLength\":24");
		break;
	case W_ANY:
		buf_addf(b, "\"x-maxBytes\":%" PRId64, f->max);
		break;
	case W_LIST:
		list_schema(b, f);
		break;
	case W_OBJ:
		buf_addf(b, "\"$ref\":\"#/$defs/%s\"", f->record->name);
		break;
	}
}

static void
properties(struct buf *b, const struct wire_msg *m)
{
	const struct wire_field *f;
	bool first = true;

	buf_adds(b, "\"properties\":{");
	if (m->kind != W_RECORD) {
		buf_addf(b, "\"type\":{\"const\":\"%s\"}", m->wire);
		buf_adds(b,
		    ",\"_reqId\":{\"type\":\"string\",\"minLength\":1,"
		    "\"maxLength\":64},\"_session\":{\"type\":\"string\","
		    "\"minLength\":1,\"maxLength\":64}");
		first = false;
	}
	for (f = m->fields(); f->name != NULL; f++, first = false) {
		buf_addf(b, "%s\n\t\"%s\":{", first ? "" : ",", f->wire);
		value_schema(b, f);
		buf_addc(b, ',');
		member(b, "description", f->doc);
		buf_addc(b, ',');
		member(b, "x-name", f->name);
		if (f->type == W_STR)
			buf_addf(b, ",\"x-maxBytes\":%" PRId64, f->max);
		buf_addc(b, '}');
	}
	buf_adds(b, "}");
}

static void
required(struct buf *b, const struct wire_msg *m)
{
	const struct wire_field *f;
	bool first = m->kind == W_RECORD;

	buf_adds(b, ",\n\t\"required\":[");
	if (m->kind != W_RECORD)
		buf_adds(b, "\"type\"");
	for (f = m->fields(); f->name != NULL; f++) {
		if (f->opt)
			continue;
		buf_addf(b, "%s\"%s\"", first ? "" : ",", f->wire);
		first = false;
	}
	buf_addc(b, ']');
}

static void
definition(struct buf *b, const struct wire_msg *m)
{
	static const char *const kind[] = { [W_REQUEST] = "request",
		[W_REPLY] = "reply",
		[W_PUSH] = "push",
		[W_RECORD] = "record" };

	buf_addf(b, "\"%s\":{", m->name);
	member(b, "description", m->doc);
	buf_addc(b, ',');
	member(b, "x-kind", kind[m->kind]);
	if (m->kind == W_REQUEST) {
		buf_addc(b, ',');
		member(b, "x-scope", wire_scope_name(m->scope));
		buf_addf(b, ",\"x-reply\":\"#/$defs/%s\"", m->reply->name);
	}
	buf_adds(b, ",\n\t");
	if (dump_bare(m)) {
		string_schema(b, m->fields());
	} else {
		buf_adds(b, "\"type\":\"object\",");
		properties(b, m);
		required(b, m);
	}
	buf_addc(b, '}');
}

/* The error's code is one of the list. */
static void
error_codes(struct buf *b)
{
	const struct err_info *e;
	size_t i;

	buf_adds(b,
	    ",\n\"error_code\":{\"description\":\"Every code of an "
	    "error.\",\"enum\":[");
	for (i = 0; (e = err_at(i)) != NULL; i++)
		buf_addf(b, "%s\"%s\"", i > 0 ? "," : "", e->wire);
	buf_adds(b, "]}");
}

void
dump_schema(struct buf *b)
{
	const struct wire_msg *m;
	bool first = true;
	size_t no;

	buf_adds(b,
	    "{\"$schema\":"
	    "\"https://json-schema.org/draft/2020-12/schema\",\n"
	    "\"title\":\"claudemesh protocol\",\n\"anyOf\":[");
	for (no = 0; (m = wire_row(no)) != NULL; no++) {
		if (m->kind == W_RECORD)
			continue;
		buf_addf(b, "%s\n{\"$ref\":\"#/$defs/%s\"}", first ? "" : ",",
		    m->name);
		first = false;
	}
	buf_adds(b, "],\n\"$defs\":{\n");
	for (no = 0; (m = wire_row(no)) != NULL; no++) {
		if (no > 0)
			buf_adds(b, ",\n");
		definition(b, m);
	}
	error_codes(b);
	buf_adds(b, "}}\n");
}

/* ---- one request, as the arguments of a tool ---- */

static void
records(struct buf *b, const struct wire_msg *m)
{
	const struct wire_field *f;
	bool first = true;

	for (f = m->fields(); f->name != NULL; f++) {
		if (f->record == NULL || dump_bare(f->record))
			continue;
		buf_adds(b, first ? ",\"$defs\":{" : ",");
		definition(b, f->record);
		first = false;
	}
	if (!first)
		buf_addc(b, '}');
}

void
proto_arguments(struct buf *b, const struct wire_msg *m)
{
	const struct wire_field *f;
	bool first = true;

	buf_adds(b, "{\"type\":\"object\",\"properties\":{");
	for (f = m->fields(); f->name != NULL; f++) {
		buf_addf(b, "%s\"%s\":{", f == m->fields() ? "" : ",", f->wire);
		value_schema(b, f);
		buf_addc(b, ',');
		member(b, "description", f->doc);
		buf_addc(b, '}');
	}
	buf_adds(b, "},\"required\":[");
	for (f = m->fields(); f->name != NULL; f++) {
		if (f->opt)
			continue;
		buf_addf(b, "%s\"%s\"", first ? "" : ",", f->wire);
		first = false;
	}
	buf_adds(b, "],\"additionalProperties\":false");
	records(b, m);
	buf_addc(b, '}');
}

/*
 * encode.c - the structs of the rows into JSON: on the wire, and as documents
 * for people's scripts.
 *
 * What was decoded encodes to the same values. What does not fit its buffer
 * leaves it as it was, and marked `over`: never half a frame among others.
 */
#include <string.h>

#include "base/clock.h"
#include "wire/path.h"

struct list { /* as LIST is laid out */
	size_t n;
	const char *v;
};

static const char *
str_at(const char *in, const struct wire_field *f)
{
	const char *s = *(const char *const *)(const void *)(in + f->at);

	return s == NULL ? "" : s;
}

static int64_t
int_at(const char *in, const struct wire_field *f)
{
	return *(const int64_t *)(const void *)(in + f->at);
}

static struct json
any_at(const char *in, const struct wire_field *f)
{
	return *(const struct json *)(const void *)(in + f->at);
}

static struct list
list_at(const char *in, const struct wire_field *f)
{
	struct list l;

	memcpy(&l.n, in + f->at, sizeof(l.n));
	memcpy(&l.v, in + f->at + sizeof(l.n), sizeof(l.v));
	return l;
}

static bool
has(const char *in, const struct wire_field *f)
{
	return *(const bool *)(in + f->has_at);
}

/* Is a field at the value that stands for absent? */
static bool
absent(const char *in, const struct wire_field *f)
{
	switch (f->type) {
	case W_STR:
		return *str_at(in, f) == '\0';
	case W_INT:
	case W_TIME:
		return int_at(in, f) == 0;
	case W_BOOL:
		return !*(const bool *)(in + f->at);
	case W_ANY:
		return any_at(in, f).p == NULL || json_is_null(any_at(in, f));
	case W_LIST:
		return list_at(in, f).n == 0;
	case W_OBJ:
		return !has(in, f);
	}
	return true;
}

/* For the test run: this row was written. */
static void
note(const struct wire_msg *m)
{
	if (wire_seen != NULL)
		wire_seen(m, true);
}

/* ---- values ---- */

struct out {
	struct buf *b;
	bool doc;	  /* for people: C names, every field */
	const char *only; /* of the outermost document, or NULL */
};

static void put_object(const struct out *, const struct wire_msg *,
    const char *in);

static void
put_int(struct buf *b, int64_t v)
{
	char digits[24], *p = digits + sizeof(digits);
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;

	do {
		*--p = (char)('0' + u % 10);
		u /= 10;
	} while (u > 0);
	if (v < 0)
		*--p = '-';
	buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

static void
put_time(struct buf *b, int64_t at)
{
	char iso[CLOCK_ISO_LEN + 3];

	clock_iso(iso + 1, at);
	iso[0] = iso[CLOCK_ISO_LEN + 1] = '"';
	buf_add(b, iso, CLOCK_ISO_LEN + 2);
}

static void
put_any(struct buf *b, struct json v)
{
	if (v.p == NULL)
		buf_add(b, "null", 4);
	else
		buf_add(b, v.p, v.n);
}

static void
put_list(const struct out *o, const struct wire_msg *record, struct list l)
{
	const struct wire_field *f = record->fields();
	bool bare = f->name != NULL && f->wire[0] == '\0';
	const char *item = l.v;
	size_t i;

	buf_addc(o->b, '[');
	for (i = 0; i < l.n; i++, item += record->size) {
		if (i > 0)
			buf_addc(o->b, ',');
		if (!bare) {
			put_object(o, record, item);
			continue;
		}
		note(record);
		json_quote(o->b, str_at(item, f));
	}
	buf_addc(o->b, ']');
}

static void
put_value(const struct out *o, const struct wire_field *f, const char *in)
{
	switch (f->type) {
	case W_STR:
		json_quote(o->b, str_at(in, f));
		break;
	case W_INT:
		put_int(o->b, int_at(in, f));
		break;
	case W_BOOL:
		buf_adds(o->b, *(const bool *)(in + f->at) ? "true" : "false");
		break;
	case W_TIME:
		put_time(o->b, int_at(in, f));
		break;
	case W_ANY:
		put_any(o->b, any_at(in, f));
		break;
	case W_LIST:
		put_list(o, f->record, list_at(in, f));
		break;
	case W_OBJ:
		put_object(o, f->record, in + f->at);
		break;
	}
}

/* ---- objects ---- */

static void
put_fields(struct out *o, const struct wire_msg *m, const char *in, bool first)
{
	const struct wire_field *f;

	for (f = m->fields(); f->name != NULL; f++) {
		if (f->opt && absent(in, f))
			continue;
		if (!first)
			buf_addc(o->b, ',');
		first = false;
		buf_add(o->b, f->key, f->nkey);
		put_value(o, f, in);
	}
}

/* Is name among the comma-separated words of list? */
static bool
listed(const char *list, const char *name)
{
	size_t n = strlen(name), len;

	for (;; list += len + 1) {
		len = strcspn(list, ",");
		if (len == n && memcmp(list, name, n) == 0)
			return true;
		if (list[len] == '\0')
			return false;
	}
}

static void
put_doc_fields(const struct out *o, const struct wire_msg *m, const char *in)
{
	struct out inner = { o->b, true, NULL };
	const struct wire_field *f;
	bool first = true, none;

	for (f = m->fields(); f->name != NULL; f++) {
		if (o->only != NULL && !listed(o->only, f->name))
			continue;
		buf_adds(o->b, first ? "\"" : ",\"");
		buf_adds(o->b, f->name);
		buf_adds(o->b, "\":");
		first = false;
		none = (f->type == W_TIME || (f->type == W_OBJ && f->opt)) &&
		    absent(in, f);
		if (none)
			buf_adds(o->b, "null");
		else
			put_value(&inner, f, in);
	}
}

static void
put_object(const struct out *o, const struct wire_msg *m, const char *in)
{
	struct out inner = { o->b, o->doc, NULL };

	note(m);
	buf_addc(o->b, '{');
	if (o->doc)
		put_doc_fields(o, m, in);
	else
		put_fields(&inner, m, in, true);
	buf_addc(o->b, '}');
}

/* The end of an object that began when the buffer held `from` bytes. */
static void
close_object(struct buf *b, size_t from)
{
	if (buf_addc(b, '}') == 0 && !b->over)
		return;
	b->len = from;
	if (b->data != NULL)
		b->data[from] = '\0';
}

void
wire_encode(struct buf *b, const struct wire_msg *m, const void *in,
    const char *reqid, const char *session)
{
	struct out o = { b, false, NULL };
	bool bare = m->kind == W_RECORD;
	size_t from = b->len;

	note(m);
	buf_addc(b, '{');
	if (!bare) {
		buf_adds(b, "\"type\":\"");
		buf_adds(b, m->wire);
		buf_addc(b, '"');
	}
	if (reqid != NULL && !bare) {
		buf_adds(b, ",\"_reqId\":");
		json_quote(b, reqid);
	}
	if (session != NULL && !bare) {
		buf_adds(b, ",\"_session\":");
		json_quote(b, session);
	}
	put_fields(&o, m, in, bare);
	close_object(b, from);
}

void
wire_encode_pair(struct buf *b, const struct wire_msg *one, const void *in_one,
    const struct wire_msg *two, const void *in_two)
{
	struct out o = { b, false, NULL };
	size_t from = b->len, before;

	note(one);
	note(two);
	buf_addc(b, '{');
	before = b->len;
	put_fields(&o, one, in_one, true);
	put_fields(&o, two, in_two, b->len == before);
	close_object(b, from);
}

void
wire_encode_doc(struct buf *b, const struct wire_msg *m, const void *in,
    const char *only)
{
	struct out o = { b, true, only };
	size_t from = b->len;

	buf_addc(b, '{');
	put_doc_fields(&o, m, in);
	close_object(b, from);
}

/*
 * decode.c - JSON into the structs of the rows, by one loop over the members
 * of an object.
 *
 * The text was checked once by json_check; here it is only taken apart. A
 * struct is filled wholly or the decoding fails: nothing is half right.
 * Strings and lists are put in the arena, ANY fields stay where they came in.
 * Members no row knows are passed over.
 */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "wire/path.h"

struct in {
	struct arena *arena;
	struct why *why;
};

static int decode(const struct in *, const struct wire_msg *, struct json,
    char *out, const struct path *);

static const char *
kind_name(struct json v)
{
	static const char *const name[] = {
		[JSON_NONE] = "nothing",
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "a list",
		[JSON_STRING] = "a string",
		[JSON_NUMBER] = "a number",
		[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",
		[JSON_NULL_] = "null",
	};

	return name[json_kind(v)];
}

static int
bad_kind(const struct in *in, const struct path *at, struct json v,
    const char *wanted)
{
	return path_fault(at, in->why, E_BAD_FIELD, "is %s; it must be %s",
	    kind_name(v), wanted);
}

/* For the test run: this row was read. */
static void
note(const struct wire_msg *m)
{
	if (wire_seen != NULL)
		wire_seen(m, false);
}

/* ---- one value ---- */

static int
decode_str(const struct in *in, const struct wire_field *f, struct json v,
    const char **out, const struct path *at)
{
	bool plain;
	size_t n;
	int rc;

	if (json_kind(v) != JSON_STRING)
		return bad_kind(in, at, v, "a string");
	plain = memchr(v.p, '\\', v.n) == NULL;
	n = plain ? v.n - 2 : json_string_len(v);
	rc = path_bytes(at, f, n, in->why);
	if (rc < 0)
		return rc;
	if (plain)
		*out = arena_strndup(in->arena, v.p + 1, n);
	else
		*out = json_string(in->arena, v, NULL);
	return OK;
}

static bool
is_integer(struct json v)
{
	size_t i;

	for (i = 0; i < v.n; i++) {
		if (v.p[i] == '.' || v.p[i] == 'e' || v.p[i] == 'E')
			return false;
	}
	return true;
}

static int
decode_int(const struct in *in, const struct wire_field *f, struct json v,
    int64_t *out, const struct path *at)
{
	if (json_kind(v) != JSON_NUMBER)
		return bad_kind(in, at, v, "a number");
	if (json_int(v, out) == 0)
		return path_range(at, f, *out, in->why);
	if (!is_integer(v))
		return path_fault(at, in->why, E_BAD_FIELD,
		    "is a number with a fraction or an exponent; it must be "
		    "a whole one");
	return path_fault(at, in->why, E_OUT_OF_RANGE,
	    "is a number of %zu digits, out of its range", v.n);
}

static int
decode_bool(const struct in *in, struct json v, bool *out,
    const struct path *at)
{
	enum json_kind kind = json_kind(v);

	if (kind != JSON_TRUE && kind != JSON_FALSE)
		return bad_kind(in, at, v, "true or false");
	*out = kind == JSON_TRUE;
	return OK;
}

static int
decode_time(const struct in *in, struct json v, int64_t *out,
    const struct path *at)
{
	char iso[CLOCK_ISO_LEN + 1];

	if (json_kind(v) != JSON_STRING)
		return bad_kind(in, at, v, "a string");
	if (v.n != CLOCK_ISO_LEN + 2)
		return path_fault(at, in->why, E_BAD_FIELD,
		    "is no instant like 2026-11-20T19:13:00.000Z");
	memcpy(iso, v.p + 1, CLOCK_ISO_LEN);
	iso[CLOCK_ISO_LEN] = '\0';
	if (clock_parse(iso, out) < 0)
		return path_fault(at, in->why, E_BAD_FIELD,
		    "is no instant like 2026-11-20T19:13:00.000Z");
	return OK;
}

static int
decode_item(const struct in *in, const struct wire_msg *record, struct json v,
    char *out, const struct path *at)
{
	const struct wire_field *f = record->fields();
	int rc;

	if (f->name == NULL || f->wire[0] != '\0')
		return decode(in, record, v, out, at);
	rc = decode_str(in, f, v, (const char **)(out + f->at), at);
	if (rc == OK) /* a bare string */
		note(record);
	return rc;
}

static int
decode_list(const struct in *in, const struct wire_field *f, struct json v,
    char *out, const struct path *up)
{
	struct path at = { up, NULL, 0 };
	struct json_iter it = { 0 };
	struct json item;
	size_t n = 0;
	char *items;
	int rc;

	if (json_kind(v) != JSON_ARRAY)
		return bad_kind(in, up, v, "a list");
	while (json_next(v, &it, NULL, &item))
		n++;
	rc = path_items(up, f, n, in->why);
	if (rc < 0 || n == 0)
		return rc;
	items = arena_alloc(in->arena, n * f->record->size);
	memcpy(out, &n, sizeof(n));
	memcpy(out + sizeof(n), &items, sizeof(items));
	it = (struct json_iter){ 0 };
	for (at.no = 0; json_next(v, &it, NULL, &item); at.no++) {
		rc = decode_item(in, f->record, item,
		    items + at.no * f->record->size, &at);
		if (rc < 0)
			return rc;
	}
	return OK;
}

static int
decode_any(const struct in *in, const struct wire_field *f, struct json v,
    struct json *out, const struct path *at)
{
	*out = v;
	return path_bytes(at, f, v.n, in->why);
}

static int
decode_field(const struct in *in, const struct wire_field *f, struct json v,
    char *out, const struct path *at)
{
	char *to = out + f->at;

	switch (f->type) {
	case W_STR:
		return decode_str(in, f, v, (const char **)(void *)to, at);
	case W_INT:
		return decode_int(in, f, v, (int64_t *)(void *)to, at);
	case W_BOOL:
		return decode_bool(in, v, (bool *)to, at);
	case W_TIME:
		return decode_time(in, v, (int64_t *)(void *)to, at);
	case W_ANY:
		return decode_any(in, f, v, (struct json *)(void *)to, at);
	case W_LIST:
		return decode_list(in, f, v, to, at);
	case W_OBJ:
		*(bool *)(out + f->has_at) = true;
		return decode(in, f->record, v, to, at);
	}
	return E_INTERNAL;
}

/* ---- one object ---- */

/* Everything absent. */
static void
clear(const struct wire_msg *m, char *out)
{
	const struct wire_field *f;

	memset(out, 0, m->size);
	for (f = m->fields(); f->name != NULL; f++) {
		if (f->type == W_STR)
			*(const char **)(void *)(out + f->at) = "";
		else if (f->type == W_OBJ)
			clear(f->record, out + f->at);
	}
}

/* The row of a key. Frames are mostly written in the order of the rows, so the
 * search begins behind the last one found. */
static size_t
find(const struct wire_field *row, size_t n, size_t from, struct json key)
{
	size_t tried, i = from;

	for (tried = 0; tried < n; tried++, i++) {
		if (i >= n)
			i = 0;
		if (json_key_is(key, row[i].wire))
			return i;
	}
	return n;
}

static int
missing(const struct in *in, const struct wire_msg *m, uint64_t seen,
    const struct path *up)
{
	const struct wire_field *row = m->fields();
	struct path at = { up, NULL, 0 };
	size_t i;

	for (i = 0; i < m->nfield; i++) {
		at.name = row[i].wire;
		if (!row[i].opt && (seen >> i & 1) == 0)
			return path_fault(&at, in->why, E_MISSING_FIELD,
			    "is missing");
	}
	return OK;
}

static int
decode(const struct in *in, const struct wire_msg *m, struct json object,
    char *out, const struct path *up)
{
	const struct wire_field *row = m->fields();
	struct path at = { up, NULL, 0 };
	struct json_iter it = { 0 };
	struct json key, v;
	uint64_t seen = 0;
	size_t i, next = 0;
	int rc;

	assert(m->nfield <= 64);
	clear(m, out);
	if (json_kind(object) != JSON_OBJECT)
		return bad_kind(in, up, object, "an object");
	while (json_next(object, &it, &key, &v)) {
		i = find(row, m->nfield, next, key);
		if (i == m->nfield)
			continue;
		next = i + 1;
		seen |= UINT64_C(1) << i;
		if (row[i].opt && json_is_null(v))
			continue; /* as good as absent */
		at.name = row[i].wire;
		rc = decode_field(in, &row[i], v, out, &at);
		if (rc < 0)
			return rc;
	}
	rc = missing(in, m, seen, up);
	if (rc == OK)
		note(m);
	return rc;
}

int
wire_decode(const struct wire_msg *m, struct json object, void *out,
    struct arena *a, struct why *why)
{
	struct in in = { a, why };

	return decode(&in, m, object, out, NULL);
}

static int
check(const char *text, size_t n, struct json *object, struct why *why)
{
	const char *fault;
	size_t at;

	if (json_check(text, n, object, &fault, &at) < 0)
		return why_set(why, E_BAD_JSON,
		    "not strict JSON: %s at byte %zu", fault, at);
	if (json_kind(*object) != JSON_OBJECT)
		return why_set(why, E_BAD_JSON, "%s where an object belongs",
		    kind_name(*object));
	return OK;
}

int
wire_decode_text(const struct wire_msg *m, const char *text, size_t n,
    void *out, struct arena *a, struct why *why)
{
	struct json object;
	int rc = check(text, n, &object, why);

	if (rc == OK)
		rc = wire_decode(m, object, out, a, why);
	return rc;
}

/* ---- the envelope ---- */

static const struct wire_field row_type = {
	.wire = "type",
	.type = W_STR,
	.min = 1,
	.max = WIRE_TYPE_MAX,
};
static const struct wire_field row_reqid = {
	.wire = "_reqId",
	.type = W_STR,
	.min = 1,
	.max = WIRE_REQID_MAX,
};
static const struct wire_field row_session = {
	.wire = "_session",
	.type = W_STR,
	.min = 1,
	.max = WIRE_REQID_MAX,
};

/* *out stays as it is unless the string is good. */
static int
envelope(const struct in *in, const struct wire_field *f, struct json v,
    const char **out)
{
	struct path at = { NULL, f->wire, 0 };

	if (v.p == NULL || (json_is_null(v) && f != &row_type))
		return OK;
	return decode_str(in, f, v, out, &at);
}

int
frame_open(struct frame *fr, struct arena *a, const char *text, size_t n,
    struct why *why)
{
	struct json_iter it = { 0 };
	struct json key, v, type = { 0 }, reqid = { 0 }, session = { 0 };
	struct in in = { a, why };
	int rc;

	*fr = (struct frame){ .type = "" };
	rc = check(text, n, &fr->object, why);
	if (rc < 0)
		return rc;
	while (json_next(fr->object, &it, &key, &v)) {
		if (json_key_is(key, row_type.wire))
			type = v;
		else if (json_key_is(key, row_reqid.wire))
			reqid = v;
		else if (json_key_is(key, row_session.wire))
			session = v;
	}
	if ((rc = envelope(&in, &row_reqid, reqid, &fr->reqid)) < 0 ||
	    (rc = envelope(&in, &row_session, session, &fr->session)) < 0 ||
	    (rc = envelope(&in, &row_type, type, &fr->type)) < 0)
		return rc;
	if (type.p == NULL)
		return why_field(why, E_MISSING_FIELD, "type",
		    "'type' is missing");
	fr->msg = wire_named(fr->type);
	if (fr->msg == NULL)
		return why_field(why, E_UNKNOWN_TYPE, "type", NULL);
	return OK;
}

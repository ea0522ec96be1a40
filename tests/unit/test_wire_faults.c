/*
 * test_wire_faults.c - for every field of every row: is each fault refused,
 * with the right code, naming the field and the limit? And does what we check
 * before sending agree with what the other end checks?
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "wire_sample.h"

#define BIG (16 * 1024 * 1024)

static struct arena arena;
static struct buf frame, altered;
static struct why why;

static int
setup(void **state)
{
	(void)state;
	buf_init(&frame, BIG);
	buf_init(&altered, BIG);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	buf_fini(&frame);
	buf_fini(&altered);
	return 0;
}

#define each_row(m, no)               \
	(no) = 0;                     \
	((m) = wire_row(no)) != NULL; \
	(no)++
#define each_field(f, m)     \
	(f) = (m)->fields(); \
	(f)->name != NULL;   \
	(f)++

/* Decodes a whole text as the row; the envelope, too, when it has one. */
static int
decode_as(const struct wire_msg *m, const struct buf *text, void **out)
{
	struct frame fr;
	int rc;

	memset(&why, 0, sizeof(why));
	*out = arena_alloc(&arena, m->size);
	if (m->kind == W_RECORD)
		return wire_decode_text(m, text->data, text->len, *out, &arena,
		    &why);
	rc = frame_open(&fr, &arena, text->data, text->len, &why);
	if (rc < 0)
		return rc;
	assert_ptr_equal(fr.msg, m);
	return wire_decode(m, fr.object, *out, &arena, &why);
}

static void
encode_sample(const struct wire_msg *m, enum sample kind, void **sample)
{
	*sample = sample_make(&arena, m, kind);
	buf_clear(&frame);
	wire_encode(&frame, m, *sample, "r1", NULL);
	assert_false(frame.over);
}

/* ---- faults, field by field ---- */

/* The frame with one field's value replaced, or dropped when value is NULL. */
static void
alter(const struct wire_field *f, const char *value)
{
	struct json object = { frame.data, frame.len }, key, v;
	struct json_iter it = { 0 };
	bool first = true;

	buf_clear(&altered);
	buf_addc(&altered, '{');
	while (json_next(object, &it, &key, &v)) {
		if (json_key_is(key, f->wire))
			continue;
		buf_addf(&altered, "%s\"%.*s\":", first ? "" : ",", (int)key.n,
		    key.p);
		buf_add(&altered, v.p, v.n);
		first = false;
	}
	if (value != NULL) {
		buf_addf(&altered, "%s\"%s\":", first ? "" : ",", f->wire);
		buf_adds(&altered, value);
	}
	buf_addc(&altered, '}');
	assert_false(altered.over);
}

/* Is the frame with this value refused with the code, naming the field? */
static void
expect(const struct wire_msg *m, const struct wire_field *f, const char *value,
    int code, const char *limit)
{
	char path[80], quoted[90];
	void *out;
	int rc;

	alter(f, value);
	rc = decode_as(m, &altered, &out);
	if (rc != code)
		fail_msg("%s.%s = %.40s: %s (%s)", m->name, f->name,
		    value == NULL ? "nothing" : value, err_info(rc)->wire,
		    why.text);
	if (code == OK)
		return;
	snprintf(path, sizeof(path), "%s", f->wire);
	snprintf(quoted, sizeof(quoted), "'%s' ", f->wire);
	assert_int_equal(why.code, code);
	assert_string_equal(why.field, path);
	assert_int_equal(strncmp(why.text, quoted, strlen(quoted)), 0);
	if (limit != NULL && strstr(why.text, limit) == NULL)
		fail_msg("no '%s' in: %s", limit, why.text);
}

/* n bytes of JSON string: quotes around n letters. */
static const char *
long_text(size_t n, const char *letter)
{
	struct buf b;
	const char *s;
	size_t i;

	buf_init(&b, BIG);
	buf_addc(&b, '"');
	for (i = 0; i < n; i++)
		buf_adds(&b, letter);
	buf_addc(&b, '"');
	s = arena_strndup(&arena, b.data, b.len);
	buf_fini(&b);
	return s;
}

static void
str_faults(const struct wire_msg *m, const struct wire_field *f)
{
	size_t max = (size_t)f->max, min = (size_t)f->min;
	char limit[64];

	snprintf(limit, sizeof(limit), "%zu bytes; at most %zu", max + 1, max);
	expect(m, f, long_text(max + 1, "x"), E_TOO_LONG, limit);
	expect(m, f, long_text(max, "x"), OK, NULL);
	expect(m, f, long_text(max, "\\u0041"), OK, NULL);
	expect(m, f, long_text(max + 1, "\\u0041"), E_TOO_LONG, limit);
	snprintf(limit, sizeof(limit), "at most %zu", max);
	expect(m, f, long_text(max / 2 + 1, "\xc3\xa9"), E_TOO_LONG, limit);
	if (min == 0 || (f->opt && min == 1))
		return;
	snprintf(limit, sizeof(limit), "%zu bytes; at least %zu", min - 1, min);
	expect(m, f, long_text(min - 1, "x"), E_TOO_SHORT, limit);
}

static void
int_faults(const struct wire_msg *m, const struct wire_field *f)
{
	char v[64], limit[64];

	snprintf(limit, sizeof(limit), "from %lld to %lld", (long long)f->min,
	    (long long)f->max);
	snprintf(v, sizeof(v), "%lld", (long long)f->max + 1);
	expect(m, f, v, E_OUT_OF_RANGE, limit);
	snprintf(v, sizeof(v), "%lld", (long long)f->min - 1);
	if (!(f->opt && f->min == 1))
		expect(m, f, v, E_OUT_OF_RANGE, limit);
	snprintf(v, sizeof(v), "%lld.0", (long long)f->max);
	expect(m, f, v, E_BAD_FIELD, "whole");
	expect(m, f, "1e0", E_BAD_FIELD, "whole");
	expect(m, f, "99999999999999999999", E_OUT_OF_RANGE, "20 digits");
	expect(m, f, "-9223372036854775809", E_OUT_OF_RANGE, NULL);
	snprintf(v, sizeof(v), "%lld", (long long)f->min);
	expect(m, f, v, OK, NULL);
}

static void
time_faults(const struct wire_msg *m, const struct wire_field *f)
{
	expect(m, f, "\"\"", E_BAD_FIELD, "instant");
	expect(m, f, "\"2026-11-20T19:13:00Z\"", E_BAD_FIELD, "instant");
	expect(m, f, "\"2026-13-20T19:13:00.000Z\"", E_BAD_FIELD, "instant");
	expect(m, f, "\"2026-11-20T19:13:00.000z\"", E_BAD_FIELD, "instant");
	expect(m, f, "\"2026-11-20T19:13:00.\\u0030\"", E_BAD_FIELD, NULL);
	expect(m, f, "\"2026-11-20T19:13:00.000Z\"", OK, NULL);
}

static void
list_faults(const struct wire_msg *m, const struct wire_field *f)
{
	char path[80], limit[80];
	void *out;
	struct buf b;
	int64_t i;

	buf_init(&b, BIG);
	for (i = 0; i <= f->max; i++)
		buf_adds(&b, i == 0 ? "[0" : ",0");
	buf_adds(&b, "]");
	snprintf(limit, sizeof(limit), "%lld items; at most %lld",
	    (long long)f->max + 1, (long long)f->max);
	expect(m, f, b.data, E_TOO_LONG, limit);
	buf_fini(&b);
	expect(m, f, "[]", OK, NULL);

	alter(f, "[7]");
	assert_int_equal(decode_as(m, &altered, &out), E_BAD_FIELD);
	snprintf(path, sizeof(path), "%s[0]", f->wire);
	assert_string_equal(why.field, path);
}

static void
any_faults(const struct wire_msg *m, const struct wire_field *f)
{
	size_t max = (size_t)f->max;

	expect(m, f, long_text(max - 2, "x"), OK, NULL);
	expect(m, f, long_text(max - 1, "x"), E_TOO_LONG, "at most");
}

static bool
accepts(const struct wire_field *f, enum json_kind kind)
{
	switch (f->type) {
	case W_STR:
	case W_TIME:
		return kind == JSON_STRING;
	case W_INT:
		return kind == JSON_NUMBER;
	case W_BOOL:
		return kind == JSON_TRUE || kind == JSON_FALSE;
	case W_ANY:
		return true;
	case W_LIST:
		return kind == JSON_ARRAY;
	case W_OBJ:
		return kind == JSON_OBJECT;
	}
	return false;
}

static void
kind_faults(const struct wire_msg *m, const struct wire_field *f)
{
	static const char *const value[] = { "{}", "[]", "\"x\"", "1", "true",
		"false" };
	size_t i;

	for (i = 0; i < sizeof(value) / sizeof(value[0]); i++) {
		if (!accepts(f, json_kind((struct json){ value[i], 1 })))
			expect(m, f, value[i], E_BAD_FIELD, "must be");
	}
	expect(m, f, NULL, f->opt ? OK : E_MISSING_FIELD, "missing");
	expect(m, f, "null", f->opt || f->type == W_ANY ? OK : E_BAD_FIELD,
	    "is null");
}

/* The fault of a nested field is named by its path. */
static void
nested_faults(const struct wire_msg *m, const struct wire_field *f)
{
	const struct wire_field *g;
	char path[160];
	void *out;

	for (each_field(g, f->record)) {
		if (g->opt || g->wire[0] == '\0')
			continue;
		alter(f, f->type == W_LIST ? "[{}]" : "{}");
		assert_int_equal(decode_as(m, &altered, &out), E_MISSING_FIELD);
		snprintf(path, sizeof(path),
		    f->type == W_LIST ? "%s[0].%s" : "%s.%s", f->wire, g->wire);
		assert_string_equal(why.field, path);
		return;
	}
}

static void
field_faults(const struct wire_msg *m, const struct wire_field *f)
{
	kind_faults(m, f);
	switch (f->type) {
	case W_STR:
		str_faults(m, f);
		break;
	case W_INT:
		int_faults(m, f);
		break;
	case W_TIME:
		time_faults(m, f);
		break;
	case W_ANY:
		any_faults(m, f);
		break;
	case W_LIST:
		list_faults(m, f);
		nested_faults(m, f);
		break;
	case W_OBJ:
		nested_faults(m, f);
		break;
	case W_BOOL:
		expect(m, f, "false", OK, NULL);
		break;
	}
}

static void
every_fault_of_every_field(void **state)
{
	const struct wire_msg *m;
	const struct wire_field *f;
	void *in;
	size_t no;

	(void)state;
	for (each_row(m, no)) {
		for (each_field(f, m)) {
			encode_sample(m, SAMPLE_PLAIN, &in);
			field_faults(m, f);
			arena_reset(&arena);
		}
	}
}

/* An optional field that is null decodes like one that is absent. */
static void
null_is_absent(void **state)
{
	const struct wire_msg *m;
	const struct wire_field *f;
	void *in, *with, *without;
	size_t no;

	(void)state;
	for (each_row(m, no)) {
		for (each_field(f, m)) {
			if (!f->opt)
				continue;
			encode_sample(m, SAMPLE_PLAIN, &in);
			alter(f, "null");
			assert_int_equal(decode_as(m, &altered, &with), OK);
			alter(f, NULL);
			assert_int_equal(decode_as(m, &altered, &without), OK);
			assert_true(sample_same(m, with, without));
			assert_false(sample_same(m, in, with));
			arena_reset(&arena);
		}
	}
}

/* Members in another order, escaped keys, unknown members among them. */
static void
order_and_strangers_do_not_matter(void **state)
{
	const struct wire_field strange = { .wire = "strange" };
	const struct wire_msg *m;
	const struct wire_field *f;
	void *in, *out;
	char key[16];
	size_t no;

	(void)state;
	for (each_row(m, no)) {
		encode_sample(m, SAMPLE_PLAIN, &in);
		for (each_field(f, m)) {
			struct json v =
			    json_member((struct json){ frame.data, frame.len },
				f->wire);
			char *text = arena_strndup(&arena, v.p, v.n);

			alter(f, text); /* moves it to the end */
			buf_clear(&frame);
			buf_add(&frame, altered.data, altered.len);
		}
		alter(&strange, "{\"a\":[1,{\"b\":null}]}");
		assert_int_equal(decode_as(m, &altered, &out), OK);
		assert_true(sample_same(m, in, out));
		arena_reset(&arena);
	}
	snprintf(key, sizeof(key), "st\\u0061tus");
	buf_clear(&frame);
	buf_addf(&frame, "{\"%s\":\"dnd\",\"type\":\"set_status\"}", key);
	assert_int_equal(decode_as(&wire_peer_status, &frame, &out), OK);
	assert_string_equal(((struct peer_status *)out)->status, "dnd");
}

/* ---- what we are about to send ---- */

static void
spoil(const struct wire_field *f, char *v, int *code)
{
	int64_t over = f->max + 1;
	size_t n = (size_t)f->max + 1;
	const char *s;

	*code = E_TOO_LONG;
	if (f->type == W_STR) {
		s = long_text((size_t)f->max - 1, "x"); /* and two quotes */
		memcpy(v + f->at, &s, sizeof(s));
	} else if (f->type == W_INT) {
		memcpy(v + f->at, &over, sizeof(over));
		*code = E_OUT_OF_RANGE;
	} else if (f->type == W_TIME) {
		over = INT64_C(253402300800000);
		memcpy(v + f->at, &over, sizeof(over));
		*code = E_OUT_OF_RANGE;
	} else if (f->type == W_LIST) {
		memcpy(v + f->at, &n, sizeof(n));
	} else if (f->type == W_ANY) {
		struct json any = { "{]", 2 };

		memcpy(v + f->at, &any, sizeof(any));
		*code = E_BAD_FIELD;
	} else {
		*code = OK;
	}
}

static void
validate_finds_what_decode_would(void **state)
{
	struct peer_summary not_utf8 = { .summary = "\xff" };
	struct peer_status none = { .status = NULL };
	const struct wire_msg *m;
	const struct wire_field *f;
	size_t no;
	char *v;
	int code;

	(void)state;
	for (each_row(m, no)) {
		for (each_field(f, m)) {
			v = sample_make(&arena, m, SAMPLE_PLAIN);
			spoil(f, v, &code);
			assert_int_equal(wire_validate(m, v, &why), code);
			if (code != OK)
				assert_string_equal(why.field, f->wire);
			arena_reset(&arena);
		}
	}
	assert_int_equal(wire_validate(&wire_peer_summary, &not_utf8, &why),
	    E_BAD_FIELD);
	assert_int_equal(wire_validate(&wire_peer_status, &none, &why),
	    E_MISSING_FIELD);
}

static void
validate_goes_inside(void **state)
{
	struct copy copies[2] = { { .target_spec = "t", .ciphertext = "c" },
		{ .target_spec = "t", .nonce = "n", .ciphertext = "c" } };
	struct message_send in = { .id = "12345678",
		.target_spec = "t",
		.priority = "now",
		.ciphertext = "c",
		.nonce = "12345678901234567890123456789012",
		.copies = { 2, copies } };
	struct roll_appended appended = { .roll.head = "ab" };
	struct message_ack ack = { .has_cursor = false };

	(void)state;
	copies[0].nonce = in.nonce;
	assert_int_equal(wire_validate(&wire_message_send, &in, &why),
	    E_TOO_SHORT);
	assert_string_equal(why.field, "copies[1].nonce");
	assert_string_equal(why.text,
	    "'copies[1].nonce' is 1 bytes; at least 32");
	copies[1].nonce = in.nonce;
	assert_int_equal(wire_validate(&wire_message_send, &in, &why), OK);

	assert_int_equal(wire_validate(&wire_roll_appended, &appended, &why),
	    E_TOO_SHORT);
	assert_string_equal(why.field, "roll.head");
	/* An optional object is looked at only when it is there. */
	assert_int_equal(wire_validate(&wire_message_ack, &ack, &why), OK);
	ack.has_cursor = true;
	assert_int_equal(wire_validate(&wire_message_ack, &ack, &why),
	    E_MISSING_FIELD);
	assert_string_equal(why.field, "cursor.history");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fault_of_every_field),
		cmocka_unit_test(null_is_absent),
		cmocka_unit_test(order_and_strangers_do_not_matter),
		cmocka_unit_test(validate_finds_what_decode_would),
		cmocka_unit_test(validate_goes_inside),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

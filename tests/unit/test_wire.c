/*
 * test_wire.c - the table of rows held to account: every row there and back.
 *
 * No message is named here but where it stands for all: samples are made
 * from the rows, so a new row is tested by being added.
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
static struct buf frame;
static struct why why;

static int
setup(void **state)
{
	(void)state;
	buf_init(&frame, BIG);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	buf_fini(&frame);
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

/* ---- the table itself ---- */

static void
check_row(const struct wire_msg *m)
{
	const struct wire_field *f, *g;

	assert_true(m->nfield <= 64);
	for (each_field(f, m)) {
		assert_ptr_equal(wire_field(m, f->name), f);
		assert_true(f->min <= f->max);
		assert_true(f->doc[0] != '\0');
		for (g = m->fields(); g < f; g++)
			assert_string_not_equal(f->wire, g->wire);
		if (m->kind == W_RECORD)
			continue;
		assert_true(f->wire[0] != '\0' && f->wire[0] != '_');
		assert_string_not_equal(f->wire, "type");
	}
	assert_int_equal(f - m->fields(), m->nfield);
}

static void
rows_are_sound(void **state)
{
	const struct wire_msg *m;
	size_t no;

	(void)state;
	for (each_row(m, no)) {
		assert_int_equal(m->no, no);
		assert_true(m->doc[0] != '\0');
		check_row(m);
		if (m->kind == W_RECORD) {
			assert_string_equal(m->wire, "");
			continue;
		}
		assert_true(strlen(m->wire) <= WIRE_TYPE_MAX);
		assert_ptr_equal(wire_named(m->wire), m); /* unique */
		if (m->kind == W_REQUEST) {
			assert_int_equal(m->reply->kind, W_REPLY);
			assert_string_not_equal(wire_scope_name(m->scope), "");
		}
	}
	assert_int_equal(no, M_COUNT_);
	assert_null(wire_named(""));
	assert_null(wire_named("sen"));
	assert_null(wire_named("senD"));
	assert_null(wire_field(&wire_message_send, "targetSpec"));
	assert_non_null(wire_field(&wire_message_send, "target_spec"));
}

static void
errors_are_sound(void **state)
{
	const struct err_info *e;
	size_t i;

	(void)state;
	for (i = 0; (e = err_at(i)) != NULL; i++) {
		assert_true(e->code < 0);
		assert_ptr_equal(err_info(e->code), e);
		assert_ptr_equal(err_named(e->wire), e); /* unique */
		assert_in_range(e->http, 400, 599);
		assert_in_range(e->exit, 1, 7);
		assert_true(strlen(e->wire) <= 32);
	}
	assert_string_equal(err_info(E_QUOTA)->wire, "quota");
	assert_string_equal(err_info(E_QUOTA)->name, "E_QUOTA");
	assert_int_equal(err_info(E_NOT_FOUND)->exit, 3);
	assert_int_equal(err_info(OK)->exit, 0);
	assert_int_equal(err_info(-5)->code, E_INTERNAL);
	assert_int_equal(err_info(7)->code, E_INTERNAL);
	assert_int_equal(err_info(E_FIRST_)->code, E_INTERNAL);
	assert_null(err_named("nonsense"));
}

static void
why_is_filled(void **state)
{
	char many[400];

	(void)state;
	memset(many, 'x', sizeof(many));
	memcpy(many + 253, "\xf0\x9f\x98\x80", 4);
	many[399] = '\0';
	assert_int_equal(why_set(NULL, E_STORE, "no"), E_STORE);
	assert_int_equal(why_field(&why, E_QUOTA, "f", NULL), E_QUOTA);
	assert_string_equal(why.text, err_info(E_QUOTA)->text);
	assert_string_equal(why.field, "f");
	assert_int_equal(why_set(&why, E_STORE, "%s", many), E_STORE);
	assert_int_equal(why.code, E_STORE);
	assert_string_equal(why.field, "");
	assert_int_equal(strlen(why.text), 253); /* not half a character */
}

/* ---- there and back ---- */

static void
round_trip(const struct wire_msg *m, enum sample kind)
{
	void *in, *out;
	struct buf again;
	int rc;

	encode_sample(m, kind, &in);
	assert_int_equal(wire_validate(m, in, &why), OK);
	rc = decode_as(m, &frame, &out);
	if (rc != OK)
		fail_msg("%s: %s", m->name, why.text);
	if (!sample_same(m, in, out))
		fail_msg("%s differs: %s", m->name, buf_str(&frame));

	buf_init(&again, BIG);
	wire_encode(&again, m, out, "r1", NULL);
	assert_string_equal(buf_str(&again), buf_str(&frame));
	buf_fini(&again);
	arena_reset(&arena);
}

static void
every_row_round_trips(void **state)
{
	const struct wire_msg *m;
	size_t no;

	(void)state;
	for (each_row(m, no)) {
		round_trip(m, SAMPLE_LEAST);
		round_trip(m, SAMPLE_PLAIN);
		round_trip(m, SAMPLE_ODD);
	}
}

static void
defaults_are_left_out(void **state)
{
	struct peer_profile in = { .title = NULL, .bio = "" };
	struct peer with_null = { .profile = { "null", 4 } };

	(void)state;
	buf_clear(&frame);
	wire_encode(&frame, &wire_peer_profile, &in, NULL, NULL);
	assert_string_equal(buf_str(&frame), "{\"type\":\"set_profile\"}");
	buf_clear(&frame);
	wire_encode(&frame, &wire_peer, &with_null, NULL, NULL);
	assert_null(strstr(buf_str(&frame), "profile"));
	assert_non_null(strstr(buf_str(&frame), "\"pubkey\":\"\""));
}

static void
envelope_is_written(void **state)
{
	struct peer_status in = { .status = "idle" };
	struct cursor cursor = { .history = "h", .seq = -7 };

	(void)state;
	buf_clear(&frame);
	wire_encode(&frame, &wire_peer_status, &in, "a\"b", "s");
	assert_string_equal(buf_str(&frame),
	    "{\"type\":\"set_status\",\"_reqId\":\"a\\\"b\","
	    "\"_session\":\"s\",\"status\":\"idle\"}");
	buf_clear(&frame);
	wire_encode(&frame, &wire_cursor, &cursor, "r", "s");
	assert_string_equal(buf_str(&frame), "{\"history\":\"h\",\"seq\":-7}");
}

/* A buffer too small by any amount keeps what it had, and says so. */
static void
a_full_buffer_keeps_its_frames(void **state)
{
	struct buf small;
	void *in;
	size_t max;

	(void)state;
	encode_sample(&wire_peers_list, SAMPLE_PLAIN, &in);
	for (max = 3; max < frame.len + 3; max += 7) {
		buf_init(&small, max);
		buf_adds(&small, "abc");
		wire_encode(&small, &wire_peers_list, in, "r1", NULL);
		assert_true(small.over);
		assert_string_equal(buf_str(&small), "abc");
		assert_int_equal(small.len, 3);
		buf_fini(&small);
	}
	arena_reset(&arena);
}

static void
check_pair(const struct wire_msg *kind)
{
	void *head = sample_make(&arena, &wire_act, SAMPLE_PLAIN);
	void *tail = sample_make(&arena, kind, SAMPLE_PLAIN), *out;

	buf_clear(&frame);
	wire_encode_pair(&frame, &wire_act, head, kind, tail);
	assert_int_equal(decode_as(&wire_act, &frame, &out), OK);
	assert_true(sample_same(&wire_act, head, out));
	assert_int_equal(decode_as(kind, &frame, &out), OK);
	assert_true(sample_same(kind, tail, out));
	arena_reset(&arena);
}

static void
acts_are_pairs(void **state)
{
	const struct wire_msg *m;
	size_t no;
	int n = 0;

	(void)state;
	for (each_row(m, no)) {
		if (strncmp(m->name, "act_", 4) == 0) {
			check_pair(m);
			n++;
		}
	}
	assert_true(n >= 8);
}

/* ---- documents for scripts ---- */

static size_t
members(struct json object)
{
	struct json_iter it = { 0 };
	struct json key, v;
	size_t n = 0;

	while (json_next(object, &it, &key, &v))
		n++;
	return n;
}

static void
check_doc(const struct wire_msg *m, enum sample kind)
{
	const struct wire_field *f;
	const char *fault;
	struct json doc;

	buf_clear(&frame);
	wire_encode_doc(&frame, m, sample_make(&arena, m, kind), NULL);
	assert_int_equal(json_check(frame.data, frame.len, &doc, &fault, NULL),
	    0);
	assert_int_equal(members(doc), m->nfield);
	for (each_field(f, m))
		assert_non_null(json_member(doc, f->name).p);
	arena_reset(&arena);
}

static void
documents_have_every_field(void **state)
{
	const struct wire_msg *m;
	size_t no;

	(void)state;
	for (each_row(m, no)) {
		check_doc(m, SAMPLE_LEAST);
		check_doc(m, SAMPLE_PLAIN);
		check_doc(m, SAMPLE_ODD);
	}
}

static void
documents_speak_c_names(void **state)
{
	struct text caps[] = { { .s = "a" }, { .s = "b" } };
	struct peer_group groups[] = { { .name = "g" } };
	struct peer peer = { .pubkey = "k",
		.display_name = "n",
		.connected_at = 1,
		.groups = { 1, groups } };
	struct peer_profile profile = { .capabilities = { 2, caps } };
	struct session_hello hello = { .pid = 7 };

	(void)state;
	buf_clear(&frame);
	wire_encode_doc(&frame, &wire_peer, &peer,
	    "display_name,groups,connected_at,last_seen_at,profile,nonsense,home");
	assert_string_equal(buf_str(&frame),
	    "{\"display_name\":\"n\",\"groups\":[{\"name\":\"g\",\"role\":\"\"}],"
	    "\"connected_at\":\"1970-01-01T00:00:00.001Z\","
	    "\"last_seen_at\":null,\"home\":false,\"profile\":null}");
	buf_clear(&frame);
	wire_encode_doc(&frame, &wire_peer_profile, &profile,
	    "capabilities,title");
	assert_string_equal(buf_str(&frame),
	    "{\"title\":\"\",\"capabilities\":[\"a\",\"b\"]}");
	buf_clear(&frame);
	wire_encode_doc(&frame, &wire_session_hello, &hello, "pid,cursor");
	assert_string_equal(buf_str(&frame), "{\"cursor\":null,\"pid\":7}");
	buf_clear(&frame);
	wire_encode_doc(&frame, &wire_session_hello, &hello, "");
	assert_string_equal(buf_str(&frame), "{}");
}

/* ---- the hook ---- */

static int seen[M_COUNT_][2];

static void
saw(const struct wire_msg *m, bool encoded)
{
	seen[m->no][encoded]++;
}

static void
the_hook_sees_messages(void **state)
{
	const struct wire_msg *m;
	void *in, *out;
	size_t no;

	(void)state;
	wire_seen = saw;
	for (each_row(m, no)) {
		memset(seen, 0, sizeof(seen));
		encode_sample(m, SAMPLE_PLAIN, &in);
		assert_int_equal(decode_as(m, &frame, &out), OK);
		assert_int_equal(seen[no][true], 1);
		assert_int_equal(seen[no][false], 1);
		arena_reset(&arena);
	}
	memset(seen, 0, sizeof(seen)); /* records within a message, too */
	encode_sample(&wire_message_send, SAMPLE_PLAIN, &in);
	assert_int_equal(seen[M_copy][true], 2);
	assert_int_equal(decode_as(&wire_message_send, &frame, &out), OK);
	assert_int_equal(seen[M_copy][false], 2);
	encode_sample(&wire_mesh_create, SAMPLE_PLAIN, &in);
	assert_int_equal(seen[M_blob][true], 2);
	assert_int_equal(decode_as(&wire_mesh_create, &frame, &out), OK);
	assert_int_equal(seen[M_blob][false], 2);
	memset(seen, 0, sizeof(seen));
	buf_clear(&frame);
	buf_adds(&frame, "{\"type\":\"set_status\"}"); /* a field is missing */
	assert_int_equal(decode_as(&wire_peer_status, &frame, &out),
	    E_MISSING_FIELD);
	assert_int_equal(seen[M_peer_status][false], 0);
	wire_seen = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test(errors_are_sound),
		cmocka_unit_test(why_is_filled),
		cmocka_unit_test(every_row_round_trips),
		cmocka_unit_test(defaults_are_left_out),
		cmocka_unit_test(envelope_is_written),
		cmocka_unit_test(a_full_buffer_keeps_its_frames),
		cmocka_unit_test(acts_are_pairs),
		cmocka_unit_test(documents_have_every_field),
		cmocka_unit_test(documents_speak_c_names),
		cmocka_unit_test(the_hook_sees_messages),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

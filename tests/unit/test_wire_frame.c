/*
 * test_wire_frame.c - the envelope, and input that means harm: what cannot be
 * read is refused with a reason, and with the request's id when it could still
 * be found.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "wire/wire.h"

#define BIG (16 * 1024 * 1024)
#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16

static struct arena arena;
static struct frame fr;
static struct why why;

static int
teardown(void **state)
{
	(void)state;
	arena_reset(&arena);
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static int
open_text(const char *text)
{
	memset(&why, 0, sizeof(why));
	return frame_open(&fr, &arena, text, strlen(text), &why);
}

static void
refused(const char *text, int code, const char *field)
{
	int rc = open_text(text);

	if (rc != code)
		fail_msg("%.60s: %s, %s", text, err_info(rc)->wire, why.text);
	assert_int_equal(why.code, code);
	assert_string_equal(why.field, field);
	assert_string_not_equal(why.text, "");
}

static void
a_good_envelope(void **state)
{
	(void)state;
	assert_int_equal(open_text(
			     " {\"status\":\"x\",\"_session\":\"s\\u0031\","
			     "\"_reqId\":\"r\",\"type\":\"set_status\"}\n"),
	    OK);
	assert_ptr_equal(fr.msg, &wire_peer_status);
	assert_string_equal(fr.type, "set_status");
	assert_string_equal(fr.reqid, "r");
	assert_string_equal(fr.session, "s1");
	assert_int_equal(fr.object.p[0], '{');
	assert_int_equal(fr.object.p[fr.object.n - 1], '}');

	assert_int_equal(open_text("{\"type\":\"mesh_info\",\"_reqId\":null,"
				   "\"_session\":null}"),
	    OK);
	assert_null(fr.reqid);
	assert_null(fr.session);
	assert_int_equal(open_text("{\"t\\u0079pe\":\"mesh\\u005finfo\"}"), OK);
	assert_ptr_equal(fr.msg, &wire_mesh_info);
	assert_int_equal(open_text("{\"type\":\"mesh_info\",\"_reqId\":\"" X64
				   "\",\"_session\":\"" X64 "\"}"),
	    OK);
	assert_string_equal(fr.session, X64);
}

static void
a_bad_envelope(void **state)
{
	(void)state;
	refused("{}", E_MISSING_FIELD, "type");
	refused("{\"type\":null}", E_BAD_FIELD, "type");
	refused("{\"type\":1}", E_BAD_FIELD, "type");
	refused("{\"type\":[\"send\"]}", E_BAD_FIELD, "type");
	refused("{\"type\":\"\"}", E_TOO_SHORT, "type");
	refused("{\"type\":\"" X64 "\"}", E_TOO_LONG, "type");
	assert_non_null(strstr(why.text, "64 bytes; at most 32"));
	refused("{\"type\":\"send\",\"_reqId\":7}", E_BAD_FIELD, "_reqId");
	refused("{\"type\":\"send\",\"_reqId\":\"\"}", E_TOO_SHORT, "_reqId");
	refused("{\"type\":\"send\",\"_reqId\":\"" X64 "y\"}", E_TOO_LONG,
	    "_reqId");
	assert_null(fr.reqid);
	refused("{\"type\":\"send\",\"_session\":{}}", E_BAD_FIELD, "_session");
	refused("{\"type\":\"send\",\"_session\":\"" X64 "y\"}", E_TOO_LONG,
	    "_session");
}

/* An error can be answered by id even when the rest is wrong. */
static void
the_id_is_found_first(void **state)
{
	(void)state;
	refused("{\"type\":\"nonsense\",\"_reqId\":\"r9\",\"_session\":\"s\"}",
	    E_UNKNOWN_TYPE, "type");
	assert_null(fr.msg);
	assert_string_equal(fr.type, "nonsense");
	assert_string_equal(fr.reqid, "r9");
	assert_string_equal(fr.session, "s");
	refused("{\"_reqId\":\"r9\"}", E_MISSING_FIELD, "type");
	assert_string_equal(fr.reqid, "r9");
	assert_string_equal(fr.type, "");
	refused("{\"_reqId\":\"r9\",\"_session\":1}", E_BAD_FIELD, "_session");
	assert_string_equal(fr.reqid, "r9");
	refused("{\"_reqId\":\"r9\",\"type\":\"body\"}", E_UNKNOWN_TYPE,
	    "type");
	refused("{\"type\":\"message_send\"}", E_UNKNOWN_TYPE, "type");
}

static void
what_is_not_strict_json(void **state)
{
	static const char *const bad[] = { "", " ", "{", "null", "[]", "7",
		"\"type\"", "[{\"type\":\"mesh_info\"}]",
		"{\"type\":\"mesh_info\"}{}", "{\"type\":\"mesh_info\",}",
		"{'type':'mesh_info'}", "{\"type\":\"mesh_info\"}\x01",
		"{\"type\":\"send\",\"type\":\"mesh_info\"}",
		"{\"type\":\"send\",\"t\\u0079pe\":\"mesh_info\"}",
		"{\"type\":\"mesh_info\",\"x\":\"\\u0000\"}",
		"{\"type\":\"mesh_info\",\"x\":\"\\ud800\"}",
		"{\"type\":\"mesh_info\",\"x\":\"\xff\"}",
		"{\"type\":\"mesh_info\",\"x\":\"\xc0\x80\"}",
		"{\"type\":\"mesh_info\",\"x\":01}",
		"{\"type\":\"mesh_info\",\"x\":NaN}",
		"\xef\xbb\xbf{\"type\":\"mesh_info\"}" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		refused(bad[i], E_BAD_JSON, "");
		assert_null(fr.msg);
		assert_null(fr.reqid);
		assert_string_equal(fr.type, "");
	}
	assert_int_equal(frame_open(&fr, &arena, "{\"type\":\"ok\"}\0", 14,
			     &why),
	    E_BAD_JSON);
	assert_int_equal(frame_open(&fr, &arena, "{\"type\":\"o", 10, NULL),
	    E_BAD_JSON);
}

/* Repeats a text n times between two others. */
static char *
repeat(const char *head, const char *text, size_t n, const char *tail)
{
	struct buf b;
	char *s;

	buf_init(&b, BIG);
	buf_adds(&b, head);
	while (n-- > 0)
		buf_adds(&b, text);
	buf_adds(&b, tail);
	s = arena_strndup(&arena, b.data, b.len);
	buf_fini(&b);
	return s;
}

static void
what_would_be_too_much(void **state)
{
	struct message_send out;
	struct buf b;
	int i;

	(void)state;
	refused(repeat("{\"x\":", "[", 100000, ""), E_BAD_JSON, "");
	assert_non_null(strstr(why.text, "depth"));
	refused(repeat("", "{\"x\":", 40, ""), E_BAD_JSON, "");

	buf_init(&b, BIG);
	buf_adds(&b, "{\"type\":\"send\"");
	for (i = 0; i < 5000; i++)
		buf_addf(&b, ",\"x%d\":0", i);
	buf_adds(&b, "}");
	refused(b.data, E_BAD_JSON, "");
	buf_fini(&b);

	/* A list that is too long is refused before it has memory. */
	assert_int_equal(open_text(repeat("{\"type\":\"send\",\"copies\":[{}",
			     ",{}", 100000, "]}")),
	    OK);
	assert_int_equal(wire_decode(fr.msg, fr.object, &out, &arena, &why),
	    E_TOO_LONG);
	assert_string_equal(why.text, "'copies' has 100001 items; at most 100");
}

/* No value of a frame, which may be a secret, gets into a sentence. */
static void
sentences_are_discreet(void **state)
{
	static const char *const text[] = {
		"{\"type\":\"SECRET\"}",
		"{\"type\":\"set_status\",\"status\":\"SECRETSECRET\"}",
		"{\"type\":\"set_status\",\"status\":[\"SECRET\"]}",
		"{\"type\":\"set_status\",\"SECRET\":1}",
		"{\"type\":\"set_status\",\"SECRET\":}",
	};
	struct peer_status out;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		rc = open_text(text[i]);
		if (rc == OK)
			rc = wire_decode(fr.msg, fr.object, &out, &arena, &why);
		assert_true(rc < 0);
		assert_null(strstr(why.text, "SECRET"));
	}
}

static void
a_path_names_the_nested(void **state)
{
	static const char nonce[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	struct message_send out;
	char text[1024];

	(void)state;
	snprintf(text, sizeof(text),
	    "{\"type\":\"send\",\"id\":\"12345678\",\"targetSpec\":\"t\","
	    "\"priority\":\"now\",\"nonce\":\"%s\",\"ciphertext\":\"c\","
	    "\"copies\":[{\"targetSpec\":\"t\",\"nonce\":\"%s\","
	    "\"ciphertext\":\"c\"},{\"targetSpec\":\"t\",\"nonce\":\"%sA\","
	    "\"ciphertext\":\"c\"}]}",
	    nonce, nonce, nonce);
	assert_int_equal(open_text(text), OK);
	assert_int_equal(wire_decode(fr.msg, fr.object, &out, &arena, &why),
	    E_TOO_LONG);
	assert_string_equal(why.field, "copies[1].nonce");
	assert_string_equal(why.text,
	    "'copies[1].nonce' is 33 bytes; at most 32");
	assert_int_equal(wire_decode(fr.msg, fr.object, &out, &arena, NULL),
	    E_TOO_LONG);
}

/* Absent fields are empty, not NULL, whatever the memory held before. */
static void
absent_is_empty(void **state)
{
	struct session_hello hello;
	struct json object = { "{\"meshId\":1}", 12 };
	struct message_push push;
	struct peer_profile profile;

	(void)state;
	memset(&profile, 0xa5, sizeof(profile));
	assert_int_equal(open_text("{\"type\":\"set_profile\"}"), OK);
	assert_int_equal(wire_decode(fr.msg, fr.object, &profile, &arena, &why),
	    OK);
	assert_string_equal(profile.avatar, "");
	assert_int_equal(profile.capabilities.n, 0);

	memset(&hello, 0xa5, sizeof(hello));
	assert_int_equal(wire_decode(&wire_session_hello, object, &hello,
			     &arena, &why),
	    E_BAD_FIELD);
	assert_false(hello.has_cursor);
	assert_string_equal(hello.cursor.history, "");
	assert_int_equal(wire_decode(&wire_message_push, object, &push, &arena,
			     &why),
	    E_BAD_FIELD);
	assert_null(push.event_data.p);
}

static void
a_document_is_an_object(void **state)
{
	struct roll_point p;

	(void)state;
	assert_int_equal(wire_decode_text(&wire_roll_point, "[]", 2, &p, &arena,
			     &why),
	    E_BAD_JSON);
	assert_int_equal(wire_decode_text(&wire_roll_point, "{}", 2, &p, &arena,
			     &why),
	    E_MISSING_FIELD);
	assert_string_equal(why.field, "n");
	assert_int_equal(wire_decode_text(&wire_roll_point, "{} x", 4, &p,
			     &arena, &why),
	    E_BAD_JSON);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_good_envelope, teardown),
		cmocka_unit_test_teardown(a_bad_envelope, teardown),
		cmocka_unit_test_teardown(the_id_is_found_first, teardown),
		cmocka_unit_test_teardown(what_is_not_strict_json, teardown),
		cmocka_unit_test_teardown(what_would_be_too_much, teardown),
		cmocka_unit_test_teardown(sentences_are_discreet, teardown),
		cmocka_unit_test_teardown(a_path_names_the_nested, teardown),
		cmocka_unit_test_teardown(absent_is_empty, teardown),
		cmocka_unit_test_teardown(a_document_is_an_object, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, finish);
}

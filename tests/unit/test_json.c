/*
 * test_json.c - json.h: what is accepted and what is refused, the walkers,
 * and agreement with jansson wherever both follow the same rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/jansson_says.h"

struct text {
	const char *p;
	size_t n;
};
#define T(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const struct text accepted[] = {
	T("{}"),
	T("[]"),
	T("null"),
	T("true"),
	T("false"),
	T("0"),
	T("-0"),
	T("\"\""),
	T(" \t\r\n[]\n\r\t "),
	T("[[]]"),
	T("[{}]"),
	T("{\"a\":[]}"),
	T("[1,2,3]"),
	T("[ 1 , 2 ]"),
	T("{ \"a\" : 1 , \"b\" : 2 }"),
	T("1.5"),
	T("1e5"),
	T("1E+5"),
	T("1e-5"),
	T("-1.25e10"),
	T("0.0"),
	T("0e1"),
	T("0e+1"),
	T("-0.0"),
	T("[20e1]"),
	T("123456789"),
	T("\"a\""),
	T("\"plain text that is longer than sixteen bytes\""),
	T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
	T("\"\\u0041\""),
	T("\"\\u00e9\\u20AC\""),
	T("\"\\uD83D\\uDE00\""),
	T("\"\\u001f\""),
	T("\"\\uFFFF\""),
	T("\"\\uFDD0\""),
	T("\"\x7f\""),
	T("\"\xc3\xa9\""),
	T("\"\xe2\x82\xac\""),
	T("\"\xf0\x9f\x98\x80\""),
	T("\"\xf4\x8f\xbf\xbf\""),
	T("\"\xee\x80\x80\""),
	T("\"\xed\x9f\xbf\""),
	T("{\"\":0}"),
	T("{\"a\":1,\"A\":2}"),
	T("{\"a\":{\"a\":{\"a\":1}}}"),
	T("[{\"a\":1},{\"a\":1}]"),
	T("{\"\\u0061\":1,\"b\":1}"),
	T("{\"a\\\\\":1,\"a\\\"\":1}"),
	T("[\"\\\\\",\"\\\"\"]"),
	T("[null,true,false,0,\"x\",{},[]]"),
	T("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
	  "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"), /* 32 deep */
	T("\"1234567\\n\""),
	T("\"12345678\\n\""),
	T("\"\xc2\x80\""),
};

static const struct text refused[] = {
	T(""), T(" "), T("\n"), T("{"), T("["), T("}"), T("]"), T("\""),
	T("[1"), T("[1,"), T("[1,]"), T("[,1]"), T("[1,,2]"), T("[,]"),
	T("[1 2]"), T("[}"), T("{]"), T("[1}"), T("{\"a\":1]"), T("[]]"),
	T("{\"a\"}"), T("{\"a\":}"), T("{\"a\":1,}"), T("{,\"a\":1}"),
	T("{\"a\":1 \"b\":2}"), T("{a:1}"), T("{'a':1}"), T("{1:1}"),
	T("{\"a\" 1}"), T("{\"a\"::1}"), T("{null:1}"), T("{\"a\":1"),
	T("{\"a\":1,\"a\":2}"), T("{\"a\":1,\"b\":2,\"a\":3}"),
	T("{\"a\":1,\"\\u0061\":2}"), T("{\"\\u00e9\":1,\"\xc3\xa9\":2}"),
	T("{\"x\":{\"a\":1,\"a\":1}}"), T("{\"\":1,\"\":2}"),
	T("{\"\\/\":1,\"/\":2}"), T("1 2"), T("nul"), T("nulll"), T("True"),
	T("NaN"), T("Infinity"), T("-Infinity"), T("undefined"), T("tru"),
	T("truE"), T("+1"), T("01"), T("-01"), T("1."), T(".1"), T("1.e1"),
	T("-"), T("1e"), T("1e+"), T("1e1.5"), T("0x10"), T("1_000"), T("--1"),
	T("1a"), T("- 1"), T("1.2.3"), T("2.e+3"), T("0.e1"), T("00"), T("'a'"),
	T("\"a"), T("\"\\\""), T("\"\\x41\""), T("\"\\a\""), T("\"\\u004\""),
	T("\"\\u00g0\""), T("\"\\u\""), T("\"\\U0041\""), T("\"\\\""),
	T("\"\\"), T("\"\\uD800\""), T("\"\\uDC00\""), T("\"\\uD800\\uD800\""),
	T("\"\\uD83Dx\""), T("\"\\uD83D\\n\""), T("\"\\uDE00\\uD83D\""),
	T("\"\\u0000\""), T("\"a\0b\""), T("\"\0\""), T("\"\n\""), T("\"\t\""),
	T("\"\x1f\""), T("\"12345678\n12345678\""),
	T("\"1234567\x1f 12345678\""), T("\"\\uD83D\\uE000\""), T("\"\x80\""),
	T("\"\xc3\""), T("\"\xc0\xaf\""), T("\"\xe0\x80\xaf\""),
	T("\"\xed\xa0\x80\""), T("\"\xf4\x90\x80\x80\""), T("\"\xf8\x88\""),
	T("\"\xff\""), T("\"\xc3\x28\""), T("\"\xe2\x82\""), T("\"\xfe\xff\""),
	T("\"12345678\xff\""), T("\"\xf0\x80\x80\x80\""), T("\"\xc1\xbf\""),
	T("\xef\xbb\xbf{}"), T("[]\0"), T("\0"), T("[\0]"), T("\xa0[]"),
	T("[1]x"), T("[1],"), T("{}{}"), T("// c\n1"), T("/* c */1"), T("[1]#"),
	T("\v1"), T("\f1"), T("[\xe2\x81\xa0]"), T("{\"a\":\"b\"}/**/"),
	T("[\"a\",\n4\n,1,"), T("[1:2]"), T("\\u0031"),
	T("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
	  "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"), /* 33 deep */
};

/* Every text in a block of exactly its size, so ASan sees a byte too far. */
static int
check_exact(struct text t, struct json *out, const char **why, size_t *at)
{
	char *copy = mem_dup(t.p, t.n);
	int rc = json_check(copy, t.n, out, why, at);

	mem_free(copy);
	return rc;
}

static void
accepts(void **state)
{
	struct json out;
	const char *why = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < countof(accepted); i++) {
		if (check_exact(accepted[i], &out, &why, NULL) != 0)
			fail_msg("refused: %s (%s)", accepted[i].p, why);
	}
}

static void
refuses(void **state)
{
	struct json out;
	const char *why;
	size_t i, at;

	(void)state;
	for (i = 0; i < countof(refused); i++) {
		why = NULL;
		if (check_exact(refused[i], &out, &why, &at) == 0)
			fail_msg("accepted: %s", refused[i].p);
		assert_non_null(why);
		assert_true(at <= refused[i].n);
	}
}

static void
says_why_and_where(void **state)
{
	struct json out;
	const char *why;
	size_t at;

	(void)state;
	assert_int_equal(json_check("{\"a\":1,\"a\":2}", 13, &out, &why, &at),
	    -1);
	assert_string_equal(why, "duplicate key");
	assert_int_equal(at, 10);
	assert_int_equal(json_check("[1,x]", 5, &out, &why, &at), -1);
	assert_int_equal(at, 3);
	assert_int_equal(json_check(" [1] ", 5, &out, &why, &at), 0);
	assert_int_equal(out.n, 3);
	assert_memory_equal(out.p, "[1]", 3);
}

/* The tables hold nothing on which the two differ by design, but the depth. */
static void
agrees_with_jansson(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < countof(accepted); i++) {
		if (!jansson_accepts(accepted[i].p, accepted[i].n))
			fail_msg("jansson refuses %s", accepted[i].p);
	}
	for (i = 0; i + 1 < countof(refused); i++) { /* but the depth */
		if (jansson_accepts(refused[i].p, refused[i].n))
			fail_msg("jansson accepts %s", refused[i].p);
	}
}

/* Random edits of good texts: both readers must give the same verdict. */
static void
agrees_when_mutated(void **state)
{
	static const char bytes[] = "{}[]\":,\\u0019.eE+-tfn ad/\n\xc3\xa9";
	uint64_t seed = 88172645463325252;
	struct json out;
	const char *why;
	char copy[128];
	int round, edit;

	(void)state;
	for (round = 0; round < 60000; round++) {
		struct text t = accepted[(size_t)round % countof(accepted)];

		memcpy(copy, t.p, t.n);
		for (edit = 0; edit < 2 && t.n > 0; edit++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			copy[seed % t.n] =
			    bytes[(seed >> 20) % (sizeof(bytes) - 1)];
		}
		t.p = copy;
		if (memchr(copy, 'E', t.n) || memchr(copy, 'e', t.n))
			continue; /* jansson refuses what overflows */
		if ((json_check(t.p, t.n, &out, &why, NULL) == 0) !=
		    jansson_accepts(t.p, t.n))
			fail_msg("verdicts differ: %.*s", (int)t.n, t.p);
	}
}

static struct json
checked(const char *text)
{
	struct json out = { NULL, 0 };
	const char *why = "";

	if (json_check(text, strlen(text), &out, &why, NULL) != 0)
		fail_msg("%s: %s", text, why);
	return out;
}

/* n members k0, k1, ...; with a twin, the last is named like that one. */
static int
many_keys(int n, int twin)
{
	struct buf b;
	struct json out;
	const char *why = NULL;
	int i, rc;

	buf_init(&b, 1 << 20);
	for (i = 0; i < n; i++)
		buf_addf(&b, "%s\"%s%d\":[{\"k\":1}]", i == 0 ? "{" : ",",
		    i % 3 == 0 ? "\\u006b" : "k",
		    i == n - 1 && twin >= 0 ? twin : i);
	buf_adds(&b, "}");
	rc = json_check(b.data, b.len, &out, &why, NULL);
	if (rc != 0 && twin >= 0)
		assert_string_equal(why, "duplicate key");
	buf_fini(&b);
	return rc;
}

static void
large_objects(void **state)
{
	static const int sizes[] = { 2, 15, 16, 17, 18, 40, 48, 49, 64, 1000,
		4096 };
	size_t i;

	(void)state;
	for (i = 0; i < countof(sizes); i++) {
		assert_int_equal(many_keys(sizes[i], -1), 0);
		assert_int_equal(many_keys(sizes[i], 0), -1);
		if (sizes[i] > 2)
			assert_int_equal(many_keys(sizes[i], sizes[i] - 2), -1);
	}
	assert_int_equal(many_keys(4097, -1), -1);
}

static void
walks(void **state)
{
	struct json doc = checked(
	    " { \"a\" : 1 ,\"b\":[1, \"]\" ,{\"x\":\"}\\\"\"}], \"c\":null} ");
	struct json_iter it = { 0 };
	struct json k, v;
	char seen[128] = "";

	(void)state;
	while (json_next(doc, &it, &k, &v))
		snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen),
		    "%.*s=%.*s;", (int)k.n, k.p, (int)v.n, v.p);
	assert_string_equal(seen,
	    "a=1;b=[1, \"]\" ,{\"x\":\"}\\\"\"}];c=null;");

	it = (struct json_iter){ 0 };
	seen[0] = '\0';
	v = json_member(doc, "b");
	assert_int_equal(json_kind(v), JSON_ARRAY);
	while (json_next(json_member(doc, "b"), &it, NULL, &v))
		snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen),
		    "%.*s;", (int)v.n, v.p);
	assert_string_equal(seen, "1;\"]\";{\"x\":\"}\\\"\"};");
	it = (struct json_iter){ 0 };
	assert_false(json_next(checked("{ }"), &it, &k, &v));
	it = (struct json_iter){ 0 };
	assert_false(json_next(checked("7"), &it, &k, &v));
}

static void
members_and_kinds(void **state)
{
	struct json doc =
	    checked("{\"t\\u0079pe\":\"x\",\"n\":null,\"\\u20ac\":0}");

	(void)state;
	assert_int_equal(json_kind(json_member(doc, "type")), JSON_STRING);
	assert_true(json_is_null(json_member(doc, "n")));
	assert_int_equal(json_kind(json_member(doc, "\xe2\x82\xac")),
	    JSON_NUMBER);
	assert_null(json_member(doc, "typ").p);
	assert_null(json_member(doc, "typex").p);
	assert_null(json_member(checked("[]"), "type").p);
	assert_int_equal(json_kind((struct json){ NULL, 0 }), JSON_NONE);
	assert_false(json_is_null((struct json){ NULL, 0 }));
	assert_int_equal(json_kind(checked("true")), JSON_TRUE);
	assert_int_equal(json_kind(checked("false")), JSON_FALSE);
	assert_int_equal(json_kind(checked("-1")), JSON_NUMBER);
	assert_int_equal(json_kind(checked("{}")), JSON_OBJECT);
}

static void
strings(void **state)
{
	static const struct {
		const char *json, *text;
	} row[] = {
		{ "\"\"", "" },
		{ "\"abc\"", "abc" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
		{ "\"x\\u0041y\"", "xAy" },
		{ "\"\\u00e9\\u20AC\\uD83D\\uDE00\"",
		    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\"\\\\u0041\"", "\\u0041" },
	};
	struct arena a = { 0 };
	size_t i, len;

	(void)state;
	for (i = 0; i < countof(row); i++) {
		assert_string_equal(json_string(&a, checked(row[i].json), &len),
		    row[i].text);
		assert_int_equal(len, strlen(row[i].text));
		assert_int_equal(json_string_len(checked(row[i].json)), len);
	}
	assert_null(json_string(&a, checked("12"), &len));
	arena_fini(&a);
}

static void
integers(void **state)
{
	static const struct {
		const char *json;
		int rc;
		int64_t v;
	} row[] = {
		{ "0", 0, 0 },
		{ "-0", 0, 0 },
		{ "42", 0, 42 },
		{ "-7", 0, -7 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "9223372036854775808", -1, 0 },
		{ "-9223372036854775809", -1, 0 },
		{ "99999999999999999999", -1, 0 },
		{ "1.0", -1, 0 },
		{ "1e3", -1, 0 },
		{ "\"1\"", -1, 0 },
		{ "null", -1, 0 },
	};
	const char *why;
	struct json none;
	int64_t v;
	size_t i;

	(void)state;
	assert_int_equal(json_int((struct json){ NULL, 0 }, &v), -1);
	assert_int_equal(json_check(NULL, 0, &none, &why, NULL), -1);
	for (i = 0; i < countof(row); i++) {
		v = 0;
		assert_int_equal(json_int(checked(row[i].json), &v), row[i].rc);
		assert_true(v == row[i].v);
	}
}

static void
quotes_and_reads_back(void **state)
{
	struct buf b;
	struct arena a = { 0 };
	char text[256];
	size_t i, len;
	char *back;

	(void)state;
	for (i = 0; i < 127; i++)
		text[i] = (char)(i + 1);
	strcpy(text + i, "\xc3\xa9\xf0\x9f\x98\x80 end");
	buf_init(&b, 4096);
	json_quote(&b, text);
	back = json_string(&a, checked(buf_str(&b)), &len);
	assert_string_equal(back, text);
	buf_clear(&b);
	json_quoten(&b, "a\"b\\c\n\x01z", 8);
	assert_string_equal(buf_str(&b), "\"a\\\"b\\\\c\\n\\u0001z\"");
	buf_fini(&b);
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts),
		cmocka_unit_test(refuses),
		cmocka_unit_test(says_why_and_where),
		cmocka_unit_test(agrees_with_jansson),
		cmocka_unit_test(agrees_when_mutated),
		cmocka_unit_test(large_objects),
		cmocka_unit_test(walks),
		cmocka_unit_test(members_and_kinds),
		cmocka_unit_test(strings),
		cmocka_unit_test(integers),
		cmocka_unit_test(quotes_and_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_cli_template.c - the small Mustache of --template.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"

static const char doc_text[] =
    "{\"name\":\"Bob\",\"n\":12345678901234567890,\"yes\":true,\"no\":false,"
    "\"none\":null,\"empty\":[],\"blank\":\"\",\"a\":{\"b\":{\"c\":\"deep\"}},"
    "\"list\":[{\"k\":\"x\",\"in\":[1,2]},{\"k\":\"y\",\"in\":[]}],"
    "\"words\":[\"p\",\"q\"],\"esc\":\"\\u001b[31m\\u202e\"}";

struct pair {
	const char *in, *out; /* out NULL: refused */
};

static const struct pair pairs[] = {
	{ "", "" },
	{ "plain {text}", "plain {text}" },
	{ "{{name}}", "Bob" },
	{ "{{ name }}!", "Bob!" },
	{ "{{n}}", "12345678901234567890" },
	{ "{{missing}}{{none}}", "" },
	{ "{{a.b.c}} {{a.x.c}}", "deep " },
	{ "{{a.b}}", "{\"c\":\"deep\"}" },
	{ "{{#list}}{{k}}{{#in}}<{{.}}>{{/in}};{{/list}}", "x<1><2>;y;" },
	{ "{{#list}}{{name}}{{/list}}", "BobBob" },
	{ "{{#words}}{{.}},{{/words}}", "p,q," },
	{ "{{#yes}}1{{/yes}}{{#no}}2{{/no}}{{#blank}}3{{/blank}}", "1" },
	{ "{{^empty}}none{{/empty}}{{^yes}}x{{/yes}}", "none" },
	{ "{{#a}}{{#b}}{{c}}{{/b}}{{/a}}", "deep" },
	{ "{{#a}}{{#a}}{{/a}}{{/a}}z", "z" },
	{ "a{{! a remark }}b", "ab" },
	{ "a\\tb\\n", "a\tb\n" },
	{ "{{esc}}", "<U+001B>[31m<U+202E>" },
	{ "{{name", NULL },
	{ "{{#list}}", NULL },
	{ "{{/list}}", NULL },
	{ "{{#list}}{{/words}}{{/list}}", NULL },
};

static void
test_pairs(void **state)
{
	struct json doc;
	const char *why;
	struct buf b;
	size_t i;
	int rc;

	(void)state;
	assert_int_equal(json_check(doc_text, strlen(doc_text), &doc, &why,
			     NULL),
	    0);
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		buf_init(&b, 4096);
		rc = template_run(&b, pairs[i].in, doc, &why);
		if (pairs[i].out == NULL) {
			assert_int_equal(rc, -1);
			assert_non_null(why);
		} else {
			assert_int_equal(rc, 0);
			assert_string_equal(buf_str(&b), pairs[i].out);
		}
		buf_fini(&b);
	}
}

static void
test_depth(void **state)
{
	char t[1024] = "";
	struct json doc = { "{\"a\":{}}", 8 };
	const char *why;
	struct buf b;
	int i;

	(void)state;
	for (i = 0; i < 30; i++)
		strcat(t, "{{#a}}");
	for (i = 0; i < 30; i++)
		strcat(t, "{{/a}}");
	buf_init(&b, 4096);
	assert_int_equal(template_run(&b, t, doc, &why), -1);
	buf_fini(&b);
}

static void
test_too_large(void **state)
{
	struct json doc = { "{\"a\":\"0123456789\"}", 18 };
	const char *why;
	struct buf b;

	(void)state;
	buf_init(&b, 15);
	assert_int_equal(template_run(&b, "{{a}}{{a}}", doc, &why), -1);
	assert_string_equal(why, "it is too large");
	buf_fini(&b);
}

static void
test_safe_json(void **state)
{
	static const char in[] = "{\"a\":\"\xe2\x80\xae\xc2\x9bz\x7f "
				 "\xf3\xa0\x80\x81\xc3\xab\"}";
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	safe_json(&b, in, strlen(in));
	assert_string_equal(buf_str(&b),
	    "{\"a\":\"\\u202e\\u009bz\\u007f "
	    "\\udb40\\udc01\xc3\xab\"}");
	buf_fini(&b);
}

static void
test_guess(void **state)
{
	struct guess g = { .word = "stauts" };

	(void)state;
	guess_try(&g, "send");
	assert_null(g.best);
	guess_try(&g, "status");
	guess_try(&g, "start");
	assert_string_equal(g.best, "status");
	g = (struct guess){ .word = "x" };
	guess_try(&g, "session");
	assert_null(g.best);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_safe_json),
		cmocka_unit_test(test_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

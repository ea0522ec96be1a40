/*
 * fuzz_json.c - json_check against jansson, and the walkers over whatever
 * passes: every value is visited, every string resolved, quoted and read back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/jansson_says.h"

#define MUST(cond)               \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* An exponent or many digits: jansson refuses what overflows. A NUL byte behind
 * a number: jansson takes it for the end. */
static bool
may_differ(const char *p, size_t n)
{
	size_t run = 0, i;

	for (i = 0; i < n; i++) {
		run = p[i] >= '0' && p[i] <= '9' ? run + 1 : 0;
		if (p[i] == '\0' || run > 15 ||
		    (i > 0 && (p[i] | 32) == 'e' && p[i - 1] >= '0' &&
			p[i - 1] <= '9'))
			return true;
	}
	return false;
}

static void
visit_string(struct arena *a, struct json s)
{
	struct buf b;
	struct json again;
	const char *why;
	size_t len, len2;
	char *text = json_string(a, s, &len), *text2;

	MUST(text[len] == '\0' && strlen(text) == len);
	MUST(json_string_len(s) == len);
	buf_init(&b, 6 * len + 2);
	json_quoten(&b, text, len);
	MUST(!b.over && json_check(b.data, b.len, &again, &why, NULL) == 0);
	text2 = json_string(a, again, &len2);
	MUST(len == len2 && memcmp(text, text2, len) == 0);
	buf_fini(&b);
}

/* One level; the caller's stack holds the rest, as the walkers have none. */
static void
visit(struct arena *a, struct json doc)
{
	struct json stack[JSON_DEPTH + 1], key, value, own;
	struct json_iter it[JSON_DEPTH + 1] = { { 0 } };
	const char *why;
	int64_t v;
	int top = 0;

	stack[0] = doc;
	while (top >= 0) {
		key.p = NULL;
		if (!json_next(stack[top], &it[top], &key, &value)) {
			top--;
			continue;
		}
		MUST(json_kind(value) != JSON_NONE);
		if (key.p != NULL)
			visit_string(a, (struct json){ key.p - 1, key.n + 2 });
		if (json_kind(value) == JSON_STRING)
			visit_string(a, value);
		json_int(value, &v);
		/* a value by itself is a document */
		MUST(top > 1 ||
		    json_check(value.p, value.n, &own, &why, NULL) == 0);
		if (json_kind(value) <= JSON_ARRAY) {
			stack[++top] = value;
			it[top] = (struct json_iter){ 0 };
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	struct json doc;
	const char *why = NULL;
	char *text = mem_dup(data, n);
	size_t at;
	bool ours = json_check(text, n, &doc, &why, &at) == 0;

	MUST(ours || (why != NULL && at <= n));
	if (!may_differ(text, n) &&
	    (ours ||
		(strncmp(why, "depth", 5) != 0 &&
		    strncmp(why, "over", 4) != 0)))
		MUST(ours == jansson_accepts(text, n));
	if (ours)
		visit(&a, doc);
	arena_fini(&a);
	mem_free(text);
	return 0;
}

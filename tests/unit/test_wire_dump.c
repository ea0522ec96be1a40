/*
 * test_wire_dump.c - the descriptions of the protocol leave nothing out, and
 * the JSON Schema is JSON whose references lead somewhere.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "wire/wire.h"

static struct buf dump;

static void
dump_as(enum proto_format format)
{
	buf_fini(&dump);
	buf_init(&dump, 4 * 1024 * 1024);
	proto_dump(&dump, format);
	assert_false(dump.over);
}

static int
teardown(void **state)
{
	(void)state;
	buf_fini(&dump);
	return 0;
}

static bool
bare(const struct wire_msg *m)
{
	return m->nfield > 0 && m->fields()[0].wire[0] == '\0';
}

/* Where a text stands at or behind `from`. */
static const char *
found(const char *from, const char *fmt, ...)
{
	char text[256];
	const char *hit;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	hit = strstr(from, text);
	if (hit == NULL)
		fail_msg("no %s", text);
	return hit;
}

static void
markdown_tells_all(void **state)
{
	const struct wire_msg *m;
	const struct wire_field *f;
	const struct err_info *e;
	const char *at;
	size_t i;

	(void)state;
	dump_as(PROTO_MARKDOWN);
	for (i = 0; (m = wire_row(i)) != NULL; i++) {
		at = found(dump.data, "\n### %s\n", m->name);
		for (f = m->fields(); f->name != NULL && !bare(m); f++) {
			at = found(at, "| `%s` | ", f->wire);
			found(at, "| `%s` | ", f->name);
		}
	}
	for (i = 0; (e = err_at(i)) != NULL; i++)
		found(dump.data, "| `%s` | %d | %d | ", e->wire, e->http,
		    e->exit);
	found(dump.data, "| `nonce` | string | yes | 64 bytes |");
	found(dump.data,
	    "| [`set_status`](#peer_status) | request | session |");
	/* What is said to the daemon stands apart. */
	at = found(dump.data, "\n## The daemon's local socket\n");
	assert_true(found(dump.data, "\n### local_hello\n") > at);
	assert_true(found(dump.data, "[`local_hello`](#local_hello)") > at);
	assert_true(found(dump.data, "\n### epoch_put\n") < at);
}

static void
check_definition(const struct wire_msg *m, struct json defs)
{
	struct json def = json_member(defs, m->name), props, required;
	const struct wire_field *f;
	char quoted[80];

	assert_int_equal(json_kind(def), JSON_OBJECT);
	if (bare(m))
		return;
	props = json_member(def, "properties");
	required = json_member(def, "required");
	assert_int_equal(json_kind(required), JSON_ARRAY);
	for (f = m->fields(); f->name != NULL; f++) {
		struct json_iter it = { 0 };
		struct json item;
		bool listed = false;

		assert_int_equal(json_kind(json_member(props, f->wire)),
		    JSON_OBJECT);
		snprintf(quoted, sizeof(quoted), "\"%s\"", f->wire);
		while (json_next(required, &it, NULL, &item))
			listed |= strncmp(item.p, quoted, item.n) == 0 &&
			    item.n == strlen(quoted);
		assert_int_equal(listed, !f->opt);
	}
}

static void
schema_is_whole(void **state)
{
	static const char ref[] = "\"$ref\":\"#/$defs/";
	struct json whole, defs;
	const struct wire_msg *m;
	const char *fault = "", *p;
	char name[64];
	size_t i, n;

	(void)state;
	dump_as(PROTO_JSON_SCHEMA);
	if (json_check(dump.data, dump.len, &whole, &fault, &i) < 0)
		fail_msg("%s: %.40s", fault, dump.data + i);
	defs = json_member(whole, "$defs");
	for (i = 0; (m = wire_row(i)) != NULL; i++)
		check_definition(m, defs);
	for (p = dump.data; (p = strstr(p, ref)) != NULL; p += n) {
		p += sizeof(ref) - 1;
		n = strcspn(p, "\"");
		assert_true(n < sizeof(name));
		memcpy(name, p, n);
		name[n] = '\0';
		assert_non_null(json_member(defs, name).p);
	}
}

static void
typescript_tells_all(void **state)
{
	const struct wire_msg *m;
	const struct wire_field *f;
	const struct err_info *e;
	const char *at;
	size_t i;

	(void)state;
	dump_as(PROTO_TYPESCRIPT);
	at = dump.data;
	for (i = 0; (m = wire_row(i)) != NULL; i++) {
		if (bare(m))
			continue;
		at = found(at, "\nexport interface ");
		if (m->kind != W_RECORD)
			at = found(at, "\ttype: \"%s\";\n", m->wire);
		for (f = m->fields(); f->name != NULL; f++)
			at = found(at, "\t%s%s: ", f->wire, f->opt ? "?" : "");
	}
	for (i = 0; (e = err_at(i)) != NULL; i++)
		found(at, "\t| \"%s\"", e->wire);
	found(dump.data, "\nexport interface MessageSendRequest {\n");
	found(dump.data, "\nexport interface MessagePush {\n");
	found(dump.data, "\tcopies?: Copy[];\n");
	found(dump.data, "\tids: string[];\n");
	found(dump.data, "\tsend: AckReply;\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(markdown_tells_all),
		cmocka_unit_test(schema_is_whole),
		cmocka_unit_test(typescript_tells_all),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}

/*
 * template.c - a small Mustache: {{name}}, {{a.b}}, {{.}}, {{#list}}..{{/list}},
 * {{^list}}..{{/list}} when it is empty, {{!comment}}. In the text \n and \t
 * mean what they usually do. Values are neutralised like all text of others.
 *
 * A name is looked for in the innermost section first. What is not there is
 * empty. No partials, no lambdas, no escaping of HTML.
 */
#include <string.h>

#include "cli/cli.h"

#define DEPTH 16

struct render {
	struct buf *out;
	struct arena arena;
	struct json ctx[DEPTH];
	int depth;
	const char *why;
};

struct tag {
	char kind; /* '#', '^', '/', '!' or 0 */
	const char *name;
	size_t n;
	const char *end; /* behind it */
};

static int render(struct render *, const char *t, const char *end);

static struct json
member(struct json of, const char *name, size_t n)
{
	char key[128];

	if (json_kind(of) != JSON_OBJECT || n >= sizeof(key))
		return (struct json){ 0 };
	memcpy(key, name, n);
	key[n] = '\0';
	return json_member(of, key);
}

static struct json
path(struct json of, const char *name, size_t n)
{
	size_t len;

	for (;;) {
		for (len = 0; len < n && name[len] != '.'; len++)
			;
		of = member(of, name, len);
		if (of.p == NULL || len == n)
			return of;
		name += len + 1;
		n -= len + 1;
	}
}

static struct json
lookup(const struct render *r, const char *name, size_t n)
{
	struct json v = { 0 };
	int i;

	if (n == 1 && *name == '.')
		return r->ctx[r->depth - 1];
	for (i = r->depth - 1; i >= 0 && v.p == NULL; i--)
		v = path(r->ctx[i], name, n);
	return v;
}

static void
value(struct render *r, struct json v)
{
	switch (json_kind(v)) {
	case JSON_NONE:
	case JSON_NULL_:
		break;
	case JSON_STRING:
		safe_add(r->out, json_string(&r->arena, v, NULL), true);
		break;
	default:
		safe_json(r->out, v.p, v.n);
	}
}

static bool
truthy(struct json v)
{
	struct json_iter it = { 0 };
	struct json key, item;

	switch (json_kind(v)) {
	case JSON_NONE:
	case JSON_NULL_:
	case JSON_FALSE:
		return false;
	case JSON_STRING:
		return v.n > 2;
	case JSON_ARRAY:
		return json_next(v, &it, &key, &item);
	default:
		return true;
	}
}

/* The tag that begins at "{{". */
static int
read_tag(struct render *r, const char *t, const char *end, struct tag *tag)
{
	const char *p = t + 2, *close;

	for (close = p; close + 1 < end; close++) {
		if (close[0] == '}' && close[1] == '}')
			break;
	}
	if (close + 1 >= end) {
		r->why = "a {{ without its }}";
		return -1;
	}
	tag->end = close + 2;
	tag->kind = p < close && strchr("#^/!", *p) != NULL ? *p++ : '\0';
	while (p < close && *p == ' ')
		p++;
	while (close > p && close[-1] == ' ')
		close--;
	tag->name = p;
	tag->n = (size_t)(close - p);
	return 0;
}

/* Where the section's closing tag begins; *behind is after it. */
static const char *
section_end(struct render *r, const struct tag *open, const char *end,
    const char **behind)
{
	const char *t = open->end;
	struct tag tag;
	int level = 1;

	for (; t + 1 < end; t++) {
		if (t[0] != '{' || t[1] != '{')
			continue;
		if (read_tag(r, t, end, &tag) != 0)
			return NULL;
		if (tag.n == open->n &&
		    memcmp(tag.name, open->name, tag.n) == 0)
			level += tag.kind == '/'
			    ? -1
			    : tag.kind == '#' || tag.kind == '^';
		*behind = tag.end;
		if (level == 0)
			return t;
		t = tag.end - 1;
	}
	r->why = "a section that is not closed";
	return NULL;
}

static int
within(struct render *r, struct json ctx, const char *t, const char *end)
{
	int rc;

	if (r->depth == DEPTH) {
		r->why = "sections over 16 deep";
		return -1;
	}
	r->ctx[r->depth++] = ctx;
	rc = render(r, t, end);
	r->depth--;
	return rc;
}

static int
section(struct render *r, const struct tag *tag, const char *end)
{
	struct json v = lookup(r, tag->name, tag->n), key, item;
	struct json_iter it = { 0 };
	int rc = 0;

	if (tag->kind == '^')
		return truthy(v) ? 0 : render(r, tag->end, end);
	if (!truthy(v))
		return 0;
	if (json_kind(v) != JSON_ARRAY)
		return within(r, v, tag->end, end);
	while (rc == 0 && json_next(v, &it, &key, &item))
		rc = within(r, item, tag->end, end);
	return rc;
}

static const char *
literal(struct render *r, const char *t, const char *end)
{
	if (t[0] == '\\' && t + 1 < end && (t[1] == 'n' || t[1] == 't')) {
		buf_addc(r->out, t[1] == 'n' ? '\n' : '\t');
		return t + 2;
	}
	buf_addc(r->out, *t);
	return t + 1;
}

static int
render(struct render *r, const char *t, const char *end)
{
	const char *close, *behind = NULL;
	struct tag tag;

	while (t < end) {
		if (t[0] != '{' || t + 1 >= end || t[1] != '{') {
			t = literal(r, t, end);
			continue;
		}
		if (read_tag(r, t, end, &tag) != 0)
			return -1;
		t = tag.end;
		if (tag.kind == '/') {
			r->why = "a {{/...}} without its beginning";
			return -1;
		} else if (tag.kind == '#' || tag.kind == '^') {
			close = section_end(r, &tag, end, &behind);
			if (close == NULL || section(r, &tag, close) != 0)
				return -1;
			t = behind;
		} else if (tag.kind != '!') {
			value(r, lookup(r, tag.name, tag.n));
		}
	}
	return 0;
}

int
template_run(struct buf *out, const char *t, struct json doc, const char **why)
{
	struct render r = { .out = out, .why = "it is too large" };
	int rc;

	arena_init(&r.arena);
	rc = within(&r, doc, t, t + strlen(t));
	arena_fini(&r.arena);
	*why = r.why;
	return rc != 0 || out->over ? -1 : 0;
}

/*
 * match.c - a frame held against a pattern, and the differences in words.
 *
 * In a pattern * is any value, ... any further members or items, a free $name
 * binds, and * within a string stands for any characters. All else is exact: a
 * member that is missing or that nobody expected is a difference.
 */
#include <stdio.h>
#include <string.h>

#include "tests/wire/script.h"

#define DIFF_MAX 16384

struct compare {
	struct buf diff;
};

static void value(struct compare *, struct json want, struct json got,
    const char *path);

/* Does the value bear this mark? The rest of it, or NULL. */
static const char *
marked(struct json v, size_t *n)
{
	const char mark[] = "\"" TR_MARK;

	if (v.n < sizeof(mark) || memcmp(v.p, mark, sizeof(mark) - 1) != 0)
		return NULL;
	*n = v.n - sizeof(mark);
	return v.p + sizeof(mark) - 1;
}

/* As the transcript wrote it. */
static void
put(struct buf *b, struct json v)
{
	size_t n;
	const char *s = v.p == NULL ? NULL : marked(v, &n);

	if (v.p == NULL)
		buf_adds(b, "nothing");
	else if (s != NULL)
		buf_add(b, s, n);
	else
		buf_add(b, v.p, v.n > 200 ? 200 : v.n);
}

static void
differs(struct compare *c, const char *path, struct json want, struct json got)
{
	buf_addf(&c->diff, "  %s: expected ", *path ? path : "the frame");
	put(&c->diff, want);
	buf_adds(&c->diff, ", got ");
	put(&c->diff, got);
	buf_addc(&c->diff, '\n');
}

static bool
is_rest(struct json v)
{
	size_t n;
	const char *s = marked(v, &n);

	return s != NULL && n == 3 && memcmp(s, "...", 3) == 0;
}

/* Bound by this same pattern already: the same again, then. */
static bool
bind(const char *name, size_t n, struct json got)
{
	char *key = arena_strndup(&tr.arena, name, n);
	const char *was = tr_get(key);

	if (json_kind(got) == JSON_STRING)
		tr_setn(key, got.p + 1, got.n - 2);
	else
		tr_setn(key, got.p, got.n);
	return was == NULL || str_eq(was, tr_get(key));
}

/* * in a string stands for any characters. */
static bool
glob(const char *want, const char *got)
{
	for (; *want != '*'; want++, got++) {
		if (*want != *got)
			return false;
		if (*want == '\0')
			return true;
	}
	for (;; got++) {
		if (glob(want + 1, got))
			return true;
		if (*got == '\0')
			return false;
	}
}

static bool
same_scalar(struct json want, struct json got)
{
	if (json_kind(want) != json_kind(got))
		return false;
	if (json_kind(want) != JSON_STRING)
		return want.n == got.n && memcmp(want.p, got.p, want.n) == 0;
	return glob(json_string(&tr.arena, want, NULL),
	    json_string(&tr.arena, got, NULL));
}

static struct json
member_named(struct json object, struct json key)
{
	char *name = arena_strndup(&tr.arena, key.p, key.n);

	return json_member(object, name);
}

static void
objects(struct compare *c, struct json want, struct json got, const char *path)
{
	struct json_iter it = { 0 };
	struct json key, v, quoted;
	bool open = false;
	char *at;

	while (json_next(want, &it, &key, &v)) {
		quoted = (struct json){ key.p - 1, key.n + 2 };
		if (is_rest(quoted)) {
			open = true;
			continue;
		}
		at = arena_printf(&tr.arena, "%s%s%.*s", path, *path ? "." : "",
		    (int)key.n, key.p);
		value(c, v, member_named(got, key), at);
	}
	it = (struct json_iter){ 0 };
	while (!open && json_next(got, &it, &key, &v)) {
		if (member_named(want, key).p != NULL)
			continue;
		at = arena_printf(&tr.arena, "%s%s%.*s", path, *path ? "." : "",
		    (int)key.n, key.p);
		differs(c, at, (struct json){ 0 }, v);
	}
}

static void
arrays(struct compare *c, struct json want, struct json got, const char *path)
{
	struct json_iter wi = { 0 }, gi = { 0 };
	struct json w, g;
	size_t i = 0;
	bool more;

	for (;; i++) {
		char *at = arena_printf(&tr.arena, "%s[%zu]", path, i);

		more = json_next(want, &wi, NULL, &w);
		if (more && is_rest(w))
			return;
		if (!json_next(got, &gi, NULL, &g))
			break;
		value(c, more ? w : (struct json){ 0 }, g, at);
		if (!more)
			return;
	}
	if (more)
		differs(c, path, w, (struct json){ 0 });
}

static void
value(struct compare *c, struct json want, struct json got, const char *path)
{
	size_t n;
	const char *s = want.p == NULL ? NULL : marked(want, &n);

	if (want.p == NULL || got.p == NULL)
		differs(c, path, want, got);
	else if (s != NULL && *s == '$') {
		if (!bind(s + 1, n - 1, got))
			differs(c, path, want, got);
	} else if (s != NULL && *s == '*')
		return;
	else if (json_kind(want) != json_kind(got))
		differs(c, path, want, got);
	else if (json_kind(want) == JSON_OBJECT)
		objects(c, want, got, path);
	else if (json_kind(want) == JSON_ARRAY)
		arrays(c, want, got, path);
	else if (!same_scalar(want, got))
		differs(c, path, want, got);
}

const char *
tr_match(const char *pattern, const char *text)
{
	struct compare c;
	const char *said = NULL;

	struct json want = tr_object(pattern);
	struct json got = tr_object(text);

	buf_init(&c.diff, DIFF_MAX);
	value(&c, want, got, "");
	if (c.diff.len > 0)
		said = arena_strdup(&tr.arena, buf_str(&c.diff));
	buf_fini(&c.diff);
	return said;
}

/*
 * vars.c - the variables of a transcript, and texts made with them.
 *
 * $name is replaced by what it was bound to: for a string that is its inside,
 * for anything else its JSON. Besides those that were captured there are
 *   $now $now+90s $now-5m   an instant (ms, s, m, h, d)
 *   $long:65                so many letters
 *   $deep:33                so many [, and as many ]
 *   $i                      which time of a repeat it is
 *   $$                      a dollar
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/wire/script.h"

#define FILL_MAX (4 * 1024 * 1024)

void
tr_setn(const char *name, const char *text, size_t n)
{
	static const char *const taken[] = { "i", "now", "long", "deep" };
	size_t i;

	for (i = 0; i < countof(taken); i++) {
		if (strcmp(name, taken[i]) == 0)
			tr_fail("$%s is taken", name);
	}
	map_puts(&tr.vars, name, arena_strndup(&tr.arena, text, n));
}

void
tr_set(const char *name, const char *text)
{
	tr_setn(name, text, strlen(text));
}

const char *
tr_get(const char *name)
{
	return map_gets(&tr.vars, name);
}

static size_t
name_len(const char *s)
{
	size_t n = strspn(s,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");

	while (n > 0 && s[n - 1] == '.')
		n--;
	return n;
}

/* ---- those that are always there ---- */

static int64_t
unit_ms(const char *u, char **end)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60000 },
		{ "h", 3600000 },
		{ "d", 86400000 },
	};
	size_t i;

	for (i = 0; i < countof(units); i++) {
		if (str_starts(u, units[i].name)) {
			*end += strlen(units[i].name);
			return units[i].ms;
		}
	}
	tr_fail("an instant is like $now+90s: %s", u);
}

static const char *
put_now(struct buf *b, const char *s)
{
	char iso[CLOCK_ISO_LEN + 1], *end = (char *)(uintptr_t)s;
	int64_t at = tr_now(), by = 0;

	if (*s == '+' || *s == '-') {
		by = strtoll(s, &end, 10);
		by *= unit_ms(end, &end);
	}
	clock_iso(iso, at + by);
	buf_adds(b, iso);
	return end;
}

static const char *
put_many(struct buf *b, const char *s, const char *open, const char *close)
{
	char *end;
	long n = strtol(s, &end, 10), i;

	for (i = 0; i < n; i++)
		buf_adds(b, open);
	for (i = 0; i < n; i++)
		buf_adds(b, close);
	return end;
}

/* What follows it, or NULL when it is none of these. */
static const char *
put_known(struct buf *b, const char *name, size_t n, const char *s)
{
	if (n == 1 && *name == 'i') {
		buf_addf(b, "%lld", (long long)tr.n);
		return s;
	}
	if (n == 3 && memcmp(name, "now", 3) == 0)
		return put_now(b, s);
	if (n == 4 && memcmp(name, "long", 4) == 0 && *s == ':')
		return put_many(b, s + 1, "x", "");
	if (n == 4 && memcmp(name, "deep", 4) == 0 && *s == ':')
		return put_many(b, s + 1, "[", "]");
	return NULL;
}

/* At *s stands a dollar; true when it was replaced. */
static bool
put_var(struct buf *b, const char **s)
{
	const char *name = *s + 1, *end, *text;
	size_t n = name_len(name);
	char *key;

	if (n == 0)
		return false;
	end = put_known(b, name, n, name + n);
	if (end == NULL) {
		key = arena_strndup(&tr.arena, name, n);
		text = tr_get(key);
		if (text == NULL)
			return false;
		buf_adds(b, text);
		end = name + n;
	}
	*s = end;
	return true;
}

static char *
in_arena(struct buf *b)
{
	char *s = arena_strndup(&tr.arena, buf_str(b), b->len);

	buf_fini(b);
	return s;
}

char *
tr_fill(const char *s)
{
	struct buf b;

	buf_init(&b, FILL_MAX);
	while (*s != '\0') {
		if (*s != '$') {
			buf_addc(&b, *s++);
		} else if (s[1] == '$') {
			buf_addc(&b, '$');
			s += 2;
		} else if (!put_var(&b, &s)) {
			buf_fini(&b);
			tr_fail("not bound: %.40s", s);
		}
	}
	return in_arena(&b);
}

/* ---- patterns ---- */

struct scan {
	struct buf b;
	bool string;	/* within one */
	char stack[64]; /* { and [ that are open */
	size_t depth;
};

static const char *
free_var(struct scan *c, const char *s)
{
	size_t n = name_len(s + 1);

	if (n == 0)
		tr_fail("no name behind a dollar: %.40s", s);
	if (!c->string)
		buf_addc(&c->b, '"');
	buf_adds(&c->b, TR_MARK);
	buf_add(&c->b, s, n + 1);
	if (!c->string)
		buf_addc(&c->b, '"');
	return s + n + 1;
}

static void
rest(struct scan *c)
{
	bool object = c->depth > 0 && c->stack[c->depth - 1] == '{';

	buf_adds(&c->b, "\"" TR_MARK "...\"");
	if (object)
		buf_adds(&c->b, ":0");
}

static void
nest(struct scan *c, char ch)
{
	if (ch == '{' || ch == '[') {
		if (c->depth == sizeof(c->stack))
			tr_fail("the pattern is too deep");
		c->stack[c->depth++] = ch;
	}
	if ((ch == '}' || ch == ']') && c->depth > 0)
		c->depth--;
}

static const char *
pattern_step(struct scan *c, const char *s)
{
	if (*s == '$' && s[1] == '$') {
		buf_addc(&c->b, '$');
		return s + 2;
	}
	if (*s == '$')
		return put_var(&c->b, &s) ? s : free_var(c, s);
	if (c->string && *s == '\\' && s[1] != '\0') {
		buf_add(&c->b, s, 2);
		return s + 2;
	}
	if (*s == '"') {
		c->string = !c->string;
	} else if (!c->string && *s == '*') {
		buf_adds(&c->b, "\"" TR_MARK "*\"");
		return s + 1;
	} else if (!c->string && str_starts(s, "...")) {
		rest(c);
		return s + 3;
	} else if (!c->string) {
		nest(c, *s);
	}
	buf_addc(&c->b, *s);
	return s + 1;
}

char *
tr_pattern(const char *s)
{
	struct scan c = { 0 };

	buf_init(&c.b, FILL_MAX);
	while (*s != '\0')
		s = pattern_step(&c, s);
	return in_arena(&c.b);
}

/* ---- objects as text ---- */

struct json
tr_object(const char *text)
{
	const char *why;
	struct json o;

	if (json_check(text, strlen(text), &o, &why, NULL) != 0)
		tr_fail("%s in %.300s", why, text);
	if (json_kind(o) != JSON_OBJECT)
		tr_fail("no object: %.300s", text);
	return o;
}

static void
put_member(struct buf *b, struct json key, struct json v)
{
	if (json_is_null(v))
		return;
	buf_addf(b, "%s\"%.*s\":", b->len > 1 ? "," : "", (int)key.n, key.p);
	buf_add(b, v.p, v.n);
}

char *
tr_overlay(const char *base, const char *over)
{
	struct json o = tr_object(base), v = tr_object(over ? over : "{}");
	struct json_iter it = { 0 };
	struct json key, value;
	struct buf b;
	char name[80];

	buf_init(&b, FILL_MAX);
	buf_addc(&b, '{');
	while (json_next(o, &it, &key, &value)) {
		snprintf(name, sizeof(name), "%.*s", (int)key.n, key.p);
		if (json_member(v, name).p == NULL)
			put_member(&b, key, value);
	}
	it = (struct json_iter){ 0 };
	while (json_next(v, &it, &key, &value))
		put_member(&b, key, value);
	buf_addc(&b, '}');
	return in_arena(&b);
}

const char *
tr_member(const char *object, const char *name)
{
	struct json v = json_member(tr_object(object), name);

	if (v.p == NULL)
		return "";
	if (json_kind(v) == JSON_STRING)
		return json_string(&tr.arena, v, NULL);
	return arena_strndup(&tr.arena, v.p, v.n);
}

/*
 * json.c - is this text one strict JSON document? Answered in one pass over
 * the bytes, with a byte stack for the nesting and no recursion.
 *
 * The hot path of broker and daemon: runs of plain ASCII in strings are
 * skipped in strides (scan.h), and nothing is allocated unless a document
 * has many keys open at once or a key with escapes. Keys of a small object are
 * compared with each other as they come; those of a large one through a hash
 * set when it closes, so a hostile object costs no more than its length.
 *
 * Reading what has passed, and writing, is json_walk.c.
 */
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/scan.h"
#include "base/str.h"

#define SMALL 16 /* up to so many keys are compared pairwise */
#define LOCAL 48 /* keys open at once before there is an allocation */

struct name { /* a key, escapes resolved */
	const char *p;
	size_t n;
};

struct check {
	const char *p, *end;
	const char *why;
	unsigned depth;
	char open[JSON_DEPTH];	 /* '{' or '[' */
	size_t base[JSON_DEPTH]; /* first of the object's keys in name */
	struct name *name;
	size_t nname, cap;
	struct arena arena; /* keys that had escapes */
	struct name local[LOCAL];
};

static int
fault(struct check *c, const char *why)
{
	c->why = why;
	return -1;
}

static inline void
skip_space(struct check *c)
{
	while (c->p < c->end &&
	    (*c->p == ' ' || *c->p == '\n' || *c->p == '\r' || *c->p == '\t'))
		c->p++;
}

/* Four hex digits at p; -1 when they are not. */
static int
hex4(const char *p, const char *end)
{
	int v = 0, i;

	if (end - p < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		if (p[i] >= '0' && p[i] <= '9')
			v = v << 4 | (p[i] - '0');
		else if ((p[i] | 32) >= 'a' && (p[i] | 32) <= 'f')
			v = v << 4 | ((p[i] | 32) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static int
check_unicode(struct check *c)
{
	int cp = hex4(c->p + 2, c->end), low;

	if (cp < 0)
		return fault(c, "a \\u without four hex digits");
	if (cp == 0)
		return fault(c, "a NUL character in a string");
	c->p += 6;
	if (cp < 0xd800 || cp > 0xdfff)
		return 0;
	if (cp > 0xdbff || c->end - c->p < 6 || c->p[0] != '\\' ||
	    c->p[1] != 'u')
		return fault(c, "half of a surrogate pair");
	low = hex4(c->p + 2, c->end);
	if (low < 0xdc00 || low > 0xdfff)
		return fault(c, "half of a surrogate pair");
	c->p += 6;
	return 0;
}

static int
check_escape(struct check *c)
{
	if (c->end - c->p < 2)
		return fault(c, "a string without an end");
	switch (c->p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		c->p += 2;
		return 0;
	case 'u':
		return check_unicode(c);
	default:
		return fault(c, "an unknown escape in a string");
	}
}

/* A string with its quotes; c->p stands on the first. */
static int
check_string(struct check *c, bool *escaped)
{
	unsigned char b;
	size_t step;

	*escaped = false;
	c->p++;
	for (;;) {
		c->p += scan_plain(c->p, (size_t)(c->end - c->p));
		if (c->p == c->end)
			return fault(c, "a string without an end");
		b = (unsigned char)*c->p;
		if (b == '"')
			break;
		if (b == '\\') {
			*escaped = true;
			if (check_escape(c) < 0)
				return -1;
		} else if (b < 0x20) {
			return fault(c, "a control character in a string");
		} else if (b < 0x80) {
			c->p++;
		} else {
			step = utf8_step(c->p, (size_t)(c->end - c->p));
			if (step == 0)
				return fault(c, "a string that is not UTF-8");
			c->p += step;
		}
	}
	c->p++;
	return 0;
}

static inline bool
digits(struct check *c)
{
	const char *from = c->p;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		c->p++;
	return c->p > from;
}

static int
check_number(struct check *c)
{
	static const char malformed[] = "a malformed number";

	if (*c->p == '-')
		c->p++;
	if (c->p < c->end && *c->p == '0')
		c->p++;
	else if (!digits(c))
		return fault(c, malformed);
	if (c->p < c->end && *c->p == '.') {
		c->p++;
		if (!digits(c))
			return fault(c, malformed);
	}
	if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
		c->p++;
		if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
			c->p++;
		if (!digits(c))
			return fault(c, malformed);
	}
	return 0;
}

static int
check_word(struct check *c, const char *word, size_t n)
{
	if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
		return fault(c, "a word that is not true, false or null");
	c->p += n;
	return 0;
}

static int
check_scalar(struct check *c)
{
	bool escaped;

	switch (*c->p) {
	case '"':
		return check_string(c, &escaped);
	case 't':
		return check_word(c, "true", 4);
	case 'f':
		return check_word(c, "false", 5);
	case 'n':
		return check_word(c, "null", 4);
	default:
		if (*c->p == '-' || (*c->p >= '0' && *c->p <= '9'))
			return check_number(c);
		return fault(c, "something that is not a value");
	}
}

static void
names_grow(struct check *c)
{
	size_t cap = c->cap * 2;
	struct name *more;

	if (c->name != c->local) {
		c->name = mem_realloc(c->name, cap * sizeof(*more));
	} else {
		more = mem_alloc(cap * sizeof(*more));
		memcpy(more, c->local, sizeof(c->local));
		c->name = more;
	}
	c->cap = cap;
}

static inline bool
name_eq(const struct name *a, const struct name *b)
{
	return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

/* Remembers a key of the innermost object and compares it with the others
 * while they are few. */
static int
add_name(struct check *c, struct name name)
{
	size_t first = c->base[c->depth - 1], i;

	if (c->nname - first == JSON_KEYS)
		return fault(c, "over 4096 members in one object");
	if (c->nname - first < SMALL) {
		for (i = first; i < c->nname; i++) {
			if (name_eq(&c->name[i], &name))
				return fault(c, "duplicate key");
		}
	}
	if (c->nname == c->cap)
		names_grow(c);
	c->name[c->nname++] = name;
	return 0;
}

/* All keys of a large object at its end, through a set of their numbers. */
static int
check_names(struct check *c, const struct name *name, size_t n)
{
	size_t size = 64, i, at;
	uint16_t *set;
	int rc = 0;

	while (size < 2 * n)
		size *= 2;
	set = mem_zalloc(size * sizeof(*set));
	for (i = 0; i < n && rc == 0; i++) {
		at = hash_bytes(name[i].p, name[i].n) & (size - 1);
		for (; set[at] != 0; at = (at + 1) & (size - 1)) {
			if (name_eq(&name[set[at] - 1], &name[i])) {
				rc = fault(c, "duplicate key");
				break;
			}
		}
		set[at] = (uint16_t)(i + 1);
	}
	mem_free(set);
	return rc;
}

static int
check_key(struct check *c)
{
	struct name name;
	struct json raw;
	bool escaped;

	skip_space(c);
	if (c->p == c->end || *c->p != '"')
		return fault(c, "an object without a key where one belongs");
	raw.p = c->p;
	if (check_string(c, &escaped) < 0)
		return -1;
	raw.n = (size_t)(c->p - raw.p);
	if (escaped)
		name.p = json_string(&c->arena, raw, &name.n);
	else
		name = (struct name){ raw.p + 1, raw.n - 2 };
	if (add_name(c, name) < 0)
		return -1;
	skip_space(c);
	if (c->p == c->end || *c->p != ':')
		return fault(c, "a key without a colon");
	c->p++;
	return 0;
}

static int
close_container(struct check *c)
{
	size_t first = c->base[--c->depth], n = c->nname - first;

	if (n > SMALL && check_names(c, c->name + first, n) < 0)
		return -1;
	c->nname = first;
	c->p++;
	return 0;
}

/* An opening bracket: 1 when a value must follow, 0 when it closed at once. */
static int
open_container(struct check *c)
{
	char open = *c->p++;

	if (c->depth == JSON_DEPTH)
		return fault(c, "depth over 32");
	c->open[c->depth] = open;
	c->base[c->depth++] = c->nname;
	skip_space(c);
	if (c->p < c->end && *c->p == (open == '{' ? '}' : ']'))
		return close_container(c);
	if (open == '{' && check_key(c) < 0)
		return -1;
	return 1;
}

/* What stands behind a value: 1 when another must follow, 0 at the end. */
static int
after_value(struct check *c)
{
	char open;

	while (c->depth > 0) {
		skip_space(c);
		open = c->open[c->depth - 1];
		if (c->p == c->end)
			return fault(c, "a document without an end");
		if (*c->p == ',') {
			c->p++;
			if (open == '{' && check_key(c) < 0)
				return -1;
			return 1;
		}
		if (*c->p != (open == '{' ? '}' : ']'))
			return fault(c, "no comma or bracket after a value");
		if (close_container(c) < 0)
			return -1;
	}
	return 0;
}

static int
check_document(struct check *c)
{
	int rc;

	do {
		skip_space(c);
		if (c->p == c->end)
			return fault(c, "a document without an end");
		if (*c->p == '{' || *c->p == '[')
			rc = open_container(c);
		else
			rc = check_scalar(c);
		if (rc == 0)
			rc = after_value(c);
	} while (rc == 1);
	return rc;
}

int
json_check(const char *text, size_t n, struct json *out, const char **why,
    size_t *at)
{
	struct check c;
	const char *from, *to;
	int rc;

	if (n == 0)
		text = ""; /* NULL is fine, then */
	c.p = text;
	c.end = text + n;
	c.why = NULL;
	c.depth = 0;
	c.name = c.local;
	c.nname = 0;
	c.cap = LOCAL;
	arena_init(&c.arena);

	skip_space(&c);
	from = c.p;
	rc = c.p == c.end ? fault(&c, "nothing at all") : check_document(&c);
	to = c.p;
	if (rc == 0) {
		skip_space(&c);
		if (c.p != c.end)
			rc = fault(&c, "more text after the document");
	}
	if (rc == 0)
		*out = (struct json){ from, (size_t)(to - from) };
	else
		*why = c.why;
	if (at != NULL)
		*at = (size_t)(c.p - text);
	if (c.name != c.local)
		mem_free(c.name);
	arena_fini(&c.arena);
	return rc;
}

/*
 * wire_sample.c - see wire_sample.h. Lists get two items at most, or the
 * largest samples would not fit a frame.
 */
#include <string.h>

#include "wire_sample.h"

static void make(struct arena *, const struct wire_msg *, enum sample, char *);

static char *
text(struct arena *a, size_t n, enum sample kind)
{
	static const char odd[] = "\"\\\n\t\x01/\x7f"
				  "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
	char *s = arena_alloc(a, n + 1);
	size_t i, len = sizeof(odd) - 1;

	for (i = 0; i < n; i++)
		s[i] = (char)('a' + i % 26);
	for (i = 0; kind == SAMPLE_ODD && i + len <= n && i < 300; i += len)
		memcpy(s + i, odd, len);
	s[n] = '\0';
	return s;
}

static size_t
length(const struct wire_field *f, enum sample kind)
{
	int64_t n = f->min;

	if (kind == SAMPLE_ODD)
		n = f->max;
	else if (kind == SAMPLE_PLAIN && n < 8)
		n = f->max < 8 ? f->max : 8;
	return (size_t)n;
}

static int64_t
number(const struct wire_field *f, enum sample kind)
{
	if (kind == SAMPLE_ODD)
		return f->max;
	if (kind == SAMPLE_PLAIN && f->min <= 0 && f->max > 1)
		return 1;
	return f->min;
}

static void
make_list(struct arena *a, const struct wire_field *f, enum sample kind,
    char *out)
{
	size_t n = kind == SAMPLE_LEAST ? 0
	    : f->max < 2		? (size_t)f->max
					: 2,
	       i;
	char *items = arena_zalloc(a, n * f->record->size);

	for (i = 0; i < n; i++)
		make(a, f->record, kind, items + i * f->record->size);
	memcpy(out, &n, sizeof(n));
	memcpy(out + sizeof(n), &items, sizeof(items));
}

static void
make_field(struct arena *a, const struct wire_field *f, enum sample kind,
    char *out)
{
	static const char any[] = "{\"a\":[1,2.50,\"x\"],\"b\":null}";
	char *to = out + f->at, *s;
	struct json json = { any, sizeof(any) - 1 };
	int64_t v = f->type == W_TIME ? 1763665980123 : number(f, kind);
	bool yes = kind != SAMPLE_LEAST;

	switch (f->type) {
	case W_STR:
		s = text(a, length(f, kind), kind);
		memcpy(to, &s, sizeof(s));
		break;
	case W_INT:
	case W_TIME:
		memcpy(to, &v, sizeof(v));
		break;
	case W_BOOL:
		memcpy(to, &yes, sizeof(yes));
		break;
	case W_ANY:
		memcpy(to, &json, sizeof(json));
		break;
	case W_LIST:
		make_list(a, f, kind, to);
		break;
	case W_OBJ:
		*(bool *)(out + f->has_at) = true;
		make(a, f->record, kind, to);
		break;
	}
}

/* What an absent field looks like once decoded. */
static void
make_absent(const struct wire_field *f, char *out)
{
	const struct wire_field *inner;
	const char *empty = "";

	if (f->type == W_STR)
		memcpy(out + f->at, &empty, sizeof(empty));
	for (inner = f->type == W_OBJ ? f->record->fields() : NULL;
	     inner != NULL && inner->name != NULL; inner++)
		make_absent(inner, out + f->at);
}

static void
make(struct arena *a, const struct wire_msg *m, enum sample kind, char *out)
{
	const struct wire_field *f;

	memset(out, 0, m->size);
	for (f = m->fields(); f->name != NULL; f++) {
		if (f->opt && kind == SAMPLE_LEAST)
			make_absent(f, out);
		else
			make_field(a, f, kind, out);
	}
}

void *
sample_make(struct arena *a, const struct wire_msg *m, enum sample kind)
{
	char *out = arena_alloc(a, m->size);

	make(a, m, kind, out);
	return out;
}

static bool
same_list(const struct wire_field *f, const char *a, const char *b)
{
	const char *va, *vb;
	size_t na, nb, i;

	memcpy(&na, a, sizeof(na));
	memcpy(&nb, b, sizeof(nb));
	memcpy(&va, a + sizeof(na), sizeof(va));
	memcpy(&vb, b + sizeof(nb), sizeof(vb));
	for (i = 0; i < na && na == nb; i++) {
		if (!sample_same(f->record, va + i * f->record->size,
			vb + i * f->record->size))
			return false;
	}
	return na == nb;
}

static bool
same_any(const char *a, const char *b)
{
	struct json ja, jb;

	memcpy(&ja, a, sizeof(ja));
	memcpy(&jb, b, sizeof(jb));
	if (ja.p == NULL || jb.p == NULL)
		return ja.p == jb.p;
	return ja.n == jb.n && memcmp(ja.p, jb.p, ja.n) == 0;
}

static bool
same_field(const struct wire_field *f, const char *a, const char *b)
{
	const char *sa, *sb;

	switch (f->type) {
	case W_STR:
		memcpy(&sa, a + f->at, sizeof(sa));
		memcpy(&sb, b + f->at, sizeof(sb));
		return strcmp(sa, sb) == 0;
	case W_INT:
	case W_TIME:
		return memcmp(a + f->at, b + f->at, sizeof(int64_t)) == 0;
	case W_BOOL:
		return a[f->at] == b[f->at];
	case W_ANY:
		return same_any(a + f->at, b + f->at);
	case W_LIST:
		return same_list(f, a + f->at, b + f->at);
	case W_OBJ:
		return a[f->has_at] == b[f->has_at] &&
		    sample_same(f->record, a + f->at, b + f->at);
	}
	return false;
}

bool
sample_same(const struct wire_msg *m, const void *a, const void *b)
{
	const struct wire_field *f;

	for (f = m->fields(); f->name != NULL; f++) {
		if (!same_field(f, a, b))
			return false;
	}
	return true;
}

/*
 * path.c - sentences about a field: which one, its limit, what was found.
 *
 * Only names from the rows, numbers and kinds of JSON appear in them, never a
 * value, which might be a secret.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wire/path.h"

/* The path from its root, as far as it fits. */
static void
write_path(const struct path *p, char *out, size_t cap)
{
	size_t n;

	if (p == NULL) {
		out[0] = '\0';
		return;
	}
	write_path(p->up, out, cap);
	n = strlen(out);
	if (p->name == NULL)
		snprintf(out + n, cap - n, "[%zu]", p->no);
	else
		snprintf(out + n, cap - n, "%s%s", n > 0 ? "." : "", p->name);
}

int
path_fault(const struct path *p, struct why *w, int code, const char *fmt, ...)
{
	char field[sizeof(w->field)], text[sizeof(w->text) - 80];
	va_list ap;

	if (w == NULL)
		return code;
	write_path(p, field, sizeof(field));
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return why_field(w, code, field, "'%s' %s", field, text);
}

/* An optional field at its default stands for one that is absent, whatever
 * its minimum. */
int
path_bytes(const struct path *p, const struct wire_field *f, size_t n,
    struct why *w)
{
	if (n > (size_t)f->max)
		return path_fault(p, w, E_TOO_LONG,
		    "is %zu bytes; at most %" PRId64, n, f->max);
	if (n < (size_t)f->min && !(f->opt && n == 0))
		return path_fault(p, w, E_TOO_SHORT,
		    "is %zu bytes; at least %" PRId64, n, f->min);
	return OK;
}

int
path_items(const struct path *p, const struct wire_field *f, size_t n,
    struct why *w)
{
	if (n > (size_t)f->max)
		return path_fault(p, w, E_TOO_LONG,
		    "has %zu items; at most %" PRId64, n, f->max);
	return OK;
}

int
path_range(const struct path *p, const struct wire_field *f, int64_t v,
    struct why *w)
{
	if ((v < f->min || v > f->max) && !(f->opt && v == 0))
		return path_fault(p, w, E_OUT_OF_RANGE,
		    "is %" PRId64 "; it goes from %" PRId64 " to %" PRId64, v,
		    f->min, f->max);
	return OK;
}

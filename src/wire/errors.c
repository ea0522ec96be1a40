/*
 * errors.c - the list of errors as C, and the filling of a `struct why`.
 *
 * What is not in the list is an error of ours: err_info answers E_INTERNAL for
 * it, so that nothing unlisted ever leaves the program.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "wire/wire.h"

static const struct err_info errors[] = {
#define ERROR(code, wire, http, exit, text) \
	{ code, #code, wire, text, http, exit },
#include "proto/errors.def"
#undef ERROR
};

static const struct err_info fine = { OK, "OK", "ok", "done", 200, 0 };

const struct err_info *
err_info(int code)
{
	size_t i =
	    (size_t)(code - E_FIRST_ - 1); /* codes count up from there */

	if (code == OK)
		return &fine;
	if (code <= E_FIRST_ || code >= E_LAST_)
		return err_info(E_INTERNAL);
	return &errors[i];
}

const struct err_info *
err_named(const char *wire)
{
	size_t i;

	for (i = 0; i < countof(errors); i++) {
		if (str_eq(errors[i].wire, wire))
			return &errors[i];
	}
	return NULL;
}

const struct err_info *
err_at(size_t i)
{
	return i < countof(errors) ? &errors[i] : NULL;
}

/* An overlong sentence is cut, but not through a character. */
static void
fill(char *text, size_t cap, const char *fmt, va_list ap)
{
	int n = vsnprintf(text, cap, fmt, ap);
	size_t end = cap - 1;

	if (n < 0)
		text[0] = '\0';
	else if ((size_t)n >= cap) {
		while (end > 0 && !utf8_valid(text, end))
			end--;
		text[end] = '\0';
	}
}

static int
vwhy(struct why *w, int code, const char *field, const char *fmt, va_list ap)
{
	if (w == NULL)
		return code;
	w->code = code;
	snprintf(w->field, sizeof(w->field), "%s", field);
	if (fmt == NULL)
		snprintf(w->text, sizeof(w->text), "%s", err_info(code)->text);
	else
		fill(w->text, sizeof(w->text), fmt, ap);
	return code;
}

int
why_set(struct why *w, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vwhy(w, code, "", fmt, ap);
	va_end(ap);
	return code;
}

int
why_field(struct why *w, int code, const char *field, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vwhy(w, code, field, fmt, ap);
	va_end(ap);
	return code;
}

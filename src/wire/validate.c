/*
 * validate.c - is a struct fit to be sent? The same limits as in reading, so
 * that what we encode the other end decodes.
 */
#include <string.h>

#include "base/str.h"
#include "wire/path.h"

#define TIME_MIN INT64_C(-62167219200000) /* of year 0 */
#define TIME_MAX INT64_C(253402300799999) /* of year 9999 */

static int validate(const struct wire_msg *, const char *in,
    const struct path *, struct why *);

static int
check_str(const struct path *at, const struct wire_field *f, const char *s,
    struct why *why)
{
	size_t n = s == NULL ? 0 : strlen(s);

	if (s == NULL && !f->opt && f->min > 0)
		return path_fault(at, why, E_MISSING_FIELD, "is missing");
	if (n > 0 && !utf8_valid(s, n))
		return path_fault(at, why, E_BAD_FIELD, "is not valid UTF-8");
	return path_bytes(at, f, n, why);
}

static int
check_time(const struct path *at, int64_t v, struct why *why)
{
	if (v >= TIME_MIN && v <= TIME_MAX)
		return OK;
	return path_fault(at, why, E_OUT_OF_RANGE,
	    "is an instant outside the years 0 to 9999");
}

static int
check_any(const struct path *at, const struct wire_field *f, struct json v,
    struct why *why)
{
	const char *fault;
	struct json whole;

	if (v.p == NULL)
		return OK; /* null */
	if (json_check(v.p, v.n, &whole, &fault, NULL) < 0)
		return path_fault(at, why, E_BAD_FIELD,
		    "is not strict JSON: %s", fault);
	return path_bytes(at, f, v.n, why);
}

static int
check_list(const struct path *up, const struct wire_field *f, const char *list,
    struct why *why)
{
	const struct wire_field *first = f->record->fields();
	struct path at = { up, NULL, 0 };
	const char *item;
	size_t n;
	int rc;

	memcpy(&n, list, sizeof(n));
	memcpy(&item, list + sizeof(n), sizeof(item));
	rc = path_items(up, f, n, why);
	for (; rc == OK && at.no < n; at.no++, item += f->record->size) {
		if (first->name != NULL && first->wire[0] == '\0')
			rc = check_str(&at, first,
			    *(const char *const *)(const void *)item, why);
		else
			rc = validate(f->record, item, &at, why);
	}
	return rc;
}

static int
check_field(const struct path *at, const struct wire_field *f, const char *in,
    struct why *why)
{
	const void *v = in + f->at;

	switch (f->type) {
	case W_STR:
		return check_str(at, f, *(const char *const *)v, why);
	case W_INT:
		return path_range(at, f, *(const int64_t *)v, why);
	case W_BOOL:
		return OK;
	case W_TIME:
		return check_time(at, *(const int64_t *)v, why);
	case W_ANY:
		return check_any(at, f, *(const struct json *)v, why);
	case W_LIST:
		return check_list(at, f, v, why);
	case W_OBJ:
		if (f->opt && !*(const bool *)(in + f->has_at))
			return OK;
		return validate(f->record, v, at, why);
	}
	return OK;
}

static int
validate(const struct wire_msg *m, const char *in, const struct path *up,
    struct why *why)
{
	struct path at = { up, NULL, 0 };
	const struct wire_field *f;
	int rc;

	for (f = m->fields(); f->name != NULL; f++) {
		at.name = f->wire;
		rc = check_field(&at, f, in, why);
		if (rc < 0)
			return rc;
	}
	return OK;
}

int
wire_validate(const struct wire_msg *m, const void *in, struct why *why)
{
	return validate(m, in, NULL, why);
}

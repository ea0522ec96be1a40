/*
 * path.h - the way to the field at hand, kept on the stack while rows are
 * walked and written out only when something is wrong with it. Inside wire.
 */
#ifndef WIRE_PATH_H
#define WIRE_PATH_H

#include "wire/wire.h"

struct path {
	const struct path *up;
	const char *name; /* NULL: item no of the list above */
	size_t no;
};

/* why_field with the path as the field, and "'path' " before the sentence. */
int path_fault(const struct path *, struct why *, int code, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));

/* Is a value inside the limits of its row? E_TOO_LONG and its kin, or OK. */
int path_bytes(const struct path *, const struct wire_field *, size_t n,
    struct why *);
int path_items(const struct path *, const struct wire_field *, size_t n,
    struct why *);
int path_range(const struct path *, const struct wire_field *, int64_t v,
    struct why *);

#endif

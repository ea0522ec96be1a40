/*
 * wire_sample.h - values for any row, made from the row itself, and their
 * comparison. For tests that loop over the whole table.
 */
#ifndef TESTS_WIRE_SAMPLE_H
#define TESTS_WIRE_SAMPLE_H

#include "wire/wire.h"

enum sample {
	SAMPLE_LEAST, /* required fields at their minimum, nothing else */
	SAMPLE_PLAIN, /* every field present, short plain text */
	SAMPLE_ODD,   /* every field at its maximum, text that needs escapes */
};

/* A filled struct of the row, in the arena. */
void *sample_make(struct arena *, const struct wire_msg *, enum sample);
/* Do two structs of the row say the same? */
bool sample_same(const struct wire_msg *, const void *a, const void *b);

#endif

/*
 * vec.c - the growth behind the macros of vec.h: doubling, with the overflow
 * of the size checked in one place.
 */
#include <assert.h>
#include <stdint.h>

#include "base/vec.h"

void *
vec_grow(void *v, size_t *cap, size_t size)
{
	size_t n = *cap == 0 ? 8 : *cap * 2;

	assert(n > *cap && n <= SIZE_MAX / size);
	*cap = n;
	return mem_realloc(v, n * size);
}

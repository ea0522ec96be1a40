/*
 * vec.h - a typed growable array in four macros. `VEC(struct peer *) peers;`
 * zeroed is empty. Elements may move on add; indices stay.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/mem.h"

#define VEC(type)              \
	struct {               \
		type *v;       \
		size_t n, cap; \
	}

void *vec_grow(void *v, size_t *cap, size_t size)
    __attribute__((returns_nonnull));

#define vec_add(vec, item)                                         \
	do {                                                       \
		if ((vec)->n == (vec)->cap)                        \
			(vec)->v = vec_grow((vec)->v, &(vec)->cap, \
			    sizeof(*(vec)->v));                    \
		(vec)->v[(vec)->n++] = (item);                     \
	} while (0)
#define vec_del(vec, i) /* keeps the order */                    \
	do {                                                     \
		size_t vec_i_ = (i);                             \
		(vec)->n--;                                      \
		for (; vec_i_ < (vec)->n; vec_i_++)              \
			(vec)->v[vec_i_] = (vec)->v[vec_i_ + 1]; \
	} while (0)
#define vec_fini(vec)                      \
	do {                               \
		mem_free((vec)->v);        \
		(vec)->v = NULL;           \
		(vec)->n = (vec)->cap = 0; \
	} while (0)

#endif

/*
 * arena.h - memory that dies together: a request, a listing, a test.
 * Nothing is freed one by one. Pointers stay valid until reset or fini.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_chunk;
struct arena {
	struct arena_chunk *head; /* newest chunk first */
	size_t used, cap;	  /* of the newest chunk */
};

void arena_init(struct arena *); /* a zeroed struct is initialised, too */
void arena_fini(struct arena *);
void arena_reset(struct arena *); /* keeps one ordinary chunk for reuse */

void *arena_alloc(struct arena *, size_t n);  /* 16-byte aligned, not zeroed */
void *arena_zalloc(struct arena *, size_t n); /* zeroed */
void *arena_dup(struct arena *, const void *p, size_t n);
char *arena_strdup(struct arena *, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *, const char *s, size_t n);
char *arena_printf(struct arena *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *, const char *fmt, va_list)
    __attribute__((format(printf, 2, 0)));

#endif

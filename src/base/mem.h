/*
 * mem.h - the only allocator. Out of memory ends the process here and nowhere
 * else, so no other file has that branch. Sizes from outside have a limit
 * before they get here.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n);  /* never NULL; n may be 0 */
void *mem_zalloc(size_t n); /* the same, zeroed */
void *mem_realloc(void *p, size_t n);
void *mem_dup(const void *p, size_t n);
char *mem_strdup(const char *s); /* NULL gives NULL */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void mem_free(void *p); /* NULL is fine */

#define countof(a) (sizeof(a) / sizeof((a)[0]))

#endif

/*
 * buf.h - a growable byte buffer, born with a maximum. Adding beyond the
 * maximum changes nothing and returns -1 (and marks the buffer `over`), so a
 * series of adds may be checked once at the end. An empty buffer owns no
 * memory after buf_fini or buf_reset.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* len bytes, always followed by a NUL when not NULL */
	size_t len, cap, max;
	bool over; /* an add was refused since the last clear */
};

void buf_init(struct buf *, size_t max);
void buf_fini(struct buf *);  /* frees; max stays, so it may be used again */
void buf_clear(struct buf *); /* len = 0, keeps the memory */
void buf_reset(struct buf *); /* len = 0, frees the memory */

int buf_add(struct buf *, const void *p, size_t n);
int buf_addc(struct buf *, char c);
int buf_adds(struct buf *, const char *s);
int buf_addf(struct buf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
char *buf_reserve(struct buf *, size_t n); /* room for n, or NULL when over */
void buf_commit(struct buf *, size_t n);   /* n of the reserved are used */
void buf_consume(struct buf *, size_t n);  /* drop n bytes at the front */
const char *buf_str(const struct buf *);   /* never NULL; "" when empty */

#endif

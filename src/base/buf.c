/*
 * buf.c - a byte buffer that doubles until its maximum and refuses beyond.
 *
 * The NUL behind the data is not counted in len, cap or max.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define FIRST 64

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_fini(struct buf *b)
{
	if (b != NULL)
		buf_reset(b);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->over = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

void
buf_reset(struct buf *b)
{
	mem_free(b->data);
	buf_init(b, b->max);
}

static int
grow(struct buf *b, size_t n)
{
	size_t cap = b->cap < FIRST ? FIRST : b->cap;

	if (n > b->max - b->len) {
		b->over = true;
		return -1;
	}
	while (cap < b->len + n)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	if (cap > b->max)
		cap = b->max;
	b->data = mem_realloc(b->data, cap + 1);
	b->cap = cap;
	b->data[b->len] = '\0';
	return 0;
}

char *
buf_reserve(struct buf *b, size_t n)
{
	if ((b->data == NULL || n > b->cap - b->len) && grow(b, n) < 0)
		return NULL;
	return b->data + b->len;
}

void
buf_commit(struct buf *b, size_t n)
{
	assert(b->data != NULL && n <= b->cap - b->len);
	b->len += n;
	b->data[b->len] = '\0';
}

int
buf_add(struct buf *b, const void *p, size_t n)
{
	char *to = buf_reserve(b, n);

	if (to == NULL)
		return -1;
	if (n > 0)
		memcpy(to, p, n);
	buf_commit(b, n);
	return 0;
}

int
buf_addc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int
buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	size_t room = b->data == NULL ? 0 : b->cap - b->len + 1;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room == 0 ? NULL : b->data + b->len, room, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n >= room) {
		if (room > 0) /* what was tried is not to be seen */
			b->data[b->len] = '\0';
		if (buf_reserve(b, (size_t)n) == NULL)
			return -1;
		va_start(ap, fmt);
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	if (n < 0)
		return -1;
	buf_commit(b, (size_t)n);
	return 0;
}

void
buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->data, b->data + n, b->len + 1);
}

const char *
buf_str(const struct buf *b)
{
	return b->data == NULL ? "" : b->data;
}

/*
 * arena.c - chunks of 8 KiB filled from the front; what is large gets a chunk
 * of its own behind the one in use, so that one long string does not waste the
 * rest of it.
 *
 * Under AddressSanitizer every allocation is a chunk of its own: then a write
 * past one string, or a use after the reset, is seen.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"

#define CHUNK 8192
#define ALIGN 16

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define LARGE 0
#else
#define LARGE (CHUNK / 4)
#endif

struct arena_chunk {
	struct arena_chunk *next;
	size_t size; /* of the bytes that follow the header */
};

/* The header's own size keeps what follows aligned. */
#define HEADER ((sizeof(struct arena_chunk) + ALIGN - 1) / ALIGN * ALIGN)

static struct arena_chunk *
chunk_new(size_t size)
{
	struct arena_chunk *c = mem_alloc(HEADER + size);

	c->next = NULL;
	c->size = size;
	return c;
}

static void
chunks_free(struct arena_chunk *c)
{
	struct arena_chunk *next;

	for (; c != NULL; c = next) {
		next = c->next;
		mem_free(c);
	}
}

void
arena_init(struct arena *a)
{
	*a = (struct arena){ 0 };
}

void
arena_fini(struct arena *a)
{
	if (a == NULL)
		return;
	chunks_free(a->head);
	arena_init(a);
}

void
arena_reset(struct arena *a)
{
	struct arena_chunk *c, *next, *keep = NULL;

	for (c = a->head; c != NULL; c = next) {
		next = c->next;
		if (keep == NULL && c->size == CHUNK)
			keep = c;
		else
			mem_free(c);
	}
	arena_init(a);
	if (keep != NULL) {
		keep->next = NULL;
		a->head = keep;
		a->cap = CHUNK;
	}
}

/* A chunk just for n bytes, put behind the head: the head is still filled. */
static void *
alloc_large(struct arena *a, size_t n)
{
	struct arena_chunk *c = chunk_new(n);

	if (a->head == NULL) {
		a->head = c;
		a->used = a->cap = n;
	} else {
		c->next = a->head->next;
		a->head->next = c;
	}
	return (char *)c + HEADER;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_chunk *c;
	size_t room = (n + ALIGN - 1) / ALIGN * ALIGN;
	char *p;

	if (n > LARGE)
		return alloc_large(a, n);
	if (room == 0)
		room = ALIGN;
	if (a->head == NULL || room > a->cap - a->used) {
		c = chunk_new(CHUNK);
		c->next = a->head;
		a->head = c;
		a->used = 0;
		a->cap = CHUNK;
	}
	p = (char *)a->head + HEADER + a->used;
	a->used += room;
	return p;
}

void *
arena_zalloc(struct arena *a, size_t n)
{
	return memset(arena_alloc(a, n), 0, n);
}

void *
arena_dup(struct arena *a, const void *p, size_t n)
{
	void *copy = arena_alloc(a, n);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return s == NULL ? NULL : arena_dup(a, s, strlen(s) + 1);
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (n > 0)
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}

char *
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *s;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return arena_strdup(a, "");
	s = arena_alloc(a, (size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	return s;
}

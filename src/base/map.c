/*
 * map.c - entries in an array in order of insertion, found through an index of
 * open addressing that holds slot numbers (plus one; zero is free).
 *
 * A deleted entry stays as a tombstone, in the array and in the index, so that
 * deleting never moves what an iteration stands on. Tombstones go when the
 * array is full: then live entries move together and the index is made anew.
 * Values are never NULL: that is how a tombstone, and the end, is told.
 */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

#define INLINE 16 /* keys up to this long live in the slot */
#define FIRST 8

struct map_slot {
	void *v; /* NULL: a tombstone */
	uint32_t hash, len;
	union {
		char in[INLINE];
		char *out;
	} key;
};

static const char *
slot_key(const struct map_slot *s)
{
	return s->len <= INLINE ? s->key.in : s->key.out;
}

static void
slot_clear(struct map_slot *s)
{
	if (s->v != NULL && s->len > INLINE)
		mem_free(s->key.out);
	s->v = NULL;
}

void
map_init(struct map *m)
{
	*m = (struct map){ 0 };
}

void
map_fini(struct map *m)
{
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i < m->used; i++)
		slot_clear(&m->slot[i]);
	mem_free(m->slot);
	mem_free(m->index);
	map_init(m);
}

static struct map_slot *
find(const struct map *m, const void *key, size_t len, uint32_t hash)
{
	struct map_slot *s;
	size_t i, mask = m->nindex - 1;

	if (m->n == 0)
		return NULL;
	for (i = hash & mask; m->index[i] != 0; i = (i + 1) & mask) {
		s = &m->slot[m->index[i] - 1];
		if (s->v != NULL && s->hash == hash && s->len == len &&
		    memcmp(slot_key(s), key, len) == 0)
			return s;
	}
	return NULL;
}

static void
index_add(struct map *m, size_t slot)
{
	size_t mask = m->nindex - 1, i = m->slot[slot].hash & mask;

	while (m->index[i] != 0)
		i = (i + 1) & mask;
	m->index[i] = (uint32_t)slot + 1;
}

/* Full: drop the tombstones, and take the size that the living need. */
static void
rebuild(struct map *m)
{
	size_t i, live = 0, cap = FIRST;

	while (cap < m->n + m->n / 2 + 1)
		cap *= 2;
	assert(cap < UINT32_MAX / 2);
	for (i = 0; i < m->used; i++) {
		if (m->slot[i].v != NULL)
			m->slot[live++] = m->slot[i];
	}
	m->used = live;
	if (cap != m->cap) {
		m->slot = mem_realloc(m->slot, cap * sizeof(*m->slot));
		mem_free(m->index);
		m->nindex = cap * 2;
		m->index = mem_alloc(m->nindex * sizeof(*m->index));
		m->cap = cap;
	}
	memset(m->index, 0, m->nindex * sizeof(*m->index));
	for (i = 0; i < m->used; i++)
		index_add(m, i);
}

void *
map_get(const struct map *m, const void *key, size_t len)
{
	struct map_slot *s;

	if (m->n == 0)
		return NULL;
	s = find(m, key, len, (uint32_t)hash_bytes(key, len));
	return s == NULL ? NULL : s->v;
}

void *
map_put(struct map *m, const void *key, size_t len, void *v)
{
	uint32_t hash = (uint32_t)hash_bytes(key, len);
	struct map_slot *s = find(m, key, len, hash);
	void *old;

	assert(v != NULL && len < UINT32_MAX);
	if (s != NULL) {
		old = s->v;
		s->v = v;
		return old;
	}
	if (m->used == m->cap)
		rebuild(m);
	s = &m->slot[m->used];
	s->v = v;
	s->hash = hash;
	s->len = (uint32_t)len;
	if (len > INLINE)
		s->key.out = mem_dup(key, len);
	else if (len > 0)
		memcpy(s->key.in, key, len);
	index_add(m, m->used++);
	m->n++;
	return NULL;
}

void *
map_del(struct map *m, const void *key, size_t len)
{
	struct map_slot *s;
	void *old;

	if (m->n == 0)
		return NULL;
	s = find(m, key, len, (uint32_t)hash_bytes(key, len));
	if (s == NULL)
		return NULL;
	old = s->v;
	slot_clear(s);
	m->n--;
	return old;
}

void *
map_gets(const struct map *m, const char *key)
{
	return map_get(m, key, strlen(key));
}

void *
map_puts(struct map *m, const char *key, void *v)
{
	return map_put(m, key, strlen(key), v);
}

void *
map_dels(struct map *m, const char *key)
{
	return map_del(m, key, strlen(key));
}

void *
map_geti(const struct map *m, uint64_t key)
{
	return map_get(m, &key, sizeof(key));
}

void *
map_puti(struct map *m, uint64_t key, void *v)
{
	return map_put(m, &key, sizeof(key), v);
}

void *
map_deli(struct map *m, uint64_t key)
{
	return map_del(m, &key, sizeof(key));
}

void *
map_next(const struct map *m, size_t *i)
{
	while (*i < m->used) {
		void *v = m->slot[(*i)++].v;

		if (v != NULL)
			return v;
	}
	return NULL;
}

void *
map_next_key(const struct map *m, size_t *i, const void **key, size_t *len)
{
	void *v = map_next(m, i);

	if (v != NULL) {
		*key = slot_key(&m->slot[*i - 1]);
		*len = m->slot[*i - 1].len;
	}
	return v;
}

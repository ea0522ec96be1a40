/*
 * map.h - a hash map from bytes or integers to pointers that iterates in
 * insertion order (so a simulation replays exactly). Keys are copied, values
 * are borrowed. Deleting while iterating is allowed.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_slot;
struct map {
	struct map_slot *slot;
	uint32_t *index;
	size_t n;	  /* live entries */
	size_t used, cap; /* slots used (tombstones included), allocated */
	size_t nindex;
};

void map_init(struct map *); /* a zeroed struct is an empty map, too */
void map_fini(struct map *);

void *map_get(const struct map *, const void *key, size_t len);
void *map_put(struct map *, const void *key, size_t len,
    void *v);						  /* old or NULL */
void *map_del(struct map *, const void *key, size_t len); /* old or NULL */

void *map_gets(const struct map *, const char *key);
void *map_puts(struct map *, const char *key, void *v);
void *map_dels(struct map *, const char *key);

void *map_geti(const struct map *, uint64_t key);
void *map_puti(struct map *, uint64_t key, void *v);
void *map_deli(struct map *, uint64_t key);

/* for (size_t i = 0; (v = map_next(m, &i)) != NULL;) */
void *map_next(const struct map *, size_t *i);
/* the same, telling the key (not NUL-terminated; valid until the next put) */
void *map_next_key(const struct map *, size_t *i, const void **key,
    size_t *len);

#endif

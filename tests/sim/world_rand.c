/*
 * world_rand.c - chance, and the heap of things to come.
 */
#include <string.h>

#include "world_int.h"

/* ---- chance: xoshiro256**, seeded by splitmix64 ---- */

static uint64_t
rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t
world_rand(struct world *w)
{
	uint64_t *s = w->rng, r = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return r;
}

uint64_t
world_below(struct world *w, uint64_t n)
{
	return n == 0 ? 0 : world_rand(w) % n;
}

bool
world_chance(struct world *w, unsigned percent)
{
	return world_below(w, 100) < percent;
}

void
world_random(void *world, void *p, size_t n)
{
	uint8_t *out = p;

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(world_rand(world) >> 24);
}

/* ---- the heap ---- */

static bool
before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->no < b->no;
}

void
heap_add(struct world *w, struct event ev)
{
	size_t i;

	ev.no = ++w->no;
	vec_add(&w->heap, ev);
	for (i = w->heap.n - 1; i > 0; i = (i - 1) / 2) {
		struct event *c = &w->heap.v[i], *p = &w->heap.v[(i - 1) / 2];
		struct event t = *c;

		if (!before(c, p))
			break;
		*c = *p;
		*p = t;
	}
}

struct event
heap_take(struct world *w)
{
	struct event first = w->heap.v[0], last = w->heap.v[--w->heap.n];
	size_t i = 0, n = w->heap.n;

	if (n == 0)
		return first;
	for (;;) {
		size_t c = 2 * i + 1;

		if (c >= n)
			break;
		if (c + 1 < n && before(&w->heap.v[c + 1], &w->heap.v[c]))
			c++;
		if (!before(&w->heap.v[c], &last))
			break;
		w->heap.v[i] = w->heap.v[c];
		i = c;
	}
	w->heap.v[i] = last;
	return first;
}

void
world_after(struct node *n, int64_t us, struct event ev)
{
	ev.node = n;
	ev.at_us = n->w->now_us + us;
	heap_add(n->w, ev);
}

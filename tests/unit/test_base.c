/*
 * test_base.c - memory and containers: arena, buf, map, vec.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"

static void
mem_makes_blocks(void **state)
{
	char *s = mem_printf("%s-%d", "x", 7), *copy = mem_strdup(s);

	(void)state;
	assert_string_equal(s, "x-7");
	assert_string_equal(copy, s);
	assert_null(mem_strdup(NULL));
	mem_free(s);
	mem_free(copy);
	s = mem_zalloc(64);
	assert_int_equal(s[0] | s[63], 0);
	s = mem_realloc(s, 128);
	mem_free(s);
	mem_free(mem_alloc(0));
}

static void
arena_keeps_pointers(void **state)
{
	struct arena a;
	char *s[1000], *big;
	int i;

	(void)state;
	arena_init(&a);
	for (i = 0; i < 1000; i++) {
		s[i] = arena_printf(&a, "number %d", i);
		assert_int_equal((uintptr_t)s[i] % 16, 0);
		if (i % 100 == 0) {
			big = arena_zalloc(&a, 20000);
			assert_int_equal(big[0] | big[19999], 0);
			memset(big, 'x', 20000);
		}
	}
	for (i = 0; i < 1000; i++) {
		char want[32];

		snprintf(want, sizeof(want), "number %d", i);
		assert_string_equal(s[i], want);
	}
	assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
	assert_null(arena_strdup(&a, NULL));
	assert_non_null(arena_alloc(&a, 0));
	arena_reset(&a);
	assert_string_equal(arena_strdup(&a, "again"), "again");
	arena_fini(&a);
	arena_fini(&a);
	arena_fini(NULL);
}

static void
buf_grows_to_its_maximum(void **state)
{
	struct buf b;
	char *p;

	(void)state;
	buf_init(&b, 100);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_adds(&b, "hello"), 0);
	assert_int_equal(buf_addc(&b, ' '), 0);
	assert_int_equal(buf_addf(&b, "%s %d", "world", 42), 0);
	assert_string_equal(buf_str(&b), "hello world 42");
	p = buf_reserve(&b, 86);
	assert_non_null(p);
	memset(p, 'x', 86);
	buf_commit(&b, 86);
	assert_int_equal(b.len, 100);
	assert_false(b.over);
	assert_int_equal(buf_addc(&b, 'y'), -1);
	assert_int_equal(buf_addf(&b, "%d", 1), -1);
	assert_null(buf_reserve(&b, 1));
	assert_true(b.over);
	assert_int_equal(strlen(buf_str(&b)), 100);
	assert_int_equal(buf_add(&b, "", 0), 0);
	buf_consume(&b, 6);
	assert_int_equal(strncmp(buf_str(&b), "world 42x", 9), 0);
	assert_int_equal(b.len, 94);
	buf_clear(&b);
	assert_false(b.over);
	assert_non_null(b.data);
	assert_string_equal(buf_str(&b), "");
	buf_adds(&b, "z");
	buf_reset(&b);
	assert_null(b.data);
	assert_int_equal(buf_adds(&b, "again"), 0);
	buf_fini(&b);
	buf_fini(NULL);
}

static void
buf_formats_across_growth(void **state)
{
	struct buf b;
	int i;

	(void)state;
	buf_init(&b, 1 << 20);
	for (i = 0; i < 2000; i++)
		assert_int_equal(buf_addf(&b, "%06d;", i), 0);
	assert_int_equal(b.len, 2000 * 7);
	assert_int_equal(strlen(b.data), b.len);
	assert_memory_equal(b.data + 7 * 1234, "001234;", 7);
	buf_consume(&b, b.len);
	assert_string_equal(buf_str(&b), "");
	buf_fini(&b);

	buf_init(&b, 0);
	assert_int_equal(buf_addc(&b, 'x'), -1);
	assert_int_equal(buf_add(&b, NULL, 0), 0);
	buf_fini(&b);
}

/* Against the plainest model there is: an array of flags. */
static void
map_agrees_with_a_model(void **state)
{
	static char live[500];
	struct map m = { 0 };
	uint64_t seed = 42;
	size_t i, n = 0;
	char key[64];
	int round;

	(void)state;
	memset(live, 0, sizeof(live));
	for (round = 0; round < 20000; round++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695;
		i = (seed >> 33) % 500;
		snprintf(key, sizeof(key), i % 2 ? "%zu" : "a long key %zu", i);
		if (seed >> 63) {
			assert_ptr_equal(map_puts(&m, key, &live[i]),
			    live[i] ? &live[i] : NULL);
			n += !live[i];
			live[i] = 1;
		} else {
			assert_ptr_equal(map_dels(&m, key),
			    live[i] ? &live[i] : NULL);
			n -= live[i] != 0;
			live[i] = 0;
		}
		assert_int_equal(m.n, n);
		assert_ptr_equal(map_gets(&m, key), live[i] ? &live[i] : NULL);
	}
	for (i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), i % 2 ? "%zu" : "a long key %zu", i);
		assert_ptr_equal(map_gets(&m, key), live[i] ? &live[i] : NULL);
	}
	map_fini(&m);
}

static void
map_keeps_the_order(void **state)
{
	struct map m;
	char v[1000], *p;
	uint64_t k;
	size_t i, len, seen = 0;
	const void *key;

	(void)state;
	map_init(&m);
	for (k = 0; k < 1000; k++)
		assert_null(map_puti(&m, k * 7919 % 1000, &v[k]));
	assert_ptr_equal(map_puti(&m, 7919 % 1000, &v[1]), &v[1]);
	for (i = 0; (p = map_next_key(&m, &i, &key, &len)) != NULL; seen++) {
		assert_ptr_equal(p, &v[seen]);
		assert_int_equal(len, 8);
		memcpy(&k, key, 8);
		assert_int_equal(k, seen * 7919 % 1000);
	}
	assert_int_equal(seen, 1000);

	/* deleting while iterating: every second, and those ahead of us */
	seen = 0;
	for (i = 0; (p = map_next(&m, &i)) != NULL; seen++) {
		size_t at = (size_t)(p - v);

		assert_int_equal(at % 2, 0);
		assert_ptr_equal(map_deli(&m, at * 7919 % 1000), p);
		assert_non_null(map_deli(&m, (at + 1) * 7919 % 1000));
	}
	assert_int_equal(seen, 500);
	assert_int_equal(m.n, 0);
	map_fini(&m);
	map_fini(&m);
	map_fini(NULL);
}

static void
map_does_not_grow_by_churn(void **state)
{
	struct map m = { 0 };
	uint64_t k;
	int v;

	(void)state;
	for (k = 0; k < 100000; k++) {
		map_puti(&m, k, &v);
		if (k >= 10)
			assert_ptr_equal(map_deli(&m, k - 10), &v);
	}
	assert_int_equal(m.n, 10);
	assert_true(m.cap <= 64);
	map_fini(&m);
}

static void
map_tells_keys_apart(void **state)
{
	struct map m = { 0 };
	int a, b, c;

	(void)state;
	map_put(&m, "a\0b", 3, &a);
	map_put(&m, "a\0c", 3, &b);
	map_put(&m, "a", 1, &c);
	assert_ptr_equal(map_get(&m, "a\0b", 3), &a);
	assert_ptr_equal(map_get(&m, "a\0c", 3), &b);
	assert_ptr_equal(map_gets(&m, "a"), &c);
	assert_null(map_get(&m, "", 0));
	map_put(&m, "", 0, &a);
	assert_ptr_equal(map_gets(&m, ""), &a);
	map_fini(&m);
	assert_null(map_gets(&m, "a"));
	assert_null(map_dels(&m, "a"));
}

static void
hash_spreads(void **state)
{
	static unsigned char hit[1024];
	uint64_t i;
	int used = 0;

	(void)state;
	memset(hit, 0, sizeof(hit));
	for (i = 0; i < 1024; i++)
		hit[hash_bytes(&i, 8) % 1024] = 1;
	for (i = 0; i < 1024; i++)
		used += hit[i];
	assert_in_range(used, 550, 750); /* 1 - 1/e of them, give or take */
	assert_true(hash_bytes("ab", 2) == hash_bytes("ab", 2));
	assert_true(hash_bytes("ab", 2) != hash_bytes("ab\0", 3));
}

static void
vec_grows_and_closes_gaps(void **state)
{
	VEC(int) v = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		vec_add(&v, i);
	assert_int_equal(v.n, 100);
	vec_del(&v, 0);
	vec_del(&v, 98);
	vec_del(&v, 50);
	assert_int_equal(v.n, 97);
	assert_int_equal(v.v[0], 1);
	assert_int_equal(v.v[49], 50);
	assert_int_equal(v.v[50], 52);
	assert_int_equal(v.v[96], 98);
	vec_fini(&v);
	assert_null(v.v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mem_makes_blocks),
		cmocka_unit_test(arena_keeps_pointers),
		cmocka_unit_test(buf_grows_to_its_maximum),
		cmocka_unit_test(buf_formats_across_growth),
		cmocka_unit_test(map_agrees_with_a_model),
		cmocka_unit_test(map_keeps_the_order),
		cmocka_unit_test(map_does_not_grow_by_churn),
		cmocka_unit_test(map_tells_keys_apart),
		cmocka_unit_test(hash_spreads),
		cmocka_unit_test(vec_grows_and_closes_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

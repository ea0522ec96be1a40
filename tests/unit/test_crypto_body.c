/*
 * test_crypto_body.c - bodies against the vectors, what must not open, and the
 * cache of shared keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/enc.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/box.h"
#include "tests/vectors/vectors.h"

static struct arena A;
static uint8_t counter;

static void
count_up(void *arg, void *p, size_t n)
{
	uint8_t *c = arg, *out = p;

	while (n-- > 0)
		*out++ = (*c)++;
}

static int
setup(void **state)
{
	(void)state;
	arena_init(&A);
	return crypto_setup(count_up, &counter);
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&A);
	vectors_free();
	return 0;
}

static struct key
key_of(const char *seed_hex)
{
	uint8_t seed[32];
	struct key k;

	assert_int_equal(vhex(seed, 32, seed_hex), 32);
	key_from_seed(&k, seed);
	return k;
}

static struct key
key_no(uint8_t i)
{
	uint8_t seed[32] = { i, 0xc1 };
	struct key k;

	key_from_seed(&k, seed);
	return k;
}

static struct body
body_from_to(const struct key *from, const char *to)
{
	return (struct body){ .mesh = "abcdefghijklmnopqrstuvwxyz234567",
		.from = from->hex,
		.to = to,
		.id = "m0000001",
		.epoch = 1,
		.has_roll = true,
		.roll = { .n = 1, .head = from->hex },
		.priority = "next",
		.sent_at = 1,
		.text = "hi",
		.session = "",
		.reply_to = "",
		.thread = "",
		.expects = "",
		.authority = "" };
}

static void
one_good(struct box_cache *c, struct json v)
{
	struct key from = key_of(vs(v, "from_seed"));
	struct key to = key_of(vs(v, "to_seed"));
	struct envelope env = { .from = from.hex, .to = to.hex };
	struct body b, again;
	struct sealed s;
	struct why w = { 0 };

	if (body_open_direct(&A, c, &b, &to, &env, vs(v, "nonce"),
		vs(v, "ciphertext"), &w) != OK)
		fail_msg("%s: %s", vs(v, "what"), w.text);
	assert_int_equal(wire_decode_text(&wire_body, vs(v, "json"),
			     strlen(vs(v, "json")), &again, &A, NULL),
	    OK);
	assert_string_equal(b.text, again.text);
	/* sealed by us under the same nonce: the same bytes */
	counter = 0;
	assert_int_equal(body_seal_direct(&A, c, &again, &from, to.hex, &s, &w),
	    OK);
	assert_string_equal(s.nonce, vs(v, "nonce"));
	assert_string_equal(s.ciphertext, vs(v, "ciphertext"));
}

static void
test_vectors(void **state)
{
	struct json j = vectors_load("body"), v;
	struct box_cache *c = box_cache_new(4);
	size_t i;

	(void)state;
	vectors_each(vmember(j, "good"), i, v) {
		one_good(NULL, v);
		one_good(c, v);
		one_good(c, v); /* from the cache */
	}
	box_cache_free(c);
}

static void
test_group(void **state)
{
	struct json j = vectors_load("group"), v;
	struct body b, again;
	struct sealed s;
	uint8_t epoch[32];
	size_t i;

	(void)state;
	vectors_each(vmember(j, "good"), i, v) {
		struct key from = key_of(vs(v, "from_seed"));
		struct envelope env = { .from = from.hex, .to = vs(v, "to") };

		assert_int_equal(vhex(epoch, 32, vs(v, "epoch_key")), 32);
		assert_int_equal(wire_decode_text(&wire_body, vs(v, "json"),
				     strlen(vs(v, "json")), &again, &A, NULL),
		    OK);
		counter = 0;
		assert_int_equal(body_seal_group(&A, &again, &from, epoch, &s,
				     NULL),
		    OK);
		assert_string_equal(s.nonce, vs(v, "nonce"));
		assert_string_equal(s.ciphertext, vs(v, "ciphertext"));
		assert_int_equal(body_open_group(&A, &b, epoch, &env, s.nonce,
				     s.ciphertext, NULL),
		    OK);
		assert_string_equal(b.text, again.text);
		env.to = NULL;
		assert_int_equal(body_open_group(&A, &b, epoch, &env, s.nonce,
				     s.ciphertext, NULL),
		    E_CANNOT_OPEN);
	}
	vectors_each(vmember(j, "bad"), i, v) {
		struct json e = vmember(v, "envelope");
		struct envelope env = { vs(e, "mesh"), vs(e, "from"),
			vs(e, "to"), vs(e, "id"), vs(e, "priority"), 0 };
		int got;

		assert_int_equal(json_int(vmember(e, "epoch"), &env.epoch), 0);
		assert_int_equal(vhex(epoch, 32, vs(v, "epoch_key")), 32);
		got = body_open_group(&A, &b, epoch, &env, vs(v, "nonce"),
		    vs(v, "ciphertext"), NULL);
		if (got == OK ||
		    strcmp(err_info(got)->wire, vs(v, "error")) != 0)
			fail_msg("%s: %s", vs(v, "why"), err_info(got)->wire);
	}
}

static void
test_bad(void **state)
{
	struct json j = vectors_load("body"), v;
	struct box_cache *c = box_cache_new(4);
	size_t i;

	(void)state;
	vectors_each(vmember(j, "bad"), i, v) {
		struct key to = key_of(vs(v, "to_seed"));
		struct json e = vmember(v, "envelope");
		struct envelope env = { vs(e, "mesh"), vs(e, "from"),
			vs(e, "to"), vs(e, "id"), vs(e, "priority"), 0 };
		struct body b;
		struct why w = { 0 };
		int got = body_open_direct(&A, c, &b, &to, &env, vs(v, "nonce"),
		    vs(v, "ciphertext"), &w);

		if (got == OK ||
		    strcmp(err_info(got)->wire, vs(v, "error")) != 0)
			fail_msg("%s: %s", vs(v, "why"), err_info(got)->wire);
		env.to = NULL; /* the body knows for whom it was written */
		if (str_eq(vs(v, "why"), "written for another target"))
			assert_int_equal(body_open_direct(&A, c, &b, &to, &env,
					     vs(v, "nonce"),
					     vs(v, "ciphertext"), &w),
			    E_CONFLICT);
	}
	assert_true(i >= 10);
	box_cache_free(c);
}

static void
test_every_bit(void **state)
{
	struct key from = key_no(1), to = key_no(2);
	struct body b = body_from_to(&from, to.hex), out;
	struct envelope env = { .from = from.hex };
	struct box_cache *c = box_cache_new(2);
	struct sealed s;
	uint8_t raw[2048];
	char again[4096];
	ssize_t n;

	(void)state;
	assert_int_equal(body_seal_direct(&A, c, &b, &from, to.hex, &s, NULL),
	    OK);
	n = b64_decode(raw, sizeof(raw), s.ciphertext, strlen(s.ciphertext));
	assert_true(n > 80);
	for (ssize_t i = 0; i < n; i++) {
		raw[i] ^= 4;
		b64_encode(again, raw, (size_t)n);
		assert_int_equal(body_open_direct(&A, c, &out, &to, &env,
				     s.nonce, again, NULL),
		    E_CANNOT_OPEN);
		raw[i] ^= 4;
	}
	for (ssize_t i = 0; i < n; i++) {
		b64_encode(again, raw, (size_t)i);
		assert_int_equal(body_open_direct(&A, c, &out, &to, &env,
				     s.nonce, again, NULL),
		    E_CANNOT_OPEN);
	}
	assert_int_equal(body_open_direct(&A, c, &out, &to, &env, "AAAA",
			     s.ciphertext, NULL),
	    E_CANNOT_OPEN);
	/* reflected to its own sender: the box opens, the body says no */
	env.from = NULL;
	assert_int_equal(body_open_direct(&A, c, &out, &to, &env, s.nonce,
			     s.ciphertext, NULL),
	    E_CANNOT_OPEN);
	env.from = to.hex;
	assert_int_equal(body_open_direct(&A, c, &out, &from, &env, s.nonce,
			     s.ciphertext, NULL),
	    E_BAD_SIGNATURE);
	box_cache_free(c);
}

static void
test_refused_to_seal(void **state)
{
	struct key from = key_no(1), to = key_no(2), other = key_no(3);
	struct body b = body_from_to(&from, to.hex);
	struct sealed s;
	struct why w;
	char zero[65] = { 0 };

	(void)state;
	assert_int_equal(body_seal_direct(&A, NULL, &b, &other, to.hex, &s, &w),
	    E_BAD_FIELD);
	assert_string_equal(w.field, "from");
	assert_int_equal(body_seal_direct(&A, NULL, &b, &from, other.hex, &s,
			     &w),
	    E_BAD_FIELD);
	assert_string_equal(w.field, "to");
	memset(zero, '0', 64);
	b.to = zero; /* of small order: everybody would know the shared key */
	assert_int_equal(body_seal_direct(&A, NULL, &b, &from, zero, &s, &w),
	    E_BAD_FIELD);
	b.to = to.hex;
	b.id = "x";
	assert_true(body_seal_direct(&A, NULL, &b, &from, to.hex, &s, &w) < 0);
}

static void
test_sizes(void **state)
{
	struct key from = key_no(1), to = key_no(2);
	struct body b = body_from_to(&from, to.hex), out;
	struct envelope env = { .from = from.hex };
	char *text = arena_zalloc(&A, 65537 + 1);
	struct sealed s;
	struct why w;

	(void)state;
	memset(text, '\n', 65536); /* twice as long in JSON */
	b.text = text;
	assert_int_equal(body_seal_direct(&A, NULL, &b, &from, to.hex, &s, &w),
	    OK);
	assert_true(strlen(s.ciphertext) <= BODY_CIPHERTEXT_MAX);
	assert_int_equal(body_open_direct(&A, NULL, &out, &to, &env, s.nonce,
			     s.ciphertext, &w),
	    OK);
	assert_string_equal(out.text, text);
	memset(text, 1, 65536); /* six times as long */
	assert_int_equal(body_seal_direct(&A, NULL, &b, &from, to.hex, &s, &w),
	    E_TOO_LONG);
	memset(text, 'x', 65537);
	assert_int_equal(body_seal_direct(&A, NULL, &b, &from, to.hex, &s, &w),
	    E_TOO_LONG);
}

static void
test_cache(void **state)
{
	struct box_cache *c = box_cache_new(3);
	struct key me = key_no(0);
	uint8_t first[8][32], k[32];

	(void)state;
	for (int round = 0; round < 5; round++)
		for (uint8_t i = 0; i < 8; i++) {
			struct key you = key_no((uint8_t)(i + 1));

			assert_int_equal(box_shared(k, c, &me, you.hex), 0);
			if (round == 0)
				memcpy(first[i], k, 32);
			assert_memory_equal(k, first[i], 32);
			assert_int_equal(box_shared(k, NULL, &you, me.hex), 0);
			assert_memory_equal(k, first[i], 32);
			assert_int_equal(box_shared(k, c, &me, you.hex), 0);
			assert_memory_equal(k, first[i], 32);
		}
	assert_int_equal(box_shared(k, c, &me, "00"), -1);
	box_cache_free(c);
	box_cache_free(NULL);
	c = box_cache_new(0); /* caches nothing, works */
	assert_int_equal(box_shared(k, c, &me, me.hex), 0);
	box_cache_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_refused_to_seal),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_cache),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/*
 * test_account.c - the account as it is carried: the vectors, made by another
 * implementation; a round trip; that one character changed anywhere is noticed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/str.h"
#include "crypto/account.h"
#include "tests/vectors/vectors.h"

static struct arena mem;

static void
counting(void *arg, void *p, size_t n)
{
	static uint8_t next;

	(void)arg;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = next++;
}

static int
setup(void **state)
{
	(void)state;
	return crypto_setup(counting, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&mem);
	vectors_free();
	return 0;
}

static int64_t
instant(const char *s)
{
	int64_t at;

	assert_int_equal(clock_parse(s, &at), 0);
	return at;
}

static void
test_good(void **state)
{
	struct json v = vat(vmember(vectors_load("account"), "good"), 0), shown;
	struct account_parcel p;
	struct why why = { 0 };
	uint8_t seed[32], want[32];
	size_t i;

	(void)state;
	vhex(want, 32, vs(v, "seed"));
	vectors_each(vmember(v, "shown"), i, shown) {
		char code[ACCOUNT_CODE_LEN + 1];

		assert_true(account_code_read(code, vstr(shown)));
		assert_string_equal(code, vs(v, "code"));
	}
	assert_int_equal(i, 3);
	assert_int_equal(account_open(&mem, vs(v, "text"), vs(v, "code"),
			     instant(vs(v, "before")), &p, seed, &why),
	    OK);
	assert_memory_equal(seed, want, 32);
	assert_int_equal(p.meshes.n, 1);
	assert_string_equal(p.meshes.v[0].mesh,
	    vs(vat(vmember(v, "places"), 0), "mesh"));
	assert_string_equal(p.meshes.v[0].broker,
	    vs(vat(vmember(v, "places"), 0), "broker"));
	assert_int_equal(account_open(&mem, vs(v, "text"), vs(v, "code"),
			     instant(vs(v, "after")), &p, seed, &why),
	    E_EXPIRED);
}

static void
test_bad(void **state)
{
	struct json bad = vmember(vectors_load("account"), "bad"), v;
	struct account_parcel p;
	uint8_t seed[32];
	size_t i;

	(void)state;
	vectors_each(bad, i, v) {
		struct why why = { 0 };
		int r = account_open(&mem, vs(v, "text"), vs(v, "code"), 1, &p,
		    seed, &why);

		if (!str_eq(err_info(r)->wire, vs(v, "error")))
			fail_msg("%s: %s, %s", vs(v, "why"), err_info(r)->wire,
			    why.text);
		assert_true(why.text[0] != '\0');
	}
	assert_true(i >= 10);
}

static void
test_round_trip(void **state)
{
	struct mesh_place place = { .mesh = "abcdefghijklmnopqrstuvwxyz234567",
		.broker = "wss://mesh.example.org/ws" };
	struct account_parcel in = { .v = 2, .expires_at = 2000 }, out;
	char code[ACCOUNT_CODE_SHOWN + 1], seed64[44], *spoilt;
	uint8_t seed[32], got[32];
	const char *text;
	const uint8_t *bytes;
	struct why why = { 0 };
	size_t n;

	(void)state;
	memset(seed, 0xa5, 32);
	b64url_encode(seed64, seed, 32);
	in.seed = seed64;
	in.meshes.n = 1;
	in.meshes.v = &place;
	account_code(code);
	assert_int_equal(strlen(code), ACCOUNT_CODE_SHOWN);
	assert_int_equal(account_seal(&mem, &in, code, &text, &why), OK);
	assert_null(strstr(text, seed64));
	assert_int_equal(account_open(&mem, text, code, 1999, &out, got, &why),
	    OK);
	assert_memory_equal(seed, got, 32);
	for (size_t i = 0; text[i] != '\0'; i++) {
		spoilt = arena_strdup(&mem, text);
		spoilt[i] = spoilt[i] == 'B' ? 'C' : 'B';
		assert_int_equal(account_text_read(&mem, spoilt, &bytes, &n,
				     &why),
		    E_LINK_SPOILED);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

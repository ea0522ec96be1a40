/*
 * test_roll_form.c - acts that are malformed, misplaced or from elsewhere:
 * refused for their form or their place, before any rule is asked.
 */
#include "tests/unit/test_roll.h"

#include <stdio.h>

/* Count, signatures over text by the keys given, text. */
static const char *
raw_act(unsigned count, const char *text, size_t n, int k0, int k1)
{
	size_t at = 1, total = 1 + 2 * SIG_LEN + n;
	uint8_t *p = arena_alloc(&A, total);
	char *s = arena_alloc(&A, B64_LEN(total) + 1);

	p[0] = (uint8_t)count;
	if (k0 >= 0) {
		sign_domain(p + at, "act", text, n, &K[k0]);
		at += SIG_LEN;
	}
	if (k1 >= 0) {
		sign_domain(p + at, "act", text, n, &K[k1]);
		at += SIG_LEN;
	}
	memcpy(p + at, text, n);
	b64_encode(s, p, at + n);
	return s;
}

/* A settings act by the owner; `more` goes before the closing brace. */
static char *
settings_text(const struct roll *r, const char *v, const char *kind,
    const char *author, const char *more)
{
	return arena_printf(&A,
	    "{\"v\":%s,\"kind\":\"%s\",\"n\":%lld,"
	    "\"prev\":\"%s\",\"author\":\"%s\","
	    "\"at\":\"2026-11-20T19:13:00.000Z\"%s}",
	    v, kind, (long long)roll_n(r), roll_head(r), author, more);
}

static int
check_text(const struct roll *r, const char *text)
{
	memset(&W, 0, sizeof(W));
	return roll_check(r, raw_act(1, text, strlen(text), OWNER, -1), &W);
}

static void
test_text(void **state)
{
	struct roll *r = the_mesh();
	const char *me = K[OWNER].hex;
	char *upper = arena_strdup(&A, me);
	char *good = settings_text(r, "2", "settings", me, "");

	(void)state;
	for (char *p = upper; *p != '\0'; p++)
		if (*p >= 'a')
			*p -= 'a' - 'A';
	assert_int_equal(check_text(r, good), OK);
	assert_int_equal(check_text(r,
			     settings_text(r, "2", "settings", me,
				 ",\"later\":[{}]")),
	    OK); /* fields are added */
	assert_int_equal(check_text(r,
			     settings_text(r, "1", "settings", me, "")),
	    E_ROLL_REFUSED);
	assert_int_equal(check_text(r,
			     settings_text(r, "3", "settings", me, "")),
	    E_ROLL_REFUSED);
	assert_int_equal(check_text(r,
			     settings_text(r, "2.0", "settings", me, "")),
	    E_ROLL_REFUSED);
	assert_int_equal(check_text(r,
			     settings_text(r, "\"2\"", "settings", me, "")),
	    E_ROLL_REFUSED);
	assert_int_equal(check_text(r,
			     settings_text(r, "2", "Settings", me, "")),
	    E_ROLL_REFUSED);
	assert_int_equal(check_text(r, settings_text(r, "2", "vanish", me, "")),
	    E_ROLL_REFUSED);
	assert_string_equal(W.field, "kind");
	assert_int_equal(check_text(r,
			     settings_text(r, "2", "settings", upper, "")),
	    E_BAD_SIGNATURE);
	assert_int_equal(check_text(r,
			     settings_text(r, "2", "settings", me, ",\"v\":2")),
	    E_BAD_JSON); /* twice */
	assert_int_equal(check_text(r,
			     settings_text(r, "2", "settings", me,
				 ",\"name\":1")),
	    E_BAD_FIELD);
	assert_int_equal(check_text(r, arena_printf(&A, "%s ", good)),
	    E_ROLL_REFUSED);
	assert_int_equal(check_text(r, arena_printf(&A, " %s", good)),
	    E_ROLL_REFUSED);
	assert_int_equal(check_text(r, arena_printf(&A, "%s%s", good, good)),
	    E_BAD_JSON);
	assert_int_equal(check_text(r, "[]"), E_ROLL_REFUSED);
	assert_int_equal(check_text(r, "{}"), E_ROLL_REFUSED);
	assert_int_equal(check_text(r, "{\"v\":2}"), E_MISSING_FIELD);
	assert_int_equal(check_text(r, "{"), E_ROLL_REFUSED);
	assert_int_equal(roll_check(r, raw_act(1, "{\0}", 3, OWNER, -1), NULL),
	    E_BAD_JSON);
	roll_free(r);
}

static void
test_signatures(void **state)
{
	struct roll *r = the_mesh();
	char *t = settings_text(r, "2", "settings", K[OWNER].hex, "");
	size_t n = strlen(t);

	(void)state;
	assert_int_equal(roll_check(r, raw_act(1, t, n, OWNER, -1), NULL), OK);
	assert_int_equal(roll_check(r, raw_act(0, t, n, -1, -1), NULL),
	    E_ROLL_REFUSED);
	assert_int_equal(roll_check(r, raw_act(0, t, n, OWNER, -1), NULL),
	    E_ROLL_REFUSED);
	assert_int_equal(roll_check(r, raw_act(2, t, n, OWNER, ALICE), NULL),
	    E_ROLL_REFUSED);
	assert_int_equal(roll_check(r, raw_act(1, t, n, OWNER, ALICE), NULL),
	    E_ROLL_REFUSED);
	assert_int_equal(roll_check(r, raw_act(3, t, n, OWNER, ALICE), NULL),
	    E_ROLL_REFUSED);
	assert_int_equal(roll_check(r, raw_act(255, t, n, OWNER, -1), NULL),
	    E_ROLL_REFUSED);
	assert_int_equal(roll_check(r, raw_act(1, t, n, ALICE, -1), NULL),
	    E_BAD_SIGNATURE);
	roll_free(r);
}

/* A signature made for something else does not serve as an act's. */
static void
test_domain(void **state)
{
	static const char *const kind[] = { "attest", "hello", "body", "acts",
		"", "receipt" };
	struct roll *r = the_mesh();
	char *t = settings_text(r, "2", "settings", K[OWNER].hex, "");
	size_t n = strlen(t);
	uint8_t p[2048] = { 1 };
	char s[4096];

	(void)state;
	memcpy(p + 65, t, n);
	for (size_t i = 0; i < countof(kind); i++) {
		sign_domain(p + 1, kind[i], t, n, &K[OWNER]);
		b64_encode(s, p, 65 + n);
		assert_int_equal(roll_check(r, s, NULL), E_BAD_SIGNATURE);
	}
	sign_domain(p + 1, "act", t, n, &K[OWNER]);
	b64_encode(s, p, 65 + n);
	assert_int_equal(roll_check(r, s, NULL), OK);
	roll_free(r);
}

static void
test_base64(void **state)
{
	struct roll *r = the_mesh();
	char *t = settings_text(r, "2", "settings", K[OWNER].hex, "");
	const char *good = raw_act(1, t, strlen(t), OWNER, -1);
	char *bad = arena_strdup(&A, good);

	(void)state;
	assert_int_equal(roll_check(r, "", &W), E_ROLL_REFUSED);
	assert_int_equal(roll_check(r, "AQ==", &W), E_ROLL_REFUSED);
	assert_int_equal(roll_check(r, "!!!!", &W), E_BAD_FIELD);
	bad[9] = '\n';
	assert_int_equal(roll_check(r, bad, &W), E_BAD_FIELD);
	assert_false(roll_has(r, bad));
	bad = arena_printf(&A, "%s\n", good);
	assert_int_equal(roll_check(r, bad, &W), E_BAD_FIELD);
	bad = arena_printf(&A, "%sAAAA", good); /* padded or not */
	assert_int_not_equal(roll_check(r, bad, &W), OK);
	roll_free(r);
}

static void
test_length(void **state)
{
	struct roll *r = the_mesh();
	char *pad = arena_zalloc(&A, ACT_BYTES_MAX + 10);
	char *t =
	    settings_text(r, "2", "settings", K[OWNER].hex, ",\"pad\":\"\"");
	size_t room = ACT_BYTES_MAX - 1 - SIG_LEN - strlen(t);

	(void)state;
	memset(pad, 'x', room);
	t = settings_text(r, "2", "settings", K[OWNER].hex,
	    arena_printf(&A, ",\"pad\":\"%s\"", pad));
	assert_int_equal(check_text(r, t), OK);
	pad[room] = 'x';
	t = settings_text(r, "2", "settings", K[OWNER].hex,
	    arena_printf(&A, ",\"pad\":\"%s\"", pad));
	assert_int_equal(check_text(r, t), E_TOO_LONG);
	pad[room + 1] = pad[room + 2] = pad[room + 3] = pad[room + 4] = 'x';
	t = settings_text(r, "2", "settings", K[OWNER].hex,
	    arena_printf(&A, ",\"pad\":\"%s\"", pad));
	assert_int_equal(check_text(r, t), E_TOO_LONG);
	roll_free(r);
}

/* ---- place ---- */

static void
test_place(void **state)
{
	struct roll *r = the_mesh(), *other = roll_new(), *early = roll_new();
	struct act_settings in = { .name = "x" };
	char *act, *next;

	(void)state;
	assert_int_equal(t_settings(early, OWNER, "x", 0, 0), E_ROLL_REFUSED);
	assert_int_equal(t_join(early, EVE, INV0, "x"), E_ROLL_REFUSED);
	assert_int_equal(t_genesis(early, OWNER), OK);
	/* made for the same number in another mesh of the same owner */
	assert_int_equal(TRY(other, genesis, OWNER, -1, .nonce = ZERO64,
			     .name = "other", .log_key = K[LOG].hex, .epoch = 1,
			     .epoch_hash = ZERO64),
	    OK);
	assert_string_not_equal(roll_mesh(other), roll_mesh(early));
	act = act_make(&A, other, "settings", &wire_act_settings, &in,
	    &K[OWNER], NULL, 5);
	assert_int_equal(roll_check(early, act, NULL), E_ROLL_CONFLICT);
	assert_int_equal(roll_apply(other, act, NULL), OK);
	assert_int_equal(roll_apply(other, act, NULL), E_ROLL_CONFLICT);
	assert_true(roll_has(other, act));
	assert_false(roll_has(early, act));
	/* two made for the same head: the second is late */
	act = act_make(&A, r, "settings", &wire_act_settings, &in, &K[OWNER],
	    NULL, 5);
	next = act_make(&A, r, "settings", &wire_act_settings, &in, &K[OWNER],
	    NULL, 6);
	assert_int_equal(roll_apply(r, act, NULL), OK);
	assert_int_equal(roll_apply(r, next, &W), E_ROLL_CONFLICT);
	assert_false(roll_has(r, next));
	roll_free(r);
	roll_free(other);
	roll_free(early);
}

static int
genesis_with(const char *nonce, const char *name, const char *log,
    int64_t epoch, const char *hash)
{
	struct roll *r = roll_new();
	int e = TRY(r, genesis, OWNER, -1, .nonce = nonce, .name = name,
	    .log_key = log, .epoch = epoch, .epoch_hash = hash);

	if (e != OK) {
		assert_int_equal(roll_n(r), 0);
		assert_string_equal(roll_mesh(r), "");
		assert_string_equal(roll_owner(r), "");
	}
	roll_free(r);
	return e;
}

static void
test_genesis(void **state)
{
	const char *log = K[LOG].hex, *z = ZERO64;
	const char *odd = "G000000000000000000000000000000000000000"
			  "000000000000000000000000";

	(void)state;
	assert_int_equal(genesis_with(z, "m", log, 1, z), OK);
	assert_int_equal(genesis_with(odd, "m", log, 1, z), E_ROLL_REFUSED);
	assert_int_equal(genesis_with(z, "m", z, 1, z), E_ROLL_REFUSED);
	assert_int_equal(genesis_with(z, "m", log, 1, odd), E_ROLL_REFUSED);
	assert_int_equal(genesis_with(z, "m", log, 2, z), E_OUT_OF_RANGE);
	assert_int_equal(genesis_with(z, "a\nb", log, 1, z), E_ROLL_REFUSED);
	assert_int_equal(genesis_with("00", "m", log, 1, z), E_TOO_SHORT);
}

static void
test_peek(void **state)
{
	struct roll *r = the_mesh();
	struct act_settings in = { .name = "new" }, got;
	struct act head;
	struct json doc;
	char hash[65];
	char *act = act_make(&A, r, "settings", &wire_act_settings, &in,
	    &K[ALICE], NULL, 77);

	(void)state;
	assert_int_equal(act_peek(&A, act, &head, &doc, hash, &W), OK);
	assert_string_equal(head.kind, "settings");
	assert_int_equal(head.n, roll_n(r));
	assert_string_equal(head.prev, roll_head(r));
	assert_string_equal(head.author, K[ALICE].hex);
	assert_int_equal(head.at, 77);
	assert_int_equal(wire_decode(&wire_act_settings, doc, &got, &A, &W),
	    OK);
	assert_string_equal(got.name, "new");
	assert_int_equal(roll_apply(r, act, &W), OK);
	assert_string_equal(roll_head(r), hash);
	assert_int_equal(act_peek(&A, act, &head, NULL, NULL, NULL), OK);
	assert_int_equal(act_peek(&A, "AQ==", &head, NULL, NULL, NULL),
	    E_ROLL_REFUSED);
	roll_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_domain),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_genesis),
		cmocka_unit_test(test_peek),
	};

	return cmocka_run_group_tests(tests, cast_setup, cast_teardown);
}

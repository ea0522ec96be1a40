/*
 * test_roll_vectors.c - the roll of tests/vectors/roll.json: every act gives
 * the hash that the independent implementation computed, every refused one is
 * refused for its reason and changes nothing, and the state at the end is the
 * one named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/enc.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/act.h"
#include "tests/vectors/vectors.h"

static struct json J;

static void
zeros(void *arg, void *p, size_t n)
{
	(void)arg;
	memset(p, 0, n);
}

static int
setup(void **state)
{
	(void)state;
	J = vectors_load("roll");
	return crypto_setup(zeros, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	vectors_free();
	return 0;
}

static void
try_refused(struct roll *r)
{
	struct json v;
	size_t i;

	vectors_each(vmember(J, "refused"), i, v) {
		struct why w = { 0 }, w2 = { 0 };
		int64_t n = roll_n(r);
		int e, e2;

		if (vi(v, "after") != n)
			continue;
		e2 = roll_check(r, vs(v, "act"), &w2);
		e = roll_apply(r, vs(v, "act"), &w);
		if (e == OK || strcmp(err_info(e)->wire, vs(v, "error")) != 0)
			fail_msg("%s: %s (%s)", vs(v, "why"), err_info(e)->wire,
			    w.text);
		assert_int_equal(e, e2);
		assert_string_equal(w.text, w2.text);
		assert_int_equal(roll_n(r), n);
		if (strcmp(vs(v, "why"), "genesis again") != 0)
			assert_false(roll_has(r, vs(v, "act")));
	}
}

static struct roll *
replay(bool refused)
{
	struct roll *r = roll_new();
	struct json v;
	size_t i;

	vectors_each(vmember(J, "acts"), i, v) {
		struct why w = { 0 };

		if (refused)
			try_refused(r);
		assert_int_equal(roll_check(r, vs(v, "act"), &w), OK);
		assert_false(roll_has(r, vs(v, "act")));
		if (roll_apply(r, vs(v, "act"), &w) != OK)
			fail_msg("%s: %s", vs(v, "what"), w.text);
		assert_string_equal(roll_head(r), vs(v, "hash"));
		assert_true(roll_has(r, vs(v, "act")));
	}
	if (refused)
		try_refused(r);
	return r;
}

static void
same_members(const struct roll *r, struct json list)
{
	static const char *const state[] = { "active", "left", "removed" };
	struct json v;
	size_t i;

	vectors_each(list, i, v) {
		const struct roll_member *m = roll_member_at(r, i);

		assert_non_null(m);
		assert_ptr_equal(m, roll_member(r, vs(v, "key")));
		assert_string_equal(m->name, vs(v, "name"));
		assert_string_equal(state[m->state], vs(v, "state"));
		assert_int_equal(m->admin, vb(v, "admin"));
		assert_int_equal(roll_is_admin(r, m->key), vb(v, "admin"));
		assert_string_equal(m->invite, vs(v, "invite"));
		assert_string_equal(m->recovery, vs(v, "recovery"));
		assert_int_equal(m->joined_n, vi(v, "joined"));
		assert_int_equal(m->old_client,
		    json_member(v, "old_client").p != NULL);
	}
	assert_null(roll_member_at(r, i));
}

static void
same_invites(const struct roll *r, struct json list)
{
	struct json v;
	size_t i;

	vectors_each(list, i, v) {
		const struct roll_invite *m = roll_invite_at(r, i);

		assert_non_null(m);
		assert_ptr_equal(m, roll_invite(r, vs(v, "key")));
		assert_string_equal(m->author, vs(v, "author"));
		assert_int_equal(m->admin, vb(v, "admin"));
		assert_int_equal(m->uses, vi(v, "uses"));
		assert_int_equal(m->used, vi(v, "used"));
		assert_int_equal(m->revoked, vb(v, "revoked"));
		assert_int_equal(m->n, vi(v, "n"));
	}
	assert_null(roll_invite_at(r, i));
}

static void
same_state(const struct roll *r)
{
	struct json s = vmember(J, "state"), v;
	size_t i;

	assert_string_equal(roll_mesh(r), vs(s, "mesh"));
	assert_int_equal(roll_n(r), vi(s, "n"));
	assert_string_equal(roll_head(r), vs(s, "head"));
	assert_string_equal(roll_owner(r), vs(s, "owner"));
	assert_string_equal(roll_name(r), vs(s, "name"));
	assert_string_equal(roll_log_key(r), vs(s, "log_key"));
	assert_string_equal(roll_genesis_nonce(r), vs(s, "nonce"));
	assert_int_equal(roll_epoch(r), vi(s, "epoch"));
	assert_string_equal(roll_epoch_hash(r), vs(s, "epoch_hash"));
	assert_int_equal(roll_send_rate(r), vi(s, "send_rate"));
	assert_int_equal(roll_send_burst(r), vi(s, "send_burst"));
	assert_int_equal(roll_old_clients(r), vb(s, "old_clients"));
	assert_int_equal(roll_turn_due(r), vb(s, "turn_due"));
	same_members(r, vmember(s, "members"));
	same_invites(r, vmember(s, "invites"));
	vectors_each(vmember(s, "revoked_sessions"), i, v) {
		assert_true(
		    roll_session_revoked(r, vs(v, "member"), vs(v, "session")));
		assert_false(
		    roll_session_revoked(r, roll_owner(r), vs(v, "session")));
	}
	assert_int_equal(i, 1);
}

static void
test_replay(void **state)
{
	struct roll *r = replay(false);

	(void)state;
	same_state(r);
	roll_free(r);
}

static void
test_refused(void **state)
{
	struct roll *r = replay(true);

	(void)state;
	same_state(r);
	roll_free(r);
}

static void
test_copy(void **state)
{
	struct roll *r = replay(false), *c = roll_copy(r), *e, *f;
	struct json first = vat(vmember(J, "acts"), 0);

	(void)state;
	roll_free(r);
	same_state(c);
	for (int64_t i = 0; i < roll_n(c); i++)
		assert_string_equal(roll_hash_at(c, i),
		    vs(vat(vmember(J, "acts"), (size_t)i), "hash"));
	assert_null(roll_hash_at(c, roll_n(c)));
	assert_null(roll_hash_at(c, -1));
	roll_free(c);

	e = roll_new(); /* a copy goes its own way */
	f = roll_copy(e);
	assert_int_equal(roll_apply(f, vs(first, "act"), NULL), OK);
	assert_int_equal(roll_n(e), 0);
	assert_string_equal(roll_head(e), "");
	assert_string_equal(roll_mesh(e), "");
	roll_free(e);
	roll_free(f);
	roll_free(NULL);
}

/* No other order of two neighbours, no gap, no repetition is accepted. */
static void
test_order(void **state)
{
	struct json acts = vmember(J, "acts");
	size_t n = (size_t)vi(vmember(J, "state"), "n");
	struct roll *r = roll_new();

	(void)state;
	for (size_t at = 0; at < n; at++) {
		for (size_t i = 0; i < n; i++) {
			if (i == at)
				continue;
			assert_int_equal(roll_check(r, vs(vat(acts, i), "act"),
					     NULL),
			    E_ROLL_CONFLICT);
		}
		assert_int_equal(roll_apply(r, vs(vat(acts, at), "act"), NULL),
		    OK);
	}
	roll_free(r);
}

/* Every bit of every act is covered by a signature, the count or the form. */
static void
test_every_byte(void **state)
{
	struct json v;
	struct roll *r = roll_new();
	static uint8_t raw[ACT_BYTES_MAX];
	static char again[B64_LEN(ACT_BYTES_MAX) + 1];
	size_t k;

	(void)state;
	vectors_each(vmember(J, "acts"), k, v) {
		const char *act = vs(v, "act");
		ssize_t n = b64_decode(raw, sizeof(raw), act, strlen(act));

		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++) {
			raw[i] ^= 1 << (i % 7);
			b64_encode(again, raw, (size_t)n);
			assert_int_not_equal(roll_check(r, again, NULL), OK);
			assert_false(roll_has(r, again));
			raw[i] ^= 1 << (i % 7);
			b64_encode(again, raw, (size_t)i);
			assert_int_not_equal(roll_check(r, again, NULL), OK);
		}
		assert_int_equal(roll_apply(r, act, NULL), OK);
	}
	roll_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_every_byte),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

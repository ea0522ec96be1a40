/*
 * test_roll.c - the rules of the roll, each with what it must refuse.
 */
#include "tests/unit/test_roll.h"

#include <stdio.h>

/* ---- who may do what ---- */

static int
do_genesis(struct roll *r, int by)
{
	return t_genesis(r, by);
}

static int
do_admin(struct roll *r, int by)
{
	return t_admin(r, by, FRED, "fred");
}

static int
do_invite(struct roll *r, int by)
{
	return t_invite(r, by, INV1, "member", 3);
}

static int
do_invite_admin(struct roll *r, int by)
{
	return t_invite(r, by, INV1, "admin", 1);
}

static int
do_revoke(struct roll *r, int by)
{
	return t_revoke(r, by, INV0);
}

static int
do_join(struct roll *r, int by)
{
	return t_join(r, by, INV0, "new");
}

static int
do_leave(struct roll *r, int by)
{
	return t_leave(r, by);
}

static int
do_revoke_bobs(struct roll *r, int by)
{
	return t_session(r, by, BOB, SESS0);
}

static int
do_revoke_annes(struct roll *r, int by)
{
	return t_session(r, by, ANNE, SESS0);
}

static int
do_settings(struct roll *r, int by)
{
	return t_settings(r, by, "new", 0, 0);
}

#define NO E_ROLL_REFUSED
#define GONE E_REVOKED

static const struct {
	const char *what;
	int (*act)(struct roll *, int by);
	int owner, alice, bob, leo, eve, inv0; /* what each of them gets */
} rights[] = {
	{ "genesis", do_genesis, NO, NO, NO, NO, NO, NO },
	{ "admin", do_admin, OK, NO, NO, GONE, NO, NO },
	{ "invite", do_invite, OK, OK, NO, GONE, NO, NO },
	{ "invite admin", do_invite_admin, OK, NO, NO, GONE, NO, NO },
	{ "invite_revoke", do_revoke, OK, OK, NO, GONE, NO, NO },
	{ "join", do_join, NO, E_CONFLICT, E_CONFLICT, OK, OK, NO },
	{ "leave", do_leave, NO, OK, OK, GONE, NO, NO },
	{ "bob's session", do_revoke_bobs, OK, OK, OK, GONE, NO, NO },
	{ "anne's session", do_revoke_annes, OK, OK, NO, GONE, NO, NO },
	{ "settings", do_settings, OK, OK, NO, GONE, NO, NO },
};

static void
expect(const struct roll *r, const char *what, int (*act)(struct roll *, int),
    int by, int want)
{
	struct roll *c = roll_copy(r);
	int got = act(c, by);

	if (got != want)
		fail_msg("%s by %d: %s instead of %s", what, by,
		    err_info(got)->wire, err_info(want)->wire);
	if (want != OK)
		assert_int_equal(W.code, want);
	roll_free(c);
}

static void
test_rights(void **state)
{
	struct roll *r = the_mesh();

	(void)state;
	for (size_t i = 0; i < countof(rights); i++) {
		expect(r, rights[i].what, rights[i].act, OWNER,
		    rights[i].owner);
		expect(r, rights[i].what, rights[i].act, ALICE,
		    rights[i].alice);
		expect(r, rights[i].what, rights[i].act, BOB, rights[i].bob);
		expect(r, rights[i].what, rights[i].act, LEO, rights[i].leo);
		expect(r, rights[i].what, rights[i].act, EVE, rights[i].eve);
		expect(r, rights[i].what, rights[i].act, INV0, rights[i].inv0);
	}
	roll_free(r);
}

/* ---- invites and joins ---- */

static void
test_invites(void **state)
{
	struct roll *r = the_mesh();

	(void)state;
	assert_int_equal(t_invite(r, OWNER, INV1, "admin", 2), NO);
	assert_string_equal(W.field, "uses");
	assert_int_equal(t_invite(r, OWNER, INV1, "guest", 1), NO);
	assert_int_equal(t_invite(r, OWNER, INV1, "Admin", 1), NO);
	assert_int_equal(t_invite(r, OWNER, INV1, "member", 0), E_OUT_OF_RANGE);
	assert_int_equal(t_invite(r, OWNER, INV1, "member", 100001),
	    E_OUT_OF_RANGE);
	assert_int_equal(t_invite(r, OWNER, INV0, "member", 1), E_CONFLICT);
	assert_int_equal(t_invite(r, OWNER, OWNER, "member", 1), NO);
	assert_int_equal(t_invite(r, OWNER, BOB, "member", 1), NO);
	assert_int_equal(t_invite(r, OWNER, LEO, "member", 1), NO);
	assert_int_equal(TRY(r, invite, OWNER, -1, .invite = ZERO64,
			     .role = "member", .uses = 1, .expires_at = 1),
	    NO);
	assert_int_equal(t_invite(r, ANNE, INV1, "member", 1), OK);
	assert_int_equal(t_revoke(r, OWNER, INV2), E_INVITE_UNKNOWN);
	assert_int_equal(t_revoke(r, BOB, INV1), NO);
	assert_int_equal(t_revoke(r, ALICE, INV1), OK); /* another's */
	assert_int_equal(t_revoke(r, ALICE, INV1), E_CONFLICT);
	assert_int_equal(t_invite(r, ANNE, INV1, "member", 1), E_CONFLICT);
	assert_int_equal(t_join(r, EVE, INV1, "eve"), E_INVITE_REVOKED);
	assert_int_equal(t_join(r, EVE, INV2, "eve"), E_INVITE_UNKNOWN);
	roll_free(r);
}

static void
test_uses(void **state)
{
	struct roll *r = the_mesh();

	(void)state;
	assert_int_equal(roll_invite(r, K[INV0].hex)->used, 3);
	assert_int_equal(t_join(r, EVE, INV0, "eve"), OK);
	assert_int_equal(t_join(r, EVE, INV0, "eve"), E_CONFLICT);
	assert_int_equal(roll_invite(r, K[INV0].hex)->used, 4);
	assert_int_equal(t_join(r, LEO, INV0, "leo"), OK);
	assert_int_equal(t_join(r, FRED, INV0, "fred"), E_INVITE_USED_UP);
	assert_int_equal(t_leave(r, EVE), OK); /* gives no use back */
	assert_int_equal(t_join(r, FRED, INV0, "fred"), E_INVITE_USED_UP);
	assert_int_equal(t_revoke(r, OWNER, INV0), OK);
	assert_int_equal(t_join(r, FRED, INV0, "fred"), E_INVITE_REVOKED);
	assert_int_equal(roll_invite(r, K[INV0].hex)->used, 5);
	roll_free(r);
}

static void
test_join(void **state)
{
	struct roll *r = the_mesh();

	(void)state;
	/* second signature by another key, or the two the wrong way round */
	assert_int_equal(TRY(r, join, EVE, INV1, .invite = K[INV0].hex,
			     .member = K[EVE].hex, .name = "eve"),
	    E_BAD_SIGNATURE);
	assert_int_equal(TRY(r, join, INV0, EVE, .invite = K[INV0].hex,
			     .member = K[EVE].hex, .name = "eve"),
	    E_BAD_SIGNATURE);
	assert_int_equal(TRY(r, join, EVE, -1, .invite = K[INV0].hex,
			     .member = K[EVE].hex, .name = "eve"),
	    NO);
	/* for somebody else */
	assert_int_equal(TRY(r, join, EVE, INV0, .invite = K[INV0].hex,
			     .member = K[FRED].hex, .name = "fred"),
	    NO);
	/* keys of another purpose */
	assert_int_equal(t_join(r, OWNER, INV0, "owner"), NO);
	assert_int_equal(t_join(r, INV0, INV0, "inv"), NO);
	assert_int_equal(TRY(r, join, EVE, INV0, .invite = K[INV0].hex,
			     .member = K[EVE].hex, .name = "eve",
			     .recovery = "zz"),
	    NO);
	assert_string_equal(W.field, "recovery");
	assert_int_equal(t_join(r, EVE, INV0, "bob"), OK); /* bob, too */
	assert_int_equal(roll_member(r, K[EVE].hex)->joined_n, roll_n(r) - 1);
	assert_int_equal(roll_member(r, K[EVE].hex)->joined_at,
	    1000 + roll_n(r) - 1);
	assert_string_equal(roll_member(r, K[EVE].hex)->invite, K[INV0].hex);
	roll_free(r);
}

static void
test_admin_invite(void **state)
{
	struct roll *r = the_mesh();

	(void)state;
	assert_int_equal(t_invite(r, OWNER, INV1, "admin", 1), OK);
	assert_int_equal(t_join(r, EVE, INV1, "eve"), OK);
	assert_true(roll_is_admin(r, K[EVE].hex));
	assert_int_equal(t_join(r, FRED, INV1, "fred"), E_INVITE_USED_UP);
	assert_int_equal(t_invite(r, EVE, INV2, "member", 9), OK);
	assert_int_equal(t_join(r, FRED, INV2, "fred"), OK);
	assert_false(roll_is_admin(r, K[FRED].hex));
	/* leaving ends what rests on its authority, and only that */
	assert_int_equal(t_leave(r, EVE), OK);
	assert_false(roll_is_admin(r, K[EVE].hex));
	assert_true(roll_invite(r, K[INV2].hex)->revoked);
	assert_false(roll_invite(r, K[INV0].hex)->revoked);
	assert_int_equal(t_join(r, LEO, INV2, "leo"), E_INVITE_REVOKED);
	assert_int_equal(roll_member(r, K[FRED].hex)->state, MEMBER_ACTIVE);
	/* back as a plain member, its invites stay dead */
	assert_int_equal(t_join(r, EVE, INV0, "eve"), OK);
	assert_false(roll_is_admin(r, K[EVE].hex));
	assert_int_equal(t_invite(r, EVE, INV3, "member", 1), NO);
	assert_true(roll_invite(r, K[INV2].hex)->revoked);
	assert_int_equal(t_revoke(r, EVE, INV2), E_CONFLICT);
	roll_free(r);
}

/* ---- members ---- */

static void
test_admins(void **state)
{
	struct roll *r = the_mesh();

	(void)state;
	assert_int_equal(t_admin(r, OWNER, ALICE, "alice"), E_CONFLICT);
	assert_int_equal(t_admin(r, OWNER, OWNER, "owner"), NO);
	assert_int_equal(t_admin(r, OWNER, INV0, "inv"), NO);
	assert_int_equal(t_admin(r, OWNER, BOB, "robert"), OK);
	assert_true(roll_is_admin(r, K[BOB].hex));
	assert_string_equal(roll_member(r, K[BOB].hex)->name, "robert");
	assert_string_equal(roll_member(r, K[BOB].hex)->invite, K[INV0].hex);
	assert_int_equal(t_leave(r, ALICE), OK);
	assert_int_equal(t_leave(r, ANNE), OK);
	assert_int_equal(t_leave(r, BOB), NO); /* the last one */
	assert_int_equal(t_leave(r, BETH), OK);
	assert_int_equal(t_admin(r, OWNER, LEO, "leo"), OK); /* comes back */
	assert_int_equal(roll_member(r, K[LEO].hex)->state, MEMBER_ACTIVE);
	assert_string_equal(roll_member(r, K[LEO].hex)->invite, "");
	assert_int_equal(t_leave(r, BOB), OK);
	assert_int_equal(t_leave(r, LEO), NO);
	assert_int_equal(t_admin(r, OWNER, FRED, "fred"), OK);
	assert_int_equal(t_leave(r, LEO), OK);
	roll_free(r);
}

static void
test_names(void **state)
{
	static const char *const bad[] = { "system", "SYSTEM", "Human",
		"bRoKeR", "ALL", "all", " x", "x ", "a\nb", "a\tb", "\x1b[1m",
		"a\u202eb", "a\u200bb", "a\u2028b", "\x7f" };
	static const char *const good[] = { "systems", "al", "all of us", "bob",
		"Bj\u00f8rn", "\u660e", "hum\u0430n", "a" };
	struct roll *r = the_mesh(), *c;
	char n[80] = { 0 };

	(void)state;
	for (size_t i = 0; i < countof(bad); i++) {
		assert_int_equal(t_join(r, EVE, INV0, bad[i]), NO);
		assert_string_equal(W.field, "name");
		assert_int_equal(t_admin(r, OWNER, FRED, bad[i]), NO);
		assert_non_null(roll_name_fault(bad[i]));
	}
	for (size_t i = 0; i < countof(good); i++) {
		c = roll_copy(r);
		assert_int_equal(t_join(c, EVE, INV0, good[i]), OK);
		assert_null(roll_name_fault(good[i]));
		roll_free(c);
	}
	memset(n, 'x', 65);
	assert_int_equal(t_join(r, EVE, INV0, n), E_TOO_LONG);
	n[64] = '\0';
	assert_int_equal(t_join(r, EVE, INV0, n), OK);
	assert_string_equal(roll_member(r, K[EVE].hex)->name, n);
	roll_free(r);
}

static int
join_with(struct roll *r, int who, const char *recovery)
{
	return TRY(r, join, who, INV0, .invite = K[INV0].hex,
	    .member = K[who].hex, .name = "x", .recovery = recovery);
}

static void
test_recovery(void **state)
{
	struct roll *r = the_mesh();

	(void)state;
	assert_int_equal(join_with(r, EVE, K[REC0].hex), OK);
	assert_int_equal(t_leave(r, EVE), OK);
	assert_int_equal(join_with(r, EVE, K[REC1].hex), NO);
	assert_int_equal(TRY(r, admin, OWNER, -1, .member = K[EVE].hex,
			     .name = "x", .recovery = K[REC1].hex),
	    NO);
	assert_int_equal(join_with(r, EVE, ""), OK); /* keeps it */
	assert_string_equal(roll_member(r, K[EVE].hex)->recovery, K[REC0].hex);
	assert_int_equal(TRY(r, admin, OWNER, -1, .member = K[EVE].hex,
			     .name = "x", .recovery = K[REC0].hex),
	    OK);
	assert_int_equal(TRY(r, admin, OWNER, -1, .member = K[BOB].hex,
			     .name = "x", .recovery = K[REC1].hex),
	    OK); /* had none */
	assert_string_equal(roll_member(r, K[BOB].hex)->recovery, K[REC1].hex);
	roll_free(r);
}

/* No kind removes yet, but the state is there, and nobody comes back from it. */
static void
test_removed(void **state)
{
	struct roll *r = the_mesh();
	struct roll_member *m = map_gets(&r->member_by_key, K[BOB].hex);

	(void)state;
	m->state = MEMBER_REMOVED;
	assert_int_equal(t_join(r, BOB, INV0, "bob"), E_REVOKED);
	assert_int_equal(t_admin(r, OWNER, BOB, "bob"), E_REVOKED);
	assert_int_equal(t_leave(r, BOB), E_REVOKED);
	assert_int_equal(t_session(r, BOB, BOB, SESS0), E_REVOKED);
	assert_int_equal(t_session(r, ALICE, BOB, SESS0), OK);
	roll_free(r);
}

static void
test_sessions(void **state)
{
	struct roll *r = the_mesh(), *c;

	(void)state;
	assert_int_equal(t_session(r, EVE, EVE, SESS0), NO);
	assert_int_equal(t_session(r, OWNER, EVE, SESS0), NO);
	/* bob cannot end beth's session by calling it his */
	assert_int_equal(t_session(r, BOB, BETH, SESS0), NO);
	assert_int_equal(t_session(r, BOB, BOB, SESS0), OK);
	assert_true(roll_session_revoked(r, K[BOB].hex, K[SESS0].hex));
	assert_false(roll_session_revoked(r, K[BETH].hex, K[SESS0].hex));
	assert_false(roll_session_revoked(r, K[BOB].hex, K[SESS1].hex));
	assert_false(roll_session_revoked(r, "", ""));
	assert_int_equal(t_session(r, BOB, BOB, SESS0), E_CONFLICT);
	assert_int_equal(t_session(r, BETH, BETH, SESS0), OK);
	assert_int_equal(t_session(r, ANNE, LEO, SESS0), OK);
	assert_int_equal(TRY(r, session_revoke, BOB, -1, .member = K[BOB].hex,
			     .session = ZERO64),
	    NO);
	c = roll_copy(r);
	assert_true(roll_session_revoked(c, K[BETH].hex, K[SESS0].hex));
	assert_int_equal(t_session(c, BOB, BOB, SESS1), OK);
	assert_false(roll_session_revoked(r, K[BOB].hex, K[SESS1].hex));
	roll_free(c);
	roll_free(r);
}

static void
test_settings(void **state)
{
	struct roll *r = the_mesh();

	(void)state;
	assert_int_equal(roll_send_rate(r), 0);
	assert_int_equal(t_settings(r, ALICE, "", 7, 0), OK);
	assert_string_equal(roll_name(r), "mesh");
	assert_int_equal(t_settings(r, OWNER, "two words", 0, 8), OK);
	assert_string_equal(roll_name(r), "two words");
	assert_int_equal(roll_send_rate(r), 7);
	assert_int_equal(roll_send_burst(r), 8);
	assert_int_equal(t_settings(r, OWNER, "a\x1b", 0, 0), NO);
	assert_int_equal(t_settings(r, OWNER, "", 100001, 0), E_OUT_OF_RANGE);
	assert_int_equal(t_settings(r, OWNER, "", -1, 0), E_OUT_OF_RANGE);
	roll_free(r);
}

/* ---- another order of events ---- */

/*
 * Every order of six events around one invite and two newcomers, each made
 * at the head it finds, against a model of a few lines.
 */
struct model {
	bool invited, revoked, eve, fred, made, gone; /* gone: anne has left */
	int used;
};

static int
model_join(struct model *m, bool *in)
{
	if (*in)
		return E_CONFLICT;
	if (!m->invited)
		return E_INVITE_UNKNOWN;
	if (m->revoked)
		return E_INVITE_REVOKED;
	if (m->used >= 2)
		return E_INVITE_USED_UP;
	m->used++;
	*in = true;
	return OK;
}

static int
model_step(struct model *m, int event)
{
	int e = OK;

	switch (event) {
	case 0: /* anne invites two */
		e = m->gone ? E_REVOKED : OK;
		m->invited |= e == OK;
		break;
	case 1:
		e = model_join(m, &m->eve);
		break;
	case 2:
		e = model_join(m, &m->fred);
		break;
	case 3: /* alice revokes it */
		e = !m->invited	 ? E_INVITE_UNKNOWN
		    : m->revoked ? E_CONFLICT
				 : OK;
		m->revoked |= e == OK;
		break;
	case 4: /* eve leaves */
		e = m->eve ? OK : m->made ? E_REVOKED : E_ROLL_REFUSED;
		m->made |= m->eve;
		m->eve = false;
		break;
	case 5: /* anne leaves */
		e = m->gone ? E_REVOKED : OK;
		m->revoked |= m->invited;
		m->gone = true;
		break;
	}
	return e;
}

static int
real_step(struct roll *r, int event)
{
	switch (event) {
	case 0:
		return t_invite(r, ANNE, INV1, "member", 2);
	case 1:
		return t_join(r, EVE, INV1, "eve");
	case 2:
		return t_join(r, FRED, INV1, "fred");
	case 3:
		return t_revoke(r, ALICE, INV1);
	case 4:
		return t_leave(r, EVE);
	default:
		return t_leave(r, ANNE);
	}
}

#define NEVENTS 6

static void
permute(const struct roll *r, struct model m, unsigned done)
{
	for (int i = 0; i < NEVENTS; i++) {
		struct roll *c;
		struct model after = m;
		int want, got;

		if (done & 1u << i)
			continue;
		c = roll_copy(r);
		want = model_step(&after, i);
		got = real_step(c, i);
		if (want != got)
			fail_msg("after %#x event %d: %s, not %s", done, i,
			    err_info(got)->wire, err_info(want)->wire);
		permute(c, after, done | 1u << i);
		roll_free(c);
	}
}

static void
test_permutations(void **state)
{
	struct roll *r = the_mesh();

	(void)state;
	permute(r, (struct model){ 0 }, 0);
	roll_free(r);
}

/* ---- many ---- */

static void
test_many(void **state)
{
	struct roll *r = roll_new(), *c;
	int n = 1000;

	(void)state;
	assert_int_equal(t_genesis(r, OWNER), OK);
	assert_int_equal(t_admin(r, OWNER, ALICE, "alice"), OK);
	assert_int_equal(t_invite(r, ALICE, INV0, "member", n), OK);
	for (int i = 0; i < n; i++) {
		uint8_t seed[32] = { (uint8_t)i, (uint8_t)(i >> 8), 0x22 };

		key_from_seed(&K[FRED], seed);
		assert_int_equal(t_join(r, FRED, INV0, "fred"), OK);
		arena_reset(&A);
	}
	assert_int_equal(t_join(r, EVE, INV0, "eve"), E_INVITE_USED_UP);
	c = roll_copy(r);
	assert_int_equal(roll_n(c), n + 3);
	assert_string_equal(roll_head(c), roll_head(r));
	for (size_t i = 0; i < (size_t)n + 1; i++)
		assert_string_equal(roll_member_at(c, i)->key,
		    roll_member_at(r, i)->key);
	assert_ptr_equal(roll_member(c, K[FRED].hex),
	    roll_member_at(c, (size_t)n));
	roll_free(c);
	roll_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_invites),
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_admin_invite),
		cmocka_unit_test(test_admins),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_permutations),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, cast_setup, cast_teardown);
}

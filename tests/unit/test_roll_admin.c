/*
 * test_roll_admin.c - what an admin's word does in the roll: members that are
 * added, removed, let in again and replaced, and the turn of the epoch.
 */
#include "tests/unit/test_roll.h"

static enum member_state
state_of(const struct roll *r, int who)
{
	return roll_member(r, K[who].hex)->state;
}

static void
test_remove(void **state)
{
	struct roll *r = the_mesh();
	int64_t n = roll_n(r);

	(void)state;
	assert_int_equal(t_invite(r, ANNE, INV1, "member", 3), OK);
	assert_true(roll_turn_due(r)); /* leo left */
	assert_int_equal(t_remove(r, BOB, BETH, 2), E_ROLL_REFUSED);
	assert_int_equal(t_remove(r, EVE, BETH, 2), E_ROLL_REFUSED);
	assert_int_equal(t_remove(r, LEO, BETH, 2), E_REVOKED);
	assert_int_equal(t_remove(r, ALICE, ANNE, 2), E_ROLL_REFUSED);
	assert_int_equal(t_remove(r, ALICE, ALICE, 2), E_ROLL_REFUSED);
	assert_int_equal(t_remove(r, ALICE, EVE, 2), E_ROLL_REFUSED);
	assert_int_equal(t_remove(r, ALICE, BETH, 1), E_OUT_OF_RANGE);
	assert_int_equal(t_remove(r, ALICE, BETH, 3), E_ROLL_REFUSED);
	assert_int_equal(t_remove(r, ALICE, BETH, 2), OK);
	assert_int_equal(state_of(r, BETH), MEMBER_REMOVED);
	assert_int_equal(roll_member(r, K[BETH].hex)->ended_n, n + 1);
	assert_int_equal(roll_epoch(r), 2);
	assert_string_equal(roll_epoch_hash(r), HASH("22222222"));
	assert_false(roll_turn_due(r));
	/* the invite she joined by is out, another one is not */
	assert_true(roll_invite(r, K[INV0].hex)->revoked);
	assert_false(roll_invite(r, K[INV1].hex)->revoked);
	assert_int_equal(t_join(r, BETH, INV1, "beth"), E_REVOKED);
	assert_int_equal(t_leave(r, BETH), E_REVOKED);
	assert_int_equal(t_remove(r, ALICE, BETH, 3), E_CONFLICT);
	roll_free(r);
}

/* By the owner an admin, too, and what it made with it; but not the last. */
static void
test_remove_admin(void **state)
{
	struct roll *r = the_mesh();

	(void)state;
	assert_int_equal(t_invite(r, ANNE, INV1, "member", 3), OK);
	assert_int_equal(t_remove(r, OWNER, ANNE, 2), OK);
	assert_true(roll_invite(r, K[INV1].hex)->revoked);
	assert_false(roll_is_admin(r, K[ANNE].hex));
	assert_int_equal(t_remove(r, OWNER, ALICE, 3), E_ROLL_REFUSED);
	assert_int_equal(t_remove(r, ANNE, BOB, 3), E_REVOKED);
	roll_free(r);
}

static void
test_unban(void **state)
{
	struct roll *r = the_mesh();

	(void)state;
	assert_int_equal(t_remove(r, ALICE, LEO, 2), OK); /* he had left */
	assert_int_equal(TRY(r, unban, BOB, -1, .member = K[LEO].hex),
	    E_ROLL_REFUSED);
	assert_int_equal(TRY(r, unban, ALICE, -1, .member = K[BOB].hex),
	    E_CONFLICT);
	assert_int_equal(TRY(r, unban, ALICE, -1, .member = K[EVE].hex),
	    E_CONFLICT);
	assert_int_equal(TRY(r, unban, ALICE, -1, .member = K[LEO].hex), OK);
	assert_int_equal(state_of(r, LEO), MEMBER_LEFT);
	assert_int_equal(t_invite(r, ALICE, INV1, "member", 1), OK);
	assert_int_equal(t_join(r, LEO, INV1, "leo"), OK);
	assert_int_equal(state_of(r, LEO), MEMBER_ACTIVE);
	assert_int_equal(roll_member(r, K[LEO].hex)->ended_n, 0);
	roll_free(r);
}

static void
test_rotate(void **state)
{
	struct roll *r = the_mesh();

	(void)state;
	assert_int_equal(t_rotate(r, BOB, 2), E_ROLL_REFUSED);
	assert_int_equal(t_rotate(r, ANNE, 2), OK);
	assert_false(roll_turn_due(r));
	assert_int_equal(t_rotate(r, OWNER, 2), E_ROLL_REFUSED);
	assert_int_equal(TRY(r, rotate, OWNER, -1, .epoch = 3,
			     .epoch_hash = HASH("22222222"), .keys = 0,
			     .keys_hash = ZERO64),
	    E_ROLL_REFUSED); /* the same key again */
	assert_int_equal(TRY(r, rotate, OWNER, -1, TURN(3),
			     .invite = K[INV3].hex),
	    E_INVITE_UNKNOWN);
	assert_int_equal(TRY(r, rotate, OWNER, -1, TURN(3),
			     .invite = K[INV0].hex),
	    OK);
	assert_true(roll_invite(r, K[INV0].hex)->revoked);
	assert_int_equal(t_leave(r, BOB), OK);
	assert_true(roll_turn_due(r));
	roll_free(r);
}

static void
test_add_demote(void **state)
{
	struct roll *r = the_mesh();

	(void)state;
	assert_int_equal(TRY(r, add, ALICE, -1, .member = K[FRED].hex,
			     .name = "fred", .old_client = true),
	    OK);
	assert_true(roll_member(r, K[FRED].hex)->old_client);
	assert_int_equal(TRY(r, add, ALICE, -1, .member = K[FRED].hex,
			     .name = "fred"),
	    E_CONFLICT);
	assert_int_equal(TRY(r, add, BOB, -1, .member = K[EVE].hex,
			     .name = "eve"),
	    E_ROLL_REFUSED);
	assert_int_equal(t_rotate(r, ALICE, 2), OK);
	assert_int_equal(t_leave(r, FRED), OK);
	assert_false(roll_turn_due(r)); /* never had the key */
	assert_int_equal(TRY(r, demote, ALICE, -1, .member = K[ANNE].hex),
	    E_ROLL_REFUSED);
	assert_int_equal(TRY(r, demote, OWNER, -1, .member = K[ANNE].hex), OK);
	assert_int_equal(TRY(r, demote, OWNER, -1, .member = K[ANNE].hex),
	    E_CONFLICT);
	assert_int_equal(TRY(r, demote, OWNER, -1, .member = K[EVE].hex),
	    E_ROLL_REFUSED);
	assert_int_equal(TRY(r, demote, OWNER, -1, .member = K[ALICE].hex),
	    E_ROLL_REFUSED);
	assert_int_equal(state_of(r, ANNE), MEMBER_ACTIVE);
	assert_int_equal(t_invite(r, ANNE, INV2, "member", 1), E_ROLL_REFUSED);
	roll_free(r);
}

static void
test_replace(void **state)
{
	struct roll *r = the_mesh();
	const struct roll_member *m;

	(void)state;
	assert_int_equal(TRY(r, add, ALICE, -1, .member = K[FRED].hex,
			     .name = "fred", .recovery = K[REC0].hex),
	    OK);
	assert_int_equal(t_rotate(r, ALICE, 2), OK);
	assert_int_equal(TRY(r, replace, REC1, EVE, .old = K[FRED].hex,
			     .member = K[EVE].hex),
	    E_ROLL_REFUSED);
	assert_int_equal(TRY(r, replace, FRED, EVE, .old = K[FRED].hex,
			     .member = K[EVE].hex),
	    E_ROLL_REFUSED); /* a thief has that key, too */
	assert_int_equal(TRY(r, replace, REC0, BOB, .old = K[FRED].hex,
			     .member = K[BOB].hex),
	    E_CONFLICT);
	assert_int_equal(TRY(r, replace, REC0, EVE, .old = K[FRED].hex,
			     .member = K[EVE].hex, .recovery = K[REC1].hex),
	    OK);
	m = roll_member(r, K[EVE].hex);
	assert_string_equal(m->name, "fred");
	assert_string_equal(m->recovery, K[REC1].hex);
	assert_int_equal(m->state, MEMBER_ACTIVE);
	assert_int_equal(state_of(r, FRED), MEMBER_REMOVED);
	assert_string_equal(roll_member(r, K[FRED].hex)->replaced, K[EVE].hex);
	assert_true(roll_turn_due(r));
	assert_int_equal(TRY(r, unban, ALICE, -1, .member = K[FRED].hex),
	    E_ROLL_REFUSED);
	/* an admin's key: by the owner only */
	assert_int_equal(TRY(r, replace, ALICE, LEO, .old = K[ANNE].hex,
			     .member = K[LEO].hex),
	    E_ROLL_REFUSED);
	assert_int_equal(TRY(r, replace, OWNER, SESS0, .old = K[ANNE].hex,
			     .member = K[SESS0].hex),
	    OK);
	assert_true(roll_is_admin(r, K[SESS0].hex));
	roll_free(r);
}

static void
test_old_clients(void **state)
{
	struct roll *r = the_mesh();

	(void)state;
	assert_false(roll_old_clients(r));
	assert_int_equal(TRY(r, settings, OWNER, -1, .old_clients = "yes"),
	    E_ROLL_REFUSED);
	assert_int_equal(TRY(r, settings, OWNER, -1, .old_clients = "on"), OK);
	assert_true(roll_old_clients(r));
	assert_int_equal(t_settings(r, OWNER, "other", 0, 0), OK);
	assert_true(roll_old_clients(r));
	assert_int_equal(TRY(r, settings, OWNER, -1, .old_clients = "off"), OK);
	assert_false(roll_old_clients(r));
	roll_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_remove_admin),
		cmocka_unit_test(test_unban),
		cmocka_unit_test(test_rotate),
		cmocka_unit_test(test_add_demote),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_old_clients),
	};

	return cmocka_run_group_tests(tests, cast_setup, cast_teardown);
}

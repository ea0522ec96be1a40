/*
 * test_link_client.c - the link over time: attestations that run out, brokers
 * that are silent, gone or somebody else's, clocks that are wrong.
 */
#include "tests/unit/daemonkit.h"

/* Virtual hours pass quickly: nothing but pings and renewals happens. */
static void
hours(struct dk *k, int64_t n)
{
	world_run(k->sim.world, n * 3600 * 1000);
	assert_string_equal(k->sim.fault, "");
}

static void
attestations_are_renewed(void **state)
{
	struct dk *k = *state;
	struct dmesh *m = dk_mesh(k, BOB);
	char *first = arena_strdup(&k->arena,
	    link_attestation(m->link, m->home->key.hex));
	struct attestation a, b;

	hours(k, 5);
	assert_string_equal(link_attestation(m->link, m->home->key.hex), first);
	hours(k, 2); /* less than 6 of 12 hours remain */
	assert_string_not_equal(link_attestation(m->link, m->home->key.hex),
	    first);
	assert_int_equal(doc_peek(&k->arena, first, &wire_attestation, &a,
			     NULL),
	    OK);
	assert_int_equal(doc_peek(&k->arena,
			     link_attestation(m->link, m->home->key.hex),
			     &wire_attestation, &b, NULL),
	    OK);
	assert_true(b.issued_at > a.issued_at + 5 * 3600 * 1000);
	hours(k, 30);
	assert_int_equal(link_phase(m->link), LINK_UP);
	assert_string_equal(dk_send(k, ALICE, "bob", "still here", "",
				"delivered", NULL),
	    "delivered");
}

/* A laptop slept for a day: its attestation is over, it comes back by itself. */
static void
slept(void **state)
{
	struct dk *k = *state;

	node_stall(k->sim.actor[BOB].node, 26 * 3600 * 1000LL);
	hours(k, 26);
	dk_run(k, 60000);
	assert_int_equal(link_phase(dk_mesh(k, BOB)->link), LINK_UP);
	assert_string_equal(dk_send(k, ALICE, "bob", "awake?", "", "delivered",
				NULL),
	    "delivered");
}

static void
silent_broker(void **state)
{
	struct dk *k = *state;
	struct local_sent sent;
	struct text to = { .s = "bob" };

	node_stall(k->sim.broker_node, 25000);
	assert_int_equal(ASK(k, ALICE, local_peer_kick, NULL, .name = "bob"),
	    E_TIMED_OUT);
	assert_int_equal(ASK(k, ALICE, local_send, &sent, .to = { 1, &to },
			     .text = "x", .wait_ms = 500),
	    OK);
	assert_string_equal(sent.recipients.v[0].receipt, "queued");
	dk_run(k, 60000);
	assert_string_equal(dk_receipt(k, ALICE, sent.id), "delivered");
	assert_int_equal(dk_inbox(k, BOB, NULL, true).messages.n, 1);
}

static void
comes_back_with_patience(void **state)
{
	struct dk *k = *state;
	struct dmesh *m = dk_mesh(k, BOB);
	struct local_meshes list;

	dk_broker_down(k);
	dk_run(k, 1000);
	assert_int_equal(ASK(k, BOB, local_mesh_list, &list, .mesh = ""), OK);
	assert_string_not_equal(list.meshes.v[0].state, "up");
	assert_true(strlen(link_reason(m->link)) > 0);
	dk_run(k, 600000);
	k->sim.broker_up_at = 0;
	dk_run(k, 31000); /* it never waits longer than 30 s */
	assert_int_equal(link_phase(m->link), LINK_UP);
}

/* The mesh is not there: no use in dialling on. */
static void
another_brokers_mesh(void **state)
{
	struct dk *k = *state;
	struct dmesh *m = dk_mesh(k, BOB);

	assert_int_equal(ASK(k, ALICE, local_mesh_delete, NULL, .mesh = ""),
	    OK);
	dk_down(k, BOB);
	dk_up(k, BOB);
	m = dk_mesh(k, BOB);
	assert_int_equal(link_phase(m->link), LINK_REFUSED);
	assert_true(strlen(link_reason(m->link)) > 0);
}

/* The wall clock of a daemon is not what its attestations hang on. */
static void
wrong_clock(void **state)
{
	struct dk *k = *state;
	struct dmesh *m = dk_mesh(k, BOB);

	world_jump(k->sim.world, -3 * 24 * 3600 * 1000LL);
	link_drop(m->link, "test");
	dk_run(k, 60000);
	assert_int_equal(link_phase(m->link), LINK_UP);
	world_jump(k->sim.world, 6 * 24 * 3600 * 1000LL);
	dk_run(k, 120000);
	assert_int_equal(link_phase(m->link), LINK_UP);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, dk_setup, dk_teardown)
	const struct CMUnitTest tests[] = { T(attestations_are_renewed),
		T(slept), T(silent_broker), T(comes_back_with_patience),
		T(another_brokers_mesh), T(wrong_clock) };

	log_setup(-1, LOG_ERROR, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_broker_roll.c - membership at the broker: invites and their races, acts
 * that are asked for twice, leaving, revoking, settings, erasing a mesh.
 */
#include "tests/unit/brokerkit.h"

static void
test_last_use(void **state)
{
	struct kit *k = *state;
	struct client *one = client_new(k), *two = client_new(k);
	struct person carol, dave;
	struct invite_info info;
	struct roll_changed news;
	struct key invite;
	struct pair p;

	pair_init(&p, k);
	count_heard(p.cb, "roll_changed");
	make_invite(p.ca, &p.a, &invite, 1, wall_now(k) + HOUR);
	assert_int_equal(count_heard(p.cb, "roll_changed"), 1);
	assert_int_equal(open_invite(one, &invite, &info), OK);
	assert_int_equal(open_invite(two, &invite, &info), OK);
	person_init(&carol, k, "carol");
	person_init(&dave, k, "dave");
	assert_int_equal(join_mesh(one, &carol, &p.alice, &invite), OK);
	assert_true(heard(p.cb, &wire_roll_changed, &news));
	assert_string_equal(news.mesh_id, p.alice.mesh);
	assert_int_equal(news.roll.n, 6);
	assert_int_equal(join_mesh(two, &dave, &p.alice, &invite),
	    E_INVITE_USED_UP);
	/* who joined already is answered again, whatever became of the invite */
	assert_int_equal(join_mesh(one, &carol, &p.alice, &invite), OK);
	assert_int_equal(open_invite(two, &invite, &info), E_INVITE_USED_UP);
	client_free(one);
	client_free(two);
	pair_fini(&p);
}

static void
test_invite_ends(void **state)
{
	struct kit *k = *state;
	struct client *c = client_new(k);
	struct act_invite_revoke gone;
	struct invite_info info;
	struct person carol;
	struct key invite, other;
	struct pair p;

	pair_init(&p, k);
	make_invite(p.ca, &p.a, &invite, 5, wall_now(k) + 60000);
	make_invite(p.ca, &p.a, &other, 5, wall_now(k) + HOUR);
	assert_int_equal(open_invite(c, &invite, &info), OK);
	fakeio_wall_jump(k->f, 61000);
	person_init(&carol, k, "carol");
	assert_int_equal(join_mesh(c, &carol, &p.alice, &invite),
	    E_INVITE_EXPIRED);
	assert_int_equal(open_invite(c, &invite, &info), E_INVITE_EXPIRED);
	assert_int_equal(open_invite(c, &other, &info), OK);
	gone = (struct act_invite_revoke){ .invite = other.hex };
	assert_int_equal(append(p.ca, &p.a, "invite_revoke",
			     &wire_act_invite_revoke, &gone),
	    OK);
	assert_int_equal(join_mesh(c, &carol, &p.alice, &other),
	    E_INVITE_REVOKED);
	key_random(&other);
	assert_int_equal(open_invite(c, &other, &info), E_INVITE_UNKNOWN);
	client_free(c);
	pair_fini(&p);
}

static void
test_append_again(void **state)
{
	struct kit *k = *state;
	struct act_settings set = { .name = "renamed",
		.send_burst = 3,
		.send_rate = 1 };
	struct mesh_info_result info;
	struct roll_appended first, again;
	struct roll *roll;
	struct pair p;
	char *act;

	pair_init(&p, k);
	roll = fetch_roll(p.ca, p.alice.mesh);
	act = act_make(&k->arena, roll, "settings", &wire_act_settings, &set,
	    &p.alice.member, NULL, wall_now(k));
	assert_int_equal(ASK(p.ca, NULL, roll_append, &first, .act = act), OK);
	assert_int_equal(ASK(p.ca, NULL, roll_append, &again, .act = act), OK);
	assert_int_equal(again.roll.n, first.roll.n);
	assert_string_equal(again.roll.head, first.roll.head);
	/* another act at the same place is behind */
	set.name = "other";
	act = act_make(&k->arena, roll, "settings", &wire_act_settings, &set,
	    &p.alice.member, NULL, wall_now(k));
	assert_int_equal(ASK(p.ca, NULL, roll_append, NULL, .act = act),
	    E_ROLL_CONFLICT);
	/* bob is no admin, and nobody appends another's act */
	assert_int_equal(append(p.cb, &p.b, "settings", &wire_act_settings,
			     &set),
	    E_ROLL_REFUSED);
	assert_int_equal(ASK(p.cb, NULL, roll_append, NULL, .act = act),
	    E_FORBIDDEN);
	assert_int_equal(ASK(p.cb, NULL, mesh_info, &info, .end_ = 0), OK);
	assert_string_equal(info.name, "renamed");
	assert_int_equal(info.members, 2);
	assert_int_equal(info.peers, 2);
	roll_free(roll);
	kit_restart(k); /* the same roll comes from the disk */
	client_free(p.ca);
	p.ca = client_new(k);
	assert_int_equal(hello(p.ca, &p.a), OK);
	assert_int_equal(p.a.ack.roll.n, first.roll.n);
	pair_fini(&p);
}

/* The same _reqId of the same session is answered from what was kept. */
static void
test_once(void **state)
{
	struct kit *k = *state;
	struct act_settings set = { .name = "renamed" };
	struct roll_appended first, again;
	struct roll *roll;
	struct pair p;

	pair_init(&p, k);
	roll = fetch_roll(p.ca, p.alice.mesh);
	assert_int_equal(ASK(p.ca, NULL, roll_append, &first,
			     .act = act_make(&k->arena, roll, "settings",
				 &wire_act_settings, &set, &p.alice.member,
				 NULL, wall_now(k))),
	    OK);
	p.ca->reqs--;
	assert_int_equal(ASK(p.ca, NULL, roll_append, &again, .act = "bm8="),
	    OK);
	assert_string_equal(again.roll.head, first.roll.head);
	roll_free(roll);
	pair_fini(&p);
}

static void
test_leave(void **state)
{
	struct kit *k = *state;
	struct act_leave bye = { .end_ = 0 };
	struct session_ended end;
	char receipt[16];
	struct pair p;

	pair_init(&p, k);
	assert_int_equal(append(p.cb, &p.b, "leave", &wire_act_leave, &bye),
	    OK);
	assert_true(heard(p.cb, &wire_session_ended, &end));
	assert_string_equal(end.reason, "not_member");
	assert_true(event(p.ca, "peer_left"));
	assert_int_equal(hello(p.cb, &p.b), E_NOT_MEMBER);
	assert_int_equal(send_text(p.ca, &p.a, p.b.key.hex, "message-0001",
			     receipt),
	    OK);
	assert_string_equal(receipt, "refused");
	assert_int_equal(send_text(p.ca, &p.a, p.bob.member.hex, "message-0002",
			     receipt),
	    OK);
	assert_string_equal(receipt, "refused");
	pair_fini(&p);
}

static void
test_session_revoke(void **state)
{
	struct kit *k = *state;
	struct act_session_revoke no = { .end_ = 0 };
	struct session_ended end;
	char receipt[16];
	struct pair p;

	pair_init(&p, k);
	no.member = p.bob.member.hex;
	no.session = p.b.key.hex;
	assert_int_equal(append(p.ca, &p.a, "session_revoke",
			     &wire_act_session_revoke, &no),
	    OK);
	assert_true(heard(p.cb, &wire_session_ended, &end));
	assert_string_equal(end.reason, "revoked");
	assert_int_equal(hello(p.cb, &p.b), E_REVOKED);
	assert_int_equal(send_text(p.ca, &p.a, p.b.key.hex, "message-0001",
			     receipt),
	    OK);
	assert_string_equal(receipt, "refused");
	sess_init(&p.b, k, &p.bob, "bob", "daemon-of-bob-0001");
	assert_int_equal(hello(p.cb, &p.b), OK);
	pair_fini(&p);
}

static void
test_epoch_keys(void **state)
{
	struct kit *k = *state;
	struct epoch_key got;
	uint8_t key[32];
	struct pair p;

	pair_init(&p, k);
	assert_int_equal(ASK(p.cb, NULL, epoch_get, &got, .epoch = 1), OK);
	assert_int_equal(unseal_key(key, got.sealed, &p.bob.member), OK);
	assert_memory_equal(key, p.alice.epoch, 32);
	assert_int_equal(ASK(p.cb, NULL, epoch_get, &got, .epoch = 2),
	    E_OUT_OF_RANGE);
	assert_int_equal(ASK(p.cb, NULL, epoch_put, NULL, .epoch = 2,
			     .sealed = got.sealed),
	    E_OUT_OF_RANGE);
	assert_int_equal(ASK(p.cb, NULL, epoch_put, NULL, .epoch = 1,
			     .sealed = "YWJj"),
	    OK);
	assert_int_equal(ASK(p.cb, NULL, epoch_get, &got, .epoch = 1), OK);
	assert_string_equal(got.sealed, "YWJj");
	pair_fini(&p);
}

static int
erase(struct client *c, const struct sess *s, const struct key *by)
{
	struct delete_proof d = { .url = c->k->url,
		.mesh = s->who->mesh,
		.challenge = c->hi.nonce };

	return ASK(c, s->key.hex, mesh_delete, NULL,
	    .proof =
		doc_sign(&c->k->arena, "delete", &wire_delete_proof, &d, by));
}

static void
test_erase(void **state)
{
	struct kit *k = *state;
	struct session_ended end;
	struct pair p;

	pair_init(&p, k);
	send_text(p.ca, &p.a, p.b.key.hex, "message-0001", NULL);
	assert_int_equal(erase(p.cb, &p.b, &p.bob.member), E_FORBIDDEN);
	assert_int_equal(erase(p.ca, &p.a, &p.alice.owner), OK);
	assert_true(heard(p.cb, &wire_session_ended, &end));
	assert_string_equal(end.reason, "mesh_deleted");
	assert_int_equal(hello(p.ca, &p.a), E_NO_MESH);
	fakeio_run(k->f, 120000); /* slices */
	kit_restart(k);
	client_free(p.ca);
	p.ca = client_new(k);
	assert_int_equal(hello(p.ca, &p.a), E_NO_MESH);
	pair_fini(&p);
}

static void
test_create_token(void **state)
{
	struct kit *k = *state;
	struct client *c;

	kit_fini(k);
	kit_init(k);
	k->conf.create = CREATE_TOKEN;
	k->conf.token = "open sesame";
	kit_start(k);
	c = client_new(k);
	assert_true(c->hi.create);
	assert_int_equal(ASK(c, NULL, mesh_create, NULL, .sealed = "YWJj"),
	    E_FORBIDDEN);
	assert_int_equal(ASK(c, NULL, mesh_create, NULL, .sealed = "YWJj",
			     .token = "open sesamy"),
	    E_FORBIDDEN);
	assert_int_equal(ASK(c, NULL, mesh_create, NULL, .sealed = "YWJj",
			     .token = "open sesame"),
	    E_BAD_FIELD); /* no acts */
	client_free(c);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
		T(test_last_use),
		T(test_invite_ends),
		T(test_append_again),
		T(test_once),
		T(test_leave),
		T(test_session_revoke),
		T(test_epoch_keys),
		T(test_erase),
		T(test_create_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

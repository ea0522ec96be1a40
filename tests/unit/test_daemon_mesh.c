/*
 * test_daemon_mesh.c - meshes, invites, members, peers and the daemon itself, as
 * the local socket shows them.
 */
#include "tests/unit/daemonkit.h"

static void
nothing_joined(void **state)
{
	struct dk *k = *state;
	struct local_state st;
	struct local_account acc;
	struct text to = { .s = "bob" };

	assert_int_equal(ASK(k, ALICE, local_send, NULL, .to = { 1, &to },
			     .text = "x"),
	    E_NO_MESH);
	assert_non_null(strstr(k->err, "mesh create"));
	assert_int_equal(ASK(k, ALICE, local_status, &st, .end_ = 0), OK);
	assert_true(st.ok);
	assert_non_null(strstr(st.checks.v[1].detail, "mesh create"));
	assert_int_equal(ASK(k, ALICE, local_account_show, &acc, .end_ = 0),
	    OK);
	assert_int_equal(strlen(acc.account), 64);
	assert_int_equal(acc.meshes, 0);
}

static void
bad_lines(void **state)
{
	struct dk *k = *state;
	char name[300];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(ASK(k, ALICE, local_mesh_create, NULL, .name = name),
	    E_TOO_LONG);
	assert_int_equal(ASK(k, ALICE, peer_list, NULL, .group = ""),
	    E_UNKNOWN_TYPE);
	assert_int_equal(ASK_AS(k, ALICE, "nosuchsession", local_inbox, NULL,
			     .mesh = ""),
	    E_NO_SESSION);
	assert_int_equal(ASK(k, ALICE, local_mesh_create, NULL, .name = "x",
			     .display = "system"),
	    E_BAD_FIELD);
	assert_int_equal(ASK(k, ALICE, local_mesh_join, NULL,
			     .url = "https://example.org/i/abc#def"),
	    E_LINK_SPOILED);
	assert_int_equal(ASK(k, ALICE, local_mesh_create, NULL, .name = "x",
			     .broker = "ws://127.0.0.1:1/ws"),
	    E_UNREACHABLE);
}

static void
slugs(void **state)
{
	struct dk *k = *state;
	struct local_mesh a, b;

	assert_int_equal(ASK(k, ALICE, local_mesh_create, &a,
			     .name = "My Team!"),
	    OK);
	assert_string_equal(a.mesh.slug, "my-team");
	assert_string_equal(a.mesh.name, "My Team!");
	assert_string_equal(a.member.name, "alice");
	assert_int_equal(ASK(k, ALICE, local_mesh_create, &b,
			     .name = "my team"),
	    OK);
	assert_string_equal(b.mesh.slug, "my-team-2");
	assert_int_equal(ASK(k, ALICE, local_profile, NULL, .mesh = ""),
	    E_USAGE);
	assert_non_null(strstr(k->err, "my-team, my-team-2"));
	assert_int_equal(ASK(k, ALICE, local_profile, NULL, .mesh = "zoo"),
	    E_NO_MESH);
}

static void
invites(void **state)
{
	struct dk *k = *state;
	struct local_mesh mesh;
	struct local_invite one, self, dead, quick;
	struct local_mesh_view view;
	struct local_invites list;

	assert_int_equal(ASK(k, ALICE, local_mesh_create, &mesh, .name = "m"),
	    OK);
	assert_int_equal(ASK(k, ALICE, local_invite_create, &one, .role = ""),
	    OK);
	assert_int_equal(ASK(k, ALICE, local_invite_create, &self, .uses = 5,
			     .self_contained = true),
	    OK);
	assert_int_equal(ASK(k, ALICE, local_invite_create, &dead, .role = ""),
	    OK);
	assert_int_equal(ASK(k, ALICE, local_invite_create, &quick,
			     .expires_ms = 60000, .role = "admin"),
	    OK);
	assert_int_equal(ASK(k, ALICE, local_invite_revoke, NULL,
			     .code = dead.code),
	    OK);
	assert_int_equal(ASK(k, ALICE, local_invite_revoke, NULL,
			     .code = dead.url),
	    E_CONFLICT);
	assert_int_equal(ASK(k, BOB, local_mesh_join, NULL, .url = dead.url),
	    E_INVITE_REVOKED);
	assert_int_equal(ASK(k, BOB, local_mesh_look, &view, .url = self.url),
	    OK);
	assert_string_equal(view.name, "m");
	assert_string_equal(view.inviter, "alice");
	assert_int_equal(view.members, 1);
	assert_int_equal(ASK(k, BOB, local_mesh_join, &mesh, .url = one.url),
	    OK);
	assert_string_equal(mesh.member.name, "bob");
	assert_int_equal(ASK(k, BOB, local_mesh_join, &mesh, .url = one.url),
	    OK);
	assert_int_equal(ASK(k, CAROL, local_mesh_join, &mesh, .url = one.url),
	    E_INVITE_USED_UP);
	assert_int_equal(ASK(k, BOB, local_invite_create, NULL, .role = ""),
	    E_FORBIDDEN);
	dk_run(k, 70000);
	assert_int_equal(ASK(k, CAROL, local_mesh_join, &mesh,
			     .url = quick.url),
	    E_INVITE_EXPIRED);
	assert_int_equal(ASK(k, CAROL, local_mesh_join, &mesh, .url = self.url),
	    OK);
	dk_run(k, 1000);
	assert_int_equal(ASK(k, ALICE, local_invite_list, &list, .mesh = ""),
	    OK);
	assert_int_equal(list.invites.n, 4);
	assert_string_equal(list.invites.v[0].state, "used");
	assert_string_equal(list.invites.v[0].code, one.code);
	assert_string_equal(list.invites.v[1].state, "open");
	assert_int_equal(list.invites.v[1].used, 1);
	assert_string_equal(list.invites.v[2].state, "revoked");
	assert_string_equal(list.invites.v[3].state, "expired");
	assert_string_equal(list.invites.v[3].by, "alice");
}

static void
members_and_peers(void **state)
{
	struct dk *k = *state;
	struct local_members mem;
	struct local_peers peers;
	struct local_safety a, b;
	struct local_profile_page page;

	assert_int_equal(ASK(k, BOB, local_member_list, &mem, .mesh = ""), OK);
	assert_int_equal(mem.members.n, 3);
	assert_string_equal(mem.members.v[0].role, "owner");
	assert_string_equal(mem.members.v[1].role, "member");
	assert_true(mem.members.v[1].you);
	assert_int_equal(ASK(k, BOB, local_profile, &page,
			     .summary = "building", .title = "Dev",
			     .visible = "true"),
	    OK);
	assert_int_equal(ASK(k, ALICE, local_peer_list, &peers, .name = "bob"),
	    OK);
	assert_int_equal(peers.peers.n, 1);
	assert_string_equal(peers.peers.v[0].summary, "building");
	assert_string_equal(peers.peers.v[0].member, "bob");
	assert_true(peers.peers.v[0].home && !peers.peers.v[0].you);
	assert_int_equal(ASK(k, ALICE, local_peer_list, &peers, .all = true),
	    OK);
	assert_int_equal(peers.peers.n, 3);
	assert_int_equal(ASK(k, ALICE, local_peer_list, NULL, .name = "zed"),
	    E_NO_PEER);
	assert_int_equal(ASK(k, ALICE, local_peer_verify, &a, .name = "bob"),
	    OK);
	assert_int_equal(ASK(k, BOB, local_peer_verify, &b, .name = "alice"),
	    OK);
	assert_string_equal(a.safety_number, b.safety_number);
	assert_int_equal(ASK(k, BOB, local_peer_verify, &b, .name = "carol"),
	    OK);
	assert_string_not_equal(a.safety_number, b.safety_number);
	assert_int_equal(ASK(k, BOB, local_peer_verify, NULL, .name = "bob"),
	    E_USAGE);
}

static void
settings(void **state)
{
	struct dk *k = *state;
	struct local_meshes list;

	assert_int_equal(ASK(k, BOB, local_mesh_settings, NULL, .name = "Nope"),
	    E_FORBIDDEN);
	assert_int_equal(ASK(k, ALICE, local_mesh_settings, &list,
			     .name = "Crew", .send_rate = 5),
	    OK);
	assert_string_equal(list.meshes.v[0].name, "Crew");
	dk_run(k, 1000);
	assert_int_equal(ASK(k, BOB, local_mesh_list, &list, .mesh = "team"),
	    OK);
	assert_string_equal(list.meshes.v[0].name, "Crew");
	assert_int_equal(list.meshes.v[0].send_rate, 5);
	assert_string_equal(list.meshes.v[0].head,
	    roll_head(dk_mesh(k, ALICE)->roll));
	dk_down(k, BOB); /* the roll is kept */
	dk_up(k, BOB);
	assert_int_equal(ASK(k, BOB, local_mesh_list, &list, .mesh = ""), OK);
	assert_string_equal(list.meshes.v[0].name, "Crew");
}

static void
kicked(void **state)
{
	struct dk *k = *state;
	struct local_sessions list;

	assert_int_equal(ASK(k, BOB, local_peer_kick, NULL, .name = "carol"),
	    E_FORBIDDEN);
	assert_int_equal(ASK(k, ALICE, local_peer_kick, NULL, .name = "bob"),
	    OK);
	dk_run(k, 60000); /* it does not come back by itself */
	assert_int_equal(ASK(k, BOB, local_session_list, &list, .mesh = ""),
	    OK);
	assert_string_equal(list.sessions.v[0].state, "refused");
	/* but when its user does something, it does */
	assert_string_equal(dk_send(k, BOB, "alice", "back", "", "delivered",
				NULL),
	    "delivered");
}

static void
leaving(void **state)
{
	struct dk *k = *state;
	struct local_members mem;
	struct local_meshes list;
	struct text to = { .s = "bob" };

	assert_int_equal(ASK(k, ALICE, local_mesh_leave, NULL, .mesh = ""),
	    E_FORBIDDEN);
	assert_int_equal(ASK(k, BOB, local_mesh_delete, NULL, .mesh = ""),
	    E_FORBIDDEN);
	assert_int_equal(ASK(k, BOB, local_mesh_leave, NULL, .mesh = ""), OK);
	assert_int_equal(ASK(k, BOB, local_mesh_list, &list, .mesh = ""), OK);
	assert_int_equal(list.meshes.n, 0);
	dk_run(k, 1000);
	assert_int_equal(ASK(k, ALICE, local_member_list, &mem, .mesh = ""),
	    OK);
	assert_string_equal(mem.members.v[1].state, "left");
	assert_int_equal(ASK(k, ALICE, local_send, NULL, .to = { 1, &to },
			     .text = "x"),
	    E_NO_PEER);
	assert_int_equal(ASK(k, ALICE, local_mesh_delete, NULL, .mesh = ""),
	    OK);
	dk_run(k, 1000);
	assert_int_equal(ASK(k, CAROL, local_mesh_list, &list, .mesh = ""), OK);
	assert_string_equal(list.meshes.v[0].state, "refused");
	assert_non_null(strstr(list.meshes.v[0].warning, "deleted"));
	assert_int_equal(ASK(k, CAROL, local_mesh_leave, NULL, .forget = true),
	    OK);
}

static void
sent_list(void **state)
{
	struct dk *k = *state;
	struct local_messages list;
	struct local_sent sent;
	char id[65];

	dk_send(k, ALICE, "bob", "one", "", "delivered", NULL);
	dk_broker_down(k);
	dk_send(k, ALICE, "bob", "two", "low", "", id);
	assert_int_equal(ASK(k, ALICE, local_message_list, &list, .mesh = ""),
	    OK);
	assert_int_equal(list.messages.n, 2);
	assert_string_equal(list.messages.v[0].text, "two");
	assert_string_equal(list.messages.v[0].receipt, "queued");
	assert_string_equal(list.messages.v[1].receipt, "delivered");
	assert_int_equal(ASK(k, ALICE, local_message_list, &list,
			     .pending = true),
	    OK);
	assert_int_equal(list.messages.n, 1);
	id[12] = '\0'; /* a unique beginning is enough */
	assert_int_equal(ASK(k, ALICE, local_message_status, &sent, .id = id),
	    OK);
	assert_int_equal(ASK(k, ALICE, local_message_status, NULL,
			     .id = "zzzz"),
	    E_NOT_FOUND);
	assert_int_equal(ASK(k, ALICE, local_peer_list, NULL, .mesh = ""),
	    E_UNREACHABLE);
}

/* The broker keeps answers by session and request: what a daemon asks after it
 * came back is not answered with what it asked before. */
static void
acts_after_restart(void **state)
{
	struct dk *k = *state;
	struct local_invite first, then;

	assert_int_equal(ASK(k, ALICE, local_invite_create, &first, .uses = 1),
	    OK);
	for (int i = 0; i < 4; i++) {
		dk_down(k, ALICE);
		dk_up(k, ALICE);
		assert_int_equal(ASK(k, ALICE, local_invite_create, &then,
				     .uses = 1),
		    OK);
		assert_string_not_equal(first.code, then.code);
	}
}

static void
stops(void **state)
{
	struct dk *k = *state;
	struct local_welcome w;

	assert_int_equal(ASK(k, ALICE, local_hello, &w, .version = "1",
			     .build = 2, .exe = "relative"),
	    OK);
	assert_false(w.renewing);
	assert_int_equal(ASK(k, ALICE, local_stop, NULL, .end_ = 0), OK);
	for (int i = 0; i < 100 && !k->sim.actor[ALICE].stopped; i++)
		world_run(k->sim.world, 10);
	assert_true(k->sim.actor[ALICE].stopped);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, dk_setup, dk_teardown)
#define E(f) cmocka_unit_test_setup_teardown(f, dk_empty, dk_teardown)
	const struct CMUnitTest tests[] = { E(nothing_joined), E(bad_lines),
		E(slugs), E(invites), T(members_and_peers), T(settings),
		T(kicked), T(leaving), T(sent_list), T(acts_after_restart),
		T(stops) };

	log_setup(-1, LOG_ERROR, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

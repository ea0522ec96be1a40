/*
 * test_roll.h - a cast of keys and short words for making acts; shared by the
 * tests of the roll. OWNER founded the mesh; ALICE and ANNE are admins, BOB and
 * BETH plain members, LEO has left; EVE is nobody.
 */
#ifndef TEST_ROLL_H
#define TEST_ROLL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/enc.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/act.h"

enum who {
	OWNER,
	LOG,
	ALICE,
	ANNE,
	BOB,
	BETH,
	LEO,
	EVE,
	FRED,
	INV0,
	INV1,
	INV2,
	INV3,
	INV4,
	SESS0,
	SESS1,
	REC0,
	REC1,
	NKEYS
};

static struct key K[NKEYS];
static struct arena A;
static struct why W;

static inline void
zeros(void *arg, void *p, size_t n)
{
	(void)arg;
	memset(p, 0, n);
}

static inline int
cast_setup(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < NKEYS; i++) {
		uint8_t seed[32] = { i, 0x11 };

		if (i == 0 && crypto_setup(zeros, NULL) != OK)
			return -1;
		key_from_seed(&K[i], seed);
	}
	return 0;
}

static inline int
cast_teardown(void **state)
{
	(void)state;
	arena_fini(&A);
	return 0;
}

#define ZERO64                             \
	"00000000000000000000000000000000" \
	"00000000000000000000000000000000"

/* Make an act at the head of r, and apply it. */
#define TRY(r, k, author, second, ...)                                    \
	try_act((r), #k, &wire_act_##k, &(struct act_##k){ __VA_ARGS__ }, \
	    (author), (second))

static inline int
try_act(struct roll *r, const char *kind, const struct wire_msg *row,
    const void *fields, int author, int second)
{
	char *act = act_make(&A, r, kind, row, fields, &K[author],
	    second < 0 ? NULL : &K[second], 1000 + roll_n(r));
	int64_t n = roll_n(r);
	int e, e2;

	assert_non_null(act);
	memset(&W, 0, sizeof(W));
	e2 = roll_check(r, act, NULL);
	assert_int_equal(roll_n(r), n);
	e = roll_apply(r, act, &W);
	assert_int_equal(e, e2);
	assert_int_equal(roll_n(r), n + (e == OK));
	assert_int_equal(roll_has(r, act), e == OK);
	return e;
}

static inline int
t_genesis(struct roll *r, int owner)
{
	return TRY(r, genesis, owner, -1, .nonce = ZERO64, .name = "mesh",
	    .log_key = K[LOG].hex, .epoch = 1, .epoch_hash = ZERO64);
}

static inline int
t_admin(struct roll *r, int by, int member, const char *name)
{
	return TRY(r, admin, by, -1, .member = K[member].hex, .name = name,
	    .recovery = "");
}

static inline int
t_invite(struct roll *r, int by, int key, const char *role, int uses)
{
	return TRY(r, invite, by, -1, .invite = K[key].hex, .role = role,
	    .uses = uses, .expires_at = 1);
}

static inline int
t_revoke(struct roll *r, int by, int key)
{
	return TRY(r, invite_revoke, by, -1, .invite = K[key].hex);
}

static inline int
t_join(struct roll *r, int who, int key, const char *name)
{
	return TRY(r, join, who, key, .invite = K[key].hex,
	    .member = K[who].hex, .name = name, .recovery = "");
}

static inline int
t_leave(struct roll *r, int who)
{
	return TRY(r, leave, who, -1, .end_ = 0);
}

static inline int
t_session(struct roll *r, int by, int member, int session)
{
	return TRY(r, session_revoke, by, -1, .member = K[member].hex,
	    .session = K[session].hex);
}

static inline int
t_settings(struct roll *r, int by, const char *name, int rate, int burst)
{
	return TRY(r, settings, by, -1, .name = name, .send_rate = rate,
	    .send_burst = burst);
}

#define HASH(c) c c c c c c c c /* 64 digits of eight */
#define TURN(e)                                                      \
	.epoch = (e),                                                \
	.epoch_hash = (e) % 2 ? HASH("11111111") : HASH("22222222"), \
	.keys = 3, .keys_hash = ZERO64

static inline int
t_remove(struct roll *r, int by, int member, int64_t epoch)
{
	return TRY(r, remove, by, -1, .member = K[member].hex, TURN(epoch));
}

static inline int
t_rotate(struct roll *r, int by, int64_t epoch)
{
	return TRY(r, rotate, by, -1, TURN(epoch));
}

/* The mesh described at the top; INV0 has two uses left, made by ALICE. */
static inline struct roll *
the_mesh(void)
{
	struct roll *r = roll_new();

	assert_int_equal(t_genesis(r, OWNER), OK);
	assert_int_equal(t_admin(r, OWNER, ALICE, "alice"), OK);
	assert_int_equal(t_admin(r, OWNER, ANNE, "anne"), OK);
	assert_int_equal(t_invite(r, ALICE, INV0, "member", 5), OK);
	assert_int_equal(t_join(r, BOB, INV0, "bob"), OK);
	assert_int_equal(t_join(r, BETH, INV0, "beth"), OK);
	assert_int_equal(t_join(r, LEO, INV0, "leo"), OK);
	assert_int_equal(t_leave(r, LEO), OK);
	return r;
}

#endif

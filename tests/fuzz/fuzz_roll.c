/*
 * fuzz_roll.c - the roll under sequences of acts. Three bytes make one act: the
 * kind, who signs it, whom or what it is about; a fourth now and then spoils it
 * (number, predecessor, signature, form). Acts are signed here with known keys,
 * so the fuzzer gets past the signatures; the first byte 0xff instead takes the
 * rest as the bytes of an act.
 *
 * Checked after each: roll_check foretells roll_apply, a refusal changes
 * nothing, and what must hold in every roll holds. At the end the accepted acts
 * are replayed into the same state.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/act.h"

#define NKEYS 16
#define ACTS_MAX 64
#define MUST(x)                                                    \
	do {                                                       \
		if (!(x)) {                                        \
			fprintf(stderr, "%d: %s\n", __LINE__, #x); \
			abort();                                   \
		}                                                  \
	} while (0)

static struct key K[NKEYS]; /* 0 owner, 1 log, 2-8 members, 9-15 invites */
static char zero64[65];

static void
zeros(void *arg, void *p, size_t n)
{
	(void)arg;
	memset(p, 0, n);
}

static void
setup(void)
{
	static bool done;

	if (done)
		return;
	MUST(crypto_setup(zeros, NULL) == OK);
	for (uint8_t i = 0; i < NKEYS; i++) {
		uint8_t seed[32] = { i, 0x33 };

		key_from_seed(&K[i], seed);
	}
	memset(zero64, '0', 64);
	done = true;
}

/* ---- making acts ---- */

struct input {
	const uint8_t *p;
	size_t n;
};

static uint8_t
byte(struct input *in)
{
	return in->n == 0 ? 0 : (in->n--, *in->p++);
}

/* The kinds by an admin's word, and turns of the epoch. */
static char *
make_more(struct arena *a, const struct roll *r, uint8_t kind,
    const struct key *author, const struct key *k, const struct key *inv,
    const char *n)
{
	int64_t epoch = roll_epoch(r) + 1 + (kind >> 4) / 12;
	char hash[65];

	sha256_hex(hash, &epoch, sizeof(epoch));
	switch (kind % 16) {
	case 9:
		return act_make(a, r, "add", &wire_act_add,
		    &(struct act_add){ .member = k->hex,
			.name = n,
			.old_client = kind & 0x80 },
		    author, NULL, kind);
	case 10:
		return act_make(a, r, "demote", &wire_act_demote,
		    &(struct act_demote){ .member = k->hex }, author, NULL,
		    kind);
	case 11:
	case 12:
		return act_make(a, r, "remove", &wire_act_remove,
		    &(struct act_remove){ .member = k->hex,
			.epoch = epoch,
			.epoch_hash = hash,
			.keys_hash = zero64 },
		    author, NULL, kind);
	case 13:
		return act_make(a, r, "rotate", &wire_act_rotate,
		    &(struct act_rotate){ .epoch = epoch,
			.epoch_hash = hash,
			.keys_hash = zero64,
			.invite = kind & 0x80 ? inv->hex : "" },
		    author, NULL, kind);
	case 14:
		return act_make(a, r, "unban", &wire_act_unban,
		    &(struct act_unban){ .member = k->hex }, author, NULL,
		    kind);
	default:
		return act_make(a, r, "replace", &wire_act_replace,
		    &(struct act_replace){ .old = k->hex, .member = inv->hex },
		    author, inv, kind);
	}
}

static char *
make(struct arena *a, const struct roll *r, struct input *in)
{
	static const char *const name[] = { "ann", "bob", "", "system", "a\x1b",
		"ann", "Zo\xc3\xab", "all" };
	static const char *const role[] = { "member", "admin", "guest", "" };
	uint8_t kind = byte(in), by = byte(in), what = byte(in);
	const struct key *author = &K[by % NKEYS];
	const struct key *k = &K[what % NKEYS], *inv = &K[9 + (by >> 4) % 7];
	const char *n = name[(what >> 4) % 8];
	const char *rec = what & 0x80 ? k->hex : "";
	int64_t now = kind;

	if (kind % 16 >= 9)
		return make_more(a, r, kind, author, k, inv, n);
	switch (kind % 16) {
	case 0:
		return act_make(a, r, "genesis", &wire_act_genesis,
		    &(struct act_genesis){ .nonce = zero64,
			.name = n,
			.log_key = k->hex,
			.epoch = 1,
			.epoch_hash = zero64 },
		    author, NULL, now);
	case 1:
		return act_make(a, r, "admin", &wire_act_admin,
		    &(struct act_admin){ .member = k->hex,
			.name = n,
			.recovery = rec },
		    author, NULL, now);
	case 2:
		return act_make(a, r, "invite", &wire_act_invite,
		    &(struct act_invite){ .invite = k->hex,
			.role = role[(what >> 4) % 4],
			.uses = kind / 9 % 4,
			.expires_at = 1 },
		    author, NULL, now);
	case 3:
		return act_make(a, r, "invite_revoke", &wire_act_invite_revoke,
		    &(struct act_invite_revoke){ .invite = k->hex }, author,
		    NULL, now);
	case 4: /* about itself, as a rule */
		return act_make(a, r, "join", &wire_act_join,
		    &(struct act_join){ .invite = inv->hex,
			.member = kind & 0x80 ? k->hex : author->hex,
			.name = n,
			.recovery = rec },
		    author, inv, now);
	case 5:
		return act_make(a, r, "leave", &wire_act_leave,
		    &(struct act_leave){ 0 }, author, NULL, now);
	case 6:
		return act_make(a, r, "session_revoke",
		    &wire_act_session_revoke,
		    &(struct act_session_revoke){ .member = k->hex,
			.session = inv->hex },
		    author, NULL, now);
	case 7:
		return act_make(a, r, "settings", &wire_act_settings,
		    &(struct act_settings){ .name = n, .send_rate = what },
		    author, NULL, now);
	default:
		return act_make(a, r, n, &wire_act_leave,
		    &(struct act_leave){ 0 }, author, inv, now);
	}
}

/* Damage that must never be accepted. */
static char *
spoil(struct arena *a, const char *act, uint8_t how, uint8_t at)
{
	static uint8_t p[ACT_BYTES_MAX + 1];
	ssize_t n = b64_decode(p, ACT_BYTES_MAX, act, strlen(act));
	char *s;

	MUST(n > 0);
	if (how % 3 == 0)
		p[(size_t)at * 7 % (size_t)n] ^= (uint8_t)(1 + how / 3);
	else if (how % 3 == 1)
		n = at % n;
	else
		p[n++] = at;
	s = arena_alloc(a, B64_LEN((size_t)n) + 1);
	b64_encode(s, p, (size_t)n);
	return s;
}

/* ---- what must hold ---- */

/* A digest of everything that can be asked of a roll. */
static void
digest(const struct roll *r, char out[65])
{
	const struct roll_member *m;
	const struct roll_invite *v;
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_addf(&b, "%s %s %s %s %s %s %lld %lld %lld %s %zu %zu %d %d %lld\n",
	    roll_mesh(r), roll_owner(r), roll_genesis_nonce(r), roll_name(r),
	    roll_log_key(r), roll_epoch_hash(r), (long long)roll_n(r),
	    (long long)roll_send_rate(r), (long long)roll_send_burst(r),
	    roll_head(r), r->nadmins, r->revoked.n, r->old_clients, r->turn_due,
	    (long long)roll_epoch(r));
	for (size_t i = 0; (m = roll_member_at(r, i)) != NULL; i++)
		buf_addf(&b, "%s %s %s %s %d %d %lld %lld %d %lld %s\n", m->key,
		    m->name, m->recovery, m->invite, m->state, m->admin,
		    (long long)m->joined_n, (long long)m->joined_at,
		    m->old_client, (long long)m->ended_n, m->replaced);
	for (size_t i = 0; (v = roll_invite_at(r, i)) != NULL; i++)
		buf_addf(&b, "%s %s %d %d %lld %lld %lld\n", v->key, v->author,
		    v->admin, v->revoked, (long long)v->uses,
		    (long long)v->used, (long long)v->n);
	MUST(!b.over);
	sha256_hex(out, buf_str(&b), b.len);
	buf_fini(&b);
}

static void
check_members(const struct roll *r)
{
	const struct roll_member *m;
	size_t admins = 0, i;

	for (i = 0; (m = roll_member_at(r, i)) != NULL; i++) {
		const struct roll_invite *v = roll_invite(r, m->invite);

		MUST(roll_member(r, m->key) == m);
		MUST(roll_name_fault(m->name) == NULL);
		MUST((m->state == MEMBER_ACTIVE) == (m->ended_n == 0));
		MUST(m->replaced[0] == '\0' || m->state == MEMBER_REMOVED);
		MUST(!m->admin || m->state == MEMBER_ACTIVE);
		MUST(m->invite[0] == '\0' || (v != NULL && v->used > 0));
		MUST(!str_eq(m->key, roll_owner(r)));
		MUST(roll_invite(r, m->key) == NULL);
		MUST(m->joined_n > 0 && m->joined_n < roll_n(r));
		admins += m->admin;
	}
	MUST(admins == r->nadmins);
	MUST(i == r->member_by_key.n);
}

static void
check_invites(const struct roll *r)
{
	const struct roll_invite *v;

	for (size_t i = 0; (v = roll_invite_at(r, i)) != NULL; i++) {
		bool owners = str_eq(v->author, roll_owner(r));

		MUST(roll_invite(r, v->key) == v);
		MUST(v->used >= 0 && v->used <= v->uses);
		MUST(!v->admin || (owners && v->uses == 1));
		MUST(owners || v->revoked || roll_is_admin(r, v->author));
		MUST(!str_eq(v->key, roll_owner(r)));
	}
}

static void
check_roll(const struct roll *r)
{
	MUST((roll_n(r) == 0) == (roll_mesh(r)[0] == '\0'));
	if (roll_n(r) > 0)
		MUST(str_eq(roll_hash_at(r, roll_n(r) - 1), roll_head(r)));
	check_members(r);
	check_invites(r);
}

/* ---- one run ---- */

struct run {
	struct arena arena;
	struct roll *r;
	char *accepted[ACTS_MAX];
	size_t n;
};

static void
one(struct run *u, struct input *in)
{
	char before[65], after[65];
	char *act = make(&u->arena, u->r, in);
	bool spoilt = false;
	struct why w = { 0 };
	int e;

	if (in->n > 0 && (in->p[0] & 0xe0) == 0xe0) {
		uint8_t how = byte(in);

		act = spoil(&u->arena, act, how & 0x1f, byte(in));
		spoilt = true;
	}
	digest(u->r, before);
	e = roll_check(u->r, act, NULL);
	digest(u->r, after);
	MUST(str_eq(before, after));
	MUST(roll_apply(u->r, act, &w) == e);
	MUST(e == OK || (w.code == e && w.text[0] != '\0'));
	MUST(e == OK || !spoilt || !roll_has(u->r, act));
	MUST(e != OK || !spoilt);
	digest(u->r, after);
	MUST(str_eq(before, after) == (e != OK));
	if (e == OK)
		u->accepted[u->n++] = act;
	check_roll(u->r);
}

static void
replay(struct run *u)
{
	struct roll *again = roll_new(), *copy = roll_copy(u->r);
	char a[65], b[65], c[65];

	for (size_t i = 0; i < u->n; i++)
		MUST(roll_apply(again, u->accepted[i], NULL) == OK &&
		    roll_has(u->r, u->accepted[i]));
	digest(u->r, a);
	digest(again, b);
	digest(copy, c);
	MUST(str_eq(a, b) && str_eq(a, c));
	roll_free(again);
	roll_free(copy);
}

static void
raw(const uint8_t *p, size_t n)
{
	struct roll *r = roll_new();
	char *s = mem_alloc(B64_LEN(n) + 1);
	struct arena a;
	struct act head;
	struct json doc;
	char hash[65];

	arena_init(&a);
	b64_encode(s, p, n);
	roll_apply(r, s, NULL);
	roll_has(r, s);
	act_peek(&a, s, &head, &doc, hash, NULL);
	check_roll(r);
	arena_fini(&a);
	mem_free(s);
	roll_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct input in = { p, n };
	struct run u = { 0 };

	setup();
	if (n > 0 && p[0] == 0xff) {
		raw(p + 1, n - 1);
		return 0;
	}
	arena_init(&u.arena);
	u.r = roll_new();
	for (int i = 0; in.n > 0 && i < ACTS_MAX; i++)
		one(&u, &in);
	replay(&u);
	roll_free(u.r);
	arena_fini(&u.arena);
	return 0;
}

/*
 * roll.c - the membership list, replayed: act by act, each judged whole before
 * anything changes.
 *
 * It promises that broker and clients, given the same acts, come to the same
 * state or refuse the same act, and that whoever shows the acts can neither
 * add, drop, alter nor reorder one. It has no clock, no randomness, no I/O.
 */
#include "crypto/roll.h"

#include <string.h>

#include "base/enc.h"
#include "base/str.h"
#include "crypto/act.h"

struct roll *
roll_new(void)
{
	return mem_zalloc(sizeof(struct roll));
}

void
roll_free(struct roll *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->members.n; i++)
		mem_free(r->members.v[i]);
	for (size_t i = 0; i < r->invites.n; i++)
		mem_free(r->invites.v[i]);
	vec_fini(&r->members);
	vec_fini(&r->invites);
	vec_fini(&r->acts);
	vec_fini(&r->epochs);
	map_fini(&r->member_by_key);
	map_fini(&r->invite_by_key);
	map_fini(&r->revoked);
	mem_free(r);
}

struct roll *
roll_copy(const struct roll *from)
{
	struct roll *r = mem_dup(from, sizeof(*from));
	const void *key;
	size_t len;

	r->acts.v = mem_dup(from->acts.v, from->acts.n * sizeof(*from->acts.v));
	r->acts.cap = r->acts.n;
	r->epochs.v =
	    mem_dup(from->epochs.v, from->epochs.n * sizeof(*from->epochs.v));
	r->epochs.cap = r->epochs.n;
	memset(&r->members, 0, sizeof(r->members));
	memset(&r->invites, 0, sizeof(r->invites));
	map_init(&r->member_by_key);
	map_init(&r->invite_by_key);
	map_init(&r->revoked);
	for (size_t i = 0; i < from->members.n; i++) {
		struct roll_member *m = mem_dup(from->members.v[i], sizeof(*m));

		vec_add(&r->members, m);
		map_puts(&r->member_by_key, m->key, m);
	}
	for (size_t i = 0; i < from->invites.n; i++) {
		struct roll_invite *m = mem_dup(from->invites.v[i], sizeof(*m));

		vec_add(&r->invites, m);
		map_puts(&r->invite_by_key, m->key, m);
	}
	for (size_t i = 0;
	     map_next_key(&from->revoked, &i, &key, &len) != NULL;)
		map_put(&r->revoked, key, len, r);
	return r;
}

/* ---- judging ---- */

static int
step_decode(struct step *s, const char *act_b64, struct why *w)
{
	struct arena *a = &s->arena;
	int e;

	if ((e = act_open(a, act_b64, &s->bytes, w)) != OK ||
	    (e = wire_decode(&wire_act, s->bytes.doc, &s->head, a, w)) != OK)
		return e;
	s->kind = act_kind(s->head.kind);
	if (s->kind == NULL)
		return why_field(w, E_ROLL_REFUSED, "kind",
		    "acts of this kind are not known to this version");
	if (s->bytes.nsigs != s->kind->nsigs)
		return why_field(w, E_ROLL_REFUSED, "act",
		    "this kind of act has %zu signatures, not %zu",
		    s->kind->nsigs, s->bytes.nsigs);
	return wire_decode(s->kind->row, s->bytes.doc, &s->is, a, w);
}

static int
step_follows(const struct roll *r, const struct step *s, struct why *w)
{
	bool genesis = str_eq(s->kind->name, "genesis");

	if (s->head.n != roll_n(r) || !str_eq(s->head.prev, roll_head(r)))
		return why_set(w, E_ROLL_CONFLICT,
		    "act %lld does not follow the roll's %lld acts",
		    (long long)s->head.n, (long long)roll_n(r));
	if (genesis != (r->acts.n == 0))
		return why_field(w, E_ROLL_REFUSED, "kind", "%s",
		    genesis ? "a roll has one genesis act"
			    : "the first act must be genesis");
	return OK;
}

static bool
signed_by(const struct step *s, size_t i, const char *hex)
{
	uint8_t pub[32];

	return hex_is(hex, 32) && hex_decode(pub, 32, hex, 64) == 32 &&
	    verify_domain(s->bytes.sigs + i * SIG_LEN, "act", s->bytes.json,
		s->bytes.njson, pub);
}

static int
step_signatures(const struct step *s, struct why *w)
{
	const char *second;

	if (!signed_by(s, 0, s->head.author))
		return why_field(w, E_BAD_SIGNATURE, "author",
		    "the author's signature does not verify");
	if (s->kind->nsigs < 2)
		return OK;
	memcpy(&second, (const char *)&s->is + s->kind->second_at,
	    sizeof(second));
	if (!signed_by(s, 1, second))
		return why_field(w, E_BAD_SIGNATURE, "act",
		    "the second signature does not verify");
	return OK;
}

/* May this author sign this kind at all? */
static int
step_author(const struct roll *r, struct step *s, struct why *w)
{
	unsigned by = s->kind->by;

	s->by_owner = r->acts.n > 0 && str_eq(s->head.author, r->owner);
	s->author = map_gets(&r->member_by_key, s->head.author);
	if ((by & BY_SELF) || ((by & BY_OWNER) && s->by_owner))
		return OK;
	if (s->author != NULL && s->author->state != MEMBER_ACTIVE)
		return why_field(w, E_REVOKED, "author",
		    "the author is no member any more");
	if (s->author != NULL &&
	    ((by & BY_MEMBER) || ((by & BY_ADMIN) && s->author->admin)))
		return OK;
	return why_field(w, E_ROLL_REFUSED, "author",
	    "the author may not sign a %s act", s->kind->name);
}

static int
step_judge(const struct roll *r, struct step *s, const char *act_b64,
    struct why *w)
{
	int e;

	if ((e = step_decode(s, act_b64, w)) != OK ||
	    (e = step_follows(r, s, w)) != OK ||
	    (e = step_signatures(s, w)) != OK ||
	    (e = step_author(r, s, w)) != OK)
		return e;
	return s->kind->judge(r, s, w);
}

int
roll_check(const struct roll *r, const char *act_b64, struct why *w)
{
	struct step s = { 0 };
	int e;

	arena_init(&s.arena);
	e = step_judge(r, &s, act_b64, w);
	arena_fini(&s.arena);
	return e;
}

int
roll_apply(struct roll *r, const char *act_b64, struct why *w)
{
	struct step s = { 0 };
	struct act_hash hash;
	int e;

	arena_init(&s.arena);
	e = step_judge(r, &s, act_b64, w);
	if (e == OK) {
		s.kind->commit(r, &s);
		memcpy(hash.hex, s.bytes.hash_hex, sizeof(hash.hex));
		vec_add(&r->acts, hash);
	}
	arena_fini(&s.arena);
	return e;
}

bool
roll_has(const struct roll *r, const char *act_b64)
{
	struct arena a;
	struct act head;
	char hash[65];
	bool has;

	arena_init(&a);
	has = act_peek(&a, act_b64, &head, NULL, hash, NULL) == OK &&
	    str_eq(roll_hash_at(r, head.n), hash);
	arena_fini(&a);
	return has;
}

/* ---- asking ---- */

const char *
roll_hash_at(const struct roll *r, int64_t n)
{
	if (n < 0 || (uint64_t)n >= r->acts.n)
		return NULL;
	return r->acts.v[n].hex;
}

int64_t
roll_n(const struct roll *r)
{
	return (int64_t)r->acts.n;
}

const char *
roll_head(const struct roll *r)
{
	return r->acts.n == 0 ? "" : r->acts.v[r->acts.n - 1].hex;
}

const char *
roll_mesh(const struct roll *r)
{
	return r->mesh;
}

const char *
roll_owner(const struct roll *r)
{
	return r->owner;
}

const char *
roll_genesis_nonce(const struct roll *r)
{
	return r->nonce;
}

const char *
roll_name(const struct roll *r)
{
	return r->name;
}

const char *
roll_log_key(const struct roll *r)
{
	return r->log_key;
}

int64_t
roll_epoch(const struct roll *r)
{
	return r->epoch;
}

const char *
roll_epoch_hash(const struct roll *r)
{
	return r->epoch_hash;
}

const char *
roll_epoch_hash_at(const struct roll *r, int64_t n)
{
	if (n < 1 || (uint64_t)n > r->epochs.n)
		return NULL;
	return r->epochs.v[n - 1].hex;
}

int64_t
roll_send_rate(const struct roll *r)
{
	return r->send_rate;
}

int64_t
roll_send_burst(const struct roll *r)
{
	return r->send_burst;
}

bool
roll_old_clients(const struct roll *r)
{
	return r->old_clients;
}

bool
roll_turn_due(const struct roll *r)
{
	return r->turn_due;
}

const struct roll_member *
roll_member(const struct roll *r, const char *key_hex)
{
	return map_gets(&r->member_by_key, key_hex);
}

const struct roll_invite *
roll_invite(const struct roll *r, const char *key_hex)
{
	return map_gets(&r->invite_by_key, key_hex);
}

bool
roll_session_revoked(const struct roll *r, const char *member_hex,
    const char *session_hex)
{
	char both[128];

	if (strlen(member_hex) != 64 || strlen(session_hex) != 64)
		return false;
	memcpy(both, member_hex, 64);
	memcpy(both + 64, session_hex, 64);
	return map_get(&r->revoked, both, sizeof(both)) != NULL;
}

bool
roll_is_admin(const struct roll *r, const char *member_hex)
{
	const struct roll_member *m = roll_member(r, member_hex);

	return m != NULL && m->state == MEMBER_ACTIVE && m->admin;
}

const struct roll_member *
roll_member_at(const struct roll *r, size_t i)
{
	return i < r->members.n ? r->members.v[i] : NULL;
}

const struct roll_invite *
roll_invite_at(const struct roll *r, size_t i)
{
	return i < r->invites.n ? r->invites.v[i] : NULL;
}

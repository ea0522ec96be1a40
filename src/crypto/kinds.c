/*
 * kinds.c - the kinds of acts and the rule of each: who may, and what then.
 *
 * A kind is a row at the end of this file, a judge and a commit; those that make
 * and end members by an admin's word are in kinds_admin.c. Judges change nothing;
 * commits cannot fail. Nothing here asks for the time: whether an invite has
 * expired is the broker's judgement.
 */
#include <assert.h>
#include <string.h>

#include "base/enc.h"
#include "base/str.h"
#include "crypto/act.h"

#define NAME_MAX_BYTES 64

int
act_refused(struct why *w, const char *field, const char *text)
{
	return why_field(w, E_ROLL_REFUSED, field, "%s", text);
}

void
act_set(char *out, size_t cap, const char *s)
{
	bool fits = str_copy(out, cap, s);

	assert(fits); /* the rows' limits are the same */
	(void)fits;
}

/* ---- what several rules need ---- */

int
need_key(const char *hex, const char *field, struct why *w)
{
	uint8_t pub[32];

	if (!key_parse(pub, hex))
		return act_refused(w, field, "this is no valid public key");
	return OK;
}

int
need_hash(const char *hex, const char *field, struct why *w)
{
	if (!hex_is(hex, 32))
		return act_refused(w, field, "this is not 32 bytes as hex");
	return OK;
}

static bool
reserved(const char *name)
{
	static const char *const word[] = { "system", "human", "broker",
		"all" };

	for (size_t i = 0; i < countof(word); i++) {
		const char *a = name, *b = word[i];

		for (; *b != '\0'; a++, b++)
			if ((*a >= 'A' && *a <= 'Z' ? *a + 32 : *a) != *b)
				break;
		if (*b == '\0' && *a == '\0')
			return true;
	}
	return false;
}

const char *
roll_name_fault(const char *name)
{
	const char *fault = str_name_fault(name, NAME_MAX_BYTES);

	if (fault == NULL && reserved(name))
		return "is reserved";
	return fault;
}

/* The name itself is not repeated: it may be what must not be shown. */
int
need_name(const char *fault, struct why *w)
{
	if (fault == NULL)
		return OK;
	return why_field(w, E_ROLL_REFUSED, "name", "the name %s", fault);
}

/* A key that is to be a member's: no other use, and not barred. */
int
need_member_key(const struct roll *r, struct step *s, const char *hex,
    struct why *w)
{
	int e;

	s->member = map_gets(&r->member_by_key, hex);
	if (s->member != NULL && s->member->state == MEMBER_REMOVED)
		return why_field(w, E_REVOKED, "member",
		    "a removed key does not come back");
	if (s->member != NULL)
		return OK; /* was checked when it came */
	if ((e = need_key(hex, "member", w)) != OK)
		return e;
	if (str_eq(hex, r->owner) || map_gets(&r->invite_by_key, hex) != NULL)
		return act_refused(w, "member",
		    "the owner key or an invite key is no member key");
	return OK;
}

/* A thief of the member key shall not exchange it for one of his own. */
int
need_recovery(const struct roll_member *m, const char *hex, struct why *w)
{
	if (hex[0] == '\0')
		return OK;
	if (m != NULL && m->recovery[0] != '\0' && !str_eq(hex, m->recovery))
		return act_refused(w, "recovery",
		    "the member's recovery key is another one");
	return need_key(hex, "recovery", w);
}

bool
member_active(const struct roll_member *m)
{
	return m != NULL && m->state == MEMBER_ACTIVE;
}

/* Makes or brings back the member, and makes it admin or not. */
void
member_put(struct roll *r, struct step *s, const char *key, const char *name,
    const char *recovery, bool admin)
{
	struct roll_member *m = s->member;

	if (m == NULL) {
		m = mem_zalloc(sizeof(*m));
		SET(m->key, key);
		vec_add(&r->members, m);
		map_puts(&r->member_by_key, m->key, m);
	}
	if (!member_active(m) || s->member == NULL) {
		m->joined_n = s->head.n;
		m->joined_at = s->head.at;
		SET(m->invite, s->invite != NULL ? s->invite->key : "");
	}
	SET(m->name, name);
	if (recovery[0] != '\0')
		SET(m->recovery, recovery);
	m->state = MEMBER_ACTIVE;
	m->ended_n = 0;
	m->old_client = false;
	m->admin = admin;
	r->nadmins += admin;
}

/* Its authority ends, and so does what rests on it. */
void
admin_end(struct roll *r, struct roll_member *m)
{
	if (!m->admin)
		return;
	m->admin = false;
	r->nadmins--;
	invites_end(r, m->key);
}

void
invites_end(struct roll *r, const char *author)
{
	for (size_t i = 0; i < r->invites.n; i++)
		if (str_eq(r->invites.v[i]->author, author))
			r->invites.v[i]->revoked = true;
}

/* ---- genesis ---- */

static int
genesis_judge(const struct roll *r, struct step *s, struct why *w)
{
	const struct act_genesis *in = &s->is.genesis;
	int e;

	(void)r;
	if ((e = need_key(s->head.author, "author", w)) != OK ||
	    (e = need_key(in->log_key, "logKey", w)) != OK ||
	    (e = need_hash(in->nonce, "nonce", w)) != OK ||
	    (e = need_hash(in->epoch_hash, "epochHash", w)) != OK)
		return e;
	return need_name(str_name_fault(in->name, NAME_MAX_BYTES), w);
}

static void
genesis_commit(struct roll *r, struct step *s)
{
	const struct act_genesis *in = &s->is.genesis;

	mesh_id_of(r->mesh, s->bytes.hash);
	SET(r->owner, s->head.author);
	SET(r->nonce, in->nonce);
	SET(r->log_key, in->log_key);
	SET(r->name, in->name);
	epoch_put(r, in->epoch, in->epoch_hash);
}

void
epoch_put(struct roll *r, int64_t epoch, const char *hash)
{
	struct act_hash h;

	r->epoch = epoch;
	SET(r->epoch_hash, hash);
	SET(h.hex, hash);
	vec_add(&r->epochs, h);
}

/* ---- admin ---- */

static int
admin_judge(const struct roll *r, struct step *s, struct why *w)
{
	const struct act_admin *in = &s->is.admin;
	int e;

	if ((e = need_member_key(r, s, in->member, w)) != OK)
		return e;
	if (member_active(s->member) && s->member->admin)
		return why_field(w, E_CONFLICT, "member",
		    "this member is an admin already");
	if ((e = need_name(roll_name_fault(in->name), w)) != OK)
		return e;
	return need_recovery(s->member, in->recovery, w);
}

static void
admin_commit(struct roll *r, struct step *s)
{
	const struct act_admin *in = &s->is.admin;

	member_put(r, s, in->member, in->name, in->recovery, true);
}

/* ---- invite ---- */

static int
invite_judge(const struct roll *r, struct step *s, struct why *w)
{
	const struct act_invite *in = &s->is.invite;
	bool admin = str_eq(in->role, "admin");

	if (!admin && !str_eq(in->role, "member"))
		return act_refused(w, "role",
		    "the role is neither member nor admin");
	if (admin && !s->by_owner)
		return act_refused(w, "role", "only the owner invites admins");
	if (admin && in->uses != 1)
		return act_refused(w, "uses", "an admin's invite has one use");
	if (map_gets(&r->invite_by_key, in->invite) != NULL)
		return why_field(w, E_CONFLICT, "invite",
		    "this invite key was used before");
	if (str_eq(in->invite, r->owner) ||
	    map_gets(&r->member_by_key, in->invite) != NULL)
		return act_refused(w, "invite",
		    "the owner key or a member key is no invite key");
	return need_key(in->invite, "invite", w);
}

static void
invite_commit(struct roll *r, struct step *s)
{
	const struct act_invite *in = &s->is.invite;
	struct roll_invite *v = mem_zalloc(sizeof(*v));

	SET(v->key, in->invite);
	SET(v->author, s->head.author);
	v->admin = str_eq(in->role, "admin");
	v->uses = in->uses;
	v->expires_at = in->expires_at;
	v->n = s->head.n;
	vec_add(&r->invites, v);
	map_puts(&r->invite_by_key, v->key, v);
}

/* ---- invite_revoke ---- */

static int
invite_revoke_judge(const struct roll *r, struct step *s, struct why *w)
{
	s->invite = map_gets(&r->invite_by_key, s->is.invite_revoke.invite);
	if (s->invite == NULL)
		return why_field(w, E_INVITE_UNKNOWN, "invite",
		    "the roll has no such invite");
	if (!s->by_owner && !s->author->admin &&
	    !str_eq(s->invite->author, s->head.author))
		return act_refused(w, "author",
		    "only its author, an admin or the owner revokes an invite");
	if (s->invite->revoked)
		return why_field(w, E_CONFLICT, "invite",
		    "the invite is revoked already");
	return OK;
}

static void
invite_revoke_commit(struct roll *r, struct step *s)
{
	(void)r;
	s->invite->revoked = true;
}

/* ---- join ---- */

static int
join_invite(const struct roll *r, struct step *s, struct why *w)
{
	s->invite = map_gets(&r->invite_by_key, s->is.join.invite);
	if (s->invite == NULL)
		return why_field(w, E_INVITE_UNKNOWN, "invite",
		    "the roll has no such invite");
	if (s->invite->revoked)
		return why_field(w, E_INVITE_REVOKED, "invite",
		    "the invite was revoked");
	if (s->invite->used >= s->invite->uses)
		return why_field(w, E_INVITE_USED_UP, "invite",
		    "all %lld uses of the invite are taken",
		    (long long)s->invite->uses);
	return OK;
}

static int
join_judge(const struct roll *r, struct step *s, struct why *w)
{
	const struct act_join *in = &s->is.join;
	int e;

	if (!str_eq(in->member, s->head.author))
		return act_refused(w, "author",
		    "a join is signed by its member");
	if (member_active(map_gets(&r->member_by_key, in->member)))
		return why_field(w, E_CONFLICT, "member",
		    "this key is a member already");
	if ((e = join_invite(r, s, w)) != OK ||
	    (e = need_member_key(r, s, in->member, w)) != OK ||
	    (e = need_name(roll_name_fault(in->name), w)) != OK)
		return e;
	return need_recovery(s->member, in->recovery, w);
}

static void
join_commit(struct roll *r, struct step *s)
{
	const struct act_join *in = &s->is.join;

	s->invite->used++;
	member_put(r, s, in->member, in->name, in->recovery, s->invite->admin);
}

/* ---- leave ---- */

static int
leave_judge(const struct roll *r, struct step *s, struct why *w)
{
	if (s->author->admin && r->nadmins == 1)
		return act_refused(w, "author",
		    "the last admin may not leave; make another one first");
	return OK;
}

static void
leave_commit(struct roll *r, struct step *s)
{
	struct roll_member *m = s->author;

	m->state = MEMBER_LEFT;
	m->ended_n = s->head.n;
	r->turn_due |= !m->old_client; /* which never had the key */
	admin_end(r, m);
}

/* ---- session_revoke ---- */

static int
session_revoke_judge(const struct roll *r, struct step *s, struct why *w)
{
	const struct act_session_revoke *in = &s->is.session_revoke;

	s->member = map_gets(&r->member_by_key, in->member);
	if (s->member == NULL)
		return act_refused(w, "member", "this key was never a member");
	if (!s->by_owner && !s->author->admin && s->member != s->author)
		return act_refused(w, "author",
		    "only its member, an admin or the owner revokes a session");
	if (roll_session_revoked(r, in->member, in->session))
		return why_field(w, E_CONFLICT, "session",
		    "the session is revoked already");
	return need_key(in->session, "session", w);
}

static void
session_revoke_commit(struct roll *r, struct step *s)
{
	const struct act_session_revoke *in = &s->is.session_revoke;
	char both[128];

	memcpy(both, in->member, 64);
	memcpy(both + 64, in->session, 64);
	map_put(&r->revoked, both, sizeof(both), s->member);
}

/* ---- settings ---- */

static int
settings_judge(const struct roll *r, struct step *s, struct why *w)
{
	const struct act_settings *in = &s->is.settings;

	(void)r;
	if (in->old_clients[0] != '\0' && !str_eq(in->old_clients, "on") &&
	    !str_eq(in->old_clients, "off"))
		return act_refused(w, "oldClients", "oldClients is on or off");
	if (in->old_clients[0] != '\0' && !s->by_owner)
		return act_refused(w, "oldClients",
		    "only the owner lets old clients in");
	if (in->name[0] == '\0')
		return OK;
	return need_name(str_name_fault(in->name, NAME_MAX_BYTES), w);
}

static void
settings_commit(struct roll *r, struct step *s)
{
	const struct act_settings *in = &s->is.settings;

	if (in->name[0] != '\0')
		SET(r->name, in->name);
	if (in->send_rate != 0)
		r->send_rate = in->send_rate;
	if (in->send_burst != 0)
		r->send_burst = in->send_burst;
	if (in->old_clients[0] != '\0')
		r->old_clients = str_eq(in->old_clients, "on");
}

/* ---- the table ---- */

#define KIND(k, who, n, second)                                              \
	{                                                                    \
		.name = #k, .row = &wire_act_##k, .by = (who), .nsigs = (n), \
		.second_at = (second), .judge = k##_judge,                   \
		.commit = k##_commit                                         \
	}

static const struct act_kind kinds[] = {
	KIND(genesis, BY_SELF, 1, 0),
	KIND(admin, BY_OWNER, 1, 0),
	KIND(invite, BY_OWNER | BY_ADMIN, 1, 0),
	KIND(invite_revoke, BY_OWNER | BY_MEMBER, 1, 0),
	KIND(join, BY_SELF, 2, offsetof(struct act_join, invite)),
	KIND(leave, BY_MEMBER, 1, 0),
	KIND(session_revoke, BY_OWNER | BY_MEMBER, 1, 0),
	KIND(settings, BY_OWNER | BY_ADMIN, 1, 0),
	KIND(add, BY_OWNER | BY_ADMIN, 1, 0),
	KIND(demote, BY_OWNER, 1, 0),
	KIND(remove, BY_OWNER | BY_ADMIN, 1, 0),
	KIND(rotate, BY_OWNER | BY_ADMIN, 1, 0),
	KIND(unban, BY_OWNER | BY_ADMIN, 1, 0),
	KIND(replace, BY_SELF, 2, offsetof(struct act_replace, member)),
};

const struct act_kind *
act_kind(const char *name)
{
	for (size_t i = 0; i < countof(kinds); i++)
		if (str_eq(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

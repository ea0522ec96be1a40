/*
 * kinds_admin.c - the kinds of acts by which an admin or the owner makes, ends
 * and exchanges members, and turns the epoch. Rules as in kinds.c.
 */
#include <string.h>

#include "base/str.h"
#include "crypto/act.h"

/* A member as it must be there for such an act. */
static int
need_active(const struct roll *r, struct step *s, const char *hex,
    const char *field, struct why *w)
{
	s->member = map_gets(&r->member_by_key, hex);
	if (!member_active(s->member))
		return act_refused(w, field, "this key is no member");
	return OK;
}

/* ---- add ---- */

int
add_judge(const struct roll *r, struct step *s, struct why *w)
{
	const struct act_add *in = &s->is.add;
	int e;

	if ((e = need_member_key(r, s, in->member, w)) != OK)
		return e;
	if (member_active(s->member))
		return why_field(w, E_CONFLICT, "member",
		    "this key is a member already");
	if ((e = need_name(roll_name_fault(in->name), w)) != OK)
		return e;
	return need_recovery(s->member, in->recovery, w);
}

void
add_commit(struct roll *r, struct step *s)
{
	const struct act_add *in = &s->is.add;
	struct roll_member *m;

	member_put(r, s, in->member, in->name, in->recovery, false);
	m = map_gets(&r->member_by_key, in->member);
	m->old_client = in->old_client;
}

/* ---- demote ---- */

int
demote_judge(const struct roll *r, struct step *s, struct why *w)
{
	int e = need_active(r, s, s->is.demote.member, "member", w);

	if (e != OK)
		return e;
	if (!s->member->admin)
		return why_field(w, E_CONFLICT, "member",
		    "this member is no admin");
	if (r->nadmins == 1)
		return act_refused(w, "member",
		    "the last admin stays one; make another one first");
	return OK;
}

void
demote_commit(struct roll *r, struct step *s)
{
	admin_end(r, s->member);
}

/* ---- the turn of the epoch ---- */

static int
need_turn(const struct roll *r, int64_t epoch, const char *hash,
    const char *keys_hash, struct why *w)
{
	int e;

	if (epoch != r->epoch + 1)
		return why_field(w, E_ROLL_REFUSED, "epoch",
		    "epoch %lld is followed by %lld, not by %lld",
		    (long long)r->epoch, (long long)r->epoch + 1,
		    (long long)epoch);
	if ((e = need_hash(hash, "epochHash", w)) != OK)
		return e;
	if (str_eq(hash, r->epoch_hash))
		return act_refused(w, "epochHash",
		    "the new epoch has the key of the one before");
	return need_hash(keys_hash, "keysHash", w);
}

static void
turn(struct roll *r, int64_t epoch, const char *hash)
{
	epoch_put(r, epoch, hash);
	r->turn_due = false;
}

/* ---- remove ---- */

int
remove_judge(const struct roll *r, struct step *s, struct why *w)
{
	const struct act_remove *in = &s->is.remove;

	s->member = map_gets(&r->member_by_key, in->member);
	if (s->member == NULL)
		return act_refused(w, "member", "this key was never a member");
	if (s->member->state == MEMBER_REMOVED)
		return why_field(w, E_CONFLICT, "member",
		    "this member is removed already");
	if (s->member == s->author)
		return act_refused(w, "member",
		    "nobody removes itself; a leave act does that");
	if (s->member->admin && !s->by_owner)
		return act_refused(w, "author",
		    "only the owner removes an admin");
	if (s->member->admin && r->nadmins == 1)
		return act_refused(w, "member",
		    "the last admin cannot be removed");
	return need_turn(r, in->epoch, in->epoch_hash, in->keys_hash, w);
}

void
remove_commit(struct roll *r, struct step *s)
{
	const struct act_remove *in = &s->is.remove;
	struct roll_invite *by;

	admin_end(r, s->member);
	invites_end(r, s->member->key);
	by = map_gets(&r->invite_by_key, s->member->invite);
	if (by != NULL)
		by->revoked = true;
	s->member->state = MEMBER_REMOVED;
	s->member->ended_n = s->head.n;
	turn(r, in->epoch, in->epoch_hash);
}

/* ---- rotate ---- */

int
rotate_judge(const struct roll *r, struct step *s, struct why *w)
{
	const struct act_rotate *in = &s->is.rotate;

	if (in->invite[0] != '\0') {
		s->invite = map_gets(&r->invite_by_key, in->invite);
		if (s->invite == NULL)
			return why_field(w, E_INVITE_UNKNOWN, "invite",
			    "the roll has no such invite");
	}
	return need_turn(r, in->epoch, in->epoch_hash, in->keys_hash, w);
}

void
rotate_commit(struct roll *r, struct step *s)
{
	if (s->invite != NULL)
		s->invite->revoked = true;
	turn(r, s->is.rotate.epoch, s->is.rotate.epoch_hash);
}

/* ---- unban ---- */

int
unban_judge(const struct roll *r, struct step *s, struct why *w)
{
	s->member = map_gets(&r->member_by_key, s->is.unban.member);
	if (s->member == NULL || s->member->state != MEMBER_REMOVED)
		return why_field(w, E_CONFLICT, "member",
		    "this key is not removed");
	if (s->member->replaced[0] != '\0')
		return act_refused(w, "member",
		    "a key that was replaced does not come back");
	return OK;
}

/* Not a member yet: it may join again. */
void
unban_commit(struct roll *r, struct step *s)
{
	(void)r;
	s->member->state = MEMBER_LEFT;
}

/* ---- replace ---- */

int
replace_judge(const struct roll *r, struct step *s, struct why *w)
{
	const struct act_replace *in = &s->is.replace;
	struct roll_member *old = map_gets(&r->member_by_key, in->old);
	int e;

	if (!member_active(old))
		return act_refused(w, "old", "this key is no member");
	if (!s->by_owner && !str_eq(s->head.author, old->recovery) &&
	    !(member_active(s->author) && s->author->admin && !old->admin))
		return act_refused(w, "author",
		    "only its recovery key, an admin or, for an admin, the "
		    "owner replaces a member's key");
	if ((e = need_member_key(r, s, in->member, w)) != OK)
		return e;
	if (s->member != NULL)
		return why_field(w, E_CONFLICT, "member",
		    "the new key is or was a member's");
	if (in->recovery[0] == '\0')
		return OK;
	return need_key(in->recovery, "recovery", w);
}

void
replace_commit(struct roll *r, struct step *s)
{
	const struct act_replace *in = &s->is.replace;
	struct roll_member *old = map_gets(&r->member_by_key, in->old);
	bool admin = old->admin;

	admin_end(r, old);
	invites_end(r, old->key); /* a thief may have made them */
	old->state = MEMBER_REMOVED;
	old->ended_n = s->head.n;
	SET(old->replaced, in->member);
	member_put(r, s, in->member, old->name,
	    in->recovery[0] != '\0' ? in->recovery : old->recovery, admin);
	r->turn_due = true;
}

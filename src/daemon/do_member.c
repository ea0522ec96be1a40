/*
 * do_member.c - who belongs: adding by key, promoting, demoting, removing,
 * letting in again. Each is a signed act; a removal turns the epoch with it.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

struct about { /* the member an operation is about */
	char key[65], name[65];
	bool old_client;
	int64_t sessions;
	struct turning turn;
};

static const char *
state_name(const struct roll_member *rm)
{
	return rm->state == MEMBER_ACTIVE ? "active"
	    : rm->state == MEMBER_LEFT	  ? "left"
					  : "removed";
}

static void
say_member(struct dop *op, struct dmesh *m)
{
	const struct about *x = op->extra;
	const struct roll_member *rm = roll_member(m->roll, x->key);
	const struct local_member out = { .id = rm->key,
		.name = rm->name,
		.mesh = m->slug,
		.role = dmesh_role(m, rm->key),
		.state = state_name(rm),
		.old_client = rm->old_client };

	op_reply(op, &wire_local_member, &out);
}

/* By name or key, members of before, too: those that are in come first. */
static int
find(struct dq *q, struct dmesh *m, const char *name, struct about *x)
{
	const struct roll_member *rm, *hit = NULL;
	size_t n = 0;
	bool in;

	if ((rm = roll_member(m->roll, name)) != NULL)
		hit = rm, n = 1;
	for (int pass = 0; pass < 2 && n == 0; pass++) {
		for (size_t i = 0; (rm = roll_member_at(m->roll, i)); i++) {
			in = rm->state == MEMBER_ACTIVE;
			if (in == (pass == 0) && str_eq(rm->name, name)) {
				hit = rm;
				n++;
			}
		}
	}
	if (n == 0)
		return dq_fail(q, E_NOT_FOUND,
		    "mesh %s has no member '%.64s'; `claudemesh member list` "
		    "shows them",
		    m->slug, name);
	if (n > 1)
		return dq_fail(q, E_AMBIGUOUS,
		    "%zu members of mesh %s are called '%.64s': say the key, "
		    "`claudemesh member list` shows it",
		    n, m->slug, name);
	str_copy(x->key, sizeof(x->key), hit->key);
	str_copy(x->name, sizeof(x->name), hit->name);
	return OK;
}

/* The operation about that member; NULL and q->why. */
static struct dop *
begin(struct dq *q, const char *mesh, const char *member, struct dmesh **out)
{
	struct dmesh *m = dq_mesh(q, mesh);
	struct about x = { .key = "" }, *mine;
	struct dop *op;

	if (m == NULL || find(q, m, member, &x) != OK)
		return NULL;
	op = op_new(q, m, NULL);
	op->extra = mine = arena_zalloc(&op->mem, sizeof(*mine));
	*mine = x;
	*out = m;
	return op;
}

/* ---- add ---- */

static int
make_add(struct dop *op, struct dmesh *m, struct act_made *out, struct why *why)
{
	const struct about *x = op->extra;
	struct act_add f = { .member = x->key,
		.name = x->name,
		.old_client = x->old_client };

	if (!x->old_client) {
		if (m->epoch == 0 || m->epoch != roll_epoch(m->roll))
			return why_set(why, E_UNAVAILABLE,
			    "the mesh's epoch key is not known here yet");
		out->sealed = (struct sealed_key){ .key = x->key,
			.sealed = seal_key(&op->mem, m->epoch_key, x->key) };
		out->has_sealed = out->sealed.sealed != NULL;
	}
	return op_sign(op, m, false, "add", &wire_act_add, &f, &out->act, why);
}

int
on_local_member_add(struct dq *q, const struct local_member_add *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	const char *fault;
	uint8_t pub[32];
	struct about *x;
	struct dop *op;

	if (m == NULL)
		return q->why.code;
	if ((fault = name_fault(in->name)) != NULL)
		return why_field(&q->why, E_BAD_FIELD, "name", "the name %s",
		    fault);
	if (!key_parse(pub, in->key))
		return why_field(&q->why, E_BAD_FIELD, "key",
		    "key is a member key: 64 lower-case hex digits");
	op = op_new(q, m, NULL);
	op->extra = x = arena_zalloc(&op->mem, sizeof(*x));
	str_copy(x->key, sizeof(x->key), in->key);
	str_copy(x->name, sizeof(x->name), in->name);
	x->old_client = in->old_client;
	op_act(op, make_add, say_member);
	return OK;
}

/* ---- promote, demote, unban ---- */

static int
make_promote(struct dop *op, struct dmesh *m, struct act_made *out,
    struct why *why)
{
	const struct about *x = op->extra;
	struct act_admin f = { .member = x->key, .name = x->name };

	return op_sign(op, m, true, "admin", &wire_act_admin, &f, &out->act,
	    why);
}

int
on_local_member_promote(struct dq *q, const struct local_member_promote *in)
{
	const struct roll_member *rm;
	struct dmesh *m = dq_mesh(q, in->mesh);
	struct about x;
	struct dop *op;

	if (m == NULL || find(q, m, in->member, &x) != OK)
		return q->why.code;
	rm = roll_member(m->roll, x.key);
	if (rm->state != MEMBER_ACTIVE)
		return dq_fail(q, E_CONFLICT,
		    "'%.64s' is no member of mesh %s any more", x.name,
		    m->slug);
	if (rm->old_client)
		return dq_fail(q, E_CONFLICT,
		    "'%.64s' is an old client, which cannot act as an admin",
		    x.name);
	if ((op = begin(q, in->mesh, in->member, &m)) != NULL)
		op_act(op, make_promote, say_member);
	return q->answered ? OK : q->why.code;
}

static int
make_demote(struct dop *op, struct dmesh *m, struct act_made *out,
    struct why *why)
{
	const struct about *x = op->extra;
	struct act_demote f = { .member = x->key };

	return op_sign(op, m, true, "demote", &wire_act_demote, &f, &out->act,
	    why);
}

int
on_local_member_demote(struct dq *q, const struct local_member_demote *in)
{
	struct dmesh *m;
	struct dop *op = begin(q, in->mesh, in->member, &m);

	if (op != NULL)
		op_act(op, make_demote, say_member);
	return q->answered ? OK : q->why.code;
}

static int
make_unban(struct dop *op, struct dmesh *m, struct act_made *out,
    struct why *why)
{
	const struct about *x = op->extra;
	struct act_unban f = { .member = x->key };

	return op_sign(op, m, false, "unban", &wire_act_unban, &f, &out->act,
	    why);
}

int
on_local_member_unban(struct dq *q, const struct local_member_unban *in)
{
	struct dmesh *m;
	struct dop *op = begin(q, in->mesh, in->member, &m);

	if (op != NULL)
		op_act(op, make_unban, say_member);
	return q->answered ? OK : q->why.code;
}

/* ---- ban ---- */

static struct about *
about_of(struct dop *op)
{
	struct turning *t = op->extra;

	return (
	    struct about *)(void *)((char *)t - offsetof(struct about, turn));
}

/* Who has not fetched the new key; without an answer nobody is named. */
static void
on_waiting(struct dop *op, const struct link_reply *r)
{
	const struct epoch_waiters *w = r->code == OK ? r->msg : NULL;
	struct dmesh *m = dmesh_at(op->d, op->mesh);
	struct about *x = about_of(op);
	struct local_banned out = { .id = x->key,
		.name = x->name,
		.mesh = m == NULL ? "?" : m->slug,
		.epoch = x->turn.epoch,
		.last_readable = x->turn.epoch - 1,
		.sessions = x->sessions,
		.invites = x->turn.invites };
	const struct roll_member *rm;
	struct text *v;

	if (w != NULL && m != NULL) {
		out.members = w->members;
		out.waiting.v = v =
		    arena_zalloc(&op->mem, (w->waiting.n + 1) * sizeof(*v));
		for (size_t i = 0; i < w->waiting.n; i++) {
			rm = roll_member(m->roll, w->waiting.v[i].s);
			if (rm != NULL)
				v[out.waiting.n++].s = rm->name;
		}
	}
	op_reply(op, &wire_local_banned, &out);
}

static void
banned(struct dop *op, struct dmesh *m)
{
	struct epoch_waiting in = { 0 };

	(void)m;
	op_call(op, &wire_epoch_waiting, &in, NULL, on_waiting);
}

int
on_local_member_ban(struct dq *q, const struct local_member_ban *in)
{
	struct dmesh *m;
	struct dop *op = begin(q, in->mesh, in->member, &m);
	const struct dpeer *p;
	struct about *x;

	if (op == NULL)
		return q->why.code;
	x = op->extra;
	for (size_t i = 0; (p = map_next(&m->peers, &i)) != NULL;)
		x->sessions += p->online && str_eq(p->member, x->key);
	x->turn.member = x->key;
	x->turn.invite = "";
	x->turn.done = banned;
	op_turn(op, &x->turn);
	return OK;
}

/*
 * do_mesh.c - the meshes that were joined: listing, settings, members, leaving,
 * deleting.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

static size_t
count_members(const struct dmesh *m)
{
	const struct roll_member *rm;
	size_t n = 0;

	for (size_t i = 0; (rm = roll_member_at(m->roll, i)) != NULL; i++)
		n += rm->state == MEMBER_ACTIVE;
	return n;
}

static void
mesh_row_fill(struct arena *a, const struct dmesh *m, struct mesh_row *o)
{
	*o = (struct mesh_row){ .id = m->id,
		.slug = m->slug,
		.name = roll_name(m->roll),
		.broker = m->broker,
		.owner = roll_owner(m->roll),
		.member = m->member.hex,
		.me = m->me,
		.role = dmesh_role(m, m->member.hex),
		.state = link_phase_name(link_phase(m->link)),
		.members = (int64_t)count_members(m),
		.acts = roll_n(m->roll),
		.head = roll_head(m->roll),
		.epoch = roll_epoch(m->roll),
		.send_rate = roll_send_rate(m->roll),
		.send_burst = roll_send_burst(m->roll),
		.old_clients = roll_old_clients(m->roll),
		.turn_due = roll_turn_due(m->roll),
		.warning = m->warning,
		.trust = trust_text(a, m) };
	if (*o->warning == '\0' && link_phase(m->link) == LINK_REFUSED)
		o->warning = link_reason(m->link);
}

int
on_local_mesh_list(struct dq *q, const struct local_mesh_list *in)
{
	struct local_meshes out = { 0 };
	struct dmesh *m, *only = NULL;

	if (*in->mesh != '\0' && (only = dq_mesh(q, in->mesh)) == NULL)
		return q->why.code;
	out.meshes.v =
	    arena_alloc(q->a, (q->d->meshes.n + 1) * sizeof(*out.meshes.v));
	for (size_t i = 0; (m = map_next(&q->d->meshes, &i)) != NULL;)
		if (!m->gone && (only == NULL || m == only))
			mesh_row_fill(q->a, m, &out.meshes.v[out.meshes.n++]);
	return dq_reply(q, &wire_local_meshes, &out);
}

/* ---- members ---- */

static int64_t
online_of(const struct dmesh *m, const char *member)
{
	const struct dpeer *p;
	int64_t n = 0;

	for (size_t i = 0; (p = map_next(&m->peers, &i)) != NULL;)
		n += p->online && str_eq(p->member, member);
	return n;
}

int
on_local_member_list(struct dq *q, const struct local_member_list *in)
{
	static const char *const state[] = { [MEMBER_ACTIVE] = "active",
		[MEMBER_LEFT] = "left",
		[MEMBER_REMOVED] = "removed" };
	struct local_members out = { 0 };
	struct dmesh *m = dq_mesh(q, in->mesh);
	const struct roll_member *rm;
	size_t n = 0;

	if (m == NULL)
		return q->why.code;
	while (roll_member_at(m->roll, n) != NULL)
		n++;
	out.members.v = arena_alloc(q->a, (n + 1) * sizeof(*out.members.v));
	for (size_t i = 0; (rm = roll_member_at(m->roll, i)) != NULL; i++)
		out.members.v[out.members.n++] =
		    (struct member_row){ .id = rm->key,
			    .name = rm->name,
			    .role = dmesh_role(m, rm->key),
			    .state = state[rm->state],
			    .joined_at = rm->joined_at,
			    .sessions = online_of(m, rm->key),
			    .you = str_eq(rm->key, m->member.hex),
			    .old_client = rm->old_client };
	return dq_reply(q, &wire_local_members, &out);
}

/* ---- settings ---- */

static int
make_settings(struct dop *op, struct dmesh *m, struct act_made *out,
    struct why *why)
{
	const struct local_mesh_settings *in = op->in;
	struct act_settings f = { .name = in->name,
		.send_rate = in->send_rate,
		.send_burst = in->send_burst,
		.old_clients = in->old_clients };

	return op_sign(op, m, *in->old_clients != '\0', "settings",
	    &wire_act_settings, &f, &out->act, why);
}

static void
settings_done(struct dop *op, struct dmesh *m)
{
	struct mesh_row row;
	struct local_meshes out = { .meshes = { 1, &row } };

	mesh_row_fill(&op->mem, m, &row);
	op_reply(op, &wire_local_meshes, &out);
}

int
on_local_mesh_settings(struct dq *q, const struct local_mesh_settings *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	const char *fault;
	struct dop *op;

	if (m == NULL)
		return q->why.code;
	if (*in->name != '\0' && (fault = str_name_fault(in->name, 64)) != NULL)
		return why_field(&q->why, E_BAD_FIELD, "name", "the name %s",
		    fault);
	if (*in->old_clients != '\0' && !str_eq(in->old_clients, "on") &&
	    !str_eq(in->old_clients, "off"))
		return why_field(&q->why, E_BAD_FIELD, "old_clients",
		    "old_clients is on or off");
	op = op_new(q, m, NULL);
	if (*in->name == '\0' && in->send_rate == 0 && in->send_burst == 0 &&
	    *in->old_clients == '\0')
		settings_done(op, m);
	else
		op_act(op, make_settings, settings_done);
	return OK;
}

/* ---- leaving ---- */

static void
erase(struct dop *op, struct dmesh *m)
{
	const struct ok ok = { 0 };
	struct why why;

	if (dmesh_erase(m, &why) != OK) {
		op_fail_why(op, &why);
		d_broken(op->d, "erase", &why);
		return;
	}
	op_reply(op, &wire_ok, &ok);
}

static int
make_leave(struct dop *op, struct dmesh *m, struct act_made *out,
    struct why *why)
{
	struct act_leave f = { 0 };

	out->act = act_make(&op->mem, m->roll, "leave", &wire_act_leave, &f,
	    &m->member, NULL, d_now(op->d));
	if (roll_check(m->roll, out->act, why) != OK)
		return why_set(why, E_FORBIDDEN,
		    "you are the last admin of mesh %s:"
		    " `claudemesh mesh delete` ends it; make somebody else an admin"
		    " first to leave it to them",
		    m->slug);
	return OK;
}

int
on_local_mesh_leave(struct dq *q, const struct local_mesh_leave *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	const struct roll_member *me;
	struct dop *op;

	if (m == NULL)
		return q->why.code;
	if (m->idle && !in->forget && sess_home_wake(m, &q->why) != OK)
		return q->why.code;
	op = op_new(q, m, NULL);
	me = roll_member(m->roll, m->member.hex);
	if (in->forget || m->deleted || me == NULL ||
	    me->state != MEMBER_ACTIVE)
		erase(op, m);
	else
		op_act(op, make_leave, erase);
	return OK;
}

/* ---- deleting ---- */

static void
on_deleted(struct dop *op, const struct link_reply *r)
{
	struct dmesh *m = dmesh_at(op->d, op->mesh);

	if (r->code != OK && r->code != E_NO_MESH)
		op_fail_why(op, &r->why);
	else if (m == NULL)
		op_fail(op, E_NO_MESH, "the mesh is gone");
	else
		erase(op, m);
}

static void delete (struct dop *op, struct dmesh *m)
{
	struct delete_proof proof = { .url = m->broker,
		.mesh = m->id,
		.challenge = link_challenge(m->link)->nonce };
	struct mesh_delete req;
	struct key owner;

	if (!dmesh_owner(m, &owner)) {
		op_fail(op, E_FORBIDDEN,
		    "only its owner can delete mesh %s;"
		    " `claudemesh mesh leave` leaves it",
		    m->slug);
		return;
	}
	req.proof =
	    doc_sign(&op->mem, "delete", &wire_delete_proof, &proof, &owner);
	key_wipe(&owner, sizeof(owner));
	op_call(op, &wire_mesh_delete, &req, NULL, on_deleted);
}

int
on_local_mesh_delete(struct dq *q, const struct local_mesh_delete *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	struct key owner;

	if (m == NULL)
		return q->why.code;
	if (!dmesh_owner(m, &owner))
		return dq_fail(q, E_FORBIDDEN,
		    "only its owner can delete mesh %s;"
		    " `claudemesh mesh leave` leaves it",
		    m->slug);
	key_wipe(&owner, sizeof(owner));
	op_up(op_new(q, m, NULL), delete);
	return OK;
}

/*
 * do_session.c - launched sessions: opening, ending, revoking, listing.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#include "base/enc.h"

#define OPEN_MS 5000

/* ---- open ---- */

static void
say_session(struct dop *op, const struct dsess *s)
{
	const struct local_session out = { .session = s->id,
		.name = s->name,
		.key = s->key.hex,
		.mesh = s->mesh->slug };

	op_reply(op, &wire_local_session, &out);
}

/* The session is good either way; waiting only tells of a refusal at once. */
static void
opened(struct dop *op, bool late)
{
	struct dsess *s = sess_at(op->d, op->n);

	if (s == NULL)
		op_fail(op, E_NO_MESH, "the mesh is gone");
	else if (s->state == SESS_REFUSED)
		op_fail(op, E_FORBIDDEN, "the broker refuses the session: %s",
		    s->reason);
	else if (late || link_session_open(s->mesh->link, s->key.hex) ||
	    link_phase(s->mesh->link) == LINK_WAITING ||
	    link_phase(s->mesh->link) == LINK_REFUSED)
		say_session(op, s);
}

static struct dsess *
resume(struct dq *q, struct dmesh *m, const struct local_session_open *in)
{
	struct dsess *s = sess_id(q->d, in->resume);

	if (s == NULL || s->home || s->mesh != m) {
		dq_fail(q, E_NO_SESSION,
		    "no session %.40s of mesh %s can be resumed", in->resume,
		    m->slug);
		return NULL;
	}
	if (roll_session_revoked(m->roll, m->member.hex, s->key.hex)) {
		dq_fail(q, E_REVOKED, "session %.40s was revoked", in->resume);
		return NULL;
	}
	if (s->state == SESS_OPEN && s->pid != 0 && s->pid != in->pid) {
		dq_fail(q, E_CONFLICT,
		    "session %.40s is open: process %d has it", in->resume,
		    s->pid);
		return NULL;
	}
	return sess_resume(s, in, &q->why) == OK ? s : NULL;
}

int
on_local_session_open(struct dq *q, const struct local_session_open *in)
{
	struct dmesh *m = NULL;
	struct dsess *s;
	struct dop *op;
	const char *fault;

	if (*in->resume != '\0' && *in->mesh == '\0' &&
	    (s = sess_id(q->d, in->resume)) != NULL)
		m = s->mesh;
	if (m == NULL && (m = dq_mesh(q, in->mesh)) == NULL)
		return q->why.code;
	if ((fault = name_fault(in->name)) != NULL)
		return why_field(&q->why, E_BAD_FIELD, "name", "the name %s",
		    fault);
	for (size_t i = 0; i < in->groups.n; i++)
		if ((fault = group_fault(in->groups.v[i].name)) != NULL)
			return why_field(&q->why, E_BAD_FIELD, "groups",
			    "the group's name '%s' %s", in->groups.v[i].name,
			    fault);
	for (size_t i = 0; i < in->tags.n; i++)
		if ((fault = tag_fault(in->tags.v[i].s)) != NULL)
			return why_field(&q->why, E_BAD_FIELD, "tags",
			    "the tag '%s' %s", in->tags.v[i].s, fault);
	s = *in->resume ? resume(q, m, in) : sess_new(m, in, false, &q->why);
	if (s == NULL)
		return q->why.code;
	op = op_new(q, m, NULL);
	op->n = s->no;
	op_wait(op, NEWS_SESSION | NEWS_UP, OPEN_MS, opened);
	opened(op, false);
	return OK;
}

/* ---- end ---- */

int
on_local_session_end(struct dq *q, const struct local_session_end *in)
{
	struct dsess *s = sess_id(q->d, in->session);
	const struct ok ok = { 0 };

	if (s == NULL)
		return dq_fail(q, E_NO_SESSION,
		    "this daemon has no session %.40s", in->session);
	if (s->home)
		return dq_fail(q, E_USAGE,
		    "the home session does not end; "
		    "`claudemesh mesh leave` leaves the mesh");
	if (sess_end(s, &q->why) != OK)
		return q->why.code;
	return dq_reply(q, &wire_ok, &ok);
}

/* ---- revoke ---- */

static int
make_revoke(struct dop *op, struct dmesh *m, struct act_made *out,
    struct why *why)
{
	const struct target *t = op->extra;
	struct act_session_revoke f = { .member = t->member,
		.session = t->key };
	struct key owner;
	bool may = str_eq(t->member, m->member.hex) ||
	    roll_is_admin(m->roll, m->member.hex);

	if (roll_session_revoked(m->roll, t->member, t->key))
		return why_set(why, E_CONFLICT, "it is revoked already");
	if (may) {
		out->act = act_make(&op->mem, m->roll, "session_revoke",
		    &wire_act_session_revoke, &f, &m->member, NULL,
		    d_now(op->d));
	} else if (dmesh_owner(m, &owner)) {
		out->act = act_make(&op->mem, m->roll, "session_revoke",
		    &wire_act_session_revoke, &f, &owner, NULL, d_now(op->d));
		key_wipe(&owner, sizeof(owner));
	} else {
		return why_set(why, E_FORBIDDEN,
		    "only its member, an admin or the "
		    "owner can revoke a session");
	}
	return OK;
}

static void
revoked(struct dop *op, struct dmesh *m)
{
	const struct target *t = op->extra;
	struct dsess *s = map_gets(&m->sessions, t->key);
	const struct ok ok = { 0 };
	struct why why;

	if (s != NULL && s->state != SESS_ENDED) {
		link_session_drop(m->link, t->key, false);
		if (sess_set(s, SESS_REFUSED, "revoked", &why) != OK ||
		    (s->home && sess_home_wake(m, &why) != OK)) {
			op_fail_why(op, &why);
			return;
		}
	}
	op_reply(op, &wire_ok, &ok);
}

static int
find_session(struct dq *q, struct dmesh *m, const char *key, struct target *t)
{
	struct dsess *s = sess_id(q->d, key);

	if (s == NULL)
		s = map_gets(&m->sessions, key);
	if (s == NULL)
		return name_session(m, key, t, &q->why);
	str_copy(t->key, sizeof(t->key), s->key.hex);
	str_copy(t->member, sizeof(t->member), m->member.hex);
	return OK;
}

int
on_local_session_revoke(struct dq *q, const struct local_session_revoke *in)
{
	struct dmesh *m = NULL;
	struct target t = { "", "", "", "" };
	struct dsess *s = sess_id(q->d, in->key);
	struct dop *op;

	m = s != NULL && *in->mesh == '\0' ? s->mesh : dq_mesh(q, in->mesh);
	if (m == NULL || find_session(q, m, in->key, &t) != OK)
		return q->why.code;
	op = op_new(q, m, NULL);
	op->extra = arena_dup(&op->mem, &t, sizeof(t));
	op_act(op, make_revoke, revoked);
	return OK;
}

/* ---- list ---- */

static int64_t
unread(struct daemon *d, const struct dsess *s)
{
	struct db_rows *r = d_read(d, NULL,
	    "SELECT COUNT(*) FROM inbox"
	    " WHERE session = $1 AND seen = 0 LIMIT 1",
	    DB_VALS(db_i(s->no)));

	return r != NULL && r->n == 1 ? db_int(r, 0, 0) : 0;
}

static const char *
state_of(const struct dsess *s)
{
	if (s->state == SESS_OPEN &&
	    !link_session_open(s->mesh->link, s->key.hex))
		return "waiting";
	return sess_state_name(s->state);
}

int
on_local_session_list(struct dq *q, const struct local_session_list *in)
{
	struct local_sessions out = { 0 };
	struct dmesh *m = NULL;
	struct dsess *s;

	if (*in->mesh != '\0' && (m = dq_mesh(q, in->mesh)) == NULL)
		return q->why.code;
	out.sessions.v =
	    arena_alloc(q->a, (q->d->sess_no.n + 1) * sizeof(*out.sessions.v));
	for (size_t i = 0; (s = map_next(&q->d->sess_no, &i)) != NULL;) {
		if (s->mesh->gone || (m != NULL && s->mesh != m) ||
		    (s->state == SESS_ENDED && !in->all) ||
		    out.sessions.n == 10000)
			continue;
		out.sessions.v[out.sessions.n++] =
		    (struct session_row){ .session = s->id,
			    .name = s->name,
			    .key = s->key.hex,
			    .mesh = s->mesh->slug,
			    .state = state_of(s),
			    .pid = s->pid,
			    .home = s->home,
			    .unread = unread(q->d, s) };
	}
	return dq_reply(q, &wire_local_sessions, &out);
}

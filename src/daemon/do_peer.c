/*
 * do_peer.c - who is here, who they are, and sending somebody away. The list is
 * asked for at the broker, so that it is as of now; every line of it is proven
 * by an attestation or not shown.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#define LIST_MS 4000

struct listing {
	VEC(int64_t) mesh; /* still to be asked */
	size_t at, up;
	VEC(struct peer_row) row;
	char down[256];
};

static void
listing_fini(struct dop *op)
{
	struct listing *l = op->state;

	vec_fini(&l->mesh);
	vec_fini(&l->row);
}

/* A broker may say a line twice. */
static bool
listed(const struct listing *l, const struct dmesh *m, const char *key)
{
	for (size_t i = 0; i < l->row.n; i++)
		if (str_eq(l->row.v[i].key, key) &&
		    str_eq(l->row.v[i].mesh, m->slug))
			return true;
	return false;
}

static void
add_row(struct dop *op, struct dmesh *m, const struct peer *p)
{
	const struct local_peer_list *in = op->in;
	const struct dpeer *known = roster_get(m, p->pubkey);
	const struct dsess *me = sess_at(op->d, op->session);
	struct arena *a = &op->mem;
	const struct roll_member *rm;
	struct peer_row r;
	struct text *tags;

	if (known == NULL || known->attestation == NULL)
		return; /* not proven */
	rm = roll_member(m->roll, known->member);
	if (rm == NULL || rm->state != MEMBER_ACTIVE ||
	    listed(op->state, m, p->pubkey))
		return;
	if (*in->name != '\0' && !str_eq(in->name, known->name) &&
	    !str_eq(in->name, known->key) && !str_eq(in->name, known->member))
		return;
	if (me == NULL || me->mesh != m)
		me = m->home;
	memset(&r, 0, sizeof(r));
	r.name = arena_strdup(a, known->name);
	r.key = arena_strdup(a, known->key);
	r.member = arena_strdup(a, rm->name);
	r.member_key = arena_strdup(a, known->member);
	r.status = arena_strdup(a, p->status);
	r.role = arena_strdup(a, p->role);
	r.summary = arena_strdup(a, p->summary);
	r.type = arena_strdup(a, p->peer_type);
	r.online = p->online && peer_vouched(m, known);
	r.you = str_eq(known->key, me->key.hex);
	r.mesh = arena_strdup(a, m->slug);
	r.channel = arena_strdup(a, p->channel);
	r.model = arena_strdup(a, p->model);
	r.hostname = arena_strdup(a, p->hostname);
	r.cwd = arena_strdup(a, p->cwd);
	r.pid = p->pid;
	r.since = p->connected_at;
	r.home = p->home;
	r.profile.n = p->profile.n;
	r.profile.p =
	    p->profile.p ? arena_strndup(a, p->profile.p, p->profile.n) : NULL;
	r.groups.n = p->groups.n;
	r.groups.v = arena_alloc(a, p->groups.n * sizeof(*r.groups.v) + 1);
	for (size_t i = 0; i < p->groups.n; i++)
		r.groups.v[i] = (struct peer_group){ .name = arena_strdup(a,
							 p->groups.v[i].name),
			.role = arena_strdup(a, p->groups.v[i].role) };
	r.stats.n = p->stats.n;
	r.stats.p =
	    p->stats.p ? arena_strndup(a, p->stats.p, p->stats.n) : NULL;
	r.tags.n = p->tags.n;
	r.tags.v = tags = arena_alloc(a, p->tags.n * sizeof(*tags) + 1);
	for (size_t i = 0; i < p->tags.n; i++)
		tags[i].s = arena_strdup(a, p->tags.v[i].s);
	vec_add(&((struct listing *)op->state)->row, r);
}

static void ask_next(struct dop *op);

static void
on_listed(struct dop *op, const struct link_reply *r)
{
	struct listing *l = op->state;
	struct dmesh *m = dmesh_at(op->d, op->mesh);
	const struct peers_list *list = r->msg;
	const struct local_peer_list *in = op->in;

	if (r->code != OK) {
		op_fail_why(op, &r->why);
		return;
	}
	l->up++;
	if (m != NULL && *in->group == '\0')
		roster_take(m, list);
	for (size_t i = 0; m != NULL && i < list->peers.n; i++)
		add_row(op, m, &list->peers.v[i]);
	ask_next(op);
}

static void
finish(struct dop *op, struct listing *l)
{
	const struct local_peer_list *in = op->in;
	struct local_peers out = { 0 };

	if (l->up == 0 && *l->down != '\0') {
		op_fail(op, E_UNREACHABLE, "the broker cannot be reached: %s",
		    l->down);
		return;
	}
	if (*in->name != '\0' && l->row.n == 0) {
		op_fail(op, E_NO_PEER,
		    "no peer '%s' is here; `claudemesh peers` "
		    "lists those that are",
		    in->name);
		return;
	}
	if (*in->query != '\0')
		l->row.n = peers_search(l->row.v, l->row.n, in->query);
	out.peers.n = l->row.n;
	out.peers.v = l->row.v;
	op_reply(op, &wire_local_peers, &out);
}

static void
ask_next(struct dop *op)
{
	const struct local_peer_list *in = op->in;
	struct peer_list req = { .group = *in->group == '@' ? in->group + 1
							    : in->group };
	struct listing *l = op->state;
	struct dmesh *m;

	for (; l->at < l->mesh.n; l->at++) {
		m = dmesh_at(op->d, l->mesh.v[l->at]);
		if (m == NULL)
			continue;
		if (!dmesh_up(m)) {
			snprintf(l->down, sizeof(l->down), "mesh %s: %.180s",
			    m->slug, link_reason(m->link));
			continue;
		}
		op->mesh = m->no;
		l->at++;
		op_call(op, &wire_peer_list, &req, NULL, on_listed);
		return;
	}
	finish(op, l);
}

/* A link that is just being made is waited for, a little. */
static void
begin_list(struct dop *op, bool late)
{
	struct listing *l = op->state;
	struct dmesh *m;

	bool first = op->tries++ == 0; /* the user asks: dial, once */

	for (size_t i = 0; i < l->mesh.n && first && !op->d->full; i++) {
		m = dmesh_at(op->d, l->mesh.v[i]);
		if (m != NULL && link_phase(m->link) == LINK_WAITING)
			link_dial(m->link);
	}
	for (size_t i = 0; i < l->mesh.n && !late; i++) {
		m = dmesh_at(op->d, l->mesh.v[i]);
		if (m != NULL && !dmesh_up(m) &&
		    link_phase(m->link) != LINK_REFUSED)
			return;
	}
	op->wants = 0;
	op->news = NULL;
	ask_next(op);
}

int
on_local_peer_list(struct dq *q, const struct local_peer_list *in)
{
	struct dmesh *m = NULL;
	struct listing *l;
	struct dop *op;

	if (!in->all && (m = dq_mesh(q, in->mesh)) == NULL)
		return q->why.code;
	op = op_new(q, m, q->session);
	op->state = l = arena_zalloc(&op->mem, sizeof(*l));
	op->fini = listing_fini;
	if (m != NULL)
		vec_add(&l->mesh, m->no);
	else
		for (size_t i = 0; (m = map_next(&q->d->meshes, &i)) != NULL;)
			vec_add(&l->mesh, m->no);
	op_wait(op, NEWS_UP, LIST_MS, begin_list);
	begin_list(op, false);
	return OK;
}

/* ---- verify ---- */

int
on_local_peer_verify(struct dq *q, const struct local_peer_verify *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	struct target t;
	char key[100], *number;
	int code;

	if (m == NULL)
		return q->why.code;
	if ((code = name_member(m, in->name, &t, &q->why)) != OK)
		return code;
	if (str_eq(t.member, m->member.hex))
		return dq_fail(q, E_USAGE,
		    "'%s' is you; a safety number is for two", in->name);
	snprintf(key, sizeof(key), "%s%s", m->id, t.member);
	number = map_gets(&q->d->safety, key);
	if (number == NULL) {
		number = mem_alloc(36);
		safety_number(number, m->id, m->member.hex, t.member);
		map_puts(&q->d->safety, key, number);
	}
	return reply(q, local_safety, .name = t.name, .member = t.member,
	    .you = m->member.hex, .safety_number = number);
}

/* ---- kick ---- */

static void
on_kicked(struct dop *op, const struct link_reply *r)
{
	const struct ok ok = { 0 };

	if (r->code != OK)
		op_fail_why(op, &r->why);
	else
		op_reply(op, &wire_ok, &ok);
}

static void kick(struct dop *, struct dmesh *);

/* The list of peers is fresh now: is the name known? */
static void
kick_again(struct dop *op, bool late)
{
	struct dmesh *m = dmesh_at(op->d, op->mesh);

	if (m == NULL) {
		op_fail(op, E_NO_MESH, "the mesh is gone");
		return;
	}
	if (!late && (!dmesh_up(m) || m->roster_asked || m->roster_stale))
		return;
	op->wants = 0;
	op->news = NULL;
	kick(op, m);
}

static void
kick(struct dop *op, struct dmesh *m)
{
	const struct local_peer_kick *in = op->in;
	struct dsess *me = sess_at(op->d, op->session);
	struct peer_kick req;
	struct target t;
	struct why why;
	int code;

	if (me == NULL) {
		op_fail(op, E_NO_SESSION, "the session that asks is gone");
		return;
	}
	code = name_session(m, in->name, &t, &why);
	if (code == E_NO_PEER && op->tries++ == 0) {
		/* news of somebody who just came may still be on its way */
		m->roster_stale = true;
		op_wait(op, NEWS_UP, LIST_MS, kick_again);
		return;
	}
	if (code != OK) {
		op_fail_why(op, &why);
		return;
	}
	req.target = t.key;
	op_call(op, &wire_peer_kick, &req, me->key.hex, on_kicked);
}

int
on_local_peer_kick(struct dq *q, const struct local_peer_kick *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	struct dsess *me;

	if (m == NULL || (me = dq_speaker(q, m)) == NULL)
		return q->why.code;
	op_up(op_new(q, m, me), kick);
	return OK;
}

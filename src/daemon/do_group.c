/*
 * do_group.c - groups of a session. Kept here, so that they are said again after
 * every reconnect, and told to the broker when it is reached.
 */
#include "daemon/core.h"

#include <string.h>

#define GROUPS_MAX 64
#define TELL_MS 4000

static const char *
bare(const char *name)
{
	return *name == '@' ? name + 1 : name;
}

static void
on_told(struct dop *op, const struct link_reply *r)
{
	const struct ok ok = { 0 };

	/* what the broker has forgotten is as it is to be */
	if (r->code != OK && r->code != E_UNREACHABLE && r->code != E_NOT_FOUND)
		op_fail_why(op, &r->why);
	else
		op_reply(op, &wire_ok, &ok);
}

static void
say(struct dop *op, struct dsess *s)
{
	const struct local_group_join *in = op->in;
	const struct local_group_leave *out = op->in;
	struct group_join join;
	struct group_leave leave;

	if (op->row == &wire_local_group_join) {
		join = (struct group_join){ .name = bare(in->name),
			.role = in->role };
		op_call(op, &wire_group_join, &join, s->key.hex, on_told);
	} else {
		leave = (struct group_leave){ .name = bare(out->name) };
		op_call(op, &wire_group_leave, &leave, s->key.hex, on_told);
	}
}

/* A hello that was under way may have said it without this group. */
static void
tell_now(struct dop *op, bool late)
{
	struct dsess *s = sess_at(op->d, op->session);
	const struct ok ok = { 0 };

	if (s != NULL && link_session_open(s->mesh->link, s->key.hex)) {
		op->wants = 0;
		op->news = NULL;
		say(op, s);
	} else if (s == NULL || late || !sess_greets(s)) {
		op_reply(op, &wire_ok, &ok); /* the next hello will tell it */
	}
}

static int
tell(struct dq *q, struct dsess *s)
{
	struct dop *op = op_new(q, s->mesh, s);

	op_wait(op, NEWS_SESSION | NEWS_UP, TELL_MS, tell_now);
	tell_now(op, false);
	return OK;
}

static struct dsess *
speaker(struct dq *q, const char *mesh, const char *name)
{
	const char *fault = group_fault(bare(name));
	struct dmesh *m;

	if (str_eq(bare(name), "all"))
		fault = "is everybody: nobody joins or leaves it";
	if (fault != NULL) {
		why_field(&q->why, E_BAD_FIELD, "name",
		    "the group's name '%s' %s", bare(name), fault);
		return NULL;
	}
	m = dq_mesh(q, mesh);
	return m == NULL ? NULL : dq_speaker(q, m);
}

static size_t
find(const struct dsess *s, const char *name)
{
	size_t i = 0;

	while (i < s->open.groups.n && !str_eq(s->open.groups.v[i].name, name))
		i++;
	return i;
}

int
on_local_group_join(struct dq *q, const struct local_group_join *in)
{
	struct dsess *s = speaker(q, in->mesh, in->name);
	const char *name = bare(in->name);
	struct peer_group v[GROUPS_MAX];
	size_t n, at;
	int code;

	if (s == NULL)
		return q->why.code;
	n = s->open.groups.n;
	at = find(s, name);
	if (at == GROUPS_MAX)
		return dq_fail(q, E_QUOTA, "a session is in at most %d groups",
		    GROUPS_MAX);
	if (n > 0)
		memcpy(v, s->open.groups.v, n * sizeof(*v));
	v[at] = (struct peer_group){ name, in->role, 0 };
	code = sess_groups(s, v, at == n ? n + 1 : n, &q->why);
	return code == OK ? tell(q, s) : code;
}

int
on_local_group_leave(struct dq *q, const struct local_group_leave *in)
{
	struct dsess *s = speaker(q, in->mesh, in->name);
	const char *name = bare(in->name);
	struct peer_group v[GROUPS_MAX];
	size_t n, at;
	int code;

	if (s == NULL)
		return q->why.code;
	n = s->open.groups.n;
	at = find(s, name);
	if (at == n)
		return dq_fail(q, E_NOT_FOUND, "%s is not in @%s", s->name,
		    name);
	memcpy(v, s->open.groups.v, n * sizeof(*v));
	memmove(v + at, v + at + 1, (n - at - 1) * sizeof(*v));
	code = sess_groups(s, v, n - 1, &q->why);
	return code == OK ? tell(q, s) : code;
}

/* ---- listing ---- */

static void
on_listed(struct dop *op, const struct link_reply *r)
{
	const struct groups_list *list = r->msg;
	const struct dsess *s = sess_at(op->d, op->session);
	struct local_groups out = { 0 };
	struct local_group *v;

	if (r->code != OK) {
		op_fail_why(op, &r->why);
		return;
	}
	v = arena_alloc(&op->mem, list->groups.n * sizeof(*v) + 1);
	out.groups.v = v;
	for (size_t i = 0; i < list->groups.n; i++) {
		const struct group_row *g = &list->groups.v[i];
		size_t at = s == NULL ? 0 : find(s, g->name);
		bool in = s != NULL && at < s->open.groups.n;

		if (group_fault(g->name) == NULL)
			v[out.groups.n++] = (struct local_group){ .name =
								      g->name,
				.members = g->members,
				.online = g->online,
				.joined = in,
				.role = in ? s->open.groups.v[at].role : "" };
	}
	op_reply(op, &wire_local_groups, &out);
}

static void
list(struct dop *op, struct dmesh *m)
{
	const struct group_list in = { 0 };

	(void)m;
	op_call(op, &wire_group_list, &in, NULL, on_listed);
}

int
on_local_group_list(struct dq *q, const struct local_group_list *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	struct dsess *s;

	if (m == NULL || (s = dq_speaker(q, m)) == NULL)
		return q->why.code;
	op_up(op_new(q, m, s), list);
	return OK;
}

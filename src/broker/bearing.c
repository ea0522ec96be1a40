/*
 * bearing.c - the labels a session bears: groups with a role in each, and tags.
 * They stand in the database, under the session, so that they outlast it; a
 * presence shows them.
 */
#include <stdio.h>
#include <string.h>

#include "base/label.h"
#include "broker/broker.h"

static const char sql_load[] =
    "SELECT label, role FROM label WHERE session = $1 ORDER BY label LIMIT 96";
static const char sql_clear[] = "DELETE FROM label WHERE session = $1";
static const char sql_add[] =
    "INSERT INTO label (session, label, mesh, role) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (session, label) DO UPDATE SET role = excluded.role";

int
bearing_check(struct rq *rq, const struct bearing *be, const char *groups,
    const char *tags)
{
	const char *fault;
	size_t i;

	for (i = 0; i < be->ngroup; i++) {
		fault = group_fault(be->group[i].name);
		if (fault != NULL)
			return rq_field(rq, E_BAD_FIELD, groups,
			    "a group's name %s", fault);
	}
	for (i = 0; i < be->ntag; i++) {
		fault = tag_fault(be->tag[i].s);
		if (fault != NULL)
			return rq_field(rq, E_BAD_FIELD, tags, "a tag %s",
			    fault);
	}
	return OK;
}

int
bearing_load(struct rq *rq, int64_t session, struct bearing *be)
{
	struct db_rows *r = query(rq, sql_load, db_i(session));
	const char *label;
	size_t i;

	be->ngroup = be->ntag = 0;
	if (r == NULL)
		return rq->why.code;
	for (i = 0; i < r->n; i++) {
		label = db_text(r, i, 0);
		if (label_kind(label) == LABEL_TAG && be->ntag < TAGS_MAX)
			be->tag[be->ntag++].s = label + strlen("tag:");
		else if (label[0] == '@' && be->ngroup < GROUPS_MAX)
			be->group[be->ngroup++] =
			    (struct peer_group){ .name = label + 1,
				    .role = db_text(r, i, 1) };
	}
	return OK;
}

static bool
same(const struct bearing *a, const struct bearing *b)
{
	size_t i;

	if (a->ngroup != b->ngroup || a->ntag != b->ntag)
		return false;
	for (i = 0; i < a->ngroup; i++) {
		if (strcmp(a->group[i].name, b->group[i].name) != 0 ||
		    strcmp(a->group[i].role, b->group[i].role) != 0)
			return false;
	}
	for (i = 0; i < a->ntag; i++) {
		if (strcmp(a->tag[i].s, b->tag[i].s) != 0)
			return false;
	}
	return true;
}

static int
add(struct rq *rq, const struct mesh *m, int64_t session, const char *mark,
    const char *name, const char *role)
{
	return change(rq, sql_add, db_i(session),
		   db_s(arena_printf(rq->arena, "%s%s", mark, name)),
		   db_i((int64_t)m->no), db_s(role)) == NULL
	    ? rq->why.code
	    : OK;
}

int
bearing_store(struct rq *rq, const struct mesh *m, int64_t session,
    const struct bearing *be)
{
	struct bearing *old = arena_alloc(rq->arena, sizeof(*old));
	int r = bearing_load(rq, session, old);
	size_t i;

	if (r != OK || same(old, be))
		return r;
	if (change(rq, sql_clear, db_i(session)) == NULL)
		return rq->why.code;
	for (i = 0; r == OK && i < be->ngroup; i++)
		r = add(rq, m, session, "@", be->group[i].name,
		    be->group[i].role);
	for (i = 0; r == OK && i < be->ntag; i++)
		r = add(rq, m, session, "tag:", be->tag[i].s, "");
	return r;
}

/* ---- in memory ---- */

static size_t
packed_size(const struct bearing *be)
{
	size_t i,
	    n = be->ngroup * sizeof(struct peer_group) +
	    be->ntag * sizeof(struct text) + 1;

	for (i = 0; i < be->ngroup; i++)
		n += strlen(be->group[i].name) + strlen(be->group[i].role) + 2;
	for (i = 0; i < be->ntag; i++)
		n += strlen(be->tag[i].s) + 1;
	return n;
}

static const char *
pack(char **at, const char *s)
{
	size_t n = strlen(s) + 1;

	memcpy(*at, s, n);
	*at += n;
	return *at - n;
}

void
bearing_show(struct presence *p, const struct bearing *be)
{
	char *own = mem_alloc(packed_size(be)), *at = own;
	struct peer_group *g = (struct peer_group *)(void *)at;
	struct text *t;
	size_t i;

	at += be->ngroup * sizeof(*g);
	t = (struct text *)(void *)at;
	at += be->ntag * sizeof(*t);
	for (i = 0; i < be->ngroup; i++) {
		g[i].name = pack(&at, be->group[i].name);
		g[i].role = pack(&at, be->group[i].role);
	}
	for (i = 0; i < be->ntag; i++)
		t[i].s = pack(&at, be->tag[i].s);
	mem_free(p->labels); /* only now: be may lie in it */
	p->labels = own;
	p->face.groups.n = be->ngroup;
	p->face.groups.v = g;
	p->face.tags.n = be->ntag;
	p->face.tags.v = t;
	audience_changed(p->mesh);
}

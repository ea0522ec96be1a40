/*
 * group.c - groups and tags: labels that a session gives itself. They are kept
 * with its identity, route what is said to them (audience.c), and grant nothing.
 */
#include <string.h>

#include "base/label.h"
#include "broker/broker.h"

#define LIST_MAX 1000
#define DOCS_MAX 64

static const char sql_groups[] =
    "SELECT l.label, s.key, s.member, s.seen_at, s.ended_at, s.hidden"
    " FROM label l JOIN session s ON s.no = l.session"
    " WHERE l.mesh = $1 AND l.label >= '@' AND l.label < 'A'"
    " AND s.seen_at > $2 ORDER BY l.label LIMIT 20000";
static const char sql_receipts[] =
    "SELECT no, doc FROM receipt WHERE sender = $1 AND sender <> 0"
    " AND no > $2 AND at >= $3 ORDER BY no LIMIT $4";

/* ---- joining and leaving ---- */

static struct bearing *
bearing_of(struct rq *rq)
{
	struct bearing *be = arena_alloc(rq->arena, sizeof(*be));
	const struct peer *f = &rq->peer->face;

	be->ngroup = f->groups.n;
	be->ntag = f->tags.n;
	if (f->groups.n > 0)
		memcpy(be->group, f->groups.v,
		    f->groups.n * sizeof(*be->group));
	if (f->tags.n > 0)
		memcpy(be->tag, f->tags.v, f->tags.n * sizeof(*be->tag));
	return be;
}

static size_t
group_at(const struct bearing *be, const char *name)
{
	size_t i;

	for (i = 0; i < be->ngroup; i++) {
		if (strcmp(be->group[i].name, name) == 0)
			break;
	}
	return i;
}

static void
tell(struct rq *rq, const char *event, const char *group, const char *role)
{
	struct buf extra;

	buf_init(&extra, 1024);
	buf_adds(&extra, ",\"group\":");
	json_quote(&extra, group);
	if (role[0] != '\0') {
		buf_adds(&extra, ",\"role\":");
		json_quote(&extra, role);
	}
	presence_event(rq->b, rq->peer, 0, event, buf_str(&extra));
	buf_fini(&extra);
}

static int
take(struct rq *rq, const struct bearing *be)
{
	int r = bearing_store(rq, rq->mesh, rq->peer->no, be);

	if (r == OK)
		r = rq_ok(rq);
	if (r == OK)
		bearing_show(rq->peer, be);
	return r;
}

int
on_group_join(struct rq *rq, const struct group_join *in)
{
	struct bearing *be = bearing_of(rq);
	size_t i = group_at(be, in->name);
	const char *fault = group_fault(in->name), *event = "group_joined";
	int r;

	if (fault != NULL)
		return rq_field(rq, E_BAD_FIELD, "name", "a group's name %s",
		    fault);
	if (i == GROUPS_MAX)
		return rq_fail(rq, E_QUOTA, "a session is in at most %d groups",
		    GROUPS_MAX);
	if (i < be->ngroup)
		event = strcmp(be->group[i].role, in->role) == 0 ? NULL
								 : "group_role";
	else
		be->ngroup++;
	be->group[i] = (struct peer_group){ in->name, in->role, 0 };
	r = take(rq, be);
	if (r == OK && event != NULL)
		tell(rq, event, in->name, in->role);
	return r;
}

int
on_group_leave(struct rq *rq, const struct group_leave *in)
{
	struct bearing *be = bearing_of(rq);
	size_t i = group_at(be, in->name);
	int r;

	if (i == be->ngroup)
		return rq_field(rq, E_NOT_FOUND, "name",
		    "the session is not in the group '%s'", in->name);
	be->ngroup--;
	memmove(be->group + i, be->group + i + 1,
	    (be->ngroup - i) * sizeof(*be->group));
	r = take(rq, be);
	if (r == OK)
		tell(rq, "group_left", in->name, "");
	return r;
}

int
on_group_tags(struct rq *rq, const struct group_tags *in)
{
	struct bearing *be = bearing_of(rq);
	int r;

	be->ntag = in->tags.n;
	if (in->tags.n > 0)
		memcpy(be->tag, in->tags.v, in->tags.n * sizeof(*be->tag));
	r = bearing_check(rq, be, "groups", "tags");
	return r == OK ? take(rq, be) : r;
}

/* ---- listing ---- */

/* 2: here, 1: would be written to all the same, 0: neither. */
static int
counts(struct rq *rq, const struct db_rows *r, size_t i)
{
	const struct presence *p = presence_of(rq->mesh, db_text(r, i, 1));
	const struct roll_member *who =
	    roll_member(rq->mesh->roll, db_text(r, i, 2));

	if (who == NULL || who->state != MEMBER_ACTIVE)
		return 0;
	if (p != NULL)
		return p->face.visible ? 2 : 0;
	return db_int(r, i, 5) == 0 &&
	    (db_int(r, i, 4) == 0 || db_int(r, i, 4) > rq->now - DAY_MS);
}

int
on_group_list(struct rq *rq, const struct group_list *in)
{
	struct group_row *v = arena_alloc(rq->arena, LIST_MAX * sizeof(*v));
	const char *name = "";
	struct db_rows *r;
	size_t i, n = 0;
	int c;

	(void)in;
	r = query(rq, sql_groups, db_i((int64_t)rq->mesh->no),
	    db_i(rq->now - 30 * DAY_MS));
	if (r == NULL)
		return rq->why.code;
	for (i = 0; i < r->n; i++) {
		c = counts(rq, r, i);
		if (c == 0)
			continue;
		if (strcmp(name, db_text(r, i, 0)) != 0) {
			if (n == LIST_MAX)
				break;
			name = db_text(r, i, 0);
			v[n++] = (struct group_row){ .name = name + 1 };
		}
		v[n - 1].members++;
		v[n - 1].online += c == 2;
	}
	return reply(rq, groups_list, .groups = { n, v },
	    .more = i < r->n || r->n == 20000);
}

/* ---- receipts for what was said to them ---- */

int
on_receipt_list(struct rq *rq, const struct receipt_list *in)
{
	struct blob *v = arena_alloc(rq->arena, DOCS_MAX * sizeof(*v));
	int64_t next = in->after;
	size_t n = 0, bytes = 0;
	struct db_rows *r;

	r = query(rq, sql_receipts, db_i(rq->peer->no), db_i(in->after),
	    db_i(in->since), db_i(DOCS_MAX + 1));
	if (r == NULL)
		return rq->why.code;
	for (; n < r->n && n < DOCS_MAX; n++) {
		bytes += strlen(db_text(r, n, 1)) + 8;
		if (n > 0 && bytes > PAGE_BYTES)
			break;
		v[n].s = db_text(r, n, 1);
		next = db_int(r, n, 0);
	}
	return reply(rq, receipts_list, .receipts = { n, v }, .next = next,
	    .more = n < r->n);
}

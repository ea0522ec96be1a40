/*
 * resolve.c - from a name to a key. Exact keys first, then launched sessions,
 * then members. A name that fits more than one is an error that lists them,
 * never a guess; and a name that once meant one member does not silently come
 * to mean another.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#include "base/enc.h"

struct cand {
	const struct dpeer *peer;
	const struct roll_member *member;
};
struct cands {
	struct cand v[32];
	size_t n;
};

static void
add(struct cands *c, const struct dpeer *p, const struct roll_member *rm)
{
	if (c->n < countof(c->v))
		c->v[c->n++] = (struct cand){ p, rm };
}

static bool
usable(struct dmesh *m, const struct dpeer *p)
{
	const struct roll_member *rm = roll_member(m->roll, p->member);

	return p->attestation != NULL && rm != NULL &&
	    rm->state == MEMBER_ACTIVE &&
	    !roll_session_revoked(m->roll, p->member, p->key);
}

static void
find_members(struct dmesh *m, const char *name, struct cands *c)
{
	const struct roll_member *rm;

	for (size_t i = 0; (rm = roll_member_at(m->roll, i)) != NULL; i++)
		if (rm->state == MEMBER_ACTIVE && str_eq(rm->name, name))
			add(c, NULL, rm);
}

/* Sessions of that name; of one member's, those online hide those that are not,
 * and of those that are not only the one seen last counts. */
static void
find_sessions(struct dmesh *m, const char *name, bool homes, struct cands *c)
{
	struct dpeer *p;
	const struct dpeer *last = NULL;

	for (size_t i = 0; (p = map_next(&m->peers, &i)) != NULL;) {
		if ((p->home && !homes) || !str_eq(p->name, name) ||
		    !usable(m, p))
			continue;
		if (p->online)
			add(c, p, roll_member(m->roll, p->member));
		else if (last == NULL || p->seen_at > last->seen_at)
			last = p;
	}
	if (c->n == 0 && last != NULL)
		add(c, last, roll_member(m->roll, last->member));
}

static int
ambiguous(struct dmesh *m, const char *name, const struct cands *c,
    struct why *why)
{
	char list[200] = "";
	size_t at = 0;

	for (size_t i = 0; i < c->n && at < sizeof(list) - 1; i++) {
		const struct cand *k = &c->v[i];
		int n = snprintf(list + at, sizeof(list) - at,
		    "%s%s (%.8s, %s%s%s)", i ? "; " : "", name,
		    k->peer ? k->peer->key : k->member->key, k->member->name,
		    k->peer && *k->peer->hostname ? ", " : "",
		    k->peer ? k->peer->hostname : "");
		at += n > 0 ? (size_t)n : 0;
	}
	(void)m;
	return why_field(why, E_AMBIGUOUS, "to",
	    "'%s' fits more than one; use a key: %s", name, list);
}

static void
fill(struct target *t, const char *name, const struct cand *c)
{
	memset(t, 0, sizeof(*t));
	str_copy(t->name, sizeof(t->name), name);
	str_copy(t->key, sizeof(t->key),
	    c->peer ? c->peer->key : c->member->key);
	str_copy(t->member, sizeof(t->member), c->member->key);
}

static int
no_peer(struct dmesh *m, const char *name, struct why *why)
{
	return why_field(why, E_NO_PEER, "to",
	    "no peer or member '%s' in mesh %s;"
	    " `claudemesh peers` lists those that are here",
	    name, m->slug);
}

static int
by_key(struct dmesh *m, const char *key, struct target *t, struct why *why)
{
	const struct roll_member *rm = roll_member(m->roll, key);
	const struct dpeer *p = map_gets(&m->peers, key);
	struct cand c;

	if (rm != NULL && rm->state == MEMBER_ACTIVE)
		c = (struct cand){ NULL, rm };
	else if (p != NULL && usable(m, p))
		c = (struct cand){ p, roll_member(m->roll, p->member) };
	else
		return no_peer(m, key, why);
	fill(t, c.peer ? c.peer->name : c.member->name, &c);
	return OK;
}

/* The member a name first meant stays what it means. */
static int
pinned(struct dmesh *m, const char *name, const struct cands *c,
    struct why *why)
{
	struct db_rows *r = d_read(m->d, why,
	    "SELECT member FROM pin WHERE mesh = $1 AND name = $2 LIMIT 1",
	    DB_VALS(db_i(m->no), db_s(name)));
	const char *member = c->v[0].member->key;

	if (r == NULL)
		return why->code;
	if (r->n == 0)
		return d_write(m->d, why,
		    "INSERT INTO pin (mesh, name, member)"
		    " VALUES ($1, $2, $3)",
		    DB_VALS(db_i(m->no), db_s(name), db_s(member)));
	if (str_eq(db_text(r, 0, 0), member))
		return OK;
	return why_field(why, E_AMBIGUOUS, "to",
	    "'%s' meant member %.8s before and"
	    " would now mean %.8s; use the key to say which you want",
	    name, db_text(r, 0, 0), c->v[0].peer ? c->v[0].peer->key : member);
}

static bool
one_member(const struct cands *c)
{
	for (size_t i = 1; i < c->n; i++)
		if (c->v[i].member != c->v[0].member)
			return false;
	return true;
}

int
name_resolve(struct dmesh *m, const char *name, struct target *t,
    struct why *why)
{
	struct cands s = { .n = 0 }, all;
	const char *fault;
	int code;

	if (label_kind(name) != LABEL_NONE) {
		if ((fault = label_fault(name)) != NULL)
			return why_field(why, E_BAD_FIELD, "to", "'%s' %s",
			    name, fault);
		memset(t, 0, sizeof(*t));
		str_copy(t->key, sizeof(t->key), label_canonical(name));
		str_copy(t->name, sizeof(t->name), label_canonical(name));
		return OK;
	}
	if (hex_is(name, 32))
		return by_key(m, name, t, why);
	find_sessions(m, name, false, &s);
	all = s;
	find_members(m, name, &all);
	if (all.n == 0)
		return no_peer(m, name, why);
	if (!one_member(&all) || s.n > 1)
		return ambiguous(m, name, &all, why);
	if ((code = pinned(m, name, &all, why)) != OK)
		return code;
	fill(t, name, &all.v[0]);
	return OK;
}

int
name_session(struct dmesh *m, const char *name, struct target *t,
    struct why *why)
{
	struct cands s = { .n = 0 };
	const struct dpeer *p;

	if (hex_is(name, 32) && (p = map_gets(&m->peers, name)) != NULL)
		add(&s, p, roll_member(m->roll, p->member));
	else
		find_sessions(m, name, true, &s);
	if (s.n == 0 || s.v[0].member == NULL)
		return no_peer(m, name, why);
	if (s.n > 1)
		return ambiguous(m, name, &s, why);
	fill(t, s.v[0].peer->name, &s.v[0]);
	return OK;
}

/* The member behind a name, whichever way it is said. */
int
name_member(struct dmesh *m, const char *name, struct target *t,
    struct why *why)
{
	struct cands s = { .n = 0 };
	int code;

	if (hex_is(name, 32)) {
		code = by_key(m, name, t, why);
	} else {
		find_members(m, name, &s);
		if (s.n > 1)
			return ambiguous(m, name, &s, why);
		if (s.n == 1) {
			fill(t, name, &s.v[0]);
			return OK;
		}
		code = name_session(m, name, t, why);
	}
	if (code == OK) {
		const struct roll_member *rm = roll_member(m->roll, t->member);

		str_copy(t->name, sizeof(t->name), rm->name);
		str_copy(t->key, sizeof(t->key), rm->key);
	}
	return code;
}

/*
 * roll.c - the list of signed acts. The broker appends to the head what the
 * roll's own rules allow (crypto/roll.c, the same code that clients run) and
 * serves it; who is a member is not its to say.
 */
#include <string.h>

#include "broker/broker.h"
#include "broker/compat.h"

#define ACTS_QUERY 50
#define ACT_RATE 1 /* a second, for each member */

static const char sql_page[] =
    "SELECT bytes FROM act WHERE mesh = $1 AND n >= $2 ORDER BY n LIMIT $3";
static const char sql_append[] =
    "INSERT INTO act (mesh, n, bytes) VALUES ($1, $2, $3)";
static const char sql_invite[] =
    "INSERT INTO invite (key, mesh) VALUES ($1, $2)";
static const char sql_key_put[] =
    "INSERT INTO epoch_key (mesh, key, epoch, sealed) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (mesh, key, epoch) DO UPDATE SET sealed = excluded.sealed";

/* ---- serving ---- */

static bool
may_read(const struct rq *rq, const struct mesh *m)
{
	const struct bconn *c = rq->conn;
	size_t i;

	for (i = 0; i < c->sessions.n; i++) {
		if (c->sessions.v[i]->mesh == m)
			return true;
	}
	return c->invite_good && strcmp(c->invite_mesh, m->id) == 0;
}

struct acts {
	struct blob *v;
	size_t n, bytes, max;
};

/* The next few; false at the end of the roll or of the page. */
static bool
more_acts(struct rq *rq, const struct mesh *m, int64_t from, struct acts *a)
{
	struct db_rows *r;
	size_t i;

	r = query(rq, sql_page, db_i((int64_t)m->no),
	    db_i(from + (int64_t)a->n), db_i(ACTS_QUERY));
	if (r == NULL)
		return false;
	for (i = 0; i < r->n && a->n < a->max; i++) {
		const char *s = db_text(r, i, 0);

		a->bytes += strlen(s) + 4;
		if (a->n > 0 && a->bytes > PAGE_BYTES)
			return false;
		a->v[a->n++].s = s;
	}
	return r->n == ACTS_QUERY && a->n < a->max;
}

int
on_roll_get(struct rq *rq, const struct roll_get *in)
{
	struct mesh *m = mesh_find(rq->b, in->mesh_id, &rq->why);
	struct acts a = { .max = in->limit > 0 ? (size_t)in->limit : 1000 };

	if (m == NULL)
		return rq->why.code;
	if (!may_read(rq, m))
		return rq_fail(rq, E_FORBIDDEN,
		    "the roll is for members and holders of an invite");
	a.v = arena_zalloc(rq->arena, a.max * sizeof(*a.v));
	rq->why.code = OK;
	while (more_acts(rq, m, in->from, &a))
		;
	if (rq->why.code != OK)
		return rq->why.code;
	return reply(rq, roll_page, .mesh_id = m->id, .from = in->from,
	    .acts = { a.n, a.v }, .roll = roll_point_of(m->roll),
	    .has_roll = true);
}

/* ---- appending ---- */

struct appending {
	const struct roll_append *in;
	struct act head;
	struct json doc;
	char hash[65];
	struct act_invite invite;	  /* kind invite */
	struct act_session_revoke revoke; /* kind session_revoke */
	struct act_add add;		  /* kind add */
	struct act_replace replace;	  /* kind replace */
	struct epoch_turn turn;		  /* kinds remove and rotate */
};

static bool
is_kind(const struct appending *a, const char *kind)
{
	return strcmp(a->head.kind, kind) == 0;
}

#define FIELDS(row, out) \
	wire_decode(&wire_act_##row, a->doc, (out), rq->arena, &rq->why)

static int
read_turn(struct rq *rq, struct appending *a)
{
	struct act_remove remove = { .member = "" };
	struct act_rotate rotate = { .invite = "" };
	bool out = is_kind(a, "remove");
	int r = out ? FIELDS(remove, &remove) : FIELDS(rotate, &rotate);

	a->turn = (struct epoch_turn){ .author = rq->peer->member,
		.epoch = out ? remove.epoch : rotate.epoch,
		.keys = out ? remove.keys : rotate.keys,
		.keys_hash = out ? remove.keys_hash : rotate.keys_hash,
		.member = remove.member,
		.invite = rotate.invite };
	return r;
}

/* Of the kinds that ask more of a broker than to keep them. */
static int
read_fields(struct rq *rq, struct appending *a)
{
	if (is_kind(a, "invite"))
		return FIELDS(invite, &a->invite);
	if (is_kind(a, "session_revoke"))
		return FIELDS(session_revoke, &a->revoke);
	if (is_kind(a, "add"))
		return FIELDS(add, &a->add);
	if (is_kind(a, "replace"))
		return FIELDS(replace, &a->replace);
	if (is_kind(a, "remove") || is_kind(a, "rotate"))
		return read_turn(rq, a);
	return OK;
}

static int
read_act(struct rq *rq, struct appending *a)
{
	int r = act_peek(rq->arena, a->in->act, &a->head, &a->doc, a->hash,
	    &rq->why);

	if (r != OK)
		return r;
	if (is_kind(a, "genesis") || is_kind(a, "join"))
		return rq_field(rq, E_ROLL_REFUSED, "act",
		    "an act of kind %s is not appended this way", a->head.kind);
	return read_fields(rq, a);
}

/* The roll judges the author; a limited session is the broker's affair. */
static int
check_author(struct rq *rq, const struct appending *a)
{
	const char *me = rq->peer->member;
	bool own = is_kind(a, "leave") ||
	    (is_kind(a, "session_revoke") && strcmp(a->revoke.member, me) == 0);

	if (strcmp(a->head.author, me) != 0 && !is_kind(a, "replace") &&
	    strcmp(a->head.author, roll_owner(rq->mesh->roll)) != 0)
		return rq_field(rq, E_FORBIDDEN, "act",
		    "a session appends only acts of its own member");
	if (!own && (rq->peer->caps & CAP_ADMIN) == 0)
		return rq_fail(rq, E_FORBIDDEN,
		    "the session's attestation does not let it admin");
	return OK;
}

static int
store_invite(struct rq *rq, const struct appending *a)
{
	const struct sealed_key *k = NULL;
	int64_t mesh = (int64_t)rq->mesh->no;
	size_t i;

	for (i = 0; i < a->in->sealed.n; i++) {
		if (strcmp(a->in->sealed.v[i].key, a->invite.invite) == 0)
			k = &a->in->sealed.v[i];
	}
	if (k == NULL)
		return rq_field(rq, E_MISSING_FIELD, "sealed",
		    "an invite needs the epoch key sealed to its key");
	if (a->invite.expires_at <= rq->now)
		return rq_field(rq, E_OUT_OF_RANGE, "act",
		    "the invite would have expired already");
	if (change(rq, sql_invite, db_s(k->key), db_i(mesh)) == NULL) {
		if (rq->why.code == E_CONFLICT)
			return rq_fail(rq, E_CONFLICT,
			    "this invite key is in use");
		return rq->why.code;
	}
	if (change(rq, sql_key_put, db_i(mesh), db_s(k->key),
		db_i(roll_epoch(rq->mesh->roll)), db_s(k->sealed)) == NULL)
		return rq->why.code;
	return OK;
}

/* A member that was added by its key, so that it finds the epoch key. */
static int
store_member_key(struct rq *rq, const struct appending *a)
{
	size_t i;

	for (i = 0; i < a->in->sealed.n; i++) {
		const struct sealed_key *k = &a->in->sealed.v[i];

		if (strcmp(k->key, a->add.member) != 0)
			continue;
		if (change(rq, sql_key_put, db_i((int64_t)rq->mesh->no),
			db_s(k->key), db_i(roll_epoch(rq->mesh->roll)),
			db_s(k->sealed)) == NULL)
			return rq->why.code;
	}
	return OK;
}

/* What has to be stored beside the act. */
static int
store_beside(struct rq *rq, const struct appending *a)
{
	if (is_kind(a, "invite"))
		return store_invite(rq, a);
	if (is_kind(a, "add"))
		return store_member_key(rq, a);
	if (is_kind(a, "remove") || is_kind(a, "rotate"))
		return epoch_begin(rq, &a->turn);
	return OK;
}

/* Sessions that the act puts an end to. */
static void
end_sessions(struct rq *rq, const struct appending *a, const char *by)
{
	struct mesh *m = rq->mesh;
	struct presence *p;

	audience_changed(m);
	if (is_kind(a, "leave"))
		presence_end_member(rq->b, m, a->head.author, "not_member", by);
	if (is_kind(a, "remove"))
		presence_end_member(rq->b, m, a->turn.member, "removed", by);
	if (is_kind(a, "replace"))
		presence_end_member(rq->b, m, a->replace.old, "removed", by);
	if (is_kind(a, "session_revoke")) {
		p = presence_of(m, a->revoke.session);
		if (p != NULL &&
		    roll_session_revoked(m->roll, p->member, p->key))
			presence_end(rq->b, p, "revoked", by);
	}
}

static int
appended(struct rq *rq, const struct appending *a)
{
	struct roll_point at = { .n = a->head.n + 1, .head = a->hash };

	return reply(rq, roll_appended, .roll = at, .has_roll = true);
}

static int
append(struct rq *rq, const struct appending *a)
{
	struct mesh *m = rq->mesh;
	char by[65];
	int r = store_beside(rq, a);

	if (r != OK)
		return r;
	if (change(rq, sql_append, db_i((int64_t)m->no), db_i(a->head.n),
		db_s(a->in->act)) == NULL)
		return rq->why.code;
	str_copy(by, sizeof(by), rq->peer->name);
	r = roll_apply(m->roll, a->in->act, &rq->why);
	if (r != OK)
		return r;
	r = appended(rq, a);
	push_mesh(rq->b, m, 0, NULL, roll_changed, .mesh_id = m->id,
	    .roll = roll_point_of(m->roll), .has_roll = true);
	end_sessions(rq, a, by);
	compat_settle(rq->b, m);
	return r;
}

/* Every client replays the roll: nobody may swell it. */
static int
check_growth(struct rq *rq)
{
	const struct broker_limits *l = &rq->b->conf.limits;
	struct standing *s = standing_of(rq->mesh, rq->peer->member);

	if (roll_n(rq->mesh->roll) >= l->acts)
		return rq_fail(rq, E_QUOTA, "a roll has at most %lld acts",
		    (long long)l->acts);
	rq->retry_after_ms = bucket_take(&s->acts, io_mono(rq->b->io), 1,
	    ACT_RATE, l->act_burst);
	if (rq->retry_after_ms > 0)
		return rq_fail(rq, E_RATE_LIMITED,
		    "a member appends at most %d act a second", ACT_RATE);
	return OK;
}

int
on_roll_append(struct rq *rq, const struct roll_append *in)
{
	struct appending a = { .in = in };
	int r = read_act(rq, &a);

	if (r == OK)
		r = check_author(rq, &a);
	if (r != OK)
		return r;
	if (roll_has(rq->mesh->roll, in->act)) /* its answer was lost */
		return appended(rq, &a);
	r = check_growth(rq);
	if (r == OK)
		r = roll_check(rq->mesh->roll, in->act, &rq->why);
	if (r != OK)
		return r;
	return append(rq, &a);
}

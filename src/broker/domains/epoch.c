/*
 * epoch.c - epoch keys, sealed: handing them out, taking those of the epoch to
 * come, and its beginning, in the transaction of the act that begins it.
 *
 * What was staged is judged against the roll when the act comes: exactly the
 * keys whose count and hash it names, and one for each member that stays and
 * each open invite. So nobody is left without a key by an admin's mistake, and
 * nobody who is out gets one.
 */
#include <string.h>

#include "broker/broker.h"
#include "crypto/epoch.h"

#define PAGE 1000
#define EXPIRY_SLACK (5 * 60 * 1000) /* clocks differ */

static const char sql_put[] =
    "INSERT INTO epoch_key (mesh, key, epoch, sealed, taken)"
    " VALUES ($1, $2, $3, $4, 1) ON CONFLICT (mesh, key, epoch)"
    " DO UPDATE SET sealed = excluded.sealed, taken = 1";
static const char sql_get[] =
    "SELECT sealed, taken FROM epoch_key WHERE mesh = $1 AND key = $2"
    " AND epoch = $3 LIMIT 1";
static const char sql_taken[] =
    "UPDATE epoch_key SET taken = 1 WHERE mesh = $1 AND key = $2"
    " AND epoch = $3";
static const char sql_prev[] =
    "SELECT prev FROM epoch_prev WHERE mesh = $1 AND epoch = $2 LIMIT 1";
static const char sql_waiting[] =
    "SELECT key FROM epoch_key WHERE mesh = $1 AND epoch = $2 AND taken = 0"
    " AND key > $3 ORDER BY key LIMIT $4";
static const char sql_unstage[] =
    "DELETE FROM epoch_stage WHERE mesh = $1 AND member = $2";
static const char sql_stage[] =
    "INSERT INTO epoch_stage (mesh, member, key, epoch, sealed)"
    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (mesh, member, key)"
    " DO UPDATE SET epoch = excluded.epoch, sealed = excluded.sealed";
static const char sql_staged[] =
    "SELECT key, sealed FROM epoch_stage WHERE mesh = $1 AND member = $2"
    " AND epoch = $3 AND key >= $4 ORDER BY key LIMIT $5";
static const char *const sql_begin[] = {
	"DELETE FROM epoch_key WHERE mesh = $1 AND epoch < $3 AND $2 <> ''",
	"INSERT INTO epoch_key (mesh, key, epoch, sealed)"
	" SELECT mesh, key, epoch, sealed FROM epoch_stage"
	" WHERE mesh = $1 AND member = $2 AND epoch = $3 AND key <> ''",
	"INSERT INTO epoch_prev (mesh, epoch, prev)"
	" SELECT mesh, epoch, sealed FROM epoch_stage"
	" WHERE mesh = $1 AND member = $2 AND epoch = $3 AND key = ''",
	"DELETE FROM epoch_stage WHERE mesh = $1 AND $2 <> '' AND $3 > 0",
};

/* ---- handing out ---- */

int
on_epoch_get(struct rq *rq, const struct epoch_get *in)
{
	int64_t mesh = (int64_t)rq->mesh->no;
	const char *me = rq->peer->member, *sealed = "", *prev = "";
	struct db_rows *r;

	if (in->epoch > roll_epoch(rq->mesh->roll))
		return rq_field(rq, E_OUT_OF_RANGE, "epoch",
		    "the roll knows no such epoch yet");
	r = query(rq, sql_get, db_i(mesh), db_s(me), db_i(in->epoch));
	if (r == NULL)
		return rq->why.code;
	if (r->n > 0) {
		sealed = db_text(r, 0, 0);
		if (db_int(r, 0, 1) == 0 &&
		    change(rq, sql_taken, db_i(mesh), db_s(me),
			db_i(in->epoch)) == NULL)
			return rq->why.code;
	}
	r = query(rq, sql_prev, db_i(mesh), db_i(in->epoch));
	if (r == NULL)
		return rq->why.code;
	if (r->n > 0)
		prev = db_text(r, 0, 0);
	if (*sealed == '\0' && *prev == '\0')
		return rq_field(rq, E_NOT_FOUND, "epoch",
		    "no copy of this epoch key was left for the member");
	return reply(rq, epoch_key, .epoch = in->epoch, .sealed = sealed,
	    .prev = prev);
}

int
on_epoch_put(struct rq *rq, const struct epoch_put *in)
{
	if (in->epoch > roll_epoch(rq->mesh->roll))
		return rq_field(rq, E_OUT_OF_RANGE, "epoch",
		    "the roll knows no such epoch yet");
	if (change(rq, sql_put, db_i((int64_t)rq->mesh->no),
		db_s(rq->peer->member), db_i(in->epoch),
		db_s(in->sealed)) == NULL)
		return rq->why.code;
	return rq_ok(rq);
}

/* Members, not invites, whose copy nobody has fetched. */
int
on_epoch_waiting(struct rq *rq, const struct epoch_waiting *in)
{
	const struct roll *roll = rq->mesh->roll;
	struct text *v = arena_zalloc(rq->arena, PAGE * sizeof(*v));
	struct epoch_waiters out = { .epoch = roll_epoch(roll) };
	const struct roll_member *m;
	const char *after = "";
	struct db_rows *r;
	size_t i;

	(void)in;
	for (i = 0; (m = roll_member_at(roll, i)) != NULL; i++)
		out.members += m->state == MEMBER_ACTIVE && !m->old_client;
	out.waiting.v = v;
	do {
		r = query(rq, sql_waiting, db_i((int64_t)rq->mesh->no),
		    db_i(out.epoch), db_s(after), db_i(PAGE));
		if (r == NULL)
			return rq->why.code;
		for (i = 0; i < r->n; i++) {
			after = db_text(r, i, 0);
			m = roll_member(roll, after);
			if (m == NULL || m->state != MEMBER_ACTIVE)
				continue;
			if ((out.more = out.waiting.n == PAGE))
				break;
			v[out.waiting.n++].s = after;
		}
	} while (r->n == PAGE && !out.more);
	return rq_reply(rq, &wire_epoch_waiters, &out);
}

/* ---- staging ---- */

static bool
known(const struct roll *roll, const char *key)
{
	return roll_member(roll, key) != NULL || roll_invite(roll, key) != NULL;
}

int
on_epoch_stage(struct rq *rq, const struct epoch_stage *in)
{
	int64_t mesh = (int64_t)rq->mesh->no;
	const char *me = rq->peer->member;
	size_t i;

	if (!roll_is_admin(rq->mesh->roll, me))
		return rq_fail(rq, E_FORBIDDEN,
		    "only an admin turns the epoch");
	if (in->epoch != roll_epoch(rq->mesh->roll) + 1)
		return rq_field(rq, E_OUT_OF_RANGE, "epoch",
		    "the next epoch is %lld",
		    (long long)roll_epoch(rq->mesh->roll) + 1);
	if (in->first && change(rq, sql_unstage, db_i(mesh), db_s(me)) == NULL)
		return rq->why.code;
	if (*in->prev != '\0' &&
	    change(rq, sql_stage, db_i(mesh), db_s(me), db_s(""),
		db_i(in->epoch), db_s(in->prev)) == NULL)
		return rq->why.code;
	for (i = 0; i < in->keys.n; i++) {
		if (!known(rq->mesh->roll, in->keys.v[i].key))
			return rq_field(rq, E_ROLL_CONFLICT, "keys",
			    "keys[%zu] is no key of the roll", i);
		if (change(rq, sql_stage, db_i(mesh), db_s(me),
			db_s(in->keys.v[i].key), db_i(in->epoch),
			db_s(in->keys.v[i].sealed)) == NULL)
			return rq->why.code;
	}
	return rq_ok(rq);
}

/* ---- the beginning ---- */

struct staged {
	const struct epoch_turn *turn;
	struct keys_sum sum;
	int64_t n, members, invites;
};

static bool
stays(struct rq *rq, const struct epoch_turn *t, const struct roll_member *m)
{
	(void)rq;
	return m->state == MEMBER_ACTIVE && !m->old_client &&
	    strcmp(m->key, t->member) != 0;
}

/* Is the invite open once the act stands? */
static bool
open_after(struct rq *rq, const struct epoch_turn *t,
    const struct roll_invite *v)
{
	const struct roll_member *out = roll_member(rq->mesh->roll, t->member);

	return !v->revoked && v->used < v->uses &&
	    strcmp(v->key, t->invite) != 0 &&
	    strcmp(v->author, t->member) != 0 &&
	    (out == NULL || strcmp(out->invite, v->key) != 0);
}

static int
count_key(struct rq *rq, struct staged *s, const char *key)
{
	const struct roll_member *m = roll_member(rq->mesh->roll, key);
	const struct roll_invite *v = roll_invite(rq->mesh->roll, key);

	if (m != NULL && stays(rq, s->turn, m))
		s->members++;
	else if (v == NULL || !open_after(rq, s->turn, v))
		return rq_field(rq, E_ROLL_CONFLICT, "keys",
		    "a key was staged for somebody who is out");
	else if (v->expires_at > rq->now + EXPIRY_SLACK)
		s->invites++;
	return OK;
}

/* All that was staged, in the order of the hash; "" comes first. */
static int
read_staged(struct rq *rq, struct staged *s)
{
	const char *from = "", *key = "";
	struct db_rows *r;
	size_t i;
	int e;

	do {
		r = query(rq, sql_staged, db_i((int64_t)rq->mesh->no),
		    db_s(s->turn->author), db_i(s->turn->epoch), db_s(from),
		    db_i(PAGE));
		if (r == NULL)
			return rq->why.code;
		for (i = 0; i < r->n; i++) {
			key = db_text(r, i, 0);
			keys_sum_add(&s->sum, key, db_text(r, i, 1));
			if (*key == '\0')
				continue;
			s->n++;
			if ((e = count_key(rq, s, key)) != OK)
				return e;
		}
		from = arena_printf(rq->arena, "%s!", key); /* the next one */
	} while (r->n == PAGE);
	return OK;
}

static int
check_staged(struct rq *rq, struct staged *s)
{
	const struct roll *roll = rq->mesh->roll;
	const struct roll_member *m;
	const struct roll_invite *v;
	int64_t members = 0, invites = 0;
	char hash[65];

	keys_sum_end(&s->sum, hash);
	if (s->n != s->turn->keys || strcmp(hash, s->turn->keys_hash) != 0)
		return rq_field(rq, E_ROLL_CONFLICT, "keysHash",
		    "the act names %lld other keys than the %lld staged",
		    (long long)s->turn->keys, (long long)s->n);
	for (size_t i = 0; (m = roll_member_at(roll, i)) != NULL; i++)
		members += stays(rq, s->turn, m);
	for (size_t i = 0; (v = roll_invite_at(roll, i)) != NULL; i++)
		invites += open_after(rq, s->turn, v) &&
		    v->expires_at > rq->now + EXPIRY_SLACK;
	if (s->members != members || s->invites != invites)
		return rq_field(rq, E_ROLL_CONFLICT, "keys",
		    "%lld members and %lld invites would be without a key",
		    (long long)(members - s->members),
		    (long long)(invites - s->invites));
	return OK;
}

/* The act was judged by the roll; what it names becomes current with it. */
int
epoch_begin(struct rq *rq, const struct epoch_turn *t)
{
	struct staged s = { .turn = t };
	int64_t mesh = (int64_t)rq->mesh->no;
	size_t i;
	int e;

	keys_sum_begin(&s.sum);
	if ((e = read_staged(rq, &s)) != OK || (e = check_staged(rq, &s)) != OK)
		return e;
	for (i = 0; i < countof(sql_begin); i++) {
		if (change(rq, sql_begin[i], db_i(mesh), db_s(t->author),
			db_i(t->epoch)) == NULL)
			return rq->why.code;
	}
	if (change(rq, sql_taken, db_i(mesh), db_s(t->author),
		db_i(t->epoch)) == NULL)
		return rq->why.code;
	return OK;
}

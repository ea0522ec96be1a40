/*
 * audience.c - who hears what is said to a label, interned.
 *
 * The sessions that bear a label at a time are an audience, kept once under a
 * hash of them as a queue of its own: a message to it is one row, however many
 * there are, and each daemon reads it with the cursor it has anyway. The sender
 * is in its own audience, so that all who write to a group share one, and is left
 * out when the message is passed on.
 *
 * In memory are the audiences that something waits for, and those in use since
 * who bears what last changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/label.h"
#include "broker/broker.h"

#define CROWD_MAX 10000
#define LISTED_MAX 1000 /* session keys in an answer */
#define AWAY_MS (30 * DAY_MS)
#define TRIM_AT_ONCE 64

#define BEARER                                                         \
	"s.no, s.key, s.member, s.queue, s.home, s.ended_at, s.hidden" \
	" FROM session s"
static const char sql_all[] =
    "SELECT " BEARER " WHERE s.mesh = $1 AND s.seen_at > $2"
    " AND s.attestation <> '' LIMIT $3"; /* no old clients */
static const char sql_bearers[] =
    "SELECT " BEARER " JOIN label l ON l.session = s.no"
    " WHERE l.mesh = $1 AND l.label = $4 AND s.mesh = $1 AND s.seen_at > $2"
    " AND s.attestation <> '' LIMIT $3";
static const char sql_queue[] =
    "INSERT INTO queue (mesh, member, daemon, acked, seen_at)"
    " VALUES ($1, '', $2, 0, $3) ON CONFLICT (mesh, member, daemon)"
    " DO UPDATE SET seen_at = excluded.seen_at RETURNING no";
static const char sql_any[] = "SELECT 1 FROM audience WHERE queue = $1 LIMIT 1";
static const char sql_add[] =
    "INSERT INTO audience (queue, session, reader) VALUES ($1, $2, $3)";
static const char sql_hearers[] =
    "SELECT a.session, a.reader, s.key, q.acked FROM audience a"
    " JOIN session s ON s.no = a.session JOIN queue q ON q.no = a.reader"
    " WHERE a.queue = $1 ORDER BY a.reader, a.session LIMIT $2";

static const char sql_quarter[] =
    "SELECT seq FROM message WHERE queue = $1 ORDER BY seq LIMIT 1 OFFSET $2";
static const char sql_lost[] =
    "UPDATE queue SET lost = $2 WHERE no IN (SELECT reader FROM audience"
    " WHERE queue = $1) AND acked < $2 AND lost < $2";

/* ---- in memory ---- */

static void
audience_free(struct audience *a)
{
	mem_free(a->v);
	mem_free(a);
}

void
audience_fini(struct mesh *m)
{
	struct audience *a;
	size_t i;

	for (i = 0; (a = map_next(&m->audiences, &i)) != NULL;)
		audience_free(a);
	map_fini(&m->audiences);
	map_fini(&m->crowds);
}

void
audience_changed(struct mesh *m)
{
	if (m->crowds.n > 0)
		map_fini(&m->crowds);
}

void
audience_sweep(struct mesh *m)
{
	struct audience *a;
	size_t i;

	audience_changed(m); /* time changes it, too */
	for (i = 0; (a = map_next(&m->audiences, &i)) != NULL;) {
		if (tally_of(&m->queues, a->queue).n > 0)
			continue;
		map_deli(&m->audiences, (uint64_t)a->queue);
		audience_free(a);
	}
}

struct audience *
audience_keep(struct mesh *m, const char *label, const struct audience *from)
{
	struct audience *a = map_geti(&m->audiences, (uint64_t)from->queue);

	if (a == NULL) {
		a = mem_zalloc(sizeof(*a));
		*a = *from;
		a->v = mem_alloc(a->n * sizeof(*a->v) + 1);
		memcpy(a->v, from->v, a->n * sizeof(*a->v));
		map_puti(&m->audiences, (uint64_t)a->queue, a);
	}
	if (label != NULL)
		map_puts(&m->crowds, label, a);
	return a;
}

struct audience *
audience_at(struct broker *b, struct mesh *m, int64_t queue)
{
	struct audience *a = map_geti(&m->audiences, (uint64_t)queue);
	struct audience made = { .queue = queue };
	struct db_rows *r;
	size_t i;

	if (a != NULL)
		return a;
	r = db_query(b->db, &b->arena, NULL, sql_hearers,
	    DB_VALS(db_i(queue), db_i(CROWD_MAX)));
	if (r == NULL)
		return NULL;
	made.n = r->n;
	made.v = arena_zalloc(&b->arena, r->n * sizeof(*made.v) + 1);
	for (i = 0; i < r->n; i++) {
		made.v[i].session = db_int(r, i, 0);
		made.v[i].reader = db_int(r, i, 1);
		str_copy(made.v[i].key, sizeof(made.v[i].key),
		    db_text(r, i, 2));
		made.v[i].acked = db_int(r, i, 3);
	}
	return audience_keep(m, NULL, &made);
}

size_t
audience_reader(const struct audience *a, int64_t reader)
{
	size_t low = 0, high = a->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (a->v[mid].reader < reader)
			low = mid + 1;
		else
			high = mid;
	}
	return low < a->n && a->v[low].reader == reader ? low : a->n;
}

/* ---- who is written to ---- */

/* Here, or away and likely to come back. */
static bool
reachable(struct rq *rq, const struct db_rows *r, size_t i)
{
	const struct mesh *m = rq->mesh;
	const char *key = db_text(r, i, 1), *member = db_text(r, i, 2);
	const struct roll_member *who = roll_member(m->roll, member);
	const struct presence *p = presence_of(rq->mesh, key);

	if (who == NULL || who->state != MEMBER_ACTIVE ||
	    roll_session_revoked(m->roll, member, key))
		return false;
	if (p != NULL)
		return p->face.visible;
	return db_int(r, i, 6) == 0 &&
	    (db_int(r, i, 5) == 0 || db_int(r, i, 5) > rq->now - DAY_MS);
}

static bool
among(const struct skip *skip, const char *key)
{
	size_t i;

	for (i = 0; i < skip->n; i++) {
		if (strcmp(skip->v[i], key) == 0)
			return true;
	}
	return false;
}

static int
by_reader(const void *a, const void *b)
{
	const struct hearer *x = a, *y = b;

	if (x->reader != y->reader)
		return x->reader < y->reader ? -1 : 1;
	return x->session < y->session ? -1 : x->session > y->session;
}

static int
gather(struct rq *rq, const char *label, const struct skip *skip,
    struct audience *a)
{
	struct db_val mesh = db_i((int64_t)rq->mesh->no),
		      since = db_i(rq->now - AWAY_MS), max = db_i(CROWD_MAX);
	struct presence *p;
	struct db_rows *r;
	size_t i;

	r = strcmp(label, "*") == 0
	    ? query(rq, sql_all, mesh, since, max)
	    : query(rq, sql_bearers, mesh, since, max, db_s(label));
	if (r == NULL)
		return rq->why.code;
	a->v = arena_zalloc(rq->arena, r->n * sizeof(*a->v) + 1);
	for (i = 0; i < r->n; i++) {
		if (!reachable(rq, r, i) || among(skip, db_text(r, i, 1)) ||
		    (db_int(r, i, 4) != 0 && among(skip, db_text(r, i, 2))))
			continue;
		p = presence_of(rq->mesh, db_text(r, i, 1));
		a->v[a->n].session = db_int(r, i, 0);
		a->v[a->n].reader = p != NULL ? p->queue : db_int(r, i, 3);
		str_copy(a->v[a->n++].key, 65, db_text(r, i, 1));
	}
	qsort(a->v, a->n, sizeof(*a->v), by_reader);
	return OK;
}

/* The queue that stands for just these. */
static int
intern(struct rq *rq, struct audience *a)
{
	struct buf text;
	struct db_rows *r;
	char hash[65];
	size_t i;

	buf_init(&text, CROWD_MAX * 48);
	for (i = 0; i < a->n; i++)
		buf_addf(&text, "%lld %lld\n", (long long)a->v[i].session,
		    (long long)a->v[i].reader);
	sha256_hex(hash, text.data, text.len);
	buf_fini(&text);
	r = change(rq, sql_queue, db_i((int64_t)rq->mesh->no), db_s(hash),
	    db_i(rq->now));
	if (r == NULL)
		return rq->why.code;
	a->queue = db_int(r, 0, 0);
	r = query(rq, sql_any, db_i(a->queue));
	if (r == NULL)
		return rq->why.code;
	for (i = 0; r->n == 0 && i < a->n; i++) {
		if (change(rq, sql_add, db_i(a->queue), db_i(a->v[i].session),
			db_i(a->v[i].reader)) == NULL)
			return rq->why.code;
	}
	return OK;
}

int
audience_find(struct rq *rq, const char *label, const struct skip *skip,
    const struct audience **out)
{
	struct audience *a = map_gets(&rq->mesh->crowds, label);
	int r;

	*out = a;
	if (a != NULL && skip->n == 0)
		return OK;
	*out = a = arena_zalloc(rq->arena, sizeof(*a));
	r = gather(rq, label, skip, a);
	if (r != OK || a->n == 0 ||
	    (a->n == 1 && a->v[0].session == rq->peer->no))
		return r;
	return intern(rq, a);
}

size_t
audience_size(const struct audience *a, int64_t but)
{
	size_t i, n = 0;

	for (i = 0; i < a->n; i++)
		n += a->v[i].session != but;
	return n;
}

int
audience_keys(struct rq *rq, int64_t queue, int64_t but, struct recipient *out)
{
	const struct audience *a = audience_at(rq->b, rq->mesh, queue);

	if (a == NULL)
		return rq_fail(rq, E_STORE, NULL);
	audience_list(rq, a, but, out);
	return OK;
}

void
audience_list(struct rq *rq, const struct audience *a, int64_t but,
    struct recipient *out)
{
	size_t i, all = audience_size(a, but),
		  n = all < LISTED_MAX ? all : LISTED_MAX;
	struct text *v = arena_alloc(rq->arena, n * sizeof(*v) + 1);

	out->sessions.v = v;
	for (i = 0; i < a->n && out->sessions.n < n; i++) {
		if (a->v[i].session != but)
			v[out->sessions.n++].s =
			    arena_strdup(rq->arena, a->v[i].key);
	}
	out->audience = all > n ? (int64_t)all : 0;
}

/* ---- what everybody has heard ---- */

/* What was not for a daemon it need not acknowledge. */
static int64_t
heard(const struct mesh *m, struct hearer *h)
{
	const struct lane *l = map_geti(&m->lanes, (uint64_t)h->reader);

	if (l != NULL)
		h->acked = l->acked >= l->pushed && l->sent > l->acked
		    ? l->sent
		    : l->acked;
	return h->acked;
}

static void
trim(struct broker *b, struct mesh *m, struct audience *a)
{
	int64_t low = INT64_MAX;
	size_t i;

	for (i = 0; i < a->n && low > a->trimmed; i++) {
		if (i > 0 && a->v[i].reader == a->v[i - 1].reader)
			continue;
		if (heard(m, &a->v[i]) < low)
			low = a->v[i].acked;
	}
	if (low <= a->trimmed || turn_writes(b->turn, m->no, NULL) != OK)
		return;
	if (lane_drop(b, m, a->queue, low, false) < TRIM_SLICE)
		a->trimmed = low;
}

void
audience_trim(struct broker *b, struct mesh *m)
{
	struct audience *a;
	size_t i = 0;
	int n = 0;

	while (n < TRIM_AT_ONCE && (a = map_next(&m->audiences, &i)) != NULL) {
		if (tally_of(&m->queues, a->queue).n == 0)
			continue;
		trim(b, m, a);
		n++;
	}
}

/*
 * One daemon that is away does not make a group mute: the oldest quarter goes,
 * as far as those that are here have it, and who is away is told of the gap.
 */
void
audience_make_room(struct broker *b, struct mesh *m, struct audience *a)
{
	int64_t n = tally_of(&m->queues, a->queue).n, low;
	struct db_rows *r;
	size_t i;

	r = db_query(b->db, &b->arena, NULL, sql_quarter,
	    DB_VALS(db_i(a->queue), db_i(n / 4)));
	if (r == NULL || r->n == 0)
		return;
	low = db_int(r, 0, 0);
	for (i = 0; i < a->n; i++) {
		if (map_geti(&m->lanes, (uint64_t)a->v[i].reader) != NULL &&
		    heard(m, &a->v[i]) < low)
			low = a->v[i].acked;
	}
	if (low > a->trimmed &&
	    db_run(b->db, NULL, sql_lost, DB_VALS(db_i(a->queue), db_i(low))) ==
		OK)
		(void)lane_drop(b, m, a->queue, low, false);
}

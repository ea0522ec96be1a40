/*
 * mesh.c - what memory has of a mesh: loaded at first use, freed whole when it
 * can no longer be trusted. Loading replays the roll, which verifies every act
 * again, and counts what waits in the queues.
 */
#include <string.h>

#include "broker/broker.h"

#define ACTS_PAGE 200
#define QUEUES_MAX 100000
#define SENDERS_MAX 20000

static const char sql_by_id[] = "SELECT no FROM mesh WHERE id = $1 LIMIT 1";
static const char sql_by_no[] = "SELECT id FROM mesh WHERE no = $1 LIMIT 1";
static const char sql_acts[] =
    "SELECT n, bytes FROM act WHERE mesh = $1 AND n >= $2 ORDER BY n LIMIT $3";
static const char sql_queues[] =
    "SELECT no, daemon, member FROM queue WHERE mesh = $1 LIMIT $2";
static const char sql_tally[] =
    "SELECT sender, COUNT(*), SUM(size) FROM message WHERE queue = $1"
    " GROUP BY sender LIMIT $2";

struct standing *
standing_of(struct mesh *m, const char *member)
{
	struct standing *s = map_gets(&m->standings, member);

	if (s == NULL) {
		s = mem_zalloc(sizeof(*s));
		map_puts(&m->standings, member, s);
	}
	return s;
}

struct roll_point
roll_point_of(const struct roll *roll)
{
	return (
	    struct roll_point){ .n = roll_n(roll), .head = roll_head(roll) };
}

void
tally_add(struct map *m, int64_t key, int64_t n, int64_t bytes)
{
	struct tally *t = map_geti(m, (uint64_t)key);

	if (t == NULL) {
		t = mem_zalloc(sizeof(*t));
		map_puti(m, (uint64_t)key, t);
	}
	t->n += n;
	t->bytes += bytes;
	if (t->n <= 0)
		mem_free(map_deli(m, (uint64_t)key));
}

struct tally
tally_of(const struct map *m, int64_t key)
{
	const struct tally *t = map_geti(m, (uint64_t)key);

	return t == NULL ? (struct tally){ 0 } : *t;
}

int64_t
bucket_take(struct bucket *k, int64_t now, int64_t cost, int64_t rate,
    int64_t burst)
{
	int64_t full = burst * 1000, passed = now - k->at, want = cost * 1000;

	if (want > full)
		want = full;
	if (k->at == 0 || passed > full)
		k->milli = full;
	else if (passed > 0)
		k->milli += passed * rate;
	if (k->milli > full)
		k->milli = full;
	k->at = now;
	if (k->milli < want)
		return (want - k->milli + rate - 1) / rate;
	k->milli -= want;
	return 0;
}

/* ---- loading ---- */

static int
load_acts(struct broker *b, struct arena *a, struct mesh *m, struct why *why)
{
	struct db_rows *rows;
	size_t i;
	int r;

	do {
		arena_reset(a);
		rows = db_query(b->db, a, why, sql_acts,
		    DB_VALS(db_i((int64_t)m->no), db_i(roll_n(m->roll)),
			db_i(ACTS_PAGE)));
		if (rows == NULL)
			return E_STORE;
		for (i = 0; i < rows->n; i++) {
			r = roll_apply(m->roll, db_text(rows, i, 1), why);
			if (r != OK)
				return why_set(why, E_STORE,
				    "act %lld of the stored roll is not valid",
				    (long long)db_int(rows, i, 0));
		}
	} while (rows->n == ACTS_PAGE);
	if (strcmp(roll_mesh(m->roll), m->id) != 0)
		return why_set(why, E_STORE,
		    "the stored roll is of another mesh");
	return OK;
}

static int
load_tally(struct broker *b, struct arena *a, struct mesh *m, int64_t queue,
    bool own, struct why *why)
{
	struct db_rows *r;
	int64_t n, bytes;
	size_t i;

	r = db_query(b->db, a, why, sql_tally,
	    DB_VALS(db_i(queue), db_i(SENDERS_MAX)));
	if (r == NULL)
		return E_STORE;
	for (i = 0; i < r->n; i++) {
		n = db_int(r, i, 1);
		bytes = db_int(r, i, 2);
		tally_add(&m->queues, queue, n, bytes);
		if (own)
			tally_add(&m->senders, db_int(r, i, 0), n, bytes);
		m->all.n += n;
		m->all.bytes += bytes;
	}
	return OK;
}

/* What waits for many is looked for in memory. */
static bool
load_audience(struct broker *b, struct mesh *m, int64_t queue)
{
	return tally_of(&m->queues, queue).n == 0 ||
	    audience_at(b, m, queue) != NULL;
}

static int
load_tallies(struct broker *b, struct arena *a, struct mesh *m, struct why *why)
{
	struct db_rows *q;
	bool all;
	size_t i;
	int r;

	arena_reset(a);
	q = db_query(b->db, a, why, sql_queues,
	    DB_VALS(db_i((int64_t)m->no), db_i(QUEUES_MAX)));
	if (q == NULL)
		return E_STORE;
	for (i = 0; i < q->n; i++) {
		all = db_text(q, i, 2)[0] == '\0';
		r = load_tally(b, a, m, db_int(q, i, 0),
		    !all && db_text(q, i, 1)[0] != '\0', why);
		if (r == OK && all && !load_audience(b, m, db_int(q, i, 0)))
			r = why_set(why, E_STORE, "an audience is not read");
		if (r != OK)
			return r;
	}
	return OK;
}

static struct mesh *
mesh_enter(struct broker *b, uint64_t no, const char *id, struct roll *take)
{
	struct mesh *m = mem_zalloc(sizeof(*m));

	m->no = no;
	m->roll = take;
	str_copy(m->id, sizeof(m->id), id);
	map_puti(&b->meshes, no, m);
	map_puts(&b->by_id, m->id, m);
	return m;
}

static struct mesh *
mesh_load(struct broker *b, uint64_t no, const char *id, struct why *why)
{
	struct mesh *m = mesh_enter(b, no, id, roll_new());
	struct arena a = { 0 };
	int r;

	r = load_acts(b, &a, m, why);
	if (r == OK)
		r = load_tallies(b, &a, m, why);
	arena_fini(&a);
	if (r == OK)
		return m;
	log_event(LOG_ERROR, "mesh_not_loaded", "mesh", m->id, "why", why->text,
	    NULL);
	mesh_free(b, m);
	return NULL;
}

struct mesh *
mesh_find(struct broker *b, const char *id, struct why *why)
{
	struct mesh *m = map_gets(&b->by_id, id);
	struct db_rows *r;

	if (m != NULL)
		return m;
	if (strlen(id) != MESH_ID_LEN ||
	    !id_valid(id, MESH_ID_LEN, MESH_ID_LEN))
		goto none;
	r = db_query(b->db, &b->arena, why, sql_by_id, DB_VALS(db_s(id)));
	if (r == NULL)
		return NULL;
	if (r->n > 0)
		return mesh_load(b, (uint64_t)db_int(r, 0, 0), id, why);
none:
	why_field(why, E_NO_MESH, "meshId", "this broker has no such mesh");
	return NULL;
}

struct mesh *
mesh_numbered(struct broker *b, uint64_t no, struct why *why)
{
	struct mesh *m = map_geti(&b->meshes, no);
	struct db_rows *r;

	if (m != NULL)
		return m;
	r = db_query(b->db, &b->arena, why, sql_by_no,
	    DB_VALS(db_i((int64_t)no)));
	if (r == NULL)
		return NULL;
	if (r->n > 0 && db_text(r, 0, 0)[0] != '!') /* being erased: sweep.c */
		return mesh_load(b, no, db_text(r, 0, 0), why);
	why_set(why, E_NO_MESH, "this broker no longer has the mesh");
	return NULL;
}

struct mesh *
mesh_add(struct broker *b, uint64_t no, struct roll *take)
{
	return mesh_enter(b, no, roll_mesh(take), take);
}

/* ---- freeing ---- */

static void
map_drain(struct map *m)
{
	size_t i = 0;
	void *v;

	while ((v = map_next(m, &i)) != NULL)
		mem_free(v);
	map_fini(m);
}

void
mesh_free(struct broker *b, struct mesh *m)
{
	struct presence *p;
	struct lane *l;
	size_t i;

	for (i = 0; (l = map_next(&m->lanes, &i)) != NULL;) {
		l->dirty = false; /* nor is its cursor to be written */
		lane_free(b, l);
	}
	for (i = 0; (p = map_next(&m->here, &i)) != NULL;)
		presence_free(b, p, LEFT_QUIETLY);
	map_deli(&b->meshes, m->no);
	map_dels(&b->by_id, m->id);
	map_fini(&m->here);
	map_fini(&m->lanes);
	map_fini(&m->mailing);
	map_drain(&m->queues);
	map_drain(&m->senders);
	map_drain(&m->standings);
	audience_fini(m);
	roll_free(m->roll);
	mem_free(m);
}

void
mesh_forget(struct broker *b, struct mesh *m)
{
	struct presence *p;
	struct bconn *c;
	size_t i = 0;

	log_event(LOG_WARN, "mesh_forgotten", "mesh", m->id, NULL);
	while ((p = map_next(&m->here, &i)) != NULL) {
		c = conn_at(b, p->conn);
		if (c != NULL)
			conn_close(b, c, 1012, "the broker starts over");
	}
	mesh_free(b, m);
}

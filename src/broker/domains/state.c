/*
 * state.c - shared facts under keys. A value is stored and passed on byte for
 * byte. Versions only grow, over deletions, too: the row of a deleted key stays
 * and counts among the keys of the mesh.
 */
#include <string.h>

#include "broker/broker.h"

#define KEY_MAX 256
#define LIST_MAX 1000
#define LIST_SLICE 50

static const char sql_before[] =
    "SELECT version, deleted, size, vouch, doc FROM state"
    " WHERE mesh = $1 AND key = $2 LIMIT 1";
static const char sql_put[] =
    "INSERT INTO state (mesh, key, version, deleted, size, vouch, updated_at,"
    " updated_by, doc, value) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    " ON CONFLICT (mesh, key) DO UPDATE SET version = excluded.version,"
    " deleted = excluded.deleted, size = excluded.size,"
    " vouch = excluded.vouch, updated_at = excluded.updated_at,"
    " updated_by = excluded.updated_by, doc = excluded.doc,"
    " value = excluded.value";
#define COLUMNS                                                         \
	"s.key, s.value, s.updated_by, s.updated_at, s.version, s.doc," \
	" v.attestation, s.deleted FROM state s LEFT JOIN vouch v"      \
	" ON v.no = s.vouch WHERE s.mesh = $1"
static const char sql_get[] = "SELECT " COLUMNS " AND s.key = $2 LIMIT 1";
static const char sql_list[] =
    "SELECT " COLUMNS " AND s.key > $2 AND s.key >= $3 AND s.key < $4"
    " AND s.deleted = 0 ORDER BY s.key LIMIT $5";

/* A write on its way. */
struct writing {
	struct record r;
	struct json value;
	struct kept kept;
	int64_t version;     /* the new one */
	int64_t size, vouch; /* of the new one */
	int64_t old_vouch;
	bool done; /* it had been carried out before */
};

static int
check_key(struct rq *rq, const char *key)
{
	const char *fault = str_name_fault(key, KEY_MAX);

	return fault == NULL
	    ? OK
	    : rq_field(rq, E_BAD_FIELD, "key", "a key %s", fault);
}

/* What stands there, and whether there is room for the new. */
static int
look(struct rq *rq, struct writing *w)
{
	const struct broker_limits *l = &rq->b->conf.limits;
	struct db_rows *r;
	bool known;

	r = query(rq, sql_before, db_i((int64_t)rq->mesh->no), db_s(w->r.key));
	if (r == NULL || record_kept(rq, "state", &w->kept) != OK)
		return rq->why.code;
	known = r->n > 0;
	if (w->r.gone && (!known || db_int(r, 0, 1) != 0) &&
	    !(known && strcmp(db_text(r, 0, 4), w->r.doc) == 0))
		return rq_field(rq, E_NOT_FOUND, "key", "there is no such key");
	w->version = known ? db_int(r, 0, 0) + 1 : 1;
	w->old_vouch = known ? db_int(r, 0, 3) : 0;
	w->done = known && w->r.doc[0] != '\0' &&
	    strcmp(db_text(r, 0, 4), w->r.doc) == 0;
	w->kept.n += !known;
	w->kept.bytes += w->size - (known ? db_int(r, 0, 2) : 0);
	if (w->kept.n > l->state_keys)
		return rq_fail(rq, E_QUOTA,
		    "a mesh has at most %lld keys, deleted ones among them",
		    (long long)l->state_keys);
	if (w->kept.bytes > l->state_bytes && !w->r.gone)
		return rq_fail(rq, E_QUOTA,
		    "the keys and values of a mesh are at most %lld bytes",
		    (long long)l->state_bytes);
	return OK;
}

static int
store(struct rq *rq, struct writing *w)
{
	int r = OK;

	if (w->r.doc[0] != '\0')
		r = record_vouch(rq, &w->vouch);
	if (r != OK)
		return r;
	if (change(rq, sql_put, db_i((int64_t)rq->mesh->no), db_s(w->r.key),
		db_i(w->version), db_i(w->r.gone), db_i(w->size),
		db_i(w->vouch), db_i(rq->now), db_s(rq->peer->name),
		db_s(w->r.doc), db_sn(w->r.text, w->r.n)) == NULL)
		return rq->why.code;
	r = record_keep(rq, "state", &w->kept);
	if (r == OK && w->old_vouch != w->vouch)
		r = record_unvouch(rq, w->old_vouch);
	return r;
}

static int
write_key(struct rq *rq, struct writing *w)
{
	struct record_doc d;
	int r = check_key(rq, w->r.key);

	if (r == OK)
		r = record_rate(rq);
	if (r == OK)
		r = look(rq, w);
	if (r == OK && !w->done && w->r.doc[0] != '\0')
		r = record_check(rq, "state", &w->r, w->version, &d);
	if (r == OK && !w->done)
		r = store(rq, w);
	if (r == OK)
		r = rq_ok(rq);
	if (r == OK && !w->done)
		push_mesh(rq->b, rq->mesh, 0, NULL, state_change,
		    .mesh_id = rq->mesh->id, .key = w->r.key, .value = w->value,
		    .updated_by = rq->peer->name, .updated_at = rq->now,
		    .version = w->version, .doc = w->r.doc,
		    .deleted = w->r.gone,
		    .attestation =
			w->vouch == 0 ? NULL : rq->peer->attestation);
	return r;
}

int
on_state_set(struct rq *rq, const struct state_set *in)
{
	struct writing w = { .r = { .key = in->key,
				 .text = in->value.p,
				 .n = in->value.n,
				 .doc = in->doc },
		.value = in->value,
		.size = (int64_t)(strlen(in->key) + in->value.n) };

	return write_key(rq, &w);
}

int
on_state_delete(struct rq *rq, const struct state_delete *in)
{
	struct writing w = { .r = { .key = in->key,
				 .text = "null",
				 .n = 4,
				 .doc = in->doc,
				 .gone = true } };

	return write_key(rq, &w);
}

/* ---- reading ---- */

static struct state_entry
entry(const struct db_rows *r, size_t i)
{
	const char *value = db_text(r, i, 1);

	return (struct state_entry){ .key = db_text(r, i, 0),
		.value = { value, strlen(value) },
		.updated_by = db_text(r, i, 2),
		.updated_at = db_int(r, i, 3),
		.version = db_int(r, i, 4),
		.doc = db_text(r, i, 5),
		.attestation = db_text(r, i, 6),
		.deleted = db_int(r, i, 7) != 0 };
}

int
on_state_get(struct rq *rq, const struct state_get *in)
{
	struct state_entry e = { .key = in->key };
	struct db_rows *r;

	r = query(rq, sql_get, db_i((int64_t)rq->mesh->no), db_s(in->key));
	if (r == NULL)
		return rq->why.code;
	if (r->n > 0)
		e = entry(r, 0);
	return reply(rq, state_result, .key = in->key, .value = e.value,
	    .updated_by = e.updated_by, .updated_at = e.updated_at,
	    .version = e.version, .doc = e.doc, .attestation = e.attestation,
	    .deleted = e.deleted);
}

/* Bytes on the wire, generously. */
static size_t
entry_size(const struct state_entry *e)
{
	return 400 + strlen(e->key) * 6 + e->value.n + strlen(e->doc) +
	    strlen(e->attestation);
}

/* In slices: a page is bounded by its bytes, and they are read whole. */
int
on_state_list(struct rq *rq, const struct state_list *in)
{
	size_t limit = in->limit == 0 ? LIST_MAX : (size_t)in->limit;
	const char *after = in->after;
	const char *end =
	    arena_printf(rq->arena, "%s\xf4\x8f\xbf\xbf", in->prefix);
	struct state_entry *v = arena_alloc(rq->arena, limit * sizeof(*v));
	size_t i, n = 0, bytes = 0;
	bool more = true;
	struct db_rows *r;

	while (more && n < limit && bytes < PAGE_BYTES) {
		r = query(rq, sql_list, db_i((int64_t)rq->mesh->no),
		    db_s(after), db_s(in->prefix), db_s(end), db_i(LIST_SLICE));
		if (r == NULL)
			return rq->why.code;
		for (i = 0; i < r->n && n < limit && bytes < PAGE_BYTES; i++) {
			v[n] = entry(r, i);
			bytes += entry_size(&v[n]);
			after = v[n++].key;
		}
		more = i < r->n || r->n == LIST_SLICE;
	}
	return reply(rq, state_entries, .entries = { n, v }, .more = more);
}

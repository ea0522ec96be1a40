/*
 * do_state.c - shared state: each value is signed here by the session that
 * speaks, under the version that follows, and judged here when it is read. Who
 * finds that the version moved meanwhile signs anew, unless it named one.
 */
#include <string.h>

#include "daemon/record.h"

#define TRIES 30

/* ---- what a broker shows ---- */

struct drecord
state_record(const struct state_entry *e)
{
	return (struct drecord){ .kind = "state",
		.key = e->key,
		.text = e->value.p,
		.n = e->value.n,
		.version = e->version,
		.gone = e->deleted,
		.doc = e->doc,
		.attestation = e->attestation };
}

struct state_row
state_row_of(const struct dmesh *m, const struct state_entry *e)
{
	return (struct state_row){ .key = e->key,
		.value = e->value,
		.updated_by = e->updated_by,
		.updated_at = e->updated_at,
		.version = e->version,
		.deleted = e->deleted,
		.mesh = m->slug };
}

/* Verified: what was signed in place of the broker's word. Refused: nothing of
 * what it says is shown. */
void
state_row_judge(struct state_row *row, const struct verdict *v)
{
	row->proof = proof_name(v->proof);
	row->problem = v->problem;
	row->member = v->member;
	row->writer = v->writer;
	if (v->proof == PROOF_VERIFIED) {
		row->updated_by = v->by;
		row->updated_at = v->at;
	} else if (v->proof != PROOF_UNSIGNED) {
		row->value = (struct json){ NULL, 0 };
		row->updated_by = "";
		row->updated_at = 0;
	}
}

/* In the operation's memory; false: wait for the roll. */
static bool
show(struct dop *op, struct dmesh *m, const struct state_entry *e,
    struct state_row *row)
{
	struct drecord r = state_record(e);
	struct verdict *v = arena_alloc(&op->mem, sizeof(*v));

	if (record_judge(m, &r, v) == PROOF_NEEDS_ROLL) {
		if (record_wait_roll(op, m))
			return false;
		str_copy(v->problem, sizeof(v->problem),
		    "its writer saw a longer roll than the broker shows");
	}
	*row = state_row_of(m, e);
	state_row_judge(row, v);
	return true;
}

/* ---- writing ---- */

/* A set or a delete under way. */
struct writing {
	const char *key;
	struct json value;
	bool gone;
	int64_t want; /* the version that must stand; -1: any, 0: none */
	int64_t version;
	char *doc;
	bool sure; /* version is what the broker said */
};

static void ask(struct dop *op, struct dmesh *m);
static void put(struct dop *op, struct dmesh *m);

static void
on_put(struct dop *op, const struct link_reply *r)
{
	struct writing *w = op->state;
	struct dmesh *m = dmesh_at(op->d, op->mesh);
	struct local_state_written out = { .key = w->key,
		.version = w->version };
	struct drecord rec = { .kind = "state",
		.key = w->key,
		.version = w->version,
		.gone = w->gone,
		.doc = w->doc };

	if (m == NULL) {
		op_fail(op, E_NO_MESH, "the mesh is gone");
	} else if (r->code == OK) {
		record_saw(m, &rec);
		op_reply(op, &wire_local_state_written, &out);
	} else if (r->code == E_CONFLICT && w->want > 0) {
		op_fail(op, E_CONFLICT, "%s is not at version %lld: %s", w->key,
		    (long long)w->want, r->why.text);
	} else if ((r->code == E_CONFLICT ||
		       (r->code == E_NOT_FOUND && !w->sure)) &&
	    op->tries++ < TRIES) {
		ask(op, m);
	} else {
		op_fail_why(op, &r->why);
	}
}

static void
put(struct dop *op, struct dmesh *m)
{
	struct writing *w = op->state;
	struct dsess *s = sess_at(op->d, op->session);
	struct drecord rec = { .kind = "state",
		.key = w->key,
		.text = w->value.p,
		.n = w->value.n,
		.version = w->version,
		.gone = w->gone };
	struct state_set set = { .key = w->key, .value = w->value };
	struct state_delete del = { .key = w->key };

	(void)m;
	if (s == NULL) {
		op_fail(op, E_NO_SESSION, "the session that speaks is gone");
		return;
	}
	set.doc = del.doc = w->doc = record_sign(&op->mem, s, &rec);
	op_call(op, w->gone ? &wire_state_delete : &wire_state_set,
	    w->gone ? (const void *)&del : (const void *)&set, s->key.hex,
	    on_put);
}

/* What stands, now that ours does not follow it? */
static void
on_asked(struct dop *op, const struct link_reply *r)
{
	struct writing *w = op->state;
	struct dmesh *m = dmesh_at(op->d, op->mesh);
	const struct state_result *e = r->msg;

	if (m == NULL || r->code != OK) {
		op_fail_why(op, &r->why);
		return;
	}
	if (w->want == 0 && e->version > 0 && !e->deleted) {
		op_fail(op, E_CONFLICT, "%s is there, at version %lld", w->key,
		    (long long)e->version);
		return;
	}
	if (w->version == e->version && w->doc != NULL &&
	    str_eq(e->doc, w->doc)) { /* the answer was lost, or is late */
		on_put(op, &(const struct link_reply){ .code = OK });
		return;
	}
	w->version = e->version + 1;
	w->sure = true;
	put(op, m);
}

static void
ask(struct dop *op, struct dmesh *m)
{
	const struct writing *w = op->state;
	struct state_get in = { .key = w->key };

	(void)m;
	op_call(op, &wire_state_get, &in, NULL, on_asked);
}

static int
begin(struct dq *q, const char *mesh, struct writing w)
{
	struct dmesh *m = dq_mesh(q, mesh);
	struct dsess *s = m == NULL ? NULL : dq_speaker(q, m);
	const char *fault = str_name_fault(w.key, 256);
	struct drecord rec = { .kind = "state", .key = w.key };
	struct writing *own;
	struct dop *op;

	if (s == NULL)
		return q->why.code;
	if (fault != NULL)
		return why_field(&q->why, E_BAD_FIELD, "key", "a key %s",
		    fault);
	op = op_new(q, m, s);
	op->state = own = arena_alloc(&op->mem, sizeof(*own));
	*own = w;
	own->version = (w.want > 0 ? w.want : record_version(m, &rec)) + 1;
	own->key = arena_strdup(&op->mem, w.key);
	if (!w.gone)
		own->value.p = arena_strndup(&op->mem, w.value.p, w.value.n);
	op_up(op, w.want == 0 ? ask : put);
	return OK;
}

int
on_local_state_set(struct dq *q, const struct local_state_set *in)
{
	return begin(q, in->mesh,
	    (struct writing){ .key = in->key,
		.value = in->value,
		.want = in->if_version > 0 ? in->if_version
		    : in->if_absent	   ? 0
					   : -1 });
}

int
on_local_state_delete(struct dq *q, const struct local_state_delete *in)
{
	return begin(q, in->mesh,
	    (struct writing){ .key = in->key,
		.gone = true,
		.want = in->if_version > 0 ? in->if_version : -1 });
}

/* ---- one key ---- */

static void
on_got(struct dop *op, const struct link_reply *r)
{
	struct dmesh *m = dmesh_at(op->d, op->mesh);
	const struct local_state_get *in = op->in;
	const struct state_result *e = r->msg;
	struct state_entry entry;
	struct state_row row;

	if (m == NULL || r->code != OK) {
		op_fail_why(op, &r->why);
		return;
	}
	entry = (struct state_entry){ .key = in->key,
		.value = e->value,
		.updated_by = e->updated_by,
		.updated_at = e->updated_at,
		.version = e->version,
		.doc = e->doc,
		.attestation = e->attestation,
		.deleted = e->deleted };
	if (!show(op, m, &entry, &row))
		return;
	if (!str_eq(row.proof, "refused") && (e->version == 0 || e->deleted)) {
		op_fail(op, E_NOT_FOUND, "there is no key '%s'%s", in->key,
		    e->deleted && str_eq(row.proof, "unsigned")
			? "; nobody signed that it was deleted"
			: "");
		return;
	}
	op_reply(op, &wire_local_state_value,
	    &(const struct local_state_value){ .key = row.key,
		.value = row.value,
		.updated_by = row.updated_by,
		.updated_at = row.updated_at,
		.version = row.version,
		.proof = row.proof,
		.problem = row.problem,
		.member = row.member,
		.writer = row.writer });
}

static void
get(struct dop *op, struct dmesh *m)
{
	const struct local_state_get *in = op->in;
	struct state_get req = { .key = in->key };

	(void)m;
	op_call(op, &wire_state_get, &req, NULL, on_got);
}

int
on_local_state_get(struct dq *q, const struct local_state_get *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);

	if (m == NULL)
		return q->why.code;
	op_up(op_new(q, m, NULL), get);
	return OK;
}

/* ---- many ---- */

/* Keys seen before that the page should have and has not: each is asked for
 * by itself, because only the deletion's own signature tells. */
struct page {
	struct local_state_entries out;
	struct state_row *v; /* what was listed, then what is missing */
	struct db_rows *seen;
	size_t at, listed;
};

#define MISSING_MAX 1000

static bool
listed(const struct page *p, const char *key)
{
	size_t lo = 0, hi = p->listed;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strcmp(p->v[mid].key, key);

		if (c == 0)
			return true;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static void next_missing(struct dop *op);

static void
on_missing(struct dop *op, const struct link_reply *r)
{
	struct dmesh *m = dmesh_at(op->d, op->mesh);
	const struct state_result *e = r->msg;
	struct page *p = op->state;
	struct state_row row;

	if (m == NULL || r->code != OK) {
		op_fail_why(op, &r->why);
		return;
	}
	if (!show(op, m,
		&(const struct state_entry){ .key =
						 arena_strdup(&op->mem, e->key),
		    .value = { arena_strndup(&op->mem, e->value.p, e->value.n),
			e->value.n },
		    .updated_by = arena_strdup(&op->mem, e->updated_by),
		    .updated_at = e->updated_at,
		    .version = e->version,
		    .doc = e->doc,
		    .attestation = e->attestation,
		    .deleted = e->deleted },
		&row))
		return;
	if (!e->deleted || !str_eq(row.proof, "verified")) {
		row.problem = arena_strdup(&op->mem,
		    *row.problem ? row.problem
				 : "the broker leaves it out of the list");
		row.updated_by = arena_strdup(&op->mem, row.updated_by);
		row.member = arena_strdup(&op->mem, row.member);
		row.writer = arena_strdup(&op->mem, row.writer);
		row.value = (struct json){ NULL, 0 };
		row.proof = "refused";
		p->v[p->out.entries.n++] = row;
	}
	next_missing(op);
}

static void
next_missing(struct dop *op)
{
	struct page *p = op->state;
	struct state_get req;

	while (p->seen != NULL && p->at < p->seen->n) {
		req.key = db_text(p->seen, p->at++, 0);
		if (listed(p, req.key))
			continue;
		op_call(op, &wire_state_get, &req, NULL, on_missing);
		return;
	}
	p->out.entries.v = p->v;
	op_reply(op, &wire_local_state_entries, &p->out);
}

static void
find_missing(struct dop *op, struct dmesh *m)
{
	const struct local_state_list *in = op->in;
	struct page *p = op->state;
	const char *end =
	    arena_printf(&op->mem, "%s\xf4\x8f\xbf\xbf", in->prefix);
	const char *last = p->listed > 0 ? p->v[p->listed - 1].key : "";

	p->seen = db_query(op->d->db, &op->mem, NULL,
	    "SELECT key FROM record_seen WHERE mesh = $1 AND kind = 'state'"
	    " AND key > $2 AND key >= $3 AND key < $4 AND gone = 0"
	    " AND ($5 = 0 OR key < $6) ORDER BY key LIMIT 1000",
	    DB_VALS(db_i(m->no), db_s(in->after), db_s(in->prefix), db_s(end),
		db_i(p->out.more), db_s(last)));
	next_missing(op);
}

/* The reply's strings live for its step only. */
static struct state_entry
own_entry(struct arena *a, const struct state_entry *e)
{
	struct state_entry o = *e;

	o.key = arena_strdup(a, e->key);
	o.value.p = arena_strndup(a, e->value.p, e->value.n);
	o.updated_by = arena_strdup(a, e->updated_by);
	return o;
}

static void
on_listed(struct dop *op, const struct link_reply *r)
{
	struct dmesh *m = dmesh_at(op->d, op->mesh);
	const struct state_entries *list = r->msg;
	struct page *p;
	struct state_row *v;

	if (m == NULL || r->code != OK) {
		op_fail_why(op, &r->why);
		return;
	}
	op->state = p = arena_zalloc(&op->mem, sizeof(*p));
	p->v = v =
	    arena_alloc(&op->mem, (list->entries.n + MISSING_MAX) * sizeof(*v));
	for (size_t i = 0; i < list->entries.n; i++) {
		struct state_entry e = own_entry(&op->mem, &list->entries.v[i]);

		if (!show(op, m, &e, &v[i]))
			return;
		if (e.version == 0 || e.deleted ||
		    (i > 0 && strcmp(v[i - 1].key, e.key) >= 0)) {
			op_fail(op, E_CANNOT_OPEN,
			    "the broker's list is not a list of keys in order");
			return;
		}
		v[i].updated_by = arena_strdup(&op->mem, v[i].updated_by);
		v[i].member = arena_strdup(&op->mem, v[i].member);
		v[i].writer = arena_strdup(&op->mem, v[i].writer);
	}
	p->listed = p->out.entries.n = list->entries.n;
	p->out.more = list->more && p->listed > 0;
	find_missing(op, m);
}

static void
list(struct dop *op, struct dmesh *m)
{
	const struct local_state_list *in = op->in;
	struct state_list req = { .prefix = in->prefix,
		.after = in->after,
		.limit = in->limit };

	(void)m;
	op_call(op, &wire_state_list, &req, NULL, on_listed);
}

int
on_local_state_list(struct dq *q, const struct local_state_list *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);

	if (m == NULL)
		return q->why.code;
	op_up(op_new(q, m, NULL), list);
	return OK;
}

/* ---- watching ---- */

static void
watch_news(struct dop *op, bool late)
{
	const struct local_state_watch *in = op->in;
	struct dmesh *m = dmesh_at(op->d, op->mesh);
	struct local_state_changes out;

	if (m == NULL)
		op_fail(op, E_NO_MESH, "the mesh is gone");
	else if (state_changes(m, in->prefix, in->after, &out) > 0 || out.gap ||
	    late || in->after == 0)
		op_reply(op, &wire_local_state_changes, &out);
}

int
on_local_state_watch(struct dq *q, const struct local_state_watch *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	struct dop *op;

	if (m == NULL)
		return q->why.code;
	op = op_new(q, m, NULL);
	op_wait(op, NEWS_STATE, in->wait_ms, watch_news);
	watch_news(op, in->wait_ms == 0);
	return OK;
}

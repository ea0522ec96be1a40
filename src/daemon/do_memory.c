/*
 * do_memory.c - what the mesh remembers: signed here when it is written, judged
 * here when it is recalled. A memory that was seen forgotten does not come back.
 */
#include <string.h>

#include "base/id.h"
#include "daemon/record.h"

struct noting {
	char id[23];
	char *doc;
	int64_t version;
};

/* ---- remembering ---- */

static void
saw(struct dop *op, const char *id, const struct noting *n)
{
	struct dmesh *m = dmesh_at(op->d, op->mesh);
	struct drecord rec = { .kind = "memory",
		.key = id,
		.version = n->version,
		.gone = n->version > 1,
		.doc = n->doc };

	if (m != NULL)
		record_saw(m, &rec);
}

static void
on_stored(struct dop *op, const struct link_reply *r)
{
	const struct noting *n = op->state;

	if (r->code != OK) {
		op_fail_why(op, &r->why);
		return;
	}
	saw(op, n->id, n);
	op_reply(op, &wire_local_memory_id,
	    &(const struct local_memory_id){ .id = n->id });
}

static void
remember(struct dop *op, struct dmesh *m)
{
	const struct local_memory_remember *in = op->in;
	struct dsess *s = sess_at(op->d, op->session);
	struct noting *n = arena_zalloc(&op->mem, sizeof(*n));
	struct memory_remember req = { .id = n->id, .content = in->content };
	struct drecord rec = { .kind = "memory",
		.key = n->id,
		.text = in->content,
		.n = strlen(in->content),
		.version = 1,
		.tag = in->tags.v,
		.ntag = in->tags.n };

	(void)m;
	if (s == NULL) {
		op_fail(op, E_NO_SESSION, "the session that speaks is gone");
		return;
	}
	op->state = n;
	d_ids(op->d, n->id);
	n->version = 1;
	n->doc = record_sign(&op->mem, s, &rec);
	req.tags.n = in->tags.n;
	req.tags.v = in->tags.v;
	req.doc = n->doc;
	op_call(op, &wire_memory_remember, &req, s->key.hex, on_stored);
}

int
on_local_memory_remember(struct dq *q, const struct local_memory_remember *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	struct dsess *s = m == NULL ? NULL : dq_speaker(q, m);
	const char *fault;

	if (s == NULL)
		return q->why.code;
	for (size_t i = 0; i < in->tags.n; i++) {
		fault = str_name_fault(in->tags.v[i].s, 64);
		if (fault != NULL)
			return why_field(&q->why, E_BAD_FIELD, "tags",
			    "a tag %s", fault);
	}
	op_up(op_new(q, m, s), remember);
	return OK;
}

/* ---- forgetting ---- */

static void
on_forgotten(struct dop *op, const struct link_reply *r)
{
	const struct local_memory_forget *in = op->in;
	const struct ok ok = { 0 };

	if (r->code != OK) {
		op_fail_why(op, &r->why);
		return;
	}
	saw(op, in->id, op->state);
	op_reply(op, &wire_ok, &ok);
}

static void
forget(struct dop *op, struct dmesh *m)
{
	const struct local_memory_forget *in = op->in;
	struct dsess *s = sess_at(op->d, op->session);
	struct noting *n = arena_zalloc(&op->mem, sizeof(*n));
	struct memory_forget req = { .memory_id = in->id };
	struct drecord rec = { .kind = "memory",
		.key = in->id,
		.version = 2,
		.gone = true };

	(void)m;
	if (s == NULL) {
		op_fail(op, E_NO_SESSION, "the session that speaks is gone");
		return;
	}
	op->state = n;
	n->version = 2;
	req.doc = n->doc = record_sign(&op->mem, s, &rec);
	op_call(op, &wire_memory_forget, &req, s->key.hex, on_forgotten);
}

int
on_local_memory_forget(struct dq *q, const struct local_memory_forget *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	struct dsess *s = m == NULL ? NULL : dq_speaker(q, m);

	if (s == NULL)
		return q->why.code;
	op_up(op_new(q, m, s), forget);
	return OK;
}

/* ---- recalling ---- */

static bool
same_tags(const struct memory_row *m, const struct verdict *v)
{
	if (m->tags.n != v->ntag)
		return false;
	for (size_t i = 0; i < v->ntag; i++)
		if (!str_eq(m->tags.v[i].s, v->tag[i].s))
			return false;
	return true;
}

/* false: wait for the roll. */
static bool
show(struct dop *op, struct dmesh *m, const struct memory_row *in,
    struct memory_seen *out)
{
	struct verdict *v = arena_alloc(&op->d->arena, sizeof(*v));
	struct drecord rec = { .kind = "memory",
		.key = in->id,
		.text = in->content,
		.n = strlen(in->content),
		.version = in->version,
		.doc = in->doc,
		.attestation = in->attestation };

	if (record_judge(m, &rec, v) == PROOF_NEEDS_ROLL) {
		if (record_wait_roll(op, m))
			return false;
		str_copy(v->problem, sizeof(v->problem),
		    "its writer saw a longer roll than the broker shows");
	}
	if (v->proof == PROOF_VERIFIED && !same_tags(in, v)) {
		v->proof = PROOF_REFUSED;
		str_copy(v->problem, sizeof(v->problem),
		    "other tags were signed");
	}
	*out = (struct memory_seen){ .id = in->id,
		.proof = proof_name(v->proof),
		.problem = v->problem,
		.score = in->score };
	if (v->proof != PROOF_VERIFIED && v->proof != PROOF_UNSIGNED)
		return true;
	out->content = in->content;
	out->tags.n = in->tags.n;
	out->tags.v = in->tags.v;
	out->by = v->proof == PROOF_VERIFIED ? v->by : in->remembered_by;
	out->at = v->proof == PROOF_VERIFIED ? v->at : in->remembered_at;
	out->member = v->member;
	out->writer = v->writer;
	return true;
}

static void
on_recalled(struct dop *op, const struct link_reply *r)
{
	struct dmesh *m = dmesh_at(op->d, op->mesh);
	const struct memory_results *in = r->msg;
	struct local_memories out = { 0 };
	struct memory_seen *v;

	if (m == NULL || r->code != OK) {
		op_fail_why(op, &r->why);
		return;
	}
	v = arena_alloc(&op->d->arena, (in->memories.n + 1) * sizeof(*v));
	for (size_t i = 0; i < in->memories.n; i++)
		if (!show(op, m, &in->memories.v[i], &v[i]))
			return;
	out.memories.n = in->memories.n;
	out.memories.v = v;
	out.partial = in->partial;
	out.loose = in->loose;
	out.next = in->next;
	op_reply(op, &wire_local_memories, &out);
}

static void
recall(struct dop *op, struct dmesh *m)
{
	const struct local_memory_recall *in = op->in;
	struct memory_recall req = { .query = in->query,
		.limit = in->limit,
		.before = in->before };

	(void)m;
	req.tags.n = in->tags.n;
	req.tags.v = in->tags.v;
	op_call(op, &wire_memory_recall, &req, NULL, on_recalled);
}

int
on_local_memory_recall(struct dq *q, const struct local_memory_recall *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);

	if (m == NULL)
		return q->why.code;
	op_up(op_new(q, m, NULL), recall);
	return OK;
}

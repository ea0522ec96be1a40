/*
 * state.c - changes of shared state as they are pushed: each is judged when it
 * comes, so that what was seen is remembered, and the newest are kept for those
 * who watch. Numbers grow over restarts of the daemon: they begin with the time.
 */
#include <string.h>

#include "daemon/record.h"

#define RING_MAX 256
#define RING_BYTES (1024 * 1024)

struct change {
	int64_t no;
	bool gap;
	enum proof proof;
	struct arena mem;
	struct state_row row;
	struct drecord record; /* while the roll is not there to judge it */
	size_t bytes;
};

struct state_ring {
	struct change *v[RING_MAX];
	size_t at, n, bytes;
	int64_t last;
};

static struct change *
nth(const struct state_ring *r, size_t i)
{
	return r->v[(r->at + i) % RING_MAX];
}

static void
drop_first(struct state_ring *r)
{
	struct change *c = nth(r, 0);

	r->bytes -= c->bytes;
	r->at = (r->at + 1) % RING_MAX;
	r->n--;
	arena_fini(&c->mem);
	mem_free(c);
}

void
state_ring_free(struct state_ring *r)
{
	while (r != NULL && r->n > 0)
		drop_first(r);
	mem_free(r);
}

static struct state_ring *
ring(struct dmesh *m)
{
	if (m->changes == NULL) {
		m->changes = mem_zalloc(sizeof(*m->changes));
		m->changes->last = d_now(m->d);
	}
	return m->changes;
}

static void
add(struct dmesh *m, struct change *c)
{
	struct state_ring *r = ring(m);

	while (
	    r->n > 0 && (r->n == RING_MAX || r->bytes + c->bytes > RING_BYTES))
		drop_first(r);
	c->no = ++r->last;
	r->v[(r->at + r->n++) % RING_MAX] = c;
	r->bytes += c->bytes;
	m->d->news |= NEWS_STATE;
}

void
state_gap(struct dmesh *m)
{
	struct change *c;

	if (m->changes == NULL ||
	    (m->changes->n > 0 && nth(m->changes, m->changes->n - 1)->gap))
		return;
	c = mem_zalloc(sizeof(*c));
	c->gap = true;
	add(m, c);
}

/* What the judge says of it, in the change's own memory. */
static void
settle(struct dmesh *m, struct change *c, bool last)
{
	struct verdict v;

	c->proof = record_judge(m, &c->record, &v);
	if (c->proof == PROOF_NEEDS_ROLL && last) {
		c->proof = v.proof = PROOF_REFUSED;
		str_copy(v.problem, sizeof(v.problem),
		    "its writer saw a longer roll than the broker shows");
	}
	state_row_judge(&c->row, &v);
	c->row.problem = arena_strdup(&c->mem, c->row.problem);
	c->row.updated_by = arena_strdup(&c->mem, c->row.updated_by);
	c->row.member = arena_strdup(&c->mem, c->row.member);
	c->row.writer = arena_strdup(&c->mem, c->row.writer);
}

void
state_pushed(struct dmesh *m, const struct frame *f)
{
	struct change *c = mem_zalloc(sizeof(*c));
	struct arena *a = &c->mem;
	struct state_change in;
	struct state_entry e;
	struct why why;

	if (wire_decode(f->msg, f->object, &in, a, &why) != OK ||
	    !str_eq(in.mesh_id, m->id)) {
		arena_fini(a);
		mem_free(c);
		return;
	}
	in.value.p = arena_strndup(a, in.value.p, in.value.n);
	e = (struct state_entry){ .key = in.key,
		.value = in.value,
		.updated_by = in.updated_by,
		.updated_at = in.updated_at,
		.version = in.version,
		.doc = in.doc,
		.attestation = in.attestation,
		.deleted = in.deleted };
	c->bytes = f->object.n + sizeof(*c);
	c->record = state_record(&e);
	c->row = state_row_of(m, &e);
	settle(m, c, false);
	if (c->proof == PROOF_NEEDS_ROLL)
		link_roll_sync(m->link);
	add(m, c);
}

/* ---- reading them ---- */

size_t
state_changes(struct dmesh *m, const char *prefix, int64_t after,
    struct local_state_changes *out)
{
	struct state_ring *r = ring(m);
	struct state_row *v = arena_alloc(&m->d->arena, RING_MAX * sizeof(*v));
	size_t i, n = 0;

	*out = (struct local_state_changes){ .next = r->last };
	if (after == 0)
		return 0;
	out->gap = after > r->last ||
	    (r->n > 0 ? after + 1 < nth(r, 0)->no : after < r->last);
	for (i = 0; i < r->n; i++) {
		struct change *c = nth(r, i);

		if (c->no <= after)
			continue;
		out->gap |= c->gap;
		if (c->gap || !str_starts(c->row.key, prefix))
			continue;
		if (c->proof == PROOF_NEEDS_ROLL)
			settle(m, c, true);
		v[n++] = c->row;
	}
	out->changes.n = n;
	out->changes.v = v;
	return n;
}

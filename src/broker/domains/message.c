/*
 * message.c - sending, and asking what became of it.
 *
 * A copy is stored in the queue of the daemon its target session is bound to, or
 * in the queue of the member. The row in `sent` makes a repeated send harmless,
 * copy by copy, and outlives the message to say what became of it. One bad
 * target never refuses the others.
 *
 * A copy to a label is stored in the queue of its audience (audience.c), after
 * the direct ones: whom those reach is left out of it, so that each session gets
 * the message once.
 */
#include <stdio.h>
#include <string.h>

#include "base/label.h"
#include "base/scan.h"
#include "broker/broker.h"
#include "broker/rung.h"

#define COPIES_MAX 101

static const char sql_sent[] =
    "SELECT s.receipt, s.reason, s.at, r.doc, s.audience FROM sent s"
    " LEFT JOIN receipt r ON r.no = s.doc"
    " WHERE s.sender = $1 AND s.id = $2 AND s.target = $3 LIMIT 1";
static const char sql_target[] =
    "SELECT member, queue FROM session WHERE mesh = $1 AND key = $2 LIMIT 1";
static const char sql_member_queue[] =
    "INSERT INTO queue (mesh, member, daemon, acked, seen_at)"
    " VALUES ($1, $2, '', 0, $3) ON CONFLICT (mesh, member, daemon)"
    " DO UPDATE SET daemon = '' RETURNING no";
static const char sql_store[] =
    "INSERT INTO message (seq, mesh, queue, sender, size, created_at, id,"
    " target, priority, sender_name, nonce, ciphertext, epoch)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
static const char sql_note[] =
    "INSERT INTO sent (sender, id, target, receipt, reason, at, doc, audience)"
    " VALUES ($1, $2, $3, 'stored', '', $4, 0, $5)";
static const char sql_before[] =
    "SELECT target, audience FROM sent WHERE sender = $1 AND id = $2"
    " AND receipt <> 'refused' LIMIT 101";
static const char sql_status[] =
    "SELECT s.target, s.receipt, s.reason, s.at, r.doc, s.audience FROM sent s"
    " LEFT JOIN receipt r ON r.no = s.doc"
    " WHERE s.sender = $1 AND s.id = $2 LIMIT 101";

/* One copy on its way through the handler. */
struct parcel {
	const struct copy *copy;
	int64_t size, queue, seq;
	bool own;    /* a daemon's queue, not a member's */
	bool stored; /* by this request */
	bool all;    /* everybody who bears the label is in the audience */
	const struct audience *audience; /* of a copy to a label */
};

struct sending {
	const struct message_send *in;
	struct copy copy[COPIES_MAX];
	struct parcel parcel[COPIES_MAX];
	struct recipient out[COPIES_MAX];
	size_t n;
	struct tally added; /* by this request, for the quotas */
	bool old;	    /* every copy had been stored before */
	struct skip skip;   /* session keys that other copies reach */
};

/* ---- checks ---- */

static int
check_copies(struct rq *rq, struct sending *s)
{
	char field[32];
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (scan_base64(s->copy[i].nonce) &&
		    scan_base64(s->copy[i].ciphertext))
			continue;
		snprintf(field, sizeof(field),
		    i == 0 ? "ciphertext" : "copies[%zu].ciphertext", i - 1);
		return rq_field(rq, E_BAD_FIELD, field,
		    "nonce and ciphertext are base64");
	}
	return OK;
}

static int
check_send(struct rq *rq, const struct message_send *in)
{
	if (!id_valid(in->id, 8, 64))
		return rq_field(rq, E_BAD_FIELD, "id",
		    "only letters, digits, - and _");
	if (strcmp(in->priority, "now") != 0 && strcmp(in->priority, "next") &&
	    strcmp(in->priority, "low") != 0)
		return rq_field(rq, E_BAD_FIELD, "priority",
		    "now, next or low");
	return OK;
}

/* What is sealed for many must be sealed under the key of now. */
static int
check_labels(struct rq *rq, const struct sending *s)
{
	int64_t epoch = roll_epoch(rq->mesh->roll);
	const char *fault, *spec;
	size_t i;

	for (i = 0; i < s->n; i++) {
		spec = s->copy[i].target_spec;
		if (label_kind(spec) == LABEL_NONE)
			continue;
		fault = label_fault(spec);
		if (fault != NULL)
			return rq_field(rq, E_BAD_FIELD, "targetSpec",
			    "the label '%s' %s", spec, fault);
		if (s->in->epoch != epoch)
			return rq_field(rq, E_EPOCH_STALE, "epoch",
			    "the epoch is %lld now", (long long)epoch);
	}
	return OK;
}

static int
check_rate(struct rq *rq, size_t copies)
{
	const struct broker_limits *l = &rq->b->conf.limits;
	struct mesh *m = rq->mesh;
	int64_t rate = roll_send_rate(m->roll),
		burst = roll_send_burst(m->roll);
	struct bucket *k = &standing_of(m, rq->peer->member)->send;

	rq->retry_after_ms = bucket_take(k, io_mono(rq->b->io), (int64_t)copies,
	    rate > 0 ? rate : l->send_rate, burst > 0 ? burst : l->send_burst);
	if (rq->retry_after_ms == 0)
		return OK;
	return rq_fail(rq, E_RATE_LIMITED,
	    "a member sends at most %lld messages a second",
	    (long long)(rate > 0 ? rate : l->send_rate));
}

/* ---- where to ---- */

static bool
active(const struct mesh *m, const char *member)
{
	const struct roll_member *who = roll_member(m->roll, member);

	return who != NULL && who->state == MEMBER_ACTIVE;
}

static int
refuse(struct rq *rq, struct recipient *r, const char *reason)
{
	r->receipt = "refused";
	r->reason = reason;
	r->at = rq->now;
	return OK;
}

static int
to_session(struct rq *rq, struct parcel *p, const char *key, bool *found)
{
	const struct mesh *m = rq->mesh;
	const struct presence *there = presence_of(rq->mesh, key);
	const char *member;
	struct db_rows *r;

	p->own = true;
	if (there != NULL) {
		p->queue = there->queue;
		member = there->member;
	} else {
		r = query(rq, sql_target, db_i((int64_t)m->no), db_s(key));
		if (r == NULL)
			return rq->why.code;
		if (r->n == 0)
			return OK;
		member = db_text(r, 0, 0);
		p->queue = db_int(r, 0, 1);
	}
	*found =
	    active(m, member) && !roll_session_revoked(m->roll, member, key);
	return OK;
}

static int
to_member(struct rq *rq, struct parcel *p, const char *key, bool *found)
{
	struct db_rows *r;

	if (!active(rq->mesh, key))
		return OK;
	r = change(rq, sql_member_queue, db_i((int64_t)rq->mesh->no), db_s(key),
	    db_i(rq->now));
	if (r == NULL)
		return rq->why.code;
	p->own = false;
	p->queue = db_int(r, 0, 0);
	*found = true;
	return OK;
}

static void
reached(struct skip *skip, const char *target)
{
	if (skip->n < countof(skip->v))
		skip->v[skip->n++] = target;
}

static int
to_label(struct rq *rq, struct sending *s, struct parcel *p, bool *found)
{
	const char *label = label_canonical(p->copy->target_spec);
	int r = audience_find(rq, label, &s->skip, &p->audience);

	if (r != OK)
		return r;
	p->own = false;
	p->all = s->skip.n == 0;
	p->queue = p->audience->queue;
	*found = audience_size(p->audience, rq->peer->no) > 0;
	return OK;
}

static int
resolve(struct rq *rq, struct parcel *p, bool *found)
{
	const char *key = p->copy->target_spec;

	*found = false;
	if (roll_member(rq->mesh->roll, key) != NULL)
		return to_member(rq, p, key, found);
	return to_session(rq, p, key, found);
}

/* ---- is there room ---- */

static const char *
over_quota(struct rq *rq, const struct sending *s, const struct parcel *p)
{
	const struct broker_limits *l = &rq->b->conf.limits;
	struct tally q = tally_of(&rq->mesh->queues, p->queue);
	struct tally me = tally_of(&rq->mesh->senders, rq->peer->no);
	size_t i;

	for (i = 0; i < s->n; i++) { /* of this same request */
		if (s->parcel[i].stored && s->parcel[i].queue == p->queue) {
			q.n++;
			q.bytes += s->parcel[i].size;
		}
	}
	if (q.n >= l->queue_count || q.bytes + p->size > l->queue_bytes)
		return "quota: the recipient's queue is full";
	if (p->own && me.n + s->added.n >= l->sender_count)
		return "quota: too many of your messages are not yet delivered";
	if (rq->mesh->all.n + s->added.n >= l->mesh_count ||
	    rq->mesh->all.bytes + s->added.bytes + p->size > l->mesh_bytes)
		return "quota: the mesh is full";
	return NULL;
}

/* ---- storing ---- */

static int
store(struct rq *rq, struct sending *s, struct parcel *p)
{
	const struct copy *c = p->copy;
	int64_t me = rq->peer->no;

	p->seq = ++rq->b->seq_last;
	if (change(rq, sql_store, db_i(p->seq), db_i((int64_t)rq->mesh->no),
		db_i(p->queue), db_i(me), db_i(p->size), db_i(rq->now),
		db_s(s->in->id), db_s(c->target_spec), db_s(s->in->priority),
		db_s(rq->peer->name), db_s(c->nonce), db_s(c->ciphertext),
		db_i(p->audience == NULL ? 0 : s->in->epoch)) == NULL)
		return rq->why.code;
	if (change(rq, sql_note, db_i(me), db_s(s->in->id),
		db_s(c->target_spec), db_i(rq->now),
		db_i(p->audience == NULL ? 0 : p->queue)) == NULL)
		return rq->why.code;
	p->stored = true;
	s->added.n++;
	s->added.bytes += p->size;
	return OK;
}

static int
known(struct rq *rq, const struct sending *s, struct recipient *out, bool *yes)
{
	struct db_rows *r;

	r = query(rq, sql_sent, db_i(rq->peer->no), db_s(s->in->id),
	    db_s(out->target_spec));
	if (r == NULL)
		return rq->why.code;
	*yes = r->n > 0;
	if (*yes) {
		out->receipt = db_text(r, 0, 0);
		out->reason = db_text(r, 0, 1);
		out->at = db_int(r, 0, 2);
		out->doc = db_text(r, 0, 3);
		if (db_int(r, 0, 4) != 0)
			return audience_keys(rq, db_int(r, 0, 4), rq->peer->no,
			    out);
	}
	return OK;
}

/* Parts of it may have been sent in an earlier frame. */
static int
sent_before(struct rq *rq, struct sending *s)
{
	struct recipient to = { .sessions = { 0, NULL } };
	struct db_rows *r;
	size_t i, k;

	r = query(rq, sql_before, db_i(rq->peer->no), db_s(s->in->id));
	if (r == NULL)
		return rq->why.code;
	for (i = 0; i < r->n; i++) {
		if (db_int(r, i, 1) == 0) {
			reached(&s->skip, db_text(r, i, 0));
			continue;
		}
		if (audience_keys(rq, db_int(r, i, 1), rq->peer->no, &to) != OK)
			return rq->why.code;
		for (k = 0; k < to.sessions.n; k++)
			reached(&s->skip, to.sessions.v[k].s);
	}
	return OK;
}

static int
send_copy(struct rq *rq, struct sending *s, size_t i)
{
	struct parcel *p = &s->parcel[i];
	struct recipient *out = &s->out[i];
	bool label = label_kind(p->copy->target_spec) != LABEL_NONE;
	const char *reason;
	bool yes = false;
	int r = known(rq, s, out, &yes);

	if (r != OK || yes)
		return r;
	s->old = false;
	r = label ? to_label(rq, s, p, &yes) : resolve(rq, p, &yes);
	if (r != OK)
		return r;
	if (!yes && !label)
		return refuse(rq, out, "no such peer");
	reason = yes ? over_quota(rq, s, p) : NULL;
	if (reason != NULL)
		return refuse(rq, out, reason);
	out->receipt = yes ? "stored" : "empty";
	out->at = rq->now;
	if (yes && label)
		audience_list(rq, p->audience, rq->peer->no, out);
	return yes ? store(rq, s, p) : OK;
}

/* Direct copies first: who gets one is in no audience of this message. A second
 * label leaves out whom the first reaches. */
static int
send_all(struct rq *rq, struct sending *s)
{
	bool labels = false;
	size_t i, k;
	int r = OK;

	for (i = 0; r == OK && i < s->n; i++) {
		if (label_kind(s->copy[i].target_spec) != LABEL_NONE)
			labels = true;
		else
			r = send_copy(rq, s, i);
	}
	if (r == OK && labels && s->n > 1) {
		for (i = 0; i < s->n; i++) {
			if (s->parcel[i].stored)
				reached(&s->skip, s->copy[i].target_spec);
		}
	}
	if (r == OK && labels)
		r = sent_before(rq, s);
	for (i = 0; r == OK && i < s->n; i++) {
		if (label_kind(s->copy[i].target_spec) == LABEL_NONE)
			continue;
		r = send_copy(rq, s, i);
		for (k = 0; k < s->out[i].sessions.n; k++)
			reached(&s->skip, s->out[i].sessions.v[k].s);
	}
	return r;
}

/* ---- after ---- */

static void
pass_on(struct rq *rq, const struct sending *s, const struct parcel *p)
{
	struct mesh *m = rq->mesh;
	struct message msg = {
		.seq = p->seq,
		.queue = p->queue,
		.created_at = rq->now,
		.id = s->in->id,
		.target = p->copy->target_spec,
		.priority = s->in->priority,
		.nonce = p->copy->nonce,
		.ciphertext = p->copy->ciphertext,
		.sender = rq->peer->key,
		.sender_member = rq->peer->member,
		.sender_name = rq->peer->name,
		.author = rq->peer->no,
	};
	const struct audience *a = p->audience;

	tally_add(&m->queues, p->queue, 1, p->size);
	if (p->own)
		tally_add(&m->senders, rq->peer->no, 1, p->size);
	else
		lane_member_mail(rq->b, m, p->queue,
		    a == NULL ? p->copy->target_spec : "");
	m->all.n++;
	m->all.bytes += p->size;
	rq->b->stat.stored++;
	if (a == NULL) {
		lane_offer(rq->b, m, &msg);
		return;
	}
	msg.epoch = s->in->epoch;
	a = audience_keep(m, p->all ? label_canonical(msg.target) : NULL, a);
	lane_offer_all(rq->b, m, &msg, a);
}

static int
answer(struct rq *rq, const struct sending *s)
{
	const char *error = NULL;
	bool queued = false;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (strcmp(s->out[i].receipt, "empty") == 0)
			error = error == NULL ? "nobody is there" : error;
		else if (strcmp(s->out[i].receipt, "refused") != 0)
			queued = true;
		else if (error == NULL)
			error = s->out[i].reason;
	}
	return reply(rq, ack, .id = s->in->id, .message_id = s->in->id,
	    .queued = queued, .duplicate = s->old,
	    .recipients = { s->n, (struct recipient *)s->out },
	    .error = queued ? NULL : error);
}

static struct sending *
gather(struct rq *rq, const struct message_send *in)
{
	struct sending *s = arena_zalloc(rq->arena, sizeof(*s));
	size_t i;

	s->in = in;
	s->old = true;
	s->n = 1 + in->copies.n;
	s->copy[0] = (struct copy){ .target_spec = in->target_spec,
		.nonce = in->nonce,
		.ciphertext = in->ciphertext };
	for (i = 0; i < s->n; i++) {
		if (i > 0)
			s->copy[i] = in->copies.v[i - 1];
		s->parcel[i].copy = &s->copy[i];
		s->parcel[i].size = (int64_t)strlen(s->copy[i].ciphertext);
		s->out[i].target_spec = s->copy[i].target_spec;
	}
	return s;
}

int
on_message_send(struct rq *rq, const struct message_send *in)
{
	struct sending *s = gather(rq, in);
	size_t i;
	int r = check_send(rq, in);

	if (r == OK)
		r = check_copies(rq, s);
	if (r == OK)
		r = check_labels(rq, s);
	if (r == OK)
		r = check_rate(rq, s->n);
	if (r == OK)
		r = send_all(rq, s);
	if (r == OK)
		r = answer(rq, s);
	for (i = 0; r == OK && i < s->n; i++) {
		if (s->parcel[i].stored)
			pass_on(rq, s, &s->parcel[i]);
	}
	return r;
}

/* ---- what became of it ---- */

int
on_message_status(struct rq *rq, const struct message_status *in)
{
	struct recipient *v;
	struct db_rows *r;
	bool all = true;
	int64_t at = 0;
	size_t i;

	r = query(rq, sql_status, db_i(rq->peer->no), db_s(in->message_id));
	if (r == NULL)
		return rq->why.code;
	if (r->n == 0)
		return rq_field(rq, E_NOT_FOUND, "messageId",
		    "this session sent no such message, or too long ago");
	v = arena_zalloc(rq->arena, r->n * sizeof(*v));
	for (i = 0; i < r->n; i++) {
		v[i] = (struct recipient){ .target_spec = db_text(r, i, 0),
			.receipt = db_text(r, i, 1),
			.reason = db_text(r, i, 2),
			.at = db_int(r, i, 3),
			.doc = db_text(r, i, 4) };
		if (db_int(r, i, 5) != 0 &&
		    audience_keys(rq, db_int(r, i, 5), rq->peer->no, &v[i]))
			return rq->why.code;
		all &= rung_arrived(v[i].receipt);
		if (v[i].at > at)
			at = v[i].at;
	}
	return reply(rq, message_status_result, .message_id = in->message_id,
	    .delivered = all, .delivered_at = all ? at : 0,
	    .recipients = { r->n, v });
}

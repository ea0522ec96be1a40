/*
 * do_message.c - sending, and how far it came. A message is answered when it is
 * in the outbox and the rung asked for is reached, or the time is over; it goes
 * on either way.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#include "base/enc.h"

#define WAIT_MS 2000
#define TARGETS_MAX 100

static bool
priority_ok(const char *p)
{
	return str_eq(p, "now") || str_eq(p, "next") || str_eq(p, "low");
}

static int
rung_ok(struct why *why, const char *rung)
{
	if (*rung == '\0' || rung_no(rung) >= 0)
		return OK;
	return why_field(why, E_BAD_FIELD, "wait",
	    "wait is queued, stored, "
	    "delivered, surfaced, in_context or answered");
}

/* ---- the answer ---- */

int
sent_reply(struct daemon *d, int64_t n, struct local_sent *out, struct arena *a)
{
	struct db_rows *r = db_query(d->db, a, NULL,
	    "SELECT o.id, m.slug, COALESCE(NULLIF(c.name, ''), p.name, s.name,"
	    " substr(c.target, 1, 8)),"
	    " c.target, c.rung, c.reason, c.at, c.via FROM outbox o"
	    " JOIN outbox_copy c ON c.outbox = o.n JOIN mesh m ON m.no = o.mesh"
	    " LEFT JOIN peer p ON p.mesh = o.mesh AND p.key = c.target"
	    " LEFT JOIN session s ON s.mesh = o.mesh AND s.key = c.target"
	    " WHERE o.n = $1 AND (c.via <> '' OR c.reason <> '' OR NOT EXISTS"
	    " (SELECT 1 FROM outbox_copy k WHERE k.outbox = $1"
	    " AND k.via = c.target)) ORDER BY c.i LIMIT 2000",
	    DB_VALS(db_i(n)));
	struct text *empty;

	if (r == NULL || r->n == 0)
		return E_NOT_FOUND;
	*out = (struct local_sent){ .id = db_text(r, 0, 0),
		.mesh = db_text(r, 0, 1) };
	out->recipients.v = arena_zalloc(a, r->n * sizeof(*out->recipients.v));
	out->empty.v = empty = arena_zalloc(a, r->n * sizeof(*empty));
	for (size_t i = 0; i < r->n; i++) {
		if (str_eq(db_text(r, i, 4), "empty")) {
			empty[out->empty.n++].s = db_text(r, i, 3);
			continue;
		}
		out->recipients.v[out->recipients.n++] =
		    (struct sent_recipient){ .name = db_text(r, i, 2),
			    .key = hex_is(db_text(r, i, 3), 32)
				? db_text(r, i, 3)
				: "",
			    .receipt = db_text(r, i, 4),
			    .reason = db_text(r, i, 5),
			    .at = db_int(r, i, 6),
			    .via = db_text(r, i, 7) };
	}
	return OK;
}

static const char *
wanted(const struct dop *op)
{
	const char *w = op->row == &wire_local_send
	    ? ((const struct local_send *)op->in)->wait
	    : ((const struct local_message_status *)op->in)->wait;

	return *w ? w : "stored";
}

static void
sent_news(struct dop *op, bool late)
{
	struct local_sent sent;

	if (sent_reply(op->d, op->n, &sent, &op->d->arena) != OK) {
		op_fail(op, E_NOT_FOUND, "the message is gone");
		return;
	}
	for (size_t i = 0; i < sent.recipients.n && !late; i++)
		if (!rung_reached(sent.recipients.v[i].receipt, wanted(op)))
			return;
	op_reply(op, &wire_local_sent, &sent);
}

/* ---- sending ---- */

struct sending {
	const struct local_send *in;
	struct dmesh *m;
	struct dsess *from;
	struct target to[TARGETS_MAX];
	size_t nto;
};

static int
resolve_all(struct sending *s, struct why *why)
{
	struct target t;
	size_t k;
	int code;

	s->nto = 0;
	/* those to one first: labels leave out whom they reach */
	for (size_t i = 0; i < 2 * s->in->to.n; i++) {
		const char *to = s->in->to.v[i % s->in->to.n].s;

		if ((label_kind(to) != LABEL_NONE) != (i >= s->in->to.n))
			continue;
		code = name_resolve(s->m, to, &t, why);
		if (code != OK)
			return code;
		for (k = 0; k < s->nto && !str_eq(s->to[k].key, t.key); k++)
			;
		if (k == s->nto)
			s->to[s->nto++] = t;
	}
	return OK;
}

/* Answering a message tells its sender so, by a receipt of ours. */
static int
mark_answered(struct sending *s, struct why *why)
{
	int code;

	if (*s->in->reply_to == '\0')
		return OK;
	code = d_write(s->m->d, why,
	    "UPDATE inbox SET receipt = 'answered',"
	    " reason = '', told = 0 WHERE mesh = $1 AND id = $2 AND session = $3"
	    " AND receipt IN ('delivered', 'held')",
	    DB_VALS(db_i(s->m->no), db_s(s->in->reply_to), db_i(s->from->no)));
	s->m->ack = true;
	return code;
}

static int
insert(struct sending *s, int64_t *n, struct why *why)
{
	struct daemon *d = s->m->d;
	const char *priority = *s->in->priority ? s->in->priority : "next";
	char id[23];
	int code;

	d_ids(d, id);
	code = d_write(d, why,
	    "INSERT INTO outbox (id, mesh, session, body,"
	    " priority, reply_to, expects, sent_at)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	    DB_VALS(db_s(id), db_i(s->m->no), db_i(s->from->no),
		db_s(s->in->text), db_s(priority), db_s(s->in->reply_to),
		db_s(s->in->expects), db_i(d_now(d))));
	*n = db_last_rowkey(d->db);
	for (size_t i = 0; i < s->nto && code == OK; i++)
		code = d_write(d, why,
		    "INSERT INTO outbox_copy (outbox, i, mesh,"
		    " target, name, meant, rung, reason, at, doc, open)"
		    " VALUES ($1, $2, $3, $4, $5, $6, 'queued', '', $7, '', 1)",
		    DB_VALS(db_i(*n), db_i((int64_t)i), db_i(s->m->no),
			db_s(s->to[i].key), db_s(s->to[i].name),
			db_s(s->to[i].meant), db_i(d_now(d))));
	return code == OK ? mark_answered(s, why) : code;
}

/* It is in the outbox, and from now on it waits for its rung. */
static void
wait_for_rung(struct dop *op, struct sending *s, int64_t n)
{
	int64_t ms = s->in->wait_ms ? s->in->wait_ms : WAIT_MS;

	op->n = n;
	s->m->sends_more = s->m->pump = true;
	op_wait(op, NEWS_SENT, ms, sent_news);
	op->d->news |= NEWS_SENT; /* queued may be all that is asked for */
}

/* The name was not known; now that the list of peers is fresh, is it? */
static void
resolve_again(struct dop *op, bool late)
{
	struct sending s = { .in = op->in,
		.m = dmesh_at(op->d, op->mesh),
		.from = sess_at(op->d, op->session) };
	struct why why;
	int64_t n = 0;

	if (s.m == NULL || s.from == NULL) {
		op_fail(op, E_NO_MESH, "the mesh is gone");
		return;
	}
	if (!late && (!dmesh_up(s.m) || s.m->roster_asked || s.m->roster_stale))
		return;
	if (resolve_all(&s, &why) != OK || insert(&s, &n, &why) != OK)
		op_fail_why(op, &why);
	else
		wait_for_rung(op, &s, n);
}

static int
check_send(struct dq *q, const struct local_send *in)
{
	const char *fault;

	if (in->to.n == 0)
		return dq_fail(q, E_MISSING_FIELD, "no recipient is named");
	if (*in->priority != '\0' && !priority_ok(in->priority))
		return why_field(&q->why, E_BAD_FIELD, "priority",
		    "priority is now, next or low");
	if (*in->expects != '\0' && !str_eq(in->expects, "reply") &&
	    !str_eq(in->expects, "none"))
		return why_field(&q->why, E_BAD_FIELD, "expects",
		    "expects is reply or none");
	for (size_t i = 0; i < in->to.n; i++)
		if ((fault = str_name_fault(in->to.v[i].s, 128)) != NULL)
			return why_field(&q->why, E_BAD_FIELD, "to",
			    "recipient %zu %s", i + 1, fault);
	return rung_ok(&q->why, in->wait);
}

int
on_local_send(struct dq *q, const struct local_send *in)
{
	struct sending s = { .in = in };
	struct dop *op;
	int64_t n = 0;
	int code;

	if ((code = check_send(q, in)) != OK)
		return code;
	if ((s.m = dq_mesh(q, in->mesh)) == NULL ||
	    (s.from = dq_speaker(q, s.m)) == NULL)
		return q->why.code;
	if (s.m->out)
		return dq_fail(q, E_NOT_MEMBER, "mesh %s: %s", s.m->slug,
		    link_reason(s.m->link));
	code = resolve_all(&s, &q->why);
	if (code == E_NO_PEER &&
	    (dmesh_up(s.m) || link_phase(s.m->link) == LINK_CONNECTING ||
		s.m->roster_asked)) {
		/* news of somebody who just came may still be on its way */
		s.m->roster_stale = true;
		op = op_new(q, s.m, s.from);
		op_wait(op, NEWS_UP, WAIT_MS, resolve_again);
		return OK;
	}
	if (code != OK || (code = insert(&s, &n, &q->why)) != OK)
		return code;
	op = op_new(q, s.m, s.from);
	wait_for_rung(op, &s, n);
	return OK;
}

/* ---- status ---- */

static int
find_sent(struct dq *q, const char *id, int64_t *n)
{
	char low[80], high[80];
	struct db_rows *r;

	snprintf(low, sizeof(low), "%.64s", id);
	snprintf(high, sizeof(high), "%.64s~", id); /* ~ is above every id */
	r = d_read(q->d, &q->why,
	    "SELECT n, id FROM outbox WHERE id >= $1"
	    " AND id < $2 ORDER BY id LIMIT 2",
	    DB_VALS(db_s(low), db_s(high)));
	if (r == NULL)
		return q->why.code;
	if (r->n == 0)
		return dq_fail(q, E_NOT_FOUND,
		    "no message %.64s was sent from here", id);
	if (r->n == 2 && !str_eq(db_text(r, 0, 1), id))
		return dq_fail(q, E_AMBIGUOUS,
		    "several messages begin with %.64s", id);
	*n = db_int(r, 0, 0);
	return OK;
}

int
on_local_message_status(struct dq *q, const struct local_message_status *in)
{
	struct local_sent sent;
	struct dop *op;
	int64_t n = 0;
	int code;

	if ((code = rung_ok(&q->why, in->wait)) != OK ||
	    (code = find_sent(q, in->id, &n)) != OK)
		return code;
	if (*in->wait == '\0' || in->wait_ms == 0) {
		if ((code = sent_reply(q->d, n, &sent, q->a)) != OK)
			return dq_fail(q, code, "the message is gone");
		return dq_reply(q, &wire_local_sent, &sent);
	}
	op = op_new(q, NULL, NULL);
	op->n = n;
	op_wait(op, NEWS_SENT, in->wait_ms, sent_news);
	q->d->news |= NEWS_SENT; /* look at once */
	return OK;
}

/* The lowest rung of a message's copies, and its reason. */
static int
severity(const char *rung)
{
	int n = rung_no(rung);

	return n >= 0		      ? 10 + n
	    : str_eq(rung, "held")    ? 11
	    : str_eq(rung, "failed")  ? 1
	    : str_eq(rung, "refused") ? 0
				      : 2;
}

/* Rows come copy by copy, newest message first: one out per message. */
static void
fold(struct local_messages *out, const struct db_rows *r, size_t limit)
{
	size_t bytes = 0;
	struct sent_row *row = NULL;

	for (size_t i = 0; i < r->n; i++) {
		const char *id = db_text(r, i, 0), *rung = db_text(r, i, 5);

		if (row == NULL || !str_eq(row->id, id)) {
			bytes += strlen(db_text(r, i, 3)) + 400;
			if (out->messages.n == limit ||
			    bytes > LOCAL_PAGE_BYTES)
				return;
			row = &out->messages.v[out->messages.n++];
			*row = (struct sent_row){ id, db_text(r, i, 1),
				db_text(r, i, 2), db_text(r, i, 3),
				db_text(r, i, 4), rung, db_text(r, i, 6),
				db_int(r, i, 7), 0 };
		} else if (severity(rung) < severity(row->receipt)) {
			row->receipt = rung;
			row->reason = db_text(r, i, 6);
			row->to = db_text(r, i, 2);
		}
	}
}

int
on_local_message_list(struct dq *q, const struct local_message_list *in)
{
	struct local_messages out = { 0 };
	size_t limit = in->limit ? (size_t)in->limit : 50;
	struct dmesh *m = NULL;
	struct db_rows *r;

	if (*in->mesh != '\0' && (m = dq_mesh(q, in->mesh)) == NULL)
		return q->why.code;
	r = d_read(q->d, &q->why,
	    "SELECT o.id, s.slug, COALESCE(NULLIF(c.via, ''), c.name), o.body,"
	    " o.priority, c.rung, c.reason, o.sent_at FROM (SELECT * FROM outbox"
	    "  WHERE ($1 = 0 OR mesh = $1) AND ($2 = 0 OR EXISTS (SELECT 1 FROM"
	    "  outbox_copy w WHERE w.outbox = outbox.n AND w.open = 1))"
	    "  ORDER BY n DESC LIMIT $3) o"
	    " JOIN outbox_copy c ON c.outbox = o.n AND (c.via <> '' OR NOT EXISTS"
	    "  (SELECT 1 FROM outbox_copy k WHERE k.outbox = o.n AND k.via = c.target))"
	    " JOIN mesh s ON s.no = o.mesh"
	    " ORDER BY o.n DESC, c.i LIMIT 20000",
	    DB_VALS(db_i(m ? m->no : 0), db_i(in->pending),
		db_i((int64_t)limit)));
	if (r == NULL)
		return q->why.code;
	out.messages.v = arena_zalloc(q->a, limit * sizeof(*out.messages.v));
	fold(&out, r, limit);
	return dq_reply(q, &wire_local_messages, &out);
}

/*
 * receipt.c - what receivers say became of their mail: a cumulative cursor, and
 * signed receipts, which are kept as evidence and passed on to the senders.
 *
 * A receipt counts only for copies that were addressed to its signer or the
 * signer's member, by the sender it names, and only upwards. The cursor moves
 * in memory here and is written once a turn (lane.c).
 *
 * For copies to labels no rung is kept here, only the document, found by the
 * sender (list_receipts): one signer has one document for a rung that begins with
 * an id, and a later one takes its place.
 */
#include <string.h>

#include "broker/broker.h"
#include "broker/rung.h"

#define IDS_MAX 8000

static const char sql_session[] =
    "SELECT no, member FROM session WHERE mesh = $1 AND key = $2 LIMIT 1";
static const char sql_sent[] =
    "SELECT target, receipt FROM sent WHERE sender = $1 AND id = $2"
    " AND target IN ($3, $4) LIMIT 2";
static const char sql_doc[] =
    "INSERT INTO receipt (doc, at) VALUES ($1, $2) RETURNING no";
static const char sql_raise[] =
    "UPDATE sent SET receipt = $4, reason = $5, at = $6, doc = $7"
    " WHERE sender = $1 AND id = $2 AND target = $3";

static const char sql_heard[] =
    "SELECT 1 FROM sent s JOIN audience a ON a.queue = s.audience"
    " WHERE s.sender = $1 AND s.id = $2 AND s.audience <> 0"
    " AND a.session = $3 LIMIT 1";
static const char sql_slip[] =
    "SELECT doc FROM receipt WHERE sender = $1 AND sender <> 0 AND slip = $2"
    " LIMIT 1";
static const char sql_slip_gone[] =
    "DELETE FROM receipt WHERE sender = $1 AND sender <> 0 AND slip = $2";
static const char sql_slip_doc[] =
    "INSERT INTO receipt (doc, at, sender, slip) VALUES ($1, $2, $3, $4)"
    " RETURNING no";

struct raise {
	const char *id, *target;
};

struct slip { /* one receipt */
	const char *b64;
	struct receipt_doc doc;
	int64_t from; /* session.no of the sender */
	int64_t by;   /* and of the signer */
	int64_t no;   /* its place, of one for copies to labels */
	bool heard;   /* the signer was in the audience of some id */
	struct raise *up;
	size_t nup;
};

/* A session of this mesh: here, or known. no 0: unknown. */
static int
session_no(struct rq *rq, const char *key, int64_t *no, const char **member)
{
	const struct presence *p = presence_of(rq->mesh, key);
	struct db_rows *r;

	*no = 0;
	*member = "";
	if (p != NULL) {
		*no = p->no;
		*member = p->member;
		return OK;
	}
	r = query(rq, sql_session, db_i((int64_t)rq->mesh->no), db_s(key));
	if (r == NULL)
		return rq->why.code;
	if (r->n > 0) {
		*no = db_int(r, 0, 0);
		*member = db_text(r, 0, 1);
	}
	return OK;
}

static int
read_slip(struct rq *rq, struct slip *s)
{
	const char *member;
	int64_t no;
	int r;

	r = doc_peek(rq->arena, s->b64, &wire_receipt_doc, &s->doc, &rq->why);
	if (r != OK)
		return r;
	if (strcmp(s->doc.mesh, rq->mesh->id) != 0)
		return rq_field(rq, E_BAD_FIELD, "receipts",
		    "a receipt is for another mesh");
	if (rung_rank(s->doc.rung) < 0)
		return rq_field(rq, E_BAD_FIELD, "receipts.rung",
		    "delivered, surfaced, in_context, answered, held or failed");
	r = session_no(rq, s->doc.by, &no, &member);
	if (r == OK && (no == 0 || strcmp(member, rq->peer->member) != 0))
		return rq_field(rq, E_FORBIDDEN, "receipts.by",
		    "a receipt is not by a session of this member");
	if (r == OK)
		r = doc_open(rq->arena, s->b64, "receipt", &wire_receipt_doc,
		    &s->doc, s->doc.by, &rq->why);
	s->by = no;
	if (r == OK)
		r = session_no(rq, s->doc.from, &s->from, &member);
	return r;
}

/* The copies that this receipt raises. */
static int
find_raises(struct rq *rq, struct slip *s)
{
	struct db_rows *r;
	size_t i, k;

	s->up = arena_alloc(rq->arena, 2 * s->doc.ids.n * sizeof(*s->up) + 1);
	for (i = 0; i < s->doc.ids.n; i++) {
		r = query(rq, sql_sent, db_i(s->from), db_s(s->doc.ids.v[i].s),
		    db_s(s->doc.by), db_s(rq->peer->member));
		if (r == NULL)
			return rq->why.code;
		for (k = 0; k < r->n; k++) {
			if (!rung_may_follow(s->doc.rung, db_text(r, k, 1)))
				continue;
			s->up[s->nup].id = s->doc.ids.v[i].s;
			s->up[s->nup++].target = db_text(r, k, 0);
		}
		if (r->n > 0 || s->heard || s->by == s->from)
			continue;
		r = query(rq, sql_heard, db_i(s->from), db_s(s->doc.ids.v[i].s),
		    db_i(s->by));
		if (r == NULL)
			return rq->why.code;
		s->heard = r->n > 0;
	}
	return OK;
}

/* Of copies to labels only. A document that is kept already says nothing new. */
static int
write_heard(struct rq *rq, struct slip *s)
{
	const char *slip = arena_printf(rq->arena, "%lld %s %s",
	    (long long)s->by, s->doc.rung, s->doc.ids.v[0].s);
	struct db_rows *r = query(rq, sql_slip, db_i(s->from), db_s(slip));

	if (r == NULL)
		return rq->why.code;
	if (r->n > 0 && strcmp(db_text(r, 0, 0), s->b64) == 0)
		return OK;
	if (r->n > 0 &&
	    change(rq, sql_slip_gone, db_i(s->from), db_s(slip)) == NULL)
		return rq->why.code;
	r = change(rq, sql_slip_doc, db_s(s->b64), db_i(rq->now), db_i(s->from),
	    db_s(slip));
	if (r == NULL)
		return rq->why.code;
	s->no = db_int(r, 0, 0);
	return OK;
}

static int
write_slip(struct rq *rq, const struct slip *s)
{
	struct db_rows *r;
	int64_t doc;
	size_t i;

	r = change(rq, sql_doc, db_s(s->b64), db_i(rq->now));
	if (r == NULL)
		return rq->why.code;
	doc = db_int(r, 0, 0);
	for (i = 0; i < s->nup; i++) {
		if (change(rq, sql_raise, db_i(s->from), db_s(s->up[i].id),
			db_s(s->up[i].target), db_s(s->doc.rung),
			db_s(s->doc.reason), db_i(rq->now), db_i(doc)) == NULL)
			return rq->why.code;
	}
	return OK;
}

/* To the sender, if it is here; message_status tells it otherwise. */
static void
pass_on(struct rq *rq, const struct slip *s)
{
	const struct presence *p = presence_of(rq->mesh, s->doc.from);
	struct bconn *c = p == NULL ? NULL : conn_at(rq->b, p->conn);

	rq->b->stat.receipts++;
	if (conn_event(rq->b, c))
		push(rq->b, c, p->key, message_receipt, .doc = s->b64,
		    .no = s->no);
}

static int
take_receipts(struct rq *rq, const struct message_ack *in)
{
	struct slip *s;
	size_t i, ids = 0;
	int r = OK;

	for (i = 0; r == OK && i < in->receipts.n; i++) {
		s = arena_zalloc(rq->arena, sizeof(*s));
		s->b64 = in->receipts.v[i].s;
		r = read_slip(rq, s);
		ids += s->doc.ids.n;
		if (r == OK && ids > IDS_MAX)
			return rq_field(rq, E_TOO_LARGE, "receipts",
			    "at most %d message ids at once", IDS_MAX);
		if (r == OK && s->from != 0)
			r = find_raises(rq, s);
		if (r != OK || (s->nup == 0 && !s->heard))
			continue;
		r = s->nup > 0 ? write_slip(rq, s) : write_heard(rq, s);
		if (r == OK && (s->nup > 0 || s->no > 0))
			pass_on(rq, s);
	}
	return r;
}

static int
check_cursor(struct rq *rq, const struct cursor *c, struct lane **lane)
{
	*lane = map_geti(&rq->mesh->lanes, (uint64_t)rq->peer->queue);
	if (strcmp(c->history, rq->b->history) != 0)
		return rq_field(rq, E_CONFLICT, "cursor.history",
		    "this broker's history is '%s'", rq->b->history);
	if (c->seq > rq->b->seq_last)
		return rq_field(rq, E_OUT_OF_RANGE, "cursor.seq",
		    "the broker has not given this number yet");
	if (*lane != NULL && (*lane)->conn != rq->conn->id)
		*lane = NULL; /* the daemon reads on another connection now */
	return OK;
}

int
on_message_ack(struct rq *rq, const struct message_ack *in)
{
	struct lane *lane = NULL;
	int r = OK;

	if (in->has_cursor)
		r = check_cursor(rq, &in->cursor, &lane);
	if (r == OK)
		r = take_receipts(rq, in);
	if (r == OK && lane != NULL)
		r = turn_writes(rq->b->turn, rq->mesh->no, &rq->why);
	if (r != OK)
		return r;
	r = rq_ok(rq);
	if (lane != NULL)
		lane_ack(rq->b, lane, in->cursor.seq);
	return r;
}

/*
 * sweep.c - what time does: mail that expires, statuses that are forgotten,
 * kept answers, erased meshes, attestations that ran out, memory nobody uses.
 *
 * In slices: each statement is bounded, and when there was more than a slice the
 * next sweep comes soon.
 */
#include <string.h>

#include "broker/broker.h"

#define EVERY_MS 60000
#define SOON_MS 1000
#define SLICE 500
#define SPARE_PAGES 256
#define SETTLED_MS (7 * DAY_MS)
#define FORGOTTEN_MS (37 * DAY_MS)
#define UNSEEN_MS (90 * DAY_MS) /* nothing of such a session is left */

static const char sql_oldest[] =
    "SELECT m.seq, m.mesh, m.queue, m.sender, m.size, m.id, m.target,"
    " q.daemon, s.key, m.created_at, q.member FROM message m"
    " JOIN queue q ON q.no = m.queue JOIN session s ON s.no = m.sender"
    " ORDER BY m.seq LIMIT $1"; /* seq is given in the order of time */
static const char sql_any_old[] =
    "SELECT created_at FROM message ORDER BY seq LIMIT 1";
static const char sql_drop[] = "DELETE FROM message WHERE seq = $1";
static const char sql_expire[] =
    "UPDATE sent SET receipt = 'expired', at = $4 WHERE sender = $1"
    " AND id = $2 AND target = $3 AND receipt IN ('stored', 'held')";
static const char sql_settled[] =
    "SELECT sender, id, target, receipt, at FROM sent"
    " WHERE at > $1 AND at < $2 ORDER BY at LIMIT $3";
static const char sql_forget[] =
    "DELETE FROM sent WHERE sender = $1 AND id = $2 AND target = $3";
static const char sql_once[] =
    "DELETE FROM once WHERE (session, reqid) IN (SELECT session, reqid"
    " FROM once WHERE at < $1 ORDER BY at LIMIT $2)";
static const char sql_receipts[] =
    "DELETE FROM receipt WHERE no IN (SELECT no FROM receipt WHERE at < $1"
    " ORDER BY at LIMIT $2)";

/* Nothing is to be said of what was said to them. */
static const char sql_audiences[] =
    "DELETE FROM audience WHERE (queue, session) IN (SELECT a.queue, a.session"
    " FROM queue q JOIN audience a ON a.queue = q.no WHERE q.member = ''"
    " AND q.seen_at < $1 LIMIT $2)";
static const char sql_interned[] =
    "DELETE FROM queue WHERE no IN (SELECT no FROM queue q WHERE q.member = ''"
    " AND q.seen_at < $1 AND NOT EXISTS (SELECT 1 FROM message m"
    " WHERE m.queue = q.no) LIMIT $2)";
static const char sql_labels[] =
    "DELETE FROM label WHERE (session, label) IN (SELECT l.session, l.label"
    " FROM session s JOIN label l ON l.session = s.no WHERE s.seen_at < $1"
    " LIMIT $2)";
static const char sql_sessions[] =
    "DELETE FROM session WHERE no IN (SELECT no FROM session"
    " WHERE seen_at < $1 ORDER BY seen_at LIMIT $2)";

/* ---- mail ---- */

static void
tell_sender(struct broker *b, struct mesh *m, const struct db_rows *r, size_t i)
{
	struct presence *p = presence_of(m, db_text(r, i, 8));
	struct bconn *c = p == NULL ? NULL : conn_at(b, p->conn);

	if (conn_event(b, c))
		push(b, c, p->key, message_receipt,
		    .message_id = db_text(r, i, 5),
		    .target_spec = db_text(r, i, 6), .receipt = "expired");
}

static void
uncount(struct mesh *m, const struct db_rows *r, size_t i)
{
	int64_t size = db_int(r, i, 4);

	tally_add(&m->queues, db_int(r, i, 2), -1, -size);
	if (db_text(r, i, 7)[0] != '\0' && db_text(r, i, 10)[0] != '\0')
		tally_add(&m->senders, db_int(r, i, 3), -1, -size);
	m->all.n--;
	m->all.bytes -= size;
}

static bool
expire(struct rq *rq, const struct db_rows *r, size_t i)
{
	struct broker *b = rq->b;
	uint64_t no = (uint64_t)db_int(r, i, 1);
	struct mesh *m = map_geti(&b->meshes, no);

	if (turn_writes(b->turn, no, &rq->why) != OK ||
	    db_run(b->db, &rq->why, sql_drop, DB_VALS(db_i(db_int(r, i, 0)))) ||
	    db_run(b->db, &rq->why, sql_expire,
		DB_VALS(db_i(db_int(r, i, 3)), db_s(db_text(r, i, 5)),
		    db_s(db_text(r, i, 6)), db_i(rq->now))) != OK)
		return false;
	if (m == NULL)
		return true;
	if (db_changes(b->db) > 0)
		tell_sender(b, m, r, i);
	uncount(m, r, i);
	return true;
}

static bool
sweep_mail(struct rq *rq)
{
	int64_t before = rq->now - rq->b->conf.limits.keep_ms;
	struct db_rows *r = rq_query(rq, sql_any_old, 0, NULL);
	size_t i;

	if (r == NULL || r->n == 0 || db_int(r, 0, 0) >= before)
		return false;
	r = query(rq, sql_oldest, db_i(SLICE));
	for (i = 0; r != NULL && i < r->n; i++) {
		if (db_int(r, i, 9) >= before || !expire(rq, r, i))
			return false;
	}
	return r != NULL && r->n == SLICE;
}

/* ---- statuses, answers, evidence ---- */

static bool
settled(const char *receipt)
{
	return strcmp(receipt, "stored") != 0 && strcmp(receipt, "held") != 0;
}

static bool
sweep_sent(struct rq *rq)
{
	struct broker *b = rq->b;
	struct db_rows *r;
	int64_t at;
	size_t i;

	r = query(rq, sql_settled, db_i(b->sweep_sent),
	    db_i(rq->now - SETTLED_MS), db_i(SLICE));
	if (r == NULL)
		return false;
	for (i = 0; i < r->n; i++) {
		at = db_int(r, i, 4);
		if (!settled(db_text(r, i, 3)) && at > rq->now - FORGOTTEN_MS)
			continue;
		if (change(rq, sql_forget, db_i(db_int(r, i, 0)),
			db_s(db_text(r, i, 1)), db_s(db_text(r, i, 2))) == NULL)
			return false;
	}
	b->sweep_sent = r->n == SLICE ? db_int(r, r->n - 1, 4) : 0;
	return r->n == SLICE;
}

static bool
sweep_rest(struct rq *rq)
{
	struct broker *b = rq->b;
	bool more;

	if (change(rq, sql_once, db_i(rq->now - DAY_MS), db_i(SLICE)) == NULL)
		return false;
	more = db_changes(b->db) == SLICE;
	if (change(rq, sql_receipts, db_i(rq->now - FORGOTTEN_MS),
		db_i(SLICE)) == NULL)
		return false;
	more |= db_changes(b->db) == SLICE;
	if (change(rq, sql_labels, db_i(rq->now - UNSEEN_MS), db_i(SLICE)) ==
	    NULL)
		return false;
	more |= db_changes(b->db) == SLICE;
	if (change(rq, sql_sessions, db_i(rq->now - UNSEEN_MS), db_i(SLICE)) ==
	    NULL)
		return false;
	return more || db_changes(b->db) == SLICE;
}

/* Audiences that nobody wrote to for so long that their receipts are gone. */
static bool
sweep_audiences(struct rq *rq)
{
	int64_t before = rq->now - FORGOTTEN_MS - DAY_MS;

	if (change(rq, sql_audiences, db_i(before), db_i(SLICE)) == NULL)
		return false;
	if (db_changes(rq->b->db) > 0)
		return true; /* their queues when they are empty */
	if (change(rq, sql_interned, db_i(before), db_i(SLICE)) == NULL)
		return false;
	return db_changes(rq->b->db) == SLICE;
}

/* ---- meshes that were erased ---- */

static const char sql_erased[] =
    "SELECT no FROM mesh WHERE id >= '!' AND id < '\"' LIMIT 1";
/* In this order: what names others before the others. */
static const char *const sql_erase[] = {
	"DELETE FROM message WHERE seq IN (SELECT m.seq FROM message m"
	" WHERE m.queue IN (SELECT no FROM queue WHERE mesh = $1 LIMIT $2)"
	" LIMIT $2)",
	"DELETE FROM sent WHERE (sender, id, target) IN (SELECT s.sender, s.id,"
	" s.target FROM sent s WHERE s.sender IN (SELECT no FROM session"
	" WHERE mesh = $1 LIMIT $2) LIMIT $2)",
	"DELETE FROM once WHERE (session, reqid) IN (SELECT o.session, o.reqid"
	" FROM once o WHERE o.session IN (SELECT no FROM session WHERE mesh = $1"
	" LIMIT $2) LIMIT $2)",
	"DELETE FROM label WHERE (session, label) IN (SELECT session, label"
	" FROM label WHERE mesh = $1 LIMIT $2)",
	"DELETE FROM session WHERE no IN (SELECT no FROM session"
	" WHERE mesh = $1 LIMIT $2)",
	"DELETE FROM audience WHERE (queue, session) IN (SELECT a.queue,"
	" a.session FROM queue q JOIN audience a ON a.queue = q.no"
	" WHERE q.mesh = $1 AND q.member = '' LIMIT $2)",
	"DELETE FROM queue WHERE no IN (SELECT no FROM queue WHERE mesh = $1"
	" LIMIT $2)",
	"DELETE FROM state WHERE (mesh, key) IN (SELECT mesh, key FROM state"
	" WHERE mesh = $1 LIMIT $2)",
	"INSERT INTO memory_text (memory_text, rowid, content, tags)"
	" SELECT 'delete', no, content, tags FROM (SELECT no, content, tags,"
	" forgotten_at FROM memory WHERE mesh = $1 ORDER BY no LIMIT $2)"
	" WHERE forgotten_at = 0",
	"DELETE FROM memory WHERE no IN (SELECT no FROM memory WHERE mesh = $1"
	" ORDER BY no LIMIT $2)",
	"DELETE FROM vouch WHERE no IN (SELECT no FROM vouch WHERE mesh = $1"
	" LIMIT $2)",
	"DELETE FROM kept WHERE (mesh, kind) IN (SELECT mesh, kind FROM kept"
	" WHERE mesh = $1 LIMIT $2)",
	"DELETE FROM epoch_key WHERE (mesh, key, epoch) IN (SELECT mesh, key,"
	" epoch FROM epoch_key WHERE mesh = $1 LIMIT $2)",
	"DELETE FROM epoch_stage WHERE (mesh, member, key) IN (SELECT mesh,"
	" member, key FROM epoch_stage WHERE mesh = $1 LIMIT $2)",
	"DELETE FROM epoch_prev WHERE (mesh, epoch) IN (SELECT mesh, epoch"
	" FROM epoch_prev WHERE mesh = $1 LIMIT $2)",
	"DELETE FROM invite WHERE key IN (SELECT key FROM invite"
	" WHERE mesh = $1 LIMIT $2)",
	"DELETE FROM act WHERE (mesh, n) IN (SELECT mesh, n FROM act"
	" WHERE mesh = $1 LIMIT $2)",
	"DELETE FROM mesh WHERE no = $1 AND $2 > 0",
};

static bool
sweep_erased(struct rq *rq)
{
	struct db_rows *r = rq_query(rq, sql_erased, 0, NULL);
	size_t i;

	if (r == NULL || r->n == 0)
		return false;
	for (i = 0; i < countof(sql_erase); i++) {
		if (change(rq, sql_erase[i], db_i(db_int(r, 0, 0)),
			db_i(SLICE)) == NULL)
			return false;
		if (sql_erase[i][0] == 'I')
			continue; /* out of the index, and now for itself */
		if (i + 1 < countof(sql_erase) && db_changes(rq->b->db) > 0)
			return true; /* this table again, next time */
	}
	return true;
}

/* ---- room ---- */

static int64_t
pragma(struct rq *rq, const char *sql)
{
	struct db_rows *r = rq_query(rq, sql, 0, NULL);

	return r == NULL || r->n == 0 ? 0 : db_int(r, 0, 0);
}

/* Pages that nothing needs go back to the disk, some at a time. A file from
 * before we did so keeps them, and uses them again. */
static bool
sweep_pages(struct rq *rq)
{
	static const char count[] = "PRAGMA freelist_count";
	int64_t unused = pragma(rq, count), left;

	if (unused <= SPARE_PAGES || pragma(rq, "PRAGMA auto_vacuum") != 2)
		return false;
	if (rq_change(rq, "PRAGMA incremental_vacuum(64)", 0, NULL) == NULL)
		return false;
	left = pragma(rq, count);
	return left < unused && left > SPARE_PAGES;
}

/* ---- memory ---- */

static void
unload_idle(struct broker *b)
{
	struct mesh *m;
	size_t i = 0;

	while ((m = map_next(&b->meshes, &i)) != NULL) {
		bool idle = m->here.n == 0 && m->lanes.n == 0 && m->conns == 0;

		audience_sweep(m);
		if (idle && m->idle)
			mesh_free(b, m);
		else
			m->idle = idle;
	}
}

static bool
sweep_one(struct broker *b, bool (*what)(struct rq *))
{
	struct rq rq = { .b = b, .arena = &b->arena, .now = io_wall(b->io) };
	bool more;

	turn_request_begin(b->turn);
	more = what(&rq);
	own_end(b, &rq, rq.why.code == OK);
	return more;
}

void
sweep_run(struct broker *b)
{
	bool more = false;

	presence_expired(b);
	unload_idle(b);
	if (!turn_is_read_only(b->turn)) {
		more |= sweep_one(b, sweep_mail);
		more |= sweep_one(b, sweep_sent);
		more |= sweep_one(b, sweep_rest);
		more |= sweep_one(b, sweep_audiences);
		more |= sweep_one(b, sweep_erased);
		more |= sweep_one(b, sweep_pages);
	}
	b->sweep_at = io_mono(b->io) + (more ? SOON_MS : EVERY_MS);
}

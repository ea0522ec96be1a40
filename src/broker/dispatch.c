/*
 * dispatch.c - requests: which connection is served, who speaks, may they, and
 * what they are told when it failed.
 *
 * Connections are served in turn, a bounded slice each, and a turn has a budget,
 * so nobody waits for somebody else's flood. Everything a domain need not think
 * of is here: lengths and types (the rows), scopes, the budgets of those who
 * have not said hello, answers kept for ONCE rows, errors, the access line.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/broker.h"
#include "broker/compat.h"

#define SLICE_REQUESTS 64
#define SLICE_BYTES (64 * 1024)
#define TURN_REQUESTS 2000
#define TURN_BYTES (4 * 1024 * 1024)
#define TURN_US 5000
#define BAD_MAX 100   /* undecodable frames in a row */
#define FAILS_MAX 5   /* failed proofs before a hello */
#define HELLO_RATE 50 /* open requests a second once admitted */
#define HELLO_BURST 500

static const char sql_once_get[] =
    "SELECT reply FROM once WHERE session = $1 AND reqid = $2 LIMIT 1";
static const char sql_once_put[] =
    "INSERT INTO once (session, reqid, reply, at) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (session, reqid) DO NOTHING";

/* ---- the table, once more: a caller with one signature for each row ---- */

#define REQUEST(c, wire, scope, reply, doc)                \
	static int call_##c(struct rq *rq, const void *in) \
	{                                                  \
		return on_##c(rq, in);                     \
	}
#define REPLY(c, wire, doc)
#define PUSH(c, wire, doc)
#define RECORD(c, doc)
#define END
#include "wire/nofields.h"
#define PROTO_REMOTE
#include "proto/all.def"
#undef PROTO_REMOTE
#include "wire/undef.h"

#define REQUEST(c, wire, scope, reply, doc) [M_##c] = call_##c,
#define REPLY(c, wire, doc)
#define PUSH(c, wire, doc)
#define RECORD(c, doc)
#define END
static int (*const handler[M_COUNT_])(struct rq *, const void *) = {
#include "wire/nofields.h"
#define PROTO_REMOTE
#include "proto/all.def"
#undef PROTO_REMOTE
#include "wire/undef.h"
};

void
dispatch_check_rows(void)
{
	const struct wire_msg *m;
	size_t i;

	for (i = 0; (m = wire_row(i)) != NULL; i++) {
		if (m->kind != W_REQUEST ||
		    (m->scope & SCOPE_MASK) == SCOPE_LOCAL)
			continue;
		if (handler[m->no] == NULL) { /* it names the wrong scope */
			log_event(LOG_ERROR, "no_handler", "row", m->name,
			    NULL);
			abort();
		}
	}
}

/* ---- storing ---- */

struct db_rows *
rq_query(struct rq *rq, const char *sql, size_t n, const struct db_val *v)
{
	struct db_rows *r;

	r = db_query(rq->b->db, rq->arena, &rq->why, sql, n, v);
	/* What we ask is bounded; the machine is slow, nothing is to be narrowed */
	if (r == NULL && rq->why.code == E_TOO_BROAD)
		rq_fail(rq, E_UNAVAILABLE, "the broker is busy; try again");
	return r;
}

struct db_rows *
rq_change(struct rq *rq, const char *sql, size_t n, const struct db_val *v)
{
	uint64_t mark = rq->mesh == NULL ? 0 : rq->mesh->no;

	if (turn_writes(rq->b->turn, mark, &rq->why) != OK)
		return NULL;
	return rq_query(rq, sql, n, v);
}

bool
own_begin(struct broker *b, struct mesh *m, struct rq *rq)
{
	*rq = (struct rq){ .b = b,
		.mesh = m,
		.arena = &b->arena,
		.now = io_wall(b->io) };
	turn_request_begin(b->turn);
	return turn_writes(b->turn, m == NULL ? 0 : m->no, &rq->why) == OK;
}

void
own_end(struct broker *b, struct rq *rq, bool ok)
{
	turn_request_end(b->turn, ok);
	arena_reset(rq->arena);
}

/* ---- who speaks ---- */

int
dispatch_session(struct rq *rq)
{
	struct bconn *c = rq->conn;
	size_t i;

	if (c->sessions.n == 0)
		return rq_fail(rq, E_NO_HELLO, NULL);
	for (i = 0; i < c->sessions.n && rq->peer == NULL; i++) {
		if (rq->frame.session == NULL ||
		    strcmp(c->sessions.v[i]->key, rq->frame.session) == 0)
			rq->peer = c->sessions.v[i];
	}
	if (rq->peer == NULL)
		return rq_field(rq, E_NO_SESSION, "_session", NULL);
	rq->mesh = rq->peer->mesh;
	rq->session = rq->peer->no;
	str_copy(rq->who, sizeof(rq->who), rq->peer->key);
	if (rq->peer->expires_at <= rq->now)
		return rq_fail(rq, E_EXPIRED,
		    "the session's attestation has run out");
	return OK;
}

static int
check_scope(struct rq *rq, unsigned scope)
{
	static const unsigned need[] = {
		[SCOPE_READ] = CAP_READ,
		[SCOPE_SEND] = CAP_SEND,
		[SCOPE_WRITE] = CAP_WRITE,
		[SCOPE_ADMIN] = CAP_ADMIN,
	};

	if (scope == SCOPE_SESSION)
		return OK;
	if ((rq->peer->caps & need[scope]) == 0)
		return rq_fail(rq, E_FORBIDDEN,
		    "the session's attestation does not let it %s",
		    wire_scope_name(scope));
	if (scope == SCOPE_ADMIN &&
	    !roll_is_admin(rq->mesh->roll, rq->peer->member))
		return rq_fail(rq, E_FORBIDDEN, "only admins of the mesh may");
	return OK;
}

/* Open requests cost signature checks: strangers have few, sessions a rate. */
static int
check_open(struct rq *rq)
{
	struct bconn *c = rq->conn;

	if (c->admitted) {
		rq->retry_after_ms = bucket_take(&c->hello, io_mono(rq->b->io),
		    1, HELLO_RATE, HELLO_BURST);
		if (rq->retry_after_ms > 0)
			return rq_fail(rq, E_RATE_LIMITED, NULL);
		return OK;
	}
	if (rq->frame.msg == &wire_roll_get && c->invite_good)
		return OK;
	if (c->open_left-- > 0)
		return OK;
	conn_close(rq->b, c, 1008, "too many requests before a hello");
	return rq_fail(rq, E_RATE_LIMITED,
	    "too many requests before session_hello");
}

static int
once_get(struct rq *rq, bool *done)
{
	struct db_rows *r;

	r = query(rq, sql_once_get, db_i(rq->session), db_s(rq->frame.reqid));
	if (r == NULL)
		return rq->why.code;
	*done = r->n > 0;
	if (*done)
		conn_text(rq->b, rq->conn, db_text(r, 0, 0),
		    strlen(db_text(r, 0, 0)));
	return OK;
}

static int
once_put(struct rq *rq)
{
	if (rq->said == NULL || rq->session == 0)
		return OK;
	return change(rq, sql_once_put, db_i(rq->session),
		   db_s(rq->frame.reqid), db_sn(rq->said, rq->nsaid),
		   db_i(rq->now)) == NULL
	    ? rq->why.code
	    : OK;
}

/* ---- one request ---- */

static const char *
frame_id(const struct rq *rq)
{
	struct json id = { 0 };

	if (rq->frame.object.p != NULL)
		id = json_member(rq->frame.object, "id");
	if (id.p == NULL || json_kind(id) != JSON_STRING ||
	    json_string_len(id) > 64)
		return NULL;
	return json_string(rq->arena, id, NULL);
}

static int
admit(struct rq *rq, bool *done)
{
	unsigned scope = rq->frame.msg->scope & SCOPE_MASK;
	int r;

	if (scope == SCOPE_OPEN)
		return check_open(rq);
	r = dispatch_session(rq);
	if (r == OK)
		r = check_scope(rq, scope);
	if (r == OK && (rq->frame.msg->scope & ONCE) && rq->frame.reqid != NULL)
		r = once_get(rq, done);
	return r;
}

int
dispatch_frame(struct rq *rq)
{
	const struct wire_msg *m = rq->frame.msg;
	bool done = false;
	void *in;
	int r;

	if (m->kind != W_REQUEST || handler[m->no] == NULL)
		return rq_fail(rq, E_UNKNOWN_TYPE, "the broker takes no '%s'",
		    m->wire);
	r = admit(rq, &done);
	if (r != OK || done)
		return r;
	in = arena_alloc(rq->arena, m->size);
	r = wire_decode(m, rq->frame.object, in, rq->arena, &rq->why);
	if (r != OK)
		return r;
	r = handler[m->no](rq, in);
	if (r == OK && (m->scope & ONCE) && once_put(rq) != OK) {
		r = rq->why.code; /* memory may be ahead of what is stored */
		mesh_forget(rq->b, rq->mesh);
	}
	return r;
}

static int
carry_out(struct rq *rq, const char *text, size_t n)
{
	int r;

	if (rq->conn->old)
		return compat_request(rq, text, n);
	r = frame_open(&rq->frame, rq->arena, text, n, &rq->why);
	return r == OK ? dispatch_frame(rq) : r;
}

static void
say_error(struct rq *rq)
{
	struct error e = {
		.code = err_info(rq->why.code)->wire,
		.message = rq->why.text,
		.field = rq->why.field,
		.id = frame_id(rq),
		.retry_after_ms = rq->retry_after_ms,
	};
	struct buf *b = &rq->b->json;

	/* Whose fault is ours is for the log: it names files and tables. */
	if (e.message[0] == '\0' || rq->why.code == E_STORE ||
	    rq->why.code == E_INTERNAL)
		e.message = err_info(rq->why.code)->text;
	turn_request_begin(rq->b->turn);
	buf_clear(b);
	wire_encode(b, &wire_error, &e, rq->frame.reqid, NULL);
	conn_text(rq->b, rq->conn, b->data, b->len);
	turn_request_end(rq->b->turn, true);
}

/* Undecodable input is answered and lives on, until it is plainly noise. */
static void
count_bad(struct rq *rq, int r)
{
	struct bconn *c = rq->conn;
	bool noise = r == E_BAD_JSON ||
	    (r != OK && (rq->frame.msg == NULL || rq->frame.type[0] == '\0'));

	c->bad = noise ? c->bad + 1 : 0;
	if (c->bad >= BAD_MAX)
		conn_close(rq->b, c, 1008, "nothing but noise");
	if (!c->admitted && r != OK &&
	    (r == E_BAD_SIGNATURE || r == E_BAD_ATTESTATION ||
		r == E_NOT_MEMBER || r == E_CANNOT_OPEN) &&
	    ++c->fails >= FAILS_MAX)
		conn_close(rq->b, c, 1008, "too many failed proofs");
}

static void
account(struct rq *rq, int r, int64_t us)
{
	struct broker_stats *st = &rq->b->stat;
	size_t no = rq->frame.msg == NULL ? 0 : (size_t)rq->frame.msg->no + 1;
	size_t code = r == OK ? 0 : (size_t)(r - E_FIRST_);

	st->count[no * (E_LAST_ - E_FIRST_) + code]++;
	st->us[no] += (uint64_t)us;
	if (r == E_STORE || r == E_INTERNAL || r == E_TOO_BROAD)
		log_event(LOG_WARN, "request_failed", "type",
		    no == 0 ? "?" : rq->frame.msg->wire, "code",
		    err_info(r)->wire, "why", rq->why.text, NULL);
	if (log_level_get() < LOG_DEBUG)
		return;
	log_event(LOG_DEBUG, "request", "type",
	    no == 0 ? "?" : rq->frame.msg->wire, "peer",
	    rq->who[0] == '\0' ? "-" : rq->who, "conn",
	    log_i((int64_t)rq->conn->id), "code",
	    r == OK ? "ok" : err_info(r)->wire, "us", log_i(us), NULL);
}

static void
run_one(struct broker *b, struct bconn *c, const char *text, size_t n)
{
	struct rq rq = { .b = b,
		.conn = c,
		.arena = &b->arena,
		.now = io_wall(b->io) };
	int64_t start = io_mono_us(b->io);
	int r;

	turn_request_begin(b->turn);
	r = carry_out(&rq, text, n);
	turn_request_end(b->turn, r == OK);
	if (r != OK && rq.why.code != r)
		why_set(&rq.why, r, NULL);
	if (r != OK)
		say_error(&rq);
	count_bad(&rq, r);
	account(&rq, r, io_mono_us(b->io) - start);
	arena_reset(&b->arena);
}

/* ---- the turn's requests ---- */

void
dispatch_mark(struct broker *b, io_id id)
{
	struct bconn *c = conn_at(b, id);

	if (c == NULL || c->runnable || c->gone || c->closing || c->paused)
		return;
	c->runnable = true;
	vec_add(&b->runnable, id);
}

struct budget {
	int64_t until;
	size_t requests, bytes;
};

static bool
spent(struct broker *b, const struct budget *k)
{
	return k->requests >= TURN_REQUESTS || k->bytes >= TURN_BYTES ||
	    io_mono_us(b->io) >= k->until;
}

/* Its slice; false when the turn's budget is spent. */
static bool
run_conn(struct broker *b, struct bconn *c, struct budget *k)
{
	size_t i, n, bytes = 0;
	const char *text;

	for (i = 0; i < SLICE_REQUESTS && bytes < SLICE_BYTES; i++) {
		if (c->closing || c->gone || conn_backlog(b, c) > READ_PAUSE)
			return true;
		if (spent(b, k))
			return false;
		if (!server_frame(b->srv, c->id, &text, &n))
			return true;
		run_one(b, c, text, n);
		bytes += n;
		k->requests++;
		k->bytes += n;
	}
	return true;
}

void
dispatch_run(struct broker *b)
{
	struct budget k = { .until = io_mono_us(b->io) + TURN_US };
	size_t left = b->runnable.n - b->run_at;
	struct bconn *c;
	bool more = true;

	while (left > 0 && more) {
		c = conn_at(b, b->runnable.v[b->run_at++]);
		left--;
		if (c == NULL)
			continue;
		c->runnable = false;
		more = run_conn(b, c, &k);
		if (server_has_frame(b->srv, c->id))
			dispatch_mark(b, c->id);
	}
	if (b->run_at > 0) {
		b->runnable.n -= b->run_at;
		memmove(b->runnable.v, b->runnable.v + b->run_at,
		    b->runnable.n * sizeof(*b->runnable.v));
		b->run_at = 0;
	}
}

/*
 * session.c - how a session begins and ends.
 *
 * A hello is believed for two signatures: the member's, that this session key
 * speaks for it (attestation), and the session key's over this very connection
 * (proof). The session is bound to the queue of its daemon; the daemon's mail
 * begins to flow with its first hello on a connection.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "broker/broker.h"
#include "broker/compat.h"

static const char sql_session[] =
    "SELECT no, member, seen_at, profile, summary, hidden, stats, attestation"
    " FROM session WHERE mesh = $1 AND key = $2 LIMIT 1";
static const char sql_count_sessions[] =
    "SELECT COUNT(*) FROM (SELECT 1 FROM session WHERE mesh = $1"
    " AND member = $2 LIMIT $3) AS s LIMIT 1";
static const char sql_count_queues[] = /* 0 when it has this one */
    "SELECT COUNT(*) FROM (SELECT 1 FROM queue WHERE mesh = $1"
    " AND member = $2 AND NOT EXISTS (SELECT 1 FROM queue WHERE mesh = $1"
    " AND member = $2 AND daemon = $3) LIMIT $4) AS q LIMIT 1";
static const char sql_queue[] =
    "INSERT INTO queue (mesh, member, daemon, acked, seen_at)"
    " VALUES ($1, $2, $3, 0, $4) ON CONFLICT (mesh, member, daemon)"
    " DO UPDATE SET seen_at = excluded.seen_at"
    " RETURNING no, acked, lost";
static const char sql_keep[] =
    "INSERT INTO session (mesh, key, member, queue, attestation, profile,"
    " seen_at, home) VALUES ($1, $2, $3, $4, $5, '', $6, $7)"
    " ON CONFLICT (mesh, key)"
    " DO UPDATE SET queue = excluded.queue, seen_at = excluded.seen_at,"
    " attestation = excluded.attestation, home = excluded.home,"
    " ended_at = 0 RETURNING no";
static const char sql_said[] =
    "UPDATE session SET summary = $2, hidden = $3 WHERE no = $1";
static const char sql_recall[] =
    "SELECT s.no, q.no, q.acked, m.no FROM session s"
    " JOIN queue q ON q.no = s.queue AND q.daemon = $3"
    " JOIN queue m ON m.mesh = s.mesh AND m.member = s.member AND m.daemon = ''"
    " WHERE s.mesh = $1 AND s.key = $2 LIMIT 1";
static const char sql_attest[] =
    "UPDATE session SET attestation = $2, seen_at = $3 WHERE no = $1";
static const char sql_ended[] =
    "UPDATE session SET seen_at = $2, ended_at = $2 WHERE no = $1";
static const char sql_show[] =
    "SELECT member, attestation, seen_at FROM session"
    " WHERE mesh = $1 AND key = $2 LIMIT 1";

/* What a hello leads to, gathered before memory changes. */
struct entry {
	struct mesh *mesh;
	const struct session_hello *in;
	struct attestation att;
	bool known;
	int64_t no, queue, mqueue, acked, lost, seen_at, from;
	const char *profile, *summary, *stats;
	bool gap, hidden, said; /* other than what is stored */
	struct bearing *bears;
};

/* ---- is it who it says ---- */

static int
check_member(struct rq *rq, const struct mesh *m, const char *member,
    const char *session)
{
	const struct roll_member *who = roll_member(m->roll, member);

	if (who == NULL || who->state == MEMBER_LEFT)
		return rq_field(rq, E_NOT_MEMBER, "memberPubkey", NULL);
	if (who->state == MEMBER_REMOVED)
		return rq_field(rq, E_REVOKED, "memberPubkey",
		    "this member was removed from the mesh");
	if (roll_session_revoked(m->roll, member, session))
		return rq_field(rq, E_REVOKED, "sessionPubkey",
		    "this session key was revoked");
	if (roll_member(m->roll, session) != NULL)
		return rq_field(rq, E_BAD_FIELD, "sessionPubkey",
		    "a member key cannot be a session key");
	return OK;
}

static int
check_proof(struct rq *rq, const struct session_hello *in)
{
	struct hello_proof p;
	int r;

	r = doc_open(rq->arena, in->proof, "hello", &wire_hello_proof, &p,
	    in->session_pubkey, &rq->why);
	if (r != OK)
		return rq_field(rq, r == E_BAD_SIGNATURE ? r : E_BAD_FIELD,
		    "proof", "the proof does not stand: %s",
		    arena_strdup(rq->arena, rq->why.text));
	if (strcmp(p.mesh, in->mesh_id) != 0 ||
	    strcmp(p.member, in->member_pubkey) != 0 ||
	    strcmp(p.session, in->session_pubkey) != 0)
		return rq_field(rq, E_BAD_SIGNATURE, "proof",
		    "the proof is for another mesh, member or session");
	if (strcmp(p.challenge, rq->conn->challenge) != 0)
		return rq_field(rq, E_BAD_SIGNATURE, "proof.challenge",
		    "the proof is not for this connection's challenge");
	return url_check(rq, p.url);
}

static int
check_words(struct rq *rq, const struct session_hello *in)
{
	uint8_t pub[32];

	if (!key_parse(pub, in->member_pubkey))
		return rq_field(rq, E_BAD_FIELD, "memberPubkey", NULL);
	if (!key_parse(pub, in->session_pubkey))
		return rq_field(rq, E_BAD_FIELD, "sessionPubkey", NULL);
	if (!id_valid(in->daemon_id, 16, 64))
		return rq_field(rq, E_BAD_FIELD, "daemonId",
		    "only letters, digits, - and _");
	if (in->status[0] != '\0' && strcmp(in->status, "idle") != 0 &&
	    strcmp(in->status, "working") != 0 &&
	    strcmp(in->status, "dnd") != 0)
		return rq_field(rq, E_BAD_FIELD, "status",
		    "idle, working or dnd");
	return OK;
}

/* What one connection or one member may fill in memory. */
static int
check_room(struct rq *rq, struct mesh *m, const struct session_hello *in)
{
	const struct broker_limits *l = &rq->b->conf.limits;
	const struct presence *p = presence_of(m, in->session_pubkey);
	const struct standing *s = standing_of(m, in->member_pubkey);

	if ((p == NULL || p->conn != rq->conn->id) &&
	    rq->conn->sessions.n >= SESSIONS_MAX)
		return rq_fail(rq, E_QUOTA,
		    "a connection carries at most %d sessions", SESSIONS_MAX);
	if (p == NULL && s->here >= l->member_here)
		return rq_fail(rq, E_QUOTA,
		    "a member has at most %lld sessions at once",
		    (long long)l->member_here);
	if (!rq->conn->admitted && s->conns >= l->member_conns)
		return rq_fail(rq, E_QUOTA,
		    "a member has at most %lld connections",
		    (long long)l->member_conns);
	return OK;
}

static int
check_hello(struct rq *rq, struct entry *e)
{
	const struct session_hello *in = e->in;
	int r = check_words(rq, in);

	if (r != OK)
		return r;
	e->mesh = mesh_find(rq->b, in->mesh_id, &rq->why);
	if (e->mesh == NULL)
		return rq->why.code;
	r = check_member(rq, e->mesh, in->member_pubkey, in->session_pubkey);
	if (r == OK)
		r = check_proof(rq, in);
	if (r == OK)
		r = attest_open(rq, e->mesh, in->member_pubkey,
		    in->session_pubkey, in->attestation, &e->att);
	if (r == OK)
		r = check_room(rq, e->mesh, in);
	return r;
}

/* ---- what is stored of it ---- */

/* New rows of a member: not without end. */
static int
check_count(struct rq *rq, const char *what, int64_t max, struct db_rows *r)
{
	if (r == NULL)
		return rq->why.code;
	if (db_int(r, 0, 0) >= max)
		return rq_fail(rq, E_QUOTA,
		    "the broker remembers at most %lld %s of a member",
		    (long long)max, what);
	return OK;
}

static int
check_known(struct rq *rq, const struct entry *e)
{
	const struct broker_limits *l = &rq->b->conf.limits;
	struct db_val mesh = db_i((int64_t)e->mesh->no),
		      member = db_s(e->in->member_pubkey);
	int r = OK;

	if (!e->known)
		r = check_count(rq, "sessions", l->member_known,
		    query(rq, sql_count_sessions, mesh, member,
			db_i(l->member_known)));
	if (r == OK)
		r = check_count(rq, "daemons", l->member_daemons,
		    query(rq, sql_count_queues, mesh, member,
			db_s(e->in->daemon_id), db_i(l->member_daemons)));
	return r;
}

static int
look_up(struct rq *rq, struct entry *e)
{
	struct db_rows *r;

	r = query(rq, sql_session, db_i((int64_t)e->mesh->no),
	    db_s(e->in->session_pubkey));
	if (r == NULL)
		return rq->why.code;
	if (r->n == 0)
		return OK;
	if (*db_text(r, 0, 7) == '\0' && /* only claimed, and now proven */
	    compat_evict(rq, e->mesh, e->in->session_pubkey,
		e->in->member_pubkey) != OK)
		return rq->why.code;
	if (*db_text(r, 0, 7) != '\0' &&
	    strcmp(db_text(r, 0, 1), e->in->member_pubkey) != 0)
		return rq_field(rq, E_FORBIDDEN, "sessionPubkey",
		    "this session key belongs to another member");
	e->known = true;
	e->no = db_int(r, 0, 0);
	e->seen_at = db_int(r, 0, 2);
	e->profile = db_text(r, 0, 3);
	e->summary = db_text(r, 0, 4);
	e->hidden = db_int(r, 0, 5) != 0;
	e->stats = db_text(r, 0, 6);
	return OK;
}

static int
queue_of(struct rq *rq, struct entry *e, const char *daemon, int64_t *no,
    int64_t *acked)
{
	struct db_rows *r;

	r = change(rq, sql_queue, db_i((int64_t)e->mesh->no),
	    db_s(e->in->member_pubkey), db_s(daemon), db_i(rq->now));
	if (r == NULL)
		return rq->why.code;
	*no = db_int(r, 0, 0);
	*acked = db_int(r, 0, 1);
	if (daemon[0] != '\0')
		e->lost = db_int(r, 0, 2);
	return OK;
}

/* The disk is full: who is known may come in, to read. */
static bool
recall(struct rq *rq, struct entry *e)
{
	struct db_rows *r = query(rq, sql_recall, db_i((int64_t)e->mesh->no),
	    db_s(e->in->session_pubkey), db_s(e->in->daemon_id));

	if (r == NULL || r->n == 0)
		return false;
	e->no = db_int(r, 0, 0);
	e->queue = db_int(r, 0, 1);
	e->acked = db_int(r, 0, 2);
	e->mqueue = db_int(r, 0, 3);
	return true;
}

/* What it bears: what it says, else what it was known by. */
static int
bears(struct rq *rq, struct entry *e)
{
	const struct session_hello *in = e->in;
	struct bearing *be = arena_zalloc(rq->arena, sizeof(*be));
	int r = OK;

	e->bears = be;
	if (e->known && !in->whole)
		r = bearing_load(rq, e->no, be);
	if (in->whole || in->groups.n > 0) {
		be->ngroup = in->groups.n;
		if (in->groups.n > 0)
			memcpy(be->group, in->groups.v,
			    in->groups.n * sizeof(*be->group));
	}
	if (in->whole || in->tags.n > 0) {
		be->ntag = in->tags.n;
		if (in->tags.n > 0)
			memcpy(be->tag, in->tags.v,
			    in->tags.n * sizeof(*be->tag));
	}
	if (in->whole || in->summary[0] != '\0') {
		e->said |= strcmp(e->summary, in->summary) != 0;
		e->summary = in->summary;
	}
	if (in->whole || in->hidden) {
		e->said |= e->hidden != in->hidden;
		e->hidden = in->hidden;
	}
	return r == OK ? bearing_check(rq, be, "groups", "tags") : r;
}

static int
keep_said(struct rq *rq, struct entry *e)
{
	if (turn_is_read_only(rq->b->turn))
		return OK;
	if (e->said &&
	    change(rq, sql_said, db_i(e->no), db_s(e->summary),
		db_i(e->hidden)) == NULL)
		return rq->why.code;
	return bearing_store(rq, e->mesh, e->no, e->bears);
}

static int
keep(struct rq *rq, struct entry *e)
{
	struct db_rows *r;
	int64_t none;

	rq->mesh = e->mesh;
	if (turn_is_read_only(rq->b->turn) && recall(rq, e))
		return OK;
	if (queue_of(rq, e, e->in->daemon_id, &e->queue, &e->acked) != OK ||
	    queue_of(rq, e, "", &e->mqueue, &none) != OK)
		return rq->why.code;
	r = change(rq, sql_keep, db_i((int64_t)e->mesh->no),
	    db_s(e->in->session_pubkey), db_s(e->in->member_pubkey),
	    db_i(e->queue), db_s(e->in->attestation), db_i(rq->now),
	    db_i(e->in->home));
	if (r == NULL)
		return rq->why.code;
	e->no = db_int(r, 0, 0);
	return OK;
}

/* Where its stream goes on, and whether something may be missing. */
static void
place_cursor(const struct broker *b, struct entry *e)
{
	const struct session_hello *in = e->in;
	bool ours =
	    in->has_cursor && strcmp(in->cursor.history, b->history) == 0;

	e->from = ours ? in->cursor.seq : 0;
	e->gap = (in->has_cursor && !ours) || e->from < e->acked ||
	    e->from < e->lost;
	if (e->from > b->seq_last) { /* a future we do not remember */
		e->from = b->seq_last;
		e->gap = true;
	} else if (e->from > b->seq_floor && e->from < b->seq_start)
		e->gap = true; /* neither: the database was set back */
}

/* ---- what memory has of it ---- */

static const char *
pack(char **at, const char *s)
{
	size_t n = strlen(s) + 1;

	if (n == 1)
		return "";
	memcpy(*at, s, n);
	*at += n;
	return *at - n;
}

static size_t
packed_size(const struct session_hello *in)
{
	return strlen(in->role) + strlen(in->session_id) + strlen(in->cwd) +
	    strlen(in->hostname) + strlen(in->peer_type) + strlen(in->channel) +
	    strlen(in->model) + 7;
}

/* An arena's smallest chunk would be most of what an idle session costs. */
static void
describe(struct presence *p, const struct entry *e)
{
	const struct session_hello *in = e->in;
	struct peer *f = &p->face;
	char *at;

	mem_free(p->own);
	p->own = mem_alloc(packed_size(in));
	at = p->own;
	f->pubkey = p->key;
	f->member_pubkey = p->member;
	f->role = pack(&at, in->role);
	f->session_id = pack(&at, in->session_id);
	f->cwd = pack(&at, in->cwd);
	f->hostname = pack(&at, in->hostname);
	f->peer_type = in->peer_type[0] ? pack(&at, in->peer_type) : "ai";
	f->channel = pack(&at, in->channel);
	f->model = pack(&at, in->model);
	f->pid = in->pid;
	f->home = in->home;
	f->visible = !e->hidden;
	f->online = true;
	f->last_seen_at = 0;
	str_copy(p->status, sizeof(p->status),
	    in->status[0] ? in->status : "idle");
	f->status = p->status;
	mem_free(p->summary);
	p->summary = mem_strdup(e->summary);
	f->summary = p->summary;
	bearing_show(p, e->bears);
}

static struct presence *
enter(struct rq *rq, struct entry *e)
{
	struct presence *p = presence_of(e->mesh, e->in->session_pubkey);

	if (p == NULL) {
		p = presence_new(rq->b, e->mesh, e->in->session_pubkey,
		    e->in->member_pubkey);
		if (e->known && e->profile[0] != '\0')
			p->profile = mem_strdup(e->profile);
		if (e->stats[0] != '\0')
			p->stats = mem_strdup(e->stats);
	}
	presence_move(rq->b, p, rq->conn, e->queue);
	p->no = e->no;
	p->mqueue = e->mqueue;
	describe(p, e);
	p->face.stats =
	    (struct json){ p->stats, p->stats == NULL ? 0 : strlen(p->stats) };
	p->face.profile = (struct json){ p->profile,
		p->profile == NULL ? 0 : strlen(p->profile) };
	p->old = false;
	presence_attest(p, e->in->attestation, &e->att);
	return p;
}

/* The others hear that it came, and in which groups it is. */
static void
announce(struct rq *rq, struct presence *p, const struct entry *e)
{
	const struct bearing *be = e->bears;
	char seen[CLOCK_ISO_LEN + 1];
	struct buf extra;
	size_t i;

	buf_init(&extra, 32768);
	for (i = 0; i < be->ngroup; i++) {
		buf_adds(&extra, i == 0 ? ",\"groups\":[" : ",");
		wire_encode(&extra, &wire_peer_group, &be->group[i], NULL,
		    NULL);
	}
	buf_adds(&extra, i == 0 ? "" : "]");
	if (e->known) {
		clock_iso(seen, e->seen_at);
		buf_addf(&extra, ",\"restored\":true,\"lastSeenAt\":\"%s\"",
		    seen);
	}
	presence_event(rq->b, p, p->conn,
	    e->known ? "peer_returned" : "peer_joined", buf_str(&extra));
	buf_fini(&extra);
}

static int
answer(struct rq *rq, const struct presence *p, const struct entry *e)
{
	const struct roll_member *who;

	who = roll_member(e->mesh->roll, e->in->member_pubkey);
	return reply(rq, hello_ack, .presence_id = p->id,
	    .member_display_name = who->name, .session_pubkey = p->key,
	    .roll = roll_point_of(e->mesh->roll), .has_roll = true,
	    .cursor = { .history = rq->b->history, .seq = e->from },
	    .has_cursor = true, .gap = e->gap, .restored = e->known,
	    .last_seen_at = e->known ? e->seen_at : 0,
	    .restored_groups = { e->known ? e->bears->ngroup : 0,
		e->bears->group },
	    .last_summary = e->known ? e->summary : NULL,
	    .restored_stats = p->face.stats);
}

/* The connection is no stranger's any more; it counts as the member's. */
static void
admitted(struct rq *rq, struct mesh *m, const struct presence *p)
{
	struct bconn *c = rq->conn;

	if (c->admitted)
		return;
	c->admitted = true;
	c->mesh = m->no;
	str_copy(c->member, sizeof(c->member), p->member);
	standing_of(m, p->member)->conns++;
	m->conns++;
	server_admit(rq->b->srv, c->id);
}

int
on_session_hello(struct rq *rq, const struct session_hello *in)
{
	struct entry e = { .in = in,
		.profile = "",
		.summary = "",
		.stats = "" };
	struct presence *p;
	struct lane *l;
	bool here;
	int r = check_hello(rq, &e);

	if (r == OK)
		r = look_up(rq, &e);
	if (r == OK)
		r = check_known(rq, &e);
	if (r == OK)
		r = bears(rq, &e);
	if (r == OK)
		r = keep(rq, &e);
	if (r == OK)
		r = keep_said(rq, &e);
	if (r != OK)
		return r;
	place_cursor(rq->b, &e);
	here = presence_of(e.mesh, in->session_pubkey) != NULL;
	p = enter(rq, &e);
	r = answer(rq, p, &e);
	if (!here)
		announce(rq, p, &e);
	l = lane_open(rq->b, e.mesh, rq->conn, e.queue, e.mqueue, e.acked,
	    e.from);
	if (e.from > e.acked && e.from > l->acked)
		lane_ack(rq->b, l, e.from);
	admitted(rq, e.mesh, p);
	return r;
}

/* ---- later ---- */

int
on_session_attest(struct rq *rq, const struct session_attest *in)
{
	struct attestation att;
	int r;

	r = attest_open(rq, rq->mesh, rq->peer->member, rq->peer->key,
	    in->attestation, &att);
	if (r != OK)
		return r;
	if (change(rq, sql_attest, db_i(rq->peer->no), db_s(in->attestation),
		db_i(rq->now)) == NULL)
		return rq->why.code;
	presence_attest(rq->peer, in->attestation, &att);
	return rq_ok(rq);
}

int
on_session_end(struct rq *rq, const struct session_end *in)
{
	int r;

	(void)in;
	if (change(rq, sql_ended, db_i(rq->peer->no), db_i(rq->now)) == NULL)
		return rq->why.code;
	r = rq_ok(rq);
	presence_free(rq->b, rq->peer, LEFT_EVENT);
	return r;
}

int
on_session_show(struct rq *rq, const struct session_show *in)
{
	const struct presence *p = presence_of(rq->mesh, in->pubkey);
	struct db_rows *r;

	if (p != NULL)
		return reply(rq, session_info, .pubkey = p->key,
		    .member_pubkey = p->member, .attestation = p->attestation,
		    .online = true,
		    .last_seen_at =
			p->conn != 0 ? rq->now : p->face.last_seen_at);
	r = query(rq, sql_show, db_i((int64_t)rq->mesh->no), db_s(in->pubkey));
	if (r == NULL)
		return rq->why.code;
	if (r->n == 0)
		return rq_field(rq, E_NO_PEER, "pubkey",
		    "this mesh never saw the session");
	return reply(rq, session_info, .pubkey = in->pubkey,
	    .member_pubkey = db_text(r, 0, 0), .attestation = db_text(r, 0, 1),
	    .last_seen_at = db_int(r, 0, 2));
}

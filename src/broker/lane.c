/*
 * lane.c - mail to daemons. A lane is a daemon's stream in a mesh: its own queue,
 * its member's and those of the audiences it is in, in the order of seq, one
 * cumulative cursor.
 *
 * A lane is live, and pushed to as messages are stored, or catching up, and then
 * read from the database a page at a time as its connection drains. A live lane
 * whose connection is too slow falls back to catching up. So mail is never
 * dropped, and memory per connection is bounded.
 *
 * The cursor is written once a turn (lane_before_commit), and what it covers of
 * the daemon's own queue is dropped then, a slice at a time. The member's queue
 * is kept for its other daemons until it expires.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/broker.h"

static const char sql_page[] =
    "SELECT seq, size FROM message WHERE queue = $1 AND seq > $2"
    " ORDER BY seq LIMIT $3";
static const char sql_message[] =
    "SELECT m.seq, m.queue, m.created_at, m.id, m.target, m.priority, m.nonce,"
    " m.ciphertext, m.sender_name, s.key, s.member, m.epoch, m.sender"
    " FROM message m JOIN session s ON s.no = m.sender WHERE m.seq = $1 LIMIT 1";
static const char sql_acked[] =
    "UPDATE queue SET acked = $2, seen_at = $3 WHERE no = $1 AND acked <= $2";
static const char sql_trim[] =
    "DELETE FROM message WHERE seq IN (SELECT seq FROM message"
    " WHERE queue = $1 AND seq <= $2 ORDER BY seq LIMIT $3)"
    " RETURNING sender, size";

/* ---- attaching ---- */

static void
mailing_add(struct mesh *m, struct lane *l)
{
	l->next = map_geti(&m->mailing, (uint64_t)l->mqueue);
	map_puti(&m->mailing, (uint64_t)l->mqueue, l);
}

static void
mailing_del(struct mesh *m, struct lane *l)
{
	struct lane *p = map_geti(&m->mailing, (uint64_t)l->mqueue);

	if (p == l && l->next == NULL)
		map_deli(&m->mailing, (uint64_t)l->mqueue);
	else if (p == l)
		map_puti(&m->mailing, (uint64_t)l->mqueue, l->next);
	while (p != NULL && p != l) {
		if (p->next == l)
			p->next = l->next;
		p = p->next;
	}
}

static void
behind(struct broker *b, struct lane *l)
{
	l->live = false;
	vec_add(&b->behind, l->conn);
}

struct lane *
lane_open(struct broker *b, struct mesh *m, struct bconn *c, int64_t queue,
    int64_t mqueue, int64_t acked, int64_t from)
{
	struct lane *l = map_geti(&m->lanes, (uint64_t)queue);

	if (l != NULL && l->conn == c->id)
		return l;
	if (l != NULL)
		lane_free(b, l);
	l = mem_zalloc(sizeof(*l));
	l->mesh = m;
	l->conn = c->id;
	l->queue = queue;
	l->mqueue = mqueue;
	l->acked = acked;
	l->sent = from;
	map_puti(&m->lanes, (uint64_t)queue, l);
	mailing_add(m, l);
	vec_add(&c->lanes, l);
	behind(b, l);
	return l;
}

void
lane_free(struct broker *b, struct lane *l)
{
	struct parted p = { l->mesh->no, l->queue, l->acked };
	struct bconn *c = conn_at(b, l->conn);
	size_t i;

	if (l->dirty) /* its ack is answered, so it is to be written */
		vec_add(&b->parted, p);
	for (i = 0; c != NULL && i < c->lanes.n; i++) {
		if (c->lanes.v[i] == l)
			vec_del(&c->lanes, i);
	}
	for (i = 0; i < b->dirty.n; i++) {
		if (b->dirty.v[i] == l)
			vec_del(&b->dirty, i);
	}
	mailing_del(l->mesh, l);
	map_deli(&l->mesh->lanes, (uint64_t)l->queue);
	mem_free(l);
}

void
lane_ack(struct broker *b, struct lane *l, int64_t seq)
{
	if (seq < l->acked)
		return;
	l->acked = seq;
	if (l->sent < seq)
		l->sent = seq;
	if (!l->mesh->heard && l->mesh->audiences.n > 0) {
		l->mesh->heard = true;
		vec_add(&b->heard, l->mesh->no);
	}
	if (!l->dirty) {
		l->dirty = true;
		vec_add(&b->dirty, l);
	}
}

/* ---- pushing ---- */

/* For the session it was sent to; member mail for the home session. */
static const char *
session_for(const struct lane *l, const struct bconn *c,
    const struct message *msg)
{
	const struct presence *p, *first = NULL;
	size_t i;

	if (msg->queue != l->mqueue)
		return msg->target;
	for (i = 0; i < c->sessions.n; i++) {
		p = c->sessions.v[i];
		if (p->queue != l->queue)
			continue;
		if (p->face.home)
			return p->key;
		if (first == NULL)
			first = p;
	}
	return first == NULL ? NULL : first->key;
}

static struct message_push
as_push(const struct lane *l, const struct message *msg)
{
	return (struct message_push){
		.message_id = msg->id,
		.mesh_id = l->mesh->id,
		.seq = msg->seq,
		.sender_pubkey = msg->sender,
		.sender_member_pubkey = msg->sender_member,
		.sender_name = msg->sender_name,
		.target_spec = msg->target,
		.priority = msg->priority,
		.nonce = msg->nonce,
		.ciphertext = msg->ciphertext,
		.created_at = msg->created_at,
		.epoch = msg->epoch,
	};
}

static void
was_pushed(struct broker *b, struct lane *l, const struct message *msg)
{
	l->sent = l->pushed = msg->seq;
	b->stat.delivered++;
}

static void
lane_push(struct broker *b, struct lane *l, struct bconn *c,
    const struct message *msg)
{
	struct message_push in = as_push(l, msg);

	conn_push(b, c, session_for(l, c, msg), &wire_message_push, &in);
	was_pushed(b, l, msg);
}

/* Whose it is of this daemon's sessions, as the push's last member; false when
 * nobody's: its only one there wrote it. */
static bool
hearers(const struct lane *l, const struct message *msg,
    const struct audience *a, struct buf *tail)
{
	size_t i = audience_reader(a, l->queue), n = 0;

	buf_clear(tail);
	for (; i < a->n && a->v[i].reader == l->queue; i++) {
		if (a->v[i].session == msg->author)
			continue;
		buf_adds(tail, n++ == 0 ? ",\"sessions\":[\"" : ",\"");
		buf_adds(tail, a->v[i].key);
		buf_adds(tail, "\"");
	}
	buf_adds(tail, "]");
	return n > 0;
}

static void
offer(struct broker *b, struct lane *l, const struct message *msg)
{
	struct bconn *c = conn_at(b, l->conn);

	if (!l->live || c == NULL || c->gone)
		return;
	if (conn_backlog(b, c) < PUSH_HIGH)
		lane_push(b, l, c, msg);
	else
		behind(b, l);
}

void
lane_offer(struct broker *b, struct mesh *m, const struct message *msg)
{
	struct lane *l = map_geti(&m->lanes, (uint64_t)msg->queue);

	if (l != NULL)
		offer(b, l, msg);
	l = map_geti(&m->mailing, (uint64_t)msg->queue);
	for (; l != NULL; l = l->next)
		offer(b, l, msg);
}

void
lane_offer_all(struct broker *b, struct mesh *m, const struct message *msg,
    const struct audience *a)
{
	struct message_push in = { .subtype = NULL };
	struct buf tail;
	struct bconn *c;
	struct lane *l;
	size_t i, common = 0;

	buf_init(&tail, 65536);
	for (i = 0; i < a->n; i++) {
		if (i > 0 && a->v[i].reader == a->v[i - 1].reader)
			continue;
		l = map_geti(&m->lanes, (uint64_t)a->v[i].reader);
		c = l == NULL ? NULL : conn_at(b, l->conn);
		if (c == NULL || c->gone || !l->live)
			continue;
		if (!hearers(l, msg, a, &tail)) {
			l->sent = msg->seq;
			continue;
		}
		if (conn_backlog(b, c) >= PUSH_HIGH) {
			behind(b, l);
			continue;
		}
		if (common == 0) {
			in = as_push(l, msg);
			if (push_begin(b, &wire_message_push, &in, &common))
				break;
		}
		push_end(b, c, common, tail.data, tail.len);
		was_pushed(b, l, msg);
	}
	buf_fini(&tail);
}

/* ---- catching up ---- */

struct spot {
	int64_t seq, size;
};
struct page { /* of all the queues that the lane reads, by seq */
	VEC(struct spot) v;
	int64_t upto; /* complete so far; INT64_MAX: to the end */
};

static int
page_add(struct broker *b, const struct lane *l, int64_t queue, struct page *p)
{
	struct why why = { 0 };
	struct db_rows *r;
	struct spot spot;
	size_t i;

	r = db_query(b->db, &b->arena, &why, sql_page,
	    DB_VALS(db_i(queue), db_i(l->sent), db_i(LANE_PAGE)));
	if (r == NULL)
		return why.code;
	for (i = 0; i < r->n; i++) {
		spot = (struct spot){ db_int(r, i, 0), db_int(r, i, 1) };
		vec_add(&p->v, spot);
	}
	if (r->n == LANE_PAGE && spot.seq < p->upto)
		p->upto = spot.seq;
	return OK;
}

static int
by_seq(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int
page_open(struct broker *b, const struct lane *l, struct page *p)
{
	const struct audience *a;
	size_t i;
	int r;

	p->upto = INT64_MAX;
	r = page_add(b, l, l->queue, p);
	if (r == OK)
		r = page_add(b, l, l->mqueue, p);
	for (i = 0;
	     r == OK && (a = map_next(&l->mesh->audiences, &i)) != NULL;) {
		if (tally_of(&l->mesh->queues, a->queue).n > 0 &&
		    audience_reader(a, l->queue) < a->n)
			r = page_add(b, l, a->queue, p);
	}
	if (r == OK && p->v.n > 0)
		qsort(p->v.v, p->v.n, sizeof(*p->v.v), by_seq);
	return r;
}

static void
push_to_audience(struct broker *b, struct lane *l, struct bconn *c,
    const struct message *msg)
{
	const struct audience *a =
	    map_geti(&l->mesh->audiences, (uint64_t)msg->queue);
	struct message_push in = as_push(l, msg);
	struct buf tail;
	size_t common;

	buf_init(&tail, 65536);
	if (a != NULL && hearers(l, msg, a, &tail) &&
	    push_begin(b, &wire_message_push, &in, &common) == OK) {
		push_end(b, c, common, tail.data, tail.len);
		was_pushed(b, l, msg);
	}
	buf_fini(&tail);
}

static int
push_stored(struct broker *b, struct lane *l, struct bconn *c, int64_t seq)
{
	struct why why = { 0 };
	struct db_rows *r;
	struct message m;

	r = db_query(b->db, &b->arena, &why, sql_message, DB_VALS(db_i(seq)));
	if (r == NULL)
		return why.code;
	if (r->n == 0) /* its sender's row is gone: nobody could verify it */
		return OK;
	m = (struct message){
		.seq = db_int(r, 0, 0),
		.queue = db_int(r, 0, 1),
		.created_at = db_int(r, 0, 2),
		.id = db_text(r, 0, 3),
		.target = db_text(r, 0, 4),
		.priority = db_text(r, 0, 5),
		.nonce = db_text(r, 0, 6),
		.ciphertext = db_text(r, 0, 7),
		.sender_name = db_text(r, 0, 8),
		.sender = db_text(r, 0, 9),
		.sender_member = db_text(r, 0, 10),
		.epoch = db_int(r, 0, 11),
		.author = db_int(r, 0, 12),
	};
	if (m.queue == l->queue || m.queue == l->mqueue)
		lane_push(b, l, c, &m);
	else
		push_to_audience(b, l, c, &m);
	return OK;
}

/* One page; live when that was all there is. */
static int
lane_page(struct broker *b, struct lane *l, struct bconn *c)
{
	size_t room = PUSH_HIGH - conn_backlog(b, c), used = 0, i;
	struct page p = { .upto = 0 };
	int r = page_open(b, l, &p);

	for (i = 0; r == OK && i < p.v.n && i < LANE_PAGE && used < room &&
	     p.v.v[i].seq <= p.upto;
	     i++) {
		r = push_stored(b, l, c, p.v.v[i].seq);
		if (r != OK)
			break;
		l->sent = p.v.v[i].seq;
		used += (size_t)p.v.v[i].size + 512;
	}
	if (r == OK)
		l->live = i == p.v.n && p.upto == INT64_MAX;
	vec_fini(&p.v);
	return r;
}

/* A page that took too long is read again in the next turn: the disk is slow,
 * or the processor is busy, and closing would only make both worse. */
static void
conn_catch_up(struct broker *b, struct bconn *c)
{
	bool more = false;
	size_t i;
	int r;

	for (i = 0;
	     i < c->lanes.n && !c->closing && conn_backlog(b, c) < PUSH_HIGH;
	     i++) {
		if (c->lanes.v[i]->live)
			continue;
		turn_request_begin(b->turn);
		r = lane_page(b, c->lanes.v[i], c);
		if (r != OK && r != E_TOO_BROAD)
			conn_close(b, c, 1011, "the store failed");
		turn_request_end(b->turn, true);
		arena_reset(&b->arena);
	}
	for (i = 0; i < c->lanes.n; i++)
		more |= !c->lanes.v[i]->live;
	if (more && !c->closing && conn_backlog(b, c) < PUSH_HIGH)
		vec_add(&b->behind, c->id);
}

void
lane_catch_up(struct broker *b)
{
	size_t i, n = b->behind.n;
	struct bconn *c;

	for (i = 0; i < n; i++) { /* what is added now is for the next turn */
		c = conn_at(b, b->behind.v[i]);
		if (c != NULL && !c->gone)
			conn_catch_up(b, c);
	}
	for (i = n; i < b->behind.n; i++)
		b->behind.v[i - n] = b->behind.v[i];
	b->behind.n -= n;
}

void
lane_wake(struct broker *b, struct bconn *c)
{
	size_t i;

	if (c->dropped > 0) {
		turn_request_begin(b->turn);
		push(b, c, NULL, message_gap, .dropped = (int64_t)c->dropped);
		turn_request_end(b->turn, true);
		c->dropped = 0;
	}
	for (i = 0; i < c->lanes.n; i++) {
		if (!c->lanes.v[i]->live) {
			vec_add(&b->behind, c->id);
			return;
		}
	}
}

/* ---- cursors ---- */

int
lane_drop(struct broker *b, struct mesh *m, int64_t queue, int64_t upto,
    bool own)
{
	struct db_rows *r;
	int64_t size;
	size_t i;

	r = db_query(b->db, &b->arena, NULL, sql_trim,
	    DB_VALS(db_i(queue), db_i(upto), db_i(TRIM_SLICE)));
	if (r == NULL)
		return -1;
	for (i = 0; i < r->n; i++) {
		size = db_int(r, i, 1);
		tally_add(&m->queues, queue, -1, -size);
		if (own)
			tally_add(&m->senders, db_int(r, i, 0), -1, -size);
		m->all.n--;
		m->all.bytes -= size;
	}
	return (int)r->n;
}

/* ---- before the commit ---- */

static bool
lane_write(struct broker *b, struct lane *l)
{
	if (turn_writes(b->turn, l->mesh->no, NULL) != OK)
		return true;
	if (db_run(b->db, NULL, sql_acked,
		DB_VALS(db_i(l->queue), db_i(l->acked),
		    db_i(io_wall(b->io)))) != OK)
		return true;
	return lane_drop(b, l->mesh, l->queue, l->acked, true) == TRIM_SLICE;
}

static void
write_parted(struct broker *b)
{
	int64_t now = io_wall(b->io);
	size_t i;

	for (i = 0; i < b->parted.n; i++) {
		const struct parted *p = &b->parted.v[i];

		if (turn_writes(b->turn, p->mesh, NULL) == OK)
			(void)db_run(b->db, NULL, sql_acked,
			    DB_VALS(db_i(p->queue), db_i(p->acked), db_i(now)));
	}
	b->parted.n = 0;
}

void
lane_before_commit(struct broker *b)
{
	size_t i, keep = 0;
	struct lane *l;
	struct mesh *m;

	write_parted(b);
	for (i = 0; i < b->dirty.n; i++) {
		l = b->dirty.v[i];
		if (lane_write(b, l))
			b->dirty.v[keep++] = l;
		else
			l->dirty = false;
	}
	b->dirty.n = keep;
	for (i = 0; i < b->heard.n; i++) {
		m = map_geti(&b->meshes, b->heard.v[i]);
		if (m == NULL)
			continue;
		m->heard = false;
		audience_trim(b, m);
	}
	b->heard.n = 0;
	room_make(b);
	arena_reset(&b->arena);
}

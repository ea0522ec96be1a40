/*
 * core.c - the broker as a state machine: connections come and go, a turn runs,
 * a commit stands or fails. What requests mean is dispatch.c's and the domains'.
 *
 * Events of the server only mark; everything else happens in the turn, so no
 * memory changes behind a handler's back.
 */
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "broker/broker.h"
#include "broker/compat.h"

#define SUBPROTOCOL "claudemesh.2"
#define OPEN_BUDGET 20
#define PROBE_MS 5000

static const char sql_seen[] = "UPDATE session SET seen_at = $2 WHERE no = $1";
static const char sql_seq[] = "UPDATE meta SET value = $1 WHERE key = 'seq'";
static const char sql_probe[] =
    "UPDATE meta SET value = $1 WHERE key = 'probe'";

/* ---- the server's events ---- */

static bool
offered_ours(const char *p)
{
	size_t n;

	while (*p != '\0') {
		p += strspn(p, ", \t");
		n = strcspn(p, ", \t");
		if (n == strlen(SUBPROTOCOL) && strncmp(p, SUBPROTOCOL, n) == 0)
			return true;
		p += n;
	}
	return false;
}

static const char *
on_upgrade(void *arg, struct http_request *req, const char *offered,
    int *status)
{
	struct broker *b = arg;
	const char *host = http_header(req, "host");

	*status = 404;
	if (strcmp(req->path, "/ws") != 0)
		return NULL;
	*status = 403;
	req->refusal = "this Origin is not let in";
	if (http_header(req, "origin") != NULL &&
	    (host == NULL || !host_ours(b, host)))
		return NULL;
	req->refusal = NULL;
	*status = 503;
	if (b->draining || b->dead)
		return NULL;
	*status = 400;
	req->refusal =
	    "this broker speaks the WebSocket subprotocol " SUBPROTOCOL;
	if (offered[strspn(offered, ", \t")] == '\0')
		return ""; /* dialect 1: its hello will be judged */
	return offered_ours(offered) ? SUBPROTOCOL : NULL;
}

/* Nothing of it is uncommitted, so it need not wait for the turn. */
static void
say_challenge(struct broker *b, struct bconn *c)
{
	struct challenge ch = {
		.nonce = c->challenge,
		.version = b->conf.version,
		.log_key = b->log_key,
		.now = io_wall(b->io),
		.create = b->conf.create != CREATE_NONE,
	};
	struct buf json, frame;

	buf_init(&json, 4096);
	buf_init(&frame, 8192);
	wire_encode(&json, &wire_challenge, &ch, NULL, NULL);
	ws_frame(&frame, json.data, json.len);
	server_write(b->srv, c->id, frame.data, frame.len);
	buf_fini(&json);
	buf_fini(&frame);
}

static void
on_ws_open(void *arg, io_id id, const char *sub, const struct io_peer *peer)
{
	struct broker *b = arg;
	struct bconn *c = mem_zalloc(sizeof(*c));
	uint8_t nonce[32];

	c->id = c->chan.id = id;
	c->open_left = OPEN_BUDGET;
	c->old = sub == NULL || *sub == '\0';
	str_copy(c->ip, sizeof(c->ip), peer->ip);
	io_random(b->io, nonce, sizeof(nonce));
	hex_encode(c->challenge, nonce, sizeof(nonce));
	map_puti(&b->conns, id, c);
	if (!c->old)
		say_challenge(b, c);
}

static void
on_ws_ready(void *arg, io_id id)
{
	dispatch_mark(arg, id);
}

static void
on_ws_drain(void *arg, io_id id)
{
	struct broker *b = arg;

	vec_add(&b->drained_conns, id);
}

static void
on_ws_close(void *arg, io_id id, int code)
{
	struct broker *b = arg;
	struct bconn *c = conn_at(b, id);

	if (c == NULL || c->gone)
		return;
	if (!c->closing)
		c->close_code = code;
	c->gone = true;
	vec_add(&b->gone, id);
	io_wake(b->io);
}

static void
on_request(void *arg, struct http_request *req)
{
	http_request(arg, req);
}

static const struct server_ops server_ops = {
	.request = on_request,
	.upgrade = on_upgrade,
	.ws_open = on_ws_open,
	.ws_ready = on_ws_ready,
	.ws_drain = on_ws_drain,
	.ws_close = on_ws_close,
};

/* ---- connections that went ---- */

static void
part(struct broker *b, struct presence *p, bool clean)
{
	struct rq rq;
	bool ok;

	ok = own_begin(b, p->mesh, &rq) &&
	    db_run(b->db, NULL, sql_seen, DB_VALS(db_i(p->no), db_i(rq.now))) ==
		OK;
	own_end(b, &rq, ok);
	if (clean)
		presence_free(b, p, LEFT_EVENT);
	else
		presence_lost(b, p);
}

void
conn_free(struct broker *b, struct bconn *c)
{
	turn_chan_gone(b->turn, &c->chan);
	map_deli(&b->conns, c->id);
	vec_fini(&c->sessions);
	vec_fini(&c->lanes);
	mem_free(c);
}

static void
bury(struct broker *b, struct bconn *c)
{
	bool clean = c->close_code == 1000 && !c->closing;
	struct standing *s;
	struct mesh *m;

	if (c->old)
		compat_gone(b, c);
	while (c->sessions.n > 0)
		part(b, c->sessions.v[0], clean);
	if (c->admitted && (m = map_geti(&b->meshes, c->mesh)) != NULL &&
	    (s = map_gets(&m->standings, c->member)) != NULL && s->conns > 0) {
		s->conns--;
		m->conns--;
	}
	conn_free(b, c);
}

static void
bury_gone(struct broker *b)
{
	struct bconn *c;
	size_t i;

	for (i = 0; i < b->gone.n; i++) {
		c = conn_at(b, b->gone.v[i]);
		if (c != NULL)
			bury(b, c);
	}
	b->gone.n = 0;
}

static void
close_closing(struct broker *b)
{
	struct bconn *c;
	size_t i;

	for (i = 0; i < b->closing.n; i++) {
		c = conn_at(b, b->closing.v[i]);
		if (c != NULL && !c->gone)
			server_close(b->srv, c->id, c->close_code,
			    c->close_text);
	}
	b->closing.n = 0;
}

static void
wake_drained(struct broker *b)
{
	struct bconn *c;
	size_t i;

	for (i = 0; i < b->drained_conns.n; i++) {
		c = conn_at(b, b->drained_conns.v[i]);
		if (c == NULL || c->gone)
			continue;
		if (c->paused)
			server_pause(b->srv, c->id, false);
		c->paused = false;
		if (server_has_frame(b->srv, c->id))
			dispatch_mark(b, c->id);
		lane_wake(b, c);
	}
	b->drained_conns.n = 0;
}

/* ---- the turn's events ---- */

static void
on_release(void *arg, struct turn_chan *chan, const char *p, size_t n)
{
	struct broker *b = arg;
	struct bconn *c = conn_at(b, chan->id);

	if (c == NULL || c->gone)
		return;
	if (server_write(b->srv, c->id, p, n) != 0) {
		conn_close(b, c, 1008, "too slow");
		return;
	}
	if (!c->paused && server_queued(b->srv, c->id) > READ_PAUSE) {
		c->paused = true;
		server_pause(b->srv, c->id, true);
	}
}

static void
on_dropped(void *arg, struct turn_chan *chan)
{
	struct broker *b = arg;
	struct bconn *c = conn_at(b, chan->id);

	if (c != NULL)
		conn_close(b, c, 1012, "the broker starts over");
}

static void
on_before_commit(void *arg)
{
	struct broker *b = arg;
	int64_t keep = b->seq_last + 10000;
	char text[24];

	lane_before_commit(b);
	if (b->seq_last <= b->seq_kept ||
	    turn_writes(b->turn, MARK_CORE, NULL) != OK)
		return;
	snprintf(text, sizeof(text), "%lld", (long long)keep);
	if (db_run(b->db, NULL, sql_seq, DB_VALS(db_s(text))) == OK)
		b->seq_kept = keep;
}

static void
on_committed(void *arg)
{
	struct broker *b = arg;

	b->stat.commits++;
	b->sick = false;
}

static void
on_failed(void *arg, int code, const uint64_t *mark, size_t n)
{
	struct broker *b = arg;
	struct mesh *m;
	size_t i = 0;

	log_event(LOG_ERROR, "commit_failed", "code", err_info(code)->wire,
	    "meshes", log_i((int64_t)n), NULL);
	b->stat.commit_fails++;
	b->sick = true;
	b->seq_kept = 0; /* the reservation may be undone, too */
	if (code == E_INTERNAL) {
		b->dead = true;
		b->conf.fatal(b->conf.arg);
		return;
	}
	if (code == E_UNAVAILABLE) { /* outcome unknown: trust nothing */
		while ((m = map_next(&b->meshes, &i)) != NULL)
			mesh_forget(b, m);
	}
	for (i = 0; i < n; i++) {
		m = map_geti(&b->meshes, mark[i]);
		if (m != NULL)
			mesh_forget(b, m);
	}
}

static const struct turn_ops turn_ops = {
	.release = on_release,
	.before_commit = on_before_commit,
	.committed = on_committed,
	.dropped = on_dropped,
	.failed = on_failed,
};

/* ---- time ---- */

static void
on_timer(void *arg, io_id id)
{
	struct broker *b = arg;

	(void)id;
	b->timer = 0; /* the turn that follows looks at the clock */
}

static int64_t
next_due(const struct broker *b)
{
	int64_t at = b->sweep_at, lease;

	if (b->grace_at < b->grace.n) {
		lease =
		    b->grace.v[b->grace_at].lost_at + b->conf.limits.lease_ms;
		at = lease < at ? lease : at;
	}
	if (turn_is_read_only(b->turn) && b->probe_at < at)
		at = b->probe_at;
	return at;
}

void
broker_arm(struct broker *b)
{
	int64_t at = next_due(b), now = io_mono(b->io);

	if (b->timer != 0 && b->timer_at == at)
		return;
	if (b->timer != 0)
		io_timer_stop(b->io, b->timer);
	b->timer_at = at;
	b->timer = io_timer(b->io, at > now ? at - now : 0, on_timer, b);
}

/* While the disk is full: is there room again? */
static void
probe(struct broker *b, int64_t now)
{
	struct rq rq;
	char text[24];
	bool ok;

	if (!turn_is_read_only(b->turn)) {
		b->probe_at = now + PROBE_MS;
		return;
	}
	if (now < b->probe_at)
		return;
	b->probe_at = now + PROBE_MS;
	snprintf(text, sizeof(text), "%lld", (long long)io_wall(b->io));
	ok = own_begin(b, NULL, &rq) &&
	    db_run(b->db, NULL, sql_probe, DB_VALS(db_s(text))) == OK;
	own_end(b, &rq, ok);
}

static void
keep_time(struct broker *b)
{
	int64_t now = io_mono(b->io);

	presence_due(b, now);
	probe(b, now);
	if (now >= b->sweep_at)
		sweep_run(b); /* sets sweep_at */
}

/* ---- the turn ---- */

static void
say_goodbye(struct broker *b)
{
	struct bconn *c;
	size_t i = 0;

	if (!b->draining || b->drained)
		return;
	while (!b->said_goodbye && (c = map_next(&b->conns, &i)) != NULL)
		conn_close(b, c, 1001, "the broker is going away");
	b->said_goodbye = true;
	close_closing(b);
	if (b->conns.n > 0)
		return;
	b->drained = true;
	if (b->conf.drained != NULL)
		b->conf.drained(b->conf.arg);
}

static bool
more_to_do(const struct broker *b)
{
	return b->runnable.n > 0 || b->behind.n > 0 || b->gone.n > 0 ||
	    (b->dirty.n > 0 && !turn_is_read_only(b->turn) && !b->sick);
}

static void
on_turn(void *arg)
{
	struct broker *b = arg;
	int64_t start;

	if (b->dead || turn_busy(b->turn))
		return;
	start = io_mono_us(b->io);
	bury_gone(b);
	wake_drained(b);
	keep_time(b);
	dispatch_run(b);
	lane_catch_up(b);
	turn_end(b->turn);
	close_closing(b);
	if (b->dead)
		return;
	say_goodbye(b);
	b->stat.turns++;
	b->stat.turn_us += (uint64_t)(io_mono_us(b->io) - start);
	if (more_to_do(b))
		io_wake(b->io);
	broker_arm(b);
}

/* ---- beginning ---- */

void
core_open(struct broker *b, const struct server_conf *conf)
{
	b->turn = turn_new(b->io, b->db, &turn_ops, b);
	b->srv = server_new(b->io, conf, &server_ops, b);
}

void
core_begin(struct broker *b)
{
	b->sweep_at = io_mono(b->io) + 5000;
	io_on_turn(b->io, on_turn, b);
	broker_arm(b);
}

/* ---- ending ---- */

void
broker_drain(struct broker *b)
{
	if (b->draining)
		return;
	log_event(LOG_INFO, "draining", "conns", log_i((int64_t)b->conns.n),
	    NULL);
	b->draining = true;
	server_unlisten(b->srv);
	io_wake(b->io);
}

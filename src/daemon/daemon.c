/*
 * daemon.c - the core's heart: its turn, its transaction, its beginning and its
 * end. It promises that nothing is said, to a client or to a broker, before
 * what it depends on is committed; and that after a failed commit memory is
 * what the disk says.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "base/log.h"
#include "net/wsclient.h"

#define STEPS_A_TURN 500
#define GOODBYE_MS 250
#define PROBE_MS 5100
#define RESTART_MS 1000

static void start(struct daemon *);

/* ---- requests and their transaction ---- */

void
d_wake(struct daemon *d)
{
	io_wake(d->io);
}

int64_t
d_now(struct daemon *d)
{
	return io_wall(d->io);
}

void
d_begin(struct daemon *d)
{
	arena_reset(&d->arena);
	d->in_request = true;
	turn_request_begin(d->turn);
}

void
d_end(struct daemon *d, bool ok)
{
	d->in_request = false;
	turn_request_end(d->turn, ok);
}

int
d_write(struct daemon *d, struct why *why, const char *sql, size_t n,
    const struct db_val *v)
{
	int code = turn_writes(d->turn, 1, why);

	return code != OK ? code : db_run(d->db, why, sql, n, v);
}

struct db_rows *
d_read(struct daemon *d, struct why *why, const char *sql, size_t n,
    const struct db_val *v)
{
	return db_query(d->db, &d->arena, why, sql, n, v);
}

void
d_ids(struct daemon *d, char out[23])
{
	uint8_t rnd[16];

	io_random(d->io, rnd, sizeof(rnd));
	id_make(out, d_now(d), rnd);
}

void
d_broken(struct daemon *d, const char *where, const struct why *why)
{
	log_event(LOG_ERROR, "store_failed", "where", where, "why",
	    why ? why->text : NULL, NULL);
	d->reload = true;
	if (d->reload_code == OK)
		d->reload_code = why && why->code != OK ? why->code : E_STORE;
}

/* ---- what the turn does with what was held ---- */

static void
release_to_client(struct daemon *d, struct dclient *c, const char *p, size_t n)
{
	if (!c->gone && io_write(d->io, c->stream, p, n) != 0) {
		log_event(LOG_WARN, "client_stuck", NULL);
		c->gone = true;
		io_close(d->io, c->stream, false);
	}
}

/* A link's frames are held one a line. */
static void
release_to_link(struct link *l, const char *p, size_t n)
{
	const char *end = p + n, *nl;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		link_write(l, p, (size_t)(nl - p));
	}
}

/* chan->id: what it is in the low two bits, its number above. */
static void
on_release(void *arg, struct turn_chan *chan, const char *p, size_t n)
{
	struct daemon *d = arg;
	uint64_t no = chan->id >> 2;
	struct dclient *c;
	struct dmesh *m;
	struct dop *op;

	if ((chan->id & 3) == 0 && (c = map_geti(&d->clients, no)) != NULL)
		release_to_client(d, c, p, n);
	else if ((chan->id & 3) == 1 && (m = map_geti(&d->meshes, no)) != NULL)
		release_to_link(m->link, p, n);
	else if ((chan->id & 3) == 2 && (op = map_geti(&d->ops, no)) != NULL &&
	    op->guest != NULL)
		release_to_link(op->guest, p, n);
}

static void
on_before_commit(void *arg)
{
	(void)arg; /* the pumps have written their cursors already */
}

static void
on_committed(void *arg)
{
	struct daemon *d = arg;

	if (d->full && !turn_is_read_only(d->turn)) {
		log_event(LOG_INFO, "room_again", NULL);
		d->full = false;
		start(d);
	}
}

/* What was held for it will not be said: who waits for it must notice. */
static void
on_dropped(void *arg, struct turn_chan *chan)
{
	struct daemon *d = arg;
	uint64_t no = chan->id >> 2;
	struct dclient *c;
	struct dmesh *m;

	if ((chan->id & 3) == 0 && (c = map_geti(&d->clients, no)) != NULL &&
	    !c->gone) {
		c->gone = true;
		io_close(d->io, c->stream, false);
	} else if ((chan->id & 3) == 1 &&
	    (m = map_geti(&d->meshes, no)) != NULL) {
		m->lost = true;
		d_wake(d);
	}
}

static void
on_failed(void *arg, int code, const uint64_t *mark, size_t nmark)
{
	struct daemon *d = arg;

	(void)mark, (void)nmark;
	d->reload = true;
	d->reload_code = code;
}

static const struct turn_ops turn_ops = { on_release, on_before_commit,
	on_committed, on_dropped, on_failed };

/* ---- memory, from the disk ---- */

static void
forget(struct daemon *d)
{
	struct dmesh *m;
	struct dop *op;

	socket_close_all(d);
	for (size_t i = 0; (op = map_next(&d->ops, &i)) != NULL;)
		op_free(op);
	map_fini(&d->ops);
	for (size_t i = 0; (m = map_next(&d->meshes, &i)) != NULL;)
		dmesh_free(m);
	map_fini(&d->meshes);
	map_fini(&d->sess_no);
}

/* Not at once: what failed may fail again. */
static void
on_restart(void *arg, io_id id)
{
	struct daemon *d = arg;

	(void)id;
	d->start_timer = 0;
	if (!d->stopping)
		start(d);
}

/* What memory has may be ahead of the disk: take the disk's word. */
static void
reload(struct daemon *d)
{
	int code = d->reload_code;
	struct why why;

	log_event(LOG_ERROR, "reload", "code", err_info(code)->wire, NULL);
	d->reload = false;
	d->reload_code = OK;
	io_timer_stop(d->io, d->start_timer);
	d->start_timer = 0;
	if (code == E_STORAGE_FULL)
		turn_read_only(d->turn, true);
	forget(d);
	arena_reset(&d->arena);
	if (code == E_INTERNAL || dmesh_load_all(d, &why) != OK) {
		log_event(LOG_ERROR, "cannot_go_on", NULL);
		d->stopping = d->stopped = true;
		d->conf.stop(d->conf.arg, 1);
		return;
	}
	d->full = turn_is_read_only(d->turn);
	if (d->full)
		d_wake(d); /* for the probe */
	else
		d->start_timer = io_timer(d->io, RESTART_MS, on_restart, d);
}

/* ---- the turn ---- */

static void
step_link(struct daemon *d, struct link *l)
{
	for (int i = 0; i < STEPS_A_TURN && link_pending(l) && !d->reload;
	     i++) {
		d_begin(d);
		link_step(l);
		d_end(d, !d->reload);
	}
	if (link_pending(l))
		d_wake(d);
}

static void
step_links(struct daemon *d)
{
	struct dmesh *m;
	struct dop *op;

	for (size_t i = 0; (m = map_next(&d->meshes, &i)) != NULL;)
		if (!m->gone) {
			if (m->lost) {
				m->lost = false;
				link_drop(m->link,
				    "more to say than can be held");
			}
			step_link(d, m->link);
		}
	for (size_t i = 0; (op = map_next(&d->ops, &i)) != NULL;)
		if (op->guest != NULL && !op->done)
			step_link(d, op->guest);
}

static void
run_meshes(struct daemon *d)
{
	struct dmesh *m;

	for (size_t i = 0;
	     (m = map_next(&d->meshes, &i)) != NULL && !d->reload;)
		if (!m->gone)
			dmesh_run(m);
}

static void
on_probe(void *arg, io_id id)
{
	struct daemon *d = arg;

	(void)id;
	d->probe_timer = 0;
	d_wake(d);
}

/* The disk was full: one small write now and then finds out when it is not. */
static void
probe(struct daemon *d)
{
	if (!turn_is_read_only(d->turn))
		return;
	d_begin(d);
	if (turn_writes(d->turn, TURN_NO_MARK, NULL) == OK)
		db_run(d->db, NULL, "UPDATE mesh SET warning = warning", 0,
		    NULL);
	d_end(d, true);
	if (d->probe_timer == 0)
		d->probe_timer = io_timer(d->io, PROBE_MS, on_probe, d);
}

static void
on_turn(void *arg)
{
	struct daemon *d = arg;

	if (turn_busy(d->turn) || d->stopped)
		return;
	step_links(d);
	if (!d->stopping) {
		socket_run(d);
		sess_deaths(d);
		run_meshes(d);
		op_run(d);
		probe(d);
	}
	turn_end(d->turn);
	if (turn_busy(d->turn))
		return;
	if (d->reload) {
		reload(d);
		return;
	}
	op_sweep(d);
	socket_sweep(d);
	dmesh_sweep(d);
}

/* ---- beginning and end ---- */

static void
start(struct daemon *d)
{
	struct dmesh *m;

	for (size_t i = 0; (m = map_next(&d->meshes, &i)) != NULL;) {
		link_dial(m->link);
		if (m->home != NULL && m->home->state != SESS_OPEN)
			dmesh_idle(m, m->home->reason);
	}
	d_wake(d);
}

static void
copy_conf(struct daemon *d, const struct daemon_conf *c)
{
	d->conf = *c;
	d->conf.db_path = mem_strdup(c->db_path);
	d->conf.db_vfs = mem_strdup(c->db_vfs);
	d->conf.account_file = mem_strdup(c->account_file);
	d->conf.version = mem_strdup(c->version);
	d->conf.hostname = mem_strdup(c->hostname ? c->hostname : "");
	d->conf.username = mem_strdup(c->username ? c->username : "");
	d->conf.broker = NULL;
}

static void
free_conf(struct daemon_conf *c)
{
	mem_free((void *)(uintptr_t)c->db_path);
	mem_free((void *)(uintptr_t)c->db_vfs);
	mem_free((void *)(uintptr_t)c->account_file);
	mem_free((void *)(uintptr_t)c->version);
	mem_free((void *)(uintptr_t)c->hostname);
	mem_free((void *)(uintptr_t)c->username);
	key_wipe(c->seed, sizeof(c->seed));
}

static int64_t
mono_us(void *arg)
{
	return io_mono_us(arg);
}

static int
open_all(struct daemon *d, const struct daemon_conf *c, struct why *why)
{
	struct db_conf db = { .path = c->db_path,
		.vfs = c->db_vfs,
		.exclusive = c->db_exclusive,
		.budget_ms = 1000,
		.mono_us = mono_us,
		.arg = d->io };
	const char *text = NULL;
	int code;

	if (url_to_ws(d->broker, sizeof(d->broker), c->broker, &text) != 0)
		return why_set(why, E_USAGE, "the broker URL %s: %s", c->broker,
		    text ? text : "is no good");
	if ((code = db_open(&d->db, &db, why)) != OK ||
	    (code = db_migrate(d->db, daemon_schema, daemon_schema_n, why)) !=
		OK)
		return code;
	d->turn = turn_new(d->io, d->db, &turn_ops, d);
	if ((code = dmesh_load_all(d, why)) != OK)
		return code;
	return socket_open(d, why);
}

struct daemon *
daemon_new(struct io *io, const struct daemon_conf *conf, struct why *why)
{
	struct daemon *d = mem_zalloc(sizeof(*d));

	d->io = io;
	copy_conf(d, conf);
	d->started_at = io_wall(io);
	d->boxes = box_cache_new(4096);
	key_account(&d->account, d->conf.seed);
	if (open_all(d, conf, why) != OK) {
		daemon_free(d);
		return NULL;
	}
	io_on_turn(io, on_turn, d);
	start(d);
	return d;
}

void
daemon_free(struct daemon *d)
{
	char *s;

	if (d == NULL)
		return;
	io_on_turn(d->io, NULL, NULL);
	forget(d);
	io_unlisten(d->io, d->listen);
	io_timer_stop(d->io, d->stop_timer);
	io_timer_stop(d->io, d->probe_timer);
	io_timer_stop(d->io, d->start_timer);
	map_fini(&d->clients);
	map_fini(&d->by_stream);
	for (size_t i = 0; (s = map_next(&d->safety, &i)) != NULL;)
		mem_free(s);
	map_fini(&d->safety);
	turn_free(d->turn);
	db_close(d->db);
	box_cache_free(d->boxes);
	arena_fini(&d->arena);
	key_wipe(&d->account, sizeof(d->account));
	free_conf(&d->conf);
	mem_free(d);
}

static void
on_goodbye(void *arg, io_id id)
{
	struct daemon *d = arg;

	(void)id;
	d->stop_timer = 0;
	d->stopped = true;
	d->conf.stop(d->conf.arg, 0);
}

void
daemon_stop(struct daemon *d)
{
	struct dmesh *m;
	bool open = false;

	if (d->stopping)
		return;
	d->stopping = true;
	io_unlisten(d->io, d->listen);
	d->listen = 0;
	for (size_t i = 0; (m = map_next(&d->meshes, &i)) != NULL;) {
		open = open || link_challenge(m->link) != NULL;
		link_bye(m->link);
	}
	/* Long enough for close frames and replies to leave. */
	d->stop_timer = io_timer(d->io, open ? GOODBYE_MS : 20, on_goodbye, d);
}

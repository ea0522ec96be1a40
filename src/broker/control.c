/*
 * control.c - the broker's control socket: a few callers, a line each.
 */
#include "broker/control.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/broker.h"

#define CALLERS_MAX 8
#define LINE_BYTES 1200
#define SLICE_PAGES 64
#define SLICE_MS 2

struct caller {
	io_id id;
	struct buf in;
};

struct control {
	struct io *io;
	struct broker *b;
	struct control_ops ops;
	void *arg;
	io_id listener, timer;
	char path[108];
	struct caller caller[CALLERS_MAX];
	struct db_backup *backup;
	io_id backup_for;
	int64_t backup_began; /* mono */
};

static void
say(struct control *k, io_id to, struct buf *b)
{
	buf_addc(b, '\n');
	io_write(k->io, to, buf_str(b), b->len);
	io_close(k->io, to, true);
}

static void
say_error(struct control *k, io_id to, const struct why *why)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_addf(&b, "{\"ok\":false,\"code\":\"%s\",\"message\":",
	    err_info(why->code)->wire);
	json_quote(&b,
	    why->text[0] != '\0' ? why->text : err_info(why->code)->text);
	buf_addc(&b, '}');
	say(k, to, &b);
	buf_fini(&b);
}

/* ---- status ---- */

static void
add_n(struct buf *b, const char *name, int64_t v)
{
	buf_addf(b, ",\"%s\":%lld", name, (long long)v);
}

static int64_t
count(struct broker *b, const char *sql)
{
	struct arena a = { 0 };
	struct db_rows *r = db_query(b->db, &a, NULL, sql, 0, NULL);
	int64_t n = r == NULL || r->n == 0 ? -1 : db_int(r, 0, 0);

	arena_fini(&a);
	return n;
}

static void
add_meshes(struct broker *b, struct buf *out)
{
	int64_t here = 0, queued = 0, bytes = 0;
	struct mesh *m;
	size_t i = 0;

	while ((m = map_next(&b->meshes, &i)) != NULL) {
		here += (int64_t)m->here.n;
		queued += m->all.n;
		bytes += m->all.bytes;
	}
	add_n(out, "meshes", count(b, "SELECT COUNT(*) FROM mesh LIMIT 1"));
	add_n(out, "meshes_loaded", (int64_t)b->meshes.n);
	add_n(out, "sessions", here);
	add_n(out, "queued", queued);
	add_n(out, "queued_bytes", bytes);
}

static void
add_limits(const struct broker_limits *l, struct buf *out)
{
	buf_addf(out, ",\"limits\":{\"meshes\":%lld", (long long)l->meshes);
	add_n(out, "members", l->members);
	add_n(out, "mesh_messages", l->mesh_count);
	add_n(out, "mesh_bytes", l->mesh_bytes);
	add_n(out, "queue_messages", l->queue_count);
	add_n(out, "queue_bytes", l->queue_bytes);
	add_n(out, "sender_messages", l->sender_count);
	add_n(out, "send_rate", l->send_rate);
	add_n(out, "send_burst", l->send_burst);
	add_n(out, "member_connections", l->member_conns);
	add_n(out, "retention_ms", l->keep_ms);
	buf_addc(out, '}');
}

static void
status(struct control *k, io_id to)
{
	struct broker *b = k->b;
	struct buf out;

	buf_init(&out, 64 * 1024);
	buf_addf(&out, "{\"ok\":true,\"version\":\"%s\"", b->conf.version);
	add_n(&out, "pid", getpid());
	add_n(&out, "uptime_ms", io_wall(b->io) - b->started_at);
	add_n(&out, "schema", broker_schema[broker_schema_n - 1].no);
	add_n(&out, "connections", (int64_t)b->conns.n);
	add_meshes(b, &out);
	add_n(&out, "db_bytes", db_bytes(b->db));
	add_n(&out, "wal_pages", db_wal_pages(b->db));
	add_n(&out, "stored", (int64_t)b->stat.stored);
	add_n(&out, "delivered", (int64_t)b->stat.delivered);
	add_n(&out, "commit_fails", (int64_t)b->stat.commit_fails);
	buf_addf(&out, ",\"disk_full\":%s,\"draining\":%s",
	    turn_is_read_only(b->turn) ? "true" : "false",
	    b->draining ? "true" : "false");
	add_limits(&b->conf.limits, &out);
	k->ops.status(k->arg, &out);
	buf_addc(&out, '}');
	say(k, to, &out);
	buf_fini(&out);
}

static void
reload(struct control *k, io_id to)
{
	struct why why = { 0 };
	struct buf out, names;

	buf_init(&names, 1024);
	buf_init(&out, 4096);
	if (k->ops.reload(k->arg, &names, &why) != OK) {
		say_error(k, to, &why);
	} else {
		buf_addf(&out, "{\"ok\":true,\"restart_needed\":\"%s\"}",
		    buf_str(&names));
		say(k, to, &out);
	}
	buf_fini(&out);
	buf_fini(&names);
}

/* ---- backup ---- */

static void
backup_over(struct control *k, bool keep)
{
	db_backup_end(k->backup, keep);
	k->backup = NULL;
	if (k->timer != 0)
		io_timer_stop(k->io, k->timer);
	k->timer = 0;
}

static void
backup_done(struct control *k)
{
	int64_t took = io_mono(k->io) - k->backup_began;
	struct buf out;

	backup_over(k, true);
	log_event(LOG_INFO, "backup_made", "ms", log_i(took), NULL);
	buf_init(&out, 256);
	buf_addf(&out, "{\"ok\":true,\"took_ms\":%lld}", (long long)took);
	say(k, k->backup_for, &out);
	buf_fini(&out);
}

static void
backup_slice(void *arg, io_id timer)
{
	struct control *k = arg;
	struct why why = { 0 };
	bool done = false;

	(void)timer;
	k->timer = 0;
	if (!db_in_txn(k->b->db) &&
	    db_backup_step(k->backup, SLICE_PAGES, &done, &why) != OK) {
		backup_over(k, false);
		log_event(LOG_ERROR, "backup_failed", "why", why.text, NULL);
		say_error(k, k->backup_for, &why);
	} else if (done) {
		backup_done(k);
	} else {
		k->timer = io_timer(k->io, SLICE_MS, backup_slice, k);
	}
}

static void
backup(struct control *k, io_id to, const char *path)
{
	struct why why = { 0 };

	if (k->backup != NULL)
		why_set(&why, E_CONFLICT, "another backup is being made");
	else if (path[0] != '/')
		why_set(&why, E_BAD_FIELD, "the path does not begin with /");
	else
		db_backup_begin(k->b->db, path, &k->backup, &why);
	if (why.code != OK) {
		say_error(k, to, &why);
		return;
	}
	k->backup_for = to;
	k->backup_began = io_mono(k->io);
	k->timer = io_timer(k->io, 0, backup_slice, k);
}

/* ---- callers ---- */

static void
obey(struct control *k, io_id to, const char *line)
{
	struct why why = { 0 };

	if (str_eq(line, "status")) {
		status(k, to);
	} else if (str_eq(line, "reload")) {
		reload(k, to);
	} else if (str_starts(line, "backup ")) {
		backup(k, to, line + strlen("backup "));
	} else {
		why_set(&why, E_UNKNOWN_TYPE,
		    "a line is status, reload or backup FILE");
		say_error(k, to, &why);
	}
}

static struct caller *
caller_of(struct control *k, io_id id)
{
	for (int i = 0; i < CALLERS_MAX; i++) {
		if (k->caller[i].id == id)
			return &k->caller[i];
	}
	return NULL;
}

static void
on_data(void *arg, io_id id, const void *p, size_t n)
{
	struct control *k = arg;
	struct caller *c = caller_of(k, id);
	char *nl;

	if (c == NULL)
		return;
	buf_add(&c->in, p, n);
	nl = c->in.len == 0 ? NULL : memchr(c->in.data, '\n', c->in.len);
	if (nl == NULL && !c->in.over)
		return;
	io_read_stop(k->io, id); /* one line a caller */
	if (nl == NULL) {
		io_close(k->io, id, false);
		return;
	}
	*nl = '\0';
	obey(k, id, (const char *)c->in.data);
}

static void
on_close(void *arg, io_id id, enum io_why why)
{
	struct control *k = arg;
	struct caller *c = caller_of(k, id);

	(void)why;
	if (k->backup != NULL && k->backup_for == id)
		backup_over(k, false);
	if (c == NULL)
		return;
	buf_fini(&c->in);
	memset(c, 0, sizeof(*c));
}

static const struct io_stream_cb stream_cb = {
	.data = on_data,
	.close = on_close,
};

static void
on_accept(void *arg, io_id id, const struct io_peer *peer)
{
	struct control *k = arg;
	struct caller *c = caller_of(k, 0);

	if (c == NULL || (peer->uid != (int)geteuid() && peer->uid != 0)) {
		io_bind(k->io, id, &io_nobody, NULL);
		io_close(k->io, id, false);
		return;
	}
	c->id = id;
	buf_init(&c->in, LINE_BYTES);
	io_bind(k->io, id, &stream_cb, k);
}

struct control *
control_new(struct io *io, struct broker *b, const char *path,
    const struct control_ops *ops, void *arg, struct why *why)
{
	struct control *k = mem_zalloc(sizeof(*k));
	struct io_addr at = { .unix_ = true };
	char text[160] = "its path is too long";

	k->io = io;
	k->b = b;
	k->ops = *ops;
	k->arg = arg;
	str_copy(k->path, sizeof(k->path), path);
	if (strlen(path) < sizeof(at.path)) {
		str_copy(at.path, sizeof(at.path), path);
		k->listener =
		    io_listen(io, &at, on_accept, k, text, sizeof(text));
	}
	if (k->listener != 0)
		return k;
	why_set(why, E_UNAVAILABLE, "no control socket: %s", text);
	mem_free(k);
	return NULL;
}

void
control_free(struct control *k)
{
	if (k == NULL)
		return;
	if (k->backup != NULL)
		backup_over(k, false);
	io_unlisten(k->io, k->listener);
	for (int i = 0; i < CALLERS_MAX; i++) {
		if (k->caller[i].id == 0)
			continue;
		io_bind(k->io, k->caller[i].id, &io_nobody, NULL);
		io_close(k->io, k->caller[i].id, false);
		buf_fini(&k->caller[i].in);
	}
	unlink(k->path);
	mem_free(k);
}

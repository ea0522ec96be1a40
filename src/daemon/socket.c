/*
 * socket.c - the local socket: who may speak, lines, requests to handlers. Only
 * processes of our own user are answered. Replies leave when what they say is
 * committed.
 */
#include "daemon/core.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define CLIENTS_MAX 256
#define LINES_A_TURN 64
#define LATER_MAX 64

/* ---- every row of local.def and its handler ---- */

#define REQUEST(c, wire, scope, rep, doc)                 \
	static int call_##c(struct dq *q, const void *in) \
	{                                                 \
		return on_##c(q, in);                     \
	}
#define REPLY(c, wire, doc)
#define PUSH(c, wire, doc)
#define RECORD(c, doc)
#define END
#include "wire/nofields.h"
#include "proto/local.def"
#include "wire/undef.h"

static int (*const handler[M_COUNT_])(struct dq *, const void *) = {
#define REQUEST(c, wire, scope, rep, doc) [M_##c] = call_##c,
#define REPLY(c, wire, doc)
#define PUSH(c, wire, doc)
#define RECORD(c, doc)
#define END
#include "wire/nofields.h"
#include "proto/local.def"
#include "wire/undef.h"
};

/* ---- saying ---- */

/* One line: white space between values may hold line ends; strings cannot. */
static void
say_line(struct daemon *d, struct dclient *c, const struct wire_msg *row,
    const void *msg, const char *reqid)
{
	struct buf b;

	buf_init(&b, LOCAL_REPLY_MAX);
	wire_encode(&b, row, msg, reqid, NULL);
	if (b.over) {
		const struct error e = { .code = "too_large",
			.message = "the answer is over 16 MiB; ask for less" };

		buf_clear(&b);
		wire_encode(&b, &wire_error, &e, reqid, NULL);
	}
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] == '\n' || b.data[i] == '\r')
			b.data[i] = ' ';
	buf_addc(&b, '\n');
	turn_say(d->turn, &c->chan, b.data, b.len);
	buf_fini(&b);
}

void
client_say(struct daemon *d, uint64_t client, const struct wire_msg *row,
    const void *msg, const char *reqid)
{
	struct dclient *c = map_geti(&d->clients, client);

	if (c == NULL || c->gone)
		return;
	c->later--;
	say_line(d, c, row, msg, reqid);
}

int
dq_reply(struct dq *q, const struct wire_msg *row, const void *msg)
{
	q->answered = true;
	say_line(q->d, q->client, row, msg, q->frame->reqid);
	return OK;
}

int
dq_fail(struct dq *q, int code, const char *fmt, ...)
{
	va_list ap;
	char text[256];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return why_set(&q->why, code, "%s", text);
}

static void
say_error(struct daemon *d, struct dclient *c, const struct why *why,
    const char *reqid)
{
	const struct error e = { .code = err_info(why->code)->wire,
		.message = *why->text ? why->text : err_info(why->code)->text,
		.field = why->field };

	say_line(d, c, &wire_error, &e, reqid);
}

/* ---- one request ---- */

/* Which session speaks: the one named in the envelope. */
static int
find_session(struct dq *q)
{
	const char *id = q->frame->session;

	if (id == NULL || *id == '\0')
		return OK;
	q->session = sess_id(q->d, id);
	if (q->session == NULL)
		return dq_fail(q, E_NO_SESSION,
		    "this daemon has no session %.40s; "
		    "unset CLAUDEMESH_SESSION to speak as the home session",
		    id);
	return OK;
}

static int
handle(struct dq *q)
{
	const struct wire_msg *row = q->frame->msg;
	void *in;
	int code;

	if (row->kind != W_REQUEST || (row->scope & SCOPE_MASK) != SCOPE_LOCAL)
		return dq_fail(q, E_UNKNOWN_TYPE, "%.64s is not for the daemon",
		    row->wire);
	in = arena_zalloc(q->a, row->size);
	code = wire_decode(row, q->frame->object, in, q->a, &q->why);
	if (code == OK && (code = find_session(q)) == OK)
		code = handler[row->no](q, in);
	return code;
}

static void
one_line(struct daemon *d, struct dclient *c, const char *text, size_t n)
{
	struct frame f;
	struct dq q = { .d = d, .client = c, .frame = &f, .now = d_now(d) };
	int64_t began = io_mono_us(d->io);
	int code;

	d_begin(d);
	q.a = &d->arena;
	code = frame_open(&f, q.a, text, n, &q.why);
	if (code == OK)
		code = handle(&q);
	d_end(d, (code == OK || q.answered) && !d->reload);
	if (code != OK && !q.answered)
		say_error(d, c, &q.why, f.reqid);
	log_event(LOG_DEBUG, "local", "type", f.type, "code",
	    code == OK ? "ok" : err_info(code)->wire, "us",
	    log_i(io_mono_us(d->io) - began), NULL);
}

static void
too_long(struct daemon *d, struct dclient *c)
{
	struct why why;

	why_set(&why, E_TOO_LARGE, "a line is longer than %d bytes",
	    LOCAL_LINE_MAX);
	say_error(d, c, &why, NULL);
	c->deaf = true;
}

static void
run_client(struct daemon *d, struct dclient *c)
{
	const char *nl;
	int lines = 0;

	while (!c->gone && !c->deaf && !d->reload && lines < LINES_A_TURN &&
	    c->later < LATER_MAX) {
		const char *p = c->in.data + c->done;
		size_t left = c->in.len - c->done;

		if (left == 0 || (nl = memchr(p, '\n', left)) == NULL) {
			if (left > LOCAL_LINE_MAX)
				too_long(d, c);
			break;
		}
		if ((size_t)(nl - p) > LOCAL_LINE_MAX) {
			too_long(d, c);
			break;
		}
		c->done += (size_t)(nl - p) + 1;
		if (nl > p)
			one_line(d, c, p, (size_t)(nl - p));
		lines++;
	}
	buf_consume(&c->in, c->done);
	c->done = 0;
	if (c->in.len <= LOCAL_LINE_MAX)
		io_read_start(d->io, c->stream);
	if (lines == LINES_A_TURN)
		d_wake(d);
}

void
socket_run(struct daemon *d)
{
	struct dclient *c;

	for (size_t i = 0;
	     (c = map_next(&d->clients, &i)) != NULL && !d->reload;)
		if (c->in.len > 0)
			run_client(d, c);
}

/* ---- streams ---- */

static struct dclient *
client_of(struct daemon *d, io_id id)
{
	return map_geti(&d->by_stream, id);
}

static void
on_open(void *arg, io_id id)
{
	(void)arg, (void)id;
}

static void
on_data(void *arg, io_id id, const void *p, size_t n)
{
	struct daemon *d = arg;
	struct dclient *c = client_of(d, id);

	if (c == NULL || c->gone || c->deaf)
		return;
	if (buf_add(&c->in, p, n) != 0) {
		c->gone = true;
		io_close(d->io, id, false);
	}
	if (c->in.len > LOCAL_LINE_MAX)
		io_read_stop(d->io, id);
	d_wake(d);
}

static void
on_drain(void *arg, io_id id)
{
	(void)arg, (void)id;
}

static void
on_close(void *arg, io_id id, enum io_why why)
{
	struct daemon *d = arg;
	struct dclient *c = client_of(d, id);

	(void)why;
	if (c == NULL)
		return;
	c->gone = true;
	map_deli(&d->by_stream, id);
	d_wake(d);
}

static const struct io_stream_cb stream_cb = { on_open, on_data, on_drain,
	on_close };

static void
on_accept(void *arg, io_id id, const struct io_peer *peer)
{
	struct daemon *d = arg;
	struct dclient *c;

	if ((d->conf.uid >= 0 && peer->uid != d->conf.uid) || d->stopping ||
	    d->clients.n >= CLIENTS_MAX) {
		log_event(LOG_WARN, "client_refused", "uid", log_i(peer->uid),
		    NULL);
		io_close(d->io, id, false);
		return;
	}
	c = mem_zalloc(sizeof(*c));
	c->id = ++d->next_client;
	c->stream = id;
	c->chan.id = c->id << 2;
	buf_init(&c->in, LOCAL_LINE_MAX * 4);
	map_puti(&d->clients, c->id, c);
	map_puti(&d->by_stream, id, c);
	io_bind(d->io, id, &stream_cb, d);
	io_limit(d->io, id, 4 * (size_t)LOCAL_REPLY_MAX, LOCAL_LINE_MAX);
}

int
socket_open(struct daemon *d, struct why *why)
{
	struct io_addr addr = d->conf.listen;
	char text[256] = "";

	d->listen = io_listen(d->io, &addr, on_accept, d, text, sizeof(text));
	if (d->listen == 0)
		return why_set(why, E_UNAVAILABLE, "cannot listen on %s: %s",
		    d->conf.listen.path, text);
	return OK;
}

static void
client_free(struct daemon *d, struct dclient *c)
{
	op_client_gone(d, c->id);
	turn_chan_gone(d->turn, &c->chan);
	buf_fini(&c->in);
	mem_free(c);
}

void
socket_sweep(struct daemon *d)
{
	struct dclient *c;

	for (size_t i = 0; (c = map_next(&d->clients, &i)) != NULL;) {
		if (c->deaf && !c->gone) { /* its error leaves first */
			c->gone = true;
			map_deli(&d->by_stream, c->stream);
			io_close(d->io, c->stream, true);
		}
		if (c->gone) {
			map_deli(&d->by_stream, c->stream);
			map_deli(&d->clients, c->id);
			client_free(d, c);
		}
	}
}

void
socket_close_all(struct daemon *d)
{
	struct dclient *c;

	for (size_t i = 0; (c = map_next(&d->clients, &i)) != NULL;) {
		if (!c->gone)
			io_close(d->io, c->stream, true);
		client_free(d, c);
	}
	map_fini(&d->clients);
	map_fini(&d->by_stream);
}

/* ---- what handlers ask ---- */

static struct dmesh *
no_mesh(struct dq *q, const char *wanted)
{
	char list[160] = "";
	struct dmesh *m;
	size_t at = 0;

	for (size_t i = 0; (m = map_next(&q->d->meshes, &i)) != NULL;)
		if (!m->gone && at < sizeof(list) - 1)
			at += (size_t)snprintf(list + at, sizeof(list) - at,
			    "%s%s", at ? ", " : "", m->slug);
	if (*list == '\0')
		dq_fail(q, E_NO_MESH,
		    "no mesh is joined here; `claudemesh mesh "
		    "create NAME` makes one, `claudemesh join URL` enters one");
	else if (*wanted != '\0')
		dq_fail(q, E_NO_MESH, "no mesh '%.64s' here; there is: %s",
		    wanted, list);
	else
		why_field(&q->why, E_USAGE, "mesh",
		    "several meshes are joined; say which by --mesh: %s", list);
	return NULL;
}

struct dmesh *
dq_mesh(struct dq *q, const char *mesh)
{
	struct dmesh *m, *only = NULL;
	size_t n = 0;

	if (*mesh != '\0')
		return (m = dmesh_named(q->d, mesh)) != NULL ? m
							     : no_mesh(q, mesh);
	if (q->session != NULL)
		return q->session->mesh;
	for (size_t i = 0; (m = map_next(&q->d->meshes, &i)) != NULL;)
		if (!m->gone) {
			only = m;
			n++;
		}
	return n == 1 ? only : no_mesh(q, "");
}

struct dsess *
dq_speaker(struct dq *q, struct dmesh *m)
{
	if (q->session != NULL && q->session->mesh == m) {
		if (q->session->state == SESS_OPEN)
			return q->session;
		dq_fail(q, E_NO_SESSION, "session %s has %s%s%s",
		    q->session->name,
		    q->session->state == SESS_ENDED ? "ended" : "been ended",
		    *q->session->reason ? ": " : "", q->session->reason);
		return NULL;
	}
	return sess_home_wake(m, &q->why) == OK ? m->home : NULL;
}

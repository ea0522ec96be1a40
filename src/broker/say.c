/*
 * say.c - what handlers say: replies, pushes, events.
 *
 * Everything is framed here and collected in the turn, which holds it until the
 * commit stands. Replies are never dropped; events are when their connection is
 * slow, and it is told how many. Messages are the lanes' affair.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker/broker.h"
#include "broker/compat.h"

struct bconn *
conn_at(struct broker *b, io_id id)
{
	return id == 0 ? NULL : map_geti(&b->conns, id);
}

size_t
conn_backlog(struct broker *b, struct bconn *c)
{
	return server_queued(b->srv, c->id) + c->chan.held.len;
}

void
conn_close(struct broker *b, struct bconn *c, int code, const char *reason)
{
	if (c->gone || c->closing)
		return;
	c->closing = true;
	c->close_code = code;
	str_copy(c->close_text, sizeof(c->close_text), reason);
	vec_add(&b->closing, c->id);
}

void
conn_text(struct broker *b, struct bconn *c, const char *json, size_t n)
{
	buf_clear(&b->wire);
	ws_frame(&b->wire, json, n);
	turn_say(b->turn, &c->chan, b->wire.data, b->wire.len);
}

static int
encode(struct broker *b, const struct wire_msg *m, const void *in,
    const char *reqid, const char *session)
{
	struct why why;

	if (wire_validate(m, in, &why) != OK) {
		log_event(LOG_ERROR, "bad_reply", "type", m->name, "field",
		    why.field, "why", why.text, NULL);
		return E_INTERNAL;
	}
	buf_clear(&b->json);
	wire_encode(&b->json, m, in, reqid, session);
	return b->json.over ? E_TOO_LARGE : OK;
}

int
rq_reply(struct rq *rq, const struct wire_msg *m, const void *in)
{
	struct broker *b = rq->b;
	int r;

	assert(!rq->replied);
	if (rq->conn != NULL && rq->conn->old && compat_reply(rq, m, in)) {
		rq->replied = true;
		return OK;
	}
	r = encode(b, m, in, rq->frame.reqid, NULL);
	if (r != OK)
		return rq_fail(rq, r, NULL);
	conn_text(b, rq->conn, b->json.data, b->json.len);
	rq->replied = true;
	if ((rq->frame.msg->scope & ONCE) != 0 && rq->frame.reqid != NULL) {
		rq->said = arena_strndup(rq->arena, b->json.data, b->json.len);
		rq->nsaid = b->json.len;
	}
	return OK;
}

int
rq_ok(struct rq *rq)
{
	return rq_reply(rq, &wire_ok, &(const struct ok){ .end_ = 0 });
}

static int
fail(struct rq *rq, int code, const char *field, const char *fmt, va_list ap)
{
	char text[sizeof(rq->why.text)];

	if (fmt == NULL)
		return why_field(&rq->why, code, field, "%s",
		    err_info(code)->text);
	vsnprintf(text, sizeof(text), fmt, ap);
	return why_field(&rq->why, code, field, "%s", text);
}

int
rq_fail(struct rq *rq, int code, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = fail(rq, code, "", fmt, ap);
	va_end(ap);
	return r;
}

int
rq_field(struct rq *rq, int code, const char *field, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = fail(rq, code, field, fmt, ap);
	va_end(ap);
	return r;
}

void
conn_push(struct broker *b, struct bconn *c, const char *session,
    const struct wire_msg *m, const void *in)
{
	if (c != NULL && !c->gone && c->old) {
		compat_push(b, c, session, m, in);
		return;
	}
	if (c == NULL || c->gone || encode(b, m, in, NULL, session) != OK)
		return;
	conn_text(b, c, b->json.data, b->json.len);
}

int
push_begin(struct broker *b, const struct wire_msg *m, const void *in,
    size_t *common)
{
	int r = encode(b, m, in, NULL, NULL);

	*common = r == OK ? b->json.len - 1 : 0;
	return r;
}

void
push_end(struct broker *b, struct bconn *c, size_t common, const char *tail,
    size_t ntail)
{
	b->json.len = common;
	buf_add(&b->json, tail, ntail);
	buf_adds(&b->json, "}");
	if (c != NULL && !c->gone && !b->json.over)
		conn_text(b, c, b->json.data, b->json.len);
}

bool
conn_event(struct broker *b, struct bconn *c)
{
	if (c == NULL || c->gone)
		return false;
	if (conn_backlog(b, c) < PUSH_HIGH)
		return true;
	c->dropped++;
	b->stat.events_dropped++;
	return false;
}

/* Each connection once, however many sessions it carries. */
static struct bconn *
listener(struct broker *b, const struct presence *p, io_id but,
    const char *member)
{
	struct bconn *c;

	if (p->conn == 0 || p->conn == but)
		return NULL;
	if (member != NULL && strcmp(p->member, member) != 0)
		return NULL;
	c = conn_at(b, p->conn);
	if (c == NULL || c->stamp == b->stamp)
		return NULL;
	c->stamp = b->stamp;
	return conn_event(b, c) ? c : NULL;
}

void
mesh_push(struct broker *b, struct mesh *mesh, io_id but, const char *member,
    const struct wire_msg *m, const void *in)
{
	VEC(struct turn_chan *) to = { 0 };
	struct presence *p;
	struct bconn *c;
	size_t i = 0;

	b->stamp++;
	while ((p = map_next(&mesh->here, &i)) != NULL) {
		c = listener(b, p, but, member);
		if (c != NULL && c->old)
			compat_push(b, c, NULL, m, in);
		else if (c != NULL)
			vec_add(&to, &c->chan);
	}
	if (to.n > 0 && encode(b, m, in, NULL, NULL) == OK) {
		buf_clear(&b->wire);
		ws_frame(&b->wire, b->json.data, b->json.len);
		turn_say_many(b->turn, to.v, to.n, b->wire.data, b->wire.len);
	}
	vec_fini(&to);
}

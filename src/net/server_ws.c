/*
 * server_ws.c - WebSocket connections: frames are decoded as they come and
 * wait, unmasked and whole, until the core pulls them in its turn.
 *
 * Control frames are answered at once. A close or a violation takes effect
 * behind the messages that came before it. Input that nobody pulls stops the
 * reading at 256 KiB, so what waits is bounded by that and one message.
 */
#include "net/server_int.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"

bool
ws_waiting(const struct conn *c)
{
	return c->taken < c->lens.n;
}

void
ws_tell(struct conn *c)
{
	if (!c->upgraded || c->told)
		return;
	c->told = true;
	c->sv->ops->ws_close(c->sv->arg, c->id, c->code);
}

static void
send_close(struct conn *c, int code, const char *reason)
{
	struct buf b;

	buf_init(&b, 256);
	ws_encode_close(&b, code, reason, NULL);
	conn_write(c, b.data, b.len);
	buf_fini(&b);
}

static void
control(struct conn *c, enum ws_op op, const char *p, size_t n)
{
	struct buf b;

	buf_init(&b, 256);
	ws_encode(&b, op, p, n, NULL);
	conn_write(c, b.data, b.len);
	buf_fini(&b);
}

void
ws_ping(struct conn *c)
{
	control(c, WS_PING, "", 0);
}

/* A flood of pings by someone who does not read is not answered. */
static void
pong(struct conn *c)
{
	if (io_queued(c->sv->io, c->id) <= LOW_WATER)
		control(c, WS_PONG, c->ws.control, c->ws.ncontrol);
}

static void
drop_input(struct conn *c)
{
	buf_reset(&c->in);
	vec_fini(&c->lens);
	c->taken = c->at = 0;
}

/* Someone always a little behind: what was pulled must not pile up. */
static void
compact(struct conn *c)
{
	if (c->at < BACKLOG_GO)
		return;
	buf_consume(&c->in, c->at);
	c->at = 0;
	c->lens.n -= c->taken;
	memmove(c->lens.v, c->lens.v + c->taken,
	    c->lens.n * sizeof(*c->lens.v));
	c->taken = 0;
}

/* Forgets what was pulled; keeps the message under way. */
static void
tidy(struct conn *c)
{
	if (ws_waiting(c)) {
		compact(c);
		return;
	}
	if (c->at == c->in.len) {
		drop_input(c);
		return;
	}
	buf_consume(&c->in, c->at);
	vec_fini(&c->lens);
	c->taken = c->at = 0;
}

void
ws_finish(struct conn *c)
{
	bool failed = c->ws.why != NULL;

	c->code = c->ws.code;
	if (failed)
		log_event(LOG_INFO, "ws_violation", "why", c->ws.why, "code",
		    log_i(c->code), "ip", c->ip != NULL ? c->ip->text : NULL,
		    NULL);
	send_close(c, c->code, failed ? c->ws.why : NULL);
	conn_last(c);
	drop_input(c);
	ws_tell(c);
}

/* Decodes all of it; true when a message was completed. */
static bool
decode(struct conn *c, const char *p, size_t n)
{
	bool got = false;

	while (n > 0 && !c->ended)
		switch (ws_decode(&c->ws, &p, &n, &c->in)) {
		case WS_MESSAGE:
			vec_add(&c->lens, (uint32_t)c->ws.len);
			got = true;
			break;
		case WS_PINGED:
			if (c->state == C_WS)
				pong(c);
			break;
		case WS_CLOSED:
		case WS_FAILED:
			c->ended = true;
			break;
		case WS_PONGED:
		case WS_MORE:
			break;
		}
	return got;
}

/* Our close is out: everything but theirs is thrown away. */
static void
closing_input(struct conn *c, const char *p, size_t n)
{
	size_t k;

	for (; n > 0 && !c->ended; p += k, n -= k) {
		k = n < 4096 ? n : 4096;
		decode(c, p, k);
		c->taken = c->lens.n;
		c->at = c->in.len - (c->ws.message ? c->ws.len : 0);
		tidy(c);
	}
	if (c->ended)
		conn_last(c);
}

void
ws_input(struct conn *c, const char *p, size_t n)
{
	struct server *sv = c->sv;
	bool got;

	if (c->state == C_CLOSING) {
		closing_input(c, p, n);
		return;
	}
	tidy(c);
	got = decode(c, p, n);
	if (c->ended && !ws_waiting(c)) {
		ws_finish(c);
		return;
	}
	if (c->ended) /* if nobody pulls what came before */
		c->deadline = io_mono(sv->io) + 2 * CLOSE_MS;
	c->backlog = ws_waiting(c) && c->in.len - c->at > BACKLOG_STOP;
	conn_reading(c);
	if (got)
		sv->ops->ws_ready(sv->arg, c->id);
}

bool
server_has_frame(struct server *sv, io_id id)
{
	const struct conn *c = conn_get(sv, id);

	return c != NULL && c->state == C_WS && ws_waiting(c);
}

bool
server_frame(struct server *sv, io_id id, const char **text, size_t *n)
{
	struct conn *c = conn_get(sv, id);

	if (c == NULL || c->state != C_WS)
		return false;
	if (!ws_waiting(c)) {
		tidy(c);
		return false;
	}
	*n = c->lens.v[c->taken++];
	*text = *n > 0 ? c->in.data + c->at : "";
	c->at += *n;
	if (!ws_waiting(c) || c->in.len - c->at < BACKLOG_GO) {
		c->backlog = false;
		conn_reading(c);
	}
	if (c->ended && !ws_waiting(c))
		conn_kick(c);
	return true;
}

int
server_write(struct server *sv, io_id id, const void *p, size_t n)
{
	struct conn *c = conn_get(sv, id);

	return c == NULL || c->state != C_WS ? -1 : conn_write(c, p, n);
}

void
server_close(struct server *sv, io_id id, int code, const char *reason)
{
	struct conn *c = conn_get(sv, id);

	if (c == NULL || c->state >= C_CLOSING)
		return;
	if (c->state != C_WS) {
		conn_last(c);
		return;
	}
	c->code = (uint16_t)code;
	send_close(c, code, reason);
	if (c->ended)
		conn_last(c);
	else {
		c->state = C_CLOSING;
		c->deadline = io_mono(sv->io) + CLOSE_MS;
		c->paused = c->backlog = false;
		conn_reading(c);
	}
	conn_kick(c);
}

/*
 * server_http.c - requests in order, replies to them, and the way from HTTP to
 * WebSocket. A second request of one connection is parsed only when the first
 * was answered, so pipelining needs no queue but the bytes themselves.
 */
#include "net/server_int.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

static int
send_reply(struct conn *c, int status, const char *type, const char *extra,
    const void *body, size_t n, bool keep)
{
	struct io *io = c->sv->io;
	size_t max = c->sv->conf.out_max, need;
	bool head_only;
	struct buf b;
	int rc;

	head_only = c->http != NULL && c->http->method != NULL &&
	    strcmp(c->http->method, "HEAD") == 0;
	buf_init(&b, 64 * 1024);
	http_reply_head(&b, status, type, extra, n, keep, io_wall(io));
	if (head_only || status == 204 || status == 304)
		n = 0;
	need = io_queued(io, c->id) + b.len + n;
	if (need > max) /* the core has it in memory anyway */
		io_limit(io, c->id, need, LOW_WATER);
	rc = b.over ? -1 : conn_write(c, b.data, b.len);
	if (rc == 0 && n > 0)
		rc = conn_write(c, body, n);
	buf_fini(&b);
	return rc;
}

static void
refuse(struct conn *c, int status, const char *why)
{
	const char *extra = NULL;
	char body[128];

	if (status == 405)
		extra = "Allow: GET\r\n";
	else if (status == 426)
		extra = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
	str_copy(body, sizeof(body) - 1, why);
	strcat(body, "\n");
	if (send_reply(c, status, "text/plain; charset=utf-8", extra, body,
		strlen(body), false) == 0)
		conn_last(c);
	else
		conn_kill(c);
}

void
http_late(struct conn *c)
{
	if (c->http != NULL && c->http->began)
		refuse(c, 408, "the request took too long");
	else
		conn_last(c);
}

/* ---- upgrade ---- */

/* Authority without its scheme's default port. */
static size_t
bare_authority(const char *s, bool https)
{
	const char *port = https ? ":443" : ":80";
	size_t n = strlen(s), k = strlen(port);

	return n > k && strcmp(s + n - k, port) == 0 ? n - k : n;
}

static bool
same_origin(const char *origin, const char *host)
{
	bool https = strncasecmp(origin, "https://", 8) == 0;
	size_t n;

	if (!https && strncasecmp(origin, "http://", 7) != 0)
		return false;
	origin += https ? 8 : 7;
	n = bare_authority(origin, https);
	return n == bare_authority(host, https) &&
	    strncasecmp(origin, host, n) == 0;
}

static bool
origin_fine(const struct server *sv, const struct http_request *rq)
{
	const char *origin = http_header(rq, "origin");
	const char *host = http_header(rq, "host");
	const char *const *o = sv->conf.origins;

	if (origin == NULL || (host != NULL && same_origin(origin, host)))
		return true;
	for (; o != NULL && *o != NULL; o++)
		if (strcasecmp(*o, origin) == 0)
			return true;
	return false;
}

/* 0, or the status to refuse with. */
static int
handshake_fault(const struct conn *c, const struct http_request *rq,
    const char **why)
{
	const char *v = http_header(rq, "sec-websocket-version");
	const char *key = http_header(rq, "sec-websocket-key");

	*why = "WebSocket needs HTTP/1.1";
	if (c->http->http10)
		return 400;
	*why = "WebSocket needs GET";
	if (strcmp(rq->method, "GET") != 0)
		return 405;
	*why = "Connection: upgrade is missing";
	if (!http_has_token(rq->header, rq->nheader, "connection", "upgrade"))
		return 400;
	*why = "Sec-WebSocket-Version is not 13";
	if (v == NULL || strcmp(v, "13") != 0)
		return 426;
	*why = "Sec-WebSocket-Key is no good";
	if (key == NULL || !ws_key_valid(key))
		return 400;
	*why = "this Origin is not let in";
	return origin_fine(c->sv, rq) ? 0 : 403;
}

static void
offers(const struct http_request *rq, struct buf *out)
{
	for (size_t i = 0; i < rq->nheader; i++) {
		if (strcmp(rq->header[i].name, "sec-websocket-protocol") != 0)
			continue;
		if (out->len > 0)
			buf_adds(out, ", ");
		buf_adds(out, rq->header[i].value);
	}
}

static int
send_switch(struct conn *c, const struct http_request *rq, const char *proto)
{
	char accept[WS_ACCEPT_LEN + 1];
	struct buf b;
	int rc;

	ws_accept(accept, http_header(rq, "sec-websocket-key"));
	buf_init(&b, 4096);
	buf_addf(&b,
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n",
	    accept);
	if (*proto != '\0')
		buf_addf(&b, "Sec-WebSocket-Protocol: %s\r\n", proto);
	buf_adds(&b, "\r\n");
	rc = b.over ? -1 : conn_write(c, b.data, b.len);
	buf_fini(&b);
	return rc;
}

static void
become_ws(struct conn *c, struct http_request *rq, const char *proto)
{
	struct server *sv = c->sv;
	int64_t now = io_mono(sv->io);

	if (send_switch(c, rq, proto) != 0) {
		conn_kill(c);
		return;
	}
	c->state = C_WS;
	c->upgraded = true;
	c->pinged = now;
	c->deadline = now + sv->conf.admit_ms;
	ws_dec_init(&c->ws, true, sv->conf.frame_max);
	buf_init(&c->in, SIZE_MAX / 4); /* bounded by backlog and frame_max */
	sv->ops->ws_open(sv->arg, c->id, proto, &rq->peer);
	http_in_free(c->http);
	c->http = NULL;
}

static void
upgrade(struct conn *c, struct http_request *rq)
{
	struct server *sv = c->sv;
	const char *why, *proto = NULL;
	struct buf offered;
	int status = handshake_fault(c, rq, &why);

	if (status != 0) {
		refuse(c, status, why);
		return;
	}
	status = 404;
	buf_init(&offered, sv->conf.header_max);
	offers(rq, &offered);
	if (sv->ops->upgrade != NULL)
		proto =
		    sv->ops->upgrade(sv->arg, rq, buf_str(&offered), &status);
	if (proto != NULL)
		become_ws(c, rq, proto);
	else
		refuse(c, status,
		    rq->refusal != NULL ? rq->refusal : http_reason(status));
	buf_fini(&offered);
}

/* ---- requests ---- */

/* The reply is written: next request, or the end. */
static void
answered(struct conn *c, bool keep)
{
	http_in_free(c->http);
	c->http = NULL;
	c->served = true;
	c->continued = false;
	if (!keep) {
		conn_last(c);
		return;
	}
	c->state = C_READ;
	c->deadline = io_mono(c->sv->io) + c->sv->conf.idle_ms;
}

static void
dispatch(struct conn *c)
{
	struct http_request rq = { .conn = c->id, .peer = conn_peer(c) };
	struct server *sv = c->sv;

	http_in_request(c->http, &rq);
	c->deadline = 0;
	if (c->http->websocket) {
		upgrade(c, &rq);
		return;
	}
	c->state = C_WAIT;
	c->in_request = true;
	sv->ops->request(sv->arg, &rq);
	c->in_request = false;
	if (c->state == C_READ)
		answered(c, c->http->keep_alive);
}

/* The head is whole, the body is not. */
static void
body_begins(struct conn *c)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (c->continued)
		return;
	c->continued = true;
	c->deadline = io_mono(c->sv->io) + c->sv->conf.body_ms;
	if (c->http->expect && c->http->body.len == 0)
		conn_write(c, go_on, sizeof(go_on) - 1);
}

static void
begin_request(struct conn *c)
{
	const struct server_conf *conf = &c->sv->conf;

	c->http = http_in_new(conf->header_max, conf->body_max);
	if (c->served) /* the first one's time runs since the accept */
		c->deadline = io_mono(c->sv->io) + conf->header_ms;
}

/* Bytes behind a request that is not answered yet. */
static void
stash(struct conn *c, const char *p, size_t n)
{
	if (c->in.max == 0)
		buf_init(&c->in, SIZE_MAX / 4);
	buf_add(&c->in, p, n);
	c->backlog = c->in.len > PIPELINE_MAX;
	conn_reading(c);
}

/* Replies pile up: the next request waits until they are read. */
static bool
crowded(const struct conn *c)
{
	return io_queued(c->sv->io, c->id) > LOW_WATER;
}

void
http_input(struct conn *c, const char *p, size_t n)
{
	size_t used;

	if (c->in.len > 0) { /* a kick is due: keep the order */
		stash(c, p, n);
		return;
	}
	while (n > 0 && c->state == C_READ && !crowded(c)) {
		if (c->http == NULL)
			begin_request(c);
		switch (http_in_feed(c->http, p, n, &used)) {
		case HTTP_IN_HEAD:
			break;
		case HTTP_IN_BODY:
			body_begins(c);
			break;
		case HTTP_IN_DONE:
			dispatch(c);
			break;
		case HTTP_IN_BAD:
			refuse(c, c->http->status, c->http->why);
			break;
		}
		p += used;
		n -= used;
	}
	if (n > 0 && (c->state == C_WAIT || c->state == C_READ))
		stash(c, p, n);
	else if (n > 0 && c->state == C_WS)
		ws_input(c, p, n);
}

void
http_resume(struct conn *c)
{
	struct buf b = c->in;

	buf_init(&c->in, SIZE_MAX / 4);
	c->backlog = false;
	if (b.len > 0)
		http_input(c, b.data, b.len);
	buf_fini(&b);
	conn_reading(c);
}

void
server_reply(struct server *sv, io_id conn, int status, const char *type,
    const char *headers, const void *body, size_t n)
{
	struct conn *c = conn_get(sv, conn);
	bool keep;

	if (c == NULL || c->state != C_WAIT)
		return;
	keep = c->http->keep_alive;
	if (send_reply(c, status, type, headers, body, n, keep) != 0) {
		conn_kill(c);
		return;
	}
	if (c->in_request) { /* the request's memory is in use */
		c->state = C_READ;
		return;
	}
	answered(c, keep);
	if (c->state == C_READ && c->in.len > 0)
		conn_kick(c);
}

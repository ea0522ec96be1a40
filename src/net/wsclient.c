/*
 * wsclient.c - one WebSocket connection, client side. Pure like the server:
 * bytes, time and mask keys come through io.h.
 *
 * It believes nothing of the answer that RFC 6455 lets it check: the status,
 * the upgrade, the accept key, no extension, and the very subprotocol it asked
 * for. It neither follows redirects nor connects again.
 */
#include "net/wsclient.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/enc.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/http.h"
#include "net/ws.h"

#define HANDSHAKE_MS 15000
#define TICK_MS 15000 /* every second tick pings */
#define SILENCE_MS 75000
#define CLOSE_MS 5000
#define RESPONSE_MAX (16 * 1024)

enum state { IDLE, DIALING, ASKED, OPEN, CLOSING };

struct wsclient {
	struct io *io;
	const struct wsclient_ops *ops;
	void *arg;
	io_id stream, timer;
	enum state state;
	struct url url;
	char key[WS_KEY_LEN + 1];
	char subprotocol[64];
	struct http_head head; /* of the answer */
	struct ws_dec ws;
	struct buf in;
	int64_t heard;
	bool odd;	  /* tick */
	unsigned depth;	  /* callbacks under way */
	bool dead;	  /* freed within one */
	int code;	  /* to report */
	char reason[256]; /* "": what io says */
	const char *ca, *pin;
	bool untrusted;
};

struct wsclient *
wsclient_new(struct io *io, const struct wsclient_ops *ops, void *arg)
{
	struct wsclient *c = mem_zalloc(sizeof(*c));

	c->io = io;
	c->ops = ops;
	c->arg = arg;
	return c;
}

static void
release(struct wsclient *c)
{
	http_head_fini(&c->head);
	ws_dec_fini(&c->ws);
	buf_fini(&c->in);
}

/* A callback of the owner's may free us: call between enter and leave. */
static void
enter(struct wsclient *c)
{
	c->depth++;
}

static void
leave(struct wsclient *c)
{
	if (--c->depth == 0 && c->dead) {
		release(c);
		mem_free(c);
	}
}

static void
set_timer(struct wsclient *c, int64_t ms, io_timer_fn *fn)
{
	io_timer_stop(c->io, c->timer);
	c->timer = fn != NULL ? io_timer(c->io, ms, fn, c) : 0;
}

static int
send_frame(struct wsclient *c, enum ws_op op, const void *p, size_t n)
{
	uint8_t mask[4];
	struct buf b;
	int rc;

	io_random(c->io, mask, sizeof(mask));
	buf_init(&b, n + WS_HEAD_MAX);
	ws_encode(&b, op, p, n, mask);
	rc = io_write(c->io, c->stream, b.data, b.len);
	buf_fini(&b);
	return rc;
}

static void
send_close(struct wsclient *c, int code, const char *reason)
{
	uint8_t mask[4];
	struct buf b;

	io_random(c->io, mask, sizeof(mask));
	buf_init(&b, 256);
	ws_encode_close(&b, code, reason, mask);
	io_write(c->io, c->stream, b.data, b.len);
	buf_fini(&b);
}

/* Lets go of the stream; it closes on its own after its last bytes. */
static void
detach(struct wsclient *c, bool after_flush)
{
	io_bind(c->io, c->stream, &io_nobody, NULL);
	io_close(c->io, c->stream, after_flush);
	c->stream = 0;
}

/* The end, told from an event: state first, the owner may connect again. */
static void
finish(struct wsclient *c, int code, const char *reason)
{
	char text[sizeof(c->reason)];

	str_copy(text, sizeof(text), reason);
	set_timer(c, 0, NULL);
	release(c);
	c->state = IDLE;
	c->stream = 0;
	enter(c);
	c->ops->close(c->arg, code, text);
	leave(c);
}

static void
give_up(struct wsclient *c, int code, const char *reason)
{
	detach(c, c->state >= OPEN);
	finish(c, code, reason);
}

/* ---- time ---- */

static void
on_tick(void *arg, io_id timer)
{
	struct wsclient *c = arg;

	(void)timer;
	c->timer = 0;
	if (io_mono(c->io) - c->heard >= SILENCE_MS) {
		detach(c, false);
		finish(c, WS_VANISHED, "the broker fell silent");
		return;
	}
	c->odd = !c->odd;
	if (!c->odd)
		send_frame(c, WS_PING, "", 0);
	set_timer(c, TICK_MS, on_tick);
}

static void
on_late(void *arg, io_id timer)
{
	struct wsclient *c = arg;

	(void)timer;
	c->timer = 0;
	detach(c, false);
	if (c->state == CLOSING)
		finish(c, c->code, c->reason);
	else
		finish(c, 0, io_why_text(IO_TIMEOUT));
}

/* ---- handshake ---- */

static void
send_request(struct wsclient *c)
{
	bool six = strchr(c->url.host, ':') != NULL;
	uint8_t raw[16];
	struct buf b;

	io_random(c->io, raw, sizeof(raw));
	b64_encode(c->key, raw, sizeof(raw));
	buf_init(&b, 4096);
	buf_addf(&b, "GET %s HTTP/1.1\r\n", c->url.path);
	buf_addf(&b, six ? "Host: [%s]" : "Host: %s", c->url.host);
	if (c->url.port != (url_is_secure(&c->url) ? 443 : 80))
		buf_addf(&b, ":%u", (unsigned)c->url.port);
	buf_addf(&b,
	    "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n",
	    c->key);
	if (c->subprotocol[0] != '\0')
		buf_addf(&b, "Sec-WebSocket-Protocol: %s\r\n", c->subprotocol);
	buf_adds(&b, "\r\n");
	io_write(c->io, c->stream, b.data, b.len);
	buf_fini(&b);
}

static int
status_of(const char *line)
{
	int status = 0;

	if (strncmp(line, "HTTP/1.1 ", 9) != 0)
		return -1;
	for (int i = 9; i < 12; i++) {
		if (line[i] < '0' || line[i] > '9')
			return -1;
		status = status * 10 + (line[i] - '0');
	}
	return line[12] == ' ' || line[12] == '\0' ? status : -1;
}

/* NULL, or what is wrong with the answer. */
static const char *
answer_fault(struct wsclient *c, char *scratch, size_t cap)
{
	struct http_header h[HTTP_HEADERS];
	char *line, accept[WS_ACCEPT_LEN + 1];
	const char *v;
	size_t n;
	int status;

	if (http_head_split(&c->head, &line, h, countof(h), &n) != 0 ||
	    (status = status_of(line)) < 0)
		return "the answer is not HTTP/1.1";
	if (status != 101) {
		snprintf(scratch, cap, "HTTP status %d", status);
		return scratch;
	}
	v = http_find(h, n, "sec-websocket-accept");
	ws_accept(accept, c->key);
	if (!http_has_token(h, n, "upgrade", "websocket") ||
	    !http_has_token(h, n, "connection", "upgrade") || v == NULL ||
	    strcmp(v, accept) != 0)
		return "the answer is no WebSocket handshake";
	if (http_find(h, n, "sec-websocket-extensions") != NULL)
		return "the broker chose an extension nobody offered";
	v = http_find(h, n, "sec-websocket-protocol");
	if (c->subprotocol[0] != '\0' && v == NULL) {
		snprintf(scratch, cap, "the broker does not speak %s",
		    c->subprotocol);
		return scratch;
	}
	return v != NULL && strcmp(v, c->subprotocol) != 0
	    ? "the broker chose a subprotocol nobody offered"
	    : NULL;
}

static void
opened(struct wsclient *c)
{
	http_head_fini(&c->head);
	c->state = OPEN;
	c->odd = false;
	set_timer(c, TICK_MS, on_tick);
	c->ops->open(c->arg);
}

static void
take_answer(struct wsclient *c, const char **p, size_t *n)
{
	char scratch[128];
	const char *fault;
	size_t used;

	switch (http_head_feed(&c->head, *p, *n, &used)) {
	case HTTP_MORE:
		*n = 0; /* another protocol's banner has no end: look now */
		if (c->head.raw.len < 9 ||
		    str_starts(c->head.raw.data, "HTTP/1.1 "))
			return;
		/* fall through */
	case HTTP_WRONG:
	case HTTP_TOO_BIG:
		give_up(c, 0, "the answer is not HTTP/1.1");
		return;
	case HTTP_WHOLE:
		break;
	}
	*p += used;
	*n -= used;
	fault = answer_fault(c, scratch, sizeof(scratch));
	if (fault != NULL)
		give_up(c, 0, fault);
	else
		opened(c);
}

/* ---- frames ---- */

static void
take_message(struct wsclient *c)
{
	size_t n = c->ws.len;
	const char *text = n > 0 ? c->in.data + c->in.len - n : "";

	if (c->state == OPEN)
		c->ops->frame(c->arg, text, n);
	if (!c->dead)
		buf_clear(&c->in);
}

static void
take_close(struct wsclient *c)
{
	char reason[WS_CONTROL_MAX + 1];

	if (c->state == CLOSING) { /* the answer to ours */
		detach(c, true);
		finish(c, c->code, c->reason);
		return;
	}
	str_copy(reason, sizeof(reason),
	    c->ws.ncontrol > 0 ? c->ws.control : "closed by the broker");
	send_close(c, c->ws.code, NULL);
	give_up(c, c->ws.code, reason);
}

static void
take_frames(struct wsclient *c, const char *p, size_t n)
{
	io_id stream = c->stream;

	while (n > 0 && !c->dead && c->stream == stream && c->state >= OPEN)
		switch (ws_decode(&c->ws, &p, &n, &c->in)) {
		case WS_MESSAGE:
			take_message(c);
			break;
		case WS_PINGED:
			if (c->state == OPEN)
				send_frame(c, WS_PONG, c->ws.control,
				    c->ws.ncontrol);
			break;
		case WS_CLOSED:
			take_close(c);
			break;
		case WS_FAILED:
			send_close(c, c->ws.code, c->ws.why);
			give_up(c, c->ws.code, c->ws.why);
			break;
		case WS_PONGED:
		case WS_MORE:
			break;
		}
	if (!c->dead && c->stream == stream && !c->ws.message)
		buf_reset(&c->in);
}

/* ---- events of the stream ---- */

static void
on_open(void *arg, io_id id)
{
	struct wsclient *c = arg;

	(void)id;
	c->state = ASKED;
	send_request(c);
}

static void
on_data(void *arg, io_id id, const void *p, size_t n)
{
	struct wsclient *c = arg;
	const char *at = p;

	c->heard = io_mono(c->io);
	enter(c);
	if (c->state == ASKED)
		take_answer(c, &at, &n);
	if (!c->dead && c->stream == id && c->state >= OPEN)
		take_frames(c, at, n);
	leave(c);
}

static void
on_drain(void *arg, io_id id)
{
	struct wsclient *c = arg;

	(void)id;
	if (c->state != OPEN)
		return;
	enter(c);
	c->ops->drain(c->arg);
	leave(c);
}

static void
on_close(void *arg, io_id id, enum io_why why)
{
	struct wsclient *c = arg;

	const char *detail = io_detail(c->io);

	(void)id;
	c->untrusted = why == IO_UNTRUSTED;
	if (c->reason[0] != '\0') /* our own doing */
		finish(c, c->code, c->reason);
	else
		finish(c, c->state >= OPEN ? WS_VANISHED : 0,
		    *detail != '\0' ? detail : io_why_text(why));
}

static const struct io_stream_cb stream_cb = { on_open, on_data, on_drain,
	on_close };

/* ---- the owner's calls ---- */

int
wsclient_connect(struct wsclient *c, const char *url, const char *subprotocol,
    size_t frame_max, const char **why)
{
	struct io_addr a = { 0 };

	*why = "a connection is there already";
	if (c->state != IDLE)
		return -1;
	if (url_parse(&c->url, url, why) != 0)
		return -1;
	*why = "it does not start with ws:// or wss://";
	if (c->url.scheme[0] != 'w')
		return -1;
	*why = "the subprotocol's name is too long";
	if (!str_copy(c->subprotocol, sizeof(c->subprotocol),
		subprotocol != NULL ? subprotocol : ""))
		return -1;
	str_copy(a.host, sizeof(a.host), c->url.host);
	a.port = c->url.port;
	a.tls = url_is_secure(&c->url);
	a.ca = c->ca;
	a.pin = c->pin;
	c->untrusted = false;
	c->reason[0] = '\0';
	c->code = 0;
	http_head_init(&c->head, RESPONSE_MAX);
	ws_dec_init(&c->ws, false, frame_max);
	buf_init(&c->in, frame_max);
	c->state = DIALING;
	c->heard = io_mono(c->io);
	c->stream = io_connect(c->io, &a, &stream_cb, c);
	set_timer(c, HANDSHAKE_MS, on_late);
	return 0;
}

void
wsclient_trust(struct wsclient *c, const char *ca, const char *pin)
{
	c->ca = ca;
	c->pin = pin;
}

bool
wsclient_untrusted(const struct wsclient *c)
{
	return c->untrusted;
}

int
wsclient_send(struct wsclient *c, const char *text, size_t n)
{
	return c->state == OPEN ? send_frame(c, WS_TEXT, text, n) : -1;
}

size_t
wsclient_queued(struct wsclient *c)
{
	return c->stream != 0 ? io_queued(c->io, c->stream) : 0;
}

void
wsclient_close(struct wsclient *c, int code, const char *reason)
{
	if (c->state == IDLE || c->state == CLOSING)
		return;
	str_copy(c->reason, sizeof(c->reason),
	    reason != NULL && *reason != '\0' ? reason : io_why_text(IO_OURS));
	if (c->state != OPEN) {
		io_close(c->io, c->stream, false);
		return; /* told by its close, code 0 */
	}
	c->code = code;
	send_close(c, code, reason);
	c->state = CLOSING;
	set_timer(c, CLOSE_MS, on_late);
}

bool
wsclient_is_open(const struct wsclient *c)
{
	return c->state == OPEN;
}

void
wsclient_free(struct wsclient *c)
{
	if (c == NULL)
		return;
	set_timer(c, 0, NULL);
	if (c->state == OPEN)
		send_close(c, WS_NORMAL, NULL);
	if (c->stream != 0)
		detach(c, c->state >= OPEN);
	c->state = IDLE;
	c->dead = true;
	if (c->depth == 0) {
		release(c);
		mem_free(c);
	}
}

/*
 * conn.c - connections of a transcript: WebSocket over TCP, or lines on a Unix
 * socket. Sockets are used directly, not by net/wsclient, because a transcript
 * must be able to say what no decent client says; the framing is net/ws.
 *
 * What comes is read when somebody waits for it, or when writing would block.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/enc.h"
#include "tests/wire/script.h"

#define FRAME_MAX (4 * 1024 * 1024)
#define LINE_MAX_ (17 * 1024 * 1024)
#define OUT_MAX_ (64 * 1024 * 1024)

static int64_t
mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct tconn *
tr_conn(const char *name)
{
	struct tconn *c = map_gets(&tr.conns, name);

	if (c == NULL)
		tr_fail("there is no connection '%s'", name);
	return c;
}

/* ---- reading ---- */

static void
lost(struct tconn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->open = false;
	if (c->code == 0)
		c->code = WS_VANISHED;
}

static void
say_frame(struct tconn *c, int op, const void *p, size_t n)
{
	uint8_t mask[4];

	crypto_random(mask, sizeof(mask));
	if (ws_encode(&c->out, (enum ws_op)op, p, n, mask) != 0)
		tr_fail("too much to write");
}

static void
closed(struct tconn *c)
{
	c->code = c->dec.code;
	str_copy(c->reason, sizeof(c->reason),
	    c->dec.control == NULL ? "" : c->dec.control);
	c->open = false;
}

static void
take_ws(struct tconn *c, const char *p, size_t n)
{
	char *text;

	while (n > 0 && !c->dec.over) {
		switch (ws_decode(&c->dec, &p, &n, &c->in)) {
		case WS_MESSAGE:
			text = mem_alloc(c->dec.len + 1);
			memcpy(text, c->in.data, c->dec.len);
			text[c->dec.len] = '\0';
			vec_add(&c->got, text);
			buf_consume(&c->in, c->dec.len);
			break;
		case WS_PINGED:
			say_frame(c, WS_PONG, c->dec.control, c->dec.ncontrol);
			break;
		case WS_CLOSED:
			closed(c);
			break;
		case WS_FAILED:
			tr_fail("%s breaks RFC 6455: %s", c->name, c->dec.why);
		case WS_PONGED:
		case WS_MORE:
			break;
		}
	}
}

static void
take_lines(struct tconn *c, const char *p, size_t n)
{
	const char *end;

	if (buf_add(&c->in, p, n) != 0)
		tr_fail("%s: a line of over 17 MiB", c->name);
	while (c->in.len > 0 &&
	    (end = memchr(c->in.data, '\n', c->in.len)) != NULL) {
		size_t len = (size_t)(end - c->in.data);
		char *text = mem_alloc(len + 1);

		memcpy(text, c->in.data, len);
		text[len] = '\0';
		vec_add(&c->got, text);
		buf_consume(&c->in, len + 1);
	}
}

/* What is there; false when the other end is gone. */
static bool
pull(struct tconn *c)
{
	static char chunk[65536];
	ssize_t n = read(c->fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0) {
		lost(c);
		return false;
	}
	if (c->ws)
		take_ws(c, chunk, (size_t)n);
	else
		take_lines(c, chunk, (size_t)n);
	return true;
}

/* Until what is to be written is written, or ms, or something came. */
static void
turn(struct tconn *c, int64_t until, bool want_input)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int64_t left = until - mono();
	ssize_t n;

	if (c->out.len > 0)
		p.events |= POLLOUT;
	if (poll(&p, 1, left > 0 ? (int)left : 0) <= 0)
		return;
	if ((p.revents & POLLOUT) != 0) {
		n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);
		if (n > 0)
			buf_consume(&c->out, (size_t)n);
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			buf_reset(&c->out); /* the reading end tells why */
	}
	if ((p.revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
	    (want_input || (p.revents & POLLOUT) == 0))
		pull(c);
}

static void
flush(struct tconn *c)
{
	int64_t until = mono() + TR_WAIT_MS;

	while (c->fd >= 0 && c->out.len > 0) {
		if (mono() > until)
			tr_fail("%s: %zu bytes cannot be written", c->name,
			    c->out.len);
		turn(c, until, false);
	}
}

char *
conn_next(struct tconn *c, int ms)
{
	int64_t until = mono() + ms;

	while (c->taken == c->got.n) {
		if (!c->open || mono() > until)
			return NULL;
		turn(c, until, true);
	}
	c->last = arena_strdup(&tr.arena, c->got.v[c->taken]);
	mem_free(c->got.v[c->taken]);
	c->got.v[c->taken++] = NULL;
	rows_check(c, c->last);
	people_heard(c->last);
	return c->last;
}

/* ---- writing ---- */

void
conn_frame(struct tconn *c, int op, const void *p, size_t n)
{
	if (c->fd < 0)
		tr_fail("%s is closed", c->name);
	say_frame(c, op, p, n);
	flush(c);
}

void
conn_text(struct tconn *c, const char *text, size_t n)
{
	rows_asked(c, text, n);
	if (c->ws) {
		conn_frame(c, WS_TEXT, text, n);
		return;
	}
	conn_bytes(c, text, n);
	conn_bytes(c, "\n", 1);
}

void
conn_bytes(struct tconn *c, const void *p, size_t n)
{
	if (c->fd < 0)
		tr_fail("%s is closed", c->name);
	if (buf_add(&c->out, p, n) != 0)
		tr_fail("too much to write");
	flush(c);
}

/* ---- coming and going ---- */

static struct tconn *
conn_new(const char *name, bool ws, int fd)
{
	struct tconn *c = arena_zalloc(&tr.arena, sizeof(*c));
	struct tconn *old = map_gets(&tr.conns, name);

	if (old != NULL)
		conn_drop(old);
	str_copy(c->name, sizeof(c->name), name);
	c->ws = ws;
	c->fd = fd;
	c->open = true;
	ws_dec_init(&c->dec, false, FRAME_MAX);
	buf_init(&c->in, LINE_MAX_);
	buf_init(&c->out, OUT_MAX_);
	map_puts(&tr.conns, c->name, c);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return c;
}

void
conn_drop(struct tconn *c)
{
	size_t i;

	lost(c);
	for (i = c->taken; i < c->got.n; i++)
		mem_free(c->got.v[i]);
	vec_fini(&c->got);
	vec_fini(&c->asked);
	ws_dec_fini(&c->dec);
	buf_fini(&c->in);
	buf_fini(&c->out);
	c->taken = 0;
}

void
conn_close_all(void)
{
	struct tconn *c;
	size_t i;

	for (i = 0; (c = map_next(&tr.conns, &i)) != NULL;)
		conn_drop(c);
}

static int
dial_tcp(bool slow)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1, small = 4096;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port =
	    htons((uint16_t)strtol(strrchr(tr.http, ':') + 1, NULL, 10));
	if (slow)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		tr_fail("cannot connect to %s: %s", tr.http, strerror(errno));
	return fd;
}

/* The head of the answer; what follows it stays in c->in. */
static char *
read_head(struct tconn *c)
{
	int64_t until = mono() + TR_WAIT_MS;
	char *end, *head, chunk[4096];
	ssize_t n = 1;

	while (
	    c->in.len == 0 || (end = strstr(c->in.data, "\r\n\r\n")) == NULL) {
		struct pollfd p = { .fd = c->fd, .events = POLLIN };

		if (mono() > until || poll(&p, 1, 1000) < 0 || n == 0)
			tr_fail("no answer to the upgrade: %s",
			    buf_str(&c->in));
		n = read(c->fd, chunk, sizeof(chunk));
		if (n > 0)
			buf_add(&c->in, chunk, (size_t)n);
	}
	n = end + 4 - c->in.data;
	head = arena_strndup(&tr.arena, c->in.data, (size_t)n);
	buf_consume(&c->in, (size_t)n);
	return head;
}

static void
ask_upgrade(struct tconn *c, const char *path, const char *sub, char *key)
{
	uint8_t raw[16];

	crypto_random(raw, sizeof(raw));
	b64_encode(key, raw, sizeof(raw));
	buf_addf(&c->out,
	    "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
	    "Sec-WebSocket-Version: 13\r\n",
	    path, tr.http + strlen("http://"), key);
	if (*sub != '\0')
		buf_addf(&c->out, "Sec-WebSocket-Protocol: %s\r\n", sub);
	buf_adds(&c->out, "\r\n");
	flush(c);
}

/* Refused: the status and the answer's body become code and reason. */
static void
refused(struct tconn *c, const char *head)
{
	int64_t until = mono() + 200;
	char chunk[4096];
	ssize_t n = 1;

	while (n != 0 && mono() < until) {
		struct pollfd p = { .fd = c->fd, .events = POLLIN };

		poll(&p, 1, 50);
		n = read(c->fd, chunk, sizeof(chunk));
		if (n > 0)
			buf_add(&c->in, chunk, (size_t)n);
		else if (c->in.len > 0)
			break;
	}
	str_copy(c->reason, sizeof(c->reason), buf_str(&c->in));
	lost(c);
	c->refused = true;
	c->code = (int)strtol(head + strlen("HTTP/1.1 "), NULL, 10);
}

struct tconn *
conn_dial(const char *name, const char *path, const char *sub, bool slow)
{
	struct tconn *c;
	char key[WS_KEY_LEN + 1], accept[WS_ACCEPT_LEN + 1], *head, *early;
	size_t n;

	proc_broker();
	c = conn_new(name, true, dial_tcp(slow));
	ask_upgrade(c, path, sub, key);
	head = read_head(c);
	if (!str_starts(head, "HTTP/1.1 101 ")) {
		refused(c, head);
		return c;
	}
	ws_accept(accept, key);
	if (strstr(head, accept) == NULL)
		tr_fail("the answer bears another accept key:\n%s", head);
	if (*sub != '\0' &&
	    strstr(head, "Sec-WebSocket-Protocol: claudemesh.2\r\n") == NULL)
		tr_fail("the answer names another subprotocol:\n%s", head);
	n = c->in.len;
	early = arena_strndup(&tr.arena, buf_str(&c->in), n);
	buf_clear(&c->in);
	take_ws(c, early, n);
	return c;
}

struct tconn *
conn_local(const char *name, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!str_copy(a.sun_path, sizeof(a.sun_path), path))
		tr_fail("too long for a socket: %s", path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		tr_fail("cannot connect to %s: %s", path, strerror(errno));
	}
	return conn_new(name, false, fd);
}

/* ---- is there more ---- */

/*
 * A request that no broker knows is answered after all that was asked before
 * it. So what stands before its answer was not expected by the transcript.
 */
void
conn_quiet(struct tconn *c)
{
	static const char ask[] =
	    "{\"type\":\"are_you_there\",\"_reqId\":\"quiet\"}";
	char *text;

	if (c->fd < 0 && c->taken == c->got.n)
		return;
	if (c->open)
		conn_text(c, ask, sizeof(ask) - 1);
	while ((text = conn_next(c, TR_WAIT_MS)) != NULL) {
		if (strcmp(tr_member(text, "_reqId"), "quiet") == 0)
			break;
		tr_fail("%s was not expected to hear\n  %s", c->name, text);
	}
	if (text == NULL && c->open)
		tr_fail("%s does not answer any more", c->name);
	if (text == NULL)
		tr_fail("%s was closed with %d %s", c->name, c->code,
		    c->reason);
	if (c->asked.n > 0)
		tr_fail("%s was never answered _reqId '%s'", c->name,
		    c->asked.v[0].reqid);
}

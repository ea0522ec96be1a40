/*
 * io_uv_dial.c - listening and connecting, TCP and Unix.
 *
 * A connect tries every address of a name in turn, 15 s in all. A Unix socket
 * is made with mode 0600; a stale one is replaced, a live one is left alone.
 * Failures of a connect arrive as the stream's close, never from the call.
 */
#include "net/io_uv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "net/public.h"

#define BACKLOG 4096

struct listener {
	struct thing t;
	io_accept_fn *fn;
	void *arg;
	bool unix_;
	struct tls_server *cert;
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} h;
};

/* What a stream needs only until it is connected. */
struct dial {
	uv_getaddrinfo_t gai;
	uv_connect_t req;
	struct stream *s; /* NULL: the stream ended first */
	struct addrinfo *list, *next;
	bool resolving, connecting;
	bool public_only, was_private;
};

/* ---- listen ---- */

static void
peer_of(struct stream *s, bool unix_, struct io_peer *peer)
{
	struct sockaddr_storage ss;
	int len = sizeof(ss), fd;
	struct ucred cred;
	socklen_t n = sizeof(cred);

	*peer = (struct io_peer){ .uid = -1, .pid = -1 };
	if (unix_) {
		if (uv_fileno(&s->h.handle, &fd) == 0 &&
		    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0) {
			peer->uid = (int)cred.uid;
			peer->pid = cred.pid;
		}
		return;
	}
	if (uv_tcp_getpeername(&s->h.tcp, (struct sockaddr *)&ss, &len) != 0)
		return;
	if (ss.ss_family == AF_INET)
		uv_ip4_name((struct sockaddr_in *)&ss, peer->ip,
		    sizeof(peer->ip));
	else
		uv_ip6_name((struct sockaddr_in6 *)&ss, peer->ip,
		    sizeof(peer->ip));
}

static void
on_connection(uv_stream_t *h, int status)
{
	struct listener *l = h->data;
	struct io_peer peer;
	struct stream *s;

	if (status != 0) {
		log_event(LOG_WARN, "accept_failed", "why", uv_strerror(status),
		    NULL);
		return;
	}
	uvio_event(l->t.u);
	s = stream_new(l->t.u, l->unix_);
	if (uv_accept(h, &s->h.stream) != 0) {
		stream_end(s, IO_RESET);
		return;
	}
	if (l->cert != NULL && (s->tls = tls_accept(l->cert)) == NULL) {
		stream_end(s, IO_RESET);
		return;
	}
	peer_of(s, l->unix_, &peer);
	stream_opened(s);
	l->fn(l->arg, s->t.id, &peer);
	if (s->cb == NULL) /* neither bound nor closed */
		stream_end(s, IO_OURS);
}

static int
sockaddr_of(const char *host, uint16_t port, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (uv_ip4_addr(host, port, (struct sockaddr_in *)out) == 0)
		return 0;
	return uv_ip6_addr(host, port, (struct sockaddr_in6 *)out);
}

static int
tcp_bind(struct listener *l, struct io_addr *a)
{
	struct sockaddr_storage ss;
	int len = sizeof(ss), rc;
	const char *host = str_eq(a->host, "localhost") ? "127.0.0.1" : a->host;

	uv_tcp_init(&l->t.u->loop, &l->h.tcp);
	if (sockaddr_of(host, a->port, &ss) != 0)
		return UV_EINVAL;
	rc = uv_tcp_bind(&l->h.tcp, (struct sockaddr *)&ss, 0);
	if (rc != 0)
		return rc;
	rc = uv_listen(&l->h.stream, BACKLOG, on_connection);
	if (rc != 0)
		return rc;
	uv_tcp_getsockname(&l->h.tcp, (struct sockaddr *)&ss, &len);
	a->port = ntohs(ss.ss_family == AF_INET
		? ((struct sockaddr_in *)&ss)->sin_port
		: ((struct sockaddr_in6 *)&ss)->sin6_port);
	return 0;
}

/* Removes a socket nobody listens on. 0: the path is free. */
static int
unix_clear(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	str_copy(sun.sun_path, sizeof(sun.sun_path), path);
	rc = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	rc = rc == 0 || errno != ECONNREFUSED ? -EADDRINUSE : 0;
	close(fd);
	return rc != 0 ? rc : unlink(path) == 0 ? 0 : -errno;
}

static int
unix_bind(struct listener *l, struct io_addr *a)
{
	mode_t old;
	int rc;

	uv_pipe_init(&l->t.u->loop, &l->h.pipe, 0);
	rc = unix_clear(a->path);
	if (rc != 0)
		return rc;
	old = umask(0177);
	rc = uv_pipe_bind(&l->h.pipe, a->path);
	umask(old);
	if (rc != 0)
		return rc;
	return uv_listen(&l->h.stream, BACKLOG, on_connection);
}

static void
on_listener_closed(uv_handle_t *h)
{
	thing_gone(h->data);
}

void
listener_close(struct thing *t)
{
	struct listener *l = (struct listener *)t;

	if (!uv_is_closing(&l->h.handle))
		uv_close(&l->h.handle, on_listener_closed);
}

io_id
op_listen(struct io *io, struct io_addr *a, io_accept_fn *fn, void *arg,
    char *why, size_t why_cap)
{
	struct uvio *u = (struct uvio *)io;
	struct listener *l;
	char name[320];
	int rc;

	l = (struct listener *)thing_new(u, LISTENER, sizeof(*l));
	l->fn = fn;
	l->arg = arg;
	l->unix_ = a->unix_;
	l->cert = a->cert;
	rc = a->unix_ ? unix_bind(l, a) : tcp_bind(l, a);
	l->h.handle.data = l;
	if (rc == 0)
		return l->t.id;
	io_addr_print(name, sizeof(name), a);
	if (rc == UV_EADDRINUSE && a->unix_)
		snprintf(why, why_cap, "%s: another process listens there",
		    name);
	else
		snprintf(why, why_cap, "%s: %s", name, uv_strerror(rc));
	listener_close(&l->t);
	return 0;
}

void
op_unlisten(struct io *io, io_id id)
{
	struct listener *l = thing_get(io, LISTENER, id);

	if (l != NULL)
		listener_close(&l->t);
}

/* ---- connect ---- */

static void dial_next(struct dial *);

static void
dial_free(struct dial *d)
{
	if (d->resolving || d->connecting)
		return; /* their callbacks come here again */
	if (d->list != NULL)
		uv_freeaddrinfo(d->list);
	mem_free(d);
}

void
dial_drop(struct stream *s)
{
	struct dial *d = s->dial;

	if (d == NULL)
		return;
	s->dial = NULL;
	d->s = NULL;
	if (d->resolving)
		uv_cancel((uv_req_t *)&d->gai);
	dial_free(d);
}

static enum io_why
why_of(int rc)
{
	return rc == UV_ETIMEDOUT ? IO_TIMEOUT : IO_REFUSED;
}

/* This address failed: close the handle, try the next with a fresh one. */
static void
on_retry(uv_handle_t *h)
{
	struct stream *s = h->data;

	s->redial = false;
	if (s->closing) { /* ended meanwhile: this was the close */
		stream_closed(s);
		return;
	}
	uv_tcp_init(&s->t.u->loop, &s->h.tcp);
	s->h.handle.data = s;
	dial_next(s->dial);
}

static void
dial_failed(struct dial *d, int rc)
{
	struct stream *s = d->s;

	if (d->next == NULL) {
		stream_end(s, d->was_private ? IO_PRIVATE : why_of(rc));
		return;
	}
	s->redial = true;
	uv_close(&s->h.handle, on_retry);
}

static void
on_connect(uv_connect_t *req, int status)
{
	struct dial *d = req->data;
	struct stream *s = d->s;

	d->connecting = false;
	if (s == NULL) {
		dial_free(d);
		return;
	}
	uvio_event(s->t.u);
	if (status != 0) {
		dial_failed(d, status);
		return;
	}
	dial_drop(s);
	if (s->via != NULL)
		via_ask(s);
	else
		stream_through(s);
}

void
stream_through(struct stream *s)
{
	s->shaking = s->tls != NULL;
	stream_opened(s);
	if (!s->shaking)
		stream_connected(s);
}

/* Of the very address that is dialled, so no name can change its mind. */
static bool
is_public(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return public_ip4(
		    (const uint8_t *)&((const struct sockaddr_in *)sa)
			->sin_addr);
	return sa->sa_family == AF_INET6 &&
	    public_ip6(((const struct sockaddr_in6 *)sa)->sin6_addr.s6_addr);
}

void
stream_connected(struct stream *s)
{
	s->shaking = false;
	op_timer_stop(&s->t.u->io, s->timer);
	s->timer = 0;
	s->cb->open(s->arg, s->t.id);
}

static void
dial_addr(struct dial *d, const struct sockaddr *sa)
{
	int rc;

	d->req.data = d;
	d->was_private = d->public_only && !is_public(sa);
	rc = d->was_private
	    ? UV_EACCES
	    : uv_tcp_connect(&d->req, &d->s->h.tcp, sa, on_connect);
	d->connecting = rc == 0;
	if (rc != 0)
		dial_failed(d, rc);
}

static void
dial_next(struct dial *d)
{
	struct addrinfo *ai = d->next;

	d->next = ai->ai_next;
	dial_addr(d, ai->ai_addr);
}

static void
on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct dial *d = req->data;

	d->resolving = false;
	d->list = d->next = list;
	if (d->s == NULL) {
		dial_free(d);
		return;
	}
	uvio_event(d->s->t.u);
	if (status != 0 || list == NULL)
		stream_end(d->s, IO_NO_NAME);
	else
		dial_next(d);
}

static void
dial_tcp(struct dial *d, const struct io_addr *a)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_ADDRCONFIG };
	struct sockaddr_storage ss;
	char port[8];
	int rc;

	if (sockaddr_of(a->host, a->port, &ss) == 0) {
		dial_addr(d, (struct sockaddr *)&ss);
		return;
	}
	if (str_eq(a->host, "localhost")) /* must work without a network */
		hints.ai_flags = 0;
	snprintf(port, sizeof(port), "%u", (unsigned)a->port);
	d->gai.data = d;
	rc = uv_getaddrinfo(&d->s->t.u->loop, &d->gai, on_resolved, a->host,
	    port, &hints);
	d->resolving = rc == 0;
	if (rc != 0)
		stream_end(d->s, IO_NO_NAME);
}

static void
on_late(void *arg, io_id timer)
{
	struct stream *s = arg;

	(void)timer;
	s->timer = 0;
	stream_end(s, IO_TIMEOUT);
}

/* A CA that is no good is told by the close, as every failure is. */
static int
tls_of(struct stream *s, const struct io_addr *a)
{
	char why[TLS_WHY];

	s->tls = tls_connect(a->host, a->ca, a->pin, why);
	if (s->tls != NULL)
		return 0;
	stream_fail(s, IO_NO_TLS, why);
	return -1;
}

io_id
op_connect(struct io *io, const struct io_addr *a,
    const struct io_stream_cb *cb, void *arg)
{
	struct stream *s = stream_new((struct uvio *)io, a->unix_);
	struct dial *d = mem_zalloc(sizeof(*d));
	struct io_addr to = *a;

	s->cb = cb;
	s->arg = arg;
	s->dial = d;
	s->timer = op_timer(io, CONNECT_MS, on_late, s);
	d->s = s;
	d->public_only = a->public_only;
	if (!a->unix_) {
		if ((!a->tls || tls_of(s, a) == 0) && via_begin(s, &to) == 0)
			dial_tcp(d, &to);
		return s->t.id;
	}
	d->req.data = d;
	d->connecting = true;
	uv_pipe_connect(&d->req, &s->h.pipe, a->path, on_connect);
	return s->t.id;
}

/*
 * conn.c - the generator's connections: big reads, writes collected and done
 * once for each pass.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/load.h"

#define KEPT_MAX (256u << 20)
#define WAIT_MS 20000

void
die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "load: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	exit(1);
}

int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int
dial(const char *host, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		die("no socket: %s", strerror(errno));
	if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
		die("'%s' is no IPv4 address", host);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("%s:%d: %s", host, port, strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return fd;
}

struct conn *
conn_open(struct run *r)
{
	struct conn *c = mem_zalloc(sizeof(*c));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

	c->fd = dial(r->host, r->port);
	c->no = SIZE_MAX;
	buf_init(&c->in, KEPT_MAX);
	buf_init(&c->out, KEPT_MAX);
	if (epoll_ctl(r->ep, EPOLL_CTL_ADD, c->fd, &ev) != 0)
		die("epoll: %s", strerror(errno));
	r->conn = mem_realloc(r->conn, (r->nconn + 1) * sizeof(*r->conn));
	r->conn[r->nconn++] = c;
	return c;
}

void
conn_receives(struct run *r, struct conn *c)
{
	(void)r;
	c->no = 0;
}

void
conn_close(struct run *r, struct conn *c)
{
	size_t i;

	for (i = 0; i < r->nconn && r->conn[i] != c; i++)
		;
	r->conn[i] = r->conn[--r->nconn];
	close(c->fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	mem_free(c);
}

static void
want(struct run *r, struct conn *c, bool write)
{
	struct epoll_event ev = { .events = EPOLLIN | (write ? EPOLLOUT : 0),
		.data.ptr = c };

	if (c->blocked == write)
		return;
	c->blocked = write;
	epoll_ctl(r->ep, EPOLL_CTL_MOD, c->fd, &ev);
}

void
conn_flush(struct run *r, struct conn *c)
{
	ssize_t n;

	if (c->out.len == 0)
		return;
	n = write(c->fd, c->out.data, c->out.len);
	if (n < 0 && errno != EAGAIN)
		die("the server hung up: %s", strerror(errno));
	if (n > 0 && (size_t)n == c->out.len)
		buf_clear(&c->out);
	else if (n > 0)
		buf_consume(&c->out, (size_t)n);
	want(r, c, c->out.len > 0);
}

static void
wait_for(struct conn *c, short what)
{
	struct pollfd p = { .fd = c->fd, .events = what };

	if (poll(&p, 1, WAIT_MS) != 1)
		die("the server says nothing for %d s", WAIT_MS / 1000);
}

void
conn_push(struct conn *c)
{
	while (c->out.len > 0) {
		ssize_t n = write(c->fd, c->out.data, c->out.len);

		if (n < 0 && errno != EAGAIN)
			die("the server hung up: %s", strerror(errno));
		if (n > 0)
			buf_consume(&c->out, (size_t)n);
		else
			wait_for(c, POLLOUT);
	}
}

void
conn_pull(struct conn *c)
{
	ssize_t n;

	if (c->at > 0) {
		buf_consume(&c->in, c->at);
		c->at = 0;
	}
	for (;;) {
		n = read(c->fd, buf_reserve(&c->in, 65536), 65536);
		if (n > 0)
			break;
		if (n == 0 || errno != EAGAIN)
			die("the server hung up");
		wait_for(c, POLLIN);
	}
	buf_commit(&c->in, (size_t)n);
}

const char *
conn_in(const struct conn *c, size_t *n)
{
	*n = c->in.len - c->at;
	return c->in.data == NULL ? "" : c->in.data + c->at;
}

void
conn_eaten(struct conn *c, size_t n)
{
	c->at += n;
	if (c->at == c->in.len) {
		buf_clear(&c->in);
		c->at = 0;
	}
}

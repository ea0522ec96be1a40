/*
 * probe.c - a blocking GET /health, for `up`, `status` and `doctor`. It is no
 * HTTP client: one request, one short answer, the connection closed.
 */
#include "client/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

const char *
probe_text(enum probe_state s)
{
	static const char *const text[] = { "it answers",
		"something listens (TLS is not looked into here)",
		"something else answers there", "nobody listens there",
		"there is no answer", "the name does not resolve" };

	return text[s];
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
split_url(struct probe *p, const char *url)
{
	const char *at = strstr(url, "://"), *end;
	size_t n;

	p->tls = str_starts(url, "https:") || str_starts(url, "wss:");
	at = at == NULL ? url : at + 3;
	if (*at == '[') {
		end = strchr(++at, ']');
		n = end == NULL ? 0 : (size_t)(end - at);
		end = end == NULL ? at : end + 1;
	} else {
		n = strcspn(at, ":/?#");
		end = at + n;
	}
	if (n == 0 || n >= sizeof(p->host))
		return -1;
	memcpy(p->host, at, n);
	p->host[n] = '\0';
	if (*end == ':' && strspn(end + 1, "0123456789") - 1 < 5)
		snprintf(p->port, sizeof(p->port), "%.*s",
		    (int)strspn(end + 1, "0123456789"), end + 1);
	else
		strcpy(p->port, p->tls ? "443" : "80");
	return 0;
}

static bool
await(int fd, short events, int64_t deadline)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int64_t left;
	int n;

	do {
		left = deadline - now_ms();
		n = poll(&pfd, 1, left < 0 ? 0 : (int)left);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

/* Connected within the time, or -1 with the state set. */
static int
dial_one(struct probe *p, const struct addrinfo *ai, int64_t deadline)
{
	int fd = socket(ai->ai_family, ai->ai_socktype, 0), err = 0;
	socklen_t n = sizeof(err);

	if (fd < 0)
		return -1;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) != 0) {
		if (errno != EINPROGRESS) {
			err = errno;
		} else if (!await(fd, POLLOUT, deadline)) {
			err = ETIMEDOUT;
		} else {
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n);
		}
	}
	if (err == 0)
		return fd;
	p->state = err == ECONNREFUSED ? PROBE_REFUSED : PROBE_SILENT;
	close(fd);
	return -1;
}

static int
dial(struct probe *p, int64_t deadline)
{
	struct addrinfo hint = { .ai_socktype = SOCK_STREAM }, *all, *ai;
	int fd = -1;

	if (getaddrinfo(p->host, p->port, &hint, &all) != 0) {
		p->state = PROBE_NO_NAME;
		return -1;
	}
	for (ai = all; ai != NULL && fd < 0; ai = ai->ai_next)
		fd = dial_one(p, ai, deadline);
	freeaddrinfo(all);
	return fd;
}

static void
read_date(struct probe *p, const char *head)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *at = strcasestr(head, "\r\ndate:"), *m;
	struct tm tm = { 0 };
	char name[4] = "";
	int d, y, h, min, s;

	if (at == NULL ||
	    sscanf(at + 7, " %*3s, %d %3s %d %d:%d:%d", &d, name, &y, &h, &min,
		&s) != 6 ||
	    (m = strstr(months, name)) == NULL)
		return;
	tm.tm_mday = d;
	tm.tm_mon = (int)(m - months) / 3;
	tm.tm_year = y - 1900;
	tm.tm_hour = h;
	tm.tm_min = min;
	tm.tm_sec = s;
	p->date_ms = (int64_t)timegm(&tm) * 1000;
}

static void
ask(struct probe *p, int fd, int64_t deadline)
{
	char text[4096];
	size_t len = 0;
	ssize_t n;
	char *body;

	n = snprintf(text, sizeof(text),
	    "GET /health HTTP/1.1\r\nHost: %s:%s\r\n"
	    "Connection: close\r\n\r\n",
	    p->host, p->port);
	p->state = PROBE_SILENT;
	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		return;
	while (len < sizeof(text) - 1 && await(fd, POLLIN, deadline)) {
		n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	if (len == 0)
		return;
	p->state = PROBE_NO_BROKER;
	if (sscanf(text, "HTTP/1.%*d %d", &p->status) != 1)
		return;
	if ((body = strstr(text, "\r\n\r\n")) != NULL) {
		str_copy(p->body, sizeof(p->body), body + 4);
		*body = '\0';
	}
	read_date(p, text);
	if (p->status == 200 && strstr(p->body, "claudemesh") != NULL)
		p->state = PROBE_OK;
}

void
probe_broker(struct probe *p, const char *url, int timeout_ms)
{
	int64_t began = now_ms();
	int fd;

	memset(p, 0, sizeof(*p));
	p->state = PROBE_NO_NAME;
	if (split_url(p, url) != 0)
		return;
	fd = dial(p, began + timeout_ms);
	if (fd < 0)
		return;
	if (p->tls)
		p->state = PROBE_OPEN;
	else
		ask(p, fd, began + timeout_ms);
	p->took_ms = now_ms() - began;
	close(fd);
}

static int
bound(const char *host, int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	int fd, on = 1, err;

	if (inet_pton(AF_INET, host, &in.sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0)
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

int
probe_port_free(const char *host, int port)
{
	int fd = bound(host, port);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

int
probe_port_pick(const char *host)
{
	struct sockaddr_in in = { 0 };
	socklen_t n = sizeof(in);
	int port = -1, fd = bound(host, 0);

	if (fd < 0)
		return -1;
	if (getsockname(fd, (struct sockaddr *)&in, &n) == 0)
		port = ntohs(in.sin_port);
	close(fd);
	return port;
}

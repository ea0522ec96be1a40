/*
 * control.c - blocking, with a deadline; the broker answers a line and hangs up.
 */
#include "client/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int
dial(const char *data, struct why *why)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(at.sun_path, sizeof(at.sun_path), "%s/broker.sock", data);
	if (n < 0 || (size_t)n >= sizeof(at.sun_path))
		return why_set(why, E_UNREACHABLE,
		    "%.150s is too long for a control socket", data);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	why_set(why, E_UNREACHABLE, "no broker runs in %.150s: %s", data,
	    strerror(errno));
	if (fd >= 0)
		close(fd);
	return E_UNREACHABLE;
}

static int
hear(int fd, int64_t deadline, struct buf *out, struct why *why)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char block[4096];
	int64_t left;
	ssize_t n = 0;

	for (;;) {
		left = deadline - now_ms();
		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return why_set(why, E_TIMED_OUT,
			    "the broker has not answered");
		n = recv(fd, block, sizeof(block), 0);
		if (n <= 0)
			break;
		buf_add(out, block, (size_t)n);
	}
	if (out->len > 0 && !out->over && out->data[out->len - 1] == '\n')
		return OK;
	return why_set(why, E_UNREACHABLE, "the broker hung up");
}

int
control_call(const char *data, const char *line, int timeout_ms,
    struct buf *out, struct why *why)
{
	int fd = dial(data, why), code;
	size_t n = strlen(line);

	if (fd < 0)
		return fd;
	if (send(fd, line, n, MSG_NOSIGNAL) != (ssize_t)n ||
	    send(fd, "\n", 1, MSG_NOSIGNAL) != 1)
		code = why_set(why, E_UNREACHABLE, "the broker hung up");
	else
		code = hear(fd, now_ms() + timeout_ms, out, why);
	close(fd);
	return code;
}

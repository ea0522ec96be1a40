/*
 * local.c - one line out, one line in, over $CLAUDEMESH_HOME/daemon.sock.
 *
 * It promises that a call ends: every wait has a deadline on the monotonic
 * clock. It does not repeat a request by itself: whether it was carried out
 * before the connection broke is not known here, and the daemon's ids are what
 * makes a second try harmless.
 */
#include "client/local.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "client/self.h"

#define OPEN_MS 5000

struct local {
	int fd;
	struct home *home;
	char *exe, *session;
	struct buf in;
	int64_t pid, log_at; /* end of the log when we started the daemon */
	char version[33];
	unsigned long reqid;
	struct local_error error;
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
nap(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

/* ---- the socket ---- */

static int
dial(const struct home *home)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		return -1;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	home_file(home, "daemon.sock", un.sun_path, sizeof(un.sun_path));
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	close(fd);
	return -1;
}

bool
local_alive(const struct home *home)
{
	int fd = dial(home);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Wait for the descriptor; 1 when ready, 0 when the time is over. */
static int
await(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left;
	int n;

	do {
		left = deadline - now_ms();
		n = poll(&p, 1, left < 0 ? 0 : (int)left);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

static int
put(struct local *l, const char *p, size_t n, int64_t deadline, struct why *why)
{
	ssize_t done;

	while (n > 0) {
		if (!await(l->fd, POLLOUT, deadline))
			return why_set(why, E_TIMED_OUT,
			    "the daemon does not read its socket");
		done = send(l->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (done < 0 && errno != EINTR && errno != EAGAIN)
			return why_set(why, E_UNREACHABLE,
			    "the daemon closed the connection");
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

/* What is there to be read now, or comes before the deadline. */
static int
receive(struct local *l, struct why *why)
{
	char *room = buf_reserve(&l->in, 65536);
	ssize_t got;

	if (room == NULL)
		return why_set(why, E_TOO_LARGE,
		    "the daemon's answer is over the limit");
	got = recv(l->fd, room, 65536, 0);
	if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
		return why_set(why, E_UNREACHABLE,
		    "the daemon closed the connection");
	buf_commit(&l->in, got < 0 ? 0 : (size_t)got);
	return 0;
}

/* One line into the buffer's front; *n is its length without the newline. */
static int
get(struct local *l, size_t *n, int64_t deadline, struct why *why)
{
	size_t seen = 0;
	char *at;
	int rc;

	for (;;) {
		at = l->in.len > seen
		    ? memchr(l->in.data + seen, '\n', l->in.len - seen)
		    : NULL;
		if (at != NULL) {
			*n = (size_t)(at - l->in.data);
			return 0;
		}
		seen = l->in.len;
		if (!await(l->fd, POLLIN, deadline))
			return why_set(why, E_TIMED_OUT,
			    "the daemon did not answer in time");
		if ((rc = receive(l, why)) != 0)
			return rc;
	}
}

/* ---- calls ---- */

/* The daemon's error becomes ours. */
static int
refused(struct local *l, struct arena *a, struct json object, struct why *why)
{
	const struct err_info *info;
	struct error e;
	int rc;

	if ((rc = wire_decode(&wire_error, object, &e, a, why)) != 0)
		return rc;
	str_copy(l->error.code, sizeof(l->error.code), e.code);
	str_copy(l->error.message, sizeof(l->error.message), e.message);
	str_copy(l->error.field, sizeof(l->error.field), e.field);
	l->error.retry_after_ms = e.retry_after_ms;
	info = err_named(e.code);
	return why_field(why, info == NULL ? E_INTERNAL : info->code, e.field,
	    "%s", e.message);
}

/* The line at the front of the buffer, as the answer to reqid. */
static int
take(struct local *l, size_t n, const char *reqid, struct arena *a,
    struct local_answer *out, struct why *why)
{
	struct frame f;
	char *line = arena_strndup(a, l->in.data, n);
	int rc;

	buf_consume(&l->in, n + 1);
	if ((rc = frame_open(&f, a, line, n, why)) != 0)
		return rc;
	if (f.reqid == NULL || strcmp(f.reqid, reqid) != 0) {
		/* A line about input it could not read has no _reqId. */
		if (f.reqid != NULL || f.msg != &wire_error)
			return 1;
	}
	if (f.msg == &wire_error)
		return refused(l, a, f.object, why);
	out->object = f.object;
	out->msg = f.msg;
	return 0;
}

static int
exchange(struct local *l, const struct buf *line, const char *reqid,
    int wait_ms, struct arena *a, struct local_answer *out, struct why *why)
{
	int64_t deadline = now_ms() + (wait_ms > 0 ? wait_ms : LOCAL_WAIT_MS);
	size_t n = 0;
	int rc;

	memset(&l->error, 0, sizeof(l->error));
	if (line->over)
		return why_set(why, E_TOO_LARGE, "the request is over 1 MiB");
	if ((rc = put(l, line->data, line->len, deadline, why)) != 0)
		return rc;
	do {
		if ((rc = get(l, &n, deadline, why)) != 0)
			return rc;
		rc = take(l, n, reqid, a, out, why);
	} while (rc > 0);
	return rc;
}

int
local_call(struct local *l, const struct wire_msg *row, const void *in,
    int wait_ms, struct arena *a, void *out, struct why *why)
{
	struct local_answer answer = { .msg = NULL };
	struct buf line;
	char reqid[24];
	int rc;

	if ((rc = wire_validate(row, in, why)) != 0)
		return rc;
	buf_init(&line, WIRE_FRAME_MAX);
	snprintf(reqid, sizeof(reqid), "%lu", ++l->reqid);
	wire_encode(&line, row, in, reqid, l->session);
	buf_addc(&line, '\n');
	rc = exchange(l, &line, reqid, wait_ms, a, &answer, why);
	buf_fini(&line);
	if (rc == 0 && answer.msg != row->reply)
		return why_set(why, E_INTERNAL,
		    "the daemon answered %s with another row", row->wire);
	return rc != 0 ? rc
		       : wire_decode(answer.msg, answer.object, out, a, why);
}

int
local_begin(struct local *l, const struct wire_msg *row, const void *in,
    struct why *why)
{
	struct buf line;
	char reqid[24];
	int rc;

	memset(&l->error, 0, sizeof(l->error));
	if ((rc = wire_validate(row, in, why)) != 0)
		return rc;
	buf_init(&line, WIRE_FRAME_MAX);
	snprintf(reqid, sizeof(reqid), "%lu", ++l->reqid);
	wire_encode(&line, row, in, reqid, l->session);
	buf_addc(&line, '\n');
	rc = line.over
	    ? why_set(why, E_TOO_LARGE, "the request is over 1 MiB")
	    : put(l, line.data, line.len, now_ms() + LOCAL_WAIT_MS, why);
	buf_fini(&line);
	return rc;
}

int
local_poll(struct local *l, const struct wire_msg *row, struct arena *a,
    void *out, struct why *why)
{
	struct local_answer answer = { .msg = NULL };
	char reqid[24], *at;
	int rc = 1;

	if (await(l->fd, POLLIN, 0) && (rc = receive(l, why)) != 0)
		return rc;
	snprintf(reqid, sizeof(reqid), "%lu", l->reqid);
	for (rc = 1; rc == 1;) {
		if (l->in.len == 0 ||
		    (at = memchr(l->in.data, '\n', l->in.len)) == NULL)
			return 1;
		rc = take(l, (size_t)(at - l->in.data), reqid, a, &answer, why);
	}
	if (rc == 0 && answer.msg != row->reply)
		return why_set(why, E_INTERNAL,
		    "the daemon answered %s with another row", row->wire);
	return rc != 0 ? rc
		       : wire_decode(answer.msg, answer.object, out, a, why);
}

int
local_fd(const struct local *l)
{
	return l->fd;
}

int
local_call_text(struct local *l, const char *type, const char *fields,
    int wait_ms, struct arena *a, struct local_answer *out, struct why *why)
{
	struct json object;
	struct json_iter it = { 0 };
	struct json key, value;
	struct buf line;
	const char *bad;
	char reqid[24];
	int rc;

	if (json_check(fields, strlen(fields), &object, &bad, NULL) != 0 ||
	    json_kind(object) != JSON_OBJECT)
		return why_set(why, E_BAD_JSON,
		    "the fields are no JSON object");
	buf_init(&line, WIRE_FRAME_MAX);
	snprintf(reqid, sizeof(reqid), "%lu", ++l->reqid);
	buf_adds(&line, "{\"type\":");
	json_quote(&line, type);
	buf_addf(&line, ",\"_reqId\":\"%s\"", reqid);
	if (l->session != NULL) {
		buf_adds(&line, ",\"_session\":");
		json_quote(&line, l->session);
	}
	while (json_next(object, &it, &key, &value))
		buf_addf(&line, ",\"%.*s\":%.*s", (int)key.n, key.p,
		    (int)value.n, value.p);
	buf_adds(&line, "}\n");
	rc = exchange(l, &line, reqid, wait_ms, a, out, why);
	buf_fini(&line);
	return rc;
}

const struct local_error *
local_error(const struct local *l)
{
	return &l->error;
}

int64_t
local_pid(const struct local *l)
{
	return l->pid;
}

const char *
local_version(const struct local *l)
{
	return l->version;
}

/* ---- opening ---- */

/* 0: welcome. 1: the daemon renews itself, connect again. */
static int
hello(struct local *l, struct why *why)
{
	struct local_hello hi = { .version = self_version(),
		.build = l->exe == NULL ? 0 : self_build_of(l->exe),
		.exe = l->exe };
	struct local_welcome w = { 0 };
	struct arena a;
	int rc;

	arena_init(&a);
	rc = local_call(l, &wire_local_hello, &hi, OPEN_MS, &a, &w, why);
	if (rc == 0) {
		l->pid = w.pid;
		str_copy(l->version, sizeof(l->version), w.version);
		rc = w.renewing;
	}
	arena_fini(&a);
	return rc;
}

static int
start(struct local *l, int *life, struct why *why)
{
	char log[HOME_MAX + 32];
	char *argv[] = { l->exe, "daemon", "run", NULL };

	home_file(l->home, "daemon.log", log, sizeof(log));
	l->log_at = local_log_end(log);
	if (local_spawn(argv, l->home->dir, log, life) != 0)
		return why_set(why, E_UNREACHABLE,
		    "the daemon cannot be started: %s", strerror(errno));
	return 0;
}

static int
never_came(struct local *l, struct why *why)
{
	char log[HOME_MAX + 32], said[160];
	struct statvfs fs;

	if (l->exe == NULL)
		return why_set(why, E_UNREACHABLE, "the daemon is not running");
	if (statvfs(l->home->dir, &fs) == 0 && fs.f_bavail == 0) {
		snprintf(l->home->fix, sizeof(l->home->fix), "df -h %s",
		    l->home->dir);
		return why_set(why, E_STORAGE_FULL,
		    "the daemon did not start: the disk of %s is full",
		    l->home->dir);
	}
	home_file(l->home, "daemon.log", log, sizeof(log));
	snprintf(l->home->fix, sizeof(l->home->fix), "tail %s", log);
	if (local_last_words(log, l->log_at, said, sizeof(said)))
		return why_set(why, E_UNREACHABLE,
		    "the daemon did not start: %s", said);
	return why_set(why, E_UNREACHABLE,
	    "the daemon did not start; its log may say why");
}

/* The daemon is gone: there may be another one, but not for long. */
static void
note_death(int *life, int64_t *deadline)
{
	char c;

	if (*life < 0 || !await(*life, POLLIN, 0) || read(*life, &c, 1) > 0)
		return;
	close(*life);
	*life = -1;
	if (*deadline > now_ms() + 3000)
		*deadline = now_ms() + 3000;
}

/* Connect until somebody says welcome. */
static int
reach(struct local *l, int *life, struct why *why)
{
	int64_t deadline = now_ms() + OPEN_MS;
	bool started = false;
	int rc, pause = 1;

	for (;;) {
		if ((l->fd = dial(l->home)) >= 0) {
			if ((rc = hello(l, why)) == 0)
				return 0;
			close(l->fd);
			l->fd = -1;
			buf_clear(&l->in);
			if (rc != 1 && rc != E_UNREACHABLE)
				return rc;
		} else if (!started) {
			started = true;
			if (l->exe == NULL)
				return never_came(l, why);
			if ((rc = start(l, life, why)) != 0)
				return rc;
		}
		note_death(life, &deadline);
		if (now_ms() >= deadline)
			return never_came(l, why);
		nap(pause);
		pause = pause < 16 ? pause * 2 : 25;
	}
}

int
local_open(struct local **out, const struct local_conf *conf, struct why *why)
{
	struct local *l;
	int rc, life = -1;

	*out = NULL;
	rc = conf->exe != NULL ? home_prepare(conf->home, why)
			       : home_check(conf->home, why);
	if (rc != 0)
		return rc;
	l = mem_zalloc(sizeof(*l));
	l->fd = -1;
	l->home = conf->home;
	l->exe = mem_strdup(conf->exe);
	if (conf->session != NULL && *conf->session != '\0')
		l->session = mem_strdup(conf->session);
	buf_init(&l->in, LOCAL_REPLY_MAX);
	rc = reach(l, &life, why);
	if (life >= 0)
		close(life);
	if (rc != 0) {
		local_close(l);
		return rc;
	}
	*out = l;
	return 0;
}

void
local_close(struct local *l)
{
	if (l == NULL)
		return;
	if (l->fd >= 0)
		close(l->fd);
	buf_fini(&l->in);
	mem_free(l->exe);
	mem_free(l->session);
	mem_free(l);
}

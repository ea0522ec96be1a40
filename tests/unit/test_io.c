/*
 * test_io.c - the real world behind io.h: turns, timers, TCP and Unix
 * streams, limits and drains, closes of every kind, connects that fail,
 * processes that end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/io.h"

/* One end of a stream and what happened to it. */
struct end {
	struct world *w;
	io_id id;
	struct buf got;
	size_t bytes;
	int opens, drains, closes;
	enum io_why why;
	struct io_peer peer;
	bool echo, stop_at_close, stop_at_drain;
	size_t stop_at_bytes;
};

struct world {
	struct io *io;
	struct end server, client;
	int turns, ticks;
	bool in_call; /* an io_ call is on the stack */
	char dir[64], path[100];
};

static void
on_open(void *arg, io_id id)
{
	struct end *e = arg;

	assert_false(e->w->in_call);
	assert_int_equal(id, e->id);
	e->opens++;
}

static void
on_data(void *arg, io_id id, const void *p, size_t n)
{
	struct end *e = arg;

	assert_false(e->w->in_call);
	assert_int_equal(id, e->id);
	e->bytes += n;
	if (e->bytes < 65536)
		buf_add(&e->got, p, n);
	if (e->echo)
		io_write(e->w->io, id, p, n);
	if (e->stop_at_bytes > 0 && e->bytes >= e->stop_at_bytes)
		io_uv_stop(e->w->io);
}

static void
on_drain(void *arg, io_id id)
{
	struct end *e = arg;

	assert_false(e->w->in_call);
	assert_int_equal(id, e->id);
	e->drains++;
	if (e->stop_at_drain)
		io_uv_stop(e->w->io);
}

static void
on_close(void *arg, io_id id, enum io_why why)
{
	struct end *e = arg;

	assert_false(e->w->in_call);
	assert_int_equal(id, e->id);
	assert_int_equal(e->closes, 0);
	e->closes++;
	e->why = why;
	e->id = 0;
	if (e->stop_at_close)
		io_uv_stop(e->w->io);
}

static const struct io_stream_cb cb = { on_open, on_data, on_drain, on_close };

static void
on_accept(void *arg, io_id id, const struct io_peer *peer)
{
	struct world *w = arg;

	w->server.id = id;
	w->server.peer = *peer;
	io_bind(w->io, id, &cb, &w->server);
}

static void
on_turn(void *arg)
{
	((struct world *)arg)->turns++;
}

static void
on_guard(void *arg, io_id timer)
{
	(void)arg;
	(void)timer;
	fail_msg("the test hangs");
}

static int
setup(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));

	w->io = io_uv_new();
	w->server.w = w->client.w = w;
	buf_init(&w->server.got, 1 << 20);
	buf_init(&w->client.got, 1 << 20);
	io_on_turn(w->io, on_turn, w);
	io_timer(w->io, 20000, on_guard, w);
	snprintf(w->dir, sizeof(w->dir), "%s/test_io.XXXXXX",
	    getenv("TMPDIR") != NULL && strlen(getenv("TMPDIR")) < 40 ?
	    getenv("TMPDIR") : "/tmp");
	if (mkdtemp(w->dir) == NULL)
		return -1;
	snprintf(w->path, sizeof(w->path), "%s/s", w->dir);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	io_uv_free(w->io);
	unlink(w->path);
	rmdir(w->dir);
	buf_fini(&w->server.got);
	buf_fini(&w->client.got);
	mem_free(w);
	return 0;
}

static void
dial(struct world *w, const struct io_addr *a)
{
	w->in_call = true;
	w->client.id = io_connect(w->io, a, &cb, &w->client);
	w->in_call = false;
	assert_int_not_equal(w->client.id, 0);
}

static struct io_addr
listen_tcp(struct world *w)
{
	struct io_addr a;
	char why[128];

	assert_int_equal(io_addr_parse(&a, "127.0.0.1:0"), 0);
	assert_int_not_equal(io_listen(w->io, &a, on_accept, w, why,
	    sizeof(why)), 0);
	assert_int_not_equal(a.port, 0);
	return a;
}

/* ---- tests ---- */

static void
on_tick(void *arg, io_id timer)
{
	struct world *w = arg;

	(void)timer;
	w->ticks++;
	assert_int_equal(w->turns, 0); /* the turn follows the callback */
	io_uv_stop(w->io);
}

static void
never(void *arg, io_id timer)
{
	(void)arg;
	(void)timer;
	fail_msg("a stopped timer fired");
}

static void
timers(void **state)
{
	struct world *w = *state;
	int64_t before = io_mono_us(w->io);
	io_id a, b;

	a = io_timer(w->io, 1, never, w);
	b = io_timer(w->io, 30, on_tick, w);
	assert_true(b > a);
	io_timer_stop(w->io, a);
	io_timer_stop(w->io, a);
	io_timer_stop(w->io, 0);
	io_uv_run(w->io);
	assert_int_equal(w->ticks, 1);
	assert_true(io_mono_us(w->io) - before >= 29000);
	io_timer_stop(w->io, b);
}

static void
waking_turn(void *arg)
{
	struct world *w = arg;

	if (++w->turns == 5)
		io_uv_stop(w->io);
	else
		io_wake(w->io);
}

static void
wakes(void **state)
{
	struct world *w = *state;

	io_on_turn(w->io, waking_turn, w);
	io_wake(w->io);
	io_uv_run(w->io);
	assert_int_equal(w->turns, 5);
}

static void
tcp_echo(void **state)
{
	struct world *w = *state;
	struct io_addr a = listen_tcp(w);

	w->server.echo = true;
	w->client.stop_at_bytes = 5;
	dial(w, &a);
	/* Written before the connect is through: leaves when it is. */
	assert_int_equal(io_write(w->io, w->client.id, "hello", 5), 0);
	assert_int_equal(io_queued(w->io, w->client.id), 5);
	io_uv_run(w->io);
	assert_string_equal(buf_str(&w->client.got), "hello");
	assert_int_equal(w->client.opens, 1);
	assert_int_equal(w->server.opens, 0);
	assert_string_equal(w->server.peer.ip, "127.0.0.1");
	assert_int_equal(w->server.peer.uid, -1);
	assert_true(w->turns >= 3);
	assert_int_equal(io_queued(w->io, w->client.id), 0);
}

static void
name_resolves(void **state)
{
	struct world *w = *state;
	struct io_addr a = listen_tcp(w);

	snprintf(a.host, sizeof(a.host), "localhost"); /* ::1 may come first */
	w->server.echo = true;
	w->client.stop_at_bytes = 1;
	dial(w, &a);
	io_write(w->io, w->client.id, "x", 1);
	io_uv_run(w->io);
	assert_int_equal(w->client.opens, 1);
}

static void
connects_that_fail(void **state)
{
	struct world *w = *state;
	struct io_addr a = listen_tcp(w), u = { .unix_ = true };
	const struct {
		struct io_addr addr;
		enum io_why why;
	} all[] = {
		{ { .host = "127.0.0.1", .port = 1 }, IO_REFUSED },
		{ { .host = "localhost", .port = 1 }, IO_REFUSED },
		{ { .host = "no.such.invalid", .port = 1 }, IO_NO_NAME },
	};

	(void)a;
	w->client.stop_at_close = true;
	for (size_t i = 0; i < countof(all); i++) {
		dial(w, &all[i].addr);
		io_uv_run(w->io);
		assert_int_equal(w->client.closes, 1);
		assert_int_equal(w->client.why, all[i].why);
		w->client.closes = 0;
	}
	snprintf(u.path, sizeof(u.path), "%s", w->path);
	dial(w, &u);
	io_uv_run(w->io);
	assert_int_equal(w->client.why, IO_REFUSED);
	assert_int_equal(w->client.opens, 0);
}

/* Closed while the name is looked up, or while it connects. */
static void
connect_and_close(void **state)
{
	struct world *w = *state;
	struct io_addr a = { .host = "no.such.invalid", .port = 1 };
	struct io_addr b = listen_tcp(w);

	w->client.stop_at_close = true;
	dial(w, &a);
	io_close(w->io, w->client.id, true);
	assert_int_equal(io_write(w->io, w->client.id, "x", 1), -1);
	io_uv_run(w->io);
	assert_int_equal(w->client.why, IO_OURS);
	w->client.closes = 0;
	dial(w, &b);
	io_close(w->io, w->client.id, false);
	io_uv_run(w->io);
	assert_int_equal(w->client.why, IO_OURS);
	assert_int_equal(w->client.opens, 0);
}

/* Much more than the kernel takes: all of it arrives, in order of count. */
static void
large_writes(void **state)
{
	struct world *w = *state;
	struct io_addr a = listen_tcp(w);
	size_t n = 6 * 1024 * 1024;
	char *p = mem_zalloc(n);

	dial(w, &a);
	w->server.stop_at_bytes = n + 3;
	assert_int_equal(io_write(w->io, w->client.id, p, n), 0);
	assert_int_equal(io_write(w->io, w->client.id, "end", 3), 0);
	io_uv_run(w->io);
	assert_int_equal(w->server.bytes, n + 3);
	assert_true(w->client.drains >= 1);
	mem_free(p);
}

static void
limits(void **state)
{
	struct world *w = *state;
	struct io_addr a = listen_tcp(w);
	char p[100] = "";

	dial(w, &a);
	io_limit(w->io, w->client.id, 250, 50);
	assert_int_equal(io_write(w->io, w->client.id, p, 100), 0);
	assert_int_equal(io_write(w->io, w->client.id, p, 100), 0);
	assert_int_equal(io_write(w->io, w->client.id, p, 100), -1);
	assert_int_equal(io_queued(w->io, w->client.id), 200);
	assert_int_equal(io_write(w->io, w->client.id, p, 50), 0);
	w->client.stop_at_drain = true;
	io_uv_run(w->io);
	assert_int_equal(w->client.drains, 1);
	assert_int_equal(io_queued(w->io, w->client.id), 0);
	assert_int_equal(io_write(w->io, 12345678, p, 1), -1);
}

static void
stop_later(void *arg, io_id timer)
{
	(void)timer;
	io_uv_stop(((struct world *)arg)->io);
}

static void
run_ms(struct world *w, int64_t ms)
{
	io_timer(w->io, ms, stop_later, w);
	io_uv_run(w->io);
}

/* A reader that stops holds the writer back; then all comes through. */
static void
back_pressure(void **state)
{
	struct world *w = *state;
	struct io_addr a = listen_tcp(w);
	size_t n = 7 * 1024 * 1024, left;
	char *p = mem_zalloc(n);

	dial(w, &a);
	run_ms(w, 20);
	io_read_stop(w->io, w->server.id);
	io_write(w->io, w->client.id, p, n);
	run_ms(w, 100);
	left = io_queued(w->io, w->client.id);
	assert_true(left > 0);
	assert_int_equal(w->server.bytes, 0);
	/* What is under way counts against the limit. */
	assert_int_equal(io_write(w->io, w->client.id, p, n), -1);
	w->server.stop_at_bytes = n;
	io_read_start(w->io, w->server.id);
	io_uv_run(w->io);
	assert_int_equal(w->server.bytes, n);
	mem_free(p);
}

static void
close_after_flush(void **state)
{
	struct world *w = *state;
	struct io_addr a = listen_tcp(w);
	size_t n = 3 * 1024 * 1024;
	char *p = mem_zalloc(n);

	dial(w, &a);
	run_ms(w, 20);
	io_write(w->io, w->server.id, "unread by its owner", 19);
	io_write(w->io, w->client.id, p, n);
	w->in_call = true;
	io_close(w->io, w->client.id, true);
	w->in_call = false;
	assert_int_equal(io_write(w->io, w->client.id, p, 1), -1);
	w->client.stop_at_close = true;
	io_uv_run(w->io);
	run_ms(w, 20);
	assert_int_equal(w->client.why, IO_OURS);
	assert_int_equal(w->server.bytes, n);
	assert_int_equal(w->server.closes, 1);
	assert_int_equal(w->server.why, IO_CLOSED);
	mem_free(p);
}

/* They send and shut down at once: the turn's answer still leaves. */
static void
answer_after_eof(void **state)
{
	struct world *w = *state;
	struct io_addr a = { .unix_ = true };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	static char big[65536]; /* one whole read: the EOF comes with it */
	char why[128];
	int fd;

	snprintf(a.path, sizeof(a.path), "%s", w->path);
	assert_int_not_equal(io_listen(w->io, &a, on_accept, w, why,
	    sizeof(why)), 0);
	memcpy(sun.sun_path, a.path, sizeof(sun.sun_path));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	memset(big, 'q', sizeof(big));
	assert_int_equal(write(fd, big, sizeof(big)), sizeof(big));
	shutdown(fd, SHUT_WR);
	w->server.echo = true;
	w->server.stop_at_close = true;
	io_uv_run(w->io);
	assert_int_equal(w->server.why, IO_CLOSED);
	assert_int_equal(recv(fd, big, sizeof(big), MSG_WAITALL), sizeof(big));
	assert_int_equal(w->server.peer.uid, (int)getuid());
	assert_int_equal(w->server.peer.pid, (int)getpid());
	assert_string_equal(w->server.peer.ip, "");
	close(fd);
}

static void
unix_sockets(void **state)
{
	struct world *w = *state;
	struct io_addr a = { .unix_ = true };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;
	char why[128] = "";
	io_id id;
	int fd;

	snprintf(a.path, sizeof(a.path), "%s", w->path);
	/* A stale one: bound, then its process went away. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	memcpy(sun.sun_path, a.path, sizeof(sun.sun_path));
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	id = io_listen(w->io, &a, on_accept, w, why, sizeof(why));
	assert_int_not_equal(id, 0);
	assert_int_equal(stat(a.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* A live one is left alone. */
	assert_int_equal(io_listen(w->io, &a, on_accept, w, why, sizeof(why)),
	    0);
	assert_non_null(strstr(why, "another process"));
	run_ms(w, 10);
	assert_int_equal(stat(a.path, &st), 0);
	dial(w, &a);
	w->server.stop_at_bytes = 2;
	io_write(w->io, w->client.id, "hi", 2);
	io_uv_run(w->io);
	io_unlisten(w->io, id);
	run_ms(w, 10);
	assert_int_not_equal(stat(a.path, &st), 0);
	/* What is not a socket is nobody's to remove. */
	fd = creat(a.path, 0600);
	close(fd);
	assert_int_equal(io_listen(w->io, &a, on_accept, w, why, sizeof(why)),
	    0);
	assert_int_equal(stat(a.path, &st), 0);
}

static void
port_taken(void **state)
{
	struct world *w = *state;
	struct io_addr a = listen_tcp(w);
	char why[128] = "";

	assert_int_equal(io_listen(w->io, &a, on_accept, w, why, sizeof(why)),
	    0);
	assert_non_null(strstr(why, "in use"));
}

static void
new_owner(void **state)
{
	struct world *w = *state;
	struct io_addr a = listen_tcp(w);

	dial(w, &a);
	run_ms(w, 20);
	io_bind(w->io, w->client.id, &io_nobody, NULL);
	io_write(w->io, w->server.id, "x", 1);
	io_close(w->io, w->client.id, false);
	run_ms(w, 20);
	assert_int_equal(w->client.bytes, 0);
	assert_int_equal(w->client.closes, 0);
	assert_int_equal(w->server.closes, 1);
}

static void
pids(void **state)
{
	struct world *w = *state;
	pid_t pid = fork();
	io_id id;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	id = io_watch_pid(w->io, pid, never, w);
	io_watch_stop(w->io, id);
	io_watch_pid(w->io, pid, stop_later, w);
	assert_int_equal(kill(pid, SIGKILL), 0);
	io_uv_run(w->io);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	io_watch_pid(w->io, pid, stop_later, w); /* gone already */
	io_uv_run(w->io);
}

static void
on_signal(void *arg, int signo)
{
	struct world *w = arg;

	w->ticks = signo;
	io_uv_stop(w->io);
}

static void
signals(void **state)
{
	struct world *w = *state;

	io_uv_on_signal(w->io, SIGHUP, on_signal, w);
	raise(SIGHUP);
	io_uv_run(w->io);
	assert_int_equal(w->ticks, SIGHUP);
}

static void
randomness(void **state)
{
	struct world *w = *state;
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	io_random(w->io, a, sizeof(a));
	io_random(w->io, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_true(io_wall(w->io) > INT64_C(1700000000000));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(timers), T(wakes), T(tcp_echo),
		T(name_resolves), T(connects_that_fail), T(connect_and_close),
		T(large_writes), T(limits), T(back_pressure),
		T(close_after_flush), T(answer_after_eof), T(unix_sockets),
		T(port_taken), T(new_owner), T(pids), T(signals),
		T(randomness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_io_misc.c - the rest of the real world: Unix sockets and who is at their
 * other end, ports in use, processes that end, signals, randomness.
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

#include "base/mem.h"
#include "tests/unit/io_world.h"

static void
never(void *arg, io_id timer)
{
	(void)arg;
	(void)timer;
	fail_msg("a stopped timer fired");
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
				 sizeof(why)),
	    0);
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
	w->server.stop_at_close = true; /* the asking came to us, too */
	io_uv_run(w->io);
	w->server.closes = 0;
	assert_int_equal(stat(a.path, &st), 0);
	dial(w, &a);
	w->server.stop_at_bytes = 2;
	io_write(w->io, w->client.id, "hi", 2);
	io_uv_run(w->io);
	io_unlisten(w->io, id);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(answer_after_eof),
		WORLD_TEST(unix_sockets),
		WORLD_TEST(port_taken),
		WORLD_TEST(pids),
		WORLD_TEST(signals),
		WORLD_TEST(randomness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

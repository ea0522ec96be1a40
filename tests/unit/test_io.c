/*
 * test_io.c - the real world behind io.h: turns, timers, TCP streams, limits
 * and drains, closes of every kind, connects that fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tests/unit/io_world.h"

static void
never(void *arg, io_id timer)
{
	(void)arg;
	(void)timer;
	fail_msg("a stopped timer fired");
}

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

/* A reader that stops holds the writer back; then all comes through. */
static void
back_pressure(void **state)
{
	struct world *w = *state;
	struct io_addr a = listen_tcp(w);
	size_t n = 7 * 1024 * 1024, left;
	char *p = mem_zalloc(n);

	meet(w, &a);
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

	meet(w, &a);
	io_write(w->io, w->server.id, "unread by its owner", 19);
	io_write(w->io, w->client.id, p, n);
	w->in_call = true;
	io_close(w->io, w->client.id, true);
	w->in_call = false;
	assert_int_equal(io_write(w->io, w->client.id, p, 1), -1);
	w->client.stop_at_close = true;
	io_uv_run(w->io);
	assert_int_equal(w->client.why, IO_OURS);
	assert_int_equal(w->server.bytes, n);
	assert_int_equal(w->server.closes, 1);
	assert_int_equal(w->server.why, IO_CLOSED);
	mem_free(p);
}

static void
new_owner(void **state)
{
	struct world *w = *state;
	struct io_addr a = listen_tcp(w);

	meet(w, &a);
	io_bind(w->io, w->client.id, &io_nobody, NULL);
	io_write(w->io, w->server.id, "x", 1);
	io_close(w->io, w->client.id, false);
	w->server.stop_at_close = true;
	io_uv_run(w->io);
	assert_int_equal(w->client.bytes, 0);
	assert_int_equal(w->client.closes, 0);
	assert_int_equal(w->server.closes, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(timers),
		WORLD_TEST(wakes),
		WORLD_TEST(tcp_echo),
		WORLD_TEST(name_resolves),
		WORLD_TEST(connects_that_fail),
		WORLD_TEST(connect_and_close),
		WORLD_TEST(large_writes),
		WORLD_TEST(limits),
		WORLD_TEST(back_pressure),
		WORLD_TEST(close_after_flush),
		WORLD_TEST(new_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

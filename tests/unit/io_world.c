/*
 * io_world.c - see io_world.h. Every callback checks that it does not run
 * within a call of io.h and names the right stream.
 */
#include "tests/unit/io_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/mem.h"

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

void
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
	struct world *w = arg;

	w->turns++;
	if (w->meeting && w->client.opens > 0 && w->server.id != 0)
		io_uv_stop(w->io);
}

static void
on_guard(void *arg, io_id timer)
{
	(void)arg;
	(void)timer;
	fail_msg("the test hangs");
}

int
world_setup(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));

	w->io = io_uv_new();
	w->server.w = w->client.w = w;
	buf_init(&w->server.got, 1 << 20);
	buf_init(&w->client.got, 1 << 20);
	io_on_turn(w->io, on_turn, w);
	io_timer(w->io, 20000, on_guard, w);
	snprintf(w->dir, sizeof(w->dir), "%s/test_io.XXXXXX",
	    getenv("TMPDIR") != NULL && strlen(getenv("TMPDIR")) < 40
		? getenv("TMPDIR")
		: "/tmp");
	if (mkdtemp(w->dir) == NULL)
		return -1;
	snprintf(w->path, sizeof(w->path), "%s/s", w->dir);
	*state = w;
	return 0;
}

int
world_teardown(void **state)
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

void
dial(struct world *w, const struct io_addr *a)
{
	w->in_call = true;
	w->client.id = io_connect(w->io, a, &cb, &w->client);
	w->in_call = false;
	assert_int_not_equal(w->client.id, 0);
}

void
meet(struct world *w, const struct io_addr *a)
{
	dial(w, a);
	w->meeting = true;
	io_uv_run(w->io);
	w->meeting = false;
}

struct io_addr
listen_tcp(struct world *w)
{
	struct io_addr a;
	char why[128];

	assert_int_equal(io_addr_parse(&a, "127.0.0.1:0"), 0);
	assert_int_not_equal(io_listen(w->io, &a, on_accept, w, why,
				 sizeof(why)),
	    0);
	assert_int_not_equal(a.port, 0);
	return a;
}

void
stop_later(void *arg, io_id timer)
{
	(void)timer;
	io_uv_stop(((struct world *)arg)->io);
}

void
run_ms(struct world *w, int64_t ms)
{
	io_timer(w->io, ms, stop_later, w);
	io_uv_run(w->io);
}

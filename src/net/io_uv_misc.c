/*
 * io_uv_misc.c - the rest of the world: clocks, randomness, timers, signals,
 * and whether a process lives. Processes are watched by pidfd; where the kernel
 * has none, by asking once a second.
 */
#include "net/io_uv.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ASK_MS 1000

struct timer {
	struct thing t;
	uv_timer_t h;
	io_timer_fn *fn;
	void *arg;
};

struct watch {
	struct thing t;
	io_timer_fn *fn;
	void *arg;
	int pid, fd; /* fd -1: h.timer asks */
	union {
		uv_handle_t handle;
		uv_poll_t poll;
		uv_timer_t timer;
	} h;
};

int64_t
op_wall(struct io *io)
{
	struct timespec ts;

	(void)io;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
op_mono_us(struct io *io)
{
	struct timespec ts;

	(void)io;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void
op_random(struct io *io, void *p, size_t n)
{
	uint8_t *to = p;
	ssize_t got;

	(void)io;
	while (n > 0) {
		got = getrandom(to, n, 0);
		assert(got > 0 || errno == EINTR);
		if (got > 0) {
			to += got;
			n -= (size_t)got;
		}
	}
}

/* ---- timers ---- */

static void
on_thing_closed(uv_handle_t *h)
{
	thing_gone(h->data);
}

void
timer_close(struct thing *t)
{
	struct timer *timer = (struct timer *)t;

	if (!uv_is_closing((uv_handle_t *)&timer->h))
		uv_close((uv_handle_t *)&timer->h, on_thing_closed);
}

static void
on_timer(uv_timer_t *h)
{
	struct timer *timer = h->data;

	uvio_event(timer->t.u);
	timer_close(&timer->t);
	if (!timer->t.u->dying)
		timer->fn(timer->arg, timer->t.id);
}

io_id
op_timer(struct io *io, int64_t after_ms, io_timer_fn *fn, void *arg)
{
	struct uvio *u = (struct uvio *)io;
	struct timer *timer;
	uint64_t late;

	timer = (struct timer *)thing_new(u, TIMER, sizeof(*timer));
	timer->fn = fn;
	timer->arg = arg;
	timer->h.data = timer;
	uv_timer_init(&u->loop, &timer->h);
	/* libuv counts from the turn's beginning: never fire early. */
	late = uv_hrtime() / 1000000 - uv_now(&u->loop);
	uv_timer_start(&timer->h, on_timer,
	    after_ms > 0 ? (uint64_t)after_ms + late : 0, 0);
	return timer->t.id;
}

void
op_timer_stop(struct io *io, io_id id)
{
	struct thing *t = thing_get(io, TIMER, id);

	if (t != NULL)
		timer_close(t);
}

/* ---- processes ---- */

static void
on_watch_closed(uv_handle_t *h)
{
	struct watch *w = h->data;

	if (w->fd >= 0)
		close(w->fd);
	thing_gone(&w->t);
}

void
watch_close(struct thing *t)
{
	struct watch *w = (struct watch *)t;

	if (!uv_is_closing(&w->h.handle))
		uv_close(&w->h.handle, on_watch_closed);
}

static void
pid_gone(struct watch *w)
{
	uvio_event(w->t.u);
	watch_close(&w->t);
	if (!w->t.u->dying)
		w->fn(w->arg, w->t.id);
}

static void
on_pidfd(uv_poll_t *h, int status, int events)
{
	(void)status;
	(void)events;
	pid_gone(h->data);
}

static void
on_ask(uv_timer_t *h)
{
	struct watch *w = h->data;

	if (w->pid <= 0 || (kill(w->pid, 0) != 0 && errno == ESRCH))
		pid_gone(w);
}

io_id
op_watch_pid(struct io *io, int pid, io_timer_fn *fn, void *arg)
{
	struct uvio *u = (struct uvio *)io;
	struct watch *w;

	w = (struct watch *)thing_new(u, WATCH, sizeof(*w));
	w->fn = fn;
	w->arg = arg;
	w->pid = pid;
	w->h.handle.data = w;
	w->fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (w->fd >= 0 && uv_poll_init(&u->loop, &w->h.poll, w->fd) == 0) {
		uv_poll_start(&w->h.poll, UV_READABLE, on_pidfd);
		return w->t.id;
	}
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	uv_timer_init(&u->loop, &w->h.timer);
	uv_timer_start(&w->h.timer, on_ask, 0, ASK_MS);
	return w->t.id;
}

void
op_watch_stop(struct io *io, io_id id)
{
	struct thing *t = thing_get(io, WATCH, id);

	if (t != NULL)
		watch_close(t);
}

/* ---- signals ---- */

static void
on_signal(uv_signal_t *h, int signo)
{
	struct signal_watch *w = h->data;
	struct uvio *u = h->loop->data;

	uvio_event(u);
	if (!u->dying)
		w->fn(w->arg, signo);
}

void
io_uv_on_signal(struct io *io, int signo, void (*fn)(void *arg, int), void *arg)
{
	struct uvio *u = (struct uvio *)io;
	struct signal_watch *w = mem_zalloc(sizeof(*w));

	w->fn = fn;
	w->arg = arg;
	uv_signal_init(&u->loop, &w->h);
	w->h.data = w;
	uv_signal_start(&w->h, on_signal, signo);
	vec_add(&u->signals, w);
}

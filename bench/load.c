/*
 * load.c - the generator's measurements and its command line. Prints one JSON
 * object with what it measured.
 *
 *   load pair|fan|latency|count DRIVER HOST PORT [--seconds S] [--window W]
 *        [--receivers N] [--size BYTES] [--count N]
 *   load idle ours HOST PORT --pid PID [--peers N] [--per-mesh N]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/load.h"

#define RATE 500 /* messages a second, when latency is measured */

static const struct driver *const drivers[] = { &driver_ours,
	&driver_ours_receipts, &driver_nats, &driver_jetstream,
	&driver_redis_stream, &driver_redis_pubsub, &driver_mqtt };

/* ---- what drivers say ---- */

void
run_acked(struct run *r, uint64_t n)
{
	r->acked += n;
	if (r->acked > r->sent)
		die("more acknowledgements than messages");
}

void
run_got(struct run *r, struct conn *c)
{
	uint64_t no = c->got++;
	size_t at = no % RING;

	if (no >= r->sent)
		die("more messages than were sent");
	r->got++;
	if (r->nlate < r->late_max)
		r->late[r->nlate++] = now_ns() - r->due[at];
	if (++r->reached[at] == r->receivers) {
		r->reached[at] = 0;
		r->whole++;
	}
}

/* ---- the loop ---- */

static uint64_t
done(const struct run *r)
{
	if (r->d->no_acks || r->whole < r->acked)
		return r->whole;
	return r->acked;
}

static void
read_some(struct run *r, struct conn *c)
{
	ssize_t n;

	if (c->at > 0) {
		buf_consume(&c->in, c->at);
		c->at = 0;
	}
	n = read(c->fd, buf_reserve(&c->in, READ_MAX), READ_MAX);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		die("the server hung up");
	if (n > 0) {
		buf_commit(&c->in, (size_t)n);
		r->d->eat(r, c);
	}
}

static void
pass(struct run *r, int wait_ms)
{
	struct epoll_event ev[64];
	int i, n = epoll_wait(r->ep, ev, 64, wait_ms);

	for (i = 0; i < n; i++) {
		if (ev[i].events & ~(unsigned)EPOLLOUT)
			read_some(r, ev[i].data.ptr);
		conn_flush(r, ev[i].data.ptr);
	}
}

static void
top_up(struct run *r)
{
	while (r->sent - done(r) < r->window)
		r->d->send(r, r->sent++);
	conn_flush(r, r->sender);
}

static void
measure_rate(struct run *r)
{
	int64_t begin = now_ns() + (int64_t)(r->warm * 1e9), end, at = 0;
	uint64_t done0 = 0, got0 = 0;
	double took;

	end = begin + (int64_t)(r->seconds * 1e9);
	for (int64_t now = 0; now < end; now = now_ns()) {
		if (at == 0 && now >= begin) {
			at = now;
			done0 = done(r);
			got0 = r->got;
		}
		top_up(r);
		pass(r, 100);
	}
	took = (double)(now_ns() - at) / 1e9;
	printf("{\"rate\":%.1f,\"deliveries\":%.1f}\n",
	    (double)(done(r) - done0) / took, (double)(r->got - got0) / took);
}

/* Exactly so many, so many at once: for counting instructions. */
static void
measure_count(struct run *r)
{
	while (done(r) < r->count) {
		if (done(r) == r->sent) {
			while (
			    r->sent - done(r) < r->window && r->sent < r->count)
				r->d->send(r, r->sent++);
			conn_flush(r, r->sender);
		}
		pass(r, 100);
	}
	printf("{\"count\":%zu}\n", r->count);
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Open loop: a late message is late for all that it delays. Waiting for less
 * than 2 ms is done awake, or the kernel's timer would be measured. */
static void
measure_latency(struct run *r)
{
	int64_t step = 1000000000 / RATE, begin = now_ns() + step, due;
	uint64_t n = (uint64_t)((r->warm + r->seconds) * RATE), skip;

	r->late_max = n;
	r->late = mem_alloc(n * sizeof(*r->late));
	skip = (uint64_t)(r->warm * RATE);
	while (r->got < n) {
		due = begin + (int64_t)r->sent * step;
		if (r->sent < n && now_ns() >= due) {
			r->due[r->sent % RING] = due;
			r->d->send(r, r->sent++);
			conn_flush(r, r->sender);
		}
		pass(r, 0);
		if (now_ns() > begin + (int64_t)n * step + 10000000000)
			die("messages are missing");
	}
	n -= skip;
	qsort(r->late + skip, n, sizeof(*r->late), by_size);
	printf("{\"p50_us\":%.1f,\"p99_us\":%.1f}\n",
	    (double)r->late[skip + n / 2] / 1e3,
	    (double)r->late[skip + n * 99 / 100] / 1e3);
}

/* ---- the command line ---- */

static const struct driver *
driver_named(const char *name)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++) {
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	}
	die("no driver '%s'", name);
}

static double
option(int argc, char **argv, const char *name, double otherwise)
{
	for (int i = 5; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], name) == 0)
			return strtod(argv[i + 1], NULL);
	}
	return otherwise;
}

static void
prepare(struct run *r)
{
	r->payload = mem_alloc(r->size + 1);
	for (size_t i = 0; i < r->size; i++)
		r->payload[i] = "0123456789abcdef"[i * 7 % 16];
	r->payload[r->size] = '\0';
	r->reached = mem_zalloc(RING * sizeof(*r->reached));
	r->due = mem_zalloc(RING * sizeof(*r->due));
	r->ep = epoll_create1(EPOLL_CLOEXEC);
}

static void
tidy(struct run *r)
{
	while (r->nconn > 0) {
		mem_free(r->conn[0]->own);
		conn_close(r, r->conn[0]);
	}
	mem_free(r->conn);
	mem_free(r->payload);
	mem_free(r->reached);
	mem_free(r->due);
	mem_free(r->late);
	close(r->ep);
}

int
main(int argc, char **argv)
{
	struct run r = { 0 };
	const char *work;

	if (argc < 5)
		die("usage: load WORK DRIVER HOST PORT [--OPTION VALUE]...");
	work = argv[1];
	r.d = driver_named(argv[2]);
	r.host = argv[3];
	r.port = atoi(argv[4]);
	r.seconds = option(argc, argv, "--seconds", 3);
	r.warm = option(argc, argv, "--warm", r.seconds / 6);
	r.window = (size_t)option(argc, argv, "--window", 1000);
	r.receivers = (size_t)option(argc, argv, "--receivers", 1);
	r.size = (size_t)option(argc, argv, "--size", 500);
	r.count = (size_t)option(argc, argv, "--count", 1000);
	r.pid = (int)option(argc, argv, "--pid", 0);
	prepare(&r);
	if (strcmp(work, "idle") == 0)
		ours_idle(&r, (size_t)option(argc, argv, "--peers", 10000),
		    (size_t)option(argc, argv, "--per-mesh", 1000));
	else
		r.d->open(&r);
	if (strcmp(work, "pair") == 0 || strcmp(work, "fan") == 0)
		measure_rate(&r);
	else if (strcmp(work, "latency") == 0)
		measure_latency(&r);
	else if (strcmp(work, "count") == 0)
		measure_count(&r);
	else if (strcmp(work, "idle") != 0)
		die("no work '%s'", work);
	tidy(&r);
	return 0;
}

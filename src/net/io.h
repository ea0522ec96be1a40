/*
 * io.h - the world, as the cores see it. Broker and daemon are state machines:
 * bytes, closes, timers and the time come in through this interface, bytes,
 * closes and timers go out. io_uv.c plugs in libuv; the simulator plugs in a
 * seeded network and a virtual clock.
 *
 * One thread. Callbacks never run inside a call of these functions: what a call
 * causes (a failed connect, a close) arrives as a later event. Everything is
 * named by id, never by pointer, because things vanish during callbacks; a call
 * with the id of something gone does nothing.
 *
 * A turn: all input that is ready comes in by callbacks, which only buffer and
 * mark; then the turn function runs; then what it wrote leaves, one write for
 * each stream. The loop never waits for input between a callback and the turn
 * function that follows it.
 */
#ifndef NET_IO_H
#define NET_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t io_id; /* 0 is none; never used twice */

struct tls_server; /* net/tls.h */

struct io_addr {
	bool unix_;	/* a Unix socket: path; else TCP: host and port */
	char host[256]; /* name or address; listening: an address */
	uint16_t port;	/* listening: 0 picks a free one */
	char path[108];
	/* What follows is for TCP and borrowed: by a listener while it listens,
	 * by a connect for the call. Worlds without TLS do not look at it. */
	struct tls_server *cert; /* listening: TLS with it; NULL: plain */
	bool tls;		 /* connecting: TLS, and who is believed: */
	const char *ca;		 /* PEM, instead of the system's; or NULL */
	const char *pin;	 /* the one key it must have; or NULL */
	bool public_only;	 /* connecting: to the open internet alone */
};

struct io_peer {      /* who is at the other end of an accepted stream */
	char ip[46];  /* TCP; "" on a Unix socket */
	int uid, pid; /* Unix socket; -1 on TCP */
};

enum io_why {
	IO_CLOSED,    /* the other end closed in order */
	IO_RESET,     /* connection lost */
	IO_REFUSED,   /* connect: nobody listens, or not allowed */
	IO_NO_NAME,   /* connect: the host name does not resolve */
	IO_TIMEOUT,   /* connect: no answer in 15 s */
	IO_OURS,      /* we closed it */
	IO_PRIVATE,   /* connect: public_only, and none of its addresses is */
	IO_NO_TLS,    /* TLS failed; io_detail says how */
	IO_UNTRUSTED, /* their certificate is not believed; io_detail: why */
};
const char *io_why_text(enum io_why);

/* What a stream tells its owner. close is the last; the id is void then. */
struct io_stream_cb {
	void (*open)(void *arg, io_id); /* connected */
	void (*data)(void *arg, io_id, const void *p, size_t n);
	void (
	    *drain)(void *arg, io_id); /* queued bytes fell to the low water */
	void (*close)(void *arg, io_id, enum io_why);
};

/* To bind when the owner goes away before the stream does. */
extern const struct io_stream_cb io_nobody;

typedef void io_accept_fn(void *arg, io_id stream, const struct io_peer *);
typedef void io_timer_fn(void *arg, io_id timer);
typedef void io_turn_fn(void *arg);

struct io;
struct io_ops {
	int64_t (*wall)(struct io *); /* ms since 1970 UTC; may jump */
	int64_t (*mono)(struct io *); /* ms, never goes back; of this turn */
	int64_t (*mono_us)(
	    struct io *); /* µs, right now: for budgets, metrics */
	void (*random)(struct io *, void *p, size_t n);

	/* One shot. */
	io_id (*timer)(struct io *, int64_t after_ms, io_timer_fn *, void *arg);
	void (*timer_stop)(struct io *, io_id);

	/*
	 * 0 with why filled (why_cap bytes) when it cannot listen; addr gets the
	 * port that was picked. A Unix socket is made with mode 0600; a stale one
	 * (nobody answers) is replaced. The accept function binds or closes.
	 */
	io_id (*listen)(struct io *, struct io_addr *, io_accept_fn *,
	    void *arg, char *why, size_t why_cap);
	void (*unlisten)(struct io *, io_id);
	/* Binding anew replaces who is told (an owner that goes away). */
	void (
	    *bind)(struct io *, io_id, const struct io_stream_cb *, void *arg);
	io_id (*connect)(struct io *, const struct io_addr *,
	    const struct io_stream_cb *, void *arg);

	/*
	 * Copies p into the stream's out buffer; it leaves at flush, in one
	 * write. -1 when the stream is gone or would pass its limit (limit()).
	 */
	int (*write)(struct io *, io_id, const void *p, size_t n);
	size_t (*queued)(struct io *, io_id); /* bytes not yet at the kernel */
	void (*limit)(struct io *, io_id, size_t out_max, size_t low_water);
	void (*flush)(struct io *); /* now, all streams written to; also done
				     * by the loop before it waits */
	void (*read_stop)(struct io *, io_id); /* back pressure */
	void (*read_start)(struct io *, io_id);
	/* Close: at once, or after what is queued has left (5 s at most). */
	void (*close)(struct io *, io_id, bool after_flush);

	/* While a stream's close callback runs: more than its enum says, or
	 * "". NULL in a world that never has more to say. */
	const char *(*detail)(struct io *);

	/* The turn function; wake() asks for another turn without waiting. */
	void (*on_turn)(struct io *, io_turn_fn *, void *arg);
	void (*wake)(struct io *);

	/* Call fn once when the process is gone (at once if it is already). */
	io_id (*watch_pid)(struct io *, int pid, io_timer_fn *, void *arg);
	void (*watch_stop)(struct io *, io_id);
};
struct io {
	const struct io_ops *ops;
};

static inline int64_t
io_wall(struct io *io)
{
	return io->ops->wall(io);
}
static inline int64_t
io_mono(struct io *io)
{
	return io->ops->mono(io);
}
static inline int64_t
io_mono_us(struct io *io)
{
	return io->ops->mono_us(io);
}
static inline void
io_random(struct io *io, void *p, size_t n)
{
	io->ops->random(io, p, n);
}
static inline io_id
io_timer(struct io *io, int64_t ms, io_timer_fn *fn, void *arg)
{
	return io->ops->timer(io, ms, fn, arg);
}
static inline void
io_timer_stop(struct io *io, io_id id)
{
	io->ops->timer_stop(io, id);
}
static inline io_id
io_listen(struct io *io, struct io_addr *a, io_accept_fn *fn, void *arg,
    char *why, size_t cap)
{
	return io->ops->listen(io, a, fn, arg, why, cap);
}
static inline void
io_unlisten(struct io *io, io_id id)
{
	io->ops->unlisten(io, id);
}
static inline void
io_bind(struct io *io, io_id id, const struct io_stream_cb *cb, void *arg)
{
	io->ops->bind(io, id, cb, arg);
}
static inline io_id
io_connect(struct io *io, const struct io_addr *a,
    const struct io_stream_cb *cb, void *arg)
{
	return io->ops->connect(io, a, cb, arg);
}
static inline int
io_write(struct io *io, io_id id, const void *p, size_t n)
{
	return io->ops->write(io, id, p, n);
}
static inline size_t
io_queued(struct io *io, io_id id)
{
	return io->ops->queued(io, id);
}
static inline void
io_limit(struct io *io, io_id id, size_t max, size_t low)
{
	io->ops->limit(io, id, max, low);
}
static inline void
io_flush(struct io *io)
{
	io->ops->flush(io);
}
static inline void
io_read_stop(struct io *io, io_id id)
{
	io->ops->read_stop(io, id);
}
static inline void
io_read_start(struct io *io, io_id id)
{
	io->ops->read_start(io, id);
}
static inline void
io_close(struct io *io, io_id id, bool after_flush)
{
	io->ops->close(io, id, after_flush);
}
static inline const char *
io_detail(struct io *io)
{
	return io->ops->detail != NULL ? io->ops->detail(io) : "";
}
static inline void
io_on_turn(struct io *io, io_turn_fn *fn, void *arg)
{
	io->ops->on_turn(io, fn, arg);
}
static inline void
io_wake(struct io *io)
{
	io->ops->wake(io);
}
static inline io_id
io_watch_pid(struct io *io, int pid, io_timer_fn *fn, void *arg)
{
	return io->ops->watch_pid(io, pid, fn, arg);
}
static inline void
io_watch_stop(struct io *io, io_id id)
{
	io->ops->watch_stop(io, id);
}

/* "127.0.0.1:7900", "[::1]:0", "unix:/path"; 0 or -1. */
int io_addr_parse(struct io_addr *, const char *s);
void io_addr_print(char *out, size_t cap, const struct io_addr *);

/* ---- the real world (io_uv.c) ---- */

struct io *io_uv_new(void);
void io_uv_free(struct io *);
/* Proxies by which to connect, as HTTPS_PROXY, HTTP_PROXY and NO_PROXY have
 * them; NULL: none. Not for public_only, nor to loopback. */
void io_uv_proxies(struct io *, const char *secure, const char *plain,
    const char *none);
void io_uv_run(struct io *); /* until io_uv_stop */
void io_uv_stop(struct io *);
/* SIGTERM, SIGINT, SIGHUP as events of the loop; SIGPIPE is ignored. */
void io_uv_on_signal(struct io *, int signo, void (*fn)(void *arg, int),
    void *arg);

#endif

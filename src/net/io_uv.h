/*
 * io_uv.h - inside the real world: shared by io_uv.c (loop and turn),
 * io_uv_stream.c (bytes), io_uv_dial.c (listen, connect) and io_uv_misc.c
 * (timers, signals, processes). Nobody else includes it.
 */
#ifndef NET_IO_UV_H
#define NET_IO_UV_H

#include <uv.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "net/io.h"
#include "net/tls.h"

#define READ_CHUNK (64 * 1024)
#define OUT_MAX (8 * 1024 * 1024)
#define LOW_WATER (64 * 1024)
#define CONNECT_MS 15000
#define LINGER_MS 5000

enum thing_kind { STREAM, LISTENER, TIMER, WATCH };

/* What every id names. The kind keeps an id of one sort out of another call. */
struct thing {
	enum thing_kind kind;
	io_id id;
	struct uvio *u;
};

struct dial;
struct via;

struct stream {
	struct thing t;
	const struct io_stream_cb *cb; /* NULL: accepted and not yet bound */
	void *arg;
	struct buf out;	   /* written, not yet offered to the kernel */
	size_t low_water;  /* (the limit is out.max) */
	struct dial *dial; /* while connecting */
	struct tls *tls;   /* or NULL: out is what goes to the kernel */
	char *detail;	   /* of why, or NULL */
	struct via *via;   /* while a proxy is asked for the way on */
	io_id timer;	   /* connect or linger */
	uint8_t why;	   /* enum io_why, once closing */
	bool open;	   /* connected */
	bool shaking; /* connected by us; open is told after TLS's handshake */
	bool torn;    /* they closed without TLS's goodbye */
	bool closing; /* ended; the close callback is to come */
	bool redial;  /* the handle closes, to be opened anew */
	bool lingering; /* we close when the queue is empty */
	bool shut;	/* our end is shut, waiting for theirs */
	bool eof;	/* they closed; the turn may still answer */
	bool stopped;	/* read_stop */
	bool inflight;	/* a uv_write is under way */
	bool dirty;	/* listed in u->dirty */
	bool above;	/* queue went over low_water */
	bool drained;	/* listed in u->drained */
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} h;
};

struct signal_watch {
	uv_signal_t h;
	void (*fn)(void *arg, int);
	void *arg;
};

struct uvio {
	struct io io; /* first: struct io * is a struct uvio * */
	uv_loop_t loop;
	uv_check_t check;
	uv_prepare_t prepare;
	uv_idle_t idle;
	struct map things;
	io_id last;
	io_turn_fn *turn;
	void *turn_arg;
	bool pending; /* something came in since the last turn */
	bool dying;   /* being freed: no callbacks */
	VEC(io_id) dirty;
	VEC(io_id) drained;
	VEC(struct signal_watch *) signals;
	char *proxies[3];   /* for TLS, for plain, NO_PROXY; or NULL */
	const char *detail; /* while a close callback runs */
	char chunk[READ_CHUNK];
	char plain[TLS_RECORD];
};

/* io_uv.c */
struct thing *thing_new(struct uvio *, enum thing_kind, size_t size);
void *thing_get(struct io *, enum thing_kind, io_id); /* NULL when gone */
void thing_gone(struct thing *);		      /* forget and free */
void uvio_event(struct uvio *); /* a callback comes: a turn must follow */

/* io_uv_stream.c */
struct stream *stream_new(struct uvio *, bool unix_);
void stream_end(struct stream *, enum io_why);
void stream_fail(struct stream *, enum io_why, const char *detail);
void stream_closed(struct stream *); /* tells the owner, frees */
void stream_opened(struct stream *); /* connected: start reading */
void stream_read(struct stream *);
void stream_flush(struct stream *);
void stream_drain(struct stream *);
void stream_dirty(struct stream *);	/* bytes wait for a flush */
void stream_eof(struct stream *);	/* no more will come from them */
void stream_connected(struct stream *); /* the whole way: tells the owner */
void op_bind(struct io *, io_id, const struct io_stream_cb *, void *);
int op_write(struct io *, io_id, const void *, size_t);
size_t op_queued(struct io *, io_id);
void op_limit(struct io *, io_id, size_t, size_t);
void op_read_stop(struct io *, io_id);
void op_read_start(struct io *, io_id);
void op_close(struct io *, io_id, bool);

/* io_uv_tls.c */
void tls_begin(struct stream *); /* connected below TLS */
void tls_input(struct stream *, const char *p, size_t n);
void tls_seal(struct stream *);		/* what was written becomes records */
bool tls_unsaid(const struct stream *); /* something is still to be sealed */
const char *op_detail(struct io *);

/* io_uv_proxy.c */
int via_begin(struct stream *, struct io_addr *); /* may change where to dial */
void via_ask(struct stream *);			  /* connected to the proxy */
void via_free(struct stream *);
char *via_detail(const struct stream *, const char *why);

/* io_uv_dial.c */
void stream_through(struct stream *); /* connected to where it was to go */
io_id op_listen(struct io *, struct io_addr *, io_accept_fn *, void *, char *,
    size_t);
void op_unlisten(struct io *, io_id);
io_id op_connect(struct io *, const struct io_addr *,
    const struct io_stream_cb *, void *);
void dial_drop(struct stream *); /* the stream ends first */
void listener_close(struct thing *);

/* io_uv_misc.c */
int64_t op_wall(struct io *);
int64_t op_mono_us(struct io *);
void op_random(struct io *, void *, size_t);
io_id op_timer(struct io *, int64_t, io_timer_fn *, void *);
void op_timer_stop(struct io *, io_id);
io_id op_watch_pid(struct io *, int, io_timer_fn *, void *);
void op_watch_stop(struct io *, io_id);
void timer_close(struct thing *);
void watch_close(struct thing *);

#endif

/*
 * server.h - HTTP/1.1 and WebSocket over io.h streams, server side. Pure: all
 * input comes from io.h, so it runs in the simulator, too.
 *
 * It owns the deadlines (header, body, idle), the caps (connections in all, per
 * address before their first accepted hello, bytes of header, body and frame),
 * strictness (RFC 9112 shapes that smuggle are 400), pings and the watchdog.
 * What it does not own: meaning. Frames are pulled by the core in its turn.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "base/arena.h"
#include "base/buf.h"
#include "net/io.h"

struct server;

struct http_header {
	const char *name, *value;
}; /* name in lower case */

/* A complete request. Valid during the callback. */
struct http_request {
	io_id conn;
	const char *method, *path,
	    *query; /* path decoded no further than %XX */
	const struct http_header *header;
	size_t nheader;
	const char *body;
	size_t nbody;
	struct io_peer peer;
	const char *refusal; /* upgrade may set it: why not, for people */
};
const char *http_header(const struct http_request *, const char *lower_name);

struct server_conf {	   /* zero means the default in brackets */
	int64_t header_ms; /* whole header within [10 s] */
	int64_t body_ms;   /* whole body within [30 s] */
	int64_t idle_ms;   /* keep-alive between requests [60 s] */
	int64_t ping_ms;   /* WebSocket ping every [30 s] */
	int64_t pong_ms;   /* closed after silence of [75 s] */
	int64_t stall_ms; /* closed when queued bytes make no progress [60 s] */
	size_t header_max;     /* [16 KiB] */
	size_t body_max;       /* [1 MiB] */
	size_t frame_max;      /* [1 MiB], after reassembly */
	size_t conns_max;      /* [16384] */
	size_t per_ip_new_max; /* not yet admitted, per address [64] */
	int64_t admit_ms; /* a WebSocket not admitted is closed after [15 s] */
	const char *const
	    *origins;	/* NULL-ended; further Origins let in besides
				     * our own Host's */
	size_t out_max; /* queued output of a connection [8 MiB] */
};

struct server_ops {
	/* Answer with server_reply, now or (same conn id) later. */
	void (*request)(void *arg, struct http_request *);
	/*
	 * A well-formed upgrade of `path`; offered: the subprotocols, comma
	 * separated, "" when none. Return the one chosen, "" for none, or NULL to
	 * refuse with *status (404, 426, 503...).
	 */
	const char *(*upgrade)(void *arg, struct http_request *,
	    const char *offered, int *status);
	void (*ws_open)(void *arg, io_id conn, const char *subprotocol,
	    const struct io_peer *);
	/* At least one whole frame waits: mark runnable, pull it in the turn. */
	void (*ws_ready)(void *arg, io_id conn);
	void (*ws_drain)(void *arg, io_id conn); /* queue fell to low water */
	/* Last word on it; code as RFC 6455 (1006 when it just vanished). */
	void (*ws_close)(void *arg, io_id conn, int code);
};

struct server *server_new(struct io *, const struct server_conf *,
    const struct server_ops *, void *arg);
void server_free(struct server *); /* closes everything it has, without ops */
/* 0, or -1 with why. addr gets the port picked. */
int server_listen(struct server *, struct io_addr *, char *why, size_t why_cap);
void server_unlisten(struct server *); /* accept nobody new */
size_t server_conns(const struct server *);

/* headers: extra lines "Name: value\r\n" or NULL. */
void server_reply(struct server *, io_id conn, int status, const char *type,
    const char *headers, const void *body, size_t n);

/*
 * Next whole text message of conn; false when there is none. The slice is
 * valid until the next call for this conn or the end of the turn.
 * Binary messages close the connection with 1003.
 */
bool server_frame(struct server *, io_id conn, const char **text, size_t *n);
bool server_has_frame(struct server *, io_id conn);
/* This connection said an accepted hello: no longer counts as new. */
void server_admit(struct server *, io_id conn);
/* Bytes already framed (ws_frame) go out; -1 when over the queue limit. */
int server_write(struct server *, io_id conn, const void *p, size_t n);
size_t server_queued(struct server *, io_id conn);
void server_pause(struct server *, io_id conn, bool paused); /* reading */
void server_close(struct server *, io_id conn, int code, const char *reason);

/* A server's text frame (unmasked) appended to out. */
void ws_frame(struct buf *out, const char *text, size_t n);

#endif

/*
 * server_int.h - inside the server: shared by server.c (connections, sweep),
 * server_http.c (requests, replies, upgrade) and server_ws.c (frames, closes).
 */
#ifndef NET_SERVER_INT_H
#define NET_SERVER_INT_H

#include "base/map.h"
#include "base/vec.h"
#include "net/http.h"
#include "net/server.h"
#include "net/ws.h"

#define LOW_WATER (64 * 1024)
#define BACKLOG_STOP (256 * 1024) /* undelivered input: reading pauses */
#define BACKLOG_GO (128 * 1024)
#define PIPELINE_MAX (64 * 1024) /* bytes behind an unanswered request */
#define CLOSE_MS 5000		 /* for the other end's close frame */

enum conn_state {
	C_READ,	   /* HTTP: idle or reading a request */
	C_WAIT,	   /* HTTP: the core owes a reply */
	C_WS,	   /* WebSocket, open */
	C_CLOSING, /* WebSocket: our close is sent, theirs awaited */
	C_LAST,	   /* what is queued leaves, then it closes */
	C_GONE	   /* closed at once; the last event is to come */
};

struct ip { /* one for each address with connections */
	size_t conns, fresh;
	char text[46];
};

struct conn {
	io_id id;
	struct server *sv;
	struct ip *ip;	      /* NULL on a Unix socket */
	struct http_in *http; /* while a request is read or answered */
	struct buf in;	      /* HTTP: bytes not yet parsed; WS: messages */
	VEC(uint32_t) lens;   /* lengths of whole messages in `in` */
	size_t taken;	      /* of lens: pulled */
	size_t at;	      /* of in: behind what was pulled */
	struct ws_dec ws;
	int64_t deadline; /* 0: none */
	int64_t heard, pinged, moved;
	uint64_t written, sent;
	int uid, pid;
	uint16_t code; /* for ws_close */
	uint8_t state;
	bool fresh;	 /* counts in ip->fresh */
	bool served;	 /* a request was answered before */
	bool continued;	 /* 100-continue sent, body deadline set */
	bool in_request; /* ops->request runs */
	bool ended;	 /* WS: their close or our failure, frames may wait */
	bool told;	 /* ops->ws_close was called */
	bool upgraded;	 /* ops->ws_open was called */
	bool kicked;	 /* listed in sv->kicks */
	bool paused;	 /* the core does not want more */
	bool backlog;	 /* nor do we */
	bool stopped;	 /* so the stream does not read */
	bool flushing;	 /* C_LAST, but much is queued: io_close comes later */
};

struct server {
	struct io *io;
	struct server_conf conf;
	const struct server_ops *ops;
	void *arg;
	struct map conns, ips;
	VEC(io_id) listeners;
	VEC(io_id) kicks;
	io_id sweep, kick;
	int64_t sweep_ms;
	size_t refused; /* since the last sweep */
};

/* server.c */
struct conn *conn_get(struct server *, io_id);
int conn_write(struct conn *, const void *p, size_t n);
void conn_kill(struct conn *);	  /* at once */
void conn_last(struct conn *);	  /* after what is queued */
void conn_kick(struct conn *);	  /* see to it soon, outside this call */
void conn_reading(struct conn *); /* after a change of paused or backlog */
void conn_admitted(struct conn *);
struct io_peer conn_peer(const struct conn *);

/* server_http.c */
void http_input(struct conn *, const char *p, size_t n);
void http_resume(struct conn *); /* bytes behind an answered request */
void http_late(struct conn *);	 /* a deadline passed */

/* server_ws.c */
void ws_input(struct conn *, const char *p, size_t n);
void ws_finish(struct conn *); /* c->ended and no frames wait */
void ws_tell(struct conn *);
void ws_ping(struct conn *);
bool ws_waiting(const struct conn *);

#endif

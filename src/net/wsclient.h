/*
 * wsclient.h - WebSocket, client side, over io.h: one object, one connection
 * at a time. Reconnecting is the owner's affair.
 */
#ifndef NET_WSCLIENT_H
#define NET_WSCLIENT_H

#include "net/io.h"

struct wsclient;

/* ws://host[:port]/path; wss://, http:// and https:// likewise. */
struct url {
	char scheme[8]; /* ws, wss, http, https */
	char host[256];
	uint16_t port;	 /* 80 or 443 when absent */
	char path[2048]; /* with the query; "/" when absent */
};
int url_parse(struct url *, const char *s, const char **why);
bool url_is_secure(const struct url *); /* wss or https */
/* http(s)://host:port <-> ws(s)://host:port/ws; out is cap bytes. */
int url_to_ws(char *out, size_t cap, const char *s, const char **why);
int url_to_http(char *out, size_t cap, const char *s, const char **why);

struct wsclient_ops {
	void (*open)(void *arg);
	/* A whole text frame; valid during the call. */
	void (*frame)(void *arg, const char *text, size_t n);
	void (*drain)(void *arg);
	/* Gone: code of RFC 6455, 1006 when it vanished, 0 when it never opened;
	 * reason for people ("connection refused", "HTTP status 404", ...). */
	void (*close)(void *arg, int code, const char *reason);
};

struct wsclient *wsclient_new(struct io *, const struct wsclient_ops *,
    void *arg);
void wsclient_free(struct wsclient *); /* closes; no more callbacks */
/* 0 or -1 with why when the URL is no good. Handshake deadline 15 s; sends a
 * ping every 30 s, gives up after 75 s of silence. */
int wsclient_connect(struct wsclient *, const char *url,
    const char *subprotocol, size_t frame_max, const char **why);
/* Whom a wss:// broker must be; see io_addr. Borrowed until closed. */
void wsclient_trust(struct wsclient *, const char *ca, const char *pin);
/* Within the close callback: its certificate was not believed. */
bool wsclient_untrusted(const struct wsclient *);
int wsclient_send(struct wsclient *, const char *text,
    size_t n); /* -1: not open */
size_t wsclient_queued(struct wsclient *);
void wsclient_close(struct wsclient *, int code, const char *reason);
bool wsclient_is_open(const struct wsclient *);

#endif

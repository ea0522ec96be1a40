/*
 * probe.h - is a broker there? One plain HTTP GET with a deadline, or only a
 * connection where the URL asks for TLS: that is looked at by the daemon's link.
 */
#ifndef CLIENT_PROBE_H
#define CLIENT_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum probe_state {
	PROBE_OK,	 /* a broker answered */
	PROBE_OPEN,	 /* connected; TLS is not spoken here */
	PROBE_NO_BROKER, /* something else answered, or nothing sensible */
	PROBE_REFUSED,	 /* nobody listens */
	PROBE_SILENT,	 /* no answer in time */
	PROBE_NO_NAME,	 /* the name does not resolve, or is no URL */
};

struct probe {
	enum probe_state state;
	int status;	 /* of HTTP; 0: none */
	int64_t date_ms; /* the server's clock, by its Date header; 0: none */
	int64_t took_ms;
	char host[256], port[8];
	bool tls;
	char body[2048];
};

/* url: http, https, ws, wss, or host:port. */
void probe_broker(struct probe *, const char *url, int timeout_ms);
const char *probe_text(enum probe_state);

/* Could we listen there? Loopback only. 0, or -1 with errno. */
int probe_port_free(const char *host, int port);
/* A port that is free just now, or -1. */
int probe_port_pick(const char *host);

#endif

/*
 * proxy.h - through which proxy a connection goes, by the variables that every
 * program knows, and what is said to it. Pure.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct proxy {
	char host[256];
	uint16_t port;
	char auth[700]; /* base64 of user:password, or ""; never to be shown */
};

/* http://[user:password@]host[:port]; 0, or -1 with why, which has no secret. */
int proxy_parse(struct proxy *, const char *text, const char **why);
/*
 * Is a host to be reached directly? Loopback always is; else by NO_PROXY:
 * names, addresses, domains (with or without a dot before), *, each perhaps with
 * :port, between commas or spaces.
 */
bool proxy_spares(const char *no_proxy, const char *host, uint16_t port);
void proxy_request(struct buf *, const struct proxy *, const char *host,
    uint16_t port);
/* Of the first line of its answer: NULL when it is 2xx, else what is wrong. */
const char *proxy_fault(const char *line, char *scratch, size_t cap);

#endif

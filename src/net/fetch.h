/*
 * fetch.h - one HTTP(S) request to the world outside, with limits on everything:
 * bytes, time, redirects, and where it may go. Over io.h; no proxy is used, since
 * then it would be the proxy that decides which address is dialled.
 */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include "net/answer.h"
#include "net/io.h"

struct fetch_conf {	     /* zero means the default in brackets */
	const char *method;  /* [GET] */
	const char *headers; /* "Name: value\r\n" each, or NULL */
	const void *body;
	size_t nbody;
	size_t body_max;      /* of the answer [1 MiB] */
	int64_t time_ms;      /* for everything [30 s] */
	int redirects_max;    /* [5]; -1: none */
	bool allow_private;   /* also to addresses not of the open internet */
	const char *ca, *pin; /* whom of the first host is believed; io.h */
};

enum fetch_end {
	FETCH_OK,	   /* any status */
	FETCH_BAD_URL,	   /* also where a redirect leads */
	FETCH_PRIVATE,	   /* not allowed to go there */
	FETCH_UNREACHABLE, /* no connection, or it was lost */
	FETCH_UNTRUSTED,   /* TLS: certificate not believed */
	FETCH_LATE,
	FETCH_TOO_BIG,
	FETCH_BAD_ANSWER,
	FETCH_REDIRECTS, /* too many, or from https to http */
};

struct fetch_result {
	enum fetch_end end;
	const char *why; /* for people; "" when OK */
	const char *url; /* the last one asked */
	int redirects;
	const struct answer *answer; /* NULL unless OK */
};

struct fetch;
/* Once, from an event; valid during the call. It may call fetch_free. */
typedef void fetch_fn(void *arg, const struct fetch_result *);

/* conf and url are copied. NULL with why when the URL or a header is no good. */
struct fetch *fetch_new(struct io *, const char *url, const struct fetch_conf *,
    fetch_fn *, void *arg, const char **why);
void fetch_free(struct fetch *); /* at any time; ends it, without a call */

/* base as Location `to` changes it, without a fragment; 0 or -1 (out is cap). */
int fetch_resolve(char *out, size_t cap, const char *base, const char *to);

#endif

/*
 * http.h - HTTP/1.1 messages: a request read piece by piece, a reply's head
 * written. Pure: bytes in, bytes out; server.c owns connections and deadlines.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/server.h"

#define HTTP_HEADERS 100
#define HTTP_CHUNK_EXT_MAX 1024 /* bytes of chunk extensions in a request */
#define HTTP_TRAILER_MAX 4096

/* ---- a head: first line and header lines, ended by an empty line ---- */

struct http_head {
	struct buf raw; /* the block so far, without a leading empty line */
	uint8_t state;
};
enum http_got { HTTP_MORE, HTTP_WHOLE, HTTP_WRONG, HTTP_TOO_BIG };

void http_head_init(struct http_head *, size_t max);
void http_head_fini(struct http_head *);
/* Takes bytes up to the head's end. Wrong: bare CR or LF, controls, obs-fold. */
enum http_got http_head_feed(struct http_head *, const char *p, size_t n,
    size_t *used);
void http_trailer_init(struct http_head *); /* lines with no first line */
/* Of a whole head: cuts it in place. 0, or -1 when a line is malformed or
 * there are more than cap. first may be NULL. */
int http_head_split(struct http_head *, char **first, struct http_header *list,
    size_t cap, size_t *n);

/* ---- a request ---- */

enum http_state { HTTP_IN_HEAD, HTTP_IN_BODY, HTTP_IN_DONE, HTTP_IN_BAD };

struct http_in {
	enum http_state state;
	int status;	 /* when bad: what to answer */
	const char *why; /* when bad: for people */
	bool keep_alive, http10, expect, websocket, has_body;
	struct http_head head;
	char *method, *path, *query;
	struct http_header header[HTTP_HEADERS];
	size_t nheader;
	size_t body_max;
	struct buf body;
	struct http_head trailer;
	uint64_t left; /* of the body or chunk */
	uint64_t length;
	uint32_t ext;
	uint8_t chunk; /* state of the chunked decoder */
	uint8_t digits;
	bool chunked, began; /* began: a byte of a request came */
};

struct http_in *http_in_new(size_t header_max, size_t body_max);
void http_in_free(struct http_in *);
/* Takes bytes up to the end of the request; *used of them. */
enum http_state http_in_feed(struct http_in *, const char *p, size_t n,
    size_t *used);
/* The view of a request that is done; conn and peer are left alone. */
void http_in_request(struct http_in *, struct http_request *);

/* Is token a member of the comma-separated lists of every line `name`? */
bool http_has_token(const struct http_header *, size_t n, const char *name,
    const char *token);
const char *http_find(const struct http_header *, size_t n, const char *name);

/* ---- a reply ---- */

const char *http_reason(int status);
/* Status line and headers. type and extra may be NULL. */
void http_reply_head(struct buf *, int status, const char *type,
    const char *extra, size_t length, bool keep_alive, int64_t wall_ms);

#endif

/*
 * http.c - one HTTP/1.1 request, read piece by piece.
 *
 * The head must please three readers: the scanner of http_head.c, our own
 * checks below, and llhttp; where ours and llhttp's idea of the framing differ,
 * the request is refused. The shapes that smuggle (Content-Length with
 * Transfer-Encoding, twice, or not digits; an unknown coding; `Host :`; no Host
 * or two) are 400. Bodies grow as bytes come, never by what was announced.
 */
#include "net/http.h"

#include <llhttp.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"

enum { C_SIZE, C_EXT, C_SIZE_LF, C_DATA, C_DATA_CR, C_DATA_LF, C_TRAILER };

struct http_in *
http_in_new(size_t header_max, size_t body_max)
{
	struct http_in *in = mem_zalloc(sizeof(*in));

	http_head_init(&in->head, header_max);
	buf_init(&in->body, body_max);
	in->body_max = body_max;
	return in;
}

void
http_in_free(struct http_in *in)
{
	if (in == NULL)
		return;
	http_head_fini(&in->head);
	http_head_fini(&in->trailer);
	buf_fini(&in->body);
	mem_free(in);
}

static int
bad(struct http_in *in, int status, const char *why)
{
	in->state = HTTP_IN_BAD;
	in->status = status;
	in->why = why;
	return -1;
}

/* ---- llhttp's opinion ---- */

struct opinion {
	bool complete, chunked, length;
	uint64_t content_length;
	uint8_t major, minor;
};

static int
on_headers(llhttp_t *p)
{
	struct opinion *o = p->data;

	o->complete = true;
	o->chunked = (p->flags & F_CHUNKED) != 0;
	o->length = (p->flags & F_CONTENT_LENGTH) != 0;
	o->content_length = p->content_length;
	o->major = p->http_major;
	o->minor = p->http_minor;
	return 1; /* only the head is fed: assume no body */
}

static bool
ask_llhttp(const struct buf *raw, struct opinion *o)
{
	llhttp_settings_t settings;
	llhttp_errno_t rc;
	llhttp_t parser;

	*o = (struct opinion){ 0 };
	llhttp_settings_init(&settings);
	settings.on_headers_complete = on_headers;
	llhttp_init(&parser, HTTP_REQUEST, &settings);
	parser.data = o;
	rc = llhttp_execute(&parser, raw->data, raw->len);
	return (rc == HPE_OK || rc == HPE_PAUSED_UPGRADE) && o->complete;
}

static bool
agrees(const struct http_in *in, const struct opinion *o)
{
	return o->major == 1 && o->minor == (in->http10 ? 0 : 1) &&
	    o->chunked == in->chunked &&
	    (in->chunked || o->content_length == in->length);
}

/* ---- the first line ---- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %XX in place; neither dots nor plus signs are touched. */
static int
percent_decode(char *s)
{
	char *out = s, *start = s;
	int hi, lo;

	for (; *s != '\0'; s++) {
		if (*s == '%') {
			hi = hex_digit(s[1]);
			lo = hi < 0 ? -1 : hex_digit(s[2]);
			if (lo < 0)
				return -1;
			*out++ = (char)(hi * 16 + lo);
			s += 2;
		} else
			*out++ = *s;
		if ((unsigned char)out[-1] < 0x20 || out[-1] == 0x7f)
			return -1;
	}
	*out = '\0';
	return utf8_valid(start, (size_t)(out - start)) ? 0 : -1;
}

static int
version(struct http_in *in, const char *v)
{
	if (strcmp(v, "HTTP/1.1") == 0)
		return 0;
	if (strcmp(v, "HTTP/1.0") == 0) {
		in->http10 = true;
		return 0;
	}
	return strncmp(v, "HTTP/", 5) == 0
	    ? bad(in, 505, "only HTTP/1.1 and 1.0 are spoken")
	    : bad(in, 400, "malformed request line");
}

/* http://authority/path names the same authority as Host, or is refused. */
static int
absolute_form(struct http_in *in, char **target)
{
	const char *host = http_find(in->header, in->nheader, "host");
	char *authority = *target + 7;
	size_t n = strcspn(authority, "/?");

	if (host == NULL || strlen(host) != n ||
	    strncasecmp(host, authority, n) != 0)
		return bad(in, 400, "Host differs from the request target");
	if (authority[n] != '/')
		return bad(in, 400, "malformed request target");
	*target = authority + n;
	return 0;
}

static int
target(struct http_in *in, char *t)
{
	static char none[] = "";
	char *q;

	for (q = t; *q != '\0'; q++)
		if (*q <= ' ' || *q > '~' || *q == '#')
			return bad(in, 400, "malformed request target");
	if (strncasecmp(t, "http://", 7) == 0 && absolute_form(in, &t) != 0)
		return -1;
	if (*t != '/' &&
	    !(strcmp(t, "*") == 0 && strcmp(in->method, "OPTIONS") == 0))
		return bad(in, 400, "malformed request target");
	q = strchr(t, '?');
	if (q != NULL)
		*q++ = '\0';
	in->path = t;
	in->query = q != NULL ? q : none;
	if (percent_decode(t) != 0)
		return bad(in, 400, "malformed percent-encoding");
	return 0;
}

static int
first_line(struct http_in *in, char *line)
{
	char *sp = strchr(line, ' '), *sp2;

	sp2 = sp == NULL ? NULL : strchr(sp + 1, ' ');
	if (sp2 == NULL || sp == line || strchr(sp2 + 1, ' ') != NULL)
		return bad(in, 400, "malformed request line");
	*sp = *sp2 = '\0';
	in->method = line;
	if (version(in, sp2 + 1) != 0)
		return -1;
	if (strcmp(line, "CONNECT") == 0)
		return bad(in, 405, "CONNECT is not served");
	return target(in, sp + 1);
}

/* ---- header fields ---- */

/* Fields that mean something once and trouble twice. */
static int
no_twins(struct http_in *in)
{
	static const char *const once[] = { "host", "content-length",
		"transfer-encoding", "content-type", "authorization", "expect",
		"origin", "sec-websocket-key", "sec-websocket-version" };

	for (size_t k = 0; k < countof(once); k++) {
		size_t n = 0;

		for (size_t i = 0; i < in->nheader; i++)
			n += strcmp(in->header[i].name, once[k]) == 0;
		if (n > 1)
			return bad(in, 400, "a header field came twice");
	}
	return 0;
}

static int
host(struct http_in *in)
{
	const char *v = http_find(in->header, in->nheader, "host");

	if (v == NULL)
		return in->http10 ? 0 : bad(in, 400, "Host is missing");
	if (*v == '\0')
		return bad(in, 400, "Host is empty");
	for (; *v != '\0'; v++)
		if (!((*v >= 'a' && *v <= 'z') || (*v >= 'A' && *v <= 'Z') ||
			(*v >= '0' && *v <= '9') ||
			strchr(".-_~%:[]", *v) != NULL))
			return bad(in, 400, "malformed Host");
	return 0;
}

static int
content_length(struct http_in *in, const char *v)
{
	uint64_t n = 0;

	if (*v == '\0' || strlen(v) > 15)
		return bad(in, 400, "malformed Content-Length");
	for (; *v != '\0'; v++) {
		if (*v < '0' || *v > '9')
			return bad(in, 400, "malformed Content-Length");
		n = n * 10 + (uint64_t)(*v - '0');
	}
	in->length = in->left = n;
	if (n > in->body_max)
		return bad(in, 413, "the body is over the limit");
	in->has_body = n > 0;
	return 0;
}

static int
framing(struct http_in *in)
{
	const char *cl = http_find(in->header, in->nheader, "content-length");
	const char *te;

	te = http_find(in->header, in->nheader, "transfer-encoding");
	if (te != NULL && (cl != NULL || in->http10))
		return bad(in, 400, "Transfer-Encoding does not belong here");
	if (te != NULL && strcasecmp(te, "chunked") != 0)
		return bad(in, 400, "unknown Transfer-Encoding");
	if (te != NULL)
		in->chunked = in->has_body = true;
	return cl != NULL ? content_length(in, cl) : 0;
}

static int
wishes(struct http_in *in)
{
	const struct http_header *h = in->header;
	const char *expect = http_find(h, in->nheader, "expect");
	size_t n = in->nheader;

	if (expect != NULL && strcasecmp(expect, "100-continue") != 0)
		return bad(in, 417, "unknown expectation");
	in->expect = expect != NULL && !in->http10 && in->has_body;
	in->keep_alive = !http_has_token(h, n, "connection", "close") &&
	    (!in->http10 || http_has_token(h, n, "connection", "keep-alive"));
	in->websocket = http_has_token(h, n, "upgrade", "websocket");
	if (in->websocket && in->has_body)
		return bad(in, 400, "an upgrade has no body");
	return 0;
}

static int
head_done(struct http_in *in)
{
	struct opinion o;
	char *line;
	bool ok = ask_llhttp(&in->head.raw, &o);

	if (http_head_split(&in->head, &line, in->header, HTTP_HEADERS,
		&in->nheader) != 0)
		return in->nheader == HTTP_HEADERS
		    ? bad(in, 431, "too many header fields")
		    : bad(in, 400, "malformed header field");
	if (no_twins(in) != 0 || first_line(in, line) != 0 || host(in) != 0 ||
	    framing(in) != 0 || wishes(in) != 0)
		return -1;
	if (!ok || !agrees(in, &o))
		return bad(in, 400, "malformed request");
	if (in->chunked) {
		in->chunk = C_SIZE;
		http_trailer_init(&in->trailer);
	}
	in->state = in->has_body ? HTTP_IN_BODY : HTTP_IN_DONE;
	return 0;
}

/* ---- bodies ---- */

static int
take_data(struct http_in *in, const char *p, size_t n, size_t *used)
{
	*used = n < in->left ? n : (size_t)in->left;
	in->left -= *used;
	if (buf_add(&in->body, p, *used) != 0)
		return bad(in, 413, "the body is over the limit");
	return 0;
}

static int
chunk_size(struct http_in *in, char c)
{
	int d = hex_digit(c);

	if (d >= 0) {
		if (++in->digits > 8)
			return bad(in, 400, "malformed chunk size");
		in->left = in->left * 16 + (uint64_t)d;
		return 0;
	}
	if (in->digits == 0 || (c != '\r' && c != ';'))
		return bad(in, 400, "malformed chunk size");
	if (in->left > in->body_max - in->body.len)
		return bad(in, 413, "the body is over the limit");
	in->chunk = c == ';' ? C_EXT : C_SIZE_LF;
	return 0;
}

static int
chunk_ext(struct http_in *in, char c)
{
	unsigned char u = (unsigned char)c;

	if (c == '\r') {
		in->chunk = C_SIZE_LF;
		return 0;
	}
	if ((u < 0x20 && c != '\t') || u == 0x7f ||
	    ++in->ext > HTTP_CHUNK_EXT_MAX)
		return bad(in, 400, "malformed chunk extension");
	return 0;
}

/* One byte of the lines around chunks. */
static int
chunk_byte(struct http_in *in, char c)
{
	switch (in->chunk) {
	case C_SIZE:
		return chunk_size(in, c);
	case C_EXT:
		return chunk_ext(in, c);
	case C_SIZE_LF:
		in->chunk = in->left > 0 ? C_DATA : C_TRAILER;
		in->digits = 0;
		return c == '\n' ? 0 : bad(in, 400, "malformed chunk");
	case C_DATA_CR:
		in->chunk = C_DATA_LF;
		return c == '\r' ? 0 : bad(in, 400, "malformed chunk");
	case C_DATA_LF:
		in->chunk = C_SIZE;
		return c == '\n' ? 0 : bad(in, 400, "malformed chunk");
	}
	return bad(in, 400, "malformed chunk");
}

static int
take_trailer(struct http_in *in, const char *p, size_t n, size_t *used)
{
	struct http_header h[HTTP_HEADERS];
	size_t nh;

	switch (http_head_feed(&in->trailer, p, n, used)) {
	case HTTP_MORE:
		return 0;
	case HTTP_TOO_BIG:
		return bad(in, 431, "the trailers are over the limit");
	case HTTP_WRONG:
		return bad(in, 400, "malformed trailer");
	case HTTP_WHOLE:
		break;
	}
	if (http_head_split(&in->trailer, NULL, h, countof(h), &nh) != 0)
		return bad(in, 400, "malformed trailer");
	in->state = HTTP_IN_DONE; /* what trailers say is not used */
	return 0;
}

static int
take_chunked(struct http_in *in, const char *p, size_t n, size_t *used)
{
	if (in->chunk == C_TRAILER)
		return take_trailer(in, p, n, used);
	if (in->chunk != C_DATA) {
		*used = 1;
		return chunk_byte(in, *p);
	}
	if (take_data(in, p, n, used) != 0)
		return -1;
	if (in->left == 0)
		in->chunk = C_DATA_CR;
	return 0;
}

static int
take_body(struct http_in *in, const char *p, size_t n, size_t *used)
{
	if (in->chunked)
		return take_chunked(in, p, n, used);
	if (take_data(in, p, n, used) != 0)
		return -1;
	if (in->left == 0)
		in->state = HTTP_IN_DONE;
	return 0;
}

static int
take_head(struct http_in *in, const char *p, size_t n, size_t *used)
{
	in->began = true;
	switch (http_head_feed(&in->head, p, n, used)) {
	case HTTP_MORE:
		return 0;
	case HTTP_WRONG:
		return bad(in, 400, "malformed header block");
	case HTTP_TOO_BIG:
		return bad(in, 431, "the header is over the limit");
	case HTTP_WHOLE:
		break;
	}
	return head_done(in);
}

enum http_state
http_in_feed(struct http_in *in, const char *p, size_t n, size_t *used)
{
	size_t did, at = 0;
	int rc = 0;

	while (rc == 0 && at < n && in->state < HTTP_IN_DONE) {
		did = 0;
		if (in->state == HTTP_IN_HEAD)
			rc = take_head(in, p + at, n - at, &did);
		else
			rc = take_body(in, p + at, n - at, &did);
		at += did;
	}
	*used = at;
	return in->state;
}

void
http_in_request(struct http_in *in, struct http_request *rq)
{
	rq->method = in->method;
	rq->path = in->path;
	rq->query = in->query;
	rq->header = in->header;
	rq->nheader = in->nheader;
	rq->body = buf_str(&in->body);
	rq->nbody = in->body.len;
}

/*
 * http_head.c - the head of an HTTP message, request or response, and the
 * head of our replies.
 *
 * The scanner sees every byte before any parser does and knows one shape: lines
 * of printable bytes, each ended by CR LF, none starting with white space. What
 * other parsers forgive (bare CR or LF, NUL, folded lines) ends here, because
 * two programs that forgive differently can be played against each other.
 */
#include "net/http.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/mem.h"

enum { BEGIN, SKIP_LF, FIRST, LINE_START, IN_LINE, LINE_LF, END_LF, OVER };

void
http_head_init(struct http_head *h, size_t max)
{
	*h = (struct http_head){ .state = BEGIN };
	buf_init(&h->raw, max);
}

void
http_head_fini(struct http_head *h)
{
	buf_fini(&h->raw);
}

static int
scan_line(char c)
{
	unsigned char u = (unsigned char)c;

	if (c == '\r')
		return LINE_LF;
	return (u < 0x20 && c != '\t') || u == 0x7f ? -1 : IN_LINE;
}

/* The next state, or -1. */
static int
scan(int state, char c)
{
	switch (state) {
	case BEGIN: /* one empty line before a request is forgiven */
		if (c == '\r')
			return SKIP_LF;
		/* fall through */
	case FIRST:
		return c == '\r' || c == ' ' || c == '\t' ? -1 : scan_line(c);
	case SKIP_LF:
		return c == '\n' ? FIRST : -1;
	case LINE_START:
		if (c == '\r')
			return END_LF;
		return c == ' ' || c == '\t' ? -1 : scan_line(c);
	case IN_LINE:
		return scan_line(c);
	case LINE_LF:
		return c == '\n' ? LINE_START : -1;
	case END_LF:
		return c == '\n' ? OVER : -1;
	}
	return -1;
}

enum http_got
http_head_feed(struct http_head *h, const char *p, size_t n, size_t *used)
{
	size_t i, from = 0;
	int state = h->state;

	for (i = 0; i < n && state != OVER; i++) {
		state = scan(state, p[i]);
		if (state < 0) {
			*used = i;
			return HTTP_WRONG;
		}
		if (state == SKIP_LF || state == FIRST)
			from = i + 1;
		/* at this byte, however many came with it: the answer must
		 * not depend on how the bytes were cut */
		if (h->raw.len + (i + 1 - from) > h->raw.max) {
			*used = i;
			return HTTP_TOO_BIG;
		}
	}
	h->state = (uint8_t)state;
	*used = i;
	buf_add(&h->raw, p + from, i - from);
	return state == OVER ? HTTP_WHOLE : HTTP_MORE;
}

/* Trailers: the same lines with no first line before them. */
void
http_trailer_init(struct http_head *h)
{
	http_head_init(h, HTTP_TRAILER_MAX);
	h->state = LINE_START;
}

static bool
is_tchar(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* name ":" OWS value OWS; in place. */
static int
split_line(char *line, struct http_header *out)
{
	char *p = line, *end;

	for (; is_tchar(*p); p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + ('a' - 'A'));
	if (p == line || *p != ':')
		return -1;
	*p++ = '\0';
	p += strspn(p, " \t");
	end = p + strlen(p);
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	out->name = line;
	out->value = p;
	return 0;
}

static char *
cut_line(char **at)
{
	char *line = *at, *cr = strstr(line, "\r\n");

	if (cr == NULL || cr == line)
		return NULL;
	*cr = '\0';
	*at = cr + 2;
	return line;
}

int
http_head_split(struct http_head *h, char **first, struct http_header *list,
    size_t cap, size_t *n)
{
	char *at = h->raw.data, *line;

	*n = 0;
	if (at == NULL)
		return -1;
	if (first != NULL && (*first = cut_line(&at)) == NULL)
		return -1;
	while ((line = cut_line(&at)) != NULL) {
		if (*n == cap || split_line(line, &list[*n]) != 0)
			return -1;
		(*n)++;
	}
	return 0;
}

const char *
http_find(const struct http_header *h, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(h[i].name, name) == 0)
			return h[i].value;
	return NULL;
}

const char *
http_header(const struct http_request *rq, const char *lower_name)
{
	return http_find(rq->header, rq->nheader, lower_name);
}

static bool
list_has(const char *list, const char *token)
{
	size_t n = strlen(token), len;

	for (; *list != '\0'; list += len) {
		list += strspn(list, " \t,");
		len = strcspn(list, " \t,");
		if (len == n && strncasecmp(list, token, n) == 0)
			return true;
	}
	return false;
}

bool
http_has_token(const struct http_header *h, size_t n, const char *name,
    const char *token)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(h[i].name, name) == 0 && list_has(h[i].value, token))
			return true;
	return false;
}

/* ---- replies ---- */

const char *
http_reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} all[] = {
		{ 101, "Switching Protocols" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 423, "Locked" },
		{ 426, "Upgrade Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < countof(all); i++)
		if (all[i].status == status)
			return all[i].text;
	return "Unknown";
}

/* RFC 9110 date; not strftime, which follows the locale. */
static void
add_date(struct buf *b, int64_t wall_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t at = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL)
		return;
	buf_addf(b, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n",
	    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void
http_reply_head(struct buf *b, int status, const char *type, const char *extra,
    size_t length, bool keep_alive, int64_t wall_ms)
{
	buf_addf(b, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
	add_date(b, wall_ms);
	if (type != NULL)
		buf_addf(b, "Content-Type: %s\r\n", type);
	if (status != 204 && status != 304 && status >= 200)
		buf_addf(b, "Content-Length: %zu\r\n", length);
	buf_addf(b, "Connection: %s\r\n", keep_alive ? "keep-alive" : "close");
	if (extra != NULL)
		buf_adds(b, extra);
	buf_adds(b, "\r\n");
}

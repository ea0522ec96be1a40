/*
 * fetch.c - the outbound client: dial, ask, read, perhaps follow.
 *
 * Nothing of where a redirect leads is believed more than the first URL: it is
 * parsed anew, its address is checked anew when it is dialled, headers of the
 * caller's go to the first host only, and https never becomes http. One
 * connection for each request; they are not kept.
 */
#include "net/fetch.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "net/wsclient.h"

#define URL_MAX 4096
#define HEADERS_MAX (16 * 1024)

struct fetch {
	struct io *io;
	fetch_fn *fn;
	void *arg;
	char url_text[URL_MAX], method[16];
	struct url url, first;
	char *headers, *ca, *pin;
	struct buf body;
	size_t body_max;
	int redirects, redirects_max;
	bool allow_private;
	io_id stream, timer;
	struct answer *answer;
	bool calling, dead; /* the owner is called; freed within */
};

static void dial(struct fetch *);

/* ---- the end ---- */

static void
let_go(struct fetch *f)
{
	if (f->stream == 0)
		return;
	io_bind(f->io, f->stream, &io_nobody, NULL);
	io_close(f->io, f->stream, false);
	f->stream = 0;
}

static void
release(struct fetch *f)
{
	answer_free(f->answer);
	buf_fini(&f->body);
	mem_free(f->headers);
	mem_free(f->ca);
	mem_free(f->pin);
	mem_free(f);
}

void
fetch_free(struct fetch *f)
{
	if (f == NULL)
		return;
	let_go(f);
	io_timer_stop(f->io, f->timer);
	f->timer = 0;
	f->dead = true;
	if (!f->calling)
		release(f);
}

static void
finish(struct fetch *f, enum fetch_end end, const char *why)
{
	struct fetch_result r = { .end = end,
		.why = why,
		.url = f->url_text,
		.redirects = f->redirects,
		.answer = end == FETCH_OK ? f->answer : NULL };

	let_go(f);
	io_timer_stop(f->io, f->timer);
	f->timer = 0;
	f->calling = true;
	f->fn(f->arg, &r);
	f->calling = false;
	if (f->dead)
		release(f);
}

/* ---- redirects ---- */

int
fetch_resolve(char *out, size_t cap, const char *base, const char *to)
{
	const char *host = strstr(base, "://"), *path, *end;
	int keep, n;

	if (host == NULL)
		return -1;
	host += 3;
	path = host + strcspn(host, "/?#");
	to += strspn(to, " \t");
	n = (int)strcspn(to, "#");
	while (n > 0 && (to[n - 1] == ' ' || to[n - 1] == '\t'))
		n--;
	if (strncasecmp(to, "http://", 7) == 0 ||
	    strncasecmp(to, "https://", 8) == 0) {
		keep = 0;
	} else if (str_starts(to, "//")) {
		keep = (int)(host - 2 - base);
	} else if (*to == '/') {
		keep = (int)(path - base);
	} else if (strcspn(to, ":") < strcspn(to, "/?#")) {
		return -1; /* another scheme */
	} else {	   /* beside the last part of the path */
		end = path + strcspn(path, "?#");
		if (n > 0 && *to != '?')
			while (end > path && end[-1] != '/')
				end--;
		keep = (int)(end - base);
		if (end == path && *to != '?')
			return snprintf(out, cap, "%.*s/%.*s", keep, base, n,
				   to) < (int)cap
			    ? 0
			    : -1;
	}
	return snprintf(out, cap, "%.*s%.*s", keep, base, n, to) < (int)cap
	    ? 0
	    : -1;
}

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 ||
	    status == 307 || status == 308;
}

static bool
same_host(const struct url *a, const struct url *b)
{
	return str_eq(a->host, b->host) && a->port == b->port &&
	    str_eq(a->scheme, b->scheme);
}

/* What a browser does: POST becomes GET unless the status says to keep it. */
static void
adapt_method(struct fetch *f, int status)
{
	bool keep = status == 307 || status == 308 ||
	    str_eq(f->method, "GET") || str_eq(f->method, "HEAD");

	if (keep)
		return;
	str_copy(f->method, sizeof(f->method), "GET");
	buf_reset(&f->body);
}

static void
follow(struct fetch *f, const char *to)
{
	char url[URL_MAX];
	const char *why = "where the redirect leads is no URL of ours";
	bool secure = url_is_secure(&f->url);

	if (f->redirects >= f->redirects_max) {
		finish(f, FETCH_REDIRECTS, "it redirects too often");
		return;
	}
	f->redirects++;
	if (fetch_resolve(url, sizeof(url), f->url_text, to) != 0 ||
	    url_parse(&f->url, url, &why) != 0) {
		finish(f, FETCH_BAD_URL, why);
		return;
	}
	if (secure && !url_is_secure(&f->url)) {
		finish(f, FETCH_REDIRECTS, "it redirects from https to http");
		return;
	}
	adapt_method(f, answer_status(f->answer));
	str_copy(f->url_text, sizeof(f->url_text), url);
	let_go(f);
	dial(f);
}

/* ---- one request ---- */

static void
answered(struct fetch *f, enum answer_state s)
{
	const char *to;

	if (s == ANSWER_BAD) {
		finish(f,
		    answer_too_big(f->answer) ? FETCH_TOO_BIG
					      : FETCH_BAD_ANSWER,
		    answer_why(f->answer));
		return;
	}
	to = answer_header(f->answer, "location");
	if (is_redirect(answer_status(f->answer)) && to != NULL &&
	    f->redirects_max >= 0)
		follow(f, to);
	else
		finish(f, FETCH_OK, "");
}

static void
on_open(void *arg, io_id id)
{
	struct fetch *f = arg;
	bool six = strchr(f->url.host, ':') != NULL;
	struct buf b;

	buf_init(&b, URL_MAX + HEADERS_MAX + 1024);
	buf_addf(&b, "%s %s HTTP/1.1\r\n", f->method, f->url.path);
	buf_addf(&b, six ? "Host: [%s]" : "Host: %s", f->url.host);
	if (f->url.port != (url_is_secure(&f->url) ? 443 : 80))
		buf_addf(&b, ":%u", (unsigned)f->url.port);
	buf_adds(&b,
	    "\r\nUser-Agent: claudemesh/" CLAUDEMESH_VERSION "\r\n"
	    "Accept: */*\r\nAccept-Encoding: identity\r\n"
	    "Connection: close\r\n");
	if (f->headers != NULL && same_host(&f->url, &f->first))
		buf_adds(&b, f->headers);
	if (f->body.len > 0 || str_eq(f->method, "POST") ||
	    str_eq(f->method, "PUT"))
		buf_addf(&b, "Content-Length: %zu\r\n", f->body.len);
	buf_adds(&b, "\r\n");
	/* and what TLS has still to say */
	io_limit(f->io, id, b.len + f->body.len + 65536, 1);
	io_write(f->io, id, b.data, b.len);
	if (f->body.len > 0)
		io_write(f->io, id, f->body.data, f->body.len);
	buf_fini(&b);
}

static void
on_data(void *arg, io_id id, const void *p, size_t n)
{
	struct fetch *f = arg;
	enum answer_state s = answer_feed(f->answer, p, n);

	(void)id;
	if (s != ANSWER_MORE)
		answered(f, s);
}

static void
on_drain(void *arg, io_id id)
{
	(void)arg, (void)id;
}

static void
on_close(void *arg, io_id id, enum io_why why)
{
	struct fetch *f = arg;
	const char *detail = io_detail(f->io);

	(void)id;
	f->stream = 0;
	if (*detail == '\0')
		detail = io_why_text(why);
	if (why == IO_CLOSED)
		answered(f, answer_end(f->answer));
	else
		finish(f,
		    why == IO_PRIVATE	      ? FETCH_PRIVATE
			: why == IO_UNTRUSTED ? FETCH_UNTRUSTED
			: why == IO_TIMEOUT   ? FETCH_LATE
					      : FETCH_UNREACHABLE,
		    detail);
}

static const struct io_stream_cb stream_cb = { on_open, on_data, on_drain,
	on_close };

static void
dial(struct fetch *f)
{
	bool first = same_host(&f->url, &f->first);
	struct io_addr a = { .port = f->url.port,
		.tls = url_is_secure(&f->url),
		.ca = first ? f->ca : NULL,
		.pin = first ? f->pin : NULL,
		.public_only = !f->allow_private };

	str_copy(a.host, sizeof(a.host), f->url.host);
	answer_free(f->answer);
	f->answer = answer_new(f->body_max, str_eq(f->method, "HEAD"));
	f->stream = io_connect(f->io, &a, &stream_cb, f);
}

static void
on_late(void *arg, io_id timer)
{
	struct fetch *f = arg;

	(void)timer;
	f->timer = 0;
	finish(f, FETCH_LATE, "there was no whole answer in time");
}

/* ---- beginning ---- */

/* Lines "Name: value\r\n" and none that would frame the request anew. */
static bool
headers_ok(const char *s)
{
	static const char *const ours[] = { "host", "content-length",
		"transfer-encoding", "connection", "upgrade", "te", "trailer",
		"expect", "accept-encoding" };
	size_t n, name;

	if (strlen(s) > HEADERS_MAX)
		return false;
	for (; *s != '\0'; s += n + 2) {
		n = strcspn(s, "\r\n");
		name = strcspn(s, ":");
		if (name == 0 || name >= n || s[n] != '\r' ||
		    s[n + 1] != '\n' ||
		    strspn(s,
			"abcdefghijklmnopqrstuvwxyz"
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != name)
			return false;
		for (size_t i = 0; i < countof(ours); i++)
			if (strlen(ours[i]) == name &&
			    strncasecmp(ours[i], s, name) == 0)
				return false;
	}
	return true;
}

static bool
method_ok(const char *s)
{
	return *s != '\0' && strlen(s) < 16 && !str_eq(s, "CONNECT") &&
	    s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

static const char *
fault_of(struct url *u, char text[URL_MAX], const char *url,
    const struct fetch_conf *conf)
{
	const char *why = NULL;
	size_t n = strcspn(url, "#");

	if (n >= URL_MAX)
		return "the URL is too long";
	memcpy(text, url, n);
	text[n] = '\0';
	if (strncasecmp(text, "http", 4) != 0)
		return "it does not start with http:// or https://";
	if (url_parse(u, text, &why) != 0)
		return why;
	if (conf->headers != NULL && !headers_ok(conf->headers))
		return "a header is malformed, or one that is ours to say";
	if (conf->method != NULL && !method_ok(conf->method))
		return "the method is none of HTTP's";
	return NULL;
}

struct fetch *
fetch_new(struct io *io, const char *url, const struct fetch_conf *conf,
    fetch_fn *fn, void *arg, const char **why)
{
	struct fetch *f = mem_zalloc(sizeof(*f));
	int64_t ms = conf->time_ms > 0 ? conf->time_ms : 30000;

	*why = fault_of(&f->url, f->url_text, url, conf);
	if (*why != NULL) {
		mem_free(f);
		return NULL;
	}
	f->io = io;
	f->fn = fn;
	f->arg = arg;
	f->first = f->url;
	str_copy(f->method, sizeof(f->method),
	    conf->method != NULL ? conf->method : "GET");
	f->headers = conf->headers ? mem_strdup(conf->headers) : NULL;
	f->ca = conf->ca ? mem_strdup(conf->ca) : NULL;
	f->pin = conf->pin ? mem_strdup(conf->pin) : NULL;
	buf_init(&f->body, conf->nbody);
	buf_add(&f->body, conf->body, conf->nbody);
	f->body_max = conf->body_max > 0 ? conf->body_max : 1024 * 1024;
	f->redirects_max = conf->redirects_max != 0 ? conf->redirects_max : 5;
	f->allow_private = conf->allow_private;
	f->timer = io_timer(io, ms, on_late, f);
	dial(f);
	return f;
}

/*
 * io_uv_proxy.c - dialling through a proxy: the connection goes to the proxy, asks
 * for the way on, and only then begins what was asked for, with TLS to the other
 * end and not to the proxy. Its address and secret are in no log.
 */
#include <stdio.h>

#include "base/str.h"
#include "net/http.h"
#include "net/io_uv.h"
#include "net/proxy.h"

#define ANSWER_MAX (16 * 1024)

struct via {
	struct proxy proxy;
	char host[256]; /* where to */
	uint16_t port;
	struct http_head head;
};

void
io_uv_proxies(struct io *io, const char *secure, const char *plain,
    const char *none)
{
	struct uvio *u = (struct uvio *)io;
	const char *all[] = { secure, plain, none };

	for (int i = 0; i < 3; i++) {
		mem_free(u->proxies[i]);
		u->proxies[i] = all[i] != NULL && *all[i] != '\0'
		    ? mem_strdup(all[i])
		    : NULL;
	}
}

int
via_begin(struct stream *s, struct io_addr *a)
{
	struct uvio *u = s->t.u;
	const char *text = u->proxies[a->tls ? 0 : 1], *why;
	char detail[200];
	struct via *v;

	if (text == NULL || a->public_only ||
	    proxy_spares(u->proxies[2], a->host, a->port))
		return 0;
	s->via = v = mem_zalloc(sizeof(*v));
	http_head_init(&v->head, ANSWER_MAX);
	str_copy(v->host, sizeof(v->host), a->host);
	v->port = a->port;
	if (proxy_parse(&v->proxy, text, &why) == 0) {
		str_copy(a->host, sizeof(a->host), v->proxy.host);
		a->port = v->proxy.port;
		return 0;
	}
	snprintf(detail, sizeof(detail), "%s names no proxy: %s",
	    a->tls ? "HTTPS_PROXY" : "HTTP_PROXY", why);
	stream_fail(s, IO_REFUSED, detail);
	return -1;
}

void
via_free(struct stream *s)
{
	if (s->via == NULL)
		return;
	http_head_fini(&s->via->head);
	mem_free(s->via);
	s->via = NULL;
}

char *
via_detail(const struct stream *s, const char *why)
{
	return mem_printf("through the proxy %s:%u: %s", s->via->proxy.host,
	    (unsigned)s->via->proxy.port, why);
}

static void
fail(struct stream *s, const char *why)
{
	char *text = via_detail(s, why);

	stream_fail(s, IO_REFUSED, text);
	mem_free(text);
}

static void
on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *out)
{
	struct stream *s = h->data;

	(void)hint;
	*out = uv_buf_init(s->t.u->chunk, READ_CHUNK);
}

static void
on_answer(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
	struct stream *s = h->data;
	struct http_header list[HTTP_HEADERS];
	char *line, scratch[80];
	const char *fault;
	size_t used, count;

	if (n == 0 || s->closing)
		return;
	uvio_event(s->t.u);
	if (n < 0) {
		fail(s, "it closed the connection");
		return;
	}
	switch (http_head_feed(&s->via->head, b->base, (size_t)n, &used)) {
	case HTTP_MORE:
		return;
	case HTTP_WHOLE:
		break;
	default:
		fail(s, "it does not answer as a proxy");
		return;
	}
	if (http_head_split(&s->via->head, &line, list, HTTP_HEADERS, &count) !=
	    0)
		fault = "it does not answer as a proxy";
	else
		fault = proxy_fault(line, scratch, sizeof(scratch));
	if (fault == NULL && used < (size_t)n)
		fault = "it says more than it was asked";
	if (fault != NULL) {
		fail(s, fault);
		return;
	}
	uv_read_stop(&s->h.stream);
	via_free(s);
	stream_through(s);
}

void
via_ask(struct stream *s)
{
	struct buf b;
	uv_buf_t out;
	int n;

	buf_init(&b, 4096);
	proxy_request(&b, &s->via->proxy, s->via->host, s->via->port);
	out = uv_buf_init(b.data, (unsigned)b.len);
	n = uv_try_write(&s->h.stream, &out, 1); /* the first bytes: they fit */
	if (n != (int)b.len)
		fail(s, "it takes no request");
	else
		uv_read_start(&s->h.stream, on_alloc, on_answer);
	buf_fini(&b);
}

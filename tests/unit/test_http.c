/*
 * test_http.c - requests over byte strings, whole and cut in two at every
 * position: what is taken, what is refused with which status, where one
 * request ends and the next begins.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/http.h"

#define HEADER_MAX 400
#define BODY_MAX 40

static enum http_state
feed(struct http_in *in, const char *p, size_t n, size_t *used)
{
	char *copy = mem_dup(p, n);
	enum http_state st = http_in_feed(in, copy, n, used);

	mem_free(copy);
	return st;
}

/* "METHOD path?query [body] +rest" or "status". */
static void
describe(char *out, size_t cap, struct http_in *in, size_t rest)
{
	struct http_request rq;

	if (in->state == HTTP_IN_BAD)
		snprintf(out, cap, "%d", in->status);
	else if (in->state != HTTP_IN_DONE)
		snprintf(out, cap, "more");
	else {
		http_in_request(in, &rq);
		snprintf(out, cap, "%s %s?%s [%s] +%zu", rq.method, rq.path,
		    rq.query, rq.body, rest);
	}
}

static void
one(const char *text, size_t n, size_t cut, const char *want)
{
	struct http_in *in = http_in_new(HEADER_MAX, BODY_MAX);
	size_t used, used2 = 0;
	char got[600];

	feed(in, text, cut, &used);
	if (used == cut)
		feed(in, text + cut, n - cut, &used2);
	describe(got, sizeof(got), in, n - used - used2);
	if (strcmp(got, want) != 0)
		print_error("cut %zu of:\n%s\n", cut, text);
	assert_string_equal(got, want);
	http_in_free(in);
}

static void
expectn(const char *text, size_t n, const char *want)
{
	for (size_t cut = 0; cut <= n; cut++)
		one(text, n, cut, want);
}

static void
expect(const char *text, const char *want)
{
	expectn(text, strlen(text), want);
}

#define H "Host: a\r\n"

static void
taken(void **state)
{
	(void)state;
	expect("GET / HTTP/1.1\r\n" H "\r\n", "GET /? [] +0");
	expect("\r\nGET / HTTP/1.1\r\n" H "\r\n", "GET /? [] +0");
	expect("GET /a/b?c=d&e HTTP/1.1\r\n" H "\r\nrest",
	    "GET /a/b?c=d&e [] +4");
	expect("GET /%41%2f+ HTTP/1.1\r\n" H "\r\n", "GET /A/+? [] +0");
	expect("GET / HTTP/1.0\r\n\r\n", "GET /? [] +0");
	expect("OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS *? [] +0");
	expect("GET http://a/x?y HTTP/1.1\r\n" H "\r\n", "GET /x?y [] +0");
	expect("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhelloGET",
	    "POST /? [hello] +3");
	expect("POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\nGET",
	    "POST /? [] +3");
	expect("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhell", "more");
	expect("GET / HTTP/1.1\r\n" H "\r", "more");
}

static void
chunked(void **state)
{
#define C "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
	(void)state;
	expect(C "5\r\nhello\r\n0\r\n\r\nGET", "POST /? [hello] +3");
	expect(C "1\r\nh\r\n4;a=b\r\nello\r\n0\r\nT: x\r\n\r\n",
	    "POST /? [hello] +0");
	expect(C "0\r\n\r\n", "POST /? [] +0");
	expect(C "A\r\n0123456789\r\n00\r\n\r\n", "POST /? [0123456789] +0");
	expect(C "5\r\nhello\r\n0\r\n", "more");
	expect(C "29\r\n", "413");
	expect(C "28\r\n0123456789012345678901234567890123456789\r\n1\r\n",
	    "413");
	expect(C "ffffffffff\r\n", "400");
	expect(C "\r\n", "400");
	expect(C "0x5\r\nhello", "400");
	expect(C "-5\r\nhello", "400");
	expect(C " 5\r\nhello", "400");
	expect(C "5 \r\nhello", "400");
	expect(C "5\nhello", "400");
	expect(C "5\r\nhelloX", "400");
	expect(C "5\r\nhello\n0\r\n\r\n", "400");
	expect(C "5;a\nb\r\nhello", "400");
	expect(C "0\r\nT : x\r\n\r\n", "400");
	expect(C "0\r\nT: x\r\n y\r\n\r\n", "400");
	expect(C "0\r\nT: x\n\r\n", "400");
}

static void
smuggling(void **state)
{
#define P "POST / HTTP/1.1\r\n" H
	(void)state;
	expect(P "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	    "400");
	expect(P "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
	    "400");
	expect(P "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "400");
	expect(P "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", "400");
	expect(P "Content-Length: 5, 5\r\n\r\n", "400");
	expect(P "Content-Length: +5\r\n\r\n", "400");
	expect(P "Content-Length: -5\r\n\r\n", "400");
	expect(P "Content-Length: 0x5\r\n\r\n", "400");
	expect(P "Content-Length: 5 5\r\n\r\n", "400");
	expect(P "Content-Length:\r\n\r\n", "400");
	expect(P "Content-Length: 99999999999999999999\r\n\r\n", "400");
	expect(P "Content-Length: 41\r\n\r\n", "413");
	expect(P "Transfer-Encoding: gzip\r\n\r\n", "400");
	expect(P "Transfer-Encoding: gzip, chunked\r\n\r\n", "400");
	expect(P "Transfer-Encoding: chunked, chunked\r\n\r\n", "400");
	expect(P "Transfer-Encoding: identity\r\n\r\n", "400");
	expect(P "Transfer-Encoding: xchunked\r\n\r\n", "400");
	expect(P "Transfer-Encoding: \x0b"
		 "chunked\r\n\r\n",
	    "400");
	expect(P "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
	    "400");
	expect("POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n",
	    "400");
	expect(P "Content-Length : 5\r\n\r\n", "400");
	expect(P "Content-Length\t: 5\r\n\r\n", "400");
	expect(P "Content Length: 5\r\n\r\n", "400");
	expect(P " Content-Length: 5\r\n\r\n", "400");
	expect(P "X: y\r\n z\r\n\r\n", "400");
	expect(P "X: y\r\n\tz\r\n\r\n", "400");
	expect(P ": x\r\n\r\n", "400");
	expect(P "no colon\r\n\r\n", "400");
	expectn(P "X: a\0b\r\n\r\n", sizeof(P "X: a\0b\r\n\r\n") - 1, "400");
	expect(P "X: a\nY: b\r\n\r\n", "400");
	expect(P "X: a\rY: b\r\n\r\n", "400");
	expect(P "X: a\n\n", "400");
	expect(P "X: a\x7f\r\n\r\n", "400");
}

static void
hosts(void **state)
{
	(void)state;
	expect("GET / HTTP/1.1\r\n\r\n", "400");
	expect("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400");
	expect("GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400");
	expect("GET / HTTP/1.1\r\nHost:\r\n\r\n", "400");
	expect("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400");
	expect("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400");
	expect("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400");
	expect("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "400");
	expect("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET /? [] +0");
	expect("GET http://b/ HTTP/1.1\r\n" H "\r\n", "400");
	expect("GET http://a HTTP/1.1\r\n" H "\r\n", "400");
}

static void
first_lines(void **state)
{
	(void)state;
	expect("GET / HTTP/1.2\r\n" H "\r\n", "505");
	expect("GET / HTTP/2.0\r\n" H "\r\n", "505");
	expect("GET / HTTP/3.7\r\n" H "\r\n", "505");
	expect("GET /\r\n" H "\r\n", "400");
	expect("GET  / HTTP/1.1\r\n" H "\r\n", "400");
	expect("GET / HTTP/1.1 \r\n" H "\r\n", "400");
	expect("GET / http/1.1\r\n" H "\r\n", "400");
	expect(" GET / HTTP/1.1\r\n" H "\r\n", "400");
	expect("get / HTTP/1.1\r\n" H "\r\n", "400");
	expect("G@T / HTTP/1.1\r\n" H "\r\n", "400");
	expect("FOO / HTTP/1.1\r\n" H "\r\n", "400");
	expect("GET a HTTP/1.1\r\n" H "\r\n", "400");
	expect("GET * HTTP/1.1\r\n" H "\r\n", "400");
	expect("GET /#x HTTP/1.1\r\n" H "\r\n", "400");
	expect("GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", "400");
	expect("GET /%c3%a9 HTTP/1.1\r\n" H "\r\n", "GET /\xc3\xa9? [] +0");
	expect("GET /%ff HTTP/1.1\r\n" H "\r\n", "400");
	expect("GET /%00 HTTP/1.1\r\n" H "\r\n", "400");
	expect("GET /%0a HTTP/1.1\r\n" H "\r\n", "400");
	expect("GET /%4 HTTP/1.1\r\n" H "\r\n", "400");
	expect("GET /%zz HTTP/1.1\r\n" H "\r\n", "400");
	expect("CONNECT a:1 HTTP/1.1\r\n" H "\r\n", "405");
	expect("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505");
	expect("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", "400");
	expect("\x16\x03\x01\x02", "400"); /* TLS to a plain port */
}

static void
limits(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 65536);
	buf_adds(&b, "GET / HTTP/1.1\r\n" H "X: ");
	while (b.len < HEADER_MAX - 4)
		buf_addc(&b, 'x');
	buf_adds(&b, "\r\n\r\n");
	expect(b.data, "GET /? [] +0");
	buf_clear(&b);
	buf_adds(&b, "GET / HTTP/1.1\r\n" H "X: ");
	while (b.len < HEADER_MAX - 3)
		buf_addc(&b, 'x');
	buf_adds(&b, "\r\n\r\n");
	expect(b.data, "431");
	buf_clear(&b);
	buf_adds(&b, "GET / HTTP/1.1\r\n" H);
	for (int i = 0; i < HTTP_HEADERS; i++)
		buf_adds(&b, "x:\r\n");
	buf_adds(&b, "\r\n");
	expect(b.data, "431");
	buf_fini(&b);
}

static struct http_in *
parse(const char *text)
{
	struct http_in *in = http_in_new(4096, BODY_MAX);
	size_t used;

	feed(in, text, strlen(text), &used);
	return in;
}

static void
wishes(void **state)
{
	static const struct {
		const char *text;
		bool keep, websocket, expect;
	} all[] = {
		{ "GET / HTTP/1.1\r\n" H "\r\n", true, false, false },
		{ "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", false,
		    false, false },
		{ "GET / HTTP/1.1\r\n" H "Connection: x, Close\r\n\r\n", false,
		    false, false },
		{ "GET / HTTP/1.0\r\n\r\n", false, false, false },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true,
		    false, false },
		{ "GET / HTTP/1.1\r\n" H "Upgrade: h2c, WebSocket\r\n\r\n",
		    true, true, false },
		{ "GET / HTTP/1.1\r\n" H "Upgrade: websocketx\r\n\r\n", true,
		    false, false },
		{ "POST / HTTP/1.1\r\n" H "Expect: 100-Continue\r\n"
		  "Content-Length: 3\r\n\r\n",
		    true, false, true },
		{ "POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\n"
		  "Content-Length: 0\r\n\r\n",
		    true, false, false },
	};

	(void)state;
	for (size_t i = 0; i < countof(all); i++) {
		struct http_in *in = parse(all[i].text);

		assert_int_not_equal(in->state, HTTP_IN_BAD);
		assert_int_equal(in->keep_alive, all[i].keep);
		assert_int_equal(in->websocket, all[i].websocket);
		assert_int_equal(in->expect, all[i].expect);
		http_in_free(in);
	}
	expect("GET / HTTP/1.1\r\n" H "Expect: x\r\n\r\n", "417");
	expect("GET / HTTP/1.1\r\n" H "Upgrade: websocket\r\n"
	       "Content-Length: 1\r\n\r\n",
	    "400");
}

static void
headers(void **state)
{
	struct http_in *in =
	    parse("GET / HTTP/1.1\r\n" H
		  "X-Thing:  a b \t\r\nEmpty:\r\nx-thing: second\r\n\r\n");
	struct http_request rq;

	(void)state;
	http_in_request(in, &rq);
	assert_int_equal(rq.nheader, 4);
	assert_string_equal(http_header(&rq, "x-thing"), "a b");
	assert_string_equal(http_header(&rq, "empty"), "");
	assert_null(http_header(&rq, "thing"));
	http_in_free(in);
}

static void
reply_heads(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	http_reply_head(&b, 404, "text/plain", "X: y\r\n", 12, false,
	    INT64_C(784111777000));
	assert_string_equal(buf_str(&b),
	    "HTTP/1.1 404 Not Found\r\n"
	    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	    "Content-Type: text/plain\r\nContent-Length: 12\r\n"
	    "Connection: close\r\nX: y\r\n\r\n");
	buf_clear(&b);
	http_reply_head(&b, 204, NULL, NULL, 0, true, 0);
	assert_null(strstr(buf_str(&b), "Content-Length"));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),
		cmocka_unit_test(chunked),
		cmocka_unit_test(smuggling),
		cmocka_unit_test(hosts),
		cmocka_unit_test(first_lines),
		cmocka_unit_test(limits),
		cmocka_unit_test(wishes),
		cmocka_unit_test(headers),
		cmocka_unit_test(reply_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

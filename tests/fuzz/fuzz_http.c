/*
 * fuzz_http.c - one request parser, fed whole and byte by byte: both must come
 * to the same end, and what is done must keep its promises.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "net/http.h"

#define HEADER_MAX 2048
#define BODY_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct http_in *
parse(const char *p, size_t n, size_t step, size_t *total)
{
	struct http_in *in = http_in_new(HEADER_MAX, BODY_MAX);
	size_t used, k;
	char *copy;

	for (*total = 0; *total < n && in->state < HTTP_IN_DONE;
	     *total += used) {
		k = n - *total < step ? n - *total : step;
		copy = mem_dup(p + *total, k);
		http_in_feed(in, copy, k, &used);
		mem_free(copy);
		assert(used <= k);
		assert(used == k || in->state >= HTTP_IN_DONE);
	}
	return in;
}

static void
check(struct http_in *in)
{
	struct http_request rq;

	if (in->state == HTTP_IN_BAD) {
		assert(in->status >= 400 && in->status < 600);
		assert(in->why != NULL);
	}
	if (in->state != HTTP_IN_DONE)
		return;
	http_in_request(in, &rq);
	assert(rq.nbody <= BODY_MAX && rq.nheader <= HTTP_HEADERS);
	assert(rq.path[0] == '/' || strcmp(rq.path, "*") == 0);
	assert(utf8_valid(rq.path, strlen(rq.path)));
	assert(in->http10 || http_header(&rq, "host") != NULL);
	assert(http_header(&rq, "transfer-encoding") == NULL ||
	    http_header(&rq, "content-length") == NULL);
	for (size_t i = 0; i < rq.nheader; i++)
		assert(strpbrk(rq.header[i].value, "\r\n") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct http_in *a, *b;
	size_t used_a, used_b;

	a = parse((const char *)data, n, n > 0 ? n : 1, &used_a);
	b = parse((const char *)data, n, 1, &used_b);
	check(a);
	assert(a->state == b->state && a->status == b->status);
	if (a->state == HTTP_IN_DONE) {
		assert(used_a == used_b);
		assert(strcmp(a->path, b->path) == 0);
		assert(a->body.len == b->body.len);
		assert(memcmp(buf_str(&a->body), buf_str(&b->body),
			   a->body.len) == 0);
	}
	http_in_free(a);
	http_in_free(b);
	return 0;
}

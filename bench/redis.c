/*
 * redis.c - redis-server by RESP: a stream with a consumer group that
 * acknowledges, and plain PUBLISH and SUBSCRIBE.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load.h"

#define READ_GROUP                                                      \
	"*11\r\n$10\r\nXREADGROUP\r\n$5\r\nGROUP\r\n$1\r\ng\r\n$1\r\nc" \
	"\r\n$5\r\nCOUNT\r\n$4\r\n1000\r\n$5\r\nBLOCK\r\n$1\r\n0\r\n"   \
	"$7\r\nSTREAMS\r\n$1\r\ns\r\n$1\r\n>\r\n"

/* Reads "X<number>\r\n" at p; NULL when it is not all there. */
static const char *
head(const char *p, const char *end, char *type, long *value)
{
	const char *nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;

	if (nl == NULL)
		return NULL;
	*type = *p;
	if (*type == '-')
		die("redis: %.*s", (int)(nl - p), p);
	*value = strtol(p + 1, NULL, 10);
	return nl + 1;
}

/* One whole value; NULL when it is not all there. */
static const char *
skip(const char *p, const char *end)
{
	long left = 1, n;
	char type;

	for (; left > 0; left--) {
		p = head(p, end, &type, &n);
		if (p == NULL)
			return NULL;
		if (type == '*' && n > 0)
			left += n;
		if (type == '$' && n >= 0)
			p += n + 2;
		if (p > end)
			return NULL;
	}
	return p;
}

/* Setting up: says it, and waits for the answer. */
static void
ask(struct conn *c, const char *line)
{
	const char *p = NULL, *end;
	size_t n;

	buf_adds(&c->out, line);
	conn_push(c);
	while (p == NULL) {
		conn_pull(c);
		p = conn_in(c, &n);
		end = skip(p, p + n);
		if (end == NULL)
			p = NULL;
		else
			conn_eaten(c, (size_t)(end - p));
	}
}

/* ---- streams ---- */

static void
stream_open(struct run *r)
{
	struct conn *c;

	r->sender = conn_open(r);
	ask(r->sender, "XGROUP CREATE s g $ MKSTREAM\r\n");
	c = conn_open(r);
	conn_receives(r, c);
	buf_adds(&c->out, READ_GROUP);
	conn_push(c);
}

static void
stream_send(struct run *r, uint64_t no)
{
	(void)no;
	buf_addf(&r->sender->out,
	    "*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nd\r\n$%zu\r\n",
	    r->size);
	buf_add(&r->sender->out, r->payload, r->size);
	buf_add(&r->sender->out, "\r\n", 2);
}

/* [[stream, [[id, [d, payload]], ...]]]: counts, and acknowledges all. */
static void
take_entries(struct run *r, struct conn *c, const char *p, const char *end)
{
	const char *id;
	char type;
	long n, len;

	p = head(p, end, &type, &n); /* one stream */
	p = head(p, end, &type, &n); /* of name and entries */
	p = skip(p, end);
	p = head(p, end, &type, &n);
	buf_addf(&c->out, "*%ld\r\n$4\r\nXACK\r\n$1\r\ns\r\n$1\r\ng\r\n",
	    n + 3);
	for (; n > 0; n--) {
		p = head(p, end, &type, &len); /* of id and fields */
		id = p;
		p = skip(p, end);
		buf_add(&c->out, id, (size_t)(p - id));
		p = skip(p, end);
		run_got(r, c);
	}
	buf_adds(&c->out, READ_GROUP);
}

static void
stream_eat(struct run *r, struct conn *c)
{
	const char *p, *end, *q;
	size_t n;

	p = conn_in(c, &n);
	end = p + n;
	for (; (q = skip(p, end)) != NULL; p = q) {
		if (c == r->sender)
			run_acked(r, 1);
		else if (*p == '*')
			take_entries(r, c, p, q);
		conn_eaten(c, (size_t)(q - p));
	}
}

const struct driver driver_redis_stream = { "redis-stream", stream_open,
	stream_send, stream_eat, false };

/* ---- publish and subscribe ---- */

static void
pubsub_open(struct run *r)
{
	size_t i;

	for (i = 0; i < r->receivers; i++) {
		struct conn *c = conn_open(r);

		conn_receives(r, c);
		ask(c, "SUBSCRIBE c\r\n");
	}
	r->sender = conn_open(r);
	ask(r->sender, "PING\r\n");
}

static void
pubsub_send(struct run *r, uint64_t no)
{
	(void)no;
	buf_addf(&r->sender->out, "*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$%zu\r\n",
	    r->size);
	buf_add(&r->sender->out, r->payload, r->size);
	buf_add(&r->sender->out, "\r\n", 2);
}

static void
pubsub_eat(struct run *r, struct conn *c)
{
	const char *p, *end, *q;
	size_t n;

	p = conn_in(c, &n);
	end = p + n;
	for (; (q = skip(p, end)) != NULL; p = q) {
		if (c == r->sender)
			run_acked(r, 1);
		else
			run_got(r, c);
		conn_eaten(c, (size_t)(q - p));
	}
}

const struct driver driver_redis_pubsub = { "redis-pubsub", pubsub_open,
	pubsub_send, pubsub_eat, false };

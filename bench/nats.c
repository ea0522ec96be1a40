/*
 * nats.c - nats-server: core publish and subscribe, and JetStream with a file
 * store, publish acknowledgements and a push consumer that acknowledges.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load.h"

#define CONNECT "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n"
#define STREAM                                                         \
	"{\"name\":\"B\",\"subjects\":[\"b\"],\"storage\":\"file\","   \
	"\"retention\":\"limits\",\"num_replicas\":1,\"max_msgs\":-1," \
	"\"max_bytes\":-1,\"discard\":\"old\",\"max_age\":0}"
#define CONSUMER                                                     \
	"{\"stream_name\":\"B\",\"config\":{\"durable_name\":\"C\"," \
	"\"deliver_subject\":\"d\",\"ack_policy\":\"explicit\","     \
	"\"deliver_policy\":\"all\",\"ack_wait\":30000000000,"       \
	"\"max_ack_pending\":20000,\"replay_policy\":\"instant\"}}"

/* One thing the server said. */
struct said {
	char verb; /* M: a message; P: PING; O: others */
	const char *reply;
	size_t nreply;
	const char *body;
	size_t nbody;
};

/* Reads one at p; NULL when it is not all there. */
static const char *
listen_to(const char *p, const char *end, struct said *s)
{
	const char *nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	const char *word, *last;
	int spaces = 0;

	if (nl == NULL)
		return NULL;
	s->verb = *p == 'P' && p[1] == 'I' ? 'P' : 'O';
	if (*p == '-')
		die("nats: %.*s", (int)(nl - p), p);
	if (*p != 'M')
		return nl + 1;
	s->verb = 'M';
	s->reply = NULL;
	s->nreply = 0;
	last = word = p;
	for (; p < nl; p++) { /* MSG subject sid [reply] size */
		if (*p != ' ')
			continue;
		if (++spaces == 4) {
			s->reply = word;
			s->nreply = (size_t)(p - word);
		}
		last = word = p + 1;
	}
	s->nbody = (size_t)strtol(last, NULL, 10);
	s->body = nl + 1;
	if ((size_t)(end - s->body) < s->nbody + 2)
		return NULL;
	return s->body + s->nbody + 2;
}

/* Setting up: waits for PONG, or for a message, which must be no error. */
static void
await(struct conn *c, bool message)
{
	struct said s;
	const char *p, *q;
	size_t n;
	bool seen = false;

	while (!seen) {
		p = conn_in(c, &n);
		q = listen_to(p, p + n, &s);
		if (q == NULL) {
			conn_pull(c);
			continue;
		}
		seen = message ? s.verb == 'M' : strncmp(p, "PONG", 4) == 0;
		if (seen && message && memmem(s.body, s.nbody, "\"error\"", 7))
			die("nats: %.*s", (int)s.nbody, s.body);
		conn_eaten(c, (size_t)(q - p));
	}
}

static struct conn *
greet(struct run *r)
{
	struct conn *c = conn_open(r);

	buf_adds(&c->out, CONNECT);
	conn_push(c);
	await(c, false);
	return c;
}

static void
subscribe(struct conn *c, const char *subject)
{
	buf_addf(&c->out, "SUB %s 1\r\nPING\r\n", subject);
	conn_push(c);
	await(c, false);
}

/* ---- core ---- */

static void
core_open(struct run *r)
{
	size_t i;

	for (i = 0; i < r->receivers; i++) {
		struct conn *c = greet(r);

		conn_receives(r, c);
		subscribe(c, "b");
	}
	r->sender = greet(r);
}

static void
core_send(struct run *r, uint64_t no)
{
	(void)no;
	buf_addf(&r->sender->out, "PUB b %zu\r\n", r->size);
	buf_add(&r->sender->out, r->payload, r->size);
	buf_add(&r->sender->out, "\r\n", 2);
}

static void
core_eat(struct run *r, struct conn *c)
{
	struct said s;
	const char *p, *q;
	size_t n;

	p = conn_in(c, &n);
	for (; (q = listen_to(p, p + n, &s)) != NULL; p = q) {
		if (s.verb == 'M')
			run_got(r, c);
		else if (s.verb == 'P')
			buf_adds(&c->out, "PONG\r\n");
		n -= (size_t)(q - p);
		conn_eaten(c, (size_t)(q - p));
	}
}

const struct driver driver_nats = { "nats-core", core_open, core_send, core_eat,
	true };

/* ---- JetStream ---- */

static void
call(struct conn *c, const char *subject, const char *body)
{
	buf_addf(&c->out, "PUB %s a %zu\r\n%s\r\n", subject, strlen(body),
	    body);
	conn_push(c);
	await(c, true);
}

static void
stream_open(struct run *r)
{
	struct conn *c = greet(r);

	conn_receives(r, c);
	subscribe(c, "d");
	r->sender = greet(r);
	subscribe(r->sender, "a");
	call(r->sender, "$JS.API.STREAM.CREATE.B", STREAM);
	call(r->sender, "$JS.API.CONSUMER.DURABLE.CREATE.B.C", CONSUMER);
}

static void
stream_send(struct run *r, uint64_t no)
{
	(void)no;
	buf_addf(&r->sender->out, "PUB b a %zu\r\n", r->size);
	buf_add(&r->sender->out, r->payload, r->size);
	buf_add(&r->sender->out, "\r\n", 2);
}

static void
stream_eat(struct run *r, struct conn *c)
{
	struct said s;
	const char *p, *q;
	size_t n;

	p = conn_in(c, &n);
	for (; (q = listen_to(p, p + n, &s)) != NULL; p = q) {
		if (s.verb == 'P') {
			buf_adds(&c->out, "PONG\r\n");
		} else if (s.verb == 'M' && c == r->sender) {
			if (memmem(s.body, s.nbody, "\"error\"", 7) != NULL)
				die("nats: %.*s", (int)s.nbody, s.body);
			run_acked(r, 1);
		} else if (s.verb == 'M') {
			run_got(r, c);
			buf_adds(&c->out, "PUB ");
			buf_add(&c->out, s.reply, s.nreply);
			buf_adds(&c->out, " 0\r\n\r\n");
		}
		n -= (size_t)(q - p);
		conn_eaten(c, (size_t)(q - p));
	}
}

const struct driver driver_jetstream = { "nats-jetstream", stream_open,
	stream_send, stream_eat, false };

/*
 * ours.c - our broker, by our protocol: direct messages that are durable before
 * they are acknowledged, received by sessions that acknowledge cumulatively; in
 * the second driver they sign receipts of delivery, too, as our daemon does.
 *
 * One real body is sealed once and sent again and again under new ids, cut to
 * the size that the other servers are given: what lies in it is no business of
 * the broker.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "bench/ours.h"
#include "crypto/body.h"
#include "net/ws.h"

#define RECEIPT_IDS 100

static struct { /* the frame that is sent, but for its number */
	char *text;
	size_t n, reqid, id;
} sending;
static bool receipts;
static char sender_key[65];

static void
random_bytes(void *arg, void *p, size_t n)
{
	(void)arg;
	if (getrandom(p, n, 0) != (ssize_t)n)
		die("no randomness");
}

/* ---- setting up ---- */

static struct sealed
seal_body(struct arena *a, struct run *r, struct our_mesh *m, struct conn *to)
{
	struct our_conn *me = r->sender->own, *you = to->own;
	struct body body = { .mesh = me->mesh,
		.from = me->session.hex,
		.to = you->session.hex,
		.id = "b0000000",
		.epoch = 1,
		.priority = "next",
		.member = me->member.hex,
		.text = "x" };
	struct sealed s;
	struct why why;

	body.roll.n = roll_n(m->roll);
	body.roll.head = roll_head(m->roll);
	body.has_roll = true;
	if (body_seal_direct(a, NULL, &body, &me->session, you->session.hex, &s,
		&why) != OK)
		die("%s", why.text);
	return s;
}

static void
frame_for(const char *to, const struct sealed *s)
{
	struct message_send in = { .id = "b0000000000",
		.target_spec = to,
		.priority = "next",
		.nonce = s->nonce,
		.ciphertext = s->ciphertext };
	struct buf b;

	buf_init(&b, WIRE_FRAME_MAX);
	wire_encode(&b, &wire_message_send, &in, "0000000000", NULL);
	sending.reqid = (size_t)(strstr(b.data, "\"0000000000\"") - b.data) + 1;
	sending.id = (size_t)(strstr(b.data, "b0000000000") - b.data) + 1;
	sending.text = b.data; /* kept until the process ends */
	sending.n = b.len;
}

static void
ours_open(struct run *r)
{
	struct our_mesh m = { 0 };
	struct arena a = { 0 };
	struct sealed s;
	struct key bob;
	struct conn *to;

	if (crypto_setup(random_bytes, NULL) != OK)
		die("no libsodium");
	our_mesh_open(r, &m);
	r->sender = m.desk;
	our_join(r, &m, &bob);
	to = our_session(r, &m, &bob, "bob");
	conn_receives(r, to);
	s = seal_body(&a, r, &m, to);
	if (r->size < strlen(s.ciphertext)) /* the peers' payload, no more */
		((char *)s.ciphertext)[r->size / 4 * 4] = '\0';
	str_copy(sender_key, sizeof(sender_key),
	    ((struct our_conn *)r->sender->own)->session.hex);
	frame_for(((struct our_conn *)to->own)->session.hex, &s);
	arena_fini(&a);
	our_mesh_fini(&m);
}

static void
receipts_open(struct run *r)
{
	receipts = true;
	ours_open(r);
}

/* ---- measured ---- */

static void
digits(char *at, uint64_t no)
{
	for (int i = 9; i >= 0; i--, no /= 10)
		at[i] = (char)('0' + no % 10);
}

static void
ours_send(struct run *r, uint64_t no)
{
	digits(sending.text + sending.reqid, no);
	digits(sending.text + sending.id, no);
	our_frame(r->sender, sending.text, sending.n);
}

static const char *
after(const char *text, size_t n, const char *key)
{
	const char *p = memmem(text, n, key, strlen(key));

	return p == NULL ? NULL : p + strlen(key);
}

/* What was read in one go, to be acknowledged in one. */
struct batch {
	long long seq;
	char id[RECEIPT_IDS * 64][16];
	size_t n;
};

static void
acknowledge(struct run *r, struct conn *c, struct batch *b)
{
	struct our_conn *o = c->own;
	struct receipt_doc doc = { .mesh = o->mesh,
		.from = sender_key,
		.by = o->session.hex,
		.rung = "delivered",
		.at = now_ns() / 1000000 };
	struct text ids[RECEIPT_IDS];
	struct blob docs[64];
	struct message_ack in = { .has_cursor = true };
	struct arena a = { 0 };
	struct buf out;
	char reqid[24];

	(void)r;
	in.cursor.history = o->history;
	in.cursor.seq = b->seq;
	in.receipts.v = docs;
	for (size_t at = 0; at < b->n; at += doc.ids.n) {
		doc.ids.v = ids;
		doc.ids.n = b->n - at < RECEIPT_IDS ? b->n - at : RECEIPT_IDS;
		for (size_t i = 0; i < doc.ids.n; i++)
			ids[i].s = b->id[at + i];
		docs[in.receipts.n++].s = doc_sign(&a, "receipt",
		    &wire_receipt_doc, &doc, &o->session);
	}
	buf_init(&out, WIRE_FRAME_MAX);
	snprintf(reqid, sizeof(reqid), "a%llu", (unsigned long long)++o->asked);
	wire_encode(&out, &wire_message_ack, &in, reqid, NULL);
	our_frame(c, out.data, out.len);
	buf_fini(&out);
	arena_fini(&a);
	b->seq = 0;
	b->n = 0;
}

static void
take_push(struct run *r, struct conn *c, const char *text, size_t n,
    struct batch *b)
{
	const char *seq = after(text, n, "\"seq\":"), *id;

	if (seq == NULL)
		return; /* an event */
	b->seq = strtoll(seq, NULL, 10);
	if (receipts) {
		id = after(text, n, "\"messageId\":\"");
		memcpy(b->id[b->n], id, 11);
		b->id[b->n++][11] = '\0';
	}
	run_got(r, c);
}

static void
take(struct run *r, struct conn *c, const char *text, size_t n, struct batch *b)
{
	if (n > 14 && memcmp(text, "{\"type\":\"push\"", 14) == 0) {
		take_push(r, c, text, n, b);
	} else if (n > 13 && memcmp(text, "{\"type\":\"ack\"", 13) == 0) {
		if (after(text, n, "\"queued\":true") == NULL)
			die("not stored: %.*s", (int)n, text);
		run_acked(r, 1);
	} else if (n > 15 && memcmp(text, "{\"type\":\"error\"", 15) == 0) {
		die("refused: %.*s", (int)n, text);
	}
}

static void
ours_eat(struct run *r, struct conn *c)
{
	static struct batch b;
	const char *text;
	size_t n, total;
	int op;

	while (our_next(c, &op, &text, &n, &total)) {
		if (op == WS_TEXT)
			take(r, c, text, n, &b);
		else if (op == WS_CLOSE)
			die("the broker closes: %.*s", (int)n, text);
		else if (op == WS_PING)
			ws_encode(&c->out, WS_PONG, text, n,
			    (const uint8_t[4]){ 0 });
		conn_eaten(c, total);
		if (b.n == RECEIPT_IDS * 64)
			acknowledge(r, c, &b);
	}
	if (b.seq != 0)
		acknowledge(r, c, &b);
}

const struct driver driver_ours = { "ours", ours_open, ours_send, ours_eat,
	false };
const struct driver driver_ours_receipts = { "ours-receipts", receipts_open,
	ours_send, ours_eat, false };

/* ---- idle ---- */

static double
rss_kib(int pid)
{
	char path[64], line[256];
	double kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "VmRSS:", 6) == 0)
			kib = strtod(line + 6, NULL);
	}
	if (f != NULL)
		fclose(f);
	if (kib < 0)
		die("there is no process %d", pid);
	return kib;
}

static double
cpu_s(int pid)
{
	char path[64], line[1024], *p;
	unsigned long u = 0, s = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (f != NULL && fgets(line, sizeof(line), f) != NULL &&
	    (p = strrchr(line, ')')) != NULL)
		sscanf(p + 2,
		    "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u,
		    &s);
	if (f != NULL)
		fclose(f);
	return (double)(u + s) / (double)sysconf(_SC_CLK_TCK);
}

/* Everything that came is thrown away; true when something had come. */
static bool
hear(struct run *r)
{
	bool any = false;
	const char *text;
	size_t n, total;
	int op;

	for (size_t i = 0; i < r->nconn; i++) {
		struct conn *c = r->conn[i];
		ssize_t got = read(c->fd, buf_reserve(&c->in, 65536), 65536);

		if (got > 0) {
			buf_commit(&c->in, (size_t)got);
			any = true;
		}
		while (our_next(c, &op, &text, &n, &total)) {
			if (op == WS_PING)
				ws_encode(&c->out, WS_PONG, text, n,
				    (const uint8_t[4]){ 0 });
			conn_eaten(c, total);
		}
		conn_flush(r, c);
		if (c->in.len == 0)
			buf_reset(&c->in);
	}
	return any;
}

static void
settle(struct run *r, double seconds)
{
	int64_t until = now_ns() + (int64_t)(seconds * 1e9);
	struct timespec nap = { .tv_nsec = 50000000 };

	while (now_ns() < until) {
		if (hear(r))
			continue;
		nanosleep(&nap, NULL);
	}
}

void
ours_idle(struct run *r, size_t peers, size_t per_mesh)
{
	struct our_mesh m = { 0 };
	double rss = 0, cpu;
	struct key member;
	size_t i;

	if (crypto_setup(random_bytes, NULL) != OK)
		die("no libsodium");
	for (i = 0; i < peers; i++) {
		if (i % per_mesh == 0) {
			our_mesh_fini(&m);
			our_mesh_open(r, &m);
			our_join(r, &m, &member);
		}
		if (i == 0)
			rss = rss_kib(r->pid);
		our_session(r, &m, &member, "idle");
		if (i % 20 == 19)
			hear(r);
	}
	our_mesh_fini(&m);
	settle(r, r->seconds);
	rss = rss_kib(r->pid) - rss;
	cpu = cpu_s(r->pid);
	settle(r, r->seconds);
	printf("{\"kib\":%.3f,\"peers\":%zu,\"cpu_percent\":%.2f}\n",
	    rss / (double)peers, peers,
	    (cpu_s(r->pid) - cpu) / r->seconds * 100);
}

/*
 * fuzz_local.c - any bytes on the daemon's local socket. The daemon has an
 * account, a mesh whose broker is gone, and sessions; three clients talk to it.
 *
 * Input is what the clients write, with bytes below 8 as stage directions: 1 n
 * another client speaks; 2 the client hangs up; 3 n time passes; 4 what was said
 * so far arrives; 5 n more time; 6 the daemon starts again; 7 a very long word;
 * 8, 11 and 12 stand for a session's id, a message's id and the session's key.
 *
 * What must hold: every line out is a frame; a line with a _reqId is answered at
 * most once, and once if both ends stay; afterwards local_status is answered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "daemon/core.h"
#include "tests/sim/cast.h"

#define MUST(x)                                                    \
	do {                                                       \
		if (!(x)) {                                        \
			fprintf(stderr, "%d: %s\n", __LINE__, #x); \
			abort();                                   \
		}                                                  \
	} while (0)

#define CLIENTS 3
#define SOCK "/d.sock"
#define LONGEST_MS (650 * 1000) /* wait_ms is at most ten minutes */

struct asked {
	char reqid[WIRE_REQID_MAX + 1];
	int n; /* lines with it that are not answered */
};

struct caller {
	io_id id;
	bool open;
	struct buf out, in; /* said in pieces; heard */
	struct buf line;    /* said, up to its end */
	VEC(struct asked) asked;
};

struct stage {
	struct world *world;
	struct node *desk, *node;
	struct vfs *vfs;
	struct daemon *daemon;
	bool stopped;
	struct caller caller[CLIENTS];
};

static struct vfs *before; /* the daemon's disk as every input finds it */
static uint8_t seed_of_alice[32];
static char session_id[65], message_id[65], session_key[65];
static bool ready;

/* ---- the daemon ---- */

static void
on_stop(void *arg, int status)
{
	(void)status;
	((struct stage *)arg)->stopped = true;
}

static void
start(struct stage *s)
{
	struct daemon_conf conf = {
		.db_path = "daemon.db",
		.db_vfs = "fuzz-local",
		.db_exclusive = true,
		.listen = { .unix_ = true, .path = SOCK },
		.uid = -1,
		.account_file = "account.key",
		.broker = BROKER_URL,
		.version = "fuzz",
		.build = 1,
		.pid = 100,
		.hostname = "host",
		.username = "alice",
		.stop = on_stop,
		.arg = s,
	};
	struct why why = { 0 };

	memcpy(conf.seed, seed_of_alice, 32);
	s->stopped = false;
	s->node = node_new(s->world, "daemon");
	s->daemon = daemon_new(node_io(s->node), &conf, &why);
	if (s->daemon == NULL)
		fprintf(stderr, "%s\n", why.text);
	MUST(s->daemon != NULL);
}

static void
end(struct stage *s)
{
	node_kill(s->node);
	daemon_free(s->daemon);
	s->daemon = NULL;
}

/* ---- what was asked, and answers ---- */

static struct asked *
asked(struct caller *c, const char *reqid)
{
	for (size_t i = 0; i < c->asked.n; i++)
		if (strcmp(c->asked.v[i].reqid, reqid) == 0)
			return &c->asked.v[i];
	return NULL;
}

static void
note_line(struct caller *c, const char *text, size_t n)
{
	struct asked *a, new = { .n = 1 };
	struct arena arena = { 0 };
	struct frame f = { 0 };
	struct why why;

	if (n > 0)
		frame_open(&f, &arena, text, n, &why);
	if (f.reqid != NULL && (a = asked(c, f.reqid)) != NULL) {
		a->n++;
	} else if (f.reqid != NULL) {
		str_copy(new.reqid, sizeof(new.reqid), f.reqid);
		vec_add(&c->asked, new);
	}
	arena_fini(&arena);
}

static void
note_bytes(struct caller *c, const char *p, size_t n)
{
	const char *nl;

	while (n > 0 && (nl = memchr(p, '\n', n)) != NULL) {
		buf_add(&c->line, p, (size_t)(nl - p));
		note_line(c, c->line.data, c->line.len);
		buf_clear(&c->line);
		n -= (size_t)(nl - p) + 1;
		p = nl + 1;
	}
	if (n > 0)
		buf_add(&c->line, p, n);
}

static void
heard_line(struct caller *c, const char *text, size_t n)
{
	struct arena arena = { 0 };
	struct frame f = { 0 };
	struct why why = { 0 };
	struct asked *a;
	void *out;

	MUST(frame_open(&f, &arena, text, n, &why) == OK);
	out = arena_alloc(&arena, f.msg->size);
	MUST(wire_decode(f.msg, f.object, out, &arena, &why) == OK);
	if (f.reqid != NULL) {
		a = asked(c, f.reqid);
		MUST(a != NULL && a->n > 0);
		a->n--;
	}
	arena_fini(&arena);
}

/* ---- streams ---- */

static void
on_open(void *arg, io_id id)
{
	struct caller *c = arg;

	c->open |= c->id == id;
}

static void
on_data(void *arg, io_id id, const void *p, size_t n)
{
	struct caller *c = arg;
	char *nl;

	if (c->id != id)
		return;
	MUST(buf_add(&c->in, p, n) == 0);
	while (c->in.len > 0 && (nl = memchr(c->in.data, '\n', c->in.len))) {
		heard_line(c, c->in.data, (size_t)(nl - c->in.data));
		buf_consume(&c->in, (size_t)(nl - c->in.data) + 1);
	}
}

static void
on_close(void *arg, io_id id, enum io_why why)
{
	struct caller *c = arg;

	(void)why;
	if (c->id != id)
		return;
	c->id = 0;
	c->open = false;
}

static const struct io_stream_cb cb = { .open = on_open,
	.data = on_data,
	.close = on_close };

static void
forget(struct caller *c)
{
	buf_clear(&c->in);
	buf_clear(&c->line);
	c->asked.n = 0;
	c->open = false;
	c->id = 0;
}

static void
dial(struct stage *s, struct caller *c)
{
	const struct io_addr a = { .unix_ = true, .path = SOCK };

	for (int i = 0; i < 100 && !c->open; i++) {
		if (c->id == 0) {
			forget(c);
			c->id = io_connect(node_io(s->desk), &a, &cb, c);
		}
		world_run(s->world, 5);
	}
}

static void
hang_up(struct stage *s, struct caller *c)
{
	io_close(node_io(s->desk), c->id, true);
	forget(c);
}

static void
arrive(struct stage *s, struct caller *c)
{
	if (c->out.len == 0)
		return;
	dial(s, c);
	if (c->open &&
	    io_write(node_io(s->desk), c->id, c->out.data, c->out.len) == 0)
		note_bytes(c, c->out.data, c->out.len);
	io_flush(node_io(s->desk));
	buf_clear(&c->out);
}

static void
again(struct stage *s)
{
	end(s);
	world_run(s->world, 20);
	for (int i = 0; i < CLIENTS; i++)
		forget(&s->caller[i]);
	start(s);
}

static void
pass(struct stage *s, int64_t ms)
{
	for (int i = 0; i < CLIENTS; i++)
		arrive(s, &s->caller[i]);
	world_run(s->world, ms);
	if (s->stopped)
		again(s);
}

/* ---- one input ---- */

static void
long_word(struct caller *c)
{
	char word[4096];

	memset(word, 'x', sizeof(word));
	for (int i = 0; i < 80; i++)
		buf_add(&c->out, word, sizeof(word));
}

static size_t
act(struct stage *s, struct caller **c, uint8_t what, uint8_t n)
{
	switch (what) {
	case 1:
		*c = &s->caller[n % CLIENTS];
		return 2;
	case 2:
		pass(s, 1);
		hang_up(s, *c);
		return 1;
	case 3:
		pass(s, n * 4);
		return 2;
	case 4:
		pass(s, 2);
		return 1;
	case 5:
		pass(s, n * 1000);
		return 2;
	case 6:
		again(s);
		return 1;
	default:
		long_word(*c);
		return 1;
	}
}

/* What a byte stands for, or NULL. */
static const char *
word(uint8_t c)
{
	return c == 8 ? session_id
	    : c == 11 ? message_id
	    : c == 12 ? session_key
		      : NULL;
}

static void
play(struct stage *s, const uint8_t *p, size_t n)
{
	struct caller *c = &s->caller[0];
	size_t i = 0;

	while (i < n) {
		if (word(p[i]) != NULL)
			buf_adds(&c->out, word(p[i++]));
		else if (p[i] > 0 && p[i] < 8)
			i += act(s, &c, p[i], i + 1 < n ? p[i + 1] : 0);
		else
			buf_add(&c->out, &p[i++], 1);
	}
	pass(s, 10);
	pass(s, LONGEST_MS);
}

static void
judge(struct stage *s)
{
	static const char ask[] =
	    "{\"type\":\"local_status\",\"_reqId\":\"z\"}\n";
	struct caller *c;

	for (int i = 0; i < CLIENTS; i++) {
		c = &s->caller[i];
		for (size_t k = 0; c->open && k < c->asked.n; k++)
			MUST(c->asked.v[k].n == 0);
	}
	c = &s->caller[0];
	hang_up(s, c);
	buf_add(&c->out, ask, sizeof(ask) - 1);
	pass(s, 1000);
	MUST(c->open && c->asked.n == 1 && c->asked.v[0].n == 0);
}

static void
caller_init(struct caller *c)
{
	buf_init(&c->in, 64 * 1024 * 1024);
	buf_init(&c->out, 64 * 1024 * 1024);
	buf_init(&c->line, 64 * 1024 * 1024);
}

static void
caller_fini(struct caller *c)
{
	buf_fini(&c->in);
	buf_fini(&c->out);
	buf_fini(&c->line);
	vec_fini(&c->asked);
}

/* ---- what every input finds ---- */

static void
prepare(void)
{
	struct sim sim;
	struct arena a = { 0 };
	struct local_mesh_create make = { .name = "Team", .display = "alice" };
	struct local_session_open open = { .name = "helper" };
	struct text to = { .s = "helper" };
	struct local_send send = { .to = { 1, &to }, .text = "hello" };
	struct local_mesh mesh;
	struct local_session session;
	struct local_sent sent;
	struct actor *alice = &sim.actor[0];

	log_setup(-1, LOG_ERROR, NULL, NULL);
	sim_init(&sim, 4711, false);
	MUST(actor_ask(alice, &a, &wire_local_mesh_create, &make,
	    &wire_local_mesh, &mesh));
	for (int i = 0; i < 2; i++) {
		MUST(actor_ask(alice, &a, &wire_local_session_open, &open,
		    &wire_local_session, &session));
		open.name = "other";
	}
	MUST(actor_ask(alice, &a, &wire_local_send, &send, &wire_local_sent,
	    &sent));
	sim_run(&sim, 3000);
	memcpy(seed_of_alice, alice->seed, 32);
	before = vfs_new("fuzz-before", 1, 4096);
	vfs_copy(before, alice->vfs);
	str_copy(session_id, sizeof(session_id), session.session);
	str_copy(session_key, sizeof(session_key), session.key);
	str_copy(message_id, sizeof(message_id), sent.id);
	sim_fini(&sim);
	arena_fini(&a);
	ready = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct stage s = { 0 };

	if (!ready)
		prepare();
	if (n > 16384)
		return 0;
	s.world = world_new(7);
	crypto_setup(world_random, s.world);
	s.vfs = vfs_new("fuzz-local", 7, 4096);
	vfs_copy(s.vfs, before);
	s.desk = node_new(s.world, "desk");
	for (int i = 0; i < CLIENTS; i++)
		caller_init(&s.caller[i]);
	start(&s);
	play(&s, p, n);
	judge(&s);
	node_kill(s.desk);
	end(&s);
	for (int i = 0; i < CLIENTS; i++)
		caller_fini(&s.caller[i]);
	vfs_free(s.vfs);
	world_free(s.world);
	return 0;
}

/*
 * cast.c - starting, crashing and talking to the processes of the simulation.
 */
#include "cast.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "crypto/key.h"

static const char *const names[] = { "alice", "bob", "carol" };

void
sim_fault(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (s->fault[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(s->fault, sizeof(s->fault), fmt, ap);
	va_end(ap);
}

void
sim_trace(struct sim *s, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (s->trace.len > 64 * 1024)
		buf_consume(&s->trace, 16 * 1024);
	buf_addf(&s->trace, "%12lld us  %s\n",
	    (long long)world_now_us(s->world), line);
}

/* ---- the broker ---- */

static void
broker_died(void *arg)
{
	((struct sim *)arg)->broker_stopped = true;
}

void
broker_start(struct sim *s)
{
	static const char *const listen[] = { "127.0.0.1:7900", NULL };
	struct broker_conf conf = {
		.listen = listen,
		.create = CREATE_OPEN,
		.version = "sim",
		.db_path = "broker.db",
		.db_vfs = "sim-broker",
		.db_exclusive = true,
		.fatal = broker_died,
		.arg = s,
	};
	struct why why = { 0 };

	s->broker_node = node_new(s->world, "broker");
	s->broker_stopped = false;
	s->broker = broker_new(node_io(s->broker_node), &conf, &why);
	sim_trace(s, "broker starts%s%s", s->broker ? "" : ": ",
	    s->broker ? "" : why.text);
	if (s->broker != NULL)
		return;
	if (!vfs_is_off(s->broker_vfs)) {
		sim_fault(s, "the broker does not start: %s", why.text);
		return;
	}
	node_kill(s->broker_node); /* the power went again */
	vfs_crash(s->broker_vfs, world_rand(s->world));
	s->broker_up_at = world_now(s->world) + 100;
}

void
broker_crash(struct sim *s)
{
	if (s->broker == NULL)
		return;
	sim_trace(s, "broker crashes");
	s->crashes++;
	node_kill(s->broker_node);
	vfs_crash(s->broker_vfs, world_rand(s->world));
	broker_free(s->broker);
	s->broker = NULL;
	s->broker_up_at =
	    world_now(s->world) + (int64_t)world_below(s->world, 3000);
}

/* ---- daemons ---- */

static void
daemon_died(void *arg, int status)
{
	(void)status;
	((struct actor *)arg)->stopped = true;
}

static void
line_open(void *arg, io_id id)
{
	struct actor *a = arg;

	if (id == a->line)
		a->line_open = true;
}

static void
line_close(void *arg, io_id id, enum io_why why)
{
	struct actor *a = arg;

	(void)why;
	if (id != a->line)
		return;
	a->line = 0;
	a->line_open = false;
	buf_clear(&a->in);
}

/* "s<index>": the answer to the said message of that index. */
static void
heard_sent(struct actor *a, const struct frame *f, struct arena *arena)
{
	struct local_sent sent;
	size_t i = (size_t)strtoul(f->reqid + 1, NULL, 10);

	if (f->msg != &wire_local_sent || i >= a->sim->said.n ||
	    wire_decode(f->msg, f->object, &sent, arena, NULL) != OK) {
		sim_trace(a->sim, "%s: send was answered with %s", a->name,
		    f->type);
		return;
	}
	a->sim->said.v[i].accepted = true;
	a->sim->message_events++;
	str_copy(a->sim->said.v[i].id, sizeof(a->sim->said.v[i].id), sent.id);
}

static void
heard(struct actor *a, const char *text, size_t n)
{
	struct sim *s = a->sim;
	struct arena arena = { 0 };
	struct frame f;
	struct why why;

	if (frame_open(&f, &arena, text, n, &why) != OK)
		sim_fault(s, "%s's daemon says what is not JSON: %s", a->name,
		    why.text);
	else if (f.reqid != NULL && f.reqid[0] == 's')
		heard_sent(a, &f, &arena);
	else if (f.reqid != NULL && s->want[0] != '\0' &&
	    strcmp(f.reqid, s->want) == 0) {
		s->answer = mem_dup(text, n);
		s->nanswer = n;
	}
	arena_fini(&arena);
}

static void
line_data(void *arg, io_id id, const void *p, size_t n)
{
	struct actor *a = arg;
	char *nl;

	if (id != a->line)
		return;
	buf_add(&a->in, p, n);
	while (a->in.len > 0 && (nl = memchr(a->in.data, '\n', a->in.len))) {
		size_t len = (size_t)(nl - a->in.data);

		heard(a, a->in.data, len);
		buf_consume(&a->in, len + 1);
	}
}

static const struct io_stream_cb line_cb = {
	.open = line_open,
	.data = line_data,
	.close = line_close,
};

static void
line_dial(struct actor *a)
{
	struct io_addr addr = { .unix_ = true };

	str_copy(addr.path, sizeof(addr.path), a->sock);
	a->line = io_connect(node_io(a->sim->desk), &addr, &line_cb, a);
}

void
daemon_start(struct actor *a)
{
	struct daemon_conf conf = {
		.db_path = "daemon.db",
		.db_vfs = a->vfs_name,
		.db_exclusive = true,
		.listen = { .unix_ = true },
		.uid = -1,
		.account_file = "account.key",
		.broker = BROKER_URL,
		.version = "sim",
		.build = 1,
		.pid = 100 + a->no,
		.hostname = a->name,
		.username = a->name,
		.stop = daemon_died,
		.arg = a,
	};
	struct why why = { 0 };

	memcpy(conf.seed, a->seed, 32);
	str_copy(conf.listen.path, sizeof(conf.listen.path), a->sock);
	a->node = node_new(a->sim->world, a->name);
	a->stopped = false;
	a->daemon = daemon_new(node_io(a->node), &conf, &why);
	sim_trace(a->sim, "%s starts%s%s", a->name, a->daemon ? "" : ": ",
	    a->daemon ? "" : why.text);
	if (a->daemon != NULL) {
		line_dial(a);
		return;
	}
	if (!vfs_is_off(a->vfs)) {
		sim_fault(a->sim, "%s's daemon does not start: %s", a->name,
		    why.text);
		return;
	}
	node_kill(a->node); /* the power went again */
	vfs_crash(a->vfs, world_rand(a->sim->world));
	a->up_at = world_now(a->sim->world) + 100;
}

void
daemon_crash(struct actor *a)
{
	if (a->daemon == NULL)
		return;
	sim_trace(a->sim, "%s crashes", a->name);
	a->sim->crashes++;
	node_kill(a->node);
	vfs_crash(a->vfs, world_rand(a->sim->world));
	daemon_free(a->daemon);
	a->daemon = NULL;
	a->up_at = world_now(a->sim->world) +
	    (int64_t)world_below(a->sim->world, 3000);
}

void
sim_tend(struct sim *s)
{
	int64_t now = world_now(s->world);

	if (s->fault[0] != '\0')
		return;
	if (s->broker != NULL &&
	    (s->broker_stopped || vfs_is_off(s->broker_vfs)))
		broker_crash(s);
	else if (s->broker == NULL && now >= s->broker_up_at)
		broker_start(s);
	for (int i = 0; i < ACTORS; i++) {
		struct actor *a = &s->actor[i];

		if (a->daemon != NULL && (a->stopped || vfs_is_off(a->vfs)))
			daemon_crash(a);
		else if (a->daemon == NULL && now >= a->up_at)
			daemon_start(a);
		else if (a->daemon != NULL && a->line == 0)
			line_dial(a);
	}
}

void
sim_run(struct sim *s, int64_t ms)
{
	while (ms > 0 && s->fault[0] == '\0') {
		int64_t step = ms < 10 ? ms : 10;

		world_run(s->world, step);
		sim_tend(s);
		ms -= step;
	}
}

/* ---- talking ---- */

static bool
say_as(struct actor *a, const struct wire_msg *row, const void *in,
    const char *reqid)
{
	struct buf b;
	bool ok;

	if (!a->line_open)
		return false;
	buf_init(&b, 1024 * 1024);
	wire_encode(&b, row, in, reqid, NULL);
	buf_addc(&b, '\n');
	ok = io_write(node_io(a->sim->desk), a->line, b.data, b.len) == 0;
	io_flush(node_io(a->sim->desk));
	buf_fini(&b);
	return ok;
}

bool
actor_say(struct actor *a, const struct wire_msg *row, const void *in,
    char *reqid)
{
	snprintf(reqid, 32, "s%zu", a->sim->said.n - 1);
	return say_as(a, row, in, reqid);
}

/* Mends the line if need be, and gives the daemon two virtual minutes. */
static bool
ask_once(struct actor *a, const struct wire_msg *row, const void *in)
{
	struct sim *s = a->sim;

	for (int i = 0; i < 500 && !a->line_open && s->fault[0] == '\0'; i++)
		sim_run(s, 10);
	snprintf(s->want, sizeof(s->want), "q%llu",
	    (unsigned long long)++s->reqs);
	if (!say_as(a, row, in, s->want))
		return false;
	for (int i = 0; i < 12000 && s->answer == NULL && a->line_open; i++)
		sim_run(s, 10);
	s->want[0] = '\0';
	return s->answer != NULL;
}

bool
actor_ask(struct actor *a, struct arena *arena, const struct wire_msg *row,
    const void *in, const struct wire_msg *answer, void *out)
{
	struct sim *s = a->sim;
	struct frame f = { 0 };
	struct why why = { 0 };
	bool ok = false;

	if (!ask_once(a, row, in)) {
		sim_fault(s, "%s: no answer to %s", a->name, row->wire);
		return false;
	}
	if (frame_open(&f, arena, arena_dup(arena, s->answer, s->nanswer),
		s->nanswer, &why) == OK &&
	    f.msg == answer)
		ok = wire_decode(answer, f.object, out, arena, &why) == OK;
	if (!ok)
		sim_fault(s, "%s: %s was answered: %.*s", a->name, row->wire,
		    (int)(s->nanswer < 300 ? s->nanswer : 300), s->answer);
	mem_free(s->answer);
	s->answer = NULL;
	return ok;
}

/* ---- all of it ---- */

static int64_t
disk_clock(void *world)
{
	return world_now(world);
}

static struct vfs *
disk_new(struct sim *s, const char *name)
{
	struct vfs *v = vfs_new(name, world_rand(s->world), 4096);

	vfs_clock(v, disk_clock, s->world);
	vfs_nofsync(v, s->nofsync);
	return v;
}

void
sim_init(struct sim *s, uint64_t seed, bool nofsync)
{
	memset(s, 0, sizeof(*s));
	s->seed = seed;
	s->nofsync = nofsync;
	s->world = world_new(seed);
	buf_init(&s->trace, 1024 * 1024);
	crypto_setup(world_random, s->world);
	s->desk = node_new(s->world, "desk");
	s->broker_vfs = disk_new(s, "sim-broker");
	broker_start(s);
	for (int i = 0; i < ACTORS; i++) {
		struct actor *a = &s->actor[i];

		a->sim = s;
		a->no = i;
		str_copy(a->name, sizeof(a->name), names[i]);
		snprintf(a->sock, sizeof(a->sock), "/%s.sock", names[i]);
		snprintf(a->vfs_name, sizeof(a->vfs_name), "sim-%s", names[i]);
		world_random(s->world, a->seed, sizeof(a->seed));
		buf_init(&a->in, 32 * 1024 * 1024);
		a->vfs = disk_new(s, a->vfs_name);
		daemon_start(a);
	}
}

void
sim_fini(struct sim *s)
{
	node_kill(s->desk);
	if (s->broker != NULL)
		broker_crash(s);
	for (int i = 0; i < ACTORS; i++) {
		if (s->actor[i].daemon != NULL)
			daemon_crash(&s->actor[i]);
		vfs_free(s->actor[i].vfs);
		buf_fini(&s->actor[i].in);
	}
	vfs_free(s->broker_vfs);
	mem_free(s->answer);
	vec_fini(&s->said);
	buf_fini(&s->trace);
	world_free(s->world);
}

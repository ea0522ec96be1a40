/*
 * daemonkit.c - see daemonkit.h.
 */
#include "tests/unit/daemonkit.h"

static const char *const names[] = { "alice", "bob", "carol" };

struct line {
	struct dk *k;
	int who;
};
static struct line lines[ACTORS];

static void
on_open(void *arg, io_id id)
{
	struct line *l = arg;

	if (l->k->line[l->who].id == id)
		l->k->line[l->who].open = true;
}

static void
on_data(void *arg, io_id id, const void *p, size_t n)
{
	struct line *l = arg;

	if (l->k->line[l->who].id == id)
		buf_add(&l->k->line[l->who].in, p, n);
}

static void
on_close(void *arg, io_id id, enum io_why why)
{
	struct line *l = arg;

	(void)why;
	if (l->k->line[l->who].id == id) {
		l->k->line[l->who].id = 0;
		l->k->line[l->who].open = false;
		l->k->line[l->who].closed = true;
	}
}

static const struct io_stream_cb cb = { .open = on_open,
	.data = on_data,
	.close = on_close };

static void
dial(struct dk *k, int who)
{
	struct io_addr a = { .unix_ = true };

	if (k->line[who].id != 0)
		return;
	lines[who] = (struct line){ k, who };
	str_copy(a.path, sizeof(a.path), k->sim.actor[who].sock);
	k->line[who].closed = false;
	buf_reset(&k->line[who].in);
	buf_init(&k->line[who].in, LOCAL_REPLY_MAX);
	k->line[who].id =
	    io_connect(node_io(k->sim.desk), &a, &cb, &lines[who]);
	for (int i = 0; i < 100 && !k->line[who].open; i++)
		dk_run(k, 10);
}

void
dk_run(struct dk *k, int64_t ms)
{
	sim_run(&k->sim, ms);
	if (k->sim.fault[0] != '\0')
		fail_msg("%s", k->sim.fault);
}

/* The line that answers reqid, out of what has come; others are dropped. */
static bool
answer(struct dk *k, int who, const char *reqid, struct frame *f)
{
	struct buf *in = &k->line[who].in;
	struct why why;
	char *nl, *text;
	size_t n;

	while (in->len > 0 && (nl = memchr(in->data, '\n', in->len)) != NULL) {
		n = (size_t)(nl - in->data);
		text = arena_strndup(&k->arena, in->data, n);
		buf_consume(in, n + 1);
		if (frame_open(f, &k->arena, text, n, &why) != OK)
			fail_msg("the daemon says: %s", text);
		if (f->reqid != NULL && str_eq(f->reqid, reqid))
			return true;
	}
	return false;
}

int
dk_ask(struct dk *k, int who, const char *session, const struct wire_msg *row,
    const void *in, void *out)
{
	struct frame f;
	struct error e;
	struct buf b;
	char reqid[16];

	dial(k, who);
	snprintf(reqid, sizeof(reqid), "t%u", ++k->reqs);
	buf_init(&b, LOCAL_REPLY_MAX);
	wire_encode(&b, row, in, reqid, session);
	buf_addc(&b, '\n');
	io_write(node_io(k->sim.desk), k->line[who].id, b.data, b.len);
	io_flush(node_io(k->sim.desk));
	buf_fini(&b);
	for (int i = 0; !answer(k, who, reqid, &f); i++) {
		if (i == 20000 || k->line[who].closed)
			fail_msg("no answer to %s", row->wire);
		dk_run(k, 10);
	}
	if (f.msg == &wire_error) {
		assert_int_equal(wire_decode(f.msg, f.object, &e, &k->arena,
				     NULL),
		    OK);
		str_copy(k->err, sizeof(k->err), e.message);
		print_message("[ %s: %s ]\n", row->wire, e.message);
		return err_named(e.code)->code;
	}
	if (f.msg != row->reply)
		fail_msg("%s was answered with %s", row->wire, f.type);
	if (out != NULL)
		assert_int_equal(wire_decode(f.msg, f.object, out, &k->arena,
				     NULL),
		    OK);
	return OK;
}

int
dk_empty(void **state)
{
	struct dk *k = mem_zalloc(sizeof(*k));

	sim_init(&k->sim, 4711, false);
	*state = k;
	return 0;
}

int
dk_setup(void **state)
{
	struct local_mesh mesh;
	struct local_invite inv;
	struct dk *k;

	dk_empty(state);
	k = *state;
	assert_int_equal(ASK(k, ALICE, local_mesh_create, &mesh, .name = "Team",
			     .display = "alice"),
	    OK);
	str_copy(k->mesh, sizeof(k->mesh), mesh.mesh.id);
	assert_int_equal(ASK(k, ALICE, local_invite_create, &inv, .uses = 2),
	    OK);
	for (int i = BOB; i <= CAROL; i++)
		assert_int_equal(ASK(k, i, local_mesh_join, &mesh,
				     .url = inv.url, .name = names[i]),
		    OK);
	dk_run(k, 2000);
	return 0;
}

int
dk_teardown(void **state)
{
	struct dk *k = *state;

	for (int i = 0; i < ACTORS; i++)
		buf_fini(&k->line[i].in);
	sim_fini(&k->sim);
	arena_fini(&k->arena);
	mem_free(k);
	return 0;
}

const char *
dk_send(struct dk *k, int who, const char *to, const char *text,
    const char *priority, const char *wait, char id[65])
{
	struct text name = { .s = to };
	struct local_send in = { .to = { 1, &name },
		.text = text,
		.priority = priority,
		.wait = wait,
		.wait_ms = 5000 };
	struct local_sent out;
	int code = dk_ask(k, who, NULL, &wire_local_send, &in, &out);

	if (code != OK)
		fail_msg("send: %s", k->err);
	if (id != NULL)
		str_copy(id, 65, out.id);
	return out.recipients.v[0].receipt;
}

const char *
dk_receipt(struct dk *k, int who, const char *id)
{
	struct local_sent out;

	assert_int_equal(ASK(k, who, local_message_status, &out, .id = id), OK);
	return out.recipients.v[0].receipt;
}

struct local_inbox_page
dk_inbox(struct dk *k, int who, const char *session, bool all)
{
	struct local_inbox_page page;

	assert_int_equal(ASK_AS(k, who, session, local_inbox, &page, .all = all,
			     .limit = 1000),
	    OK);
	return page;
}

struct dmesh *
dk_mesh(struct dk *k, int who)
{
	return dmesh_named(k->sim.actor[who].daemon, k->mesh);
}

void
dk_down(struct dk *k, int who)
{
	daemon_crash(&k->sim.actor[who]);
	k->sim.actor[who].up_at = INT64_MAX;
	dk_run(k, 50);
}

void
dk_up(struct dk *k, int who)
{
	k->sim.actor[who].up_at = 0;
	dk_run(k, 3000);
}

void
dk_broker_down(struct dk *k)
{
	broker_crash(&k->sim);
	k->sim.broker_up_at = INT64_MAX;
	dk_run(k, 50);
}

void
dk_broker_up(struct dk *k)
{
	k->sim.broker_up_at = 0;
	dk_run(k, 40000);
}

/*
 * brokerkit.c - see brokerkit.h. It knows the protocol from the rows and the
 * documents only, like any other client.
 */
#include "tests/unit/brokerkit.h"

#include <stdio.h>

#include "base/str.h"

/* ---- the world ---- */

static void
on_fatal(void *arg)
{
	((struct kit *)arg)->fatal = true;
}

static void
on_drained(void *arg)
{
	((struct kit *)arg)->drained = true;
}

static void
random_bytes(void *arg, void *p, size_t n)
{
	io_random(arg, p, n);
}

void
kit_init(struct kit *k)
{
	*k = (struct kit){ 0 };
	k->f = fakeio_new(42);
	k->vfs = vfs_new("brokerkit", 7, 4096);
	crypto_setup(random_bytes, fakeio_io(k->f));
	k->conf = (struct broker_conf){
		.version = "9.9.9",
		.db_path = "broker.db",
		.db_vfs = "brokerkit",
		.db_exclusive = true,
		.fatal = on_fatal,
		.drained = on_drained,
		.arg = k,
	};
}

void
kit_start(struct kit *k)
{
	char addr[32];
	const char *listen[] = { addr, NULL };
	struct why why = { 0 };

	snprintf(addr, sizeof(addr), "127.0.0.1:%d", k->port);
	k->conf.listen = listen;
	k->broker = broker_new(fakeio_io(k->f), &k->conf, &why);
	if (k->broker == NULL)
		fail_msg("broker_new: %s", why.text);
	k->port = broker_addr(k->broker, 0)->port;
	snprintf(k->url, sizeof(k->url), "ws://127.0.0.1:%d/ws", k->port);
}

void
kit_restart(struct kit *k)
{
	broker_free(k->broker);
	k->broker = NULL;
	fakeio_cut(k->f, k->port);
	kit_settle(k);
	kit_start(k);
}

void
kit_fini(struct kit *k)
{
	broker_free(k->broker);
	fakeio_free(k->f);
	vfs_free(k->vfs);
	arena_fini(&k->arena);
}

int
kit_setup(void **state)
{
	struct kit *k = mem_zalloc(sizeof(*k));

	kit_init(k);
	kit_start(k);
	*state = k;
	return 0;
}

int
kit_teardown(void **state)
{
	kit_fini(*state);
	mem_free(*state);
	return 0;
}

void
kit_settle(struct kit *k)
{
	fakeio_settle(k->f);
}

/* ---- clients ---- */

static void
on_open(void *arg)
{
	((struct client *)arg)->open = true;
}

static void
on_frame(void *arg, const char *text, size_t n)
{
	struct client *c = arg;
	char *copy = mem_alloc(n + 1);

	memcpy(copy, text, n);
	copy[n] = '\0';
	vec_add(&c->got, copy);
}

static void
on_drain(void *arg)
{
	(void)arg;
}

static void
on_close(void *arg, int code, const char *reason)
{
	struct client *c = arg;

	(void)reason;
	c->open = false;
	c->code = code;
}

static const struct wsclient_ops ops = { on_open, on_frame, on_drain,
	on_close };

struct client *
client_dial(struct kit *k, const char *path, const char *sub)
{
	struct client *c = mem_zalloc(sizeof(*c));
	const char *why;
	char url[96];

	c->k = k;
	c->ws = wsclient_new(fakeio_io(k->f), &ops, c);
	snprintf(url, sizeof(url), "ws://127.0.0.1:%d%s", k->port, path);
	assert_int_equal(wsclient_connect(c->ws, url, sub, WIRE_FRAME_MAX,
			     &why),
	    0);
	c->stream = fakeio_last(k->f);
	kit_settle(k);
	return c;
}

struct client *
client_new(struct kit *k)
{
	struct client *c = client_dial(k, "/ws", "claudemesh.2");

	assert_true(c->open);
	assert_true(heard(c, &wire_challenge, &c->hi));
	return c;
}

void
client_free(struct client *c)
{
	size_t i;

	if (c == NULL)
		return;
	wsclient_free(c->ws);
	for (i = 0; i < c->got.n; i++)
		mem_free(c->got.v[i]);
	vec_fini(&c->got);
	mem_free(c);
}

void
client_text(struct client *c, const char *text)
{
	assert_int_equal(wsclient_send(c->ws, text, strlen(text)), 0);
	kit_settle(c->k);
}

static char *
take(struct client *c, size_t i)
{
	char *text = arena_strdup(&c->k->arena, c->got.v[i]);

	mem_free(c->got.v[i]);
	vec_del(&c->got, i);
	return text;
}

static void
read_frame(struct client *c, const char *text, struct frame *f)
{
	struct why why = { 0 };

	if (frame_open(f, &c->k->arena, text, strlen(text), &why) != OK)
		fail_msg("frame: %s: %.200s", why.text, text);
}

static void
decode(struct client *c, const struct frame *f, void *out)
{
	struct why why = { 0 };

	if (wire_decode(f->msg, f->object, out, &c->k->arena, &why) != OK)
		fail_msg("%s: %s %s", f->type, why.field, why.text);
}

bool
heard(struct client *c, const struct wire_msg *m, void *out)
{
	struct frame f;
	size_t i;

	for (i = 0; i < c->got.n; i++) {
		read_frame(c, c->got.v[i], &f);
		if (f.msg != m)
			continue;
		read_frame(c, take(c, i), &f);
		if (out != NULL)
			decode(c, &f, out);
		return true;
	}
	return false;
}

size_t
count_heard(struct client *c, const char *type)
{
	const struct wire_msg *m = wire_named(type);
	size_t n = 0;

	while (heard(c, m, NULL))
		n++;
	return n;
}

static bool
answered(struct client *c, const char *reqid, struct frame *f)
{
	size_t i;

	for (i = 0; i < c->got.n; i++) {
		read_frame(c, c->got.v[i], f);
		if (f->reqid == NULL || strcmp(f->reqid, reqid) != 0)
			continue;
		read_frame(c, take(c, i), f);
		return true;
	}
	return false;
}

int
ask(struct client *c, const char *session, const struct wire_msg *req,
    const void *in, void *out)
{
	char reqid[24];
	struct frame f;
	struct buf b;

	snprintf(reqid, sizeof(reqid), "q%lld", (long long)++c->reqs);
	buf_init(&b, WIRE_FRAME_MAX);
	wire_encode(&b, req, in, reqid, session);
	client_text(c, buf_str(&b));
	buf_fini(&b);
	if (!answered(c, reqid, &f))
		return E_TIMED_OUT;
	if (f.msg == &wire_error) {
		decode(c, &f, &c->err);
		return err_named(c->err.code)->code;
	}
	assert_ptr_equal(f.msg, req->reply);
	if (out != NULL)
		decode(c, &f, out);
	return OK;
}

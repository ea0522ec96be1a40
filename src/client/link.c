/*
 * link.c - the connection itself: dialling with back-off, the queue between
 * io.h's callbacks and the owner's turn, requests and their replies.
 *
 * It promises that every request called back exactly once, whatever happens to
 * the connection, and that nothing is handled outside link_step.
 */
#include "client/link_int.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define IN_MAX (64u << 20)
#define BACKOFF_MIN_MS 500
#define BACKOFF_MAX_MS 30000
#define TICK_MS 1000

struct call {
	const struct wire_msg *row;
	link_reply_fn *fn;
	void *arg;
	uint64_t tag;
	int64_t deadline;
};

const char *
link_phase_name(enum link_phase s)
{
	static const char *const name[] = { [LINK_CONNECTING] = "connecting",
		[LINK_WAITING] = "waiting",
		[LINK_UP] = "up",
		[LINK_REFUSED] = "refused" };

	return name[s];
}

static void
ready(struct link *l)
{
	l->ops->ready(l->arg);
}

/* ---- what wsclient and the timers say: only noted ---- */

static void
on_tick(void *arg, io_id id)
{
	struct link *l = arg;

	(void)id;
	l->tick = 0;
	l->ticked = true;
	ready(l);
}

static void
arm_tick(struct link *l)
{
	if (l->tick == 0)
		l->tick = io_timer(l->io, TICK_MS, on_tick, l);
}

static void
ws_open(void *arg)
{
	struct link *l = arg;

	l->opened_at = io_mono(l->io); /* the broker speaks first */
	arm_tick(l);
}

static void
ws_frame_in(void *arg, const char *text, size_t n)
{
	struct link *l = arg;

	if (l->closed)
		return;
	if (buf_add(&l->in, &n, sizeof(n)) != 0 ||
	    buf_add(&l->in, text, n) != 0) {
		wsclient_close(l->ws, 1009, "too much at once");
		l->closed = true;
		str_copy(l->close_reason, sizeof(l->close_reason),
		    "more input than can be kept");
	}
	ready(l);
}

static void
ws_drain(void *arg)
{
	(void)arg;
}

static void
ws_close(void *arg, int code, const char *reason)
{
	struct link *l = arg;

	l->closed = true;
	l->untrusted = wsclient_untrusted(l->ws);
	if (code != 0 && code != 1006)
		snprintf(l->close_reason, sizeof(l->close_reason),
		    "closed by the broker with code %d%s%s", code,
		    reason && *reason ? ": " : "", reason ? reason : "");
	else
		str_copy(l->close_reason, sizeof(l->close_reason),
		    reason && *reason ? reason : "connection lost");
	ready(l);
}

static const struct wsclient_ops ws_ops = { ws_open, ws_frame_in, ws_drain,
	ws_close };

static void
on_redial(void *arg, io_id id)
{
	struct link *l = arg;

	(void)id;
	l->redial = 0;
	l->dial = true;
	ready(l);
}

/* ---- life ---- */

static void
set_trust(struct link *l, const char *ca, const char *pin)
{
	mem_free(l->ca);
	l->ca = mem_strdup(ca ? ca : "");
	str_copy(l->pin, sizeof(l->pin), pin ? pin : "");
}

struct link *
link_new(struct io *io, const struct link_conf *conf,
    const struct link_ops *ops, void *arg)
{
	struct link *l = mem_zalloc(sizeof(*l));

	l->io = io;
	l->ops = ops;
	l->arg = arg;
	str_copy(l->url, sizeof(l->url), conf->url);
	str_copy(l->mesh, sizeof(l->mesh), conf->mesh ? conf->mesh : "");
	set_trust(l, conf->ca, conf->pin);
	l->guest = conf->guest;
	l->member = conf->member;
	l->roll = conf->roll;
	l->state = LINK_WAITING;
	/* The broker keeps the answers to some requests by session and number,
	 * and a session outlives this process: no number may come twice. */
	io_random(io, &l->next_req, sizeof(l->next_req));
	l->next_req >>= 16;
	buf_init(&l->in, IN_MAX);
	return l;
}

static void
hang_up(struct link *l)
{
	wsclient_free(l->ws);
	l->ws = NULL;
	buf_reset(&l->in);
	l->in_at = 0;
	l->closed = l->challenged = l->syncing = l->synced = false;
	l->opened_at = 0;
}

void
link_free(struct link *l)
{
	struct call *c;

	if (l == NULL)
		return;
	hang_up(l);
	io_timer_stop(l->io, l->redial);
	io_timer_stop(l->io, l->tick);
	for (size_t i = 0; (c = map_next(&l->calls, &i)) != NULL;)
		mem_free(c);
	map_fini(&l->calls);
	link_sessions_fini(l);
	arena_fini(&l->arena);
	arena_fini(&l->challenge_mem);
	buf_fini(&l->in);
	mem_free(l->ca);
	mem_free(l);
}

/* Full jitter, so that a thousand daemons do not come back at once. */
static void
arm_redial(struct link *l)
{
	int64_t top = BACKOFF_MIN_MS;
	uint32_t r;

	for (int i = 0; i < l->tries && top < BACKOFF_MAX_MS; i++)
		top *= 2;
	if (top > BACKOFF_MAX_MS)
		top = BACKOFF_MAX_MS;
	if (l->tries < 30)
		l->tries++;
	io_random(l->io, &r, sizeof(r));
	io_timer_stop(l->io, l->redial);
	l->redial =
	    io_timer(l->io, (int64_t)(r % (uint32_t)top) + 1, on_redial, l);
}

/* Every waiting request hears that its connection is gone. */
static void
fail_calls(struct link *l, const char *reason)
{
	struct link_reply r = { .code = E_UNREACHABLE, .arena = &l->arena };
	struct map calls = l->calls;
	struct call *c;

	map_init(&l->calls);
	why_set(&r.why, E_UNREACHABLE, "the broker is gone: %s", reason);
	for (size_t i = 0; (c = map_next(&calls, &i)) != NULL;) {
		c->fn(c->arg, c->tag, &r);
		mem_free(c);
	}
	map_fini(&calls);
}

static void
come_down(struct link *l, enum link_phase to, const char *reason)
{
	struct link_session *s;
	char why[sizeof(l->reason)];

	str_copy(why, sizeof(why), reason); /* it may be ours */
	hang_up(l);
	for (size_t i = 0; (s = map_next(&l->sessions, &i)) != NULL;)
		s->open = false;
	l->state = to;
	str_copy(l->reason, sizeof(l->reason), why);
	fail_calls(l, why);
	l->ops->down(l->arg, why);
}

void
link_drop(struct link *l, const char *reason)
{
	if (l->state == LINK_REFUSED)
		return;
	log_event(LOG_INFO, "link_down", "mesh", l->mesh, "broker", l->url,
	    "reason", reason, NULL);
	if (!l->guest && !l->bye)
		arm_redial(l);
	come_down(l, LINK_WAITING, reason);
}

void
link_refuse(struct link *l, const char *reason)
{
	if (l->state == LINK_REFUSED)
		return;
	l->dial = false;
	log_event(LOG_ERROR, "link_refused", "mesh", l->mesh, "broker", l->url,
	    "reason", reason, NULL);
	io_timer_stop(l->io, l->redial);
	l->redial = 0;
	come_down(l, LINK_REFUSED, reason);
}

void
link_dial(struct link *l)
{
	if (l->ws != NULL || l->bye)
		return;
	io_timer_stop(l->io, l->redial);
	l->redial = 0;
	l->state = LINK_WAITING;
	l->tries = 0;
	l->dial = true;
	ready(l);
}

void
link_trust(struct link *l, const char *ca, const char *pin)
{
	set_trust(l, ca, pin);
	if (l->ws != NULL)
		link_drop(l, "whom to believe has changed");
}

bool
link_untrusted(const struct link *l)
{
	return l->untrusted;
}

void
link_bye(struct link *l)
{
	io_timer_stop(l->io, l->redial);
	l->redial = 0;
	l->dial = false;
	l->bye = true;
	if (l->ws != NULL)
		wsclient_close(l->ws, 1000, "");
}

static void
dial(struct link *l)
{
	const char *why = NULL;

	l->dial = false;
	if (l->ws != NULL || l->bye)
		return;
	l->state = LINK_CONNECTING;
	l->untrusted = false;
	l->ws = wsclient_new(l->io, &ws_ops, l);
	wsclient_trust(l->ws, l->ca, l->pin);
	if (wsclient_connect(l->ws, l->url, "claudemesh.2", WIRE_FRAME_MAX,
		&why) != 0) {
		link_refuse(l, why ? why : "the broker URL is no good");
		return;
	}
	str_copy(l->reason, sizeof(l->reason), "connecting");
}

void
link_write(struct link *l, const char *text, size_t n)
{
	if (l->ws != NULL)
		wsclient_send(l->ws, text, n);
}

/* ---- requests ---- */

int
link_call(struct link *l, const struct wire_msg *row, const void *in,
    const char *session, link_reply_fn *fn, void *arg, uint64_t tag)
{
	uint64_t no = l->next_req + 1;
	struct call *c;
	struct buf b;
	char id[24];

	if (l->ws == NULL || !l->challenged)
		return E_UNREACHABLE;
	snprintf(id, sizeof(id), "%llu", (unsigned long long)no);
	buf_init(&b, WIRE_FRAME_MAX);
	wire_encode(&b, row, in, id, session);
	if (b.over) {
		buf_fini(&b);
		return E_TOO_LARGE;
	}
	l->next_req = no;
	c = mem_alloc(sizeof(*c));
	*c = (struct call){ row, fn, arg, tag, io_mono(l->io) + LINK_CALL_MS };
	map_puti(&l->calls, no, c);
	l->ops->out(l->arg, b.data, b.len);
	buf_fini(&b);
	arm_tick(l);
	return OK;
}

static struct call *
take_call(struct link *l, const char *reqid)
{
	unsigned long long no;
	char end;

	if (reqid == NULL || sscanf(reqid, "%llu%c", &no, &end) != 1)
		return NULL;
	return map_deli(&l->calls, (uint64_t)no);
}

static void
read_error(struct link_reply *r, const struct frame *f, struct arena *a)
{
	const struct err_info *info;
	struct error e;

	if (wire_decode(&wire_error, f->object, &e, a, &r->why) != OK) {
		r->code = r->why.code;
		return;
	}
	info = err_named(e.code);
	r->code = info ? info->code : E_INTERNAL;
	r->retry_after_ms = e.retry_after_ms;
	why_field(&r->why, r->code, e.field, "%s", e.message);
}

static void
handle_reply(struct link *l, const struct frame *f)
{
	struct link_reply r = { .arena = &l->arena };
	struct call *c = take_call(l, f->reqid);
	struct why bad;
	void *msg;

	if (c == NULL) {
		log_event(f->msg == &wire_error ? LOG_WARN : LOG_DEBUG,
		    "link_stray_reply", "mesh", l->mesh, "type", f->type, NULL);
		return;
	}
	if (f->msg == &wire_error) {
		read_error(&r, f, &l->arena);
	} else if (f->msg != c->row->reply) {
		r.code = why_set(&r.why, E_INTERNAL,
		    "the broker answered %s with %s", c->row->wire, f->type);
	} else {
		msg = arena_zalloc(&l->arena, f->msg->size);
		if (wire_decode(f->msg, f->object, msg, &l->arena, &bad) != OK)
			r.code = why_set(&r.why, E_INTERNAL,
			    "the broker's answer to %s is malformed: %s",
			    c->row->wire, bad.text);
		r.msg = msg;
	}
	c->fn(c->arg, c->tag, &r);
	mem_free(c);
}

static void
overdue_calls(struct link *l)
{
	int64_t now = io_mono(l->io);
	struct link_reply r = { .code = E_TIMED_OUT, .arena = &l->arena };
	struct call *c;
	const void *key;
	size_t len;
	uint64_t no;

	for (size_t i = 0; (c = map_next_key(&l->calls, &i, &key, &len));) {
		if (c->deadline > now)
			continue;
		memcpy(&no, key, sizeof(no));
		map_deli(&l->calls, no);
		why_set(&r.why, E_TIMED_OUT,
		    "the broker did not answer %s in %d s", c->row->wire,
		    LINK_CALL_MS / 1000);
		c->fn(c->arg, c->tag, &r);
		mem_free(c);
	}
}

/* ---- the step ---- */

static void
handle_challenge(struct link *l, const struct frame *f)
{
	struct why why;

	arena_reset(&l->challenge_mem);
	if (wire_decode(&wire_challenge, f->object, &l->challenge,
		&l->challenge_mem, &why) != OK) {
		link_drop(l, why.text);
		return;
	}
	l->challenged = true;
	l->skew = l->challenge.now - io_wall(l->io);
	if (l->guest) {
		l->state = LINK_UP;
		l->reason[0] = '\0';
		l->ops->up(l->arg);
	} else {
		link_hello_all(l);
		arm_tick(l);
	}
}

static void
handle_roll_changed(struct link *l, const struct frame *f)
{
	struct roll_changed in;
	struct why why;

	if (l->guest ||
	    wire_decode(&wire_roll_changed, f->object, &in, &l->arena, &why) !=
		OK ||
	    !str_eq(in.mesh_id, l->mesh))
		return;
	link_roll_see(l, &in.roll);
}

static void
handle_frame(struct link *l, const char *text, size_t n)
{
	struct frame f;
	struct why why;

	if (frame_open(&f, &l->arena, text, n, &why) != OK) {
		if (why.code != E_UNKNOWN_TYPE)
			link_drop(l, why.text);
		return; /* a newer broker may push what we do not know */
	}
	if (f.msg->kind == W_REPLY)
		handle_reply(l, &f);
	else if (f.msg == &wire_challenge && !l->challenged)
		handle_challenge(l, &f);
	else if (f.msg == &wire_roll_changed)
		handle_roll_changed(l, &f);
	else if (f.msg->kind == W_PUSH)
		l->ops->push(l->arg, &f, text, n);
}

static void
next_frame(struct link *l)
{
	struct buf in = l->in; /* a callback may hang up and reset it */
	size_t n, at = l->in_at;

	memcpy(&n, in.data + at, sizeof(n));
	at += sizeof(n);
	if (at + n == in.len) {
		buf_init(&l->in, IN_MAX);
		l->in_at = 0;
		handle_frame(l, in.data + at, n);
		buf_fini(&in);
		return;
	}
	char *text = mem_dup(in.data + at, n);

	l->in_at = at + n;
	handle_frame(l, text, n);
	mem_free(text);
}

bool
link_pending(const struct link *l)
{
	return l->in.len > 0 || l->closed || l->ticked || l->dial;
}

static void
tick(struct link *l)
{
	l->ticked = false;
	overdue_calls(l);
	if (l->opened_at != 0 && !l->challenged &&
	    io_mono(l->io) - l->opened_at >= LINK_CALL_MS) {
		link_drop(l, "the broker took the connection and says nothing");
		return;
	}
	if (!l->guest)
		link_attest_due(l);
	if (l->ws != NULL)
		arm_tick(l);
}

void
link_step(struct link *l)
{
	arena_reset(&l->arena);
	if (l->in.len > 0)
		next_frame(l);
	else if (l->closed)
		link_drop(l, l->close_reason);
	else if (l->ticked)
		tick(l);
	else if (l->dial)
		dial(l);
}

enum link_phase
link_phase(const struct link *l)
{
	return l->state;
}
const char *
link_reason(const struct link *l)
{
	return l->reason;
}
const char *
link_url(const struct link *l)
{
	return l->url;
}
int64_t
link_skew(const struct link *l)
{
	return l->skew;
}

const struct challenge *
link_challenge(const struct link *l)
{
	return l->challenged ? &l->challenge : NULL;
}

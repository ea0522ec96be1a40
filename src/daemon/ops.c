/*
 * ops.c - operations that are answered in a later turn: they wait for a broker,
 * for news or for a deadline, and answer exactly once. A client that goes takes
 * its answers with it, not the operation's effects.
 */
#include "daemon/core.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define ACT_TRIES 5
#define GUEST_MS 20000
#define STEP_MS 10000
#define LINK_WAIT_MS 5000

struct dop *
op_new(struct dq *q, const struct dmesh *m, const struct dsess *s)
{
	struct dop *op = mem_zalloc(sizeof(*op));
	struct json text = q->frame->object;
	struct why why;

	op->d = q->d;
	op->no = ++q->d->next_op;
	op->client = q->client->id;
	op->has_reqid = q->frame->reqid != NULL;
	str_copy(op->reqid, sizeof(op->reqid),
	    op->has_reqid ? q->frame->reqid : "");
	op->row = q->frame->msg;
	op->mesh = m ? m->no : 0;
	op->session = s ? s->no : 0;
	op->chan.id = op->no << 2 | 2;
	text.p = arena_strndup(&op->mem, text.p, text.n);
	op->in = arena_zalloc(&op->mem, op->row->size);
	wire_decode(op->row, text, op->in, &op->mem, &why); /* passed before */
	q->client->later++;
	q->answered = true;
	map_puti(&q->d->ops, op->no, op);
	return op;
}

struct dop *
op_own(struct dmesh *m)
{
	struct dop *op = mem_zalloc(sizeof(*op));

	op->d = m->d;
	op->no = ++m->d->next_op;
	op->mesh = m->no;
	op->chan.id = op->no << 2 | 2;
	map_puti(&m->d->ops, op->no, op);
	return op;
}

void
op_free(struct dop *op)
{
	io_timer_stop(op->d->io, op->timer);
	if (op->fini != NULL)
		op->fini(op);
	if (op->guest != NULL) {
		link_bye(op->guest);
		link_free(op->guest);
	}
	turn_chan_gone(op->d->turn, &op->chan);
	arena_fini(&op->mem);
	mem_free(op);
}

void
op_sweep(struct daemon *d)
{
	struct dop *op;

	for (size_t i = 0; (op = map_next(&d->ops, &i)) != NULL;)
		if (op->done) {
			map_deli(&d->ops, op->no);
			op_free(op);
		}
}

/* Waiting for its sake is over; what it began goes on. */
void
op_client_gone(struct daemon *d, uint64_t client)
{
	struct dop *op;

	for (size_t i = 0; (op = map_next(&d->ops, &i)) != NULL;)
		if (op->client == client && op->wants != 0 &&
		    op->reply == NULL && op->guest == NULL) {
			op->done = true;
			d_wake(d);
		}
}

int
op_reply(struct dop *op, const struct wire_msg *row, const void *msg)
{
	if (op->done)
		return OK;
	op->done = true;
	client_say(op->d, op->client, row, msg,
	    op->has_reqid ? op->reqid : NULL);
	return OK;
}

int
op_fail_why(struct dop *op, const struct why *why)
{
	const struct error e = { .code = err_info(why->code)->wire,
		.message = *why->text ? why->text : err_info(why->code)->text,
		.field = why->field };

	op_reply(op, &wire_error, &e);
	return why->code;
}

int
op_fail(struct dop *op, int code, const char *fmt, ...)
{
	struct why why;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	why_set(&why, code, "%s", text);
	return op_fail_why(op, &why);
}

/* ---- waiting ---- */

static void
on_timer(void *arg, io_id id)
{
	struct dop *op = arg;

	(void)id;
	op->timer = 0;
	op->due = true;
	op->d->news_late = true;
	d_wake(op->d);
}

void
op_wait(struct dop *op, unsigned wants, int64_t ms,
    void (*news)(struct dop *, bool))
{
	op->wants = wants;
	op->news = news;
	io_timer_stop(op->d->io, op->timer);
	op->due = false;
	op->timer = io_timer(op->d->io, ms < 1 ? 1 : ms, on_timer, op);
}

void
op_run(struct daemon *d)
{
	unsigned news = d->news;
	struct dop *op;

	if (news == 0 && !d->news_late)
		return;
	d->news = 0;
	d->news_late = false;
	for (size_t i = 0;
	     (op = map_next(&d->ops, &i)) != NULL && !d->reload;) {
		if (op->done || op->news == NULL ||
		    !(op->due || (op->wants & news)))
			continue;
		bool late = op->due;

		op->due = false;
		d_begin(d);
		op->news(op, late);
		d_end(d, !d->reload);
	}
	if (d->news != 0)
		d_wake(d);
}

/* ---- asking the mesh's broker ---- */

static void
on_called(void *arg, uint64_t tag, const struct link_reply *r)
{
	struct daemon *d = arg;
	struct dop *op = map_geti(&d->ops, tag);
	void (*fn)(struct dop *, const struct link_reply *);

	if (op == NULL || op->done || op->reply == NULL)
		return;
	fn = op->reply;
	op->reply = NULL;
	fn(op, r);
}

static int
unreachable(struct dop *op, const struct dmesh *m)
{
	return op_fail(op, E_UNREACHABLE,
	    "the broker of mesh %s (%s) cannot be "
	    "reached: %s",
	    m->slug, m->broker, link_reason(m->link));
}

void
op_call(struct dop *op, const struct wire_msg *row, const void *in,
    const char *session, void (*fn)(struct dop *, const struct link_reply *))
{
	struct dmesh *m = dmesh_at(op->d, op->mesh);
	struct link *l = op->guest ? op->guest : m ? m->link : NULL;
	int code;

	if (l == NULL) {
		op_fail(op, E_NO_MESH, "the mesh is gone");
		return;
	}
	op->reply = fn;
	code = link_call(l, row, in, session, on_called, op->d, op->no);
	if (code == OK)
		return;
	op->reply = NULL;
	if (code == E_UNREACHABLE && m != NULL && op->guest == NULL)
		unreachable(op, m);
	else
		op_fail(op, code, "%s", err_info(code)->text);
}

static void
when_up(struct dop *op, bool late)
{
	struct dmesh *m = dmesh_at(op->d, op->mesh);

	if (m == NULL) {
		op_fail(op, E_NO_MESH, "the mesh is gone");
	} else if (dmesh_up(m)) {
		op->wants = 0;
		op->news = NULL;
		op->go(op, m);
	} else if (late || link_phase(m->link) == LINK_REFUSED) {
		unreachable(op, m);
	}
}

void
op_up(struct dop *op, void (*go)(struct dop *, struct dmesh *))
{
	struct dmesh *m = dmesh_at(op->d, op->mesh);

	op->go = go;
	if (op->d->full) {
		op_fail(op, E_STORAGE_FULL, "%s",
		    err_info(E_STORAGE_FULL)->text);
		return;
	}
	if (link_phase(m->link) == LINK_WAITING)
		link_dial(m->link); /* the user asks: not after the back-off */
	if (!dmesh_up(m))
		op_wait(op, NEWS_UP, LINK_WAIT_MS, when_up);
	when_up(op, false);
}

/* ---- guests: a connection for one operation ---- */

static void
guest_ready(void *arg)
{
	d_wake(((struct dop *)arg)->d);
}

static void
guest_out(void *arg, const char *text, size_t n)
{
	struct dop *op = arg;

	turn_say(op->d->turn, &op->chan, text, n);
	turn_say(op->d->turn, &op->chan, "\n", 1);
}

static void
guest_up(void *arg)
{
	struct dop *op = arg;

	if (!op->done)
		op->up(op);
}

static void
guest_down(void *arg, const char *reason)
{
	struct dop *op = arg;

	if (link_untrusted(op->guest))
		op_fail(op, E_UNTRUSTED, "the broker %.60s is not believed: %s",
		    link_url(op->guest), reason);
	else
		op_fail(op, E_UNREACHABLE,
		    "the broker %.140s cannot be reached: %s",
		    link_url(op->guest), reason);
}

static void
guest_push(void *arg, const struct frame *f, const char *text, size_t n)
{
	(void)arg, (void)f, (void)text, (void)n;
}

static const struct link_ops guest_ops = { .ready = guest_ready,
	.out = guest_out,
	.up = guest_up,
	.down = guest_down,
	.push = guest_push };

static void
guest_late(struct dop *op, bool late)
{
	if (late)
		op_fail(op, E_TIMED_OUT, "the broker %s did not answer in %d s",
		    link_url(op->guest), GUEST_MS / 1000);
}

void
op_guest(struct dop *op, const char *url, const char *ca, const char *pin,
    void (*up)(struct dop *))
{
	struct link_conf lc = { .url = url,
		.ca = ca,
		.pin = pin,
		.guest = true };

	op->up = up;
	if (op->d->full) {
		op_fail(op, E_STORAGE_FULL, "%s",
		    err_info(E_STORAGE_FULL)->text);
		return;
	}
	op->guest = link_new(op->d->io, &lc, &guest_ops, op);
	op_wait(op, 0, GUEST_MS, guest_late);
	link_dial(op->guest);
}

/* ---- acts ---- */

struct acting {
	int (*make)(struct dop *, struct dmesh *, struct act_made *,
	    struct why *);
	void (*done)(struct dop *, struct dmesh *);
	void (*prepare)(struct dop *, struct dmesh *);
	struct act_made made;
	bool ready, appended, conflict;
};

static void try_act(struct dop *op, struct dmesh *m);

/* The roll is in step: is our act in it, or is it to be made anew? */
static void
act_news(struct dop *op, bool late)
{
	struct acting *a = op->state;
	struct dmesh *m = dmesh_at(op->d, op->mesh);

	if (m == NULL)
		op_fail(op, E_NO_MESH, "the mesh is gone");
	else if (a->appended && roll_has(m->roll, a->made.act))
		a->done(op, m);
	else if (late)
		op_fail(op, E_TIMED_OUT,
		    "the broker did not show the new roll in time");
	else if (a->conflict && op->tries < ACT_TRIES)
		try_act(op, m);
	else if (a->conflict)
		op_fail(op, E_ROLL_CONFLICT,
		    "the roll changed %d times meanwhile; "
		    "try again",
		    ACT_TRIES);
}

static void
on_appended(struct dop *op, const struct link_reply *r)
{
	struct acting *a = op->state;
	const struct roll_appended *msg = r->msg;
	struct dmesh *m = dmesh_at(op->d, op->mesh);

	if (m == NULL || (r->code != OK && r->code != E_ROLL_CONFLICT)) {
		op_fail_why(op, &r->why);
		return;
	}
	if (r->code == OK && msg->roll.n == roll_n(m->roll) + 1) {
		if (dmesh_act(m, a->made.act, msg->roll.head))
			a->done(op, m);
		else
			op_fail(op, E_ROLL_FORKED,
			    "the broker shows another roll");
		return;
	}
	a->appended = r->code == OK;
	a->conflict = r->code == E_ROLL_CONFLICT;
	op_wait(op, NEWS_ROLL, STEP_MS, act_news);
	if (r->code == OK)
		link_roll_see(m->link, &msg->roll);
	else
		link_roll_sync(m->link);
}

static void
try_act(struct dop *op, struct dmesh *m)
{
	struct acting *a = op->state;
	struct roll_append in = { 0 };
	struct why why;
	int code;

	a->conflict = false;
	op->wants = 0;
	if (a->prepare != NULL && !a->ready) {
		a->prepare(op, m);
		return;
	}
	a->ready = false;
	op->tries++;
	memset(&a->made, 0, sizeof(a->made));
	code = a->make(op, m, &a->made, &why);
	if (code == OK)
		code = roll_check(m->roll, a->made.act, &why);
	if (code != OK) {
		op_fail_why(op, &why);
		return;
	}
	in.act = a->made.act;
	in.sealed.n = a->made.has_sealed;
	in.sealed.v = &a->made.sealed;
	op_call(op, &wire_roll_append, &in, NULL, on_appended);
}

void
op_act_ready(struct dop *op)
{
	struct acting *a = op->state;
	struct dmesh *m = dmesh_at(op->d, op->mesh);

	if (m == NULL) {
		op_fail(op, E_NO_MESH, "the mesh is gone");
		return;
	}
	a->ready = true;
	try_act(op, m);
}

void
op_act_conflict(struct dop *op)
{
	struct acting *a = op->state;
	struct dmesh *m = dmesh_at(op->d, op->mesh);

	op->tries++;
	a->conflict = true;
	op_wait(op, NEWS_ROLL, STEP_MS, act_news);
	if (m != NULL)
		link_roll_sync(m->link);
}

void
op_act_staged(struct dop *op, void (*prepare)(struct dop *, struct dmesh *),
    int (*make)(struct dop *, struct dmesh *, struct act_made *, struct why *),
    void (*done)(struct dop *, struct dmesh *))
{
	struct acting *a = arena_zalloc(&op->mem, sizeof(*a));

	a->prepare = prepare;
	a->make = make;
	a->done = done;
	op->state = a;
	op_up(op, try_act);
}

int
op_sign(struct dop *op, struct dmesh *m, bool as_owner, const char *kind,
    const struct wire_msg *row, const void *f, const char **act,
    struct why *why)
{
	struct key owner;

	if (!as_owner && roll_is_admin(m->roll, m->member.hex)) {
		*act = act_make(&op->mem, m->roll, kind, row, f, &m->member,
		    NULL, d_now(op->d));
	} else if (dmesh_owner(m, &owner)) {
		*act = act_make(&op->mem, m->roll, kind, row, f, &owner, NULL,
		    d_now(op->d));
		key_wipe(&owner, sizeof(owner));
	} else {
		return why_set(why, E_FORBIDDEN,
		    as_owner ? "only the owner of mesh %s may do that"
			     : "only admins of mesh %s may do that",
		    m->slug);
	}
	return OK;
}

void
op_act(struct dop *op,
    int (*make)(struct dop *, struct dmesh *, struct act_made *, struct why *),
    void (*done)(struct dop *, struct dmesh *))
{
	struct acting *a = arena_zalloc(&op->mem, sizeof(*a));

	a->make = make;
	a->done = done;
	op->state = a;
	op_up(op, try_act);
}

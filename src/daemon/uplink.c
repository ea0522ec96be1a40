/*
 * uplink.c - what the link of a mesh tells: that it is up or down, acts of the
 * roll, pushes. Much of it only marks what the turn is to do next (mesh.c).
 */
#include "daemon/record.h"

#include <stdio.h>

#include "base/log.h"

static void
link_ready(void *arg)
{
	d_wake(((struct dmesh *)arg)->d);
}

static void
link_out(void *arg, const char *text, size_t n)
{
	struct dmesh *m = arg;

	if (!m->d->in_request) {
		link_write(m->link, text, n);
		return;
	}
	turn_say(m->d->turn, &m->chan, text, n);
	turn_say(m->d->turn, &m->chan, "\n", 1);
}

static void
link_fill(void *arg, const char *session, struct session_hello *h,
    struct arena *a)
{
	struct dmesh *m = arg;
	struct dsess *s = map_gets(&m->sessions, session);

	if (s != NULL)
		sess_fill(s, h, a);
}

/* The broker's cursor is gone by when it is of a history new to us, or when it
 * says that it does not know as much as we do: what it stores from now on is
 * numbered from there. Another history is a gap, whatever the broker says. */
static void
see_cursor(struct dmesh *m, const struct hello_ack *ack)
{
	struct why why;

	if (ack->gap)
		m->gap = m->cursor_dirty = true;
	if (!str_eq(m->history, ack->cursor.history)) {
		if (m->history[0] != '\0')
			m->gap = true;
		str_copy(m->history, sizeof(m->history), ack->cursor.history);
		m->seq = m->acked = ack->cursor.seq;
		m->cursor_dirty = true;
		if (d_write(m->d, &why,
			"UPDATE session SET heard = 0 WHERE mesh = $1",
			DB_VALS(db_i(m->no))) != OK)
			d_broken(m->d, "history", &why);
	} else if (ack->gap && ack->cursor.seq < m->seq) {
		m->seq = m->acked = ack->cursor.seq;
		m->cursor_dirty = true;
	}
	if (m->seq > m->acked)
		m->ack = true;
}

static void
link_hello_done(void *arg, const char *session, const struct hello_ack *ack,
    const struct why *why)
{
	struct dmesh *m = arg;
	struct dsess *s = map_gets(&m->sessions, session);
	struct why w;

	m->d->news |= NEWS_SESSION;
	if (s == NULL)
		return;
	if (ack != NULL) {
		see_cursor(m, ack);
		event_welcome(m, s, ack);
		m->pump = m->ask_heard = true;
		if (s->linger && dmesh_up(m))
			sess_settle(s);
		else
			sess_profile_push(s);
		return;
	}
	if (s->state == SESS_ENDED) { /* so the broker will not show it */
		s->linger = outbox_waits(s);
		return;
	}
	if (why->code == E_NOT_MEMBER ||
	    (why->code == E_REVOKED && str_eq(why->field, "memberPubkey"))) {
		m->out = true; /* not the session's fault */
		return;
	}
	switch (why->code) { /* those that no other try will mend */
	case E_REVOKED:
	case E_FORBIDDEN:
	case E_CONFLICT:
	case E_NOT_ALLOWED:
		log_event(LOG_ERROR, "session_refused", "mesh", m->slug,
		    "session", s->name, "why", why->text, NULL);
		if (sess_set(s, SESS_REFUSED,
			arena_printf(&m->d->arena, "%s%s",
			    why->code == E_REVOKED ? "revoked: " : "",
			    why->text),
			&w) != OK)
			d_broken(m->d, "session", &w);
		break;
	default:
		str_copy(s->reason, sizeof(s->reason), why->text);
	}
}

/* Receipts may have been missed. */
static void
heard_again(struct dmesh *m)
{
	struct dsess *s;

	for (size_t i = 0; (s = map_next(&m->sessions, &i)) != NULL;)
		s->asked_heard = false;
	m->ask_heard = true;
}

static void
link_is_up(void *arg)
{
	struct dmesh *m = arg;
	struct dsess *s;

	for (size_t i = 0; (s = map_next(&m->sessions, &i)) != NULL;)
		sess_settle(s);
	m->pump = m->ack = m->roster_stale = true;
	m->sends_more = true;
	m->retry_at = 0;
	m->status_at = 0;
	m->items_wait = false;
	m->out = false;
	m->d->news |= NEWS_UP;
}

static void
link_is_down(void *arg, const char *reason)
{
	struct dmesh *m = arg;

	(void)reason;
	buf_clear(&m->chan.held); /* it was meant for the connection lost */
	outbox_reset(m);
	inbox_down(m);
	m->roster_at = 0;
	m->roster_asked = m->acking = false;
	m->keys_asked = m->keys_stuck = false;
	m->status_at = -1;
	m->status_flying = 0;
	heard_again(m);
	state_gap(m);
	m->d->news |= NEWS_UP;
}

static int
link_act(void *arg, int64_t n, const char *act)
{
	struct dmesh *m = arg;
	struct why why;
	int code;

	code = d_write(m->d, &why,
	    "INSERT INTO act (mesh, n, bytes) VALUES ($1, $2, $3)",
	    DB_VALS(db_i(m->no), db_i(n), db_s(act)));
	if (code != OK) /* the roll in memory is ahead now */
		d_broken(m->d, "act", &why);
	else
		event_act(m, act);
	return code;
}

/* An act of ours that was just accepted, without asking for it again: a member
 * that left could not. */
bool
dmesh_act(struct dmesh *m, const char *act, const char *head)
{
	struct act in;
	char hash[65];

	/* the hash first: what is applied cannot be taken back */
	if (act_peek(&m->d->arena, act, &in, NULL, hash, NULL) == OK &&
	    str_eq(hash, head) && roll_apply(m->roll, act, NULL) == OK)
		return link_act(m, roll_n(m->roll) - 1, act) == OK;
	link_refuse(m->link,
	    "roll_forked: the broker took an act of ours and shows "
	    "another roll than with it; nothing is believed until you act");
	return false;
}

static void
link_roll(void *arg)
{
	struct dmesh *m = arg;

	m->items_wait = m->keys_stuck = false;
	m->d->news |= NEWS_ROLL;
}

/* A session of ours was ended by somebody else. */
static void
session_ended(struct dmesh *m, const struct session_ended *in)
{
	struct dsess *s = map_gets(&m->sessions, in->pubkey);
	struct why why;
	char text[256];

	if (s == NULL)
		return;
	snprintf(text, sizeof(text), "%s%s%s", in->reason,
	    *in->by ? " by " : "", in->by);
	log_event(LOG_WARN, "session_ended", "mesh", m->slug, "session",
	    s->name, "reason", text, NULL);
	link_session_drop(m->link, in->pubkey, false);
	m->d->news |= NEWS_SESSION;
	if (str_eq(in->reason, "expired")) { /* nobody's wish: come back */
		link_session(m->link, &s->key, s->name);
		return;
	}
	m->out =
	    str_eq(in->reason, "not_member") || str_eq(in->reason, "removed");
	if (!m->out && sess_set(s, SESS_REFUSED, text, &why) != OK)
		d_broken(m->d, "session", &why);
	m->deleted = str_eq(in->reason, "mesh_deleted");
	if (str_eq(in->reason, "not_member"))
		link_refuse(m->link, "you are no member of this mesh any more");
	else if (str_eq(in->reason, "mesh_deleted"))
		link_refuse(m->link, "the mesh was deleted at its broker");
	else if (str_eq(in->reason, "removed"))
		link_refuse(m->link,
		    arena_printf(&m->d->arena,
			"you were %s (%s), says its broker", text, m->slug));
	else
		dmesh_idle(m, text);
}

static void
link_push(void *arg, const struct frame *f, const char *text, size_t n)
{
	struct dmesh *m = arg;
	struct session_ended ended;
	struct message_receipt rec;
	struct why why;

	if (f->msg == &wire_message_push) {
		inbox_push(m, f, text, n);
	} else if (f->msg == &wire_state_change) {
		state_pushed(m, f);
	} else if (f->msg == &wire_message_gap) {
		state_gap(m);
		log_event(LOG_WARN, "gap", "mesh", m->slug, NULL);
		m->status_at = 0;
		m->roster_stale = true;
		heard_again(m);
		link_roll_sync(m->link);
	} else if (f->msg == &wire_message_receipt) {
		if (wire_decode(f->msg, f->object, &rec, &m->d->arena, &why) !=
		    OK)
			return;
		if (*rec.doc != '\0')
			receipt_queue(m, rec.doc);
		else
			receipt_expired(m, &rec);
	} else if (f->msg == &wire_session_ended) {
		if (wire_decode(f->msg, f->object, &ended, &m->d->arena,
			&why) == OK)
			session_ended(m, &ended);
	}
}

const struct link_ops dmesh_link_ops = { link_ready, link_out, link_fill,
	link_hello_done, link_is_up, link_is_down, link_act, link_roll,
	link_push };

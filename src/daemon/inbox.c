/*
 * inbox.c - what a broker pushes, in order, and what is told back. Mail and
 * receipts wait in one queue per mesh, because one may need a question to the
 * broker first and none may overtake it. The cursor and the receipts leave only
 * after the rows they speak of are committed.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define ITEMS_BYTES_MAX (64u << 20)
#define DOCS_MAX 64
#define IDS_MAX 100

/* ---- the queue ---- */

static void
item_free(struct ditem *it)
{
	mem_free(it->text);
	mem_free(it);
}

void
inbox_down(struct dmesh *m)
{
	for (size_t i = m->items_at; i < m->items.n; i++)
		item_free(m->items.v[i]);
	m->items.n = m->items_at = m->items_bytes = 0;
	m->items_wait = false;
}

void
inbox_free(struct dmesh *m)
{
	inbox_down(m);
	vec_fini(&m->items);
	vec_fini(&m->told);
}

static struct ditem *
item_add(struct dmesh *m, bool receipt, const char *text, size_t n)
{
	struct ditem *it;

	if (m->items_bytes + n > ITEMS_BYTES_MAX) {
		link_drop(m->link, "more mail than can be handled at once");
		return NULL; /* it comes again, from the cursor */
	}
	it = mem_zalloc(sizeof(*it));
	it->receipt = receipt;
	it->text = mem_alloc(n + 1);
	memcpy(it->text, text, n);
	it->text[n] = '\0';
	it->n = n;
	m->items_bytes += n;
	vec_add(&m->items, it);
	d_wake(m->d);
	return it;
}

static void
system_push(struct dmesh *m, const struct message_push *in)
{
	roster_event(m, in);
	event_told(m, in);
}

void
inbox_push(struct dmesh *m, const struct frame *f, const char *text, size_t n)
{
	struct message_push in;
	struct why why;

	if (wire_decode(f->msg, f->object, &in, &m->d->arena, &why) != OK) {
		log_event(LOG_WARN, "bad_push", "mesh", m->slug, "why",
		    why.text, NULL);
		return;
	}
	if (str_eq(in.subtype, "system"))
		system_push(m, &in);
	else
		item_add(m, false, text, n);
}

void
receipt_queue(struct dmesh *m, const char *doc)
{
	item_add(m, true, doc, strlen(doc));
}

void
heard_queue(struct dmesh *m, int64_t session, int64_t heard)
{
	struct ditem *it = item_add(m, true, "", 0);

	if (it != NULL) {
		it->session = session;
		it->heard = heard;
	}
}

static void
pop(struct dmesh *m)
{
	struct ditem *it = m->items.v[m->items_at++];

	m->items_bytes -= it->n;
	item_free(it);
	if (m->items_at == m->items.n)
		m->items.n = m->items_at = 0;
}

/* ---- questions on behalf of the first ---- */

static void
on_shown(void *arg, uint64_t tag, const struct link_reply *r)
{
	struct dmesh *m = arg;
	const struct session_info *info = r->msg;
	struct why why;

	(void)tag;
	if (r->code == E_UNREACHABLE)
		return;
	m->items_wait = false;
	if (r->code == OK &&
	    roster_learn(m, info->attestation, info->pubkey, &why) == NULL)
		log_event(LOG_WARN, "peer_not_proven", "mesh", m->slug, "why",
		    why.text, NULL);
	else if (r->code != OK && r->code != E_NOT_FOUND &&
	    r->code != E_NO_PEER)
		link_drop(m->link, r->why.text); /* ask again, all of it */
}

static void
ask_show(struct dmesh *m, struct ditem *it, const char *key)
{
	struct session_show in = { .pubkey = key };

	it->asked_show = true;
	m->items_wait = link_call(m->link, &wire_session_show, &in, NULL,
			    on_shown, m, 0) == OK;
}

static void
take_mail(struct dmesh *m, struct ditem *it)
{
	struct message_push in;
	struct frame f;
	struct why why;

	if (frame_open(&f, &m->d->arena, it->text, it->n, &why) != OK ||
	    wire_decode(f.msg, f.object, &in, &m->d->arena, &why) != OK) {
		pop(m);
		return;
	}
	switch (mail_take(m, &in, it->asked_show, it->asked_roll)) {
	case MAIL_DONE:
		pop(m);
		break;
	case MAIL_NEEDS_SESSION:
		ask_show(m, it, in.sender_pubkey);
		break;
	case MAIL_NEEDS_ROLL:
		it->asked_roll = m->items_wait = true;
		link_roll_sync(m->link);
		break;
	case MAIL_NEEDS_KEY:
		m->items_wait = true;
		if (!m->keys_asked)
			keys_run(m);
		break;
	case MAIL_BROKEN:
		break;
	}
}

static void
take_receipt(struct dmesh *m, struct ditem *it)
{
	const char *signer;

	if (it->heard > 0) {
		if (heard_take(m, it) == OK)
			pop(m);
		return;
	}
	if (receipt_take(m, it->text, &signer) == E_UNAVAILABLE &&
	    signer != NULL && !it->asked_show)
		ask_show(m, it, signer);
	else
		pop(m);
}

void
inbox_run(struct dmesh *m)
{
	while (m->items_at < m->items.n && !m->items_wait && dmesh_up(m) &&
	    !m->d->reload) {
		struct ditem *it = m->items.v[m->items_at];

		d_begin(m->d);
		if (it->receipt)
			take_receipt(m, it);
		else
			take_mail(m, it);
		d_end(m->d, !m->d->reload);
	}
}

/* ---- telling the senders ---- */

struct group {
	const char *from, *rung, *reason;
	const struct dsess *by;
	struct text *ids;
	size_t n;
};

static struct group *
group_for(struct dmesh *m, struct map *groups, const struct db_rows *r,
    size_t i)
{
	struct arena *a = &m->d->arena;
	const struct dsess *by = sess_at(m->d, db_int(r, i, 3));
	/* to one and to many are told apart: the broker keeps those otherwise */
	const char *key = arena_printf(a, "%s %lld %d %s %s", db_text(r, i, 2),
	    (long long)db_int(r, i, 3), *db_text(r, i, 6) != '\0',
	    db_text(r, i, 4), db_text(r, i, 5));
	struct group *g = map_gets(groups, key);

	if (g == NULL && groups->n < DOCS_MAX && by != NULL) {
		g = arena_zalloc(a, sizeof(*g));
		*g = (struct group){ db_text(r, i, 2), db_text(r, i, 4),
			db_text(r, i, 5), by, NULL, 0 };
		g->ids = arena_alloc(a, IDS_MAX * sizeof(*g->ids));
		map_puts(groups, key, g);
	}
	return g;
}

static void
sign_groups(struct dmesh *m, struct map *groups, struct message_ack *out)
{
	struct arena *a = &m->d->arena;
	struct group *g;

	out->receipts.v = arena_zalloc(a, groups->n * sizeof(struct blob) + 1);
	for (size_t i = 0; (g = map_next(groups, &i)) != NULL;) {
		struct receipt_doc doc = { .mesh = m->id,
			.from = g->from,
			.by = g->by->key.hex,
			.rung = g->rung,
			.reason = g->reason,
			.at = d_now(m->d) };

		doc.ids.n = g->n;
		doc.ids.v = g->ids;
		out->receipts.v[out->receipts.n++].s = doc_sign(a, "receipt",
		    &wire_receipt_doc, &doc, &g->by->key);
	}
}

static void
on_acked(void *arg, uint64_t tag, const struct link_reply *r)
{
	struct dmesh *m = arg;
	struct why why;
	int code = OK;

	(void)tag;
	if (r->code == E_UNREACHABLE)
		return;
	m->acking = false;
	if (r->code != OK)
		log_event(LOG_WARN, "ack_refused", "mesh", m->slug, "why",
		    r->why.text, NULL);
	if (r->code == E_TIMED_OUT || r->code == E_UNAVAILABLE ||
	    r->code == E_STORAGE_FULL || r->code == E_STORE ||
	    r->code == E_RATE_LIMITED) {
		dmesh_timer(m, r->retry_after_ms ? r->retry_after_ms : 2000);
		return;
	}
	/* receipts that are refused for good are not tried for ever */
	for (size_t i = 0; i < m->told.n && code == OK; i++)
		code = d_write(m->d, &why,
		    "UPDATE inbox SET told = 1 WHERE n = $1 AND receipt = $2",
		    DB_VALS(db_i(m->told.v[i].n), db_s(m->told.v[i].receipt)));
	if (code != OK)
		d_broken(m->d, "told", &why);
	if (r->code == OK || m->told.n == 0)
		m->acked = m->acking_seq;
	m->ack = true;
}

static void
gather(struct dmesh *m, const struct db_rows *r, struct map *groups)
{
	m->told.n = 0;
	for (size_t i = 0; i < r->n; i++) {
		struct group *g = group_for(m, groups, r, i);
		struct dtold t = { .n = db_int(r, i, 0) };

		if (sess_at(m->d, db_int(r, i, 3)) != NULL &&
		    (g == NULL || g->n == IDS_MAX))
			continue; /* the next ack's */
		str_copy(t.receipt, sizeof(t.receipt), db_text(r, i, 4));
		vec_add(&m->told, t);
		if (g != NULL)
			g->ids[g->n++].s = db_text(r, i, 1);
	}
}

void
ack_pump(struct dmesh *m)
{
	struct message_ack in = { 0 };
	struct map groups = { 0 };
	struct db_rows *r;

	if (m->acking || m->history[0] == '\0')
		return;
	m->ack = false;
	r = d_read(m->d, NULL,
	    "SELECT n, id, from_key, session, receipt, reason, target"
	    " FROM inbox WHERE mesh = $1 AND told = 0 ORDER BY n LIMIT 2000",
	    DB_VALS(db_i(m->no)));
	if (r == NULL || (r->n == 0 && m->seq <= m->acked))
		return;
	gather(m, r, &groups);
	sign_groups(m, &groups, &in);
	map_fini(&groups);
	in.has_cursor = true;
	in.cursor = (struct cursor){ .history = m->history, .seq = m->seq };
	m->acking_seq = m->seq;
	m->acking = link_call(m->link, &wire_message_ack, &in, NULL, on_acked,
			m, 0) == OK;
}

/* The session may be disturbed again: what was held is delivered now. */
int
inbox_release_held(struct dsess *s, struct why *why)
{
	int code = d_write(s->mesh->d, why,
	    "UPDATE inbox SET receipt = 'delivered',"
	    " reason = '', told = 0 WHERE session = $1 AND receipt = 'held'",
	    DB_VALS(db_i(s->no)));

	if (code == OK) {
		s->mesh->ack = true;
		s->mesh->d->news |= NEWS_INBOX;
	}
	return code;
}

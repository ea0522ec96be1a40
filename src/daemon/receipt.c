/*
 * receipt.c - how far a message came, and on what evidence. From `delivered` up
 * (and for held and failed) only a receipt signed by the receiver counts; the
 * broker's own word goes no further than stored, refused and expired.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/log.h"

static const char *const ladder[] = { "queued", "stored", "delivered",
	"surfaced", "in_context", "answered" };

int
rung_no(const char *rung)
{
	for (size_t i = 0; i < countof(ladder); i++)
		if (str_eq(ladder[i], rung))
			return (int)i;
	return -1;
}

static bool
is_end(const char *rung)
{
	return str_eq(rung, "refused") || str_eq(rung, "expired") ||
	    str_eq(rung, "failed");
}

/* Waited for long enough? An end is an end. */
bool
rung_reached(const char *have, const char *want)
{
	int h = rung_no(have), w = rung_no(want);

	if (is_end(have) || str_eq(have, want))
		return true;
	if (str_eq(have,
		"held")) /* it was delivered to the daemon, no further */
		return w <= 1;
	return w >= 0 && h >= w;
}

/* May the news replace what is had? Only upward. */
bool
rung_next(const char *have, const char *news)
{
	int h = rung_no(have), n = rung_no(news);

	if (is_end(have))
		return false;
	if (n >= 0)
		return str_eq(have, "held") ? n >= 2 : n > h;
	if (str_eq(news, "held") || str_eq(news, "failed") ||
	    str_eq(news, "expired"))
		return h <= 1 && !str_eq(have, news); /* h < 0: held */
	return str_eq(news, "refused") && h == 0;
}

static int
open_of(const char *rung)
{
	return str_eq(rung, "queued")			     ? 1
	    : str_eq(rung, "stored") || str_eq(rung, "held") ? 2
							     : 0;
}

/* Raises the copies of one message to `target` that may be raised. */
static void
raise_copies(struct dmesh *m, int64_t outbox, const char *target,
    const char *rung, const char *reason, int64_t at, const char *doc)
{
	struct db_rows *r;
	struct why why;

	r = d_read(m->d, &why,
	    "SELECT i, rung FROM outbox_copy WHERE outbox = $1"
	    " AND target = $2 LIMIT 101",
	    DB_VALS(db_i(outbox), db_s(target)));
	for (size_t i = 0; r != NULL && i < r->n; i++) {
		if (!rung_next(db_text(r, i, 1), rung))
			continue;
		if (d_write(m->d, &why,
			"UPDATE outbox_copy SET rung = $3,"
			" reason = $4, at = $5, doc = $6, open = $7"
			" WHERE outbox = $1 AND i = $2",
			DB_VALS(db_i(outbox), db_i(db_int(r, i, 0)), db_s(rung),
			    db_s(reason), db_i(at), db_s(doc),
			    db_i(open_of(rung)))) != OK)
			d_broken(m->d, "receipt", &why);
		m->d->news |= NEWS_SENT;
	}
}

/* ---- signed receipts ---- */

static int
forged(struct dmesh *m, const char *by, const char *what)
{
	log_event(LOG_ERROR, "receipt_refused", "mesh", m->slug, "by", by,
	    "why", what, NULL);
	return E_BAD_SIGNATURE;
}

/* Does this session speak for that target? */
static int
speaks_for(struct dmesh *m, const char *by, const char *target)
{
	const struct dsess *mine = map_gets(&m->sessions, by);
	const struct dpeer *p;

	if (str_eq(by, target))
		return OK;
	if (roll_member(m->roll, target) == NULL)
		return E_BAD_SIGNATURE; /* another session's */
	if (mine != NULL)
		return str_eq(target, m->member.hex) ? OK : E_BAD_SIGNATURE;
	p = roster_get(m, by);
	if (p == NULL)
		return E_UNAVAILABLE;
	return p->attestation != NULL && str_eq(p->member, target) &&
		!roll_session_revoked(m->roll, target, by)
	    ? OK
	    : E_BAD_SIGNATURE;
}

/* Is this a session of a member, by its attestation? */
static int
vouched(struct dmesh *m, const char *by)
{
	const struct dpeer *p = roster_get(m, by);
	const struct roll_member *rm;

	if (map_gets(&m->sessions, by) != NULL)
		return OK;
	if (p == NULL)
		return E_UNAVAILABLE;
	rm = roll_member(m->roll, p->member);
	return p->attestation != NULL && rm != NULL &&
		!roll_session_revoked(m->roll, p->member, by)
	    ? OK
	    : E_BAD_SIGNATURE;
}

/* A recipient that a label stood for. */
static int
add_heard(struct dmesh *m, int64_t outbox, const char *label, const char *key,
    int64_t at)
{
	struct why why;
	int code = d_write(m->d, &why,
	    "INSERT INTO outbox_copy (outbox, i, mesh, target, name, meant,"
	    " rung, reason, at, doc, open, via)"
	    " SELECT $1, 1 + (SELECT MAX(i) FROM outbox_copy WHERE outbox = $1),"
	    " $2, $3, '', '', 'stored', '', $4, '', 2, $5"
	    " WHERE NOT EXISTS (SELECT 1 FROM outbox_copy WHERE outbox = $1"
	    " AND target = $3 AND via <> '')",
	    DB_VALS(db_i(outbox), db_i(m->no), db_s(key), db_i(at),
		db_s(label)));

	if (code != OK)
		d_broken(m->d, "receipt", &why);
	return code;
}

/* By somebody the ack did not name: it is one of whom the label stood for. */
static int
one_more(struct dmesh *m, const struct receipt_doc *in, const struct db_rows *r,
    const char *doc)
{
	int code = vouched(m, in->by);

	if (code != OK)
		return code == E_UNAVAILABLE ? code : OK;
	code = add_heard(m, db_int(r, 0, 0), db_text(r, 0, 1), in->by, in->at);
	if (code == OK)
		raise_copies(m, db_int(r, 0, 0), in->by, in->rung, in->reason,
		    in->at, doc);
	return OK;
}

static int
one_id(struct dmesh *m, const struct dsess *from, const struct receipt_doc *in,
    const char *id, const char *doc)
{
	struct db_rows *r;
	bool found = false;
	int code;

	r = d_read(m->d, NULL,
	    "SELECT c.outbox, c.target, c.via FROM outbox o"
	    " JOIN outbox_copy c ON c.outbox = o.n"
	    " WHERE o.id = $1 AND o.session = $2"
	    " AND (c.via = '' OR c.target = $3) LIMIT 102",
	    DB_VALS(db_s(id), db_i(from->no), db_s(in->by)));
	for (size_t i = 0; r != NULL && i < r->n; i++) {
		code = *db_text(r, i, 2) != '\0'
		    ? vouched(m, in->by)
		    : speaks_for(m, in->by, db_text(r, i, 1));
		if (code == E_UNAVAILABLE)
			return code;
		found |= code == OK;
		if (code == OK)
			raise_copies(m, db_int(r, i, 0), db_text(r, i, 1),
			    in->rung, in->reason, in->at, doc);
	}
	if (found)
		return OK;
	r = d_read(m->d, NULL,
	    "SELECT c.outbox, c.target FROM outbox o"
	    " JOIN outbox_copy c ON c.outbox = o.n"
	    " WHERE o.id = $1 AND o.session = $2 AND c.via = ''"
	    " AND c.rung = 'stored' AND length(c.target) <> 64 LIMIT 1",
	    DB_VALS(db_s(id), db_i(from->no)));
	return r == NULL || r->n == 0 ? OK : one_more(m, in, r, doc);
}

static bool
known_rung(const char *rung)
{
	return rung_no(rung) >= 2 || str_eq(rung, "held") ||
	    str_eq(rung, "failed");
}

int
receipt_take(struct dmesh *m, const char *doc, const char **signer)
{
	struct arena *a = &m->d->arena;
	struct receipt_doc in;
	struct dsess *from;
	struct why why;
	int code;

	*signer = NULL;
	if (doc_peek(a, doc, &wire_receipt_doc, &in, &why) != OK)
		return forged(m, "?", why.text);
	if (doc_open(a, doc, "receipt", &wire_receipt_doc, &in, in.by, &why) !=
	    OK)
		return forged(m, in.by, why.text);
	from = map_gets(&m->sessions, in.from);
	if (!str_eq(in.mesh, m->id) || from == NULL)
		return forged(m, in.by, "it is about somebody else's messages");
	if (!known_rung(in.rung))
		return forged(m, in.by, "no such rung");
	*signer = arena_strdup(a, in.by);
	for (size_t i = 0; i < in.ids.n; i++)
		if ((code = one_id(m, from, &in, in.ids.v[i].s, doc)) != OK)
			return code;
	return OK;
}

/* ---- the broker's word ---- */

void
receipt_expired(struct dmesh *m, const struct message_receipt *in)
{
	struct db_rows *r;
	int64_t outbox;

	if (!str_eq(in->receipt, "expired"))
		return;
	r = d_read(m->d, NULL,
	    "SELECT n FROM outbox WHERE id = $1 AND mesh = $2"
	    " LIMIT 1",
	    DB_VALS(db_s(in->message_id), db_i(m->no)));
	if (r == NULL || r->n != 1)
		return;
	outbox = db_int(r, 0, 0);
	raise_copies(m, outbox, in->target_spec, "expired",
	    "nobody fetched it in time", d_now(m->d), "");
	if (label_kind(in->target_spec) == LABEL_NONE)
		return;
	r = d_read(m->d, NULL,
	    "SELECT target FROM outbox_copy WHERE outbox = $1 AND via = $2"
	    " AND open = 2 LIMIT 2000",
	    DB_VALS(db_i(outbox), db_s(in->target_spec)));
	for (size_t i = 0; r != NULL && i < r->n; i++)
		raise_copies(m, outbox, db_text(r, i, 0), "expired",
		    "it did not fetch it in time", d_now(m->d), "");
}

/* What the broker says of a copy to a label: for whom it stood. */
static void
label_news(struct dmesh *m, int64_t outbox, const struct recipient *in,
    int64_t at)
{
	bool empty = str_eq(in->receipt, "empty");
	char more[64] = "";
	struct why why;
	int code = OK;

	for (size_t i = 0; i < in->sessions.n && code == OK; i++)
		if (hex_is(in->sessions.v[i].s, 32))
			code = add_heard(m, outbox, in->target_spec,
			    in->sessions.v[i].s, at);
	if (in->audience > (int64_t)in->sessions.n)
		snprintf(more, sizeof(more), "%lld more",
		    (long long)(in->audience - (int64_t)in->sessions.n));
	if (code == OK &&
	    d_write(m->d, &why,
		"UPDATE outbox_copy SET rung = $3, reason = $4, at = $5,"
		" open = 0 WHERE outbox = $1 AND target = $2 AND via = ''"
		" AND rung = 'queued'",
		DB_VALS(db_i(outbox), db_s(in->target_spec),
		    db_s(empty ? "empty" : "stored"),
		    db_s(empty ? "nobody is there" : more), db_i(at))) != OK)
		d_broken(m->d, "receipt", &why);
	m->d->news |= NEWS_SENT;
}

/* A recipient as ack and message_status tell it: evidence goes the way of
 * receipts, the rest is taken for no more than stored. */
void
copy_news(struct dmesh *m, int64_t outbox, const struct dsess *from,
    const char *id, const struct recipient *in)
{
	const char *rung = in->receipt;
	int64_t at = in->at ? in->at : d_now(m->d);

	(void)from, (void)id;
	if (label_kind(in->target_spec) != LABEL_NONE &&
	    !str_eq(rung, "refused")) {
		label_news(m, outbox, in, at);
		return;
	}
	if (!str_eq(rung, "refused") && !str_eq(rung, "expired"))
		rung = "stored";
	raise_copies(m, outbox, in->target_spec, rung,
	    str_eq(rung, "stored") ? "" : in->reason, at, "");
	if (*in->doc != '\0')
		receipt_queue(m, in->doc);
	else if (!str_eq(in->receipt, rung))
		log_event(LOG_WARN, "receipt_without_evidence", "mesh", m->slug,
		    "receipt", in->receipt, NULL);
}

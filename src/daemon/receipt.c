/*
 * receipt.c - how far a message came, and on what evidence. From `delivered` up
 * (and for held and failed) only a receipt signed by the receiver counts; the
 * broker's own word goes no further than stored, refused and expired.
 */
#include "daemon/core.h"

#include <string.h>

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

static int
one_id(struct dmesh *m, const struct dsess *from, const struct receipt_doc *in,
    const char *id, const char *doc)
{
	struct db_rows *r;
	int code;

	r = d_read(m->d, NULL,
	    "SELECT c.outbox, c.target FROM outbox o"
	    " JOIN outbox_copy c ON c.outbox = o.n"
	    " WHERE o.id = $1 AND o.session = $2 LIMIT 101",
	    DB_VALS(db_s(id), db_i(from->no)));
	for (size_t i = 0; r != NULL && i < r->n; i++) {
		code = speaks_for(m, in->by, db_text(r, i, 1));
		if (code == E_UNAVAILABLE)
			return code;
		if (code == OK)
			raise_copies(m, db_int(r, i, 0), db_text(r, i, 1),
			    in->rung, in->reason, in->at, doc);
	}
	return OK;
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

	if (!str_eq(in->receipt, "expired"))
		return;
	r = d_read(m->d, NULL,
	    "SELECT n FROM outbox WHERE id = $1 AND mesh = $2"
	    " LIMIT 1",
	    DB_VALS(db_s(in->message_id), db_i(m->no)));
	if (r != NULL && r->n == 1)
		raise_copies(m, db_int(r, 0, 0), in->target_spec, "expired",
		    "nobody fetched it in time", d_now(m->d), "");
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

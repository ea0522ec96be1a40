/*
 * heard.c - receipts for what was said to labels. They are pushed when they come;
 * what came while the link was down, or was dropped because it was slow, is read
 * from the broker's list, from where it was read last.
 */
#include "daemon/core.h"

#include "base/log.h"

#define SLACK_MS (10 * 60 * 1000LL) /* two clocks */

static void ask(struct dmesh *m, const struct dsess *s, int64_t after);

static void
on_list(void *arg, uint64_t tag, const struct link_reply *r)
{
	struct dmesh *m = arg;
	const struct receipts_list *list = r->msg;
	struct dsess *s = sess_at(m->d, (int64_t)tag);

	if (r->code != OK || s == NULL)
		return; /* at the next reconnect */
	for (size_t i = 0; i < list->receipts.n; i++)
		receipt_queue(m, list->receipts.v[i].s);
	if (list->receipts.n > 0)
		heard_queue(m, s->no, list->next);
	if (list->more)
		ask(m, s, list->next);
}

static void
ask(struct dmesh *m, const struct dsess *s, int64_t after)
{
	struct receipt_list in = { .after = after };
	struct db_rows *r;

	/* nothing is waited for: nothing is asked */
	r = d_read(m->d, NULL,
	    "SELECT MIN(o.sent_at) FROM outbox_copy c"
	    " JOIN outbox o ON o.n = c.outbox WHERE c.mesh = $1 AND c.open = 2"
	    " AND c.via <> '' AND o.session = $2 LIMIT 1",
	    DB_VALS(db_i(m->no), db_i(s->no)));
	if (r == NULL || r->n == 0 || db_isnull(r, 0, 0))
		return;
	in.since = db_int(r, 0, 0) - SLACK_MS;
	link_call(m->link, &wire_receipt_list, &in, s->key.hex, on_list, m,
	    (uint64_t)s->no);
}

void
heard_pump(struct dmesh *m)
{
	struct db_rows *r;
	struct dsess *s;

	m->ask_heard = false;
	for (size_t i = 0; (s = map_next(&m->sessions, &i)) != NULL;) {
		if (s->asked_heard || !link_session_open(m->link, s->key.hex))
			continue;
		s->asked_heard = true;
		r = d_read(m->d, NULL,
		    "SELECT heard FROM session WHERE no = $1 LIMIT 1",
		    DB_VALS(db_i(s->no)));
		if (r != NULL && r->n == 1)
			ask(m, s, db_int(r, 0, 0));
	}
}

int
heard_take(struct dmesh *m, const struct ditem *it)
{
	struct why why;
	int code = d_write(m->d, &why,
	    "UPDATE session SET heard = $2 WHERE no = $1 AND heard < $2",
	    DB_VALS(db_i(it->session), db_i(it->heard)));

	if (code != OK)
		d_broken(m->d, "receipts", &why);
	return code;
}

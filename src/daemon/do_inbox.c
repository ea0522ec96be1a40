/*
 * do_inbox.c - showing what came. An empty page means that there is nothing: the
 * inbox is asked again until it has something or the time is over.
 */
#include "daemon/core.h"

#include <string.h>

#define COLUMNS                                                                 \
	"i.id, i.from_name, i.from_key, i.from_member, s.name, m.slug,"         \
	" i.body, i.priority, i.verified, i.sent_at, i.received_at, i.receipt," \
	" i.reply_to, i.expects, i.seen, i.problem, i.n, m.no, i.target"

static struct db_rows *
rows(struct daemon *d, const struct local_inbox *in, int64_t mesh,
    int64_t session, struct why *why)
{
	int64_t limit = in->limit ? in->limit : 50;

	if (in->all)
		return d_read(d, why,
		    "SELECT " COLUMNS " FROM inbox i"
		    " JOIN session s ON s.no = i.session JOIN mesh m ON m.no = i.mesh"
		    " WHERE ($1 = 0 OR i.mesh = $1) AND i.n > $2"
		    " ORDER BY i.n LIMIT $3",
		    DB_VALS(db_i(mesh), db_i(in->after), db_i(limit)));
	return d_read(d, why,
	    "SELECT " COLUMNS " FROM inbox i"
	    " JOIN session s ON s.no = i.session JOIN mesh m ON m.no = i.mesh"
	    " WHERE i.session IN (SELECT no FROM session WHERE no = $4"
	    "  OR ($4 = 0 AND home = 1 AND ($1 = 0 OR mesh = $1)))"
	    " AND i.n > $2 AND i.seen = 0 AND i.receipt <> 'held'"
	    " ORDER BY i.n LIMIT $3",
	    DB_VALS(db_i(mesh), db_i(in->after), db_i(limit), db_i(session)));
}

static void
fill(struct inbox_row *o, const struct db_rows *r, size_t i)
{
	*o = (struct inbox_row){ .id = db_text(r, i, 0),
		.from = db_text(r, i, 1),
		.from_key = db_text(r, i, 2),
		.from_member = db_text(r, i, 3),
		.to = db_text(r, i, 4),
		.mesh = db_text(r, i, 5),
		.text = db_text(r, i, 6),
		.priority = db_text(r, i, 7),
		.encrypted = true,
		.verified = db_int(r, i, 8) != 0,
		.sent_at = db_int(r, i, 9),
		.received_at = db_int(r, i, 10),
		.receipt = db_text(r, i, 11),
		.reply_to = db_text(r, i, 12),
		.expects = db_text(r, i, 13),
		.read = db_int(r, i, 14) != 0,
		.problem = db_text(r, i, 15),
		.n = db_int(r, i, 16),
		.target = db_text(r, i, 18) };
}

static int
mark(struct daemon *d, const struct local_inbox_page *page, struct why *why)
{
	int code = OK;

	for (size_t i = 0; i < page->messages.n && code == OK; i++)
		if (!page->messages.v[i].read)
			code = d_write(d, why,
			    "UPDATE inbox SET seen = 1 WHERE n = $1",
			    DB_VALS(db_i(page->messages.v[i].n)));
	return code;
}

/* Told once to whoever reads, then it is known. */
static int
show_gap(struct daemon *d, int64_t mesh, bool seen,
    struct local_inbox_page *page)
{
	struct dmesh *m;
	int code = OK;

	for (size_t i = 0;
	     (m = map_next(&d->meshes, &i)) != NULL && code == OK;) {
		if (m->gone || !m->gap || (mesh != 0 && mesh != m->no))
			continue;
		page->gap = true;
		if (!seen)
			continue;
		m->gap = false;
		m->cursor_dirty = true;
		code = dmesh_cursor(m);
	}
	return code;
}

static int
page_of(struct daemon *d, const struct local_inbox *in, int64_t mesh,
    int64_t session, struct local_inbox_page *page, struct why *why)
{
	struct db_rows *r = rows(d, in, mesh, session, why);
	size_t bytes = 0;
	int code = OK;

	memset(page, 0, sizeof(*page));
	page->cursor = in->after;
	if (r == NULL)
		return why->code;
	page->messages.v =
	    arena_zalloc(&d->arena, (r->n + 1) * sizeof(*page->messages.v));
	for (size_t i = 0; i < r->n; i++) {
		bytes += strlen(db_text(r, i, 6)) + 800;
		if (i > 0 && bytes > LOCAL_PAGE_BYTES)
			break;
		fill(&page->messages.v[page->messages.n++], r, i);
		page->cursor = db_int(r, i, 16);
	}
	if (in->read)
		code = mark(d, page, why);
	return code == OK ? show_gap(d, mesh, in->read, page) : code;
}

static void
inbox_news(struct dop *op, bool late)
{
	struct local_inbox_page page;
	struct why why;

	if (page_of(op->d, op->in, op->mesh, op->session, &page, &why) != OK)
		op_fail_why(op, &why);
	else if (page.messages.n > 0 || late)
		op_reply(op, &wire_local_inbox_page, &page);
}

int
on_local_inbox(struct dq *q, const struct local_inbox *in)
{
	struct local_inbox_page page;
	struct dmesh *m = NULL;
	struct dop *op;
	int64_t session = 0;
	int code;

	if (*in->mesh != '\0' && (m = dq_mesh(q, in->mesh)) == NULL)
		return q->why.code;
	if (q->session != NULL && (m == NULL || q->session->mesh == m))
		session = q->session->no;
	code = page_of(q->d, in, m ? m->no : 0, session, &page, &q->why);
	if (code != OK)
		return code;
	if (page.messages.n > 0 || in->wait_ms == 0)
		return dq_reply(q, &wire_local_inbox_page, &page);
	op = op_new(q, NULL, NULL);
	op->mesh = m ? m->no : 0;
	op->session = session;
	op_wait(op, NEWS_INBOX, in->wait_ms, inbox_news);
	return OK;
}

/*
 * outbox.c - what was said here, on its way to the broker. Rows are committed
 * before they are sent and stay until they are settled. Order holds for each
 * session and target: at most one send of a pair is unanswered.
 *
 * Bodies are sealed when they are sent, so that they carry the roll and the
 * epoch of that moment.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define LOADED_MAX 256
#define FLYING_MAX 64
#define FRAME_ROOM (900 * 1024)
#define RETRY_MS 2000
#define EPOCH_MS 200 /* for the roll to come */
#define RESEND_AGE_MS (30LL * 24 * 3600 * 1000)

static void
send_free(struct dsend *s)
{
	mem_free(s->copy);
	mem_free(s);
}

void
outbox_free(struct dmesh *m)
{
	for (size_t i = 0; i < m->sends.n; i++)
		send_free(m->sends.v[i]);
	vec_fini(&m->sends);
}

/* The link is down: what was under way will be sent again, same ids. */
void
outbox_reset(struct dmesh *m)
{
	outbox_free(m);
	m->sends_to = 0;
	m->sends_more = true;
	m->flying = 0;
}

bool
outbox_waits(struct dsess *s)
{
	struct db_rows *r = d_read(s->mesh->d, NULL,
	    "SELECT 1 FROM outbox_copy c"
	    " JOIN outbox o ON o.n = c.outbox"
	    " WHERE c.mesh = $1 AND c.open = 1 AND o.session = $2 LIMIT 1",
	    DB_VALS(db_i(s->mesh->no), db_i(s->no)));

	return r != NULL && r->n > 0;
}

/* ---- loading ---- */

static struct dsend *
send_for(struct dmesh *m, int64_t n, int64_t session)
{
	struct dsend *s = m->sends.n > 0 ? m->sends.v[m->sends.n - 1] : NULL;

	if (s != NULL && s->n == n)
		return s;
	s = mem_zalloc(sizeof(*s));
	s->n = n;
	s->session = session;
	vec_add(&m->sends, s);
	return s;
}

static struct dsend *
find(struct dmesh *m, int64_t n, size_t *at)
{
	for (size_t i = 0; i < m->sends.n; i++)
		if (m->sends.v[i]->n == n) {
			*at = i;
			return m->sends.v[i];
		}
	return NULL;
}

static void
load(struct dmesh *m)
{
	struct db_rows *r;
	struct dsend *s;
	struct dcopy *c;
	int64_t last = 0, n, mine = 0;
	size_t at;

	if (!m->sends_more || m->sends.n >= LOADED_MAX / 2)
		return;
	r = d_read(m->d, NULL,
	    "SELECT c.outbox, c.i, c.target, c.meant, o.session"
	    " FROM outbox_copy c JOIN outbox o ON o.n = c.outbox"
	    " WHERE c.mesh = $1 AND c.open = 1 AND c.outbox > $2"
	    " ORDER BY c.outbox, c.i LIMIT 512",
	    DB_VALS(db_i(m->no), db_i(m->sends_to)));
	if (r == NULL)
		return;
	/* the last message of a full page may be cut: leave it for the next */
	if (r->n == 512)
		last = db_int(r, r->n - 1, 0);
	m->sends_more = r->n == 512;
	for (size_t i = 0; i < r->n; i++) {
		n = db_int(r, i, 0);
		if (n == last)
			break;
		if (n != mine && find(m, n, &at) != NULL)
			continue; /* loaded before something older came back */
		mine = n;
		s = send_for(m, n, db_int(r, i, 4));
		s->copy =
		    mem_realloc(s->copy, (s->ncopy + 1) * sizeof(*s->copy));
		c = &s->copy[s->ncopy++];
		c->i = db_int(r, i, 1);
		str_copy(c->target, sizeof(c->target), db_text(r, i, 2));
		str_copy(c->meant, sizeof(c->meant), db_text(r, i, 3));
		m->sends_to = s->n;
	}
}

/* ---- one frame ---- */

struct row {
	const char *id, *text, *priority, *reply_to, *expects;
	int64_t at;
};

static int
read_row(struct dmesh *m, int64_t n, struct row *out, struct why *why)
{
	struct db_rows *r = d_read(m->d, why,
	    "SELECT id, body, priority, reply_to,"
	    " expects, sent_at FROM outbox WHERE n = $1 LIMIT 1",
	    DB_VALS(db_i(n)));

	if (r == NULL || r->n == 0)
		return E_STORE;
	*out =
	    (struct row){ db_text(r, 0, 0), db_text(r, 0, 1), db_text(r, 0, 2),
		    db_text(r, 0, 3), db_text(r, 0, 4), db_int(r, 0, 5) };
	return OK;
}

static int
seal(struct dmesh *m, struct dsess *from, const struct row *row,
    const struct dcopy *c, struct copy *out, struct why *why)
{
	struct body b = { .mesh = m->id,
		.from = from->key.hex,
		.to = c->target,
		.session = c->meant,
		.id = row->id,
		.epoch = dmesh_epoch(m),
		.roll = { .n = roll_n(m->roll), .head = roll_head(m->roll) },
		.priority = row->priority,
		.sent_at = row->at,
		.text = row->text,
		.reply_to = row->reply_to,
		.expects = row->expects,
		.has_roll = true,
		.member = m->member.hex };
	struct sealed sealed;
	uint8_t key[32];
	int code;

	if (dmesh_old(m, c->target))
		code = body_seal_bare(&m->d->arena, row->text, &from->key,
		    c->target, &sealed, why);
	else if (label_kind(c->target) == LABEL_NONE)
		code = body_seal_direct(&m->d->arena, m->d->boxes, &b,
		    &from->key, c->target, &sealed, why);
	else if (!dmesh_epoch_key(m, b.epoch, key))
		code = why_set(why, E_UNAVAILABLE,
		    "the key of epoch %lld is not here yet",
		    (long long)b.epoch);
	else
		code = body_seal_group(&m->d->arena, &b, &from->key, key,
		    &sealed, why);
	key_wipe(key, sizeof(key));
	if (code == OK)
		*out = (struct copy){ .target_spec = c->target,
			.nonce = sealed.nonce,
			.ciphertext = sealed.ciphertext };
	return code;
}

static void on_ack(void *arg, uint64_t tag, const struct link_reply *r);

/* As many copies as fit one frame; the others follow its answer. */
static void
send_one(struct dmesh *m, struct dsend *s, struct dsess *from)
{
	struct copy *copy = arena_alloc(&m->d->arena, s->ncopy * sizeof(*copy));
	struct message_send in = { 0 };
	struct row row;
	struct why why;
	size_t n = 0, bytes = 0;
	int code = read_row(m, s->n, &row, &why);

	for (; code == OK && n < s->ncopy && n < 101; n++) {
		if ((code = seal(m, from, &row, &s->copy[n], &copy[n], &why)) !=
		    OK)
			break;
		if (label_kind(s->copy[n].target) != LABEL_NONE)
			in.epoch = dmesh_epoch(m);
		bytes += strlen(copy[n].ciphertext) + 300;
		if (n > 0 && bytes > FRAME_ROOM)
			break;
	}
	if (code != OK) {
		log_event(LOG_ERROR, "cannot_seal", "mesh", m->slug, "why",
		    why.text, NULL);
		m->retry_at = io_mono(m->d->io) + RETRY_MS;
		dmesh_timer(m, RETRY_MS);
		return;
	}
	in.id = row.id;
	in.priority = row.priority;
	in.target_spec = copy[0].target_spec;
	in.nonce = copy[0].nonce;
	in.ciphertext = copy[0].ciphertext;
	in.copies.n = n - 1;
	in.copies.v = copy + 1;
	if (link_call(m->link, &wire_message_send, &in, from->key.hex, on_ack,
		m, (uint64_t)s->n) != OK)
		return;
	s->flying = true;
	s->nsent = n;
	m->flying++;
}

static void
pair_key(char out[160], int64_t session, const char *target)
{
	snprintf(out, 160, "%lld:%s", (long long)session, target);
}

/* Is a pair of this one waiting for an answer, or for an earlier one? */
static bool
blocked(struct map *busy, const struct dsend *s)
{
	char key[160];

	for (size_t i = 0; i < s->ncopy; i++) {
		pair_key(key, s->session, s->copy[i].target);
		if (map_gets(busy, key) != NULL)
			return true;
	}
	return false;
}

static void
occupy(struct map *busy, struct dsend *s)
{
	char key[160];

	for (size_t i = 0; i < s->ncopy; i++) {
		pair_key(key, s->session, s->copy[i].target);
		map_puts(busy, key, s);
	}
}

void
outbox_pump(struct dmesh *m)
{
	struct map busy = { 0 };
	struct dsess *from;

	m->pump = false;
	if (io_mono(m->d->io) < m->retry_at) {
		dmesh_timer(m, m->retry_at - io_mono(m->d->io));
		return;
	}
	load(m);
	for (size_t i = 0; i < m->sends.n && m->flying < FLYING_MAX; i++) {
		struct dsend *s = m->sends.v[i];

		from = sess_at(m->d, s->session);
		if (!s->flying && !blocked(&busy, s) && from != NULL &&
		    link_session_open(m->link, from->key.hex))
			send_one(m, s, from);
		occupy(&busy, s);
	}
	map_fini(&busy);
}

/* ---- the answer ---- */

/* Will trying again help? */
static bool
passes(int code)
{
	switch (code) {
	case E_RATE_LIMITED:
	case E_STORAGE_FULL:
	case E_UNAVAILABLE:
	case E_UNREACHABLE:
	case E_TIMED_OUT:
	case E_STORE:
	case E_TOO_BROAD: /* looking it up took too long: a busy broker */
	case E_INTERNAL:
	case E_NO_SESSION:
	case E_NO_HELLO:
	case E_QUOTA:
	case E_EPOCH_STALE: /* it is sealed anew, under the same id */
		return true;
	default:
		return false;
	}
}

static int
refuse_all(struct dmesh *m, struct dsend *s, const struct why *why)
{
	struct why w;
	int code = OK;

	for (size_t i = 0; i < s->nsent && code == OK; i++)
		code = d_write(m->d, &w,
		    "UPDATE outbox_copy SET rung = 'refused',"
		    " reason = $3, at = $4, open = 0 WHERE outbox = $1 AND i = $2",
		    DB_VALS(db_i(s->n), db_i(s->copy[i].i), db_s(why->text),
			db_i(d_now(m->d))));
	if (code != OK)
		d_broken(m->d, "outbox", &w);
	m->d->news |= NEWS_SENT;
	return code;
}

static void
drop_sent(struct dmesh *m, struct dsend *s, size_t at)
{
	struct dsess *from = sess_at(m->d, s->session);

	s->ncopy -= s->nsent;
	memmove(s->copy, s->copy + s->nsent, s->ncopy * sizeof(*s->copy));
	s->nsent = 0;
	if (s->ncopy > 0)
		return;
	vec_del(&m->sends, at);
	send_free(s);
	if (from != NULL)
		sess_settle(from);
}

static void
later(struct dmesh *m, const struct link_reply *r)
{
	int64_t ms = r->retry_after_ms > 0 ? r->retry_after_ms : RETRY_MS;

	log_event(LOG_WARN, "send_later", "mesh", m->slug, "why", r->why.text,
	    NULL);
	if (r->code == E_NO_SESSION || r->code == E_NO_HELLO ||
	    r->code == E_TIMED_OUT) {
		link_drop(m->link, r->why.text);
		return;
	}
	if (r->code == E_EPOCH_STALE) {
		link_roll_sync(m->link);
		/* the roll knows of no other epoch: no hurry */
		ms = m->stale == dmesh_epoch(m) ? RETRY_MS : EPOCH_MS;
		m->stale = dmesh_epoch(m);
	}
	m->retry_at = io_mono(m->d->io) + ms;
	dmesh_timer(m, ms);
}

static void
on_ack(void *arg, uint64_t tag, const struct link_reply *r)
{
	struct dmesh *m = arg;
	const struct ack *ack = r->msg;
	struct dsess *from;
	struct dsend *s;
	size_t at;

	if (r->code == E_UNREACHABLE ||
	    (s = find(m, (int64_t)tag, &at)) == NULL)
		return; /* the link tells its going by itself */
	s->flying = false;
	m->flying--;
	m->pump = true;
	if (r->code != OK && passes(r->code)) {
		later(m, r);
		return;
	}
	from = sess_at(m->d, s->session);
	if (r->code != OK)
		refuse_all(m, s, &r->why);
	else
		for (size_t i = 0; i < ack->recipients.n; i++)
			copy_news(m, s->n, from, ack->id,
			    &ack->recipients.v[i]);
	drop_sent(m, s, at);
}

/* ---- asking how far things came ---- */

/*
 * The broker knows nothing of a message that it had stored: its database was
 * set back, or this is so long ago that it forgot. What no receiver signed for
 * goes out again under its id, which makes it harmless if it did arrive.
 */
static int
back_to_queue(struct dmesh *m, int64_t n, struct why *why)
{
	int code = d_write(m->d, why,
	    "UPDATE outbox_copy SET rung = 'queued', reason = $3, open = 1"
	    " WHERE outbox = $1 AND rung = 'stored' AND via = '' AND"
	    " EXISTS (SELECT 1 FROM"
	    " outbox o WHERE o.n = $1 AND o.sent_at > $2)",
	    DB_VALS(db_i(n), db_i(d_now(m->d) - RESEND_AGE_MS),
		db_s("the broker had lost it")));

	if (code == OK)
		code = d_write(m->d, why,
		    "UPDATE outbox_copy SET open = 0 WHERE outbox = $1"
		    " AND open = 2",
		    DB_VALS(db_i(n)));
	if (code == OK) /* for whom a label stands is found out again */
		code = d_write(m->d, why,
		    "DELETE FROM outbox_copy WHERE outbox = $1"
		    " AND via <> '' AND rung = 'stored'",
		    DB_VALS(db_i(n)));
	if (code != OK)
		return code;
	if (m->sends_to >= n)
		m->sends_to = n - 1;
	m->sends_more = m->pump = true;
	m->d->news |= NEWS_SENT;
	return OK;
}

static void
on_status(void *arg, uint64_t tag, const struct link_reply *r)
{
	struct dmesh *m = arg;
	const struct message_status_result *res = r->msg;
	struct db_rows *row;
	struct why why;

	if (r->code == E_UNREACHABLE)
		return;
	m->status_flying--;
	row = d_read(m->d, &why,
	    "SELECT session FROM outbox WHERE n = $1 LIMIT 1",
	    DB_VALS(db_i((int64_t)tag)));
	if (row == NULL || row->n == 0)
		return;
	if (r->code == E_NOT_FOUND) {
		if (back_to_queue(m, (int64_t)tag, &why) != OK)
			d_broken(m->d, "status", &why);
		return;
	}
	for (size_t i = 0; r->code == OK && i < res->recipients.n; i++)
		copy_news(m, (int64_t)tag, sess_at(m->d, db_int(row, 0, 0)),
		    res->message_id, &res->recipients.v[i]);
}

void
status_pump(struct dmesh *m)
{
	struct message_status in;
	struct db_rows *r;
	struct dsess *s;

	if (m->status_flying > 0)
		return;
	r = d_read(m->d, NULL,
	    "SELECT DISTINCT c.outbox, o.id, o.session"
	    " FROM outbox_copy c JOIN outbox o ON o.n = c.outbox"
	    " WHERE c.mesh = $1 AND c.open = 2 AND c.outbox > $2"
	    " ORDER BY c.outbox LIMIT 16",
	    DB_VALS(db_i(m->no), db_i(m->status_at)));
	if (r == NULL || r->n == 0) {
		m->status_at = -1;
		return;
	}
	for (size_t i = 0; i < r->n; i++) {
		m->status_at = db_int(r, i, 0);
		s = sess_at(m->d, db_int(r, i, 2));
		if (s == NULL || !link_session_open(m->link, s->key.hex))
			continue;
		in = (struct message_status){ .message_id = db_text(r, i, 1) };
		if (link_call(m->link, &wire_message_status, &in, s->key.hex,
			on_status, m, (uint64_t)m->status_at) == OK)
			m->status_flying++;
	}
	if (m->status_flying == 0)
		d_wake(m->d);
}

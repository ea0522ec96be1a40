/*
 * do_status.c - the daemon itself: hello, stop, how it is, whose it is.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define SKEW_MS (2 * 60 * 1000LL)

int
on_local_hello(struct dq *q, const struct local_hello *in)
{
	struct daemon *d = q->d;
	bool renew = in->build > d->conf.build && d->conf.build > 0 &&
	    in->exe[0] == '/' && d->conf.renew != NULL && !d->stopping;
	struct local_welcome out = { .version = d->conf.version,
		.pid = d->conf.pid,
		.renewing = renew };

	dq_reply(q, &wire_local_welcome, &out);
	if (renew) {
		log_event(LOG_INFO, "renewing", "exe", in->exe, NULL);
		d->conf.renew(d->conf.arg, in->exe);
		daemon_stop(d);
	}
	return OK;
}

int
on_local_stop(struct dq *q, const struct local_stop *in)
{
	const struct ok ok = { 0 };

	(void)in;
	dq_reply(q, &wire_ok, &ok);
	daemon_stop(q->d);
	return OK;
}

int
on_local_account_show(struct dq *q, const struct local_account_show *in)
{
	(void)in;
	return reply(q, local_account, .account = q->d->account.hex,
	    .file = q->d->conf.account_file ? q->d->conf.account_file : "-",
	    .meshes = (int64_t)q->d->meshes.n);
}

/* ---- status ---- */

static int64_t
count(struct daemon *d, const char *sql, int64_t mesh)
{
	struct db_rows *r = d_read(d, NULL, sql, DB_VALS(db_i(mesh)));

	return r != NULL && r->n == 1 ? db_int(r, 0, 0) : 0;
}

static void
fill_link(struct dmesh *m, struct link_state *o)
{
	struct dsess *s;

	*o = (struct link_state){ .mesh = m->slug,
		.id = m->id,
		.broker = m->broker,
		.state = link_phase_name(link_phase(m->link)),
		.reason = link_reason(m->link) };
	o->outbox = count(m->d,
	    "SELECT COUNT(DISTINCT outbox) FROM outbox_copy"
	    " WHERE mesh = $1 AND open = 1 LIMIT 1",
	    m->no);
	o->unread = count(m->d,
	    "SELECT COUNT(*) FROM inbox WHERE mesh = $1"
	    " AND seen = 0 LIMIT 1",
	    m->no);
	for (size_t i = 0; (s = map_next(&m->sessions, &i)) != NULL;)
		o->sessions += s->state == SESS_OPEN;
}

static struct check *
add(struct local_state *out, const char *name, bool ok, const char *detail,
    const char *fix)
{
	struct check *c = &out->checks.v[out->checks.n++];

	*c = (struct check){ .name = name,
		.ok = ok,
		.detail = detail,
		.fix = ok ? "" : fix };
	out->ok = out->ok && ok;
	return c;
}

static void
check_mesh(struct dq *q, struct local_state *out, struct dmesh *m)
{
	const char *name = arena_printf(q->a, "mesh %.50s", m->slug);
	int64_t skew = link_skew(m->link);

	if (out->checks.n > 190)
		return;
	add(out, name, dmesh_up(m),
	    dmesh_up(m)
		? m->broker
		: arena_printf(q->a, "%s: %s", m->broker, link_reason(m->link)),
	    link_phase(m->link) == LINK_REFUSED
		? "claudemesh daemon down; claudemesh daemon up"
		: "claudemesh broker run");
	/* names of their own: what shows checks knows them by their names */
	if (*m->warning != '\0')
		add(out, arena_printf(q->a, "warning of mesh %.45s", m->slug),
		    false, m->warning, "claudemesh mesh list");
	if (skew > SKEW_MS || skew < -SKEW_MS)
		add(out, arena_printf(q->a, "clock of mesh %.45s", m->slug),
		    false,
		    arena_printf(q->a,
			"the clocks of broker and "
			"daemon differ by %lld s",
			(long long)(skew / 1000)),
		    "timedatectl set-ntp true");
	if (m->home->state != SESS_OPEN)
		add(out, arena_printf(q->a, "session in mesh %.45s", m->slug),
		    false,
		    arena_printf(q->a, "the home session was ended: %s",
			m->home->reason),
		    "claudemesh profile show");
}

int
on_local_status(struct dq *q, const struct local_status *in)
{
	struct daemon *d = q->d;
	struct local_state out = { .ok = true,
		.version = d->conf.version,
		.pid = d->conf.pid,
		.started_at = d->started_at };
	struct dmesh *m;
	bool full = turn_is_read_only(d->turn);

	(void)in;
	out.checks.v = arena_alloc(q->a, 200 * sizeof(*out.checks.v));
	out.meshes.v =
	    arena_alloc(q->a, (d->meshes.n + 1) * sizeof(*out.meshes.v));
	add(&out, "store", !full,
	    full ? "the disk is full: nothing is accepted"
		 : "daemon.db is open",
	    "free some disk space");
	add(&out, "meshes", true,
	    d->meshes.n > 0
		? arena_printf(q->a, "%zu joined", d->meshes.n)
		: "none joined; `claudemesh mesh create NAME` makes one",
	    "");
	for (size_t i = 0; (m = map_next(&d->meshes, &i)) != NULL;) {
		if (m->gone)
			continue;
		fill_link(m, &out.meshes.v[out.meshes.n++]);
		check_mesh(q, &out, m);
	}
	return dq_reply(q, &wire_local_state, &out);
}

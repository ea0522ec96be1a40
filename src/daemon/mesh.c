/*
 * mesh.c - the meshes that were joined: rows and memory. It promises that the
 * roll in memory is the one in the database once the turn is committed.
 */
#include "daemon/record.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/log.h"

/* ---- loading ---- */

static int
load_roll(struct dmesh *m, struct why *why)
{
	struct daemon *d = m->d;
	struct db_rows *r;
	struct arena a = { 0 };
	int code = OK;

	m->roll = roll_new();
	do {
		arena_reset(&a);
		r = db_query(d->db, &a, why,
		    "SELECT bytes FROM act WHERE mesh = $1"
		    " AND n >= $2 ORDER BY n LIMIT 500",
		    DB_VALS(db_i(m->no), db_i(roll_n(m->roll))));
		if (r == NULL)
			code = E_STORE;
		for (size_t i = 0; r != NULL && i < r->n && code == OK; i++)
			code = roll_apply(m->roll, db_text(r, i, 0), why);
	} while (code == OK && r->n > 0);
	arena_fini(&a);
	return code;
}

static int
load_epoch(struct dmesh *m, struct why *why)
{
	struct db_rows *r = d_read(m->d, why,
	    "SELECT n, secret FROM epoch WHERE mesh = $1 ORDER BY n DESC LIMIT 1",
	    DB_VALS(db_i(m->no)));

	if (r == NULL)
		return E_STORE;
	if (r->n == 1 &&
	    hex_decode(m->epoch_key, 32, db_text(r, 0, 1), 64) == 32)
		m->epoch = db_int(r, 0, 0);
	return OK;
}

#define MESH_COLUMNS                                              \
	"no, id, slug, broker, me, daemon_id, history, seq, gap," \
	" warning, ca, pin"

static struct dmesh *
mesh_from(struct daemon *d, const struct db_rows *r, size_t i)
{
	struct dmesh *m = mem_zalloc(sizeof(*m));

	m->d = d;
	m->no = db_int(r, i, 0);
	str_copy(m->id, sizeof(m->id), db_text(r, i, 1));
	str_copy(m->slug, sizeof(m->slug), db_text(r, i, 2));
	str_copy(m->broker, sizeof(m->broker), db_text(r, i, 3));
	str_copy(m->me, sizeof(m->me), db_text(r, i, 4));
	str_copy(m->daemon_id, sizeof(m->daemon_id), db_text(r, i, 5));
	str_copy(m->history, sizeof(m->history), db_text(r, i, 6));
	m->seq = m->acked = db_int(r, i, 7);
	m->gap = db_int(r, i, 8) != 0;
	str_copy(m->warning, sizeof(m->warning), db_text(r, i, 9));
	m->ca = mem_strdup(db_text(r, i, 10));
	str_copy(m->pin, sizeof(m->pin), db_text(r, i, 11));
	m->status_at = -1;
	m->sends_more = true;
	m->chan.id = (uint64_t)m->no << 2 | 1;
	key_member(&m->member, d->conf.seed, m->id);
	map_puti(&d->meshes, (uint64_t)m->no, m);
	return m;
}

/* Its link, and the sessions that are to be open on it. */
static int
mesh_open(struct dmesh *m, struct why *why)
{
	struct link_conf lc = { .url = m->broker,
		.ca = m->ca,
		.pin = m->pin,
		.mesh = m->id,
		.member = &m->member,
		.roll = m->roll };
	struct dsess *s;
	int code;

	m->link = link_new(m->d->io, &lc, &dmesh_link_ops, m);
	if ((code = sess_load(m, why)) != OK ||
	    (code = roster_load(m, why)) != OK)
		return code;
	for (size_t i = 0; (s = map_next(&m->sessions, &i)) != NULL;)
		if (s->state == SESS_OPEN || s->linger)
			link_session(m->link, &s->key, s->name);
	return OK;
}

int
dmesh_load_all(struct daemon *d, struct why *why)
{
	struct arena a = { 0 };
	struct db_rows *r;
	struct dmesh *m;
	int code = OK;

	r = db_query(d->db, &a, why,
	    "SELECT " MESH_COLUMNS " FROM mesh ORDER BY no LIMIT 1000", 0,
	    NULL);
	if (r == NULL)
		code = E_STORE;
	for (size_t i = 0; code == OK && i < r->n; i++) {
		m = mesh_from(d, r, i);
		arena_reset(&d->arena);
		if ((code = load_roll(m, why)) == OK &&
		    (code = load_epoch(m, why)) == OK)
			code = mesh_open(m, why);
	}
	arena_fini(&a);
	return code;
}

/* ---- making and erasing ---- */

static void
slug_of(char out[49], const char *name)
{
	size_t n = 0;

	for (; *name != '\0' && n < 48; name++) {
		unsigned char c = (unsigned char)*name;

		if (c < 128 && isalnum(c))
			out[n++] = (char)tolower(c);
		else if (n > 0 && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n > 0 && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	if (n == 0)
		strcpy(out, "mesh");
}

static void
free_slug(struct daemon *d, const char *name, char out[65])
{
	char base[49];

	slug_of(base, name);
	str_copy(out, 65, base);
	for (int i = 2; dmesh_named(d, out) != NULL; i++)
		snprintf(out, 65, "%s-%d", base, i);
}

static int
insert_mesh(struct daemon *d, const struct mesh_new *in, int64_t *no,
    struct why *why)
{
	char slug[65], id[23], hex[65];
	int code;

	free_slug(d, roll_name(in->roll), slug);
	d_ids(d, id);
	code = d_write(d, why,
	    "INSERT INTO mesh (id, slug, broker, me, daemon_id,"
	    " history, seq, gap, warning, joined_at, ca, pin)"
	    " VALUES ($1, $2, $3, $4, $5, '', 0, 0, '', $6, $7, $8)",
	    DB_VALS(db_s(roll_mesh(in->roll)), db_s(slug), db_s(in->broker),
		db_s(in->me), db_s(id), db_i(d_now(d)), db_s(in->ca),
		db_s(in->pin)));
	*no = db_last_rowkey(d->db);
	for (size_t i = 0; code == OK && i < in->nact; i++)
		code = d_write(d, why,
		    "INSERT INTO act (mesh, n, bytes) VALUES ($1, $2, $3)",
		    DB_VALS(db_i(*no), db_i((int64_t)i), db_s(in->act[i])));
	hex_encode(hex, in->epoch_key, 32);
	if (code == OK)
		code = d_write(d, why,
		    "INSERT INTO epoch (mesh, n, secret) VALUES ($1, $2, $3)",
		    DB_VALS(db_i(*no), db_i(roll_epoch(in->roll)), db_s(hex)));
	key_wipe(hex, sizeof(hex));
	return code;
}

struct dmesh *
dmesh_add(struct daemon *d, const struct mesh_new *in, struct why *why)
{
	struct local_session_open home = { .name = in->me,
		.peer_type = "human",
		.channel = "cli" };
	struct db_rows *r;
	struct dmesh *m;
	int64_t no;

	if (d->meshes.n >= MESHES_MAX) {
		why_set(why, E_QUOTA, "at most %d meshes can be joined",
		    MESHES_MAX);
		return NULL;
	}
	if (insert_mesh(d, in, &no, why) != OK)
		return NULL;
	r = d_read(d, why,
	    "SELECT " MESH_COLUMNS " FROM mesh WHERE no = $1 LIMIT 1",
	    DB_VALS(db_i(no)));
	if (r == NULL || r->n != 1)
		return NULL;
	m = mesh_from(d, r, 0);
	m->roll = in->roll;
	memcpy(m->epoch_key, in->epoch_key, 32);
	m->epoch = roll_epoch(m->roll);
	if (mesh_open(m, why) != OK || sess_new(m, &home, true, why) == NULL) {
		m->roll = NULL; /* not taken */
		m->gone = true;
		return NULL;
	}
	log_event(LOG_INFO, "mesh_added", "mesh", m->slug, "id", m->id, NULL);
	link_dial(m->link);
	return m;
}

int
dmesh_erase(struct dmesh *m, struct why *why)
{
	static const char *const sql[] = {
		"DELETE FROM outbox_copy WHERE mesh = $1",
		"DELETE FROM outbox WHERE mesh = $1",
		"DELETE FROM event WHERE mesh = $1",
		"DELETE FROM inbox WHERE mesh = $1",
		"DELETE FROM peer WHERE mesh = $1",
		"DELETE FROM pin WHERE mesh = $1",
		"DELETE FROM record_seen WHERE mesh = $1",
		"DELETE FROM session WHERE mesh = $1",
		"DELETE FROM epoch WHERE mesh = $1",
		"DELETE FROM act WHERE mesh = $1",
		"DELETE FROM mesh WHERE no = $1",
	};
	int code = OK;

	for (size_t i = 0; i < countof(sql) && code == OK; i++)
		code = d_write(m->d, why, sql[i], DB_VALS(db_i(m->no)));
	if (code == OK) {
		m->gone = true;
		link_bye(m->link);
		log_event(LOG_INFO, "mesh_erased", "mesh", m->slug, NULL);
	}
	return code;
}

void
dmesh_free(struct dmesh *m)
{
	struct dsess *s;

	turn_chan_gone(m->d->turn, &m->chan);
	io_timer_stop(m->d->io, m->timer);
	link_free(m->link);
	outbox_free(m);
	inbox_free(m);
	roster_free(m);
	for (size_t i = 0; (s = map_next(&m->sessions, &i)) != NULL;)
		sess_free(s);
	map_fini(&m->sessions);
	roll_free(m->roll);
	mem_free(m->ca);
	state_ring_free(m->changes);
	key_wipe(&m->member, sizeof(m->member));
	key_wipe(m->epoch_key, sizeof(m->epoch_key));
	mem_free(m);
}

void
dmesh_sweep(struct daemon *d)
{
	struct dmesh *m;

	for (size_t i = 0; (m = map_next(&d->meshes, &i)) != NULL;)
		if (m->gone) {
			map_deli(&d->meshes, (uint64_t)m->no);
			dmesh_free(m);
		}
}

/* ---- questions ---- */

struct dmesh *
dmesh_at(struct daemon *d, int64_t no)
{
	struct dmesh *m = map_geti(&d->meshes, (uint64_t)no);

	return m != NULL && !m->gone ? m : NULL;
}

struct dmesh *
dmesh_named(struct daemon *d, const char *name)
{
	struct dmesh *m;

	for (size_t i = 0; (m = map_next(&d->meshes, &i)) != NULL;)
		if (!m->gone && (str_eq(m->slug, name) || str_eq(m->id, name)))
			return m;
	return NULL;
}

bool
dmesh_up(const struct dmesh *m)
{
	return link_phase(m->link) == LINK_UP;
}

bool
dmesh_old(const struct dmesh *m, const char *member)
{
	const struct roll_member *rm = roll_member(m->roll, member);

	return rm != NULL && rm->old_client && rm->state == MEMBER_ACTIVE &&
	    roll_old_clients(m->roll);
}

bool
dmesh_owner(struct dmesh *m, struct key *owner)
{
	key_owner(owner, m->d->conf.seed, roll_genesis_nonce(m->roll));
	if (str_eq(owner->hex, roll_owner(m->roll)))
		return true;
	key_wipe(owner, sizeof(*owner));
	return false;
}

/* Whose key the owner's is cannot be seen but by the owner: it made the
 * genesis act, and the act after it made its own member the first admin. */
const char *
dmesh_role(const struct dmesh *m, const char *member)
{
	const struct roll_member *first = roll_member_at(m->roll, 0);

	if (first != NULL && str_eq(first->key, member) && first->admin)
		return "owner";
	return roll_is_admin(m->roll, member) ? "admin" : "member";
}

int
dmesh_warn(struct dmesh *m, const char *text)
{
	struct why why;
	int code;

	if (str_eq(m->warning, text))
		return OK;
	log_event(LOG_ERROR, "mesh_warning", "mesh", m->slug, "warning", text,
	    NULL);
	code = d_write(m->d, &why, "UPDATE mesh SET warning = $2 WHERE no = $1",
	    DB_VALS(db_i(m->no), db_s(text)));
	if (code == OK)
		str_copy(m->warning, sizeof(m->warning), text);
	return code;
}

int
dmesh_cursor(struct dmesh *m)
{
	struct why why;
	int code;

	if (!m->cursor_dirty)
		return OK;
	m->cursor_dirty = false;
	code = d_write(m->d, &why,
	    "UPDATE mesh SET history = $2, seq = $3, gap = $4 WHERE no = $1",
	    DB_VALS(db_i(m->no), db_s(m->history), db_i(m->seq), db_i(m->gap)));
	if (code != OK)
		d_broken(m->d, "cursor", &why);
	return code;
}

/* Without a session there is nothing to say to a broker. */
void
dmesh_idle(struct dmesh *m, const char *reason)
{
	struct dsess *s;

	for (size_t i = 0; (s = map_next(&m->sessions, &i)) != NULL;)
		if (s->state == SESS_OPEN || s->linger)
			return;
	m->idle = true;
	link_refuse(m->link, reason);
}

void
dmesh_dial(struct dmesh *m)
{
	if (m->idle) {
		m->idle = false;
		link_dial(m->link);
	}
}

/* ---- the turn's share of a mesh ---- */

static void
on_mesh_timer(void *arg, io_id id)
{
	struct dmesh *m = arg;

	(void)id;
	m->timer = 0;
	m->due = true;
	d_wake(m->d);
}

void
dmesh_timer(struct dmesh *m, int64_t ms)
{
	if (m->timer == 0)
		m->timer = io_timer(m->d->io, ms, on_mesh_timer, m);
}

static void
in_request(struct dmesh *m, void (*fn)(struct dmesh *))
{
	if (m->d->reload)
		return;
	d_begin(m->d);
	fn(m);
	d_end(m->d, !m->d->reload);
}

static void
write_cursor(struct dmesh *m)
{
	dmesh_cursor(m);
}

void
dmesh_run(struct dmesh *m)
{
	bool due = m->due;

	m->due = false;
	inbox_run(m);
	if (m->cursor_dirty)
		in_request(m, write_cursor);
	if (!dmesh_up(m))
		return;
	if (!m->keys_asked && keys_due(m))
		in_request(m, keys_run);
	if (turnover_due(m))
		in_request(m, turnover_run);
	if (m->roster_stale || due)
		in_request(m, roster_run);
	if (m->pump || due)
		in_request(m, outbox_pump);
	if (m->status_at >= 0)
		in_request(m, status_pump);
	if (m->ask_heard)
		in_request(m, heard_pump);
	if (m->ack || due)
		in_request(m, ack_pump);
}

const char *
name_fault(const char *name)
{
	static const char *const reserved[] = { "system", "human", "broker",
		"all" };
	const char *fault = str_name_fault(name, 64);

	if (fault != NULL)
		return fault;
	if (*name == '@' || *name == '#' || *name == '*')
		return "begins with @, # or *";
	if (str_starts(name, "tag:"))
		return "begins with tag:";
	for (size_t i = 0; i < countof(reserved); i++)
		if (str_eq(name, reserved[i]))
			return "is reserved";
	return NULL;
}

void
mesh_ref_fill(const struct dmesh *m, struct mesh_ref *out)
{
	*out = (struct mesh_ref){ .id = m->id,
		.slug = m->slug,
		.name = roll_name(m->roll),
		.broker = m->broker,
		.owner = roll_owner(m->roll) };
}

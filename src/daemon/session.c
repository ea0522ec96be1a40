/*
 * session.c - the sessions of this daemon: the home session of each mesh, and
 * launched ones that live as long as a process. A session that ended keeps its
 * key, for mail that is still on its way and for --resume.
 */
#include "daemon/core.h"

#include <string.h>

#include "base/enc.h"
#include "base/log.h"

#define KEEP_ENDED_MS (60LL * 24 * 3600 * 1000)

const char *
sess_state_name(enum sess_state s)
{
	return s == SESS_OPEN ? "open" : s == SESS_ENDED ? "ended" : "refused";
}

void
sess_free(struct dsess *s)
{
	io_watch_stop(s->mesh->d->io, s->watch);
	map_deli(&s->mesh->d->sess_no, (uint64_t)s->no);
	arena_fini(&s->mem);
	key_wipe(&s->key, sizeof(s->key));
	mem_free(s->open_text);
	mem_free(s->page_text);
	mem_free(s);
}

struct dsess *
sess_at(struct daemon *d, int64_t no)
{
	return map_geti(&d->sess_no, (uint64_t)no);
}

struct dsess *
sess_id(struct daemon *d, const char *id)
{
	struct dsess *s;

	for (size_t i = 0; (s = map_next(&d->sess_no, &i)) != NULL;)
		if (str_eq(s->id, id) && !s->mesh->gone)
			return s;
	return NULL;
}

/* ---- rows and memory ---- */

static char *
encoded(const struct wire_msg *row, const void *in)
{
	struct buf b;

	buf_init(&b, 64 * 1024);
	wire_encode(&b, row, in, NULL, NULL);
	return b.over ? (buf_fini(&b), mem_strdup("{}")) : b.data;
}

/* What the session said of itself, from the text that is stored. */
static int
decode_texts(struct dsess *s, struct why *why)
{
	int code;

	arena_reset(&s->mem);
	code = wire_decode_text(&wire_local_session_open, s->open_text,
	    strlen(s->open_text), &s->open, &s->mem, why);
	if (code == OK)
		code = wire_decode_text(&wire_local_profile_page, s->page_text,
		    strlen(s->page_text), &s->page, &s->mem, why);
	return code;
}

static int64_t
pid_start(struct daemon *d, int pid)
{
	return d->conf.pid_start ? d->conf.pid_start(d->conf.arg, pid) : 1;
}

static void
on_death(void *arg, io_id id)
{
	struct daemon *d = arg;
	struct dsess *s;

	for (size_t i = 0; (s = map_next(&d->sess_no, &i)) != NULL;)
		if (s->watch == id) {
			s->watch = 0;
			s->died = d->deaths = true;
		}
	d_wake(d);
}

/* A pid is used again: only one that began when ours did is ours. */
static void
watch(struct dsess *s)
{
	struct daemon *d = s->mesh->d;

	if (s->pid == 0 || s->state != SESS_OPEN || s->watch != 0)
		return;
	if (pid_start(d, s->pid) != s->pid_start)
		s->died = d->deaths = true;
	else
		s->watch = io_watch_pid(d->io, s->pid, on_death, d);
}

#define COLUMNS                                                         \
	"no, id, key, seed, name, home, state, reason, pid, pid_start," \
	" hello, profile"

static struct dsess *
sess_from(struct dmesh *m, const struct db_rows *r, size_t i, struct why *why)
{
	struct dsess *s = mem_zalloc(sizeof(*s));
	uint8_t seed[32];

	s->mesh = m;
	s->no = db_int(r, i, 0);
	str_copy(s->id, sizeof(s->id), db_text(r, i, 1));
	if (hex_decode(seed, 32, db_text(r, i, 3), 64) == 32)
		key_from_seed(&s->key, seed);
	key_wipe(seed, sizeof(seed));
	str_copy(s->name, sizeof(s->name), db_text(r, i, 4));
	s->home = db_int(r, i, 5) != 0;
	s->state = str_eq(db_text(r, i, 6), "open") ? SESS_OPEN
	    : str_eq(db_text(r, i, 6), "ended")	    ? SESS_ENDED
						    : SESS_REFUSED;
	str_copy(s->reason, sizeof(s->reason), db_text(r, i, 7));
	s->pid = (int)db_int(r, i, 8);
	s->pid_start = db_int(r, i, 9);
	s->open_text = mem_strdup(db_text(r, i, 10));
	s->page_text = mem_strdup(db_text(r, i, 11));
	map_puti(&m->d->sess_no, (uint64_t)s->no, s);
	map_puts(&m->sessions, s->key.hex, s);
	if (!str_eq(s->key.hex, db_text(r, i, 2)) ||
	    decode_texts(s, why) != OK) {
		why_set(why, E_STORE, "session %s in daemon.db is damaged",
		    s->id);
		return NULL;
	}
	if (s->home && s->state != SESS_ENDED)
		m->home = s;
	s->linger = s->state == SESS_ENDED && outbox_waits(s);
	watch(s);
	return s;
}

int
sess_load(struct dmesh *m, struct why *why)
{
	struct db_rows *r = d_read(m->d, why,
	    "SELECT " COLUMNS " FROM session"
	    " WHERE mesh = $1 AND (state <> 'ended' OR ended_at > $2)"
	    " ORDER BY home DESC, no LIMIT 10000",
	    DB_VALS(db_i(m->no), db_i(d_now(m->d) - KEEP_ENDED_MS)));

	if (r == NULL)
		return E_STORE;
	for (size_t i = 0; i < r->n; i++)
		if (sess_from(m, r, i, why) == NULL)
			return E_STORE;
	return OK;
}

static int
insert(struct dmesh *m, const struct key *key,
    const struct local_session_open *in, bool home, struct why *why)
{
	struct daemon *d = m->d;
	struct local_profile_page page = { .mesh = m->slug,
		.name = in->name,
		.key = key->hex,
		.member = m->me,
		.status = "idle",
		.visible = true,
		.tags = { in->tags.n, in->tags.v } };
	char *open = encoded(&wire_local_session_open, in);
	char *text = encoded(&wire_local_profile_page, &page);
	char id[23], seed[65];
	int code;

	d_ids(d, id);
	hex_encode(seed, key->seed, 32);
	code = d_write(d, why,
	    "INSERT INTO session (id, mesh, key, seed, name,"
	    " home, state, reason, pid, pid_start, hello, profile, opened_at,"
	    " ended_at) VALUES ($1, $2, $3, $4, $5, $6, 'open', '', $7, $8, $9,"
	    " $10, $11, 0)",
	    DB_VALS(db_s(id), db_i(m->no), db_s(key->hex), db_s(seed),
		db_s(in->name), db_i(home), db_i(in->pid),
		db_i(in->pid ? pid_start(d, (int)in->pid) : 0), db_s(open),
		db_s(text), db_i(d_now(d))));
	key_wipe(seed, sizeof(seed));
	mem_free(open);
	mem_free(text);
	return code;
}

struct dsess *
sess_new(struct dmesh *m, const struct local_session_open *in, bool home,
    struct why *why)
{
	struct db_rows *r;
	struct dsess *s;
	struct key key;
	int code;

	key_random(&key);
	code = insert(m, &key, in, home, why);
	key_wipe(&key, sizeof(key));
	if (code != OK)
		return NULL;
	r = d_read(m->d, why,
	    "SELECT " COLUMNS " FROM session WHERE no = $1"
	    " LIMIT 1",
	    DB_VALS(db_i(db_last_rowkey(m->d->db))));
	if (r == NULL || r->n != 1 || (s = sess_from(m, r, 0, why)) == NULL)
		return NULL;
	link_session(m->link, &s->key, s->name);
	dmesh_dial(m);
	return s;
}

/* ---- states ---- */

int
sess_set(struct dsess *s, enum sess_state state, const char *reason,
    struct why *why)
{
	struct daemon *d = s->mesh->d;
	int code = d_write(d, why,
	    "UPDATE session SET state = $2, reason = $3,"
	    " ended_at = $4 WHERE no = $1",
	    DB_VALS(db_i(s->no), db_s(sess_state_name(state)), db_s(reason),
		db_i(state == SESS_ENDED ? d_now(d) : 0)));

	if (code != OK)
		return code;
	s->state = state;
	str_copy(s->reason, sizeof(s->reason), reason);
	d->news |= NEWS_SESSION;
	return OK;
}

/* It leaves when all is said; the broker that has not heard of its end keeps
 * it among the others' peers, so that is waited for, too. */
void
sess_settle(struct dsess *s)
{
	struct link *l = s->mesh->link;

	if (!s->linger || outbox_waits(s))
		return;
	if (!link_session_open(l, s->key.hex) && link_phase(l) != LINK_REFUSED)
		return;
	s->linger = false;
	link_session_drop(l, s->key.hex, true);
}

int
sess_end(struct dsess *s, struct why *why)
{
	struct daemon *d = s->mesh->d;
	int code;

	if (s->state == SESS_ENDED)
		return OK;
	if ((code = sess_set(s, SESS_ENDED, "", why)) != OK)
		return code;
	io_watch_stop(d->io, s->watch);
	s->watch = 0;
	s->linger = true; /* what it said before still goes out in its name */
	sess_settle(s);
	return OK;
}

/* The same key and name again; what it says of itself may be new. */
int
sess_resume(struct dsess *s, const struct local_session_open *in,
    struct why *why)
{
	struct daemon *d = s->mesh->d;
	struct local_session_open o = *in;
	int64_t start = in->pid ? pid_start(d, (int)in->pid) : 0;
	char *text;
	int code;

	o.name = s->name;
	if (o.groups.n == 0) { /* it is in those it was in */
		o.groups.n = s->open.groups.n;
		o.groups.v = s->open.groups.v;
	}
	if (*o.role == '\0')
		o.role = s->open.role;
	text = encoded(&wire_local_session_open, &o);
	code = d_write(d, why,
	    "UPDATE session SET state = 'open', reason = '',"
	    " pid = $2, pid_start = $3, hello = $4, ended_at = 0 WHERE no = $1",
	    DB_VALS(db_i(s->no), db_i(in->pid), db_i(start), db_s(text)));
	if (code != OK) {
		mem_free(text);
		return code;
	}
	mem_free(s->open_text);
	s->open_text = text;
	if ((code = decode_texts(s, why)) != OK)
		return code;
	io_watch_stop(d->io, s->watch);
	s->watch = 0;
	s->state = SESS_OPEN;
	s->reason[0] = '\0';
	s->linger = s->died = false;
	s->pid = (int)in->pid;
	s->pid_start = start;
	watch(s);
	link_session(s->mesh->link, &s->key, s->name);
	dmesh_dial(s->mesh);
	return OK;
}

/* It is in these groups from now on. */
int
sess_groups(struct dsess *s, struct peer_group *v, size_t n, struct why *why)
{
	struct local_session_open o = s->open;
	char *text;
	int code;

	o.groups.n = n;
	o.groups.v = v;
	text = encoded(&wire_local_session_open, &o);
	code = d_write(s->mesh->d, why,
	    "UPDATE session SET hello = $2 WHERE no = $1",
	    DB_VALS(db_i(s->no), db_s(text)));
	if (code != OK) {
		mem_free(text);
		return code;
	}
	mem_free(s->open_text);
	s->open_text = text;
	return decode_texts(s, why);
}

int
sess_page(struct dsess *s, const struct local_profile_page *page,
    struct why *why)
{
	char *text = encoded(&wire_local_profile_page, page);
	bool was_dnd = str_eq(s->page.status, "dnd");
	int code;

	code = d_write(s->mesh->d, why,
	    "UPDATE session SET profile = $2 WHERE no = $1",
	    DB_VALS(db_i(s->no), db_s(text)));
	if (code != OK) {
		mem_free(text);
		return code;
	}
	mem_free(s->page_text);
	s->page_text = text;
	if ((code = decode_texts(s, why)) != OK)
		return code;
	if (was_dnd && !str_eq(s->page.status, "dnd"))
		code = inbox_release_held(s, why);
	return code;
}

/* Sessions whose process is gone. */
void
sess_deaths(struct daemon *d)
{
	struct dsess *s;
	struct why why;

	if (!d->deaths)
		return;
	d->deaths = false;
	for (size_t i = 0;
	     (s = map_next(&d->sess_no, &i)) != NULL && !d->reload;) {
		if (!s->died || s->mesh->gone)
			continue;
		s->died = false;
		d_begin(d);
		log_event(LOG_INFO, "session_process_gone", "mesh",
		    s->mesh->slug, "session", s->name, "pid", log_i(s->pid),
		    NULL);
		if (sess_end(s, &why) != OK)
			d_broken(d, "session", &why);
		d_end(d, !d->reload);
	}
}

/*
 * The user does something as home session, and somebody had ended it: come
 * back. A revoked key never comes back, so that home gets another.
 */
int
sess_home_wake(struct dmesh *m, struct why *why)
{
	struct local_session_open in = { .name = m->me,
		.peer_type = "human",
		.channel = "cli" };
	struct dsess *s = m->home;
	int code;

	if (s->state == SESS_OPEN)
		return OK;
	/* the broker's word is enough: our roll may not have come so far */
	if (!str_starts(s->reason, "revoked") &&
	    !roll_session_revoked(m->roll, m->member.hex, s->key.hex)) {
		if ((code = sess_set(s, SESS_OPEN, "", why)) == OK) {
			link_session(m->link, &s->key, s->name);
			dmesh_dial(m);
		}
		return code;
	}
	if ((code = sess_set(s, SESS_ENDED, "revoked", why)) != OK)
		return code;
	if (sess_new(m, &in, true, why) == NULL)
		return why->code;
	m->idle =
	    true; /* the link may have been refused for the old key's sake */
	dmesh_dial(m);
	return OK;
}

/* ---- what a hello says ---- */

void
sess_fill(struct dsess *s, struct session_hello *h, struct arena *a)
{
	struct dmesh *m = s->mesh;

	h->daemon_id = m->daemon_id;
	h->has_cursor = m->history[0] != '\0';
	h->cursor.history = arena_strdup(a, m->history);
	h->cursor.seq = m->seq;
	h->session_id = s->id;
	h->pid = s->pid;
	h->cwd = s->open.cwd;
	h->hostname = m->d->conf.hostname;
	h->peer_type = s->open.peer_type;
	h->channel = s->open.channel;
	h->model = s->open.model;
	h->role = s->open.role;
	h->groups.n = s->open.groups.n;
	h->groups.v = s->open.groups.v;
	h->status = s->page.status;
	h->summary = s->page.summary;
	h->hidden = !s->page.visible;
	h->home = s->home;
	h->tags.n = s->page.tags.n;
	h->tags.v = s->page.tags.v;
	h->whole = true;
}

bool
sess_greets(const struct dsess *s)
{
	const struct link *l = s->mesh->link;

	return s->state == SESS_OPEN && !link_session_open(l, s->key.hex) &&
	    (link_phase(l) == LINK_UP || link_phase(l) == LINK_CONNECTING);
}

static void
ignore(void *arg, uint64_t tag, const struct link_reply *r)
{
	(void)arg, (void)tag, (void)r;
}

void
sess_profile_push(struct dsess *s)
{
	struct peer_profile p = { .avatar = s->page.avatar,
		.title = s->page.title,
		.bio = s->page.bio };

	p.capabilities.n = s->page.capabilities.n;
	p.capabilities.v = s->page.capabilities.v;
	if (*p.avatar || *p.title || *p.bio || p.capabilities.n > 0)
		link_call(s->mesh->link, &wire_peer_profile, &p, s->key.hex,
		    ignore, NULL, 0);
}

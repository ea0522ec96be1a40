/*
 * roster.c - who else is in the mesh: sessions, each proven by an attestation
 * that its member signed. What a broker says of a name or a member is never
 * taken for it; without a good attestation a session is not in here.
 */
#include "daemon/core.h"

#include <string.h>

#include "base/log.h"

#define CACHE_DAYS_MS (90LL * 24 * 3600 * 1000)
#define REFRESH_MS 300
#define ATTEST_LIFE_MS (24 * 3600 * 1000LL)

static void
peer_free(struct dpeer *p)
{
	mem_free(p->attestation);
	mem_free(p);
}

void
roster_free(struct dmesh *m)
{
	struct dpeer *p;

	for (size_t i = 0; (p = map_next(&m->peers, &i)) != NULL;)
		peer_free(p);
	map_fini(&m->peers);
}

static struct dpeer *
peer_make(struct dmesh *m, const char *key)
{
	struct dpeer *p = map_gets(&m->peers, key);

	if (p == NULL) {
		p = mem_zalloc(sizeof(*p));
		str_copy(p->key, sizeof(p->key), key);
		map_puts(&m->peers, key, p);
	}
	return p;
}

int
roster_load(struct dmesh *m, struct why *why)
{
	struct db_rows *r = d_read(m->d, why,
	    "SELECT key, member, name,"
	    " attestation, home, seen_at FROM peer WHERE mesh = $1 AND"
	    " seen_at > $2 ORDER BY seen_at DESC LIMIT 10000",
	    DB_VALS(db_i(m->no), db_i(d_now(m->d) - CACHE_DAYS_MS)));
	struct attestation a;
	struct dpeer *p;

	if (r == NULL)
		return E_STORE;
	for (size_t i = 0; i < r->n; i++) {
		if (doc_peek(&m->d->arena, db_text(r, i, 3), &wire_attestation,
			&a, NULL) != OK)
			continue;
		p = peer_make(m, db_text(r, i, 0));
		str_copy(p->member, sizeof(p->member), db_text(r, i, 1));
		str_copy(p->name, sizeof(p->name), db_text(r, i, 2));
		p->attestation = mem_strdup(db_text(r, i, 3));
		p->home = db_int(r, i, 4) != 0;
		p->seen_at = db_int(r, i, 5);
		p->expires_at = a.expires_at;
	}
	return OK;
}

static int
save(struct dmesh *m, struct dpeer *p, struct why *why)
{
	return d_write(m->d, why,
	    "INSERT INTO peer (mesh, key, member, name,"
	    " attestation, home, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7)"
	    " ON CONFLICT (mesh, key) DO UPDATE SET member = excluded.member,"
	    " name = excluded.name, attestation = excluded.attestation,"
	    " home = excluded.home, seen_at = excluded.seen_at",
	    DB_VALS(db_i(m->no), db_s(p->key), db_s(p->member), db_s(p->name),
		db_s(p->attestation), db_i(p->home), db_i(p->seen_at)));
}

struct dpeer *
roster_get(struct dmesh *m, const char *key)
{
	return map_gets(&m->peers, key);
}

/* Is its attestation good still? A broker ends a session whose is not. */
bool
peer_vouched(struct dmesh *m, const struct dpeer *p)
{
	return p->attestation != NULL &&
	    p->expires_at + CLOCK_SLACK_MS > d_now(m->d);
}

/* Verifies an attestation and keeps what it proves. NULL with why. */
struct dpeer *
roster_learn(struct dmesh *m, const char *b64, const char *key, struct why *why)
{
	struct attestation a;
	struct dpeer *p = map_gets(&m->peers, key);

	if (p != NULL && str_eq(p->attestation, b64))
		return p;
	if (doc_peek(&m->d->arena, b64, &wire_attestation, &a, why) != OK ||
	    doc_open(&m->d->arena, b64, "attest", &wire_attestation, &a,
		a.member, why) != OK)
		return NULL;
	if (!str_eq(a.mesh, m->id) || !str_eq(a.session, key) ||
	    str_name_fault(a.name, 64) != NULL) {
		why_set(why, E_BAD_ATTESTATION,
		    "the attestation stands for another mesh or session");
		return NULL;
	}
	if (a.expires_at - a.issued_at > ATTEST_LIFE_MS) {
		why_set(why, E_BAD_ATTESTATION,
		    "an attestation stands for at most 24 hours");
		return NULL;
	}
	if (roll_member(m->roll, a.member) == NULL) {
		why_set(why, E_NOT_MEMBER, "its member is not in the roll");
		return NULL;
	}
	if (p != NULL && p->attestation != NULL &&
	    !str_eq(p->member, a.member)) {
		why_set(why, E_BAD_ATTESTATION,
		    "two members claim one session key");
		return NULL;
	}
	if (p != NULL && p->attestation != NULL && a.expires_at < p->expires_at)
		return p; /* an older one: what it said is over */
	if (p == NULL) {  /* until a list says more; a home bears that name */
		p = peer_make(m, key);
		p->home = str_eq(a.name, roll_member(m->roll, a.member)->name);
	}
	str_copy(p->member, sizeof(p->member), a.member);
	str_copy(p->name, sizeof(p->name), a.name);
	mem_free(p->attestation);
	p->attestation = mem_strdup(b64);
	p->expires_at = a.expires_at;
	p->seen_at = d_now(m->d);

	if (save(m, p, why) != OK)
		d_broken(m->d, "peer", why);
	return p;
}

static void
take_one(struct dmesh *m, const struct peer *in)
{
	struct why why;
	struct dpeer *p = roster_learn(m, in->attestation, in->pubkey, &why);

	if (p == NULL) {
		log_event(LOG_WARN, "peer_not_proven", "mesh", m->slug, "key",
		    in->pubkey, "why", why.text, NULL);
		return;
	}
	p->online = in->online && peer_vouched(m, p);
	p->visible = in->visible;
	p->seen_at = d_now(m->d);
	str_copy(p->hostname, sizeof(p->hostname), in->hostname);
	if (p->home != in->home) {
		p->home = in->home;
		if (save(m, p, &why) != OK)
			d_broken(m->d, "peer", &why);
	}
}

void
roster_take(struct dmesh *m, const struct peers_list *list)
{
	struct dpeer *p;

	for (size_t i = 0; (p = map_next(&m->peers, &i)) != NULL;)
		p->online = false;
	for (size_t i = 0; i < list->peers.n; i++)
		take_one(m, &list->peers.v[i]);
	m->roster_at = io_mono(m->d->io);
}

static void
on_list(void *arg, uint64_t tag, const struct link_reply *r)
{
	struct dmesh *m = dmesh_at(arg, (int64_t)tag);

	if (m == NULL)
		return;
	m->roster_asked = false;
	if (r->code == OK)
		roster_take(m, r->msg);
	m->d->news |= NEWS_UP;
}

/* Asks for the list when it is stale, at most a few times a second. */
void
roster_run(struct dmesh *m)
{
	struct peer_list in = { .group = "" };
	int64_t now = io_mono(m->d->io);
	int64_t pause = REFRESH_MS + (int64_t)m->peers.n * 5;

	if (!m->roster_stale || m->roster_asked)
		return;
	if (m->roster_at != 0 && now < m->roster_at + pause) {
		dmesh_timer(m, m->roster_at + pause - now);
		return;
	}
	m->roster_stale = false;
	m->roster_asked = link_call(m->link, &wire_peer_list, &in, NULL,
			      on_list, m->d, (uint64_t)m->no) == OK;
}

/* Events only tell that the list is to be asked for: they are the broker's
 * word, and carry no proof. */
void
roster_event(struct dmesh *m, const struct message_push *in)
{
	struct json key = json_member(in->event_data, "pubkey");
	struct dpeer *p;

	if (json_kind(key) == JSON_STRING && str_eq(in->event, "peer_left")) {
		p = map_gets(&m->peers, json_string(&m->d->arena, key, NULL));
		if (p != NULL)
			p->online = false;
	} else {
		m->roster_stale = true;
	}
}

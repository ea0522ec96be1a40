/*
 * presence.c - who is here. A presence is a lease keyed by the session key, not
 * by a socket: when the connection is lost a grace begins, and only when that
 * runs out, or by the session's own word, has the peer left.
 *
 * Events are the broker's word. They go once to each connection of the mesh,
 * not to the peer's own; of a hidden session only its own member hears.
 */
#include <strings.h>
#include <string.h>

#include "broker/broker.h"

struct presence *
presence_of(struct mesh *m, const char *key)
{
	return map_gets(&m->here, key);
}

struct presence *
presence_new(struct broker *b, struct mesh *m, const char *key,
    const char *member)
{
	struct presence *p = mem_zalloc(sizeof(*p));
	uint8_t rnd[16];

	io_random(b->io, rnd, sizeof(rnd));
	p->mesh = m;
	str_copy(p->key, sizeof(p->key), key);
	str_copy(p->member, sizeof(p->member), member);
	standing_of(m, member)->here++;
	id_make(p->id, io_wall(b->io), rnd);
	p->face.connected_at = io_wall(b->io);
	map_puts(&m->here, p->key, p);
	return p;
}

unsigned
caps_of(const struct attestation *att)
{
	static const char *const names[] = { "read", "send", "write", "admin" };
	unsigned caps = 0;
	size_t i, k;

	if (att->capabilities.n == 0)
		return CAP_ALL;
	for (i = 0; i < att->capabilities.n; i++) {
		for (k = 0; k < countof(names); k++) {
			if (strcmp(att->capabilities.v[i].s, names[k]) == 0)
				caps |= 1U << k;
		}
	}
	return caps;
}

bool
name_reserved(const char *name)
{
	static const char *const no[] = { "system", "human", "broker", "all" };
	size_t i;

	for (i = 0; i < countof(no); i++) {
		if (strcasecmp(name, no[i]) == 0)
			return true;
	}
	return false;
}

void
presence_name(struct presence *p, const char *name)
{
	str_copy(p->name, sizeof(p->name), name);
	p->face.display_name = p->name;
}

void
presence_attest(struct presence *p, const char *b64,
    const struct attestation *att)
{
	mem_free(p->attestation);
	p->attestation = mem_strdup(b64);
	p->face.attestation = p->attestation;
	p->expires_at = att->expires_at;
	p->caps = caps_of(att);
	presence_name(p, att->name);
}

/* ---- coming and going ---- */

/* The connection forgets the session; its lane goes with the last one. */
static void
leave_conn(struct broker *b, struct presence *p)
{
	struct bconn *c = conn_at(b, p->conn);
	bool more = false;
	size_t i;

	p->conn = 0;
	if (c == NULL)
		return;
	for (i = 0; i < c->sessions.n; i++) {
		if (c->sessions.v[i] == p)
			vec_del(&c->sessions, i);
	}
	for (i = 0; i < c->sessions.n; i++)
		more |= c->sessions.v[i]->queue == p->queue;
	for (i = 0; i < c->lanes.n && !more; i++) {
		if (c->lanes.v[i]->queue != p->queue)
			continue;
		lane_free(b, c->lanes.v[i]);
		break;
	}
}

void
presence_move(struct broker *b, struct presence *p, struct bconn *to,
    int64_t queue)
{
	struct bconn *from = conn_at(b, p->conn);
	struct session_ended end = { .pubkey = p->key, .reason = "replaced" };

	if (p->conn == to->id && p->queue == queue)
		return;
	if (from != NULL && from->id != to->id)
		conn_push(b, from, p->key, &wire_session_ended, &end);
	leave_conn(b, p);
	p->queue = queue;
	p->conn = to->id;
	vec_add(&to->sessions, p);
}

void
presence_lost(struct broker *b, struct presence *p)
{
	struct grace g = { .mesh = p->mesh->no, .lost_at = io_mono(b->io) };

	leave_conn(b, p);
	p->lost_at = g.lost_at;
	p->face.last_seen_at = io_wall(b->io);
	str_copy(g.key, sizeof(g.key), p->key);
	vec_add(&b->grace, g);
	broker_arm(b);
}

void
presence_free(struct broker *b, struct presence *p, enum left how)
{
	io_id own = p->conn;

	leave_conn(b, p);
	if (how == LEFT_EVENT)
		presence_event(b, p, own, "peer_left", NULL);
	map_dels(&p->mesh->here, p->key);
	audience_changed(p->mesh);
	standing_of(p->mesh, p->member)->here--;
	mem_free(p->attestation);
	mem_free(p->summary);
	mem_free(p->profile);
	mem_free(p->own);
	mem_free(p->labels);
	mem_free(p->stats);
	mem_free(p);
}

void
presence_end(struct broker *b, struct presence *p, const char *reason,
    const char *by)
{
	struct session_ended end = {
		.pubkey = p->key,
		.reason = reason,
		.by = by,
	};

	conn_push(b, conn_at(b, p->conn), p->key, &wire_session_ended, &end);
	presence_free(b, p, LEFT_EVENT);
}

void
presence_end_member(struct broker *b, struct mesh *m, const char *member,
    const char *reason, const char *by)
{
	struct presence *p;
	size_t i = 0;

	while ((p = map_next(&m->here, &i)) != NULL) {
		if (strcmp(p->member, member) == 0)
			presence_end(b, p, reason, by);
	}
}

/* ---- events ---- */

static void
event_data(struct buf *out, const struct presence *p, const char *extra)
{
	buf_adds(out, "{\"name\":");
	json_quote(out, p->name);
	buf_adds(out, ",\"displayName\":");
	json_quote(out, p->name);
	buf_addf(out, ",\"pubkey\":\"%s\",\"memberPubkey\":\"%s\"", p->key,
	    p->member);
	if (p->face.session_id != NULL && p->face.session_id[0] != '\0') {
		buf_adds(out, ",\"sessionId\":");
		json_quote(out, p->face.session_id);
	}
	if (extra != NULL)
		buf_adds(out, extra);
	buf_adds(out, "}");
}

void
presence_event(struct broker *b, struct presence *p, io_id but,
    const char *event, const char *extra)
{
	bool quiet = !p->face.visible && strcmp(event, "peer_hidden") != 0;
	struct buf data;

	buf_init(&data, 65536);
	event_data(&data, p, extra);
	system_event(b, p->mesh, but, quiet ? p->member : NULL, event,
	    data.data, data.len);
	buf_fini(&data);
}

/* ---- time ---- */

static void
grace_over(struct broker *b, const struct grace *g)
{
	struct mesh *m = map_geti(&b->meshes, g->mesh);
	struct presence *p = m == NULL ? NULL : presence_of(m, g->key);

	if (p != NULL && p->conn == 0 && p->lost_at == g->lost_at)
		presence_free(b, p, LEFT_EVENT);
}

void
presence_due(struct broker *b, int64_t mono)
{
	struct grace *g;

	if (b->grace.n == 0)
		return;
	while (b->grace_at < b->grace.n) {
		g = &b->grace.v[b->grace_at];
		if (g->lost_at + b->conf.limits.lease_ms > mono)
			break;
		grace_over(b, g);
		b->grace_at++;
	}
	if (b->grace_at == b->grace.n || b->grace_at > 4096) {
		b->grace.n -= b->grace_at;
		memmove(b->grace.v, b->grace.v + b->grace_at,
		    b->grace.n * sizeof(*b->grace.v));
		b->grace_at = 0;
	}
}

static void
expire_mesh(struct broker *b, struct mesh *m, int64_t now)
{
	struct presence *p;
	size_t i = 0;

	while ((p = map_next(&m->here, &i)) != NULL) {
		if (p->expires_at <= now)
			presence_end(b, p, "expired", NULL);
	}
}

void
presence_expired(struct broker *b)
{
	int64_t now = io_wall(b->io);
	struct mesh *m;
	size_t i = 0;

	while ((m = map_next(&b->meshes, &i)) != NULL)
		expire_mesh(b, m, now);
}

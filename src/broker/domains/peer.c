/*
 * peer.c - who is here, and what they say of themselves. Name and keys are
 * proven by the attestation; the rest is the peer's word and nobody's truth.
 */
#include <string.h>

#include "broker/broker.h"

#define LIST_MAX 1000

static const char sql_profile[] =
    "UPDATE session SET profile = $2 WHERE no = $1";

static const char sql_summary[] =
    "UPDATE session SET summary = $2 WHERE no = $1";
static const char sql_hidden[] = "UPDATE session SET hidden = $2 WHERE no = $1";
static const char sql_stats[] = "UPDATE session SET stats = $2 WHERE no = $1";
static const char sql_kicked[] =
    "UPDATE session SET ended_at = $2 WHERE no = $1";

static bool
in_group(const struct presence *p, const char *group)
{
	size_t i;

	for (i = 0; i < p->face.groups.n; i++) {
		if (strcmp(p->face.groups.v[i].name, group) == 0)
			return true;
	}
	return group[0] == '\0';
}

static bool
shown(const struct rq *rq, const struct presence *p, const char *group)
{
	return in_group(p, group) &&
	    (p->face.visible || strcmp(p->member, rq->peer->member) == 0);
}

/* Bytes on the wire, generously. */
static size_t
face_size(const struct peer *f)
{
	size_t n = 800 + strlen(f->attestation) + strlen(f->summary) * 2 +
	    strlen(f->cwd) * 2 + strlen(f->role) * 2 + f->profile.n;

	return n + f->groups.n * 200 + f->tags.n * 260 + f->stats.n;
}

int
on_peer_list(struct rq *rq, const struct peer_list *in)
{
	struct peer *v = arena_alloc(rq->arena, LIST_MAX * sizeof(*v));
	size_t i = 0, n = 0, bytes = 0;
	struct presence *p;
	bool more = false;

	while ((p = map_next(&rq->mesh->here, &i)) != NULL && !more) {
		if (!shown(rq, p, in->group))
			continue;
		bytes += face_size(&p->face);
		more = n == LIST_MAX || bytes > PAGE_BYTES;
		if (more)
			break;
		v[n] = p->face;
		v[n++].online = p->conn != 0;
	}
	return reply(rq, peers_list, .peers = { n, v }, .more = more);
}

int
on_peer_status(struct rq *rq, const struct peer_status *in)
{
	if (strcmp(in->status, "idle") != 0 && strcmp(in->status, "working") &&
	    strcmp(in->status, "dnd") != 0)
		return rq_field(rq, E_BAD_FIELD, "status",
		    "idle, working or dnd");
	str_copy(rq->peer->status, sizeof(rq->peer->status), in->status);
	return rq_ok(rq);
}

int
on_peer_summary(struct rq *rq, const struct peer_summary *in)
{
	int r;

	if (change(rq, sql_summary, db_i(rq->peer->no), db_s(in->summary)) ==
	    NULL)
		return rq->why.code;
	r = rq_ok(rq);
	mem_free(rq->peer->summary);
	rq->peer->summary = mem_strdup(in->summary);
	rq->peer->face.summary = rq->peer->summary;
	return r;
}

int
on_peer_stats(struct rq *rq, const struct peer_stats *in)
{
	struct presence *p = rq->peer;
	struct buf b;
	int r = OK;

	buf_init(&b, 1024);
	wire_encode(&b, &wire_peer_numbers, &in->stats, NULL, NULL);
	if (change(rq, sql_stats, db_i(p->no), db_s(buf_str(&b))) == NULL)
		r = rq->why.code;
	if (r == OK)
		r = rq_ok(rq);
	if (r == OK) {
		mem_free(p->stats);
		p->stats = mem_strdup(buf_str(&b));
		p->face.stats = (struct json){ p->stats, b.len };
	}
	buf_fini(&b);
	return r;
}

int
on_peer_visible(struct rq *rq, const struct peer_visible *in)
{
	bool changed = rq->peer->face.visible != in->visible;

	if (change(rq, sql_hidden, db_i(rq->peer->no), db_i(!in->visible)) ==
	    NULL)
		return rq->why.code;
	rq->peer->face.visible = in->visible;
	audience_changed(rq->mesh);
	if (changed)
		presence_event(rq->b, rq->peer, rq->conn->id,
		    in->visible ? "peer_visible" : "peer_hidden", NULL);
	return rq_ok(rq);
}

/* ---- profile ---- */

/* The new word, or the one that stands. */
static void
merge_str(struct buf *out, struct json old, const char *name, const char *s)
{
	struct json was = json_member(old, name);

	if (s[0] == '\0' && was.p == NULL)
		return;
	buf_addf(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
	if (s[0] != '\0')
		json_quote(out, s);
	else
		buf_add(out, was.p, was.n);
}

static void
merge_caps(struct buf *out, struct json old, const struct peer_profile *in)
{
	struct json was = json_member(old, "capabilities");
	size_t i;

	if (in->capabilities.n == 0 && was.p == NULL)
		return;
	buf_addf(out, "%s\"capabilities\":", out->len > 1 ? "," : "");
	if (in->capabilities.n == 0) {
		buf_add(out, was.p, was.n);
		return;
	}
	for (i = 0; i < in->capabilities.n; i++) {
		buf_adds(out, i == 0 ? "[" : ",");
		json_quote(out, in->capabilities.v[i].s);
	}
	buf_adds(out, "]");
}

int
on_peer_profile(struct rq *rq, const struct peer_profile *in)
{
	struct presence *p = rq->peer;
	struct json old = { "{}", 2 };
	struct buf out;
	int r = OK;

	if (p->profile != NULL)
		old = (struct json){ p->profile, strlen(p->profile) };
	buf_init(&out, 4097);
	buf_adds(&out, "{");
	merge_str(&out, old, "avatar", in->avatar);
	merge_str(&out, old, "title", in->title);
	merge_str(&out, old, "bio", in->bio);
	merge_caps(&out, old, in);
	buf_adds(&out, "}");
	if (out.over)
		r = rq_fail(rq, E_TOO_LONG, "a profile is at most 4096 bytes");
	else if (change(rq, sql_profile, db_i(p->no), db_s(buf_str(&out))) ==
	    NULL)
		r = rq->why.code;
	if (r == OK) {
		mem_free(p->profile);
		p->profile = mem_strdup(buf_str(&out));
		p->face.profile = (struct json){ p->profile, out.len };
		r = rq_ok(rq);
	}
	buf_fini(&out);
	return r;
}

/* ---- kick ---- */

int
on_peer_kick(struct rq *rq, const struct peer_kick *in)
{
	struct presence *p = presence_of(rq->mesh, in->target);
	char by[65];
	int r;

	if (p == NULL)
		return rq_field(rq, E_NO_PEER, "target",
		    "no session with this key is here");
	if (change(rq, sql_kicked, db_i(p->no), db_i(rq->now - DAY_MS)) == NULL)
		return rq->why.code;
	str_copy(by, sizeof(by), rq->peer->name);
	r = rq_ok(rq);
	presence_end(rq->b, p, "kicked", by);
	return r;
}

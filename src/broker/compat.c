/*
 * compat.c - older clients come in and ask. Their hello proves the member key
 * and merely claims the session key, so a session that proves the same key
 * evicts theirs, and their records, names and texts are theirs to vouch for:
 * clients of dialect 2 show them as unsigned.
 *
 * Requests they share with dialect 2 go to the same handlers; which of them get
 * no answer, and what the answers look like, is compat_say.c's. Everything else
 * in their protocol is passed over in silence, as they are used to.
 */
#include "broker/compat.h"

#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/label.h"
#include "base/scan.h"

#define SKEW_MS 60000
#define SETTLED_MS 1000 /* what was sent so long ago has arrived */
#define HELLOS_MAX 4096

static const char sql_known[] = "SELECT member, attestation FROM session"
				" WHERE mesh = $1 AND key = $2 LIMIT 1";
static const char sql_queue[] =
    "INSERT INTO queue (mesh, member, daemon, acked, seen_at)"
    " VALUES ($1, $2, $3, 0, $4) ON CONFLICT (mesh, member, daemon)"
    " DO UPDATE SET seen_at = excluded.seen_at RETURNING no, acked";
static const char sql_keep[] =
    "INSERT INTO session (mesh, key, member, queue, attestation, profile,"
    " seen_at) VALUES ($1, $2, $3, $4, '', '', $5) ON CONFLICT (mesh, key)"
    " DO UPDATE SET queue = excluded.queue, seen_at = excluded.seen_at,"
    " ended_at = 0 RETURNING no";
static const char sql_disown[] =
    "UPDATE session SET member = $3 WHERE mesh = $1 AND key = $2";

struct old_entry {
	struct old_hello in;
	struct mesh *mesh;
	const struct roll_member *who;
	char member[65], session[65];
	int64_t no, queue, mqueue, acked;
	struct bearing *bears;
};

/* ---- hello ---- */

static int
refused(struct rq *rq, int code, const char *text)
{
	conn_close(rq->b, rq->conn, code == E_REVOKED ? 4002 : 1008,
	    err_info(code)->wire);
	return rq_fail(rq, code, "%s", text);
}

static bool
lower_key(char out[65], const char *hex)
{
	uint8_t pub[32];
	size_t i;

	for (i = 0; hex[i] != '\0' && i < 64; i++)
		out[i] = hex[i] >= 'A' && hex[i] <= 'F'
		    ? (char)(hex[i] - 'A' + 'a')
		    : hex[i];
	out[i] = '\0';
	return key_parse(pub, out);
}

/* No hello twice: it would be good for a minute for whoever overheard it. */
static bool
heard_before(struct rq *rq, const char *signature)
{
	struct map *m = &rq->b->old_hellos;
	int64_t *at = map_gets(m, signature);
	const void *key;
	size_t i = 0, n;

	if (at != NULL)
		return true;
	while (m->n >= HELLOS_MAX / 2 &&
	    (at = map_next_key(m, &i, &key, &n)) != NULL) {
		if (*at >= rq->now - 2 * SKEW_MS)
			continue;
		map_del(m, key, n);
		mem_free(at);
	}
	if (m->n >= HELLOS_MAX)
		return true;
	at = mem_alloc(sizeof(*at));
	*at = rq->now;
	map_puts(m, signature, at);
	return false;
}

static int
check_signature(struct rq *rq, const struct old_entry *e)
{
	const struct old_hello *in = &e->in;
	uint8_t sig[64], pub[32];
	char *text;

	if (in->timestamp < rq->now - SKEW_MS ||
	    in->timestamp > rq->now + SKEW_MS)
		return refused(rq, E_EXPIRED,
		    "the hello's timestamp is more than 60 s off");
	text = arena_printf(rq->arena, "%s|%s|%s|%lld", in->mesh_id,
	    in->member_id, in->pubkey, (long long)in->timestamp);
	if (hex_decode(sig, 64, in->signature, 128) != 64 ||
	    !key_parse(pub, e->member) ||
	    !verify_bare(sig, text, strlen(text), pub))
		return refused(rq, E_BAD_SIGNATURE,
		    "the signature of the hello does not verify");
	return OK;
}

static int
check_roll(struct rq *rq, struct old_entry *e)
{
	const struct roll *roll = e->mesh->roll;

	e->who = roll_member(roll, e->member);
	if (e->who == NULL || e->who->state == MEMBER_LEFT)
		return refused(rq, E_NOT_MEMBER, "this key is no member");
	if (e->who->state == MEMBER_REMOVED ||
	    roll_session_revoked(roll, e->member, e->session))
		return refused(rq, E_REVOKED, "this key was removed");
	if (!roll_old_clients(roll))
		return refused(rq, E_OLD_CLIENT,
		    "this mesh does not let old clients in: mesh settings "
		    "old-clients on");
	if (!e->who->old_client)
		return refused(rq, E_OLD_CLIENT,
		    "this member was not added as an old client: member add "
		    "--old-client");
	if (roll_member(roll, e->session) != NULL)
		return refused(rq, E_BAD_FIELD,
		    "sessionPubkey: a member key cannot be a session key");
	return OK;
}

/* A key that was proven is nobody's to claim. */
static int
check_claim(struct rq *rq, struct old_entry *e)
{
	const struct presence *p = presence_of(e->mesh, e->session);
	const struct broker_limits *l = &rq->b->conf.limits;
	const struct standing *s = standing_of(e->mesh, e->member);
	struct db_rows *r =
	    query(rq, sql_known, db_i((int64_t)e->mesh->no), db_s(e->session));

	if (r == NULL)
		return rq->why.code;
	if ((p != NULL && (!p->old || !str_eq(p->member, e->member))) ||
	    (r->n > 0 &&
		(*db_text(r, 0, 1) != '\0' ||
		    !str_eq(db_text(r, 0, 0), e->member))))
		return refused(rq, E_FORBIDDEN,
		    "this session key is somebody else's");
	if ((p == NULL && s->here >= l->member_here) ||
	    s->conns >= l->member_conns)
		return refused(rq, E_QUOTA, "too many sessions of this member");
	return OK;
}

static int
check_hello(struct rq *rq, struct old_entry *e)
{
	int r = wire_decode(&wire_old_hello, rq->frame.object, &e->in,
	    rq->arena, &rq->why);

	if (r != OK) {
		conn_close(rq->b, rq->conn, 1008, "malformed");
		return r;
	}
	if (rq->conn->sessions.n > 0)
		return rq_fail(rq, E_CONFLICT, "hello was said before");
	if (!lower_key(e->member, e->in.pubkey) ||
	    !lower_key(e->session, e->in.session_pubkey))
		return refused(rq, E_BAD_FIELD,
		    "pubkey and sessionPubkey are Ed25519 keys in hex");
	r = check_signature(rq, e);
	if (r != OK)
		return r;
	e->mesh = mesh_find(rq->b, e->in.mesh_id, &rq->why);
	if (e->mesh == NULL)
		return refused(rq, rq->why.code, "no such mesh");
	r = check_roll(rq, e);
	if (r == OK)
		r = check_claim(rq, e);
	if (r == OK && heard_before(rq, e->in.signature))
		r = refused(rq, E_BAD_SIGNATURE,
		    "this very hello was said before");
	return r;
}

static int
keep(struct rq *rq, struct old_entry *e)
{
	struct db_val mesh = db_i((int64_t)e->mesh->no);
	struct db_val member = db_s(e->member);
	char daemon[65];
	struct db_rows *r;
	int code;

	rq->mesh = e->mesh;
	snprintf(daemon, sizeof(daemon), "old-%.40s", e->session);
	r = change(rq, sql_queue, mesh, member, db_s(daemon), db_i(rq->now));
	if (r == NULL)
		return rq->why.code;
	e->queue = db_int(r, 0, 0);
	e->acked = db_int(r, 0, 1);
	r = change(rq, sql_queue, mesh, member, db_s(""), db_i(rq->now));
	if (r == NULL)
		return rq->why.code;
	e->mqueue = db_int(r, 0, 0);
	r = change(rq, sql_keep, mesh, db_s(e->session), member, db_i(e->queue),
	    db_i(rq->now));
	if (r == NULL)
		return rq->why.code;
	e->no = db_int(r, 0, 0);
	e->bears = arena_zalloc(rq->arena, sizeof(*e->bears));
	if (e->in.groups.n == 0)
		return bearing_load(rq, e->no, e->bears);
	e->bears->ngroup = e->in.groups.n;
	memcpy(e->bears->group, e->in.groups.v,
	    e->in.groups.n * sizeof(*e->bears->group));
	code = bearing_check(rq, e->bears, "groups", "tags");
	return code == OK ? bearing_store(rq, e->mesh, e->no, e->bears) : code;
}

static char *
pack(char **at, const char *s)
{
	char *to = *at;
	size_t n = strlen(s) + 1;

	memcpy(to, s, n);
	*at += n;
	return to;
}

static void
describe(struct presence *p, const struct old_entry *e)
{
	const struct old_hello *in = &e->in;
	const char *name = in->display_name;
	struct peer *f = &p->face;
	char sid[65], *at;

	str_copy(sid, sizeof(sid), in->session_id);
	mem_free(p->own);
	p->own = at = mem_alloc(strlen(sid) + strlen(in->cwd) +
	    strlen(in->hostname) + strlen(in->peer_type) + strlen(in->channel) +
	    strlen(in->model) + 6);
	f->pubkey = p->key;
	f->member_pubkey = p->member;
	f->role = "";
	f->session_id = pack(&at, sid);
	f->cwd = pack(&at, in->cwd);
	f->hostname = pack(&at, in->hostname);
	f->peer_type = pack(&at, in->peer_type);
	f->channel = pack(&at, in->channel);
	f->model = pack(&at, in->model);
	f->visible = f->online = true;
	f->last_seen_at = 0;
	str_copy(p->status, sizeof(p->status), "idle");
	f->status = p->status;
	if (p->summary == NULL)
		p->summary = mem_strdup("");
	f->summary = p->summary;
	mem_free(p->attestation);
	f->attestation = p->attestation = mem_strdup("");
	p->expires_at = INT64_MAX;
	p->caps = CAP_READ | CAP_SEND | CAP_WRITE;
	if (str_name_fault(name, 64) != NULL || name_reserved(name))
		name = e->who->name;
	presence_name(p, name);
	bearing_show(p, e->bears);
}

static void
admitted(struct rq *rq, struct mesh *m, const struct presence *p)
{
	struct bconn *c = rq->conn;

	c->admitted = true;
	c->mesh = m->no;
	str_copy(c->member, sizeof(c->member), p->member);
	standing_of(m, p->member)->conns++;
	m->conns++;
	server_admit(rq->b->srv, c->id);
}

static int
hello(struct rq *rq)
{
	struct old_entry e = { .no = 0 };
	struct presence *p;
	bool here;
	int r = check_hello(rq, &e);

	if (r == OK)
		r = keep(rq, &e);
	if (r != OK)
		return r;
	p = presence_of(e.mesh, e.session);
	here = p != NULL;
	if (p == NULL)
		p = presence_new(rq->b, e.mesh, e.session, e.member);
	p->old = true;
	presence_move(rq->b, p, rq->conn, e.queue);
	p->no = e.no;
	p->mqueue = e.mqueue;
	describe(p, &e);
	compat_hello_ack(rq, p);
	if (!here)
		presence_event(rq->b, p, p->conn, "peer_joined", NULL);
	lane_open(rq->b, e.mesh, rq->conn, e.queue, e.mqueue, e.acked, e.acked);
	admitted(rq, e.mesh, p);
	return OK;
}

/* ---- their mail: they acknowledge nothing ---- */

/* Who asks something has read what was sent well before. */
static void
settle_mail(struct rq *rq)
{
	struct bconn *c = rq->conn;
	struct lane *l = c->lanes.n > 0 ? c->lanes.v[0] : NULL;
	int64_t now = io_mono(rq->b->io);

	if (l == NULL)
		return;
	if (c->old_sent > l->acked && now >= c->old_at + SETTLED_MS)
		lane_ack(rq->b, l, c->old_sent);
	if (c->old_sent <= l->acked) {
		c->old_sent = l->sent;
		c->old_at = now;
	}
}

void
compat_gone(struct broker *b, struct bconn *c)
{
	bool goodbye = c->close_code == 1000 || c->close_code == 1001 ||
	    c->close_code == 1005;

	if (goodbye && !c->closing && c->lanes.n > 0)
		lane_ack(b, c->lanes.v[0], c->lanes.v[0]->sent);
}

/* ---- sending ---- */

static int
direct(struct rq *rq, const struct old_send *in, const char *id)
{
	char key[65];
	struct message_send out = { .id = id,
		.target_spec = key,
		.priority = in->priority,
		.nonce = in->nonce,
		.ciphertext = in->ciphertext };

	if (strlen(in->target_spec) != 64 || !lower_key(key, in->target_spec)) {
		compat_sent(rq, "", false,
		    "invalid: the target is no key, *, @all or @group");
		return OK;
	}
	if (strlen(in->nonce) != 32)
		return rq_field(rq, E_BAD_FIELD, "nonce",
		    "24 bytes, base64: only encrypted texts go to one peer");
	return on_message_send(rq, &out);
}

static int
send(struct rq *rq)
{
	struct old_send *in = arena_alloc(rq->arena, sizeof(*in));
	char made[ID_LEN + 1];
	const char *id = made;
	uint8_t rnd[16];
	int r = wire_decode(&wire_old_send, rq->frame.object, in, rq->arena,
	    &rq->why);

	if (r != OK)
		return r;
	rq->id = in->id;
	if (*in->priority == '\0')
		in->priority = "next";
	io_random(rq->b->io, rnd, sizeof(rnd));
	id_make(made, rq->now, rnd);
	if (id_valid(in->client_message_id, 8, 64))
		id = in->client_message_id;
	if (str_eq(in->target_spec, "*") || in->target_spec[0] == '@')
		return compat_fan(rq, in, arena_strdup(rq->arena, id));
	return direct(rq, in, arena_strdup(rq->arena, id));
}

/* ---- all else ---- */

static bool
shared(const char *type)
{
	static const char *const list[] = { "list_peers", "set_status",
		"set_summary", "set_stats", "set_visible", "set_profile",
		"join_group", "leave_group", "mesh_info", "message_status",
		"set_state", "get_state", "list_state", "remember", "recall",
		"forget" };

	for (size_t i = 0; i < countof(list); i++) {
		if (str_eq(list[i], type))
			return true;
	}
	return false;
}

int
compat_request(struct rq *rq, const char *text, size_t n)
{
	int r;

	if (n > OLD_FRAME_MAX)
		return rq_fail(rq, E_TOO_LARGE,
		    "a frame of an old client is at most %d bytes",
		    OLD_FRAME_MAX);
	r = frame_open(&rq->frame, rq->arena, text, n, &rq->why);
	if (r == E_UNKNOWN_TYPE && str_eq(rq->frame.type, "hello"))
		return hello(rq);
	if (r != OK && r != E_UNKNOWN_TYPE)
		return r;
	if (rq->conn->sessions.n == 0)
		return rq_fail(rq, E_NO_HELLO, "must send hello first");
	settle_mail(rq);
	if (r == E_UNKNOWN_TYPE || str_eq(rq->frame.type, "client_ack"))
		return OK;
	rq->frame.session = NULL;
	if (str_eq(rq->frame.type, "send")) {
		r = dispatch_session(rq);
		return r == OK ? send(rq) : r;
	}
	if (!shared(rq->frame.type))
		return rq_fail(rq, E_OLD_CLIENT, "dialect 1 has no '%s'",
		    rq->frame.type);
	return dispatch_frame(rq);
}

/* ---- whom the roll lets in no more, and who proves what they claimed ---- */

void
compat_settle(struct broker *b, struct mesh *m)
{
	const struct roll_member *who;
	struct presence *p;
	size_t i = 0;

	while ((p = map_next(&m->here, &i)) != NULL) {
		if (!p->old)
			continue;
		who = roll_member(m->roll, p->member);
		if (!roll_old_clients(m->roll) || who == NULL ||
		    !who->old_client || who->state != MEMBER_ACTIVE)
			presence_end(b, p, "not_member", NULL);
	}
}

int
compat_evict(struct rq *rq, struct mesh *m, const char *key, const char *member)
{
	struct presence *p = presence_of(m, key);

	rq->mesh = m;
	if (change(rq, sql_disown, db_i((int64_t)m->no), db_s(key),
		db_s(member)) == NULL)
		return rq->why.code;
	if (p != NULL && p->old)
		presence_end(rq->b, p, "replaced", NULL);
	return OK;
}

void
compat_fini(struct broker *b)
{
	int64_t *at;
	size_t i = 0;

	while ((at = map_next(&b->old_hellos, &i)) != NULL)
		mem_free(at);
	map_fini(&b->old_hellos);
}

/*
 * mesh.c - making a mesh, entering it by invite, erasing it.
 *
 * Most of these come before any hello. What an invite's holder may do is bound
 * to the connection on which the invite key signed its challenge.
 */
#include <string.h>

#include "broker/broker.h"

static const char sql_number[] =
    "SELECT COALESCE(MAX(no), 0) + 1 FROM mesh LIMIT 1";
static const char sql_nth[] =
    "SELECT no FROM mesh ORDER BY no LIMIT 1 OFFSET $1";
static const char sql_create[] =
    "INSERT INTO mesh (no, id, created_at) VALUES ($1, $2, $3)";
static const char sql_append[] =
    "INSERT INTO act (mesh, n, bytes) VALUES ($1, $2, $3)";
static const char sql_key_put[] =
    "INSERT INTO epoch_key (mesh, key, epoch, sealed, taken)"
    " VALUES ($1, $2, $3, $4, 1) ON CONFLICT (mesh, key, epoch)"
    " DO UPDATE SET sealed = excluded.sealed, taken = 1";
static const char sql_key_newest[] =
    "SELECT epoch, sealed FROM epoch_key WHERE mesh = $1 AND key = $2"
    " ORDER BY epoch DESC LIMIT 1";
static const char sql_invite[] =
    "SELECT mesh FROM invite WHERE key = $1 LIMIT 1";
/* Its rows go in slices (sweep.c); the number stays taken until then. */
static const char sql_erase[] = "UPDATE mesh SET id = '!' || no WHERE no = $1";

/* ---- making ---- */

/* In a time that tells nothing of where they differ, nor of the length. */
static bool
same_secret(const char *a, const char *b)
{
	char x[65], y[65];
	unsigned d = 0;
	size_t i;

	sha256_hex(x, a, strlen(a));
	sha256_hex(y, b, strlen(b));
	for (i = 0; i < 64; i++)
		d |= (unsigned)(x[i] ^ y[i]);
	return d == 0;
}

static int
may_create(struct rq *rq, const char *token)
{
	const struct broker_conf *c = &rq->b->conf;

	if (c->create == CREATE_OPEN)
		return OK;
	if (c->create != CREATE_TOKEN)
		return rq_fail(rq, E_FORBIDDEN,
		    "no meshes are made at this broker");
	if (same_secret(token, c->token))
		return OK;
	rq->conn->fails++;
	return rq_field(rq, E_FORBIDDEN, "token",
	    token[0] == '\0' ? "this broker asks for a token to make a mesh"
			     : "that is not the token this broker asks for");
}

/* The roll of the two acts, or NULL with why. */
static struct roll *
first_roll(struct rq *rq, const struct mesh_create *in)
{
	struct roll *roll = roll_new();
	char hash[65];
	struct act head;
	struct json doc;
	int r;

	r = roll_apply(roll, in->acts.v[0].s, &rq->why);
	if (r == OK && strcmp(roll_log_key(roll), rq->b->log_key) != 0)
		r = rq_field(rq, E_BAD_FIELD, "acts[0].logKey",
		    "the genesis act names another broker's log key");
	if (r == OK)
		r = act_peek(rq->arena, in->acts.v[1].s, &head, &doc, hash,
		    &rq->why);
	if (r == OK && strcmp(head.kind, "admin") != 0)
		r = rq_field(rq, E_ROLL_REFUSED, "acts[1]",
		    "the second act makes the first admin");
	if (r == OK)
		r = roll_apply(roll, in->acts.v[1].s, &rq->why);
	if (r == OK && name_reserved(roll_member_at(roll, 0)->name))
		r = rq_field(rq, E_BAD_FIELD, "acts[1].name",
		    "the name is reserved");
	if (r == OK)
		return roll;
	roll_free(roll);
	return NULL;
}

static int
created(struct rq *rq, const char *id, const struct roll *roll)
{
	struct roll_point at = { .n = 2, .head = roll_hash_at(roll, 1) };

	return reply(rq, mesh_created, .mesh_id = id, .roll = at,
	    .has_roll = true);
}

static int
room_for_mesh(struct rq *rq)
{
	int64_t max = rq->b->conf.limits.meshes;
	struct db_rows *r = query(rq, sql_nth, db_i(max - 1));

	if (r == NULL)
		return rq->why.code;
	return r->n == 0
	    ? OK
	    : rq_fail(rq, E_QUOTA, "this broker holds at most %lld meshes",
		  (long long)max);
}

static int
store_mesh(struct rq *rq, const struct mesh_create *in, const struct roll *roll,
    int64_t *no)
{
	struct db_rows *r = rq_query(rq, sql_number, 0, NULL);
	int64_t i;

	if (r == NULL)
		return rq->why.code;
	*no = db_int(r, 0, 0);
	if (turn_writes(rq->b->turn, (uint64_t)*no, &rq->why) != OK ||
	    change(rq, sql_create, db_i(*no), db_s(roll_mesh(roll)),
		db_i(rq->now)) == NULL)
		return rq->why.code;
	for (i = 0; i < 2; i++) {
		if (change(rq, sql_append, db_i(*no), db_i(i),
			db_s(in->acts.v[i].s)) == NULL)
			return rq->why.code;
	}
	if (change(rq, sql_key_put, db_i(*no),
		db_s(roll_member_at(roll, 0)->key), db_i(roll_epoch(roll)),
		db_s(in->sealed)) == NULL)
		return rq->why.code;
	return OK;
}

/* Known already: the same acts are answered the same. */
static int
create_again(struct rq *rq, const struct mesh *m, const struct mesh_create *in)
{
	if (!roll_has(m->roll, in->acts.v[1].s))
		return rq_fail(rq, E_CONFLICT,
		    "this mesh exists, with another first admin");
	return created(rq, m->id, m->roll);
}

int
on_mesh_create(struct rq *rq, const struct mesh_create *in)
{
	struct roll *roll;
	struct mesh *m;
	struct why no_matter;
	int64_t no = 0;
	int r = may_create(rq, in->token);

	if (r != OK)
		return r;
	if (in->acts.n != 2)
		return rq_field(rq, E_BAD_FIELD, "acts",
		    "a mesh is made of two acts");
	roll = first_roll(rq, in);
	if (roll == NULL)
		return rq->why.code;
	m = mesh_find(rq->b, roll_mesh(roll), &no_matter);
	if (m != NULL) {
		roll_free(roll);
		return create_again(rq, m, in);
	}
	r = room_for_mesh(rq);
	if (r == OK)
		r = store_mesh(rq, in, roll, &no);
	if (r != OK) {
		roll_free(roll);
		return r;
	}
	m = mesh_add(rq->b, (uint64_t)no, roll);
	log_event(LOG_INFO, "mesh_created", "mesh", m->id, NULL);
	return created(rq, m->id, roll);
}

/* ---- entering ---- */

static int64_t
active_members(const struct roll *roll)
{
	const struct roll_member *who;
	int64_t n = 0;
	size_t i;

	for (i = 0; (who = roll_member_at(roll, i)) != NULL; i++)
		n += who->state == MEMBER_ACTIVE;
	return n;
}

static int
invite_stands(struct rq *rq, const struct mesh *m, const char *key)
{
	const struct roll_invite *i = roll_invite(m->roll, key);

	if (i == NULL)
		return rq_fail(rq, E_INVITE_UNKNOWN, NULL);
	if (i->revoked)
		return rq_fail(rq, E_INVITE_REVOKED, NULL);
	if (i->used >= i->uses)
		return rq_fail(rq, E_INVITE_USED_UP, NULL);
	if (i->expires_at <= rq->now)
		return rq_fail(rq, E_INVITE_EXPIRED, NULL);
	return OK;
}

static int
open_proof(struct rq *rq, const char *b64, struct invite_proof *p)
{
	int r;

	r = doc_peek(rq->arena, b64, &wire_invite_proof, p, &rq->why);
	if (r == OK)
		r = doc_open(rq->arena, b64, "invite", &wire_invite_proof, p,
		    p->invite, &rq->why);
	if (r != OK)
		return rq_field(rq, r, "proof", "the proof does not stand: %s",
		    arena_strdup(rq->arena, rq->why.text));
	if (strcmp(p->challenge, rq->conn->challenge) != 0)
		return rq_field(rq, E_BAD_SIGNATURE, "proof.challenge",
		    "the proof is not for this connection's challenge");
	return url_check(rq, p->url);
}

/* The mesh that an invite key leads to. */
static struct mesh *
invited_to(struct rq *rq, const char *key)
{
	struct db_rows *r = query(rq, sql_invite, db_s(key));
	struct mesh *m;

	if (r == NULL)
		return NULL;
	if (r->n == 0) {
		rq_fail(rq, E_INVITE_UNKNOWN, NULL);
		return NULL;
	}
	m = mesh_numbered(rq->b, (uint64_t)db_int(r, 0, 0), &rq->why);
	if (m == NULL && rq->why.code == E_NO_MESH)
		rq_fail(rq, E_INVITE_UNKNOWN, "the mesh is gone");
	return m;
}

int
on_invite_open(struct rq *rq, const struct invite_open *in)
{
	struct invite_proof p;
	struct db_rows *k;
	struct mesh *m;
	int r = open_proof(rq, in->proof, &p);

	if (r != OK)
		return r;
	m = invited_to(rq, p.invite);
	if (m == NULL)
		return rq->why.code;
	/* A used-up one still lets who joined by it repeat the join. */
	str_copy(rq->conn->invite, sizeof(rq->conn->invite), p.invite);
	str_copy(rq->conn->invite_mesh, sizeof(rq->conn->invite_mesh), m->id);
	rq->conn->invite_good = false;
	r = invite_stands(rq, m, p.invite);
	if (r != OK)
		return r;
	k = query(rq, sql_key_newest, db_i((int64_t)m->no), db_s(p.invite));
	if (k == NULL)
		return rq->why.code;
	if (k->n == 0)
		return rq_fail(rq, E_INVITE_UNKNOWN,
		    "the invite's epoch key is gone");
	rq->conn->invite_good = true;
	return reply(rq, invite_info, .mesh_id = m->id,
	    .roll = roll_point_of(m->roll), .has_roll = true,
	    .epoch = db_int(k, 0, 0), .sealed = db_text(k, 0, 1));
}

struct joining {
	const struct mesh_join *in;
	struct mesh *mesh;
	struct act head;
	struct act_join join;
	char hash[65];
};

static int
read_join(struct rq *rq, struct joining *j)
{
	struct json doc;
	int r;

	j->mesh = mesh_find(rq->b, j->in->mesh_id, &rq->why);
	if (j->mesh == NULL)
		return rq->why.code;
	r = act_peek(rq->arena, j->in->act, &j->head, &doc, j->hash, &rq->why);
	if (r == OK && strcmp(j->head.kind, "join") != 0)
		r = rq_field(rq, E_ROLL_REFUSED, "act", "not a join act");
	if (r == OK)
		r = wire_decode(&wire_act_join, doc, &j->join, rq->arena,
		    &rq->why);
	if (r != OK)
		return r;
	if (strcmp(rq->conn->invite_mesh, j->mesh->id) != 0 ||
	    strcmp(rq->conn->invite, j->join.invite) != 0)
		return rq_fail(rq, E_FORBIDDEN,
		    "the invite was not opened on this connection");
	if (name_reserved(j->join.name))
		return rq_field(rq, E_BAD_FIELD, "act.name",
		    "the name '%s' is reserved", j->join.name);
	return OK;
}

static int
joined(struct rq *rq, struct roll_point at)
{
	return reply(rq, roll_appended, .roll = at, .has_roll = true);
}

static int
join(struct rq *rq, const struct joining *j)
{
	struct mesh *m = j->mesh;
	int r;

	rq->mesh = m;
	if (change(rq, sql_append, db_i((int64_t)m->no), db_i(j->head.n),
		db_s(j->in->act)) == NULL ||
	    change(rq, sql_key_put, db_i((int64_t)m->no), db_s(j->join.member),
		db_i(roll_epoch(m->roll)), db_s(j->in->sealed)) == NULL)
		return rq->why.code;
	r = roll_apply(m->roll, j->in->act, &rq->why);
	if (r != OK)
		return r;
	r = joined(rq, roll_point_of(m->roll));
	push_mesh(rq->b, m, 0, NULL, roll_changed, .mesh_id = m->id,
	    .roll = roll_point_of(m->roll), .has_roll = true);
	log_event(LOG_INFO, "member_joined", "mesh", m->id, "n",
	    log_i(roll_n(m->roll)), NULL);
	return r;
}

int
on_mesh_join(struct rq *rq, const struct mesh_join *in)
{
	struct joining j = { .in = in };
	const struct roll_member *who;
	int r = read_join(rq, &j);

	if (r != OK)
		return r;
	if (roll_has(j.mesh->roll, in->act))
		return joined(rq,
		    (struct roll_point){ j.head.n + 1, j.hash, 0 });
	who = roll_member(j.mesh->roll, j.join.member);
	if (who != NULL && who->state == MEMBER_ACTIVE &&
	    strcmp(who->invite, j.join.invite) == 0)
		return joined(rq, roll_point_of(j.mesh->roll));
	r = invite_stands(rq, j.mesh, j.join.invite);
	if (r == OK && roll_n(j.mesh->roll) >= rq->b->conf.limits.acts)
		return rq_fail(rq, E_QUOTA, "the mesh's roll is full");
	if (r == OK &&
	    active_members(j.mesh->roll) >= rq->b->conf.limits.members)
		return rq_fail(rq, E_QUOTA,
		    "the mesh has %lld members, as many as this broker takes",
		    (long long)rq->b->conf.limits.members);
	if (r == OK)
		r = roll_check(j.mesh->roll, in->act, &rq->why);
	if (r != OK)
		return r;
	return join(rq, &j);
}

/* ---- numbers, erasing ---- */

int
on_mesh_info(struct rq *rq, const struct mesh_info *in)
{
	const struct mesh *m = rq->mesh;
	(void)in;
	return reply(rq, mesh_info_result, .mesh = m->id,
	    .name = roll_name(m->roll), .peers = (int64_t)m->here.n,
	    .members = active_members(m->roll), .queued = m->all.n,
	    .roll = roll_point_of(m->roll), .has_roll = true,
	    .your_name = rq->peer->name);
}

int
on_mesh_delete(struct rq *rq, const struct mesh_delete *in)
{
	struct mesh *m = rq->mesh;
	struct delete_proof p;
	struct presence *peer;
	char by[65];
	size_t i = 0;
	int r;

	r = doc_open(rq->arena, in->proof, "delete", &wire_delete_proof, &p,
	    roll_owner(m->roll), &rq->why);
	if (r != OK)
		return rq_field(rq, r == E_BAD_SIGNATURE ? E_FORBIDDEN : r,
		    "proof", "only the owner erases a mesh: %s",
		    arena_strdup(rq->arena, rq->why.text));
	if (strcmp(p.mesh, m->id) != 0 ||
	    strcmp(p.challenge, rq->conn->challenge) != 0)
		return rq_field(rq, E_BAD_SIGNATURE, "proof",
		    "the proof is for another mesh or connection");
	r = url_check(rq, p.url);
	if (r != OK)
		return r;
	if (change(rq, sql_erase, db_i((int64_t)m->no)) == NULL)
		return rq->why.code;
	str_copy(by, sizeof(by), rq->peer->name);
	r = rq_ok(rq);
	while ((peer = map_next(&m->here, &i)) != NULL)
		presence_end(rq->b, peer, "mesh_deleted", by);
	log_event(LOG_INFO, "mesh_erased", "mesh", m->id, NULL);
	rq->mesh = NULL;
	mesh_free(rq->b, m);
	return r;
}

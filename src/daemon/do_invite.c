/*
 * do_invite.c - invites: acts in the roll, and links whose secret never leaves
 * this machine but in the link itself. The link is shown once and not kept.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#include "base/enc.h"

#define DEFAULT_MS (7LL * 24 * 3600 * 1000)

struct inviting {
	struct invite_link link;
	bool admin;
	int64_t uses, expires_at;
	const char *revoke;  /* key of the invite to be revoked */
	struct turning turn; /* when it leaked */
};

static void
wipe(struct dop *op)
{
	key_wipe(op->extra, sizeof(struct inviting));
}

/* The name of an invite: what its link shows of it. */
static void
code_of(char out[INVITE_CODE_LEN + 1], const char *key_hex)
{
	uint8_t pub[32], hash[32];

	memset(pub, 0, sizeof(pub));
	hex_decode(pub, sizeof(pub), key_hex, 64);
	sha256(hash, pub, sizeof(pub));
	b32_encode(out, hash, 10);
}

static int
make_invite(struct dop *op, struct dmesh *m, struct act_made *out,
    struct why *why)
{
	struct inviting *v = op->extra;
	struct act_invite f = { .invite = v->link.key.hex,
		.role = v->admin ? "admin" : "member",
		.uses = v->uses,
		.expires_at = v->expires_at };

	if (m->epoch == 0 || m->epoch != roll_epoch(m->roll))
		return why_set(why, E_UNAVAILABLE,
		    "the mesh's epoch key is not known here yet");
	out->has_sealed = true;
	out->sealed = (struct sealed_key){ .key = v->link.key.hex,
		.sealed = seal_key(&op->mem, m->epoch_key, v->link.key.hex) };
	return op_sign(op, m, v->admin, "invite", &wire_act_invite, &f,
	    &out->act, why);
}

static void
invite_done(struct dop *op, struct dmesh *m)
{
	const struct local_invite_create *in = op->in;
	struct inviting *v = op->extra;
	char url[INVITE_LINK_MAX], code[INVITE_CODE_LEN + 1];
	struct local_invite out = { .url = url,
		.code = code,
		.role = v->admin ? "admin" : "member",
		.expires_at = v->expires_at,
		.uses = v->uses };
	int rc;

	code_of(code, v->link.key.hex);
	str_copy(v->link.broker, sizeof(v->link.broker), m->broker);
	str_copy(v->link.mesh, sizeof(v->link.mesh), m->id);
	str_copy(v->link.name, sizeof(v->link.name), roll_name(m->roll));
	str_copy(v->link.inviter, sizeof(v->link.inviter), m->me);
	v->link.expires_at = v->expires_at;
	str_copy(v->link.pin, sizeof(v->link.pin), m->pin);
	rc = in->self_contained ? link_print_self(url, sizeof(url), &v->link)
				: link_print(url, sizeof(url), &v->link);
	if (rc != OK)
		op_fail(op, rc, "the broker URL %s does not fit a link",
		    m->broker);
	else
		op_reply(op, &wire_local_invite, &out);
	key_wipe(url, sizeof(url));
}

int
on_local_invite_create(struct dq *q, const struct local_invite_create *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	struct inviting *v;
	struct dop *op;

	if (m == NULL)
		return q->why.code;
	if (*in->role && !str_eq(in->role, "member") &&
	    !str_eq(in->role, "admin"))
		return why_field(&q->why, E_BAD_FIELD, "role",
		    "role is member or admin");
	if (str_eq(in->role, "admin") && in->uses > 1)
		return why_field(&q->why, E_BAD_FIELD, "uses",
		    "an invite for an admin is good for one use");
	op = op_new(q, m, NULL);
	op->extra = v = arena_zalloc(&op->mem, sizeof(*v));
	v->admin = str_eq(in->role, "admin");
	v->uses = in->uses ? in->uses : 1;
	v->expires_at = q->now + (in->expires_ms ? in->expires_ms : DEFAULT_MS);
	key_random(&v->link.key);
	op->fini = wipe;
	op_act(op, make_invite, invite_done);
	return OK;
}

/* ---- list ---- */

static const char *
state_of(const struct roll_invite *v, int64_t now)
{
	return v->revoked	   ? "revoked"
	    : v->used >= v->uses   ? "used"
	    : v->expires_at <= now ? "expired"
				   : "open";
}

int
on_local_invite_list(struct dq *q, const struct local_invite_list *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	struct local_invites out = { 0 };
	const struct roll_member *by;
	const struct roll_invite *v;
	size_t n = 0;
	char *code;

	if (m == NULL)
		return q->why.code;
	while (roll_invite_at(m->roll, n) != NULL)
		n++;
	out.invites.v = arena_alloc(q->a, (n + 1) * sizeof(*out.invites.v));
	for (size_t i = 0; (v = roll_invite_at(m->roll, i)) != NULL; i++) {
		code = arena_alloc(q->a, INVITE_CODE_LEN + 1);
		code_of(code, v->key);
		by = roll_member(m->roll, v->author);
		if (by == NULL) /* the owner key: the first admin holds it */
			by = roll_member_at(m->roll, 0);
		out.invites.v[out.invites.n++] =
		    (struct invite_row){ .code = code,
			    .role = v->admin ? "admin" : "member",
			    .uses = v->uses,
			    .used = v->used,
			    .expires_at = v->expires_at,
			    .state = state_of(v, q->now),
			    .by = by ? by->name : "" };
	}
	return dq_reply(q, &wire_local_invites, &out);
}

/* ---- revoke ---- */

static int
make_revoke(struct dop *op, struct dmesh *m, struct act_made *out,
    struct why *why)
{
	struct inviting *v = op->extra;
	struct act_invite_revoke f = { .invite = v->revoke };
	const struct roll_invite *inv = roll_invite(m->roll, v->revoke);

	if (inv != NULL && inv->revoked)
		return why_set(why, E_CONFLICT,
		    "the invite is revoked already");
	return op_sign(op, m, false, "invite_revoke", &wire_act_invite_revoke,
	    &f, &out->act, why);
}

static void
revoke_done(struct dop *op, struct dmesh *m)
{
	const struct ok ok = { 0 };

	(void)m;
	op_reply(op, &wire_ok, &ok);
}

static const struct roll_invite *
find_invite(struct dmesh *m, const char *code)
{
	const struct roll_invite *v;
	struct invite_link link;
	char c[INVITE_CODE_LEN + 1];

	if (link_parse(&link, code, NULL) == OK) {
		v = roll_invite(m->roll, link.key.hex);
		key_wipe(&link, sizeof(link));
		return v;
	}
	for (size_t i = 0; (v = roll_invite_at(m->roll, i)) != NULL; i++) {
		code_of(c, v->key);
		if (str_eq(c, code))
			return v;
	}
	return NULL;
}

int
on_local_invite_revoke(struct dq *q, const struct local_invite_revoke *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	const struct roll_invite *v;
	struct inviting *x;
	struct dop *op;

	if (m == NULL)
		return q->why.code;
	if ((v = find_invite(m, in->code)) == NULL)
		return dq_fail(q, E_NOT_FOUND,
		    "mesh %s has no such invite; `claudemesh "
		    "invite list` shows them",
		    m->slug);
	op = op_new(q, m, NULL);
	op->extra = x = arena_zalloc(&op->mem, sizeof(*x));
	x->revoke = arena_strdup(&op->mem, v->key);
	if (in->leaked) {
		x->turn.member = "";
		x->turn.invite = x->revoke;
		x->turn.done = revoke_done;
		op_turn(op, &x->turn);
		return OK;
	}
	op_act(op, make_revoke, revoke_done);
	return OK;
}

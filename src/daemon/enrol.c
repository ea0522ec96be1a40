/*
 * enrol.c - making a mesh and entering one, over a guest's connection. Nothing
 * the broker says about a mesh is believed: its roll is replayed and must begin
 * with the genesis act that the link pins, and the epoch key must be the one
 * whose hash the roll names.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "net/wsclient.h"

#define TRIES 5

/* Lives in op->mem; what it owns is freed with the operation. */
struct enrol {
	struct roll *roll;
	VEC(const char *) act;
	uint8_t epoch_key[32];
	struct invite_link link;
	char me[65];
	struct key member;
	const char *made; /* the join act under way */
	const char *ca, *pin;
	bool look;
};

static void
enrol_fini(struct dop *op)
{
	struct enrol *e = op->state;

	roll_free(e->roll);
	vec_fini(&e->act);
	key_wipe(e, sizeof(*e));
}

static struct enrol *
enrol_new(struct dop *op, const char *me, const char *ca, const char *pin)
{
	struct enrol *e = arena_zalloc(&op->mem, sizeof(*e));

	op->state = e;
	op->fini = enrol_fini;
	e->roll = roll_new();
	str_copy(e->me, sizeof(e->me), me);
	e->ca = arena_strdup(&op->mem, ca);
	e->pin = arena_strdup(&op->mem, pin);
	return e;
}

static int
pick_name(struct dq *q, const char *wish, char out[65])
{
	const char *fault;

	str_copy(out, 65,
	    *wish		       ? wish
		: *q->d->conf.username ? q->d->conf.username
				       : "me");
	if ((fault = name_fault(out)) == NULL)
		return OK;
	return why_field(&q->why, E_BAD_FIELD, "name",
	    "your name in the mesh %s; say which by --name", fault);
}

/* Everything is known and proven: it is a mesh of ours. */
static void
adopt(struct dop *op, const char *broker)
{
	struct enrol *e = op->state;
	struct mesh_new in = { .broker = broker,
		.me = e->me,
		.ca = e->ca,
		.pin = e->pin,
		.roll = e->roll,
		.act = e->act.v,
		.nact = e->act.n,
		.epoch_key = e->epoch_key };
	struct local_mesh out = { 0 };
	struct dmesh *m;
	struct why why;

	m = dmesh_named(op->d, roll_mesh(e->roll)); /* by another request? */
	if (m == NULL) {
		m = dmesh_add(op->d, &in, &why);
		if (m == NULL) {
			op_fail_why(op, &why);
			d_broken(op->d, "mesh", &why);
			return;
		}
		e->roll = NULL;
	}
	mesh_ref_fill(m, &out.mesh);
	out.member = (struct member_ref){ .id = m->member.hex, .name = m->me };
	op_reply(op, &wire_local_mesh, &out);
}

/* ---- creating ---- */

static void
on_created(struct dop *op, const struct link_reply *r)
{
	struct enrol *e = op->state;
	const struct mesh_created *msg = r->msg;
	struct why why;

	if (r->code != OK) {
		op_fail_why(op, &r->why);
	} else if (!str_eq(msg->mesh_id, roll_mesh(e->roll))) {
		why_set(&why, E_INTERNAL, "the broker made another mesh");
		op_fail_why(op, &why);
	} else {
		adopt(op, link_url(op->guest));
	}
}

static int
add_act(struct enrol *e, const char *act, struct why *why)
{
	int code = roll_apply(e->roll, act, why);

	if (code == OK)
		vec_add(&e->act, act);
	return code;
}

/* Genesis, and the first admin: both by the owner key. */
static int
found(struct dop *op, struct enrol *e, struct why *why)
{
	const struct local_mesh_create *in = op->in;
	struct act_genesis g = { .name = in->name,
		.epoch = 1,
		.log_key = link_challenge(op->guest)->log_key };
	struct act_admin a = { .name = e->me };
	char nonce[65], hash[65];
	uint8_t rnd[32];
	struct key owner;
	int code;

	crypto_random(rnd, sizeof(rnd));
	sha256_hex(nonce, rnd, sizeof(rnd));
	crypto_random(e->epoch_key, sizeof(e->epoch_key));
	sha256_hex(hash, e->epoch_key, sizeof(e->epoch_key));
	g.nonce = nonce;
	g.epoch_hash = hash;
	key_owner(&owner, op->d->conf.seed, nonce);
	code = add_act(e,
	    act_make(&op->mem, e->roll, "genesis", &wire_act_genesis, &g,
		&owner, NULL, d_now(op->d)),
	    why);
	if (code == OK) {
		key_member(&e->member, op->d->conf.seed, roll_mesh(e->roll));
		a.member = e->member.hex;
		code = add_act(e,
		    act_make(&op->mem, e->roll, "admin", &wire_act_admin, &a,
			&owner, NULL, d_now(op->d)),
		    why);
	}
	key_wipe(&owner, sizeof(owner));
	return code;
}

static void
create_up(struct dop *op)
{
	const struct local_mesh_create *in = op->in;
	struct enrol *e = op->state;
	struct mesh_create req = { .token = in->token };
	struct blob acts[2];
	struct why why;

	if (!link_challenge(op->guest)->create) {
		why_set(&why, E_FORBIDDEN,
		    "the broker %s lets nobody make meshes; it "
		    "is run with --create none",
		    link_url(op->guest));
		op_fail_why(op, &why);
		return;
	}
	if (found(op, e, &why) != OK) {
		op_fail_why(op, &why);
		return;
	}
	acts[0].s = e->act.v[0];
	acts[1].s = e->act.v[1];
	req.acts.n = 2;
	req.acts.v = acts;
	req.sealed = seal_key(&op->mem, e->epoch_key, e->member.hex);
	op_call(op, &wire_mesh_create, &req, NULL, on_created);
}

int
on_local_mesh_create(struct dq *q, const struct local_mesh_create *in)
{
	char url[513];
	const char *fault, *wrong = NULL;
	struct dop *op;
	char me[65];

	if ((fault = str_name_fault(in->name, 64)) != NULL)
		return why_field(&q->why, E_BAD_FIELD, "name",
		    "the mesh's name %s", fault);
	if (pick_name(q, in->display, me) != OK)
		return q->why.code;
	if (url_to_ws(url, sizeof(url), *in->broker ? in->broker : q->d->broker,
		&wrong) != 0)
		return why_field(&q->why, E_BAD_FIELD, "broker",
		    "the broker URL %s", wrong ? wrong : "is no good");
	if (trust_check(url, in->ca, in->pin, &q->why) != OK)
		return q->why.code;
	op = op_new(q, NULL, NULL);
	enrol_new(op, me, in->ca, in->pin);
	op_guest(op, url, in->ca, in->pin, create_up);
	return OK;
}

/* ---- looking and joining ---- */

static void join_now(struct dop *op);

static int
check_invite(struct dop *op, struct enrol *e, struct why *why)
{
	const struct roll_invite *inv = roll_invite(e->roll, e->link.key.hex);
	const struct roll_member *me = roll_member(e->roll, e->member.hex);
	char hash[65];

	if (inv == NULL)
		return why_set(why, E_INVITE_UNKNOWN,
		    "the mesh's roll has no such invite");
	sha256_hex(hash, e->epoch_key, 32);
	if (!str_eq(hash, roll_epoch_hash(e->roll)))
		return why_set(why, E_CANNOT_OPEN,
		    "the broker gives another epoch"
		    " key than the roll names; nothing was joined");
	if (me != NULL && me->state == MEMBER_ACTIVE)
		return OK; /* it was us who used it */
	if (inv->revoked)
		return why_set(why, E_INVITE_REVOKED, "the invite was revoked");
	if (inv->used >= inv->uses)
		return why_set(why, E_INVITE_USED_UP,
		    "the invite has no uses left");
	if (inv->expires_at <= link_challenge(op->guest)->now)
		return why_set(why, E_INVITE_EXPIRED, "the invite has expired");
	return OK;
}

/* What the roll says of an invite; false when it knows none of this key. */
static bool
view(struct local_mesh_view *v, const struct roll *roll, const char *invite,
    const char *member, const char *broker)
{
	const struct roll_invite *inv = roll_invite(roll, invite);
	const struct roll_member *by, *rm, *me = roll_member(roll, member);

	if (inv == NULL)
		return false;
	by = roll_member(roll, inv->author);
	if (by == NULL) /* by the owner key: the first admin is the owner */
		by = roll_member_at(roll, 0);
	*v = (struct local_mesh_view){ .id = roll_mesh(roll),
		.name = roll_name(roll),
		.broker = broker,
		.inviter = by ? by->name : "",
		.role = inv->admin ? "admin" : "member",
		.expires_at = inv->expires_at,
		.already = me != NULL && me->state == MEMBER_ACTIVE };
	for (size_t i = 0; (rm = roll_member_at(roll, i)) != NULL; i++)
		v->members += rm->state == MEMBER_ACTIVE;
	return true;
}

static void
show(struct dop *op, struct enrol *e)
{
	struct local_mesh_view v = { 0 };

	view(&v, e->roll, e->link.key.hex, e->member.hex, link_url(op->guest));
	op_reply(op, &wire_local_mesh_view, &v);
}

static void ask_roll(struct dop *op);

static void
on_roll(struct dop *op, const struct link_reply *r)
{
	struct enrol *e = op->state;
	const struct roll_page *page = r->msg;
	int64_t before = roll_n(e->roll);
	struct why why = r->why;
	int code = r->code;

	for (size_t i = 0; code == OK && i < page->acts.n; i++)
		code =
		    add_act(e, arena_strdup(&op->mem, page->acts.v[i].s), &why);
	if (code != OK && code != r->code)
		code = why_set(&why, E_ROLL_FORKED,
		    "the broker shows a roll that does not stand: %s",
		    arena_strdup(&op->mem, why.text));
	if (code == OK && !str_eq(roll_mesh(e->roll), e->link.mesh))
		code = why_set(&why, E_ROLL_FORKED,
		    "the broker shows another mesh "
		    "than the link names");
	if (code == OK && page->roll.n > roll_n(e->roll)) {
		if (roll_n(e->roll) > before) {
			ask_roll(op);
			return;
		}
		code =
		    why_set(&why, E_ROLL_FORKED, "the broker holds acts back");
	}
	if (code == OK)
		code = check_invite(op, e, &why);
	if (code != OK)
		op_fail_why(op, &why);
	else if (e->look)
		show(op, e);
	else
		join_now(op);
}

static void
ask_roll(struct dop *op)
{
	struct enrol *e = op->state;
	struct roll_get in = { .mesh_id = e->link.mesh,
		.from = roll_n(e->roll) };

	op_call(op, &wire_roll_get, &in, NULL, on_roll);
}

/* Our act stands, if the roll with it is the one we signed for. */
static void
on_joined(struct dop *op, const struct link_reply *r)
{
	struct enrol *e = op->state;
	const struct roll_appended *msg = r->msg;
	struct why why;

	if (r->code == E_ROLL_CONFLICT && op->tries < TRIES)
		ask_roll(op); /* somebody was faster: sign anew */
	else if (r->code != OK)
		op_fail_why(op, &r->why);
	else if (msg->roll.n != roll_n(e->roll) + 1 && op->tries < TRIES)
		ask_roll(op); /* joined before, or others joined since */
	else if (add_act(e, e->made, &why) != OK)
		op_fail_why(op, &why);
	else if (!str_eq(msg->roll.head, roll_head(e->roll)))
		op_fail(op, E_ROLL_FORKED,
		    "the broker shows another roll than the "
		    "one that was joined");
	else
		adopt(op, link_url(op->guest));
}

static void
join_now(struct dop *op)
{
	struct enrol *e = op->state;
	const struct roll_member *me = roll_member(e->roll, e->member.hex);
	struct act_join f = { .invite = e->link.key.hex,
		.member = e->member.hex,
		.name = e->me };
	struct mesh_join req = { .mesh_id = e->link.mesh };
	struct why why;

	if (me != NULL && me->state == MEMBER_ACTIVE) {
		str_copy(e->me, sizeof(e->me), me->name);
		adopt(op, link_url(op->guest));
		return;
	}
	op->tries++;
	req.act = e->made = act_make(&op->mem, e->roll, "join", &wire_act_join,
	    &f, &e->member, &e->link.key, d_now(op->d));
	if (roll_check(e->roll, req.act, &why) != OK) {
		op_fail_why(op, &why);
		return;
	}
	req.sealed = seal_key(&op->mem, e->epoch_key, e->member.hex);
	op_call(op, &wire_mesh_join, &req, NULL, on_joined);
}

static void
on_opened(struct dop *op, const struct link_reply *r)
{
	struct enrol *e = op->state;
	const struct invite_info *info = r->msg;
	struct why why = r->why;
	int code = r->code;

	if (code == OK && !str_eq(info->mesh_id, e->link.mesh))
		code = why_set(&why, E_ROLL_FORKED,
		    "the broker shows another mesh "
		    "than the link names");
	if (code == OK &&
	    unseal_key(e->epoch_key, info->sealed, &e->link.key) != OK)
		code = why_set(&why, E_CANNOT_OPEN,
		    "the sealed epoch key cannot be opened with this invite");
	if (code != OK)
		op_fail_why(op, &why);
	else
		ask_roll(op);
}

static void
join_up(struct dop *op)
{
	struct enrol *e = op->state;
	struct invite_proof proof = { .url = link_url(op->guest),
		.invite = e->link.key.hex,
		.challenge = link_challenge(op->guest)->nonce };
	struct invite_open req;

	req.proof = doc_sign(&op->mem, "invite", &wire_invite_proof, &proof,
	    &e->link.key);
	op_call(op, &wire_invite_open, &req, NULL, on_opened);
}

/* The pin in the link is its maker's word; another one is a contradiction. */
static int
begin(struct dq *q, const struct invite_link *link, const char *me,
    const char *ca, const char *pin, bool look)
{
	struct enrol *e;
	struct dop *op;

	if (*pin == '\0')
		pin = link->pin;
	else if (link->pin[0] != '\0' && !str_eq(pin, link->pin))
		return why_field(&q->why, E_BAD_FIELD, "pin",
		    "the link names another pin, %s", link->pin);
	if (link->pin[0] != '\0')
		ca = "";
	if (trust_check(link->broker, ca, pin, &q->why) != OK)
		return q->why.code;
	op = op_new(q, NULL, NULL);
	e = enrol_new(op, me, ca, pin);
	e->link = *link;
	e->look = look;
	key_member(&e->member, q->d->conf.seed, link->mesh);
	op_guest(op, link->broker, ca, pin, join_up);
	return OK;
}

int
on_local_mesh_look(struct dq *q, const struct local_mesh_look *in)
{
	struct local_mesh_view v;
	struct invite_link link;
	struct dmesh *m;
	bool known;
	int code = OK;

	if (link_parse(&link, in->url, &q->why) != OK)
		return q->why.code;
	m = dmesh_named(q->d, link.mesh);
	known = m != NULL &&
	    view(&v, m->roll, link.key.hex, m->member.hex, m->broker);
	if (!known)
		code = begin(q, &link, "", in->ca, in->pin, true);
	key_wipe(&link, sizeof(link));
	return known ? dq_reply(q, &wire_local_mesh_view, &v) : code;
}

int
on_local_mesh_join(struct dq *q, const struct local_mesh_join *in)
{
	struct local_mesh out = { 0 };
	struct invite_link link;
	struct dmesh *m;
	char me[65];

	if (link_parse(&link, in->url, &q->why) != OK)
		return q->why.code;
	m = dmesh_named(q->d, link.mesh);
	if (m != NULL && m->out) {
		key_wipe(&link, sizeof(link));
		return dq_fail(q, E_CONFLICT,
		    "mesh %s is here from before you were put out of it: "
		    "`claudemesh mesh leave %s --forget` erases that, then join",
		    m->slug, m->slug);
	}
	if (m != NULL) { /* joining twice is joining once */
		key_wipe(&link, sizeof(link));
		mesh_ref_fill(m, &out.mesh);
		out.member = (struct member_ref){ m->member.hex, m->me, 0 };
		return dq_reply(q, &wire_local_mesh, &out);
	}
	if (pick_name(q, in->name, me) == OK)
		begin(q, &link, me, in->ca, in->pin, false);
	key_wipe(&link, sizeof(link));
	return q->answered ? OK : q->why.code;
}

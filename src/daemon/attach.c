/*
 * attach.c - one person on several machines: the account sealed and taken over,
 * and this machine attached to a mesh in which the account is a member already.
 *
 * Attaching needs no invite: the member key comes from the account's seed. A
 * hidden session under that key reads the roll, which must begin with the
 * genesis act that the mesh's id pins, and the epoch key that was sealed to the
 * member, whose hash the roll names; then it ends.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/log.h"
#include "crypto/account.h"
#include "net/wsclient.h"

#define LINK_MS (15 * 60 * 1000LL)
#define ATTACH_NAME "new machine"

/* ---- sealing, taking over ---- */

int
on_local_account_link(struct dq *q, const struct local_account_link *in)
{
	struct local_account_sealed out = { 0 };
	struct account_parcel p = { .v = 2 };
	char code[ACCOUNT_CODE_SHOWN + 1], seed[44];
	struct dmesh *m;
	int r;

	p.meshes.v = arena_zalloc(q->a, 100 * sizeof(*p.meshes.v));
	for (size_t i = 0; (m = map_next(&q->d->meshes, &i)) != NULL;) {
		if (m->gone)
			continue;
		if (p.meshes.n == 100)
			return dq_fail(q, E_TOO_LONG,
			    "an account link names at most 100 meshes");
		p.meshes.v[p.meshes.n++] = (struct mesh_place){ .mesh = m->id,
			.broker = m->broker,
			.pin = m->pin };
	}
	b64url_encode(seed, q->d->conf.seed, 32);
	p.seed = seed;
	p.expires_at = q->now + (in->expires_ms ? in->expires_ms : LINK_MS);
	account_code(code);
	r = account_seal(q->a, &p, code, &out.text, &q->why);
	key_wipe(seed, sizeof(seed));
	if (r != OK)
		return r;
	out.code = code;
	out.expires_at = p.expires_at;
	out.meshes = (int64_t)p.meshes.n;
	r = dq_reply(q, &wire_local_account_sealed, &out);
	key_wipe(code, sizeof(code));
	return r;
}

/* The seed becomes this machine's, on disk first. */
static int
take_seed(struct dq *q, const uint8_t seed[32])
{
	struct daemon *d = q->d;
	struct dmesh *m;

	if (memcmp(seed, d->conf.seed, 32) == 0)
		return OK;
	for (size_t i = 0; (m = map_next(&d->meshes, &i)) != NULL;) {
		if (m->gone)
			continue;
		return why_set(&q->why, E_CONFLICT,
		    "this machine's own account is in %zu meshes; leave them, "
		    "or take the other account in another CLAUDEMESH_HOME",
		    d->meshes.n);
	}
	if (d->conf.keep_seed == NULL)
		return why_set(&q->why, E_UNAVAILABLE,
		    "this daemon cannot keep another account");
	if (d->conf.keep_seed(d->conf.arg, seed, &q->why) != OK)
		return q->why.code;
	memcpy(d->conf.seed, seed, 32);
	key_account(&d->account, seed);
	log_event(LOG_INFO, "account_taken", "account", d->account.hex, NULL);
	return OK;
}

int
on_local_account_take(struct dq *q, const struct local_account_take *in)
{
	struct local_account_taken out = { 0 };
	struct account_parcel p;
	uint8_t seed[32];
	int r =
	    account_open(q->a, in->text, in->code, q->now, &p, seed, &q->why);

	if (r != OK)
		return r;
	r = take_seed(q, seed);
	key_wipe(seed, sizeof(seed));
	if (r != OK)
		return r;
	out.account = q->d->account.hex;
	out.meshes.n = p.meshes.n;
	out.meshes.v = p.meshes.v;
	return dq_reply(q, &wire_local_account_taken, &out);
}

/* ---- attaching ---- */

/* Lives in op->mem; what it owns is freed with the operation. */
struct attach {
	struct roll *roll;
	VEC(const char *) act;
	struct key member, session;
	const struct local_mesh_attach *in;
};

static void
attach_fini(struct dop *op)
{
	struct attach *t = op->state;

	roll_free(t->roll);
	vec_fini(&t->act);
	key_wipe(t, sizeof(*t));
}

static void
adopt(struct dop *op, struct attach *t, const uint8_t epoch_key[32])
{
	const struct roll_member *me = roll_member(t->roll, t->member.hex);
	struct mesh_new in = { .broker = link_url(op->guest),
		.me = me->name,
		.ca = t->in->ca,
		.pin = t->in->pin,
		.roll = t->roll,
		.act = t->act.v,
		.nact = t->act.n,
		.epoch_key = epoch_key };
	struct local_mesh out = { 0 };
	struct dmesh *m;
	struct why why;

	m = dmesh_named(op->d, roll_mesh(t->roll)); /* by another request? */
	if (m == NULL) {
		m = dmesh_add(op->d, &in, &why);
		if (m == NULL) {
			op_fail_why(op, &why);
			d_broken(op->d, "mesh", &why);
			return;
		}
		t->roll = NULL;
	}
	mesh_ref_fill(m, &out.mesh);
	out.member = (struct member_ref){ .id = m->member.hex, .name = m->me };
	op_reply(op, &wire_local_mesh, &out);
}

static void
on_epoch(struct dop *op, const struct link_reply *r)
{
	struct attach *t = op->state;
	const struct epoch_key *msg = r->msg;
	uint8_t key[32] = { 0 };
	char hash[65] = "";

	if (r->code != OK) {
		op_fail_why(op, &r->why);
		return;
	}
	if (unseal_key(key, msg->sealed, &t->member) == OK)
		sha256_hex(hash, key, 32);
	if (str_eq(hash, roll_epoch_hash(t->roll)))
		adopt(op, t, key);
	else
		op_fail(op, E_CANNOT_OPEN,
		    "the broker gives another epoch key than the roll names; "
		    "nothing was attached");
	key_wipe(key, sizeof(key));
}

static void
ask_epoch(struct dop *op, struct attach *t)
{
	const struct roll_member *me = roll_member(t->roll, t->member.hex);
	struct epoch_get in = { .epoch = roll_epoch(t->roll) };

	if (me == NULL || me->state != MEMBER_ACTIVE) {
		op_fail(op, E_NOT_MEMBER,
		    "this account is no member of the mesh, by its roll");
		return;
	}
	op_call(op, &wire_epoch_get, &in, NULL, on_epoch);
}

static void ask_roll(struct dop *op);

static void
on_roll(struct dop *op, const struct link_reply *r)
{
	struct attach *t = op->state;
	const struct roll_page *page = r->msg;
	int64_t before = roll_n(t->roll);
	struct why why = r->why;
	int code = r->code;

	for (size_t i = 0; code == OK && i < page->acts.n; i++) {
		const char *act = arena_strdup(&op->mem, page->acts.v[i].s);

		if (roll_apply(t->roll, act, &why) != OK)
			code = why_set(&why, E_ROLL_FORKED,
			    "the broker shows a roll that does not stand: %s",
			    arena_strdup(&op->mem, why.text));
		else
			vec_add(&t->act, act);
	}
	if (code == OK && !str_eq(roll_mesh(t->roll), t->in->id))
		code = why_set(&why, E_ROLL_FORKED,
		    "the broker shows another mesh than was asked for");
	if (code == OK && page->roll.n > roll_n(t->roll) &&
	    roll_n(t->roll) == before)
		code =
		    why_set(&why, E_ROLL_FORKED, "the broker holds acts back");
	if (code != OK)
		op_fail_why(op, &why);
	else if (page->roll.n > roll_n(t->roll))
		ask_roll(op);
	else
		ask_epoch(op, t);
}

static void
ask_roll(struct dop *op)
{
	struct attach *t = op->state;
	struct roll_get in = { .mesh_id = t->in->id, .from = roll_n(t->roll) };

	op_call(op, &wire_roll_get, &in, NULL, on_roll);
}

static void
on_hello(struct dop *op, const struct link_reply *r)
{
	if (r->code != OK)
		op_fail_why(op, &r->why);
	else
		ask_roll(op);
}

static void
attach_up(struct dop *op)
{
	struct attach *t = op->state;
	const struct challenge *ch = link_challenge(op->guest);
	struct attestation att = { .mesh = t->in->id,
		.member = t->member.hex,
		.session = t->session.hex,
		.name = ATTACH_NAME,
		.issued_at = ch->now,
		.expires_at = ch->now + 5 * 60 * 1000 };
	struct hello_proof proof = { .url = link_url(op->guest),
		.mesh = t->in->id,
		.member = t->member.hex,
		.session = t->session.hex,
		.challenge = ch->nonce };
	struct session_hello in = { .mesh_id = t->in->id,
		.member_pubkey = t->member.hex,
		.session_pubkey = t->session.hex,
		.hidden = true };
	char daemon_id[23];

	d_ids(op->d, daemon_id);
	in.daemon_id = daemon_id;
	in.attestation =
	    doc_sign(&op->mem, "attest", &wire_attestation, &att, &t->member);
	in.proof =
	    doc_sign(&op->mem, "hello", &wire_hello_proof, &proof, &t->session);
	op_call(op, &wire_session_hello, &in, NULL, on_hello);
}

int
on_local_mesh_attach(struct dq *q, const struct local_mesh_attach *in)
{
	struct dmesh *m = dmesh_named(q->d, in->id);
	struct local_mesh out = { 0 };
	const char *wrong = NULL;
	struct attach *t;
	struct dop *op;
	char url[513];

	if (m != NULL) { /* attached before */
		mesh_ref_fill(m, &out.mesh);
		out.member = (struct member_ref){ m->member.hex, m->me, 0 };
		return dq_reply(q, &wire_local_mesh, &out);
	}
	if (url_to_ws(url, sizeof(url), in->broker, &wrong) != 0)
		return why_field(&q->why, E_BAD_FIELD, "broker",
		    "the broker URL %s", wrong ? wrong : "is no good");
	if (trust_check(url, in->ca, in->pin, &q->why) != OK)
		return q->why.code;
	op = op_new(q, NULL, NULL);
	t = arena_zalloc(&op->mem, sizeof(*t));
	op->state = t;
	op->fini = attach_fini;
	t->roll = roll_new();
	t->in = op->in;
	key_member(&t->member, q->d->conf.seed, t->in->id);
	key_random(&t->session);
	op_guest(op, url, t->in->ca, t->in->pin, attach_up);
	return OK;
}

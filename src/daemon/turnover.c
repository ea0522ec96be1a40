/*
 * turnover.c - the turn of the epoch: a new key, sealed to all who stay, staged
 * at the broker in pages, and the act that makes it current. When somebody was
 * faster, all of it is made anew. After a leave or a replacement an admin's
 * daemon turns the epoch by itself.
 */
#include "crypto/epoch.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/core.h"

#define PAGE 500
#define SOON_MS 300 /* and up to ten times that: other admins do it, too */
#define AGAIN_MS 30000

static void
wipe(struct dop *op)
{
	struct turning *t = op->extra;

	key_wipe(t->key, sizeof(t->key));
}

static int
by_key(const void *a, const void *b)
{
	return strcmp(((const struct sealed_key *)a)->key,
	    ((const struct sealed_key *)b)->key);
}

static void
add_key(struct dop *op, struct turning *t, const char *to)
{
	t->keys[t->n++] = (struct sealed_key){ .key = to,
		.sealed = seal_key(&op->mem, t->key, to) };
}

static bool
invite_stays(const struct turning *t, const struct roll *roll,
    const struct roll_invite *v, int64_t now)
{
	const struct roll_member *out = roll_member(roll, t->member);

	return !v->revoked && v->used < v->uses && v->expires_at > now &&
	    !str_eq(v->key, t->invite) && !str_eq(v->author, t->member) &&
	    (out == NULL || !str_eq(out->invite, v->key));
}

/* Sealed to every member that stays and every invite that is open. */
static void
seal_all(struct dop *op, struct dmesh *m, struct turning *t)
{
	const struct roll *roll = m->roll;
	const struct roll_member *rm;
	const struct roll_invite *v;
	struct keys_sum sum;
	size_t max = 1;

	while (roll_member_at(roll, max) != NULL)
		max++;
	for (size_t i = 0; roll_invite_at(roll, i) != NULL; i++)
		max++;
	t->keys = arena_alloc(&op->mem, (max + 1) * sizeof(*t->keys));
	t->n = t->at = 0;
	for (size_t i = 0; (rm = roll_member_at(roll, i)) != NULL; i++)
		if (rm->state == MEMBER_ACTIVE && !rm->old_client &&
		    !str_eq(rm->key, t->member))
			add_key(op, t, arena_strdup(&op->mem, rm->key));
	for (size_t i = 0; (v = roll_invite_at(roll, i)) != NULL; i++)
		if (invite_stays(t, roll, v, d_now(op->d)))
			add_key(op, t, arena_strdup(&op->mem, v->key));
	qsort(t->keys, t->n, sizeof(*t->keys), by_key);
	t->prev = epoch_prev_seal(&op->mem, m->id, t->key, m->epoch_key);
	keys_sum_begin(&sum);
	keys_sum_add(&sum, "", t->prev);
	for (size_t i = 0; i < t->n; i++)
		keys_sum_add(&sum, t->keys[i].key, t->keys[i].sealed);
	keys_sum_end(&sum, t->keys_hash);
}

static void stage(struct dop *op);

static void
on_staged(struct dop *op, const struct link_reply *r)
{
	struct turning *t = op->extra;

	if (r->code == E_ROLL_CONFLICT || r->code == E_OUT_OF_RANGE)
		op_act_conflict(op); /* the roll is another one by now */
	else if (r->code != OK)
		op_fail_why(op, &r->why);
	else if (t->at < t->n)
		stage(op);
	else
		op_act_ready(op);
}

static void
stage(struct dop *op)
{
	struct turning *t = op->extra;
	struct epoch_stage in = { .epoch = t->epoch, .first = t->at == 0 };
	size_t n = t->n - t->at < PAGE ? t->n - t->at : PAGE;

	if (in.first)
		in.prev = t->prev;
	in.keys.n = n;
	in.keys.v = t->keys + t->at;
	t->at += n;
	op_call(op, &wire_epoch_stage, &in, NULL, on_staged);
}

static void
prepare(struct dop *op, struct dmesh *m)
{
	struct turning *t = op->extra;

	if (m->epoch == 0 || m->epoch != roll_epoch(m->roll)) {
		op_fail(op, E_UNAVAILABLE,
		    "the mesh's epoch key is not known here yet");
		return;
	}
	t->epoch = m->epoch + 1;
	crypto_random(t->key, sizeof(t->key));
	sha256_hex(t->epoch_hash, t->key, sizeof(t->key));
	seal_all(op, m, t);
	stage(op);
}

static int
make(struct dop *op, struct dmesh *m, struct act_made *out, struct why *why)
{
	struct turning *t = op->extra;
	struct act_remove remove = { .member = t->member,
		.epoch = t->epoch,
		.epoch_hash = t->epoch_hash,
		.keys = (int64_t)t->n,
		.keys_hash = t->keys_hash };
	struct act_rotate rotate = { .epoch = t->epoch,
		.epoch_hash = t->epoch_hash,
		.keys = (int64_t)t->n,
		.keys_hash = t->keys_hash,
		.invite = t->invite };
	bool out_with = t->member[0] != '\0';

	t->invites = 0;
	for (size_t i = 0; roll_invite_at(m->roll, i) != NULL; i++)
		t->invites += !roll_invite_at(m->roll, i)->revoked;
	return op_sign(op, m, out_with && roll_is_admin(m->roll, t->member),
	    out_with ? "remove" : "rotate",
	    out_with ? &wire_act_remove : &wire_act_rotate,
	    out_with ? (const void *)&remove : &rotate, &out->act, why);
}

static void
turned(struct dop *op, struct dmesh *m)
{
	struct turning *t = op->extra;
	struct why why;

	for (size_t i = 0; roll_invite_at(m->roll, i) != NULL; i++)
		t->invites -= !roll_invite_at(m->roll, i)->revoked;
	if (roll_epoch(m->roll) == t->epoch &&
	    str_eq(roll_epoch_hash(m->roll), t->epoch_hash) &&
	    dmesh_epoch_put(m, t->epoch, t->key, &why) != OK) {
		d_broken(op->d, "epoch", &why);
		return;
	}
	log_event(LOG_INFO, "epoch_turned", "mesh", m->slug, NULL);
	t->done(op, m);
}

void
op_turn(struct dop *op, struct turning *t)
{
	op->extra = t;
	op->fini = wipe;
	op_act_staged(op, prepare, make, turned);
}

/* ---- by itself ---- */

static void
quietly(struct dop *op, struct dmesh *m)
{
	(void)m;
	op->done = true;
}

bool
turnover_due(struct dmesh *m)
{
	uint32_t chance;

	if (!roll_turn_due(m->roll) || m->epoch != roll_epoch(m->roll) ||
	    !roll_is_admin(m->roll, m->member.hex)) {
		m->turn_at = 0;
		return false;
	}
	if (m->turn_at == 0) {
		crypto_random(&chance, sizeof(chance));
		m->turn_at = io_mono(m->d->io) + SOON_MS +
		    (int64_t)(chance % (10 * SOON_MS));
	}
	if (io_mono(m->d->io) >= m->turn_at)
		return true;
	dmesh_timer(m, m->turn_at - io_mono(m->d->io));
	return false;
}

void
turnover_run(struct dmesh *m)
{
	struct dop *op = op_own(m);
	struct turning *t = arena_zalloc(&op->mem, sizeof(*t));

	m->turn_at = io_mono(m->d->io) + AGAIN_MS;
	t->member = t->invite = "";
	t->done = quietly;
	op_turn(op, t);
}

/*
 * epoch.c - epoch keys: which one is sealed under, those of before, under which
 * mail may still be on its way, and fetching what is missing: the newest as it
 * was sealed to this member, each older one from its successor.
 *
 * A sealed box proves no sender: a key is believed only when its hash is the one
 * that the roll names for its epoch.
 */
#include "crypto/epoch.h"

#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/log.h"
#include "daemon/core.h"

/* The one number that is sealed under, as the roll has it. */
int64_t
dmesh_epoch(const struct dmesh *m)
{
	return roll_epoch(m->roll);
}

bool
dmesh_epoch_key(struct dmesh *m, int64_t n, uint8_t out[32])
{
	struct db_rows *r;

	if (n == m->epoch) {
		memcpy(out, m->epoch_key, 32);
		return n > 0;
	}
	r = d_read(m->d, NULL,
	    "SELECT secret FROM epoch WHERE mesh = $1 AND n = $2 LIMIT 1",
	    DB_VALS(db_i(m->no), db_i(n)));
	return r != NULL && r->n == 1 &&
	    hex_decode(out, 32, db_text(r, 0, 0), 64) == 32;
}

/* The lowest epoch from which on all keys are here. */
static void
lower(struct dmesh *m)
{
	uint8_t key[32];

	if (m->keys_low == 0 || m->keys_low > m->epoch)
		m->keys_low = m->epoch;
	while (m->keys_low > 1 && dmesh_epoch_key(m, m->keys_low - 1, key))
		m->keys_low--;
	key_wipe(key, sizeof(key));
}

int
dmesh_epoch_put(struct dmesh *m, int64_t n, const uint8_t key[32],
    struct why *why)
{
	char hex[65];
	int code;

	hex_encode(hex, key, 32);
	code = d_write(m->d, why,
	    "INSERT INTO epoch (mesh, n, secret) VALUES ($1, $2, $3)"
	    " ON CONFLICT (mesh, n) DO UPDATE SET secret = excluded.secret",
	    DB_VALS(db_i(m->no), db_i(n), db_s(hex)));
	key_wipe(hex, sizeof(hex));
	if (code != OK)
		return code;
	if (n > m->epoch) {
		memcpy(m->epoch_key, key, 32);
		m->epoch = m->keys_low = n;
	}
	lower(m);
	m->pump = true; /* what waited for it */
	m->retry_at = 0;
	m->items_wait = false;
	return OK;
}

/* The epoch to ask the broker for next; 0: nothing is missing. */
static int64_t
wanted(struct dmesh *m)
{
	if (roll_epoch(m->roll) > m->epoch)
		return roll_epoch(m->roll);
	lower(m);
	return m->keys_low > 1 ? m->keys_low : 0;
}

bool
keys_due(struct dmesh *m)
{
	const struct roll_member *me = roll_member(m->roll, m->member.hex);

	return !m->keys_stuck && me != NULL && me->state == MEMBER_ACTIVE &&
	    wanted(m) != 0;
}

static int
stuck(struct dmesh *m, const char *what, int64_t epoch)
{
	char text[320];

	m->keys_stuck = true; /* until the roll or the link changes */
	m->items_wait = false;
	snprintf(text, sizeof(text), "the key of epoch %lld: %s",
	    (long long)epoch, what);
	log_event(LOG_WARN, "epoch_key", "mesh", m->slug, "why", text, NULL);
	return E_CANNOT_OPEN;
}

/* A key that came, for epoch n: the roll says whether it is that. */
static int
believe(struct dmesh *m, int64_t n, const uint8_t key[32], struct why *why)
{
	const char *want = roll_epoch_hash_at(m->roll, n);
	char hash[65], text[200];

	sha256_hex(hash, key, 32);
	if (str_eq(hash, want))
		return dmesh_epoch_put(m, n, key, why);
	snprintf(text, sizeof(text),
	    "the broker gives another key for epoch %lld than the roll names; "
	    "nothing is sealed under it",
	    (long long)n);
	stuck(m, "it is not the one the roll names", n);
	return dmesh_warn(m, text) == OK ? E_CANNOT_OPEN : E_STORE;
}

static int
take(struct dmesh *m, const struct epoch_key *in, struct why *why)
{
	uint8_t key[32], prev[32];
	int code = OK;

	if (in->epoch > m->epoch) { /* the newest */
		if (unseal_key(key, in->sealed, &m->member) != OK)
			return stuck(m, "it does not open", in->epoch);
		code = believe(m, in->epoch, key, why);
	} else if (!dmesh_epoch_key(m, in->epoch, key)) {
		return stuck(m, "it was not asked for", in->epoch);
	} else if (epoch_prev_open(prev, m->id, key, in->prev) != OK) {
		code = stuck(m, "the one before it does not open", in->epoch);
	} else {
		code = believe(m, in->epoch - 1, prev, why);
	}
	key_wipe(key, sizeof(key));
	key_wipe(prev, sizeof(prev));
	return code;
}

static void
on_key(void *arg, uint64_t tag, const struct link_reply *r)
{
	struct dmesh *m = arg;
	struct why why = { 0 };
	int code;

	(void)tag;
	m->keys_asked = false;
	if (r->code == E_UNREACHABLE)
		return;
	if (r->code != OK) {
		stuck(m, r->why.text, roll_epoch(m->roll));
		return;
	}
	code = take(m, r->msg, &why);
	if (code != OK && code != E_CANNOT_OPEN)
		d_broken(m->d, "epoch", &why);
}

void
keys_run(struct dmesh *m)
{
	struct epoch_get in = { .epoch = wanted(m) };

	if (in.epoch == 0 || m->keys_asked)
		return;
	m->keys_asked =
	    link_call(m->link, &wire_epoch_get, &in, NULL, on_key, m, 0) == OK;
}

/*
 * record.c - what state and memory have in common: a document that its writer
 * signed, kept beside what it says, with the attestation that its readers need
 * when the session is long gone. The broker refuses what readers would refuse.
 */
#include <string.h>

#include "broker/broker.h"

#define SKEW_MS (5 * 60 * (int64_t)1000)

static const char sql_vouch[] =
    "INSERT INTO vouch (mesh, session, expires_at, attestation)"
    " VALUES ($1, $2, $3, $4) ON CONFLICT (mesh, session, expires_at)"
    " DO UPDATE SET session = excluded.session RETURNING no";
static const char sql_unvouch[] =
    "DELETE FROM vouch WHERE no = $1"
    " AND NOT EXISTS (SELECT 1 FROM state WHERE vouch = $1)"
    " AND NOT EXISTS (SELECT 1 FROM memory WHERE vouch = $1)";
static const char sql_kept[] =
    "SELECT n, bytes, last FROM kept WHERE mesh = $1 AND kind = $2 LIMIT 1";
static const char sql_keep[] =
    "INSERT INTO kept (mesh, kind, n, bytes, last)"
    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (mesh, kind)"
    " DO UPDATE SET n = excluded.n, bytes = excluded.bytes,"
    " last = excluded.last";

/* ---- is it what its readers will believe? ---- */

static int
bad(struct rq *rq, const char *what)
{
	return rq_field(rq, E_BAD_FIELD, "doc", "the signed record %s", what);
}

static int
check_what(struct rq *rq, const struct record *r, const struct record_doc *d)
{
	char hash[65] = "";

	if (strcmp(d->mesh, rq->mesh->id) != 0)
		return bad(rq, "is for another mesh");
	if (strcmp(d->by, rq->peer->key) != 0 ||
	    strcmp(d->member, rq->peer->member) != 0)
		return bad(rq, "is another session's or member's");
	if (strcmp(d->key, r->key) != 0)
		return bad(rq, "is for another key");
	if (!r->gone)
		sha256_hex(hash, r->text, r->n);
	if (d->gone != r->gone || strcmp(d->hash, hash) != 0)
		return bad(rq, "is for another value");
	return OK;
}

static int
check_when(struct rq *rq, const struct record_doc *d)
{
	const char *head =
	    d->roll.n < 1 ? NULL : roll_hash_at(rq->mesh->roll, d->roll.n - 1);

	if (d->at > rq->now + SKEW_MS || d->at < rq->now - SKEW_MS)
		return bad(rq,
		    "is of another time: the clocks differ by more than 5 "
		    "minutes");
	if (head == NULL || strcmp(head, d->roll.head) != 0)
		return bad(rq, "names a place that the roll has not");
	return OK;
}

int
record_check(struct rq *rq, const char *kind, const struct record *r,
    int64_t version, struct record_doc *d)
{
	int e;

	e = doc_open(rq->arena, r->doc, kind, &wire_record_doc, d,
	    rq->peer->key, &rq->why);
	if (e != OK)
		return rq_field(rq, e == E_BAD_SIGNATURE ? e : E_BAD_FIELD,
		    "doc", "the signed record does not stand: %.150s",
		    arena_strdup(rq->arena, rq->why.text));
	e = check_what(rq, r, d);
	if (e == OK)
		e = check_when(rq, d);
	if (e == OK && d->version != version)
		return rq_field(rq, E_CONFLICT, "doc",
		    "the version is %lld now, so the next is %lld",
		    (long long)(version - 1), (long long)version);
	return e;
}

/* ---- who signed ---- */

int
record_vouch(struct rq *rq, int64_t *no)
{
	const struct presence *p = rq->peer;
	struct db_rows *r;

	r = change(rq, sql_vouch, db_i((int64_t)rq->mesh->no), db_s(p->key),
	    db_i(p->expires_at), db_s(p->attestation));
	if (r == NULL)
		return rq->why.code;
	*no = db_int(r, 0, 0);
	return OK;
}

int
record_unvouch(struct rq *rq, int64_t no)
{
	if (no != 0 && change(rq, sql_unvouch, db_i(no)) == NULL)
		return rq->why.code;
	return OK;
}

/* ---- how much ---- */

int
record_kept(struct rq *rq, const char *kind, struct kept *k)
{
	struct db_rows *r;

	r = query(rq, sql_kept, db_i((int64_t)rq->mesh->no), db_s(kind));
	if (r == NULL)
		return rq->why.code;
	*k = (struct kept){ 0 };
	if (r->n > 0)
		*k = (struct kept){ db_int(r, 0, 0), db_int(r, 0, 1),
			db_int(r, 0, 2) };
	return OK;
}

int
record_keep(struct rq *rq, const char *kind, const struct kept *k)
{
	return change(rq, sql_keep, db_i((int64_t)rq->mesh->no), db_s(kind),
		   db_i(k->n), db_i(k->bytes), db_i(k->last)) == NULL
	    ? rq->why.code
	    : OK;
}

/* A write counts as a message: it is pushed to as many. */
int
record_rate(struct rq *rq)
{
	const struct broker_limits *l = &rq->b->conf.limits;
	struct mesh *m = rq->mesh;
	int64_t rate = roll_send_rate(m->roll),
		burst = roll_send_burst(m->roll);

	rate = rate > 0 ? rate : l->send_rate;
	rq->retry_after_ms =
	    bucket_take(&standing_of(m, rq->peer->member)->send,
		io_mono(rq->b->io), 1, rate, burst > 0 ? burst : l->send_burst);
	if (rq->retry_after_ms == 0)
		return OK;
	return rq_fail(rq, E_RATE_LIMITED,
	    "a member writes at most %lld records and messages a second",
	    (long long)rate);
}

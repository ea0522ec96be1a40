/*
 * record.c - what a broker shows of state and memory, judged: who signed it, was
 * that a member, is it this key and this value, and is it not older than what
 * was seen before. What does not pass is never shown as what it claims to be.
 */
#include "daemon/record.h"

#include <string.h>

#define ATTEST_LIFE_MS (24 * 3600 * 1000LL)

/* ---- writing ---- */

char *
record_sign(struct arena *a, const struct dsess *s, const struct drecord *r)
{
	const struct dmesh *m = s->mesh;
	char hash[65] = "";
	struct record_doc doc = { .mesh = m->id,
		.by = s->key.hex,
		.member = m->member.hex,
		.key = r->key,
		.hash = hash,
		.version = r->version,
		.at = d_now(m->d) + link_skew(m->link),
		.roll = { .n = roll_n(m->roll), .head = roll_head(m->roll) },
		.has_roll = true,
		.tags = { r->ntag, (struct text *)r->tag },
		.gone = r->gone };

	if (!r->gone)
		sha256_hex(hash, r->text, r->n);
	return doc_sign(a, r->kind, &wire_record_doc, &doc, &s->key);
}

/* ---- what was seen ---- */

static struct db_rows *
seen(struct dmesh *m, const struct drecord *r)
{
	return d_read(m->d, NULL,
	    "SELECT version, gone, doc FROM record_seen"
	    " WHERE mesh = $1 AND kind = $2 AND key = $3 LIMIT 1",
	    DB_VALS(db_i(m->no), db_s(r->kind), db_s(r->key)));
}

int
record_saw(struct dmesh *m, const struct drecord *r)
{
	char hash[65];
	struct why why;
	int code;

	sha256_hex(hash, r->doc, strlen(r->doc));
	code = d_write(m->d, &why,
	    "INSERT INTO record_seen (mesh, kind, key, version, gone, doc)"
	    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (mesh, kind, key)"
	    " DO UPDATE SET version = excluded.version, gone = excluded.gone,"
	    " doc = excluded.doc WHERE excluded.version >= record_seen.version",
	    DB_VALS(db_i(m->no), db_s(r->kind), db_s(r->key), db_i(r->version),
		db_i(r->gone), db_s(hash)));
	if (code != OK)
		d_broken(m->d, "record_seen", &why);
	return code;
}

int64_t
record_version(struct dmesh *m, const struct drecord *r)
{
	struct db_rows *rows = seen(m, r);

	return rows != NULL && rows->n > 0 ? db_int(rows, 0, 0) : 0;
}

/* ---- judging ---- */

struct judging {
	struct dmesh *m;
	const struct drecord *r;
	struct verdict *v;
	struct record_doc doc;
	struct attestation a;
};

static enum proof
refused(struct judging *j, const char *problem)
{
	str_copy(j->v->problem, sizeof(j->v->problem), problem);
	return j->v->proof = PROOF_REFUSED;
}

/* Does the member vouch for the session that signed? */
static enum proof
judge_signer(struct judging *j)
{
	struct arena *a = &j->m->d->arena;
	const struct record_doc *d = &j->doc;
	const struct attestation *t = &j->a;

	if (doc_peek(a, j->r->doc, &wire_record_doc, &j->doc, NULL) != OK ||
	    doc_open(a, j->r->doc, j->r->kind, &wire_record_doc, &j->doc,
		j->doc.by, NULL) != OK)
		return refused(j, "its signature does not verify");
	if (doc_peek(a, j->r->attestation, &wire_attestation, &j->a, NULL) !=
		OK ||
	    doc_open(a, j->r->attestation, "attest", &wire_attestation, &j->a,
		j->doc.member, NULL) != OK)
		return refused(j, "no member vouches for who signed it");
	if (!str_eq(t->mesh, j->m->id) || !str_eq(t->member, d->member) ||
	    !str_eq(t->session, d->by) || str_name_fault(t->name, 64) != NULL ||
	    t->expires_at - t->issued_at > ATTEST_LIFE_MS)
		return refused(j, "no member vouches for who signed it");
	if (d->at > t->expires_at + CLOCK_SLACK_MS ||
	    d->at < t->issued_at - CLOCK_SLACK_MS)
		return refused(j,
		    "its writer's attestation was not valid when it was "
		    "written");
	return PROOF_VERIFIED;
}

static enum proof
judge_member(struct judging *j)
{
	const struct roll *roll = j->m->roll;
	const struct record_doc *d = &j->doc;
	const struct roll_member *who = roll_member(roll, d->member);
	const char *head;

	if (d->roll.n > roll_n(roll))
		return j->v->proof = PROOF_NEEDS_ROLL;
	head = d->roll.n < 1 ? NULL : roll_hash_at(roll, d->roll.n - 1);
	if (head == NULL || !str_eq(head, d->roll.head))
		return refused(j,
		    "its writer was shown another roll than this daemon");
	if (who == NULL)
		return refused(j, "its writer is no member of the mesh");
	if (who->state != MEMBER_ACTIVE && d->roll.n > who->ended_n)
		return refused(j,
		    "its writer was no member any more when it was written");
	if (roll_session_revoked(roll, d->member, d->by))
		return refused(j, "its writer's session was revoked");
	j->v->member = arena_strdup(&j->m->d->arena, who->name);
	return PROOF_VERIFIED;
}

static enum proof
judge_what(struct judging *j)
{
	const struct record_doc *d = &j->doc;
	const struct drecord *r = j->r;
	char hash[65] = "";

	if (!str_eq(d->mesh, j->m->id) || !str_eq(d->key, r->key))
		return refused(j, "another key was signed");
	if (d->version != r->version)
		return refused(j, "another version was signed");
	if (!r->gone)
		sha256_hex(hash, r->text, r->n);
	if (d->gone != r->gone || !str_eq(d->hash, hash))
		return refused(j, "another value was signed");
	return PROOF_VERIFIED;
}

/* Never backwards: a version that was seen is not seen otherwise or not. */
static enum proof
judge_newest(struct judging *j, enum proof so_far)
{
	const struct drecord *r = j->r;
	struct db_rows *rows = seen(j->m, r);
	int64_t had = rows != NULL && rows->n > 0 ? db_int(rows, 0, 0) : 0;
	char hash[65];

	if (r->version < had && r->version == 0)
		return refused(j,
		    arena_printf(&j->m->d->arena,
			"the broker hides it: version %lld was seen",
			(long long)had));
	if (r->version < had)
		return refused(j,
		    arena_printf(&j->m->d->arena,
			"it is older than version %lld, which was seen",
			(long long)had));
	if (r->version > had || had == 0)
		return so_far;
	sha256_hex(hash, r->doc, strlen(r->doc));
	if (!str_eq(hash, db_text(rows, 0, 2)))
		return refused(j,
		    "this version was seen before, and otherwise");
	return so_far;
}

enum proof
record_judge(struct dmesh *m, const struct drecord *r, struct verdict *v)
{
	struct judging j = { .m = m, .r = r, .v = v };

	*v = (struct verdict){ .by = "", .member = "", .writer = "" };
	if (*r->doc == '\0') {
		if (judge_newest(&j, PROOF_UNSIGNED) == PROOF_REFUSED)
			return PROOF_REFUSED;
		str_copy(v->problem, sizeof(v->problem),
		    r->version == 0 ? ""
				    : "nobody signed it: the broker says so");
		return v->proof = PROOF_UNSIGNED;
	}
	if (judge_signer(&j) != PROOF_VERIFIED ||
	    judge_what(&j) != PROOF_VERIFIED ||
	    judge_member(&j) != PROOF_VERIFIED ||
	    judge_newest(&j, PROOF_VERIFIED) != PROOF_VERIFIED)
		return v->proof;
	v->by = j.a.name;
	v->writer = j.doc.by;
	v->at = j.doc.at;
	v->tag = j.doc.tags.v;
	v->ntag = j.doc.tags.n;
	v->proof = PROOF_VERIFIED;
	if (r->version > record_version(m, r))
		record_saw(m, r);
	return v->proof;
}

const char *
proof_name(enum proof p)
{
	return p == PROOF_VERIFIED ? "verified"
	    : p == PROOF_UNSIGNED  ? "unsigned"
				   : "refused";
}

/* ---- waiting for the roll ---- */

static void
roll_came(struct dop *op, bool late)
{
	struct dmesh *m = dmesh_at(op->d, op->mesh);

	if (m == NULL) {
		op_fail(op, E_NO_MESH, "the mesh is gone");
		return;
	}
	(void)late; /* what then still is not known is refused */
	op->wants = 0;
	op->news = NULL;
	op->go(op, m);
}

bool
record_wait_roll(struct dop *op, struct dmesh *m)
{
	if (op->tries++ > 0)
		return false;
	link_roll_sync(m->link);
	op_wait(op, NEWS_ROLL, 5000, roll_came);
	return true;
}

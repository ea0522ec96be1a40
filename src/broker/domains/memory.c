/*
 * memory.c - remember, recall, forget. What is found is bounded before it is
 * scored: of matches the newest, and when all words are common, of the newest
 * memories only. So a question costs much the same among any number of them.
 */
#include <stdio.h>
#include <string.h>

#include "broker/query.h"

#define LIMIT 20
#define CANDIDATES 200 /* that are scored */
#define WINDOW 5000    /* looked at when every word is common */

static const char sql_before[] =
    "SELECT no, version, forgotten_at, vouch, doc, content, tags FROM memory"
    " WHERE mesh = $1 AND id = $2 LIMIT 1";
static const char sql_put[] =
    "INSERT INTO memory (no, mesh, id, version, forgotten_at, vouch,"
    " remembered_at, remembered_by, tags, doc, content)"
    " VALUES ($1, $2, $3, 1, 0, $4, $5, $6, $7, $8, $9)";
static const char sql_index[] =
    "INSERT INTO memory_text (rowid, content, tags) VALUES ($1, $2, $3)";
static const char sql_unindex[] =
    "INSERT INTO memory_text (memory_text, rowid, content, tags)"
    " VALUES ('delete', $1, $2, $3)";
static const char sql_gone[] =
    "UPDATE memory SET version = version + 1, forgotten_at = $2, vouch = $3,"
    " doc = $4 WHERE no = $1";
#define COLUMNS                                                      \
	"m.id, m.content, m.tags, m.remembered_by, m.remembered_at," \
	" m.version, m.doc, v.attestation, m.no"
static const char sql_newest[] =
    "SELECT " COLUMNS ", 0 FROM memory m LEFT JOIN vouch v ON v.no = m.vouch"
    " WHERE m.no > $1 AND m.no < $2 AND m.forgotten_at = 0"
    " AND ($3 = '' OR instr(m.tags, $3) > 0) AND ($4 = '' OR"
    " instr(m.tags, $4) > 0) ORDER BY m.no DESC LIMIT $5";
static const char sql_match[] =
    "SELECT " COLUMNS ", x.score FROM (SELECT rowid AS no,"
    " match_score(memory_text, $2) AS score FROM memory_text"
    " WHERE memory_text MATCH $1 AND rowid > $3 AND rowid < $4"
    " ORDER BY rowid DESC LIMIT $5) x JOIN memory m ON m.no = x.no"
    " LEFT JOIN vouch v ON v.no = m.vouch"
    " ORDER BY x.score DESC, m.no DESC LIMIT $5";

/* ---- tags ---- */

/* "\na\nb\n": each tag is found by the lines around it. */
static int
tag_lines(struct rq *rq, const struct text *v, size_t n, const char **out)
{
	struct buf b;
	size_t i;

	buf_init(&b, 4096);
	for (i = 0; i < n; i++) {
		const char *fault = str_name_fault(v[i].s, 64);

		if (fault != NULL) {
			buf_fini(&b);
			return rq_field(rq, E_BAD_FIELD, "tags", "a tag %s",
			    fault);
		}
		buf_addf(&b, "%s%s\n", i == 0 ? "\n" : "", v[i].s);
	}
	*out = arena_strdup(rq->arena, buf_str(&b));
	buf_fini(&b);
	return OK;
}

static struct text *
tags_of(struct arena *a, const char *lines, size_t *n)
{
	struct text *v = arena_alloc(a, 17 * sizeof(*v));
	size_t len;

	for (*n = 0; *lines != '\0' && *n < 16; lines += len + 1) {
		len = strcspn(lines, "\n");
		if (len > 0)
			v[(*n)++].s = arena_strndup(a, lines, len);
		if (lines[len] == '\0')
			break;
	}
	return v;
}

static bool
has_all(const char *lines, const struct text *v, size_t n)
{
	char tag[260];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(tag, sizeof(tag), "\n%s\n", v[i].s);
		if (strstr(lines, tag) == NULL)
			return false;
	}
	return true;
}

/* ---- remembering ---- */

static int
room(struct rq *rq, struct kept *k, size_t bytes)
{
	const struct broker_limits *l = &rq->b->conf.limits;
	int r = record_kept(rq, "memory", k);

	if (r != OK)
		return r;
	k->n++;
	k->last++;
	k->bytes += (int64_t)bytes;
	if (k->n > l->memory_count || k->bytes > l->memory_bytes)
		return rq_fail(rq, E_QUOTA,
		    "a mesh remembers at most %lld texts of %lld bytes together,"
		    " forgotten ones among them",
		    (long long)l->memory_count, (long long)l->memory_bytes);
	return OK;
}

static int
same_tags(struct rq *rq, const struct record_doc *d, const char *lines)
{
	const char *signed_lines;
	int r = tag_lines(rq, d->tags.v, d->tags.n, &signed_lines);

	if (r == OK && strcmp(signed_lines, lines) != 0)
		r = rq_field(rq, E_BAD_FIELD, "doc",
		    "the signed record has other tags");
	return r;
}

static int
store(struct rq *rq, const struct memory_remember *in, const char *tags)
{
	struct kept k;
	int64_t no, vouch = 0;
	int r = room(rq, &k, strlen(in->content) + strlen(tags));

	if (r == OK && in->doc[0] != '\0')
		r = record_vouch(rq, &vouch);
	if (r == OK)
		r = record_keep(rq, "memory", &k);
	if (r != OK)
		return r;
	no = (int64_t)(rq->mesh->no << 32) + k.last;
	if (change(rq, sql_put, db_i(no), db_i((int64_t)rq->mesh->no),
		db_s(in->id), db_i(vouch), db_i(rq->now), db_s(rq->peer->name),
		db_s(tags), db_s(in->doc), db_s(in->content)) == NULL ||
	    change(rq, sql_index, db_i(no), db_s(in->content), db_s(tags)) ==
		NULL)
		return rq->why.code;
	return OK;
}

int
on_memory_remember(struct rq *rq, const struct memory_remember *in)
{
	struct record rec = { .key = in->id,
		.doc = in->doc,
		.text = in->content,
		.n = strlen(in->content) };
	struct record_doc d;
	struct db_rows *old;
	const char *tags;
	int r = record_rate(rq);

	if (r == OK && !id_valid(in->id, 8, 64))
		r = rq_field(rq, E_BAD_FIELD, "id",
		    "only letters, digits, - and _");
	if (r == OK)
		r = tag_lines(rq, in->tags.v, in->tags.n, &tags);
	if (r != OK)
		return r;
	old = query(rq, sql_before, db_i((int64_t)rq->mesh->no), db_s(in->id));
	if (old == NULL)
		return rq->why.code;
	if (old->n > 0 &&
	    (strcmp(db_text(old, 0, 4), in->doc) != 0 ||
		strcmp(db_text(old, 0, 5), in->content) != 0))
		return rq_field(rq, E_CONFLICT, "id",
		    "this id is another memory's");
	if (old->n == 0 && in->doc[0] != '\0') {
		r = record_check(rq, "memory", &rec, 1, &d);
		if (r == OK)
			r = same_tags(rq, &d, tags);
	}
	if (r == OK && old->n == 0)
		r = store(rq, in, tags);
	if (r != OK)
		return r;
	return reply(rq, memory_stored, .id = in->id, .memory_id = in->id);
}

/* ---- forgetting ---- */

int
on_memory_forget(struct rq *rq, const struct memory_forget *in)
{
	struct record rec = { .key = in->memory_id,
		.doc = in->doc,
		.gone = true };
	struct record_doc d;
	struct db_rows *m;
	int64_t vouch = 0;
	int r = record_rate(rq);

	if (r != OK)
		return r;
	m = query(rq, sql_before, db_i((int64_t)rq->mesh->no),
	    db_s(in->memory_id));
	if (m == NULL)
		return rq->why.code;
	if (m->n > 0 && in->doc[0] != '\0' &&
	    strcmp(db_text(m, 0, 4), in->doc) == 0)
		return rq_ok(rq);
	if (m->n == 0 || db_int(m, 0, 2) != 0)
		return rq_field(rq, E_NOT_FOUND, "memoryId",
		    "there is no such memory");
	if (in->doc[0] != '\0')
		r = record_check(rq, "memory", &rec, db_int(m, 0, 1) + 1, &d);
	if (r == OK && in->doc[0] != '\0')
		r = record_vouch(rq, &vouch);
	if (r != OK)
		return r;
	if (change(rq, sql_gone, db_i(db_int(m, 0, 0)), db_i(rq->now),
		db_i(vouch), db_s(in->doc)) == NULL ||
	    change(rq, sql_unindex, db_i(db_int(m, 0, 0)),
		db_s(db_text(m, 0, 5)), db_s(db_text(m, 0, 6))) == NULL)
		return rq->why.code;
	r = record_unvouch(rq, db_int(m, 0, 3));
	return r == OK ? rq_ok(rq) : r;
}

/* ---- recalling ---- */

/* A question under way. */
struct asking {
	const struct memory_recall *in;
	struct query q;
	int64_t from, to; /* between these numbers */
	size_t limit;
	struct memory_row *v;
	size_t n, bytes;
	bool partial, loose;
	int64_t next;
};

static void
take(struct rq *rq, struct asking *k, const struct db_rows *r)
{
	struct memory_row *m;
	size_t i;

	for (i = 0; i < r->n && k->n < k->limit; i++) {
		if (!has_all(db_text(r, i, 2), k->in->tags.v, k->in->tags.n))
			continue;
		k->bytes += r->v[i * r->ncol + 1].n * 2 + 10000;
		if (k->n > 0 && k->bytes > PAGE_BYTES) {
			k->next = db_int(r, i - 1, 8);
			return;
		}
		m = &k->v[k->n++];
		*m = (struct memory_row){ .id = db_text(r, i, 0),
			.content = db_text(r, i, 1),
			.remembered_by = db_text(r, i, 3),
			.remembered_at = db_int(r, i, 4),
			.version = db_int(r, i, 5),
			.doc = db_text(r, i, 6),
			.attestation = db_text(r, i, 7),
			.score = db_int(r, i, 9) };
		m->tags.v = tags_of(rq->arena, db_text(r, i, 2), &m->tags.n);
		k->next = i + 1 < r->n ? db_int(r, i, 8) : 0;
	}
}

static const char *
tag_line(struct rq *rq, const struct memory_recall *in, size_t i)
{
	return i < in->tags.n
	    ? arena_printf(rq->arena, "\n%s\n", in->tags.v[i].s)
	    : "";
}

static int
newest(struct rq *rq, struct asking *k)
{
	int64_t to = k->in->before > 0 && k->in->before < k->to - k->from
	    ? k->from + k->in->before
	    : k->to;
	struct db_rows *r;

	r = query(rq, sql_newest, db_i(k->from), db_i(to),
	    db_s(tag_line(rq, k->in, 0)), db_s(tag_line(rq, k->in, 1)),
	    db_i((int64_t)k->limit + 1));
	if (r == NULL)
		return rq->why.code;
	take(rq, k, r);
	if (k->next != 0)
		k->next -= k->from;
	return OK;
}

static int
match(struct rq *rq, struct asking *k, bool any)
{
	const char *text, *weights;
	struct db_rows *r;

	query_text(rq->arena, &k->q, any, &text, &weights);
	r = query(rq, sql_match, db_s(text), db_s(weights), db_i(k->from),
	    db_i(k->to), db_i(CANDIDATES));
	if (r == NULL)
		return rq->why.code;
	k->partial |= r->n == CANDIDATES;
	take(rq, k, r);
	k->next = 0;
	k->loose = any && k->n > 0;
	return OK;
}

static int
search(struct rq *rq, struct asking *k)
{
	struct kept all;
	size_t i;
	int r;

	for (i = 0; i < k->in->tags.n; i++) { /* so they narrow the search */
		struct query t;

		if (query_parse(rq->arena, &t,
			arena_printf(rq->arena, "\"%s\"",
			    k->in->tags.v[i].s)) == OK &&
		    t.n == 1 && k->q.n < QUERY_WORDS)
			k->q.term[k->q.n++] = t.term[0];
	}
	r = record_kept(rq, "memory", &all);
	if (r == OK)
		r = query_weigh(rq, &k->q, k->from, k->to, all.n);
	if (r != OK)
		return r;
	if (k->q.rare == 0 && all.last > WINDOW) {
		k->from += all.last - WINDOW;
		k->partial = true;
	}
	r = match(rq, k, false);
	if (r == OK && k->n == 0 && k->q.n > 1 && k->in->tags.n == 0)
		r = match(rq, k, true);
	return r;
}

int
on_memory_recall(struct rq *rq, const struct memory_recall *in)
{
	struct asking *k = arena_zalloc(rq->arena, sizeof(*k));
	const char *unused;
	int r = tag_lines(rq, in->tags.v, in->tags.n, &unused);

	if (r != OK)
		return r;
	k->in = in;
	k->from = (int64_t)(rq->mesh->no << 32);
	k->to = (int64_t)((rq->mesh->no + 1) << 32);
	k->limit = in->limit == 0 ? LIMIT : (size_t)in->limit;
	k->v = arena_alloc(rq->arena, k->limit * sizeof(*k->v));
	if (query_parse(rq->arena, &k->q, in->query) != OK)
		return rq_field(rq, E_TOO_BROAD, "query",
		    "a question has at most %d words and phrases", QUERY_WORDS);
	if (k->q.n == 0 && in->query[strspn(in->query, " \t\r\n")] != '\0')
		return rq_field(rq, E_BAD_FIELD, "query",
		    "there is no word in it to search for");
	r = k->q.n == 0 ? newest(rq, k) : search(rq, k);
	if (r != OK)
		return r;
	return reply(rq, memory_results, .memories = { k->n, k->v },
	    .partial = k->partial, .loose = k->loose, .next = k->next);
}

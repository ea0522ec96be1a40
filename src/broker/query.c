/*
 * query.c - what a person asks, made into what FTS5 is asked. Nothing of it is
 * passed on but words: each becomes a quoted string, so no operator, column or
 * bracket of FTS5's language can be in it.
 */
#include <math.h>
#include <string.h>

#include "broker/query.h"

static const char sql_count[] =
    "SELECT COUNT(*) FROM (SELECT rowid FROM memory_text"
    " WHERE memory_text MATCH $1 AND rowid > $2 AND rowid < $3"
    " LIMIT $4)";

static bool
word_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static bool
has_word(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (word_byte(s[i]))
			return true;
	}
	return false;
}

/* Its bytes between quotes: all that is no word becomes a blank. */
static const char *
quoted(struct arena *a, const char *s, size_t n, bool prefix)
{
	char *out = arena_alloc(a, n + 4), *p = out;
	size_t i;

	*p++ = '"';
	for (i = 0; i < n; i++)
		*p++ = word_byte(s[i]) ? s[i] : ' ';
	*p++ = '"';
	if (prefix)
		*p++ = '*';
	*p = '\0';
	return out;
}

int
query_parse(struct arena *a, struct query *q, const char *s)
{
	const char *end;
	size_t n;

	memset(q, 0, sizeof(*q));
	while (*(s += strspn(s, " \t\r\n")) != '\0') {
		if (*s == '"') {
			end = strchr(s + 1, '"');
			n = end == NULL ? strlen(s + 1) : (size_t)(end - s - 1);
			s++;
		} else {
			n = strcspn(s, " \t\r\n\"");
			end = s + n - 1;
		}
		if (has_word(s, n)) {
			if (q->n == QUERY_WORDS)
				return E_TOO_BROAD;
			q->term[q->n++] =
			    quoted(a, s, n, end != NULL && *end == '*');
		}
		s += n + (end != NULL && *end == '"' && s[n] == '"');
	}
	return OK;
}

int
query_weigh(struct rq *rq, struct query *q, int64_t from, int64_t to,
    int64_t all)
{
	struct db_rows *r;
	double n = (double)(all < 1 ? 1 : all), df;
	size_t i;

	for (i = 0; i < q->n; i++) {
		r = query(rq, sql_count, db_s(q->term[i]), db_i(from), db_i(to),
		    db_i(QUERY_COMMON));
		if (r == NULL)
			return rq->why.code;
		q->rows[i] = db_int(r, 0, 0);
		df = (double)q->rows[i];
		q->weight[i] =
		    (int64_t)(log(1 +
				  (n - df + 0.5 < 0.5 ? 0.5 : n - df + 0.5) /
				      (df + 0.5)) *
			1000);
		q->rare += q->rows[i] < QUERY_COMMON;
	}
	return OK;
}

/* All of the terms, or any of those that are not in everything. */
void
query_text(struct arena *a, const struct query *q, bool any, const char **match,
    const char **weights)
{
	struct buf m, w;
	size_t i;

	buf_init(&m, 8192);
	buf_init(&w, 1024);
	for (i = 0; i < q->n; i++) {
		if (any && q->rare > 0 && q->rows[i] >= QUERY_COMMON)
			continue;
		buf_addf(&m, "%s%s",
		    m.len == 0 ? ""
			: any  ? " OR "
			       : " ",
		    q->term[i]);
		buf_addf(&w, "%lld ", (long long)q->weight[i]);
	}
	*match = arena_strdup(a, buf_str(&m));
	*weights = arena_strdup(a, buf_str(&w));
	buf_fini(&m);
	buf_fini(&w);
}

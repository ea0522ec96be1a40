/*
 * search.c - which peers a question is about: its words are looked for in what
 * peers say of themselves, and who matches in more ways comes first.
 */
#include "daemon/core.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 16

/* Without regard to case, as far as ASCII goes. */
static bool
holds(const char *text, size_t ntext, const char *word, size_t n)
{
	size_t i, k;

	for (i = 0; i + n <= ntext; i++) {
		for (k = 0; k < n &&
		     tolower((unsigned char)text[i + k]) ==
			 tolower((unsigned char)word[k]);
		     k++)
			;
		if (k == n)
			return true;
	}
	return false;
}

static int
in_text(const char *text, const char *word, size_t n, int weight)
{
	if (text == NULL || !holds(text, strlen(text), word, n))
		return 0;
	return strlen(text) == n ? 2 * weight : weight;
}

static int
word_score(const struct peer_row *r, const char *w, size_t n)
{
	int score = in_text(r->name, w, n, 5) + in_text(r->member, w, n, 3) +
	    in_text(r->role, w, n, 4) + in_text(r->summary, w, n, 2) +
	    in_text(r->status, w, n, 1) + in_text(r->type, w, n, 1) +
	    in_text(r->channel, w, n, 1) + in_text(r->model, w, n, 1) +
	    in_text(r->cwd, w, n, 1) + in_text(r->hostname, w, n, 1);
	size_t i;

	for (i = 0; i < r->groups.n; i++)
		score += in_text(r->groups.v[i].name, w, n, 4) +
		    in_text(r->groups.v[i].role, w, n, 2);
	for (i = 0; i < r->tags.n; i++)
		score += in_text(r->tags.v[i].s, w, n, 3);
	if (r->profile.p != NULL && holds(r->profile.p, r->profile.n, w, n))
		score += 3;
	return score;
}

/* 0: it is about somebody else. */
static int
score_of(const struct peer_row *r, const char *query)
{
	int score = 0;
	size_t n, words = 0;

	for (; *query != '\0' && words < WORDS_MAX; query += n) {
		query += strspn(query, " ");
		n = strcspn(query, " ");
		if (n == 0)
			break;
		words++;
		score += 2 * word_score(r, query, n);
	}
	if (score > 0 && r->online && !str_eq(r->status, "dnd"))
		score++;
	return score;
}

static int
best_first(const void *a, const void *b)
{
	const struct peer_row *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return strcmp(x->name, y->name);
}

size_t
peers_search(struct peer_row *v, size_t n, const char *query)
{
	size_t i, kept = 0;

	for (i = 0; i < n; i++) {
		v[i].score = score_of(&v[i], query);
		if (v[i].score > 0)
			v[kept++] = v[i];
	}
	if (kept > 0)
		qsort(v, kept, sizeof(*v), best_first);
	return kept;
}

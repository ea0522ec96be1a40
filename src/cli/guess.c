/*
 * guess.c - "did you mean": the candidate nearest to a word, by the number of
 * letters to change, and only when it is near enough to be a slip.
 */
#include <string.h>

#include "cli/cli.h"

#define WORD_MAX 32

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein, with one row. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], na = strlen(a), nb = strlen(b), i, j, was,
				  old;

	if (na > WORD_MAX || nb > WORD_MAX)
		return WORD_MAX;
	for (j = 0; j <= nb; j++)
		row[j] = j;
	for (i = 1; i <= na; i++) {
		was = row[0];
		row[0] = i;
		for (j = 1; j <= nb; j++) {
			old = row[j];
			row[j] = least(old + 1, row[j - 1] + 1,
			    was + (a[i - 1] != b[j - 1]));
			was = old;
		}
	}
	return row[nb];
}

void
guess_try(struct guess *g, const char *candidate)
{
	size_t d = distance(g->word, candidate), n = strlen(g->word);

	/* A beginning counts as near: "sta" for "status". */
	if (n >= 2 && strncmp(g->word, candidate, n) == 0)
		d = 1;
	if (d > (n <= 3 ? 1u : n <= 6 ? 2u : 3u))
		return;
	if (g->best == NULL || d < g->distance) {
		g->best = candidate;
		g->distance = d;
	}
}

/*
 * search.c - full-text search over SQLite's FTS5: the index of the broker's
 * memories, and the score of a match.
 *
 * The score is BM25 with the weights of the query's phrases given by the caller,
 * who bounds how far it counts: FTS5's own bm25() counts every row of every
 * phrase first, which for a common word among 100000 memories takes longer than
 * all the rest.
 */
#include <stdlib.h>

#include "store/sqlite.h"

#define K1 1.2
#define B 0.75
#define PHRASES_MAX 64

static void
score(const Fts5ExtensionApi *api, Fts5Context *fts, sqlite3_context *out,
    int n, sqlite3_value **v)
{
	const char *w = n > 0 ? (const char *)sqlite3_value_text(v[0]) : NULL;
	double freq[PHRASES_MAX] = { 0 }, sum = 0, weight, mean;
	int phrases = api->xPhraseCount(fts), inst = 0, len = 0;
	sqlite3_int64 total = 0, rows = 0;
	char *end;

	if (phrases > PHRASES_MAX)
		phrases = PHRASES_MAX;
	if (api->xInstCount(fts, &inst) != SQLITE_OK ||
	    api->xColumnSize(fts, -1, &len) != SQLITE_OK ||
	    api->xColumnTotalSize(fts, -1, &total) != SQLITE_OK ||
	    api->xRowCount(fts, &rows) != SQLITE_OK) {
		sqlite3_result_error_code(out, SQLITE_ERROR);
		return;
	}
	for (int i = 0; i < inst; i++) {
		int phrase, col, at;

		if (api->xInst(fts, i, &phrase, &col, &at) == SQLITE_OK &&
		    phrase < phrases)
			freq[phrase]++;
	}
	mean = rows > 0 && total > 0 ? (double)total / (double)rows : 1;
	for (int i = 0; i < phrases && w != NULL; i++) {
		weight = (double)strtol(w, &end, 10);
		w = end;
		sum += weight * freq[i] * (K1 + 1) /
		    (freq[i] + K1 * (1 - B + B * (double)len / mean));
	}
	sqlite3_result_int64(out, (sqlite3_int64)(sum * 1000));
}

int
db_search_open(struct db *db, struct why *why)
{
	sqlite3_stmt *st = NULL;
	fts5_api *api = NULL;
	int rc;

	rc = sqlite3_prepare_v2(db->h, "SELECT fts5(?1)", -1, &st, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_pointer(st, 1, (void *)&api, "fts5_api_ptr", NULL);
		sqlite3_step(st);
		sqlite3_finalize(st);
	}
	if (api == NULL ||
	    api->xCreateFunction(api, "match_score", NULL, score, NULL) !=
		SQLITE_OK)
		return why_set(why, E_STORE,
		    "this SQLite has no full-text search (FTS5)");
	return db_script(db,
	    "CREATE VIRTUAL TABLE IF NOT EXISTS memory_text USING fts5("
	    "content, tags, content = '', prefix = '2 3',"
	    " tokenize = 'porter unicode61')",
	    why);
}

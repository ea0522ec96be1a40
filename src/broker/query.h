/*
 * query.h - a question in words.
 */
#ifndef BROKER_QUERY_H
#define BROKER_QUERY_H

#include "broker/broker.h"

#define QUERY_WORDS 16
#define QUERY_COMMON 1000 /* words in so many memories are not counted on */

struct query {
	const char *term[QUERY_WORDS]; /* quoted for FTS5 */
	int64_t rows[QUERY_WORDS];     /* that have it, up to QUERY_COMMON */
	int64_t weight[QUERY_WORDS];
	size_t n, rare; /* terms; those that are not common */
};

/* E_TOO_BROAD: too many words. n 0: there is no word in it. */
int query_parse(struct arena *, struct query *, const char *text);
int query_weigh(struct rq *, struct query *, int64_t from, int64_t to,
    int64_t all);
void query_text(struct arena *, const struct query *, bool any,
    const char **match, const char **weights);

#endif

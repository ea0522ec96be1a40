/*
 * answer.h - an HTTP/1.x response, read piece by piece. Pure. Interim responses
 * (1xx) are skipped; the body ends as its length, its chunks or the connection
 * say.
 */
#ifndef NET_ANSWER_H
#define NET_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define ANSWER_HEAD_MAX (32 * 1024)
#define ANSWER_HEADERS 200

enum answer_state { ANSWER_MORE, ANSWER_WHOLE, ANSWER_BAD };

struct answer;
/* head: it answers a HEAD, so no body follows. */
struct answer *answer_new(size_t body_max, bool head);
void answer_free(struct answer *);
/* Takes all of it; what follows a whole answer is ignored. */
enum answer_state answer_feed(struct answer *, const char *p, size_t n);
enum answer_state answer_end(struct answer *); /* the connection ended */

/* Of a whole answer. */
int answer_status(const struct answer *);
size_t answer_headers(const struct answer *);
const char *answer_name(const struct answer *, size_t i); /* lower case */
const char *answer_value(const struct answer *,
    size_t i); /* tame: no controls */
const char *answer_header(const struct answer *,
    const char *name); /* or NULL */
const struct buf *answer_body(const struct answer *);
/* Of a bad one: for people, and whether it was only too large. */
const char *answer_why(const struct answer *);
bool answer_too_big(const struct answer *);

#endif

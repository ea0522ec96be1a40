/*
 * json.h - strict JSON, read without a tree and without recursion.
 *
 * RFC 8259 and stricter: valid UTF-8 only, no duplicate keys in one object, no
 * U+0000 in strings (neither raw nor escaped), no lone surrogates, depth at most
 * JSON_DEPTH, no bytes after the document but white space. A value is a slice of
 * the text it came in and is passed on byte for byte; numbers are never
 * converted unless asked for.
 *
 * json_check validates a whole document once; the walkers below take only text
 * that json_check has passed.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

#define JSON_DEPTH 32
#define JSON_KEYS 4096 /* members in one object at most */

struct json { /* a slice; p NULL means absent */
	const char *p;
	size_t n;
};

enum json_kind {
	JSON_NONE,
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL_
};

/*
 * Is text[0..n) one strict document? 0, or -1 with a fragment for people in
 * *why ("duplicate key", "depth over 32", ...) and, when at is not NULL, the
 * offset. The slice without surrounding white space goes to *out.
 */
int json_check(const char *text, size_t n, struct json *out, const char **why,
    size_t *at);

enum json_kind json_kind(struct json);
bool json_is_null(struct json);

/*
 * Walk an object or array. it starts zeroed; returns false at the end.
 * key is the raw key between its quotes (escapes not resolved); json_key_is
 * compares it with a plain ASCII name whatever its escapes.
 */
struct json_iter {
	const char *p, *end;
	bool started;
};
bool json_next(struct json of, struct json_iter *it, struct json *key,
    struct json *value);
bool json_key_is(struct json key, const char *name);
struct json json_member(struct json object,
    const char *name); /* p NULL: none */

/* The string's text in the arena, escapes resolved, NUL-terminated; NULL, and
 * a length of 0, when it is no string. */
char *json_string(struct arena *, struct json, size_t *len);
size_t json_string_len(struct json); /* bytes once resolved */
/* An integer that fits exactly (no fraction, no exponent). 0 or -1. */
int json_int(struct json, int64_t *out);

/* Writing: strings quoted and escaped. */
void json_quote(struct buf *, const char *s);
void json_quoten(struct buf *, const char *s, size_t n);

#endif

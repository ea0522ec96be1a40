/*
 * vectors.h - for tests: the vector files beside this header. A file that
 * cannot be read or lacks a member ends the test program.
 */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static struct arena vectors_arena; /* all texts; vectors_free at the end */

static inline void
vectors_free(void)
{
	arena_fini(&vectors_arena);
}

static inline struct json
vectors_load(const char *name)
{
	char path[1024], *text, *slash;
	size_t max = 1 << 20, n;
	const char *fault = "cannot be read";
	struct json doc;
	FILE *f;

	snprintf(path, sizeof(path), "%s", __FILE__);
	slash = strrchr(path, '/');
	snprintf(slash, sizeof(path) - (size_t)(slash - path), "/%s.json",
	    name);
	text = arena_alloc(&vectors_arena, max);
	f = fopen(path, "rb");
	n = f != NULL ? fread(text, 1, max, f) : 0;
	if (f != NULL)
		fclose(f);
	if (n == 0 || json_check(text, n, &doc, &fault, NULL) != 0) {
		fprintf(stderr, "%s: %s\n", path, fault);
		exit(1);
	}
	return doc;
}

static inline struct json
vmember(struct json j, const char *key)
{
	struct json v = json_member(j, key);

	if (v.p == NULL) {
		fprintf(stderr, "vector without %s\n", key);
		exit(1);
	}
	return v;
}

static inline const char *
vstr(struct json v)
{
	if (json_kind(v) != JSON_STRING) {
		fprintf(stderr, "vector is no string\n");
		exit(1);
	}
	return json_string(&vectors_arena, v, NULL);
}

static inline const char *
vs(struct json j, const char *key)
{
	return vstr(vmember(j, key));
}

static inline int64_t
vi(struct json j, const char *key)
{
	int64_t n;

	if (json_int(vmember(j, key), &n) != 0) {
		fprintf(stderr, "vector without number %s\n", key);
		exit(1);
	}
	return n;
}

static inline bool
vb(struct json j, const char *key)
{
	return json_kind(vmember(j, key)) == JSON_TRUE;
}

/* for (v of the array), i counting; i is the array's length afterwards */
#define vectors_each(array, i, v)                                     \
	for (struct json_iter it_ = { ((i) = 0, NULL), NULL, false }; \
	     json_next((array), &it_, &(struct json){ NULL, 0 }, &(v)); (i)++)

static inline struct json
vat(struct json array, size_t at)
{
	struct json v = { NULL, 0 };
	size_t i;

	vectors_each(array, i, v)
		if (i == at)
			break;
	return v;
}

/* Hex to at most cap bytes; the length. */
static inline size_t
vhex(uint8_t *out, size_t cap, const char *hex)
{
	size_t n = strlen(hex) / 2;

	if (n > cap)
		exit(1);
	for (size_t i = 0; i < n; i++) {
		unsigned v;

		if (sscanf(hex + 2 * i, "%2x", &v) != 1)
			exit(1);
		out[i] = (uint8_t)v;
	}
	return n;
}

#endif

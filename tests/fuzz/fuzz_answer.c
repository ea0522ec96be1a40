/*
 * fuzz_answer.c - one answer parser, fed whole, byte by byte and in pieces that
 * the input chooses: all must judge alike, and what is whole keeps its limits.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "net/answer.h"

#define BODY_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Pieces of step bytes; 0: as long as the bytes themselves say. */
static struct answer *
parse(const char *p, size_t n, size_t step, bool head)
{
	struct answer *a = answer_new(BODY_MAX, head);
	enum answer_state s = ANSWER_MORE;
	size_t k;
	char *copy;

	for (size_t at = 0; at < n && s == ANSWER_MORE; at += k) {
		k = step > 0 ? step : (size_t)(p[at] & 31) + 1;
		k = k > n - at ? n - at : k;
		copy = mem_dup(p + at, k);
		s = answer_feed(a, copy, k);
		mem_free(copy);
	}
	answer_end(a);
	return a;
}

static void
same(const struct answer *a, const struct answer *b)
{
	bool whole = *answer_why(a) == '\0';

	assert(whole == (*answer_why(b) == '\0'));
	if (!whole)
		return;
	assert(answer_status(a) == answer_status(b));
	assert(answer_headers(a) == answer_headers(b));
	for (size_t i = 0; i < answer_headers(a); i++) {
		assert(strcmp(answer_name(a, i), answer_name(b, i)) == 0);
		assert(strcmp(answer_value(a, i), answer_value(b, i)) == 0);
		assert(strpbrk(answer_value(a, i), "\r\n\x1b") == NULL);
		assert(
		    utf8_valid(answer_value(a, i), strlen(answer_value(a, i))));
	}
	assert(answer_body(a)->len == answer_body(b)->len);
	assert(memcmp(buf_str(answer_body(a)), buf_str(answer_body(b)),
		   answer_body(a)->len) == 0);
	assert(answer_body(a)->len <= BODY_MAX);
	assert(answer_status(a) >= 200 && answer_status(a) < 600);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data + 1;
	struct answer *whole, *bytes, *pieces;
	bool head;

	if (n < 2)
		return 0;
	head = data[0] == 'H';
	n--;
	whole = parse(p, n, n, head);
	bytes = parse(p, n, 1, head);
	pieces = parse(p, n, 0, head);
	same(whole, bytes);
	same(whole, pieces);
	answer_free(whole);
	answer_free(bytes);
	answer_free(pieces);
	return 0;
}

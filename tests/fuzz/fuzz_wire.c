/*
 * fuzz_wire.c - any bytes as a frame, decoded as its own row and as every other
 * one. What decodes is inside the limits, and encodes to something that decodes
 * to the same values and encodes to the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/wire_sample.h"

#define MUST(cond)               \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

#define BIG (64 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
decode(struct arena *a, const struct wire_msg *m, const struct buf *b,
    void *out)
{
	struct frame fr;
	struct why why;

	if (m->kind == W_RECORD)
		return wire_decode_text(m, b->data, b->len, out, a, &why);
	MUST(frame_open(&fr, a, b->data, b->len, &why) == OK);
	MUST(fr.msg == m);
	MUST(strcmp(fr.reqid, "r") == 0 && fr.session == NULL);
	return wire_decode(m, fr.object, out, a, &why);
}

static void
there_and_back(struct arena *a, const struct wire_msg *m, struct json object)
{
	void *first = arena_alloc(a, m->size),
	     *second = arena_alloc(a, m->size);
	struct buf one, two, doc;
	struct json whole;
	struct why why = { 0 };
	const char *fault;

	if (wire_decode(m, object, first, a, &why) != OK) {
		MUST(why.code < 0 && why.text[0] != '\0');
		return;
	}
	MUST(wire_validate(m, first, &why) == OK);
	buf_init(&one, BIG);
	buf_init(&two, BIG);
	buf_init(&doc, BIG);
	wire_encode(&one, m, first, "r", NULL);
	MUST(decode(a, m, &one, second) == OK);
	MUST(sample_same(m, first, second));
	wire_encode(&two, m, second, "r", NULL);
	MUST(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
	wire_encode_doc(&doc, m, first, NULL);
	MUST(json_check(doc.data, doc.len, &whole, &fault, NULL) == 0);
	buf_fini(&one);
	buf_fini(&two);
	buf_fini(&doc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	const struct wire_msg *m;
	struct frame fr;
	struct why why = { 0 };
	size_t no;
	int rc;

	rc = frame_open(&fr, &a, (const char *)data, n, &why);
	MUST(rc == OK || (why.code == rc && why.text[0] != '\0'));
	MUST((rc == OK) == (fr.msg != NULL));
	MUST(fr.reqid == NULL || strlen(fr.reqid) <= WIRE_REQID_MAX);
	MUST(strlen(fr.type) <= WIRE_TYPE_MAX);
	if (rc == E_BAD_JSON) {
		arena_fini(&a);
		return 0;
	}
	for (no = 0; (m = wire_row(no)) != NULL; no++)
		there_and_back(&a, m, fr.object);
	arena_fini(&a);
	return 0;
}

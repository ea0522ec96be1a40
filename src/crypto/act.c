/*
 * act.c - acts as bytes: base64(count of signatures | signatures | JSON).
 * Reads and writes them; what they mean is the roll's business.
 */
#include "crypto/act.h"

#include <string.h>

#include "base/enc.h"
#include "base/str.h"

static int
refused(struct why *w, const char *field, const char *text)
{
	return why_field(w, E_ROLL_REFUSED, field, "%s", text);
}

static int
act_decode(struct arena *a, const char *b64, uint8_t **p, size_t *n,
    struct why *w)
{
	size_t len = strlen(b64);
	ssize_t got;

	if (len > B64_LEN(ACT_BYTES_MAX))
		return why_field(w, E_TOO_LONG, "act",
		    "the act is longer than %d bytes", ACT_BYTES_MAX);
	*p = arena_alloc(a, len / 4 * 3 + 3);
	got = b64_decode(*p, len / 4 * 3 + 3, b64, len);
	if (got < 0)
		return why_field(w, E_BAD_FIELD, "act",
		    "the act is not standard base64");
	if (got > ACT_BYTES_MAX)
		return why_field(w, E_TOO_LONG, "act",
		    "the act is longer than %d bytes", ACT_BYTES_MAX);
	*n = (size_t)got;
	return OK;
}

/* Where count, signatures and JSON are. */
static int
act_split(const uint8_t *p, size_t n, struct act_bytes *b, struct why *w)
{
	if (n < 1 || p[0] < 1 || p[0] > ACT_SIGS_MAX)
		return refused(w, "act", "an act has one or two signatures");
	b->nsigs = p[0];
	b->sigs = p + 1;
	if (n < 1 + b->nsigs * SIG_LEN + 2)
		return refused(w, "act", "the act is cut short");
	b->json = (const char *)b->sigs + b->nsigs * SIG_LEN;
	b->njson = n - 1 - b->nsigs * SIG_LEN;
	/* json_check lets white space pass; nothing may hide around an act */
	if (b->json[0] != '{' || b->json[b->njson - 1] != '}')
		return refused(w, "act",
		    "bytes before or after the act's object");
	return OK;
}

static int
act_json(struct act_bytes *b, struct why *w)
{
	const char *fault = NULL;
	int64_t v;

	if (json_check(b->json, b->njson, &b->doc, &fault, NULL) != 0)
		return why_field(w, E_BAD_JSON, "act", "the act: %s", fault);
	if (json_int(json_member(b->doc, "v"), &v) != 0 || v != 2)
		return refused(w, "v", "the act is of another version than 2");
	return OK;
}

int
act_open(struct arena *a, const char *act_b64, struct act_bytes *b,
    struct why *w)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int e;

	*b = (struct act_bytes){ 0 };
	if ((e = act_decode(a, act_b64, &p, &n, w)) != OK ||
	    (e = act_split(p, n, b, w)) != OK || (e = act_json(b, w)) != OK)
		return e;
	sha256(b->hash, p, n);
	hex_encode(b->hash_hex, b->hash, sizeof(b->hash));
	return OK;
}

int
act_peek(struct arena *a, const char *act_b64, struct act *head,
    struct json *doc, char hash_hex[65], struct why *w)
{
	struct act_bytes b;
	int e;

	if ((e = act_open(a, act_b64, &b, w)) != OK ||
	    (e = wire_decode(&wire_act, b.doc, head, a, w)) != OK)
		return e;
	if (doc != NULL)
		*doc = b.doc;
	if (hash_hex != NULL)
		memcpy(hash_hex, b.hash_hex, sizeof(b.hash_hex));
	return OK;
}

/* Signs what follows the room left for the signatures. */
static void
act_sign(struct buf *b, const struct key *author, const struct key *second)
{
	size_t nsigs = second != NULL ? 2 : 1, at = 1 + nsigs * SIG_LEN;
	uint8_t *p = (uint8_t *)b->data;

	p[0] = (uint8_t)nsigs;
	sign_domain(p + 1, "act", p + at, b->len - at, author);
	if (second != NULL)
		sign_domain(p + 1 + SIG_LEN, "act", p + at, b->len - at,
		    second);
}

char *
act_make(struct arena *a, const struct roll *r, const char *kind,
    const struct wire_msg *row, const void *fields, const struct key *author,
    const struct key *second, int64_t now_ms)
{
	struct act head = { .v = 2,
		.kind = kind,
		.n = roll_n(r),
		.prev = roll_head(r),
		.author = author->hex,
		.at = now_ms };
	uint8_t room[1 + ACT_SIGS_MAX * SIG_LEN] = { 0 };
	char *s = NULL;
	struct buf b;

	buf_init(&b, ACT_BYTES_MAX);
	buf_add(&b, room, 1 + (second != NULL ? 2 : 1) * SIG_LEN);
	wire_encode_pair(&b, &wire_act, &head, row, fields);
	if (!b.over) {
		act_sign(&b, author, second);
		s = arena_alloc(a, B64_LEN(b.len) + 1);
		b64_encode(s, b.data, b.len);
	}
	buf_fini(&b);
	return s;
}

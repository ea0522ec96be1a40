/*
 * sign.c - the words that sign and seal: keys, documents, acts, bodies. What is
 * signed is the text that the transcript gives, so it may be wrong on purpose.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/label.h"
#include "crypto/body.h"
#include "crypto/epoch.h"
#include "tests/wire/script.h"

static const char *
word_at(const struct args *a, size_t i, const char *usage)
{
	if (i >= a->n)
		tr_fail("usage: %s", usage);
	return a->v[i];
}

/* ---- keys ---- */

struct key *
tr_key(const char *name)
{
	struct key *k = map_gets(&tr.keys, name);

	if (k == NULL)
		tr_fail("there is no key '%s'", name);
	return k;
}

struct key *
tr_new_key(const char *name)
{
	struct key *k = arena_zalloc(&tr.arena, sizeof(*k));

	key_random(k);
	map_puts(&tr.keys, name, k);
	tr_set(name, k->hex);
	return k;
}

void
word_key(const struct args *a)
{
	size_t i;

	for (i = 1; i < a->n; i++)
		tr_new_key(a->v[i]);
}

/* ---- signed documents ---- */

static const char *
base64_of(const void *p, size_t n)
{
	char *s = arena_alloc(&tr.arena, B64_LEN(n) + 1);

	b64_encode(s, p, n);
	return s;
}

void
word_sign(const struct args *a)
{
	static const char usage[] = "sign VAR KIND KEY {DOCUMENT}";
	const char *doc = word_at(a, 4, usage);
	size_t n = strlen(doc);
	uint8_t *p = arena_alloc(&tr.arena, SIG_LEN + n);

	memcpy(p + SIG_LEN, doc, n);
	sign_domain(p, a->v[2], doc, n, tr_key(a->v[3]));
	tr_set(a->v[1], base64_of(p, SIG_LEN + n));
}

/* A record as it should be, and what is given in its place; TEXT null: gone. */
void
word_record(const struct args *a)
{
	static const char usage[] =
	    "record VAR KIND SESSION KEY VERSION TEXT [{DOCUMENT}]";
	const char *text = word_at(a, 6, usage);
	struct tsession *s = tr_session(a->v[3]);
	struct tmesh *m = s->who->mesh;
	char at[CLOCK_ISO_LEN + 1], hash[65], *doc;
	bool gone = strcmp(text, "null") == 0;
	uint8_t *p;
	size_t n;

	clock_iso(at, tr_now());
	sha256_hex(hash, text, strlen(text));
	doc = arena_printf(&tr.arena,
	    "{\"mesh\":\"%s\",\"by\":\"%s\",\"member\":\"%s\",\"key\":\"%s\","
	    "%s%s%s\"version\":%s,\"at\":\"%s\",\"roll\":{\"n\":%lld,"
	    "\"head\":\"%s\"}%s}",
	    m->id, s->key.hex, s->who->member.hex, a->v[4],
	    gone ? "" : "\"hash\":\"", gone ? "" : hash, gone ? "" : "\",",
	    a->v[5], at, (long long)m->n, m->head,
	    gone ? ",\"gone\":true" : "");
	if (a->n > 7)
		doc = tr_overlay(doc, a->v[7]);
	n = strlen(doc);
	p = arena_alloc(&tr.arena, SIG_LEN + n);
	memcpy(p + SIG_LEN, doc, n);
	sign_domain(p, a->v[2], doc, n, &s->key);
	tr_set(a->v[1], base64_of(p, SIG_LEN + n));
}

/* ---- acts ---- */

static void
keep_act(struct tmesh *m, const char *var, const uint8_t *p, size_t n)
{
	struct made_act made = { .mesh = m, .n = m->n };
	char *name = arena_printf(&tr.arena, "%s.hash", var);

	sha256_hex(made.hash, p, n);
	vec_add(&tr.acts, made);
	tr_set(name, made.hash);
}

/* KEY or KEY+KEY. */
static size_t
signers(const char *text, const struct key *k[2])
{
	char *one = arena_strdup(&tr.arena, text), *two = strchr(one, '+');

	if (two != NULL)
		*two++ = '\0';
	k[0] = tr_key(one);
	k[1] = two == NULL ? NULL : tr_key(two);
	return two == NULL ? 1 : 2;
}

void
word_act(const struct args *a)
{
	static const char usage[] = "act VAR MESH KEY[+KEY] {ACT}";
	const char *own = word_at(a, 4, usage);
	struct tmesh *m = tr_mesh(a->v[2]);
	const struct key *k[2];
	size_t n = signers(a->v[3], k), i, len;
	char at[CLOCK_ISO_LEN + 1], *doc;
	uint8_t *p;

	clock_iso(at, tr_now());
	doc = tr_overlay(arena_printf(&tr.arena,
			     "{\"v\":2,\"n\":%lld,\"prev\":\"%s\","
			     "\"author\":\"%s\",\"at\":\"%s\"}",
			     (long long)m->n, m->head, k[0]->hex, at),
	    own);
	len = strlen(doc);
	p = arena_alloc(&tr.arena, 1 + n * SIG_LEN + len);
	p[0] = (uint8_t)n;
	memcpy(p + 1 + n * SIG_LEN, doc, len);
	for (i = 0; i < n; i++)
		sign_domain(p + 1 + i * SIG_LEN, "act", doc, len, k[i]);
	len += 1 + n * SIG_LEN;
	keep_act(m, a->v[1], p, len);
	tr_set(a->v[1], base64_of(p, len));
}

/* ---- epoch keys ---- */

void
word_seal(const struct args *a)
{
	static const char usage[] = "seal VAR MESH KEY";
	const char *to = word_at(a, 3, usage);

	tr_set(a->v[1],
	    seal_key(&tr.arena, tr_mesh(a->v[2])->epoch, tr_key(to)->hex));
}

void
word_unseal(const struct args *a)
{
	static const char usage[] = "unseal MESH KEY BASE64";
	const char *b64 = word_at(a, 3, usage);
	uint8_t epoch[32];

	if (unseal_key(epoch, b64, tr_key(a->v[2])) != 0)
		tr_fail("it does not open: %s", b64);
	if (memcmp(epoch, tr_mesh(a->v[1])->epoch, sizeof(epoch)) != 0)
		tr_fail("another key than the mesh's is in it");
}

static int
by_key(const void *a, const void *b)
{
	return strcmp(((char *const *)a)[0], ((char *const *)b)[0]);
}

/* The hash of what was staged; "prev" comes first, then sorted by key. */
void
word_sum(const struct args *a)
{
	struct keys_sum sum;
	char hex[65], *v[TR_ARGS][2];
	size_t i, n = 0;

	for (i = 2; i + 1 < a->n; i += 2, n++) {
		v[n][0] = strcmp(a->v[i], "prev") == 0 ? "" : a->v[i];
		v[n][1] = a->v[i + 1];
	}
	qsort(v, n, sizeof(v[0]), by_key);
	keys_sum_begin(&sum);
	for (i = 0; i < n; i++)
		keys_sum_add(&sum, v[i][0], v[i][1]);
	keys_sum_end(&sum, hex);
	tr_set(a->v[1], hex);
}

/* ---- bodies ---- */

void
word_sealed(const struct args *a)
{
	static const char usage[] =
	    "sealed VAR SESSION TARGET ID TEXT [PRIORITY]";
	const char *text = word_at(a, 5, usage);
	struct tsession *s = tr_session(a->v[2]);
	struct tmesh *m = s->who->mesh;
	struct why why = { 0 };
	struct sealed out;
	bool label = label_kind(a->v[3]) != LABEL_NONE;
	struct body body = {
		.mesh = m->id,
		.from = s->key.hex,
		.to = label ? label_canonical(a->v[3]) : tr_key(a->v[3])->hex,
		.id = a->v[4],
		.epoch = 1,
		.has_roll = true,
		.roll = { .n = m->n, .head = m->head },
		.priority = a->n > 6 ? a->v[6] : "next",
		.sent_at = tr_now(),
		.text = text,
	};

	if ((label ? body_seal_group(&tr.arena, &body, &s->key, m->epoch, &out,
			 &why)
		   : body_seal_direct(&tr.arena, NULL, &body, &s->key, body.to,
			 &out, &why)) != OK)
		tr_fail("it cannot be sealed: %s %s", why.field, why.text);
	tr_set(a->v[1],
	    arena_printf(&tr.arena, "\"nonce\":\"%s\",\"ciphertext\":\"%s\"",
		out.nonce, out.ciphertext));
}

/* The push that a connection read last, opened by the key it is for: a key's
 * name, or a mesh's for what was said to a label. */
void
word_opens(const struct args *a)
{
	static const char usage[] = "opens CONNECTION KEY TEXT";
	const char *text = word_at(a, 3, usage);
	struct tconn *c = tr_conn(a->v[1]);
	struct why why = { 0 };
	struct body body;
	struct envelope env;

	if (c->last == NULL)
		tr_fail("%s has read nothing yet", c->name);
	env = (struct envelope){
		.mesh = tr_member(c->last, "meshId"),
		.from = tr_member(c->last, "senderPubkey"),
		.to = tr_member(c->last, "targetSpec"),
		.id = tr_member(c->last, "messageId"),
		.priority = tr_member(c->last, "priority"),
	};
	if ((label_kind(env.to) != LABEL_NONE
		    ? body_open_group(&tr.arena, &body, tr_mesh(a->v[2])->epoch,
			  &env, tr_member(c->last, "nonce"),
			  tr_member(c->last, "ciphertext"), &why)
		    : body_open_direct(&tr.arena, NULL, &body, tr_key(a->v[2]),
			  &env, tr_member(c->last, "nonce"),
			  tr_member(c->last, "ciphertext"), &why)) != OK)
		tr_fail("it does not open: %s %s", why.field, why.text);
	if (strcmp(body.text, text) != 0)
		tr_fail("expected '%s', it says '%s'", text, body.text);
}

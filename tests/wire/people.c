/*
 * people.c - meshes, members and sessions of a transcript. A word here is made
 * of lines that a transcript could say itself, through the real broker; where
 * the roll stands is learnt from what the broker answers.
 */
#include <string.h>

#include "base/enc.h"
#include "crypto/roll.h"
#include "tests/wire/script.h"

struct tmesh *
tr_mesh(const char *name)
{
	struct tmesh *m = map_gets(&tr.meshes, name);

	if (m == NULL)
		tr_fail("there is no mesh '%s'", name);
	return m;
}

struct tsession *
tr_session(const char *name)
{
	struct tsession *s = map_gets(&tr.sessions, name);

	if (s == NULL)
		tr_fail("there is no session '%s'", name);
	return s;
}

/* ---- where the roll stands ---- */

static struct tmesh *
mesh_told_of(const char *text, const char *head)
{
	const char *id = tr_member(text, "meshId");
	struct tmesh *m;
	size_t i;

	for (i = 0; (m = map_next(&tr.meshes, &i)) != NULL;) {
		if (strcmp(m->id, id) == 0)
			return m;
	}
	for (i = 0; i < tr.acts.n; i++) {
		if (strcmp(tr.acts.v[i].hash, head) == 0)
			return tr.acts.v[i].mesh;
	}
	return NULL;
}

void
people_heard(const char *text)
{
	const char *roll = tr_member(text, "roll"), *head;
	struct tmesh *m;
	int64_t n;

	if (*roll != '{' ||
	    json_int(json_member(tr_object(roll), "n"), &n) != 0)
		return;
	head = tr_member(roll, "head");
	m = mesh_told_of(text, head);
	if (m == NULL || n < m->n)
		return;
	m->n = n;
	str_copy(m->head, sizeof(m->head), head);
}

/* ---- people ---- */

static struct tperson *
person_new(const char *name, struct tmesh *m)
{
	struct tperson *p = arena_zalloc(&tr.arena, sizeof(*p));

	p->name = arena_strdup(&tr.arena, name);
	p->mesh = m;
	crypto_random(p->seed, sizeof(p->seed));
	map_puts(&tr.people, p->name, p);
	return p;
}

static void
person_enters(struct tperson *p)
{
	key_member(&p->member, p->seed, p->mesh->id);
	map_puts(&tr.keys, p->name, &p->member);
	tr_set(p->name, p->member.hex);
}

static struct tmesh *
mesh_new(const char *name, const char *owner, char nonce[65])
{
	struct tmesh *m = arena_zalloc(&tr.arena, sizeof(*m));
	char *key = arena_printf(&tr.arena, "%s.owner", name);
	uint8_t raw[32];

	m->name = arena_strdup(&tr.arena, name);
	m->owner = person_new(owner, m);
	crypto_random(m->epoch, sizeof(m->epoch));
	crypto_random(raw, sizeof(raw));
	hex_encode(nonce, raw, sizeof(raw));
	key_owner(&m->owner_key, m->owner->seed, nonce);
	map_puts(&tr.keys, key, &m->owner_key);
	tr_set(key, m->owner_key.hex);
	map_puts(&tr.meshes, m->name, m);
	return m;
}

/* The act made last stands, as far as the next act is concerned. */
static const char *
act_stands(struct tmesh *m)
{
	const struct made_act *act = &tr.acts.v[tr.acts.n - 1];

	m->n = act->n + 1;
	str_copy(m->head, sizeof(m->head), act->hash);
	return m->head;
}

void
word_mesh(const struct args *a)
{
	const char *owner = args_after(a, "owner"), *name = a->v[1];
	const char *token = args_after(a, "token");
	char nonce[65], hash[65];
	uint8_t raw[32];
	struct tmesh *m;

	if (owner == NULL)
		tr_fail("usage: mesh NAME owner PERSON [token TOKEN]");
	m = mesh_new(name, owner, nonce);
	sha256_hex(hash, m->epoch, sizeof(m->epoch));
	tr_do("peer _");
	tr_do("act _g %s %s.owner {\"kind\":\"genesis\",\"nonce\":\"%s\","
	      "\"name\":\"%s\",\"logKey\":\"$_.logKey\",\"epoch\":1,"
	      "\"epochHash\":\"%s\"}",
	    name, name, nonce, name, hash);
	hex_decode(raw, sizeof(raw), act_stands(m), 64);
	mesh_id_of(m->id, raw);
	tr_set(name, m->id);
	person_enters(m->owner);
	tr_do("act _a %s %s.owner {\"kind\":\"admin\",\"member\":\"$%s\","
	      "\"name\":\"%s\"}",
	    name, name, owner, owner);
	tr_do("seal _s %s %s", name, owner);
	tr_do("_ > {\"type\":\"mesh_create\",\"_reqId\":\"mesh\",\"acts\":"
	      "[\"$_g\",\"$_a\"],\"sealed\":\"$_s\"%s%s%s}",
	    token ? ",\"token\":\"" : "", token ? token : "",
	    token ? "\"" : "");
	tr_do("_ < {\"type\":\"mesh_created\",\"_reqId\":\"mesh\",\"meshId\":"
	      "\"$%s\",\"roll\":{\"n\":2,\"head\":\"$_a.hash\"}}",
	    name);
	tr_do("drop _");
}

static void
join_by(const char *name, const char *mesh)
{
	tr_do("peer _");
	tr_do("sign _p invite _inv {\"url\":\"$url\",\"invite\":\"$_inv\","
	      "\"challenge\":\"$_.nonce\"}");
	tr_do("_ > {\"type\":\"invite_open\",\"_reqId\":\"j1\",\"proof\":"
	      "\"$_p\"}");
	tr_do("_ < {\"type\":\"invite_info\",\"_reqId\":\"j1\",\"meshId\":"
	      "\"$%s\",\"roll\":*,\"epoch\":1,\"sealed\":*}",
	    mesh);
	tr_do("act _j %s %s+_inv {\"kind\":\"join\",\"invite\":\"$_inv\","
	      "\"member\":\"$%s\",\"name\":\"%s\"}",
	    mesh, name, name, name);
	tr_do("seal _s %s %s", mesh, name);
	tr_do("_ > {\"type\":\"mesh_join\",\"_reqId\":\"j2\",\"meshId\":"
	      "\"$%s\",\"act\":\"$_j\",\"sealed\":\"$_s\"}",
	    mesh);
	tr_do("_ < {\"type\":\"roll_appended\",\"_reqId\":\"j2\",\"roll\":"
	      "{\"n\":*,\"head\":\"$_j.hash\"}}");
	tr_do("drop _");
}

void
word_join(const struct args *a)
{
	const char *name = a->v[1], *mesh = a->v[2], *role = "member";
	struct tmesh *m;

	if (a->n < 3)
		tr_fail("usage: join PERSON MESH [admin]");
	if (a->n > 3)
		role = a->v[3];
	m = tr_mesh(mesh);
	person_enters(person_new(name, m));
	tr_new_key("_inv");
	tr_do("peer _");
	tr_do("hello _ _s of %s", m->owner->name);
	tr_do("act _i %s %s.owner {\"kind\":\"invite\",\"invite\":\"$_inv\","
	      "\"role\":\"%s\",\"uses\":1,\"expiresAt\":\"$now+1h\"}",
	    mesh, mesh, role);
	tr_do("seal _k %s _inv", mesh);
	/* ONCE: with a _reqId of its own, or it is answered like the last */
	tr_do("_ > {\"type\":\"roll_append\",\"_reqId\":\"%s\",\"act\":\"$_i\","
	      "\"sealed\":[{\"key\":\"$_inv\",\"sealed\":\"$_k\"}]}",
	    name);
	tr_do("_ < {\"type\":\"roll_appended\",\"_reqId\":\"%s\",\"roll\":*}",
	    name);
	tr_do("_ < {\"type\":\"roll_changed\",...}");
	tr_do("close _");
	join_by(name, mesh);
}

/* ---- hello ---- */

static struct tsession *
session_for(const struct args *a)
{
	const char *conn = a->v[1], *name = a->v[2];
	const char *who = args_after(a, "of"), *daemon;
	struct tsession *s = map_gets(&tr.sessions, name);

	if (s == NULL || (who != NULL && strcmp(who, s->who->name) != 0)) {
		s = arena_zalloc(&tr.arena, sizeof(*s));
		s->name = arena_strdup(&tr.arena, name);
		s->who = map_gets(&tr.people, who == NULL ? conn : who);
		if (s->who == NULL)
			tr_fail("there is nobody called '%s'",
			    who == NULL ? conn : who);
		s->key = *tr_new_key(name);
		s->daemon = s->who->name;
		map_puts(&tr.sessions, s->name, s);
	}
	daemon = args_after(a, "daemon");
	if (daemon != NULL)
		s->daemon = arena_strdup(&tr.arena, daemon);
	return s;
}

static void
sign_part(const char *var, const char *kind, const char *key, const char *doc,
    const char *over)
{
	char *name = arena_strdup(&tr.arena, var);
	struct args a = { .n = 5 };

	a.v[1] = name;
	a.v[2] = arena_strdup(&tr.arena, kind);
	a.v[3] = arena_strdup(&tr.arena, key);
	a.v[4] = tr_overlay(tr_fill(doc), over);
	word_sign(&a);
}

/* Signs attestation and proof; leaves $_att and $_proof. */
static void
sign_hello(const struct args *a, const struct tsession *s)
{
	const char *by = args_after(a, "attested"),
		   *prover = args_after(a, "proved");
	const char *ids = arena_printf(&tr.arena,
	    "\"mesh\":\"%s\",\"member\":\"%s\",\"session\":\"%s\"",
	    s->who->mesh->id, s->who->member.hex, s->key.hex);

	sign_part("_att", "attest", by == NULL ? s->who->name : by,
	    arena_printf(&tr.arena,
		"{%s,\"name\":\"%s\",\"issuedAt\":\"$now\","
		"\"expiresAt\":\"$now+12h\"}",
		ids, s->name),
	    args_after(a, "attest"));
	sign_part("_proof", "hello", prover == NULL ? s->name : prover,
	    arena_printf(&tr.arena,
		"{\"url\":\"$url\",%s,\"challenge\":\"$%s.nonce\"}", ids,
		a->v[1]),
	    args_after(a, "proof"));
}

void
word_hello(const struct args *a)
{
	const char *want = args_after(a, "->"), *text;
	const char *more = args_after(a, "with");
	struct tsession *s;
	struct tconn *c;
	char *ask;

	if (a->n < 3)
		tr_fail("usage: hello CONNECTION SESSION [of PERSON] "
			"[daemon NAME] [with {}] [attest {}] [proof {}] "
			"[attested KEY] [proved KEY] [-> PATTERN]");
	c = tr_conn(a->v[1]);
	s = session_for(a);
	sign_hello(a, s);
	ask = tr_fill(arena_printf(&tr.arena,
	    "{\"type\":\"session_hello\",\"_reqId\":\"hello\",\"meshId\":\"%s\","
	    "\"memberPubkey\":\"%s\",\"sessionPubkey\":\"%s\",\"attestation\":"
	    "\"$_att\",\"proof\":\"$_proof\",\"daemonId\":\"daemon-of-%s-0001\"}",
	    s->who->mesh->id, s->who->member.hex, s->key.hex, s->daemon));
	ask = tr_overlay(ask, more);
	conn_text(c, ask, strlen(ask));
	tr_do("%s < %s", c->name,
	    want != NULL ? want : "{\"type\":\"hello_ack\",...}");
	text = c->last;
	if (strcmp(tr_member(text, "type"), "hello_ack") != 0)
		return;
	if (strcmp(tr_member(text, "sessionPubkey"), s->key.hex) != 0)
		tr_fail("the hello_ack is for another session:\n  %s", text);
	text = tr_member(text, "cursor");
	tr_set(arena_printf(&tr.arena, "%s.history", s->name),
	    tr_member(text, "history"));
	tr_set(arena_printf(&tr.arena, "%s.seq", s->name),
	    tr_member(text, "seq"));
}

/* event CONNECTION EVENT SESSION [-> MORE]: the broker tells of a peer. MORE is
 * what stands behind the usual members of eventData. */
void
word_event(const struct args *a)
{
	const struct tsession *s = tr_session(a->v[3]);
	const char *more = args_after(a, "->"), *name;

	name = tr_get(arena_printf(&tr.arena, "%s.name", s->name));
	if (name == NULL)
		name = s->name;
	tr_do("%s < {\"type\":\"push\",\"messageId\":*,\"meshId\":\"%s\","
	      "\"senderPubkey\":\"system\",\"priority\":\"low\","
	      "\"createdAt\":*,\"subtype\":\"system\",\"event\":\"%s\","
	      "\"eventData\":{\"name\":\"%s\",\"displayName\":\"%s\","
	      "\"pubkey\":\"%s\",\"memberPubkey\":\"%s\"%s%s}}",
	    a->v[1], s->who->mesh->id, a->v[2], name, name, s->key.hex,
	    s->who->member.hex, more == NULL ? "" : ",",
	    more == NULL ? "" : more);
}

/* ---- the roll, replayed ---- */

static void
apply_page(struct roll *r, const char *page)
{
	struct json acts = json_member(tr_object(page), "acts"), act;
	struct json_iter it = { 0 };
	struct why why = { 0 };

	while (json_next(acts, &it, NULL, &act)) {
		char *b64 = json_string(&tr.arena, act, NULL);

		if (roll_apply(r, b64, &why) != OK) {
			roll_free(r);
			tr_fail("the roll that is served does not stand: %s",
			    why.text);
		}
	}
}

/* rolled CONNECTION MESH: read in pages of two and replayed, it is the roll. */
void
word_rolled(const struct args *a)
{
	struct roll *r;
	struct tmesh *m;
	int64_t n = 0, was;

	if (a->n < 3)
		tr_fail("usage: rolled CONNECTION MESH");
	m = tr_mesh(a->v[2]);
	r = roll_new();
	do {
		was = n;
		tr_do("%s > {\"type\":\"roll_get\",\"_reqId\":\"roll\","
		      "\"meshId\":\"%s\",\"from\":%lld,\"limit\":2}",
		    a->v[1], m->id, (long long)n);
		tr_do("%s < {\"type\":\"roll_page\",\"_reqId\":\"roll\","
		      "\"meshId\":\"%s\",\"from\":%lld,\"acts\":*,\"roll\":"
		      "{\"n\":%lld,\"head\":\"%s\"}}",
		    a->v[1], m->id, (long long)n, (long long)m->n, m->head);
		apply_page(r, tr_conn(a->v[1])->last);
		n = roll_n(r);
	} while (n < m->n && n > was);
	if (n != m->n || strcmp(roll_head(r), m->head) != 0 ||
	    strcmp(roll_mesh(r), m->id) != 0) {
		roll_free(r);
		tr_fail("the roll that is served is another one");
	}
	roll_free(r);
}

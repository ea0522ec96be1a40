/*
 * ours_mesh.c - see ours.h. Nothing here is measured.
 */
#include "bench/ours.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/enc.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/ws.h"

#define HOUR_MS 3600000
#define RATE_MAX 100000	  /* what a settings act may say at most */
#define BURST_MAX 1000000 /* likewise */

static int64_t
wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- frames ---- */

void
our_frame(struct conn *c, const char *text, size_t n)
{
	static const uint8_t mask[4] = { 0x5a, 0xc3, 0x17, 0x88 };

	if (ws_encode(&c->out, WS_TEXT, text, n, mask) != 0)
		die("too much to write");
}

bool
our_next(struct conn *c, int *op, const char **text, size_t *n, size_t *total)
{
	size_t have, head = 2, len;
	const uint8_t *p = (const uint8_t *)conn_in(c, &have);

	if (have < 2)
		return false;
	len = p[1] & 127;
	if (len == 126)
		head = 4;
	else if (len == 127)
		head = 10;
	if (have < head)
		return false;
	if (head > 2) {
		len = 0;
		for (size_t i = 2; i < head; i++)
			len = len << 8 | p[i];
	}
	if (have - head < len)
		return false;
	*op = p[0] & 15;
	*text = (const char *)p + head;
	*n = len;
	*total = head + len;
	return true;
}

/* The next text frame; what is no reply is passed over. */
static void
next_reply(struct arena *a, struct conn *c, struct frame *f, bool any)
{
	struct why why;
	const char *text;
	size_t n, total;
	int op;

	for (;;) {
		if (!our_next(c, &op, &text, &n, &total)) {
			conn_pull(c);
			continue;
		}
		text = arena_strndup(a, text, n);
		conn_eaten(c, total);
		if (op != WS_TEXT)
			continue;
		if (frame_open(f, a, text, n, &why) != OK)
			die("the broker says nonsense: %s", why.text);
		if (f->msg->kind == W_REPLY || any)
			return;
	}
}

const void *
our_ask(struct arena *a, struct conn *c, const struct wire_msg *row,
    const void *in)
{
	struct our_conn *o = c->own;
	struct error e;
	struct frame f;
	struct why why;
	struct buf b;
	char id[24];
	void *out;

	snprintf(id, sizeof(id), "q%llu", (unsigned long long)++o->asked);
	buf_init(&b, WIRE_FRAME_MAX);
	wire_encode(&b, row, in, id, NULL);
	our_frame(c, b.data, b.len);
	buf_fini(&b);
	conn_push(c);
	next_reply(a, c, &f, false);
	if (f.msg == &wire_error &&
	    wire_decode(f.msg, f.object, &e, a, &why) == OK)
		die("%s: %s", row->wire, e.message);
	out = arena_zalloc(a, f.msg->size);
	if (f.msg != row->reply ||
	    wire_decode(f.msg, f.object, out, a, &why) != OK)
		die("%s was answered by %s", row->wire, f.type);
	return out;
}

/* ---- connections ---- */

static struct conn *
connect_ours(struct run *r)
{
	struct conn *c = conn_open(r);
	struct our_conn *o = mem_zalloc(sizeof(*o));
	struct arena a = { 0 };
	struct challenge ch;
	struct frame f;
	struct why why;
	const char *p;
	size_t n;

	c->own = o;
	buf_addf(&c->out,
	    "GET /ws HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Protocol: claudemesh.2\r\n"
	    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
	    r->host, r->port);
	conn_push(c);
	do {
		conn_pull(c);
		p = conn_in(c, &n);
	} while (memmem(p, n, "\r\n\r\n", 4) == NULL);
	if (strncmp(p, "HTTP/1.1 101", 12) != 0)
		die("no WebSocket: %.*s", (int)n, p);
	conn_eaten(c,
	    (size_t)((const char *)memmem(p, n, "\r\n\r\n", 4) - p) + 4);
	next_reply(&a, c, &f, true);
	if (f.msg != &wire_challenge ||
	    wire_decode(f.msg, f.object, &ch, &a, &why) != OK)
		die("the broker does not begin with a challenge");
	str_copy(o->nonce, sizeof(o->nonce), ch.nonce);
	str_copy(o->log_key, sizeof(o->log_key), ch.log_key);
	arena_fini(&a);
	return c;
}

struct conn *
our_session(struct run *r, struct our_mesh *m, const struct key *member,
    const char *name)
{
	struct conn *c = connect_ours(r);
	struct our_conn *o = c->own;
	struct arena a = { 0 };
	struct attestation att = { .mesh = roll_mesh(m->roll),
		.member = member->hex,
		.name = name,
		.issued_at = wall_ms(),
		.expires_at = wall_ms() + HOUR_MS };
	struct hello_proof proof = { .url = m->url,
		.mesh = att.mesh,
		.member = member->hex,
		.challenge = o->nonce };
	struct session_hello in = { .mesh_id = att.mesh,
		.member_pubkey = member->hex,
		.channel = "bench" };
	const struct hello_ack *ack;

	key_random(&o->session);
	o->member = *member;
	str_copy(o->mesh, sizeof(o->mesh), att.mesh);
	att.session = proof.session = in.session_pubkey = o->session.hex;
	in.daemon_id = o->session.hex; /* each on a machine of its own */
	in.attestation =
	    doc_sign(&a, "attest", &wire_attestation, &att, member);
	in.proof =
	    doc_sign(&a, "hello", &wire_hello_proof, &proof, &o->session);
	ack = our_ask(&a, c, &wire_session_hello, &in);
	str_copy(o->history, sizeof(o->history), ack->cursor.history);
	arena_fini(&a);
	return c;
}

/* ---- the mesh ---- */

static const char *
act(struct arena *a, struct our_mesh *m, const char *kind,
    const struct wire_msg *row, const void *fields, const struct key *author,
    const struct key *second)
{
	struct why why;
	const char *s =
	    act_make(a, m->roll, kind, row, fields, author, second, wall_ms());

	if (roll_apply(m->roll, s, &why) != OK)
		die("act %s: %s", kind, why.text);
	return s;
}

static void
found(struct run *r, struct our_mesh *m)
{
	struct conn *c = connect_ours(r);
	struct our_conn *o = c->own;
	struct arena a = { 0 };
	uint8_t seed[32], raw[32];
	char nonce[65], hash[65];
	struct act_genesis g = { .name = "bench",
		.log_key = o->log_key,
		.epoch = 1 };
	struct act_admin adm = { .name = "admin" };
	struct mesh_create in = { 0 };
	struct blob acts[2];

	crypto_random(seed, 32);
	crypto_random(raw, 32);
	crypto_random(m->epoch, 32);
	sha256_hex(nonce, raw, 32);
	sha256_hex(hash, m->epoch, 32);
	g.nonce = nonce;
	g.epoch_hash = hash;
	key_owner(&m->owner, seed, nonce);
	acts[0].s =
	    act(&a, m, "genesis", &wire_act_genesis, &g, &m->owner, NULL);
	key_member(&m->admin, seed, roll_mesh(m->roll));
	adm.member = m->admin.hex;
	acts[1].s = act(&a, m, "admin", &wire_act_admin, &adm, &m->owner, NULL);
	in.acts.n = 2;
	in.acts.v = acts;
	in.sealed = seal_key(&a, m->epoch, m->admin.hex);
	our_ask(&a, c, &wire_mesh_create, &in);
	mem_free(o);
	conn_close(r, c);
	arena_fini(&a);
}

void
our_mesh_open(struct run *r, struct our_mesh *m)
{
	struct act_settings s = { .send_rate = RATE_MAX,
		.send_burst = BURST_MAX };
	struct act_invite inv = { .role = "member", .uses = 100000 };
	struct roll_append in = { 0 };
	struct sealed_key sealed;
	struct arena a = { 0 };

	m->roll = roll_new();
	snprintf(m->url, sizeof(m->url), "ws://%s:%d/ws", r->host, r->port);
	found(r, m);
	m->desk = our_session(r, m, &m->admin, "admin");
	in.act =
	    act(&a, m, "settings", &wire_act_settings, &s, &m->admin, NULL);
	our_ask(&a, m->desk, &wire_roll_append, &in);
	key_random(&m->invite);
	inv.invite = m->invite.hex;
	inv.expires_at = wall_ms() + 24 * HOUR_MS;
	in.act = act(&a, m, "invite", &wire_act_invite, &inv, &m->admin, NULL);
	sealed.key = m->invite.hex;
	sealed.sealed = seal_key(&a, m->epoch, m->invite.hex);
	in.sealed.n = 1;
	in.sealed.v = &sealed;
	our_ask(&a, m->desk, &wire_roll_append, &in);
	arena_fini(&a);
}

void
our_mesh_fini(struct our_mesh *m)
{
	roll_free(m->roll);
	key_wipe(m, sizeof(*m));
}

void
our_join(struct run *r, struct our_mesh *m, struct key *member)
{
	struct conn *c = connect_ours(r);
	struct our_conn *o = c->own;
	struct arena a = { 0 };
	struct invite_proof proof = { .url = m->url,
		.invite = m->invite.hex,
		.challenge = o->nonce };
	struct invite_open open = { 0 };
	struct act_join j = { .invite = m->invite.hex, .name = "peer" };
	struct mesh_join in = { .mesh_id = roll_mesh(m->roll) };

	open.proof =
	    doc_sign(&a, "invite", &wire_invite_proof, &proof, &m->invite);
	our_ask(&a, c, &wire_invite_open, &open);
	key_random(member);
	j.member = member->hex;
	in.act = act(&a, m, "join", &wire_act_join, &j, member, &m->invite);
	in.sealed = seal_key(&a, m->epoch, member->hex);
	our_ask(&a, c, &wire_mesh_join, &in);
	mem_free(o);
	conn_close(r, c);
	arena_fini(&a);
}

/*
 * fuzz_broker.c - what clients may do to a broker, in any order, while its disk
 * and its connections fail. Three members, two sessions and two daemons each, on
 * five connections; every input byte pair is a step (see steps[]).
 *
 * What must hold: no crash; a request with a _reqId is answered once while its
 * connection stands; what was acknowledged as stored is delivered, once, to the
 * queue it was for, whatever failed in between; when everybody has gone nothing
 * is left in memory.
 */
#include <stdio.h>
#include <stdlib.h>

#include "broker/broker.h"
#include "tests/unit/brokerkit.h"

#define MUST(x)                                                    \
	do {                                                       \
		if (!(x)) {                                        \
			fprintf(stderr, "%d: %s\n", __LINE__, #x); \
			abort();                                   \
		}                                                  \
	} while (0)

#define PEOPLE 3
#define DAEMONS (2 * PEOPLE) /* i and i + PEOPLE are person i's */
#define SESSIONS 6	     /* likewise */
#define CONNS 5
#define SENT_MAX 400
#define PENDING_MAX 512
#define KEEP_MS (30 * DAY_MS)

struct conn_model {
	struct client *c;
	char pending[PENDING_MAX][12];
	size_t n;
};

struct sent_model {   /* a copy that may be stored */
	int from, to; /* to: SESSIONS and above are members */
	char id[24];
	int64_t at;
	bool sure; /* the broker said so */
	int seen;  /* deliveries, in the end */
};

struct play {
	struct kit k;
	struct sess s[SESSIONS];
	struct conn_model conn[CONNS];
	struct sent_model sent[SENT_MAX];
	size_t nsent;
	int64_t cursor[DAEMONS], newest[DAEMONS];
	bool used[DAEMONS]; /* somebody said hello for it */
	unsigned ids;
	const uint8_t *p;
	size_t left;
};

static struct vfs *before; /* the disk as every input finds it */
static struct person people[PEOPLE];
static struct sess cast[SESSIONS];

static uint8_t
next(struct play *g)
{
	if (g->left == 0)
		return 0;
	g->left--;
	return *g->p++;
}

static const char *
key_of(const struct play *g, int to)
{
	return to < SESSIONS ? g->s[to].key.hex
			     : people[to - SESSIONS].member.hex;
}

static int
person_of(int to)
{
	return to < SESSIONS ? to % PEOPLE : to - SESSIONS;
}

/* ---- hearing ---- */

static struct sent_model *
copy_of(struct play *g, const char *id, const char *from, const char *target)
{
	for (size_t i = 0; i < g->nsent; i++) {
		struct sent_model *m = &g->sent[i];

		if (str_eq(m->id, id) && str_eq(g->s[m->from].key.hex, from) &&
		    str_eq(key_of(g, m->to), target))
			return m;
	}
	return NULL;
}

static void
heard_ack(struct play *g, const struct frame *f, struct arena *a)
{
	struct ack ack;

	MUST(wire_decode(f->msg, f->object, &ack, a, NULL) == OK);
	for (size_t i = 0; i < ack.recipients.n; i++) {
		const struct recipient *r = &ack.recipients.v[i];

		for (size_t k = 0; k < g->nsent; k++)
			if (str_eq(g->sent[k].id, ack.id) &&
			    str_eq(key_of(g, g->sent[k].to), r->target_spec) &&
			    str_eq(r->receipt, "stored"))
				g->sent[k].sure = true;
	}
}

static void
heard_push(struct play *g, const struct frame *f, struct arena *a)
{
	struct message_push m;

	MUST(wire_decode(f->msg, f->object, &m, a, NULL) == OK);
	if (m.seq == 0)
		return;
	MUST(copy_of(g, m.message_id, m.sender_pubkey, m.target_spec));
	for (int d = 0; d < DAEMONS; d++)
		if (m.seq > g->newest[d])
			g->newest[d] = m.seq;
}

static void
settle_request(struct conn_model *c, const char *reqid)
{
	size_t i;

	for (i = 0; i < c->n && !str_eq(c->pending[i], reqid); i++)
		;
	MUST(i < c->n); /* answered twice, or not asked */
	memmove(c->pending[i], c->pending[i + 1],
	    (c->n - i - 1) * sizeof(c->pending[0]));
	c->n--;
}

static void
hear(struct play *g, struct conn_model *c)
{
	struct arena a = { 0 };
	struct frame f;
	struct why why = { 0 };

	for (size_t i = 0; i < c->c->got.n; i++) {
		const char *text = c->c->got.v[i];

		MUST(frame_open(&f, &a, text, strlen(text), &why) == OK);
		if (f.msg == &wire_ack)
			heard_ack(g, &f, &a);
		if (f.msg == &wire_message_push)
			heard_push(g, &f, &a);
		if (f.reqid != NULL)
			settle_request(c, f.reqid);
		mem_free(c->c->got.v[i]);
		arena_reset(&a);
	}
	c->c->got.n = 0;
	arena_fini(&a);
}

static void
hang_up(struct conn_model *c)
{
	client_free(c->c);
	c->c = NULL;
	c->n = 0;
}

static void
hear_all(struct play *g)
{
	for (int i = 0; i < CONNS; i++) {
		struct conn_model *c = &g->conn[i];

		if (c->c == NULL)
			continue;
		hear(g, c);
		if (!c->c->open)
			hang_up(c);
	}
}

/* ---- the broker's life ---- */

static void
mend(struct play *g)
{
	vfs_full_at(g->k.vfs, 0, false);
	vfs_room(g->k.vfs, -1);
	vfs_fail_sync_at(g->k.vfs, 0);
	vfs_fail_write_at(g->k.vfs, 0);
	if (!vfs_is_off(g->k.vfs))
		vfs_power_off_at(g->k.vfs, 0);
}

static void
start(struct play *g)
{
	mend(g);
	g->k.fatal = false;
	kit_start(&g->k);
	for (int i = 0; i < SESSIONS; i++)
		g->s[i].ack.cursor.history = g->k.broker->history;
}

static void
restart(struct play *g, bool power, uint64_t seed)
{
	broker_free(g->k.broker);
	g->k.broker = NULL;
	fakeio_cut(g->k.f, g->k.port);
	kit_settle(&g->k);
	hear_all(g);
	if (power || vfs_is_off(g->k.vfs))
		vfs_crash(g->k.vfs, seed);
	start(g);
}

static void
pass(struct play *g, int64_t ms)
{
	fakeio_run(g->k.f, ms);
	hear_all(g);
	if (g->k.fatal)
		restart(g, true, 5);
}

/* ---- speaking ---- */

static bool
post(struct conn_model *c, const char *session, const struct wire_msg *row,
    const void *in)
{
	char reqid[12];
	struct buf b;
	bool ok;

	if (c->c == NULL || !c->c->open || c->n == PENDING_MAX)
		return false;
	snprintf(reqid, sizeof(reqid), "q%lld", (long long)++c->c->reqs);
	buf_init(&b, WIRE_FRAME_MAX);
	wire_encode(&b, row, in, reqid, session);
	ok = wsclient_send(c->c->ws, b.data, b.len) == 0;
	if (ok)
		str_copy(c->pending[c->n++], sizeof(reqid), reqid);
	buf_fini(&b);
	return ok;
}

#define POST(c, session, row, ...) \
	post((c), (session), &wire_##row, &(const struct row){ __VA_ARGS__ })

static struct conn_model *
some_conn(struct play *g)
{
	return &g->conn[next(g) % CONNS];
}

static struct sess *
some_sess(struct play *g)
{
	return &g->s[next(g) % SESSIONS];
}

static int
daemon_of(const struct play *g, const struct sess *s)
{
	int who = (int)(s - g->s) % PEOPLE;

	return s->daemon[0] == 'b' ? who + PEOPLE : who;
}

static void
name_daemon(struct play *g, struct sess *s, bool second)
{
	snprintf(s->daemon, sizeof(s->daemon), "%c-daemon-of-%02d-zz",
	    second ? 'b' : 'a', (int)(s - g->s) % PEOPLE);
}

static void
connect(struct play *g, struct conn_model *c)
{
	if (c->c != NULL)
		return;
	c->c = client_dial(&g->k, "/ws", "claudemesh.2");
	if (!c->c->open || !heard(c->c, &wire_challenge, &c->c->hi))
		hang_up(c);
}

static void
say_hello(struct play *g, struct conn_model *c, struct sess *s, unsigned how)
{
	struct session_hello h;
	int d;

	if (c->c == NULL)
		return;
	name_daemon(g, s, how & 1);
	d = daemon_of(g, s);
	s->seq = (how & 2) ? g->cursor[d] : -1;
	h = hello_of(c->c, s);
	if ((how & 0xf0) == 0x10)
		h.proof = h.attestation;
	else if ((how & 0xf0) == 0x20)
		h.member_pubkey = people[0].member.hex;
	h.home = how & 4;
	h.hidden = how & 8;
	if (post(c, NULL, &wire_session_hello, &h))
		g->used[d] = true;
}

/* ---- steps ---- */

static void
step_connect(struct play *g)
{
	connect(g, some_conn(g));
}

static void
step_hello(struct play *g)
{
	struct conn_model *c = some_conn(g);
	struct sess *s = some_sess(g);

	say_hello(g, c, s, next(g));
}

static struct sent_model *
sent_new(struct play *g, int from, int to, const char *id)
{
	struct sent_model *m = &g->sent[g->nsent++];

	*m = (struct sent_model){ .from = from, .to = to };
	m->at = wall_now(&g->k);
	str_copy(m->id, sizeof(m->id), id);
	return m;
}

static void
step_send(struct play *g)
{
	static char text[9001];
	struct conn_model *c = some_conn(g);
	int from = next(g) % SESSIONS, n = 1 + next(g) % 3, i;
	struct copy copy[3];
	struct message_send m = { .priority = "next" };
	unsigned what = next(g);
	char id[24];

	if (text[0] == '\0')
		memset(text, 'A', sizeof(text) - 1);
	snprintf(id, sizeof(id), "message-%d-%u", from,
	    (what & 1) ? ++g->ids : g->ids);
	if (g->nsent + 3 > SENT_MAX || c->c == NULL)
		return;
	for (i = 0; i < n; i++) {
		int to = next(g) % (SESSIONS + PEOPLE);

		copy[i].target_spec = key_of(g, to);
		copy[i].nonce = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
		copy[i].ciphertext =
		    text + ((what & 0x80) ? 0 : sizeof(text) - 1 - 40);
		if (copy_of(g, id, g->s[from].key.hex, copy[i].target_spec) ==
		    NULL)
			sent_new(g, from, to, id);
	}
	m.id = id;
	m.target_spec = copy[0].target_spec;
	m.nonce = copy[0].nonce;
	m.ciphertext = copy[0].ciphertext;
	m.copies.n = (size_t)n - 1;
	m.copies.v = copy + 1;
	post(c, g->s[from].key.hex, &wire_message_send, &m);
}

static void
step_ack(struct play *g)
{
	struct conn_model *c = some_conn(g);
	struct sess *s = some_sess(g);
	struct message_ack in = { .has_cursor = true };
	unsigned how = next(g);
	int d = daemon_of(g, s);
	struct blob slip;

	in.cursor.history = g->k.broker->history;
	in.cursor.seq =
	    (how & 1) ? INT64_C(9007199254740991) : g->newest[d] + how / 64;
	if (c->c == NULL)
		return;
	if ((how & 2) && g->nsent > 0) {
		const struct sent_model *m = &g->sent[next(g) % g->nsent];

		slip.s = sign_receipt(&g->k, s, g->s[m->from].key.hex,
		    (how & 4) ? "delivered" : "answered", m->id);
		in.receipts.n = 1;
		in.receipts.v = &slip;
		in.has_cursor = how & 8;
	}
	if (post(c, s->key.hex, &wire_message_ack, &in) && in.has_cursor &&
	    !(how & 1) && in.cursor.seq > g->cursor[d])
		g->cursor[d] = in.cursor.seq;
}

static void
step_attest(struct play *g)
{
	struct conn_model *c = some_conn(g);
	struct sess *s = some_sess(g);
	int64_t life = next(g) % 4 * 20000 + 1;

	POST(c, s->key.hex, session_attest,
	    .attestation = attest(&g->k, s, 0, life));
}

static void
step_end(struct play *g)
{
	struct conn_model *c = some_conn(g);

	POST(c, some_sess(g)->key.hex, session_end, .end_ = 0);
}

static void
step_close(struct play *g)
{
	struct conn_model *c = some_conn(g);
	unsigned how = next(g);

	if (c->c == NULL)
		return;
	if (how % 3 == 0)
		wsclient_close(c->c->ws, 1000, "done");
	else if (how % 3 == 1)
		fakeio_cut_one(g->k.f, c->c->stream);
	else
		hang_up(c);
}

static void
step_time(struct play *g)
{
	static const int64_t ms[] = { 1, 100, 2000, 16000, 61000, 95000,
		200000 };
	unsigned how = next(g) % (countof(ms) + 2);

	if (how < countof(ms)) {
		pass(g, ms[how]);
		return;
	}
	fakeio_wall_jump(g->k.f, how == countof(ms) ? HOUR : DAY_MS);
	pass(g, 61000);
}

static void
step_fault(struct play *g)
{
	unsigned how = next(g), nth = 1 + next(g) % 16;

	switch (how % 7) {
	case 0:
		vfs_full_at(g->k.vfs, nth, false);
		break;
	case 1:
		vfs_full_at(g->k.vfs, nth, true);
		break;
	case 2:
		vfs_room(g->k.vfs, 0);
		break;
	case 3:
		vfs_fail_sync_at(g->k.vfs, nth);
		break;
	case 4:
		vfs_fail_write_at(g->k.vfs, nth);
		break;
	case 5:
		vfs_power_off_at(g->k.vfs, nth);
		break;
	default:
		vfs_full_at(g->k.vfs, 0, false);
		vfs_room(g->k.vfs, -1);
	}
}

/* Its own reqId only if the broker can read it: then it is answered. */
static void
step_garbage(struct play *g)
{
	struct conn_model *c = some_conn(g);
	size_t n = next(g);
	struct arena a = { 0 };
	struct frame f = { 0 };
	struct why why;

	if (n > g->left)
		n = g->left;
	if (c->c != NULL && c->n < PENDING_MAX && c->c->open && n > 0) {
		frame_open(&f, &a, (const char *)g->p, n, &why);
		if ((f.reqid == NULL || strlen(f.reqid) < 12) &&
		    wsclient_send(c->c->ws, (const char *)g->p, n) == 0 &&
		    f.reqid != NULL)
			str_copy(c->pending[c->n++], 12, f.reqid);
	}
	g->p += n;
	g->left -= n;
	arena_fini(&a);
}

static void
step_ask(struct play *g)
{
	struct conn_model *c = some_conn(g);
	struct sess *s = some_sess(g);
	const char *k = s->key.hex;
	unsigned how = next(g);
	char id[24];

	snprintf(id, sizeof(id), "message-%d-%u", (int)(s - g->s), g->ids);
	switch (how % 12) {
	case 0:
		POST(c, k, peer_list, .group = "");
		break;
	case 1:
		POST(c, k, peer_status, .status = (how & 16) ? "dnd" : "odd");
		break;
	case 2:
		POST(c, k, peer_summary, .summary = "summary");
		break;
	case 3:
		POST(c, k, peer_visible, .visible = how & 16);
		break;
	case 4:
		POST(c, k, peer_profile, .bio = "bio");
		break;
	case 5:
		POST(c, k, message_status, .message_id = id);
		break;
	case 6:
		POST(c, k, session_show, .pubkey = some_sess(g)->key.hex);
		break;
	case 7:
		POST(c, NULL, roll_get, .mesh_id = people[0].mesh);
		break;
	case 8:
		POST(c, k, mesh_info, .end_ = 0);
		break;
	case 9:
		POST(c, k, epoch_get, .epoch = 1);
		break;
	case 10:
		POST(c, k, epoch_put, .epoch = 1, .sealed = "AAAA");
		break;
	default:
		POST(c, k, peer_kick, .target = some_sess(g)->key.hex);
	}
}

static void
step_clog(struct play *g)
{
	struct conn_model *c = some_conn(g);
	bool on = next(g) & 1;

	if (c->c != NULL)
		fakeio_clog(g->k.f, c->c->stream, on);
}

static void
step_restart(struct play *g)
{
	unsigned how = next(g);

	restart(g, how & 1, how);
}

static void
step_settle(struct play *g)
{
	pass(g, 1);
}

/* Each carries its flag: with the high bit the world goes on at once. */
static void (*const steps[])(struct play *) = { step_connect, step_hello,
	step_send, step_ack, step_attest, step_end, step_close, step_time,
	step_fault, step_garbage, step_ask, step_clog, step_restart,
	step_settle, step_send, step_hello };

/* ---- the end ---- */

/* The world heals; who is asked and still connected has its answer. */
static void
heal(struct play *g)
{
	mend(g);
	if (vfs_is_off(g->k.vfs) || g->k.fatal)
		restart(g, true, 9);
	for (int i = 0; i < CONNS; i++)
		if (g->conn[i].c != NULL)
			fakeio_clog(g->k.f, g->conn[i].c->stream, false);
	pass(g, 100);
	for (int i = 0; i < CONNS; i++)
		MUST(g->conn[i].c == NULL || g->conn[i].n == 0);
	for (int i = 0; i < CONNS; i++)
		if (g->conn[i].c != NULL)
			hang_up(&g->conn[i]);
}

/* One stream, from the cursor that was said: in order, nothing twice. */
static void
read_stream(struct play *g, struct conn_model *c, int d)
{
	struct message_push m;
	struct sent_model *s;
	int64_t last = g->cursor[d];
	bool own[SENT_MAX] = { false };

	while (heard(c->c, &wire_message_push, &m)) {
		if (m.seq == 0)
			continue;
		MUST(m.seq > last);
		last = m.seq;
		s = copy_of(g, m.message_id, m.sender_pubkey, m.target_spec);
		MUST(s != NULL && person_of(s->to) == d % PEOPLE);
		MUST(!own[s - g->sent]);
		own[s - g->sent] = true;
		if (s->to < SESSIONS)
			s->seen++;
		else
			s->seen |= 1 << d;
	}
}

static void
read_all(struct play *g)
{
	struct conn_model *c = &g->conn[0];

	for (int d = 0; d < DAEMONS; d++) {
		struct sess *s = &g->s[d];

		if (!g->used[d])
			continue;
		connect(g, c);
		MUST(c->c != NULL);
		say_hello(g, c, s, (d >= PEOPLE) | 2);
		fakeio_run(g->k.f, 500);
		MUST(c->c->open);
		MUST(heard(c->c, &wire_hello_ack, NULL));
		read_stream(g, c, d);
		hang_up(c);
		fakeio_run(g->k.f, 10);
	}
}

/* Acknowledged mail that no cursor covered and no time has expired. */
static void
judge(struct play *g)
{
	int64_t since = wall_now(&g->k) - KEEP_MS + DAY_MS;

	for (size_t i = 0; i < g->nsent; i++) {
		const struct sent_model *m = &g->sent[i];
		int who = person_of(m->to);
		bool covered =
		    g->cursor[who] > 0 || g->cursor[who + PEOPLE] > 0;

		if (m->to < SESSIONS)
			MUST(m->seen <= 1);
		if (!m->sure || covered || m->at < since)
			continue;
		if (m->to < SESSIONS)
			MUST(m->seen == 1);
		for (int d = who; d < DAEMONS && m->to >= SESSIONS; d += PEOPLE)
			MUST(!g->used[d] || (m->seen & 1 << d) != 0);
	}
}

static void
leave(struct play *g)
{
	const struct broker *b = g->k.broker;

	fakeio_run(g->k.f, 100 * 1000 + 4 * 60 * 1000);
	MUST(b->conns.n == 0 && server_conns(b->srv) == 0);
	MUST(b->meshes.n == 0 && b->by_id.n == 0);
	MUST(b->grace.n == b->grace_at && b->runnable.n == 0);
	MUST(b->behind.n == 0 && b->dirty.n == 0 && b->filling.n == 0);
	MUST(b->gone.n == 0 && b->closing.n == 0 && b->drained_conns.n == 0);
}

/* ---- what every input finds ---- */

static void
prepare(void)
{
	struct pair pair;
	struct key invite;
	struct client *c;
	struct invite_info info;
	struct kit k;

	log_setup(-1, LOG_ERROR, NULL, NULL);
	kit_init(&k);
	kit_start(&k);
	pair_init(&pair, &k);
	people[0] = pair.alice;
	people[1] = pair.bob;
	make_invite(pair.ca, &pair.a, &invite, 1, wall_now(&k) + HOUR);
	person_init(&people[2], &k, "carol");
	c = client_new(&k);
	MUST(open_invite(c, &invite, &info) == OK);
	MUST(join_mesh(c, &people[2], &people[0], &invite) == OK);
	for (int i = 0; i < SESSIONS; i++) {
		sess_init(&cast[i], &k, &people[i % PEOPLE], "peer", "");
		cast[i].name[4] = (char)('0' + i);
		cast[i].name[5] = '\0';
	}
	client_free(c);
	pair_fini(&pair);
	broker_free(k.broker);
	k.broker = NULL;
	before = vfs_new("fuzz-broker", 1, 4096);
	vfs_copy(before, k.vfs);
	kit_fini(&k);
}

static void
play_init(struct play *g, const uint8_t *p, size_t n)
{
	kit_init(&g->k);
	g->k.conf.limits = (struct broker_limits){ .queue_count = 60,
		.queue_bytes = 1024 * 1024,
		.sender_count = 90,
		.mesh_bytes = 4 * 1024 * 1024 };
	vfs_copy(g->k.vfs, before);
	memcpy(g->s, cast, sizeof(cast));
	for (int i = 0; i < SESSIONS; i++)
		name_daemon(g, &g->s[i], i >= PEOPLE);
	g->p = p;
	g->left = n;
	start(g);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct play *g;

	if (before == NULL)
		prepare();
	if (n > 4096)
		return 0;
	g = mem_zalloc(sizeof(*g));
	play_init(g, p, n);
	while (g->left > 0) {
		uint8_t what = next(g);

		steps[what % countof(steps)](g);
		if (what & 0x80)
			pass(g, 1);
		if (vfs_is_off(g->k.vfs))
			restart(g, true, what);
	}
	heal(g);
	leave(g);
	restart(g, true, 3);
	read_all(g);
	judge(g);
	kit_fini(&g->k);
	mem_free(g);
	return 0;
}

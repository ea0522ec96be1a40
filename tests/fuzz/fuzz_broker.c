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
#include "tests/fuzz/broker_play.h"

static struct conn_model *
some_conn(struct play *g)
{
	return &g->conn[play_next(g) % CONNS];
}

static struct sess *
some_sess(struct play *g)
{
	return &g->s[play_next(g) % SESSIONS];
}

/* ---- steps ---- */

static void
step_connect(struct play *g)
{
	play_connect(g, some_conn(g));
}

static void
step_hello(struct play *g)
{
	struct conn_model *c = some_conn(g);
	struct sess *s = some_sess(g);

	play_hello(g, c, s, play_next(g));
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
	int from = play_next(g) % SESSIONS, n = 1 + play_next(g) % 3, i;
	struct copy copy[3];
	struct message_send m = { .priority = "next" };
	unsigned what = play_next(g);
	char id[24];

	if (text[0] == '\0')
		memset(text, 'A', sizeof(text) - 1);
	snprintf(id, sizeof(id), "message-%d-%u", from,
	    (what & 1) ? ++g->ids : g->ids);
	if (g->nsent + 3 > SENT_MAX || c->c == NULL)
		return;
	for (i = 0; i < n; i++) {
		int to = play_next(g) % (SESSIONS + PEOPLE);

		copy[i].target_spec = play_key_of(g, to);
		copy[i].nonce = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
		copy[i].ciphertext =
		    text + ((what & 0x80) ? 0 : sizeof(text) - 1 - 40);
		if (play_copy_of(g, id, g->s[from].key.hex,
			copy[i].target_spec) == NULL)
			sent_new(g, from, to, id);
	}
	m.id = id;
	m.target_spec = copy[0].target_spec;
	m.nonce = copy[0].nonce;
	m.ciphertext = copy[0].ciphertext;
	m.copies.n = (size_t)n - 1;
	m.copies.v = copy + 1;
	play_post(c, g->s[from].key.hex, &wire_message_send, &m);
}

static void
step_ack(struct play *g)
{
	struct conn_model *c = some_conn(g);
	struct sess *s = some_sess(g);
	struct message_ack in = { .has_cursor = true };
	unsigned how = play_next(g);
	int d = play_daemon_of(g, s);
	struct blob slip;

	in.cursor.history = g->k.broker->history;
	in.cursor.seq =
	    (how & 1) ? INT64_C(9007199254740991) : g->newest[d] + how / 64;
	if (c->c == NULL)
		return;
	if ((how & 2) && g->nsent > 0) {
		const struct sent_model *m = &g->sent[play_next(g) % g->nsent];

		slip.s = sign_receipt(&g->k, s, g->s[m->from].key.hex,
		    (how & 4) ? "delivered" : "answered", m->id);
		in.receipts.n = 1;
		in.receipts.v = &slip;
		in.has_cursor = how & 8;
	}
	if (play_post(c, s->key.hex, &wire_message_ack, &in) && in.has_cursor &&
	    !(how & 1) && in.cursor.seq > g->cursor[d])
		g->cursor[d] = in.cursor.seq;
}

static void
step_attest(struct play *g)
{
	struct conn_model *c = some_conn(g);
	struct sess *s = some_sess(g);
	int64_t life = play_next(g) % 4 * 20000 + 1;

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
	unsigned how = play_next(g);

	if (c->c == NULL)
		return;
	if (how % 3 == 0)
		wsclient_close(c->c->ws, 1000, "done");
	else if (how % 3 == 1)
		fakeio_cut_one(g->k.f, c->c->stream);
	else
		play_hang_up(c);
}

static void
step_time(struct play *g)
{
	static const int64_t ms[] = { 1, 100, 2000, 16000, 61000, 95000,
		200000 };
	unsigned how = play_next(g) % (countof(ms) + 2);

	if (how < countof(ms)) {
		play_pass(g, ms[how]);
		return;
	}
	fakeio_wall_jump(g->k.f, how == countof(ms) ? HOUR : DAY_MS);
	play_pass(g, 61000);
}

static void
step_fault(struct play *g)
{
	unsigned how = play_next(g), nth = 1 + play_next(g) % 16;

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
	size_t n = play_next(g);
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
	unsigned how = play_next(g);
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
		POST(c, NULL, roll_get, .mesh_id = play_people[0].mesh);
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
	bool on = play_next(g) & 1;

	if (c->c != NULL)
		fakeio_clog(g->k.f, c->c->stream, on);
}

static void
step_restart(struct play *g)
{
	unsigned how = play_next(g);

	play_restart(g, how & 1, how);
}

static void
step_settle(struct play *g)
{
	play_pass(g, 1);
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
	play_mend(g);
	if (vfs_is_off(g->k.vfs) || g->k.fatal)
		play_restart(g, true, 9);
	for (int i = 0; i < CONNS; i++)
		if (g->conn[i].c != NULL)
			fakeio_clog(g->k.f, g->conn[i].c->stream, false);
	play_pass(g, 100);
	for (int i = 0; i < CONNS; i++)
		MUST(g->conn[i].c == NULL || g->conn[i].n == 0);
	for (int i = 0; i < CONNS; i++)
		if (g->conn[i].c != NULL)
			play_hang_up(&g->conn[i]);
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
		s = play_copy_of(g, m.message_id, m.sender_pubkey,
		    m.target_spec);
		MUST(s != NULL && play_person_of(s->to) == d % PEOPLE);
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
		play_connect(g, c);
		MUST(c->c != NULL);
		play_hello(g, c, s, (d >= PEOPLE) | 2);
		fakeio_run(g->k.f, 500);
		MUST(c->c->open);
		MUST(heard(c->c, &wire_hello_ack, NULL));
		read_stream(g, c, d);
		play_hang_up(c);
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
		int who = play_person_of(m->to);
		int64_t a = g->cursor[who], b = g->cursor[who + PEOPLE];
		bool covered =
		    m->seq > 0 ? m->seq <= a || m->seq <= b : a > 0 || b > 0;

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

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct play *g;

	if (n > 4096)
		return 0;
	g = mem_zalloc(sizeof(*g));
	play_init(g, p, n);
	while (g->left > 0) {
		uint8_t what = play_next(g);

		steps[what % countof(steps)](g);
		if (what & 0x80)
			play_pass(g, 1);
		if (vfs_is_off(g->k.vfs))
			play_restart(g, true, what);
	}
	heal(g);
	leave(g);
	play_restart(g, true, 3);
	read_all(g);
	judge(g);
	kit_fini(&g->k);
	mem_free(g);
	return 0;
}

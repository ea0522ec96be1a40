/*
 * broker_play.c - hears what the broker says to its clients and holds it against
 * the rules; speaks for them; ends and starts the broker. What is said, and
 * when, is the fuzzer's to choose.
 */
#include "tests/fuzz/broker_play.h"

static struct vfs *before; /* the disk as every input finds it */
struct person play_people[PEOPLE];
static struct sess cast[SESSIONS];

uint8_t
play_next(struct play *g)
{
	if (g->left == 0)
		return 0;
	g->left--;
	return *g->p++;
}

const char *
play_key_of(const struct play *g, int to)
{
	return to < SESSIONS ? g->s[to].key.hex
			     : play_people[to - SESSIONS].member.hex;
}

int
play_person_of(int to)
{
	return to < SESSIONS ? to % PEOPLE : to - SESSIONS;
}

/* ---- hearing ---- */

struct sent_model *
play_copy_of(struct play *g, const char *id, const char *from,
    const char *target)
{
	for (size_t i = 0; i < g->nsent; i++) {
		struct sent_model *m = &g->sent[i];

		if (str_eq(m->id, id) && str_eq(g->s[m->from].key.hex, from) &&
		    str_eq(play_key_of(g, m->to), target))
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
			    str_eq(play_key_of(g, g->sent[k].to),
				r->target_spec) &&
			    str_eq(r->receipt, "stored"))
				g->sent[k].sure = true;
	}
}

static void
heard_push(struct play *g, const struct frame *f, struct arena *a)
{
	struct sent_model *s;
	struct message_push m;

	MUST(wire_decode(f->msg, f->object, &m, a, NULL) == OK);
	if (m.seq == 0)
		return;
	s = play_copy_of(g, m.message_id, m.sender_pubkey, m.target_spec);
	MUST(s != NULL);
	MUST(s->seq == 0 || s->seq == m.seq ||
	    m.created_at > s->at + KEEP_MS); /* forgotten, and sent again */
	s->seq = m.seq;
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

void
play_hang_up(struct conn_model *c)
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
			play_hang_up(c);
	}
}

/* ---- the broker's life ---- */

void
play_mend(struct play *g)
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
	play_mend(g);
	g->k.fatal = false;
	kit_start(&g->k);
	for (int i = 0; i < SESSIONS; i++)
		g->s[i].ack.cursor.history = g->k.broker->history;
}

void
play_restart(struct play *g, bool power, uint64_t seed)
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

void
play_pass(struct play *g, int64_t ms)
{
	fakeio_run(g->k.f, ms);
	hear_all(g);
	if (g->k.fatal)
		play_restart(g, true, 5);
}

/* ---- speaking ---- */

bool
play_post(struct conn_model *c, const char *session, const struct wire_msg *row,
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

int
play_daemon_of(const struct play *g, const struct sess *s)
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

void
play_connect(struct play *g, struct conn_model *c)
{
	if (c->c != NULL)
		return;
	c->c = client_dial(&g->k, "/ws", "claudemesh.2");
	if (!c->c->open || !heard(c->c, &wire_challenge, &c->c->hi))
		play_hang_up(c);
}

void
play_hello(struct play *g, struct conn_model *c, struct sess *s, unsigned how)
{
	struct session_hello h;
	int d;

	if (c->c == NULL)
		return;
	name_daemon(g, s, how & 1);
	d = play_daemon_of(g, s);
	s->seq = (how & 2) ? g->cursor[d] : -1;
	h = hello_of(c->c, s);
	if ((how & 0xf0) == 0x10)
		h.proof = h.attestation;
	else if ((how & 0xf0) == 0x20)
		h.member_pubkey = play_people[0].member.hex;
	h.home = how & 4;
	h.hidden = how & 8;
	if (play_post(c, NULL, &wire_session_hello, &h))
		g->used[d] = true;
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
	play_people[0] = pair.alice;
	play_people[1] = pair.bob;
	make_invite(pair.ca, &pair.a, &invite, 1, wall_now(&k) + HOUR);
	person_init(&play_people[2], &k, "carol");
	c = client_new(&k);
	MUST(open_invite(c, &invite, &info) == OK);
	MUST(join_mesh(c, &play_people[2], &play_people[0], &invite) == OK);
	for (int i = 0; i < SESSIONS; i++) {
		sess_init(&cast[i], &k, &play_people[i % PEOPLE], "peer", "");
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

void
play_init(struct play *g, const uint8_t *p, size_t n)
{
	if (before == NULL)
		prepare();
	kit_init(&g->k);
	g->k.conf.limits = (struct broker_limits){ .queue_count = 150,
		.queue_bytes = 2 * 1024 * 1024,
		.sender_count = 180,
		.mesh_bytes = 4 * 1024 * 1024 };
	vfs_copy(g->k.vfs, before);
	memcpy(g->s, cast, sizeof(cast));
	for (int i = 0; i < SESSIONS; i++)
		name_daemon(g, &g->s[i], i >= PEOPLE);
	g->p = p;
	g->left = n;
	start(g);
}

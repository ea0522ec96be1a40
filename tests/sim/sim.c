/*
 * sim.c - a simulated mesh of three members and one broker: messages are sent to
 * one, to a group, to everybody, and to a name and everybody at once, while connections break, processes crash at random disk writes and clocks
 * jump; then everything is mended, and the inboxes are held against what was
 * sent. The same seed replays the same run.
 *
 *   sim [--seeds A-B] [--rounds N] [--minutes N] [--nofsync] [-v]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "cast.h"
#include "crypto/key.h"

struct totals {
	uint64_t seeds, events, messages, crashes, cuts;
};

/* ---- the story ---- */

static const char *
to_name(const struct sim *s, int to)
{
	return to == TO_ALL ? "all"
	    : to == TO_TWO  ? "two"
	    : to == TO_MIX  ? "mix"
	    : to >= 0	    ? s->actor[to].name
			    : "?";
}

static int
to_named(struct sim *s, const char *name)
{
	for (int i = 0; i < TO_COUNT; i++)
		if (strcmp(to_name(s, i), name) == 0)
			return i;
	return -1;
}

/* Is it for this one? Bob and Carol are in @two; nobody hears himself. */
static bool
meant(const struct said *x, int who)
{
	if (x->to < ACTORS)
		return x->to == who;
	return who != x->from && (x->to != TO_TWO || who > 0);
}

/* In their group, with whatever role, which changes nothing. */
static void
take_role(struct sim *s, int who, const char *role)
{
	struct local_group_join join = { .name = "two", .role = role };
	struct arena arena = { 0 };
	struct ok ok;

	actor_ask(&s->actor[who], &arena, &wire_local_group_join, &join,
	    &wire_ok, &ok);
	arena_fini(&arena);
}

static void
found_mesh(struct sim *s)
{
	struct arena arena = { 0 };
	struct local_mesh mesh;
	struct local_invite invite;
	struct local_mesh_create create = { .name = "sim", .display = "alice" };
	struct local_invite_create ask = { .uses = ACTORS };

	if (!actor_ask(&s->actor[0], &arena, &wire_local_mesh_create, &create,
		&wire_local_mesh, &mesh) ||
	    !actor_ask(&s->actor[0], &arena, &wire_local_invite_create, &ask,
		&wire_local_invite, &invite)) {
		arena_fini(&arena);
		return;
	}
	for (int i = 1; i < ACTORS; i++) {
		struct local_mesh_join join = { .url = invite.url,
			.name = s->actor[i].name };

		if (!actor_ask(&s->actor[i], &arena, &wire_local_mesh_join,
			&join, &wire_local_mesh, &mesh))
			break;
	}
	arena_fini(&arena);
	for (int i = 1; i < ACTORS && s->fault[0] == '\0'; i++)
		take_role(s, i, "");
	sim_run(s, 2000);
}

static void
send_one(struct sim *s)
{
	struct actor *a = &s->actor[world_below(s->world, ACTORS)];
	int to = (int)world_below(s->world, TO_COUNT - 1);
	struct said said = { .from = a->no };
	struct text name[2];
	char text[64], reqid[32];
	struct local_send in = { .to = { 1, name }, .text = text };

	if (to >= a->no)
		to++;
	if (!a->line_open)
		return;
	name[0].s = to == TO_ALL ? "*"
	    : to == TO_TWO	 ? "@two"
	    : to == TO_MIX	 ? s->actor[(a->no + 1) % ACTORS].name
				 : s->actor[to].name;
	name[1].s = "@all";
	in.to.n = to == TO_MIX ? 2 : 1;
	said.to = to;
	said.k = a->next_k[to]++;
	snprintf(text, sizeof(text), "%s>%s %d", a->name, to_name(s, to),
	    said.k);
	vec_add(&s->said, said);
	sim_trace(s, "say %s", text);
	actor_say(a, &wire_local_send, &in, reqid);
}

static struct vfs *
some_disk(struct sim *s)
{
	size_t i = world_below(s->world, ACTORS + 1);

	return i == ACTORS ? s->broker_vfs : s->actor[i].vfs;
}

static void
trouble(struct sim *s)
{
	struct world *w = s->world;
	uint64_t dice = world_below(w, 1000);

	if (dice < 30) {
		s->cuts++;
		sim_trace(s, "a connection breaks");
		world_cut_some(w);
	} else if (dice < 50) {
		vfs_power_off_at(s->broker_vfs,
		    1 + (int64_t)world_below(w, 40));
	} else if (dice < 70) {
		vfs_power_off_at(some_disk(s), 1 + (int64_t)world_below(w, 40));
	} else if (dice < 75) {
		broker_crash(s);
	} else if (dice < 80) {
		daemon_crash(&s->actor[world_below(w, ACTORS)]);
	} else if (dice < 84) {
		node_stall(s->broker_node, (int64_t)world_below(w, 5000));
	} else if (dice < 87) {
		sim_trace(s, "clocks jump");
		world_jump(w, (int64_t)world_below(w, 120000) - 60000);
	}
}

static void
act(struct sim *s, int turns)
{
	for (int i = 0; i < turns && s->fault[0] == '\0'; i++) {
		size_t n = world_chance(s->world, 10)
		    ? 1 + world_below(s->world, 12)
		    : world_below(s->world, 3);

		while (n-- > 0)
			send_one(s);
		trouble(s);
		sim_run(s, 1 + (int64_t)world_below(s->world, 150));
	}
}

/* No more trouble: everybody comes back, and has time to catch up. */
static void
mend(struct sim *s)
{
	vfs_power_off_at(s->broker_vfs, 0);
	for (int i = 0; i < ACTORS; i++)
		vfs_power_off_at(s->actor[i].vfs, 0);
	sim_run(s, 180000);
}

/* ---- the judgement ---- */

static struct said *
find_said(struct sim *s, int from, int to, int k)
{
	for (size_t i = 0; i < s->said.n; i++) {
		struct said *x = &s->said.v[i];

		if (x->from == from && x->to == to && x->k == k)
			return x;
	}
	return NULL;
}

static int
actor_named(struct sim *s, const char *name)
{
	for (int i = 0; i < ACTORS; i++)
		if (strcmp(s->actor[i].name, name) == 0)
			return i;
	return -1;
}

static void
judge_row(struct sim *s, int me, const struct inbox_row *row,
    int last[ACTORS][TO_COUNT])
{
	char from[32] = "", to[32] = "";
	struct said *x;
	int k = -1, who, *at;

	if (!row->verified || !row->encrypted) {
		sim_fault(s, "%s got mail that does not verify: %s",
		    s->actor[me].name, row->problem);
		return;
	}
	if (sscanf(row->text, "%31[a-z]>%31[a-z] %d", from, to, &k) != 3 ||
	    (who = actor_named(s, from)) < 0 ||
	    (x = find_said(s, who, to_named(s, to), k)) == NULL) {
		sim_fault(s, "%s got what nobody sent: %s", s->actor[me].name,
		    row->text);
		return;
	}
	if (!meant(x, me))
		sim_fault(s, "%s got mail for %s", s->actor[me].name, to);
	if (strcmp(row->from, from) != 0)
		sim_fault(s, "'%s' is shown as from %s", row->text, row->from);
	if (x->seen[me]++ == 0)
		s->message_events++;
	at = &last[who][x->to];
	if (k <= *at)
		sim_fault(s, "'%s' came after number %d (order, or twice)",
		    row->text, *at);
	*at = k;
}

static void
judge_inbox(struct sim *s, int me)
{
	struct arena arena = { 0 };
	int last[ACTORS][TO_COUNT];
	int64_t after = 0;

	memset(last, -1, sizeof(last));
	while (s->fault[0] == '\0') {
		struct local_inbox ask = { .all = true,
			.limit = 200,
			.after = after };
		struct local_inbox_page page;

		if (!actor_ask(&s->actor[me], &arena, &wire_local_inbox, &ask,
			&wire_local_inbox_page, &page) ||
		    page.messages.n == 0)
			break;
		for (size_t i = 0; i < page.messages.n; i++)
			judge_row(s, me, &page.messages.v[i], last);
		after = page.cursor;
		arena_reset(&arena);
	}
	arena_fini(&arena);
}

/* Each for whom it was has signed for it, and nobody else. */
static void
judge_receipt(struct sim *s, const struct said *x)
{
	struct arena arena = { 0 };
	struct local_message_status ask = { .id = x->id };
	struct local_sent sent;
	size_t want = 0;

	for (int i = 0; i < ACTORS; i++)
		want += meant(x, i);
	if (!actor_ask(&s->actor[x->from], &arena, &wire_local_message_status,
		&ask, &wire_local_sent, &sent))
		want = sent.recipients.n = 0;
	if (sent.recipients.n != want)
		sim_fault(s, "%s>%s %d has %zu recipients, not %zu",
		    s->actor[x->from].name, to_name(s, x->to), x->k,
		    sent.recipients.n, want);
	for (size_t i = 0; i < sent.recipients.n; i++) {
		const struct sent_recipient *r = &sent.recipients.v[i];

		if (strcmp(r->receipt, "delivered") != 0)
			sim_fault(s, "%s>%s %d stands at '%s' in the end (%s)",
			    s->actor[x->from].name, to_name(s, x->to), x->k,
			    r->receipt, r->reason);
	}
	arena_fini(&arena);
}

static void
judge_said(struct sim *s, const struct said *x)
{
	for (int i = 0; i < ACTORS; i++) {
		bool must = x->accepted && meant(x, i);

		if (x->seen[i] > 1 || (must && x->seen[i] != 1))
			sim_fault(s,
			    "%s>%s %d%s is in the inbox of %s %d times",
			    s->actor[x->from].name, to_name(s, x->to), x->k,
			    x->accepted ? " was accepted and" : "",
			    s->actor[i].name, x->seen[i]);
	}
}

static void
judge(struct sim *s)
{
	for (size_t i = 0; i < s->said.n; i++)
		memset(s->said.v[i].seen, 0, sizeof(s->said.v[i].seen));
	for (int i = 0; i < ACTORS; i++)
		judge_inbox(s, i);
	for (size_t i = 0; i < s->said.n && s->fault[0] == '\0'; i++) {
		const struct said *x = &s->said.v[i];

		judge_said(s, x);
		if (x->accepted && s->fault[0] == '\0' &&
		    world_chance(s->world, 20))
			judge_receipt(s, x);
	}
}

/* ---- runs ---- */

static bool
run_seed(uint64_t seed, int rounds, bool nofsync, bool verbose,
    struct totals *sum, uint64_t *digest)
{
	static struct sim s;
	bool ok;

	sim_init(&s, seed, nofsync);
	found_mesh(&s);
	for (int i = 0; i < rounds && s.fault[0] == '\0'; i++) {
		if (i > 0)
			take_role(&s, 1 + i % 2, i % 3 ? "lead" : "");
		act(&s, 150);
		mend(&s);
		judge(&s);
	}
	ok = s.fault[0] == '\0';
	if (verbose || (!ok && !nofsync))
		fprintf(stderr, "%s", buf_str(&s.trace));
	if (!ok)
		printf("seed %llu: %s (after %llu message events)\n",
		    (unsigned long long)seed, s.fault,
		    (unsigned long long)s.message_events);
	sum->seeds++;
	sum->events += world_events(s.world);
	sum->messages += s.message_events;
	sum->crashes += s.crashes;
	sum->cuts += s.cuts;
	*digest = world_digest(s.world);
	sim_fini(&s);
	return ok;
}

struct options {
	uint64_t from, to;
	int rounds, minutes;
	bool nofsync, verbose, twice;
};

static void
options_read(struct options *o, int argc, char **argv)
{
	*o = (struct options){ .from = 1, .to = 1, .rounds = 1 };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--nofsync") == 0)
			o->nofsync = true;
		else if (strcmp(argv[i], "--twice") == 0)
			o->twice = true;
		else if (strcmp(argv[i], "-v") == 0)
			o->verbose = true;
		else if (i + 1 < argc && strcmp(argv[i], "--rounds") == 0)
			o->rounds = atoi(argv[++i]);
		else if (i + 1 < argc && strcmp(argv[i], "--minutes") == 0)
			o->minutes = atoi(argv[++i]);
		else if (i + 1 < argc && strcmp(argv[i], "--seeds") == 0) {
			char *dash;

			o->from = strtoull(argv[++i], &dash, 10);
			o->to = *dash == '-' ? strtoull(dash + 1, NULL, 10)
					     : o->from;
		} else {
			fprintf(stderr,
			    "usage: sim [--seeds A-B] [--rounds N]"
			    " [--minutes N] [--twice] [--nofsync] [-v]\n");
			exit(2);
		}
	}
}

int
main(int argc, char **argv)
{
	struct options o;
	struct totals sum = { 0 };
	struct world *world;
	time_t end;
	unsigned failed = 0;

	options_read(&o, argc, argv);
	/* libsodium draws once at its start: not from a seed that is to replay */
	world = world_new(0);
	crypto_setup(world_random, world);
	world_free(world);
	log_setup(o.verbose ? 2 : -1, LOG_INFO, NULL, NULL);
	end = time(NULL) + o.minutes * 60;
	for (uint64_t seed = o.from;
	     o.minutes > 0 ? time(NULL) < end : seed <= o.to; seed++) {
		uint64_t first, again;

		if (!run_seed(seed, o.rounds, o.nofsync, o.verbose, &sum,
			&first))
			failed++;
		if (!o.twice)
			continue;
		run_seed(seed, o.rounds, o.nofsync, o.verbose, &sum, &again);
		if (first != again) {
			printf("seed %llu does not replay\n",
			    (unsigned long long)seed);
			failed++;
		}
	}
	printf("%llu seeds, %llu events, %llu message events, %llu crashes, "
	       "%llu cuts: %u failed\n",
	    (unsigned long long)sum.seeds, (unsigned long long)sum.events,
	    (unsigned long long)sum.messages, (unsigned long long)sum.crashes,
	    (unsigned long long)sum.cuts, failed);
	return failed > 0;
}

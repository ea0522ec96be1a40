/*
 * inbox.c - messages for people to read. A message's own lines are indented and
 * its head is not, so no text can pass for the head of another message; what
 * was not proven is said before the name.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/inbox.h"
#include "client/present.h"

#define SETTLE_MS 2000
#define YOUNG_MS 4000

static void
indented(struct cli *c, const char *text)
{
	struct buf b;
	const char *s;
	size_t n;

	buf_init(&b, 1 << 20);
	safe_add(&b, text, true);
	for (s = buf_str(&b);; s += n + 1) {
		n = strcspn(s, "\n");
		printf("  %.*s\n", (int)n, s);
		if (s[n] == '\0')
			break;
	}
	buf_fini(&b);
	(void)c;
}

static void
head(struct cli *c, const struct inbox_row *m)
{
	const char *bold = c->color ? "\033[1m" : "";
	const char *plain = c->color ? "\033[0m" : "";
	bool tty = c->tty_out;
	const char *age;

	c->tty_out = true;
	age = show_age(c, m->sent_at != 0 ? m->sent_at : m->received_at);
	c->tty_out = tty;
	printf("%s%s%s%s -> %s%s%s%s  %s  %s  %s%s%s%s\n", bold,
	    m->verified ? "" : "NOT VERIFIED: ",
	    *m->from == '\0' ? "(unknown)" : safe(c, m->from), plain,
	    safe(c, m->target), *m->target == '\0' ? "" : " (",
	    *m->to == '\0' ? "you" : safe(c, m->to),
	    *m->target == '\0' ? "" : ")", safe(c, m->mesh), age,
	    m->verified ? "verified" : "not verified",
	    m->encrypted ? "" : ", not encrypted",
	    strcmp(m->priority, "next") == 0 ? "" : ", ",
	    strcmp(m->priority, "next") == 0 ? "" : safe(c, m->priority));
}

static void
details(struct cli *c, const struct inbox_row *m)
{
	printf("  id %s", safe(c, m->id));
	if (*m->reply_to != '\0')
		printf(", answers %s", safe(c, m->reply_to));
	if (strcmp(m->expects, "reply") == 0)
		printf(", expects an answer");
	if (strcmp(m->receipt, "delivered") != 0)
		printf(", %s", safe(c, m->receipt));
	putchar('\n');
}

/* ---- for a model ---- */

/* Claude Code says CLAUDECODE=1 to what its model runs. */
static bool
for_a_model(struct cli *c)
{
	const char *agent = getenv("CLAUDECODE");

	return arg(c, "framed") != NULL ||
	    (agent != NULL && strcmp(agent, "1") == 0 && !c->tty_out);
}

static int
framed(struct cli *c, const struct inbox_row *m)
{
	struct present p = { .now = cli_now() };
	uint8_t chance[10];
	struct buf b;

	if (getentropy(chance, sizeof(chance)) != 0)
		return cli_fail(c, E_INTERNAL, "no random bytes");
	present_tag(p.tag, chance);
	buf_init(&b, 1 << 20);
	present_message(&b, &p, m);
	fwrite(buf_str(&b), 1, b.len, stdout);
	buf_fini(&b);
	return 0;
}

/* ---- empty must mean that there is nothing ---- */

static bool
connecting(const struct local_state *s)
{
	size_t i;

	for (i = 0; i < s->meshes.n; i++) {
		if (strcmp(s->meshes.v[i].state, "connecting") == 0)
			return true;
	}
	return false;
}

/*
 * A daemon that was started just now has not asked its brokers yet: give it a
 * moment. What a broker has comes before its answer to what is asked after it.
 */
static void
settle(struct cli *c)
{
	struct timespec nap = { 0, 20 * 1000000L };
	struct local_peer_list list = { .all = true };
	struct local_status in = { 0 };
	struct local_state state;
	struct local_peers peers;
	struct why why;
	int left = SETTLE_MS;

	for (; left > 0; left -= 20) {
		if (cli_try(c, &wire_local_status, &in, &state, &why) != 0 ||
		    cli_now() - state.started_at > YOUNG_MS ||
		    state.meshes.n == 0)
			return;
		if (!connecting(&state))
			break;
		nanosleep(&nap, NULL);
	}
	cli_try(c, &wire_local_peer_list, &list, &peers, &why);
	nap.tv_nsec = 100 * 1000000L; /* to verify and commit them */
	nanosleep(&nap, NULL);
}

int
inbox_fill(struct cli *c, void *in)
{
	int rc;

	if ((rc = args_not_zero(c, "limit")) != 0)
		return rc;
	if (((struct local_inbox *)in)->wait_ms == 0)
		settle(c);
	return 0;
}

/* What was sent to a mesh whose link is down may not be here. */
static void
tell_links(struct cli *c)
{
	struct local_status in = { 0 };
	struct local_state state;
	const struct link_state *l;
	struct why why;
	size_t i;

	if (c->quiet || cli_try(c, &wire_local_status, &in, &state, &why) != 0)
		return;
	for (i = 0; i < state.meshes.n; i++) {
		l = &state.meshes.v[i];
		if (strcmp(l->state, "up") != 0 &&
		    (c->mesh == NULL || strcmp(c->mesh, l->mesh) == 0))
			fprintf(stderr,
			    "mesh %s cannot reach its broker (%s): what was "
			    "sent since is not here\n",
			    safe(c, l->mesh),
			    state.ok || *l->reason != '\0'
				? safe(c, l->reason)
				: "claudemesh status");
	}
}

void
inbox_show(struct cli *c, const void *reply)
{
	const struct local_inbox_page *r = reply;
	const struct inbox_row *m;
	size_t i;

	if (r->gap)
		fprintf(stderr,
		    "mail may be missing before these: a broker says "
		    "so\n");
	if (r->messages.n == 0 && !c->quiet)
		fprintf(stderr, "nothing %s\n",
		    arg(c, "all") != NULL ? "came" : "unread");
	for (i = 0; i < r->messages.n; i++) {
		m = &r->messages.v[i];
		if (for_a_model(c)) {
			if (framed(c, m) != 0)
				return;
			continue;
		}
		head(c, m);
		details(c, m);
		if (*m->problem != '\0')
			printf("  [%s%s]\n",
			    *m->text == '\0' ? "cannot be shown: " : "",
			    safe(c, m->problem));
		if (*m->problem == '\0' || *m->text != '\0')
			indented(c, m->text);
		if (i + 1 < r->messages.n)
			putchar('\n');
	}
	tell_links(c);
}

/*
 * demo.c - three peers in one terminal, played over a real broker and real
 * daemons: child processes of this binary in a temporary folder, all of which
 * is gone afterwards. What is printed is what the commands said, as they said
 * it; a command that fails, or says something else than it should, ends it.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/stage.h"

#define LIMIT_MS 60000

enum { ANN, BOB, CLEO };

#define RUN(actor, say, ...)         \
	stage_run(s, (actor), (say), \
	    (const char *const[]){ "claudemesh", __VA_ARGS__, NULL })

static char *
first_line(struct stage *s, const char *text)
{
	return arena_strndup(&s->c->arena, text, strcspn(text, "\n"));
}

static void
gather(struct stage *s)
{
	const char *link;

	stage_scene(s, "Ann makes a mesh and invites two");
	RUN(ANN, NULL, "mesh", "create", "demo", "--broker", s->url, "--name",
	    "Ann");
	link = first_line(s,
	    RUN(ANN, "/i/", "invite", "create", "--uses", "2", "-q"));
	RUN(BOB, NULL, "join", link, "--name", "Bob", "-y", "-q");
	RUN(CLEO, NULL, "join", link, "--name", "Cleo", "-y", "-q");
	RUN(ANN, "Cleo", "peers");
}

static void
greet(struct stage *s)
{
	stage_scene(s, "Bob greets Ann, who alone can read it");
	RUN(BOB, "delivered", "send", "Ann", "hello Ann, Bob here", "--wait",
	    "delivered");
	RUN(ANN, "hello Ann", "inbox", "--read", "--wait", "10");
	stage_scene(s, "Ann greets a group");
	RUN(BOB, NULL, "group", "join", "builders", "--role", "lead");
	RUN(CLEO, NULL, "group", "join", "builders");
	RUN(ANN, NULL, "send", "@builders", "good morning, builders");
	RUN(BOB, "good morning", "inbox", "--read", "--wait", "10");
	RUN(CLEO, "good morning", "inbox", "--read", "--wait", "10");
}

/* Each reads the same value; a record whose signature does not stand would be
 * shown as unsigned. */
static void
agree(struct stage *s)
{
	const char *a, *b;

	if (cli_noun("state") == NULL)
		return;
	stage_scene(s, "All agree on what is to be released");
	RUN(ANN, NULL, "state", "set", "release", "\"1.4.2\"");
	a = RUN(BOB, "1.4.2", "state", "get", "release", "--json");
	b = RUN(CLEO, "1.4.2", "state", "get", "release", "--json");
	if (!s->failed && strcmp(a, b) != 0)
		stage_fail(s, "they do not read the same");
}

static void
recall(struct stage *s)
{
	if (cli_noun("memory") == NULL)
		return;
	stage_scene(s, "Bob remembers, Cleo recalls");
	RUN(BOB, NULL, "memory", "remember",
	    "migrations run before the deploy, never after");
	RUN(CLEO, "never after", "memory", "recall", "migration deploy");
}

static void
survive(struct stage *s)
{
	const char *said;

	stage_scene(s, "Cleo's daemon is killed; Bob writes to her meanwhile");
	stage_kill(s, CLEO);
	RUN(BOB, "stored", "send", "Cleo", "are you still there?", "--wait",
	    "stored");
	stage_scene(s, "Cleo comes back, and finds it once");
	stage_start(s, CLEO);
	RUN(CLEO, "are you still there?", "inbox", "--read", "--wait", "15");
	said = RUN(CLEO, NULL, "inbox");
	if (!s->failed && strstr(said, "still there") != NULL)
		stage_fail(s, "the message came twice");
	RUN(BOB, "delivered", "message", "list", "--limit", "1");
}

static int
demo(struct cli *c, const struct verb *v)
{
	static const char *const names[] = { "ann", "bob", "cleo" };
	int64_t began = cli_now();
	struct stage s;
	int rc;

	(void)v;
	rc = stage_open(&s, c, names, LIMIT_MS);
	if (rc == 0) {
		gather(&s);
		greet(&s);
		agree(&s);
		recall(&s);
		survive(&s);
		rc = s.failed ? err_info(E_INTERNAL)->exit : 0;
	}
	stage_close(&s);
	if (rc == 0)
		printf("\n-- done in %.1f s; nothing of it is left\n",
		    (double)(cli_now() - began) / 1000);
	return rc;
}

static const struct verb verbs[] = {
	{ .name = "demo",
	    .run = demo,
	    .args = "",
	    .doc = "Plays three peers in this terminal, over a real broker and "
		   "real daemons, and cleans up." },
	{ .name = NULL },
};

const struct noun noun_demo = { .name = "demo",
	.doc = "Three peers in one terminal, to see what it does.",
	.verbs = verbs,
	.single = true };

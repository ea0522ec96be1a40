/*
 * memory.c - what the mesh remembers. Others wrote it: it is printed as their
 * words, with who said so.
 */
#include <string.h>

#include "cli/cli.h"

static int
fill_remember(struct cli *c, void *in)
{
	struct local_memory_remember *m = in;
	int rc = args_text(c, m->content, 65536, &m->content);

	if (rc != 0)
		return rc;
	return *m->content != '\0' ? 0 : cli_usage(c, "the text is empty");
}

static void
show_id(struct cli *c, const void *reply)
{
	(void)c;
	puts(((const struct local_memory_id *)reply)->id);
}

static void
show_memories(struct cli *c, const void *reply)
{
	const struct local_memories *r = reply;
	const struct memory_seen *m;
	struct buf b;
	size_t i, k;

	for (i = 0; i < r->memories.n; i++) {
		m = &r->memories.v[i];
		if (strcmp(m->proof, "refused") == 0) {
			printf("%s  refused: %s\n", safe(c, m->id),
			    safe(c, m->problem));
			continue;
		}
		buf_init(&b, 1 << 20);
		safe_add(&b, m->content, true);
		printf("%s\n  %s, %s%s", buf_str(&b), safe(c, m->by),
		    show_age(c, m->at),
		    strcmp(m->proof, "unsigned") == 0 ? ", unsigned" : "");
		buf_fini(&b);
		for (k = 0; k < m->tags.n; k++)
			printf("%s%s", k == 0 ? ", tags " : ",",
			    safe(c, m->tags.v[k].s));
		printf(", %s\n", safe(c, m->id));
	}
	if (c->quiet)
		return;
	if (r->memories.n == 0)
		fprintf(stderr, "nothing is remembered of it\n");
	if (r->loose)
		fprintf(stderr, "none has all the words: these have some\n");
	if (r->partial)
		fprintf(stderr,
		    "the words are common: only the newest were looked at\n");
	if (r->next != 0)
		fprintf(stderr, "there are more: --before %lld\n",
		    (long long)r->next);
}

/* 4 when the broker shows what cannot be so. */
static int
exit_memories(struct cli *c, const void *reply)
{
	const struct local_memories *r = reply;
	size_t i;

	(void)c;
	for (i = 0; i < r->memories.n; i++) {
		if (strcmp(r->memories.v[i].proof, "refused") == 0)
			return err_info(E_BAD_SIGNATURE)->exit;
	}
	return 0;
}

static const struct verb verbs[] = {
	{ .name = "forget",
	    .row = &wire_local_memory_forget,
	    .done = "forgotten" },
	{ .name = "list",
	    .row = &wire_local_memory_recall,
	    .args = "",
	    .hide = "query",
	    .show = show_memories,
	    .exit = exit_memories,
	    .doc = "Lists what is remembered, the newest first." },
	{ .name = "recall",
	    .row = &wire_local_memory_recall,
	    .args = "query",
	    .hide = "before",
	    .show = show_memories,
	    .exit = exit_memories,
	    .doc =
		"Finds memories by words (stemmed as English), \"phrases\" and "
		"prefixes*, best first. Exit status 4 when the broker shows "
		"what cannot be so." },
	{ .name = "remember",
	    .row = &wire_local_memory_remember,
	    .fill = fill_remember,
	    .show = show_id,
	    .doc = "Remembers a text, - reads it from standard input. Prints "
		   "its id." },
	{ .name = NULL },
};

const struct noun noun_memory = { .name = "memory",
	.doc = "What the mesh has learned, found by its words.",
	.verbs = verbs,
	.dflt = "list" };

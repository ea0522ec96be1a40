/*
 * event.c - what happened in the meshes, and what happens.
 */
#include <string.h>

#include "cli/cli.h"

#define FOLLOW_MS 60000

static int
print_one(struct cli *c, const struct local_event *e)
{
	bool tty = c->tty_out;
	const char *age;

	if (doc_wanted(c))
		return doc_print_row(c, &wire_local_event, e);
	c->tty_out = true;
	age = show_age(c, e->at);
	c->tty_out = tty;
	printf("%s  %s  %s%s\n", age, safe(c, e->mesh), safe(c, e->text),
	    e->proven || c->quiet ? "" : "  (the broker says)");
	return 0;
}

static void
show_events(struct cli *c, const void *reply)
{
	const struct local_event_page *r = reply;
	size_t i;

	for (i = 0; i < r->events.n; i++)
		print_one(c, &r->events.v[i]);
	if (r->events.n == 0)
		cli_say(c, "nothing happened");
}

static int
events(struct cli *c, const struct verb *v)
{
	struct local_events in = { 0 };
	struct local_event_page page;
	size_t i;
	int rc;

	if ((rc = args_not_zero(c, "limit")) != 0 ||
	    (rc = args_fill(c, v->row, &in)) != 0)
		return rc;
	if (arg(c, "follow") == NULL) {
		if ((rc = cli_call(c, v->row, &in, &page)) != 0)
			return rc;
		if (doc_wanted(c))
			return doc_print_row(c, &wire_local_event_page, &page);
		show_events(c, &page);
		return 0;
	}
	for (;;) { /* until it is interrupted */
		if ((rc = cli_call(c, v->row, &in, &page)) != 0)
			return rc;
		for (i = 0; i < page.events.n; i++) {
			if ((rc = print_one(c, &page.events.v[i])) != 0)
				return rc;
		}
		if (fflush(stdout) != 0)
			return 1;
		in.after = page.cursor;
		in.wait_ms = FOLLOW_MS;
		in.limit = 1000;
	}
}

static const struct flag flags[] = {
	{ "follow", NULL, "Goes on with what happens, until interrupted." },
	{ NULL, NULL, NULL },
};

static const struct verb verbs[] = {
	{ .name = "events",
	    .row = &wire_local_events,
	    .hide = "wait_ms",
	    .flags = flags,
	    .run = events,
	    .doc =
		"What happened: peers that came, went or changed groups, and "
		"acts of the mesh's roll. What no signed act proves is the "
		"broker's word." },
	{ .name = NULL },
};

const struct noun noun_events = { .name = "events",
	.doc = "What happened in the meshes.",
	.verbs = verbs,
	.single = true };

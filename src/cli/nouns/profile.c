/*
 * profile.c - what the others see of this session.
 */
#include <string.h>

#include "cli/cli.h"

#define ALL "status visible summary avatar title bio capabilities tags"

static int
fill_set(struct cli *c, void *in)
{
	size_t i;

	(void)in;
	for (i = 0; i < c->params.n; i++) {
		if (c->params.v[i].n > 0 &&
		    strcmp(c->params.v[i].name, "mesh") != 0)
			return 0;
	}
	return cli_usage(c, "nothing is said that could be set");
}

static const struct verb verbs[] = {
	{ .name = "set",
	    .row = &wire_local_profile,
	    .fill = fill_set,
	    .doc = "Changes the session's profile and shows it." },
	{ .name = "show",
	    .row = &wire_local_profile,
	    .hide = ALL,
	    .doc = "Shows the session's profile." },
	{ .name = "status",
	    .row = &wire_local_profile,
	    .args = "status",
	    .hide = "visible summary avatar title bio capabilities tags",
	    .doc = "Says whether the session is idle, working or dnd (do not "
		   "disturb)." },
	{ .name = "summary",
	    .row = &wire_local_profile,
	    .args = "summary",
	    .hide = "status visible avatar title bio capabilities tags",
	    .doc = "Says what the session is doing; - clears it." },
	{ .name = "visible",
	    .row = &wire_local_profile,
	    .args = "visible",
	    .hide = "status summary avatar title bio capabilities tags",
	    .doc = "Shows the session to other members (true) or hides it "
		   "(false)." },
	{ .name = NULL },
};

const struct noun noun_profile = { .name = "profile",
	.doc = "What the others see of this session.",
	.verbs = verbs,
	.dflt = "show" };

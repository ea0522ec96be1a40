/*
 * profile.c - what the others see of this session.
 */
#include "cli/cli.h"

#define ALL "status visible summary avatar title bio capabilities"

static const struct verb verbs[] = {
	{ .name = "set",
	    .row = &wire_local_profile,
	    .doc = "Changes the session's profile and shows it." },
	{ .name = "show",
	    .row = &wire_local_profile,
	    .hide = ALL,
	    .doc = "Shows the session's profile." },
	{ .name = "status",
	    .row = &wire_local_profile,
	    .args = "status",
	    .hide = "visible summary avatar title bio capabilities",
	    .doc = "Says whether the session is idle, working or dnd (do not "
		   "disturb)." },
	{ .name = "summary",
	    .row = &wire_local_profile,
	    .args = "summary",
	    .hide = "status visible avatar title bio capabilities",
	    .doc = "Says what the session is doing; - clears it." },
	{ .name = "visible",
	    .row = &wire_local_profile,
	    .args = "visible",
	    .hide = "status summary avatar title bio capabilities",
	    .doc = "Shows the session to other members (true) or hides it "
		   "(false)." },
	{ .name = NULL },
};

const struct noun noun_profile = { .name = "profile",
	.doc = "What the others see of this session.",
	.verbs = verbs,
	.dflt = "show" };

/*
 * group.c - the groups of a mesh, joining and leaving them.
 */
#include "cli/cli.h"

static const struct verb verbs[] = {
	{ .name = "join",
	    .row = &wire_local_group_join,
	    .done = "joined",
	    .doc =
		"Joins a group; with another --role, changes the role in it. "
		"In a launched session it is that session that joins, else "
		"the home session, which others see under your name." },
	{ .name = "leave", .row = &wire_local_group_leave, .done = "left" },
	{ .name = "list",
	    .row = &wire_local_group_list,
	    .columns = "name members online joined role",
	    .empty = "there are no groups; claudemesh group join NAME" },
	{ .name = NULL },
};

const struct noun noun_group = { .name = "group",
	.doc = "Groups: labels that peers give themselves, to be written to as "
	       "@NAME.",
	.verbs = verbs,
	.dflt = "list" };

/*
 * member.c - who belongs to a mesh, by its roll.
 */
#include "cli/cli.h"

static const struct verb verbs[] = {
	{ .name = "list",
	    .row = &wire_local_member_list,
	    .doc = "Lists the members, by the signed roll.",
	    .columns = "name role state sessions joined_at id" },
	{ .name = NULL },
};

const struct noun noun_member = { .name = "member",
	.doc = "Who belongs to a mesh.",
	.verbs = verbs,
	.dflt = "list" };

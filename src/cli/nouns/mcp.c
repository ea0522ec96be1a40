/*
 * mcp.c - the server of the Model Context Protocol, as an agent starts it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"
#include "mcp/mcp.h"

static int
run(struct cli *c, const struct verb *v)
{
	struct mcp_options o = { .home = &c->home,
		.exe = c->exe,
		.session = getenv("CLAUDEMESH_SESSION"),
		.mesh = c->mesh,
		.name = arg(c, "name") };
	const char *tools = arg(c, "tools"), *mode;
	struct why why = { 0 };
	int rc;

	(void)v;
	if (tools != NULL && !str_eq(tools, "full") && !str_eq(tools, "none"))
		return cli_usage(c, "--tools is full or none, not '%s'",
		    safe(c, tools));
	if (o.name != NULL && str_name_fault(o.name, 64) != NULL)
		return cli_usage(c, "the name %s", str_name_fault(o.name, 64));
	if (o.session != NULL && *o.session == '\0')
		o.session = NULL;
	o.tools = str_eq(tools, "full");
	mode = getenv("CLAUDEMESH_MESSAGE_MODE");
	o.push =
	    mode == NULL || (!str_eq(mode, "inbox") && !str_eq(mode, "off"));
	if ((rc = cli_home(c)) != 0)
		return rc;
	return mcp_run(&o, &why) == 0 ? 0 : cli_fail_why(c, &why);
}

static const struct flag flags[] = {
	{ "tools", "WHICH",
	    "none (the default: the command line is the surface) or full, for "
	    "clients without a shell." },
	{ "name", "NAME",
	    "Of the session, when none is there yet; repo@branch when absent." },
	{ NULL, NULL, NULL },
};

static const struct verb verbs[] = {
	{ .name = "mcp",
	    .run = run,
	    .flags = flags,
	    .doc = "Serves the Model Context Protocol on standard input and "
		   "output: an agent starts it, and messages for its session "
		   "come to it as channel events." },
	{ .name = NULL },
};

const struct noun noun_mcp = { .name = "mcp",
	.doc = "The server an agent talks to (MCP on stdio).",
	.verbs = verbs,
	.single = true };

/*
 * mcp.h - `claudemesh mcp`: an agent's way into the mesh, as a server of the
 * Model Context Protocol on standard input and output, above the daemon's
 * socket.
 *
 * As a rule it has no tools: the command line is the surface, and a list of tools
 * would stand in every request of the agent. What it does is push: each message
 * of its session becomes a notifications/claude/channel, framed by present.h.
 * With tools it offers the rows of the daemon's socket that concern peers.
 *
 * The session is the one of CLAUDEMESH_SESSION; else the one that lives with the
 * process that started us; else one is opened that does.
 */
#ifndef MCP_MCP_H
#define MCP_MCP_H

#include <stdbool.h>

#include "client/home.h"

struct mcp_options {
	struct home *home;
	const char *exe;     /* our binary, to start the daemon */
	const char *session; /* CLAUDEMESH_SESSION, or NULL */
	const char *mesh;    /* slug, or NULL: the only one */
	const char *name;    /* of the session, should it be opened here */
	bool tools;
	bool push; /* messages as channel events; else only the welcome */
};

/* Serves until standard input ends: 0, or E_ and why. */
int mcp_run(const struct mcp_options *, struct why *);

#endif

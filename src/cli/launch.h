/*
 * launch.h - Claude Code, started as a session of the mesh.
 */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include "cli/cli.h"

extern const struct flag launch_flags[];
int launch_run(struct cli *, const struct verb *);

/* ---- claude.c: what is particular to that program ---- */

struct claude {
	const char *program; /* its path */
	const char *id;	     /* of its conversation: a UUID */
	bool resumed;
	bool push;	 /* channel events are wanted */
	bool autonomous; /* it need not ask before it acts */
	const char *system_prompt;
	const char *config; /* file with our MCP server */
};

/* $CLAUDE_BIN, in $PATH or where its installers put it; NULL: nowhere. */
const char *claude_program(struct cli *);
/* The newest conversation of this folder; NULL: none. */
const char *claude_latest(struct cli *);
bool claude_is_id(const char *); /* a UUID in lower case */
const char *claude_new_id(struct cli *);
/* Its command line, ended by NULL: ours and, after that, theirs, with flags
 * that both give merged into one. */
char *const *claude_command(struct cli *, const struct claude *,
    char *const *theirs);

#endif

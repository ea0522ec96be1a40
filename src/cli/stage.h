/*
 * stage.h - a broker and daemons of this binary as child processes, in a
 * temporary folder, and commands run in their homes: what `demo` plays on.
 * All of it is gone after stage_close, whatever happened.
 */
#ifndef CLI_STAGE_H
#define CLI_STAGE_H

#include <sys/types.h>

#include "cli/cli.h"

#define STAGE_ACTORS 3

struct stage {
	struct cli *c;
	char dir[64]; /* short: sockets lie in it */
	char url[64]; /* of the broker */
	const char *name[STAGE_ACTORS];
	pid_t broker, daemon[STAGE_ACTORS];
	int64_t until; /* monotonic ms: the whole play is over by then */
	bool failed;   /* nothing more is played */
};

/* 0, or the exit status with the reason said. */
int stage_open(struct stage *, struct cli *, const char *const names[],
    int64_t limit_ms);
void stage_close(struct stage *);
/* A headline of the transcript. */
void stage_scene(struct stage *, const char *text);
/*
 * Actor runs a command, which is shown with what it says. Returns its output
 * ("" when failed). It must end with 0 and, when say is not NULL, say that.
 */
const char *stage_run(struct stage *, int actor, const char *say,
    const char *const argv[]);
/* Nothing more is played; says why, once. */
void stage_fail(struct stage *, const char *why);
void stage_kill(struct stage *, int actor);  /* -9 */
void stage_start(struct stage *, int actor); /* its daemon */

#endif

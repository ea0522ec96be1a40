/* checks.h - what status and doctor look at. */
#ifndef CLI_CHECKS_H
#define CLI_CHECKS_H

#include "cli/cli.h"

struct checks {
	struct check v[200];
	size_t n;
	bool ok;
};

void checks_add(struct checks *, const char *name, bool ok, const char *detail,
    const char *fix);
/* What stands: home, daemon with its own checks, links. *state is filled when
 * the daemon answers. thorough: broker by broker, clocks, disk. */
void checks_run(struct cli *, struct checks *, struct local_state *state,
    bool thorough);
/* Prints them, or the document {"ok","checks",...}; exit status 0 or 1. */
int checks_print(struct cli *, const struct checks *,
    const struct local_state *state);

#endif

/*
 * child.h - a program run as a session of its own: the session is opened for its
 * process before it becomes the program, and ends with it.
 */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include "cli/cli.h"

/*
 * Runs argv and returns its exit status (128 and the signal's number when one
 * ended it), or that of cli_fail. in says everything of the session but the
 * process. opened, when not NULL, is called once the session is there.
 */
int child_run(struct cli *, char *const *argv, struct local_session_open *in,
    void (*opened)(struct cli *, const struct local_session *, void *arg),
    void *arg);

#endif

/*
 * service.h - the two processes in the background: where the broker of this home
 * listens, starting and stopping it and the daemon.
 */
#ifndef CLI_SERVICE_H
#define CLI_SERVICE_H

#include "cli/cli.h"

#define SERVICE_BROKER "127.0.0.1:7900"

/* $CLAUDEMESH_BROKER, else where the broker of this home listens, or would. */
const char *service_broker_url(struct cli *);
bool service_broker_own(struct cli *); /* this home has a broker's data */
/* Running, by this home: its process id, else 0. */
int64_t service_broker_pid(struct cli *);
/* Why it was given up, or NULL. */
const char *service_broker_crashed(struct cli *);

/* Makes sure that it runs; *started tells whether it was started now. */
int service_broker_up(struct cli *, bool *started);
/* *stopped: whether there was one. Both return when it is gone. */
int service_broker_down(struct cli *, bool *stopped);
int service_daemon_down(struct cli *, bool *stopped);

/* One `up` at a time in this home. -1, or the descriptor to close. */
int service_lock(struct cli *);
/* Erases what is ours in the home; tells each on stdout. */
int service_purge(struct cli *);

#endif

/*
 * daemon.h - the process of one user that holds keys, outbox and inbox, and one
 * connection for each mesh. The core is pure (io.h and db.h); daemon_run is the
 * real process around it.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "base/log.h"
#include "net/io.h"
#include "wire/wire.h"

struct daemon_conf {		      /* strings are copied */
	const char *db_path, *db_vfs; /* daemon.db; vfs as in db.h */
	bool db_exclusive;
	struct io_addr listen;	  /* the local socket */
	int uid;		  /* whose processes are answered; -1: any */
	uint8_t seed[32];	  /* of the account */
	const char *account_file; /* where it lies, to be shown */
	const char *broker;	  /* default broker URL, any spelling */
	const char *version;
	int64_t build; /* seconds since 1970 */
	int pid;
	const char *hostname, *username;
	/* When the process began, in any unit; 0: there is none. NULL: 1. */
	int64_t (*pid_start)(void *arg, int pid);
	/* Keep this seed in place of the one given, for good. NULL: cannot. */
	int (*keep_seed)(void *arg, const uint8_t seed[32], struct why *);
	/* A newer client: its binary is to take over; stop comes next. */
	void (*renew)(void *arg, const char *exe);
	/* The core said goodbye and may be freed; status 0, or 1: it cannot go
	 * on (the disk failed). Called from a turn: do not free in it. */
	void (*stop)(void *arg, int status);
	void *arg;
};

struct daemon;
/* NULL with why: database, socket. Runs from then on, by io's turns. */
struct daemon *daemon_new(struct io *, const struct daemon_conf *,
    struct why *);
void daemon_free(struct daemon *); /* at once; nothing committed is lost */
void daemon_stop(struct daemon *); /* goodbyes, then conf.stop */

/* ---- the real process (run.c) ---- */

struct daemon_options {
	const char *home;   /* NULL: $CLAUDEMESH_HOME, else ~/.claudemesh */
	const char *broker; /* NULL: $CLAUDEMESH_BROKER, else the local one */
	const char *exe;    /* NULL: found out */
	enum log_level level;
	bool log_stderr; /* to standard error instead of daemon.log */
};
/* Runs until stopped; the exit status. */
int daemon_run(const struct daemon_options *);

#endif

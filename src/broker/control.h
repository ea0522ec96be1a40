/*
 * control.h - how whoever runs a broker speaks to it: a Unix socket in its data
 * folder, mode 0600. A line is a command, the answer one JSON object in a line:
 *
 *	status		what it is and how it does
 *	reload		as SIGHUP does; what needs a restart is named
 *	backup FILE	a copy of the database, some pages a turn; FILE is made,
 *			and is for the asker to sync. Hanging up ends it.
 */
#ifndef BROKER_CONTROL_H
#define BROKER_CONTROL_H

#include "base/buf.h"
#include "broker/main.h"

struct control;

struct control_ops { /* of the process around the broker */
	/* Further members of the status, each beginning with a comma. */
	void (*status)(void *arg, struct buf *);
	/* restart: the names of what only a restart changes, or nothing. */
	int (*reload)(void *arg, struct buf *restart, struct why *);
};

/* NULL with why. */
struct control *control_new(struct io *, struct broker *, const char *path,
    const struct control_ops *, void *arg, struct why *);
void control_free(struct control *); /* NULL is fine; before the broker */

#endif

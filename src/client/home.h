/*
 * home.h - the folder with every file of one user: $CLAUDEMESH_HOME, else
 * ~/.claudemesh. Directory 0700, files 0600, owned by the user; anything wider
 * is refused together with the command that mends it.
 */
#ifndef CLIENT_HOME_H
#define CLIENT_HOME_H

#include <stddef.h>

#include "wire/wire.h"

#define HOME_MAX 80 /* a Unix socket's path must fit in 108 bytes with it */

struct home {
	char dir[HOME_MAX + 1];
	char fix[256]; /* after a failure: the command that mends it, or "" */
};

/* Where it is: dir, else the environment. Nothing is touched. 0 or E_. */
int home_locate(struct home *, const char *dir, struct why *);
/* Modes of the folder and of the secrets in it. A missing folder is fine. */
int home_check(struct home *, struct why *);
/* The same, and makes the folder when it is missing. */
int home_prepare(struct home *, struct why *);
/* "dir/name" into out. */
void home_file(const struct home *, const char *name, char *out, size_t cap);

#endif

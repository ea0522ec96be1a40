/*
 * home.c - where the user's files lie, and whether only the user can read them.
 *
 * Modes are checked and never silently mended: a key that was readable by
 * others may have been read, and its owner should know.
 */
#include "client/home.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

static const char *const secrets[] = { "account.key", "daemon.db",
	"daemon.sock", "config.json" };

int
home_locate(struct home *home, const char *dir, struct why *why)
{
	char path[512], cwd[256];
	const char *user;

	memset(home, 0, sizeof(*home));
	if (dir == NULL || *dir == '\0')
		dir = getenv("CLAUDEMESH_HOME");
	if (dir == NULL || *dir == '\0') {
		if ((user = getenv("HOME")) == NULL || *user == '\0')
			return why_set(why, E_USAGE,
			    "neither CLAUDEMESH_HOME nor HOME is set");
		snprintf(path, sizeof(path), "%s/.claudemesh", user);
	} else if (*dir != '/' && getcwd(cwd, sizeof(cwd)) != NULL) {
		snprintf(path, sizeof(path), "%s/%.200s", cwd, dir);
	} else {
		snprintf(path, sizeof(path), "%s", dir);
	}
	while (strlen(path) > 1 && path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = '\0';
	if (!str_copy(home->dir, sizeof(home->dir), path))
		return why_set(why, E_TOO_LONG,
		    "the path of CLAUDEMESH_HOME "
		    "is longer than %d bytes",
		    HOME_MAX);
	return 0;
}

void
home_file(const struct home *home, const char *name, char *out, size_t cap)
{
	snprintf(out, cap, "%s/%s", home->dir, name);
}

/* One path: owned by us, no bits beyond mode. A missing one is fine. */
static int
check(struct home *home, const char *path, mode_t mode, struct why *why)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno == ENOENT ? 0
				       : why_set(why, E_FORBIDDEN, "%s: %s",
					     path, strerror(errno));
	if (st.st_uid != geteuid()) {
		snprintf(home->fix, sizeof(home->fix), "sudo chown %u %s",
		    (unsigned)geteuid(), path);
		return why_set(why, E_FORBIDDEN, "%s belongs to another user",
		    path);
	}
	if ((st.st_mode & 07777 & ~(mode | 07000)) == 0)
		return 0;
	snprintf(home->fix, sizeof(home->fix), "chmod %o %s", (unsigned)mode,
	    path);
	return why_set(why, E_FORBIDDEN,
	    "%s is open to other users (mode "
	    "%04o, at most %04o)",
	    path, (unsigned)st.st_mode & 07777, (unsigned)mode);
}

int
home_check(struct home *home, struct why *why)
{
	char path[HOME_MAX + 32];
	struct stat st;
	size_t i;
	int rc;

	home->fix[0] = '\0';
	if (stat(home->dir, &st) == 0 && !S_ISDIR(st.st_mode))
		return why_set(why, E_USAGE, "%s is not a folder", home->dir);
	rc = check(home, home->dir, 0700, why);
	for (i = 0; i < countof(secrets) && rc == 0; i++) {
		home_file(home, secrets[i], path, sizeof(path));
		rc = check(home, path, 0600, why);
	}
	return rc;
}

int
home_prepare(struct home *home, struct why *why)
{
	if (mkdir(home->dir, 0700) != 0 && errno != EEXIST)
		return why_set(why, E_FORBIDDEN, "%s cannot be made: %s",
		    home->dir, strerror(errno));
	return home_check(home, why);
}

/*
 * self.c - version, build time and path of the running binary.
 *
 * The build time is the binary's own modification time, asked of the inode that
 * runs: it needs no clock in the build and stays true after the file was
 * replaced.
 */
#include "client/self.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#ifndef CLAUDEMESH_VERSION
#define CLAUDEMESH_VERSION "0.1.0"
#endif

static const char proc_exe[] = "/proc/self/exe";

const char *
self_version(void)
{
	return CLAUDEMESH_VERSION;
}

int64_t
self_build_of(const char *exe)
{
	struct stat st;

	return stat(exe, &st) == 0 ? (int64_t)st.st_mtime : 0;
}

int64_t
self_build(void)
{
	return self_build_of(proc_exe);
}

static int
find_in_path(char *out, size_t cap, const char *name)
{
	const char *dir = getenv("PATH");
	size_t n;

	if (strchr(name, '/') != NULL)
		return realpath(name, out) != NULL ? 0 : -1;
	while (dir != NULL && *dir != '\0') {
		n = strcspn(dir, ":");
		if (n > 0 && n + strlen(name) + 2 <= cap) {
			snprintf(out, cap, "%.*s/%s", (int)n, dir, name);
			if (access(out, X_OK) == 0)
				return 0;
		}
		dir += n + (dir[n] == ':');
	}
	return -1;
}

int
self_exe(char *out, size_t cap, const char *fallback)
{
	static const char gone[] = " (deleted)";
	ssize_t n = cap < PATH_MAX ? -1 : readlink(proc_exe, out, cap - 1);

	if (fallback == NULL && n > 0) {
		out[n] = '\0';
		/* The file was replaced while we run: the new one will do. */
		if ((size_t)n > strlen(gone) &&
		    strcmp(out + n - strlen(gone), gone) == 0)
			out[n - (ssize_t)strlen(gone)] = '\0';
		return 0;
	}
	return cap < PATH_MAX || fallback == NULL
	    ? -1
	    : find_in_path(out, cap, fallback);
}

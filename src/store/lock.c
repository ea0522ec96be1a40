/*
 * lock.c - one process per folder. The lock is flock's, so it ends with the
 * process however that ends; the file only says who holds it and is never
 * removed (removing it would let two processes hold two files of one name).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/db.h"

static long
holder(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return strtol(text, NULL, 10);
}

static int
sign(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) < 0)
		return -1;
	return pwrite(fd, text, (size_t)n, 0) == n ? 0 : -1;
}

static int
take(int fd, const char *path, struct why *why)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		(void)sign(fd); /* a full disk must not keep us from starting */
		return OK;
	}
	if (errno == EWOULDBLOCK)
		return why_set(why, E_CONFLICT, "process %ld already holds %s",
		    holder(fd), path);
	return why_set(why, E_STORE, "%s cannot be locked: %s", path,
	    strerror(errno));
}

int
dir_lock(const char *dir, const char *name, struct why *why)
{
	char *path = mem_printf("%s/%s", dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		why_set(why, E_STORE, "%s cannot be opened: %s", path,
		    strerror(errno));
	} else if (take(fd, path, why) != OK) {
		close(fd);
		fd = -1;
	}
	mem_free(path);
	return fd;
}

void
dir_unlock(int fd)
{
	if (fd >= 0)
		close(fd);
}

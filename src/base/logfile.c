/*
 * logfile.c - one log file for the process. A file that cannot be set aside
 * goes on growing: a log that is too long is better than none.
 */
#include "base/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

static struct {
	char *path;
	int fd, keep;
	int64_t cap, size;
} file = { .fd = -1 };

static int
open_it(void)
{
	return open(file.path,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Under the same number, so that who wrote the old one down writes the new. */
static void
take(int fd)
{
	struct stat st;

	if (file.fd >= 0) {
		dup3(fd, file.fd, O_CLOEXEC);
		close(fd);
	} else {
		file.fd = fd;
	}
	file.size = fstat(file.fd, &st) == 0 ? (int64_t)st.st_size : 0;
}

static void
set_aside(void)
{
	char *from, *to = NULL;
	int i, fd;

	for (i = file.keep; i > 0; i--) {
		from = i == 1 ? mem_strdup(file.path)
			      : mem_printf("%s.%d", file.path, i - 1);
		to = mem_printf("%s.%d", file.path, i);
		rename(from, to);
		mem_free(from);
		mem_free(to);
	}
	fd = open_it();
	if (fd >= 0)
		take(fd);
	else
		file.size = 0; /* tried again after as much more */
}

static void
wrote(size_t n)
{
	file.size += (int64_t)n;
	if (file.cap > 0 && file.size >= file.cap)
		set_aside();
}

int
logfile_open(const char *path, int64_t cap, int keep)
{
	int fd;

	mem_free(file.path);
	file.path = mem_strdup(path);
	file.fd = -1;
	logfile_limit(cap, keep);
	fd = open_it();
	if (fd < 0)
		return -1;
	take(fd);
	log_watch(wrote);
	return file.fd;
}

void
logfile_limit(int64_t cap, int keep)
{
	file.cap = cap;
	file.keep = keep;
}

int
logfile_reopen(void)
{
	int fd;

	if (file.fd < 0)
		return 0;
	fd = open_it();
	if (fd < 0)
		return -1;
	take(fd);
	return 0;
}

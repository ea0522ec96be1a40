/*
 * spawn.c - a process that outlives us: forked twice so that it is nobody's
 * child, in a session of its own, its output in a log file.
 *
 * The only thing it shares with its starter is the write end of a pipe, by
 * which the starter sees it die early.
 */
#include "client/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

static void
become(char *const argv[], const char *home, const char *log, int life)
{
	int fd, null = open("/dev/null", O_RDWR);

	umask(077);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(fd < 0 ? null : fd, 2) < 0)
		_exit(126);
	if (life != 3 && dup2(life, 3) < 0)
		_exit(126);
	for (fd = 4; fd < 1024; fd++)
		close(fd);
	setenv("CLAUDEMESH_HOME", home, 1);
	unsetenv("CLAUDEMESH_SESSION");
	unsetenv("CLAUDEMESH_MESH");
	if (chdir("/") != 0)
		_exit(126);
	execv(argv[0], argv);
	_exit(127);
}

int
local_spawn(char *const argv[], const char *home, const char *log, int *life)
{
	int pipes[2], status;
	pid_t child;

	if (pipe(pipes) != 0)
		return -1;
	if ((child = fork()) < 0) {
		close(pipes[0]);
		close(pipes[1]);
		return -1;
	}
	if (child == 0) {
		setsid();
		if ((child = fork()) != 0)
			_exit(child < 0);
		become(argv, home, log, pipes[1]);
	}
	close(pipes[1]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	*life = pipes[0];
	return 0;
}

int64_t
local_log_end(const char *log)
{
	struct stat st;

	return stat(log, &st) == 0 ? (int64_t)st.st_size : 0;
}

bool
local_last_words(const char *log, int64_t from, char *out, size_t cap)
{
	static const char mark[] = "claudemesh: ";
	char text[8192], *at, *last = NULL;
	int fd = open(log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, from);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	for (at = text; (at = strstr(at, mark)) != NULL; at++) {
		if (at == text || at[-1] == '\n')
			last = at + sizeof(mark) - 1;
	}
	if (last == NULL)
		return false;
	last[strcspn(last, "\n")] = '\0';
	str_copy(out, cap, last);
	return true;
}

/*
 * child.c - fork, open the session for the child's process, let the child become
 * the program, wait for its end.
 */
#include "cli/child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t child_pid;

static void
pass_on(int signo)
{
	if (child_pid > 0)
		kill((pid_t)child_pid, signo);
}

/* The child waits until its session is there, then becomes the program. */
static pid_t
fork_child(char *const *argv, int go[2])
{
	pid_t child = fork();
	char text[320];
	ssize_t n;
	char *sep;

	if (child != 0)
		return child;
	close(go[1]);
	n = read(go[0], text, sizeof(text) - 1);
	if (n <= 0)
		_exit(125); /* no session: the parent says why */
	text[n] = '\0';
	if ((sep = strchr(text, '\n')) == NULL)
		_exit(125);
	*sep = '\0';
	setenv("CLAUDEMESH_SESSION", text, 1);
	setenv("CLAUDEMESH_MESH", sep + 1, 1);
	close(go[0]);
	execvp(argv[0], argv);
	fprintf(stderr, "claudemesh: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Opens the session and tells the child. */
static int
open_for(struct cli *c, struct local_session_open *in, pid_t child, int fd,
    struct local_session *out)
{
	char text[320];
	int rc, n;

	in->pid = child;
	if ((rc = cli_call(c, &wire_local_session_open, in, out)) != 0)
		return rc;
	n = snprintf(text, sizeof(text), "%s\n%s", out->session, out->mesh);
	return write(fd, text, (size_t)n) == n
	    ? 0
	    : cli_fail(c, E_INTERNAL, "the child could not be told");
}

static int
await(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return 1;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

/* The daemon may have been replaced while the child ran: a fresh connection. It
 * also sees the process end by itself. */
static void
end_session(struct cli *c, const char *id)
{
	struct local_session_end end = { .session = id };
	struct why why;
	struct ok ok;

	local_close(c->local);
	c->local = NULL;
	cli_try(c, &wire_local_session_end, &end, &ok, &why);
}

int
child_run(struct cli *c, char *const *argv, struct local_session_open *in,
    void (*opened)(struct cli *, const struct local_session *, void *),
    void *arg)
{
	struct local_session session;
	int go[2], rc, status;

	if (pipe(go) != 0 || (child_pid = fork_child(argv, go)) < 0)
		return cli_fail(c, E_INTERNAL, "no process: %s",
		    strerror(errno));
	close(go[0]);
	signal(SIGINT, SIG_IGN); /* the terminal tells the child, too */
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTERM, pass_on);
	signal(SIGHUP, pass_on);
	rc = open_for(c, in, (pid_t)child_pid, go[1], &session);
	if (rc == 0 && opened != NULL)
		opened(c, &session, arg);
	close(go[1]);
	if (rc == 0 && c->verbose)
		fprintf(stderr, "session %s: %s in %s\n", session.session,
		    safe(c, session.name), safe(c, session.mesh));
	status = await((pid_t)child_pid);
	child_pid = 0;
	if (rc == 0)
		end_session(c, session.session);
	return rc != 0 ? rc : status;
}

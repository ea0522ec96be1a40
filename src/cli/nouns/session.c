/*
 * session.c - launched sessions: peers of their own, each living as long as a
 * process. `session run` is for any program; it opens a session for its child,
 * tells the child by CLAUDEMESH_SESSION, and ends it with the child.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"
#include "client/place.h"

static volatile sig_atomic_t child_pid;

static void
pass_on(int signo)
{
	if (child_pid > 0)
		kill((pid_t)child_pid, signo);
}

/* The child waits until its session is there, then becomes the program. */
static pid_t
fork_child(struct cli *c, int go[2])
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
	execvp(c->rest[0], c->rest);
	fprintf(stderr, "claudemesh: %s: %s\n", c->rest[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int
open_for(struct cli *c, const struct verb *v, pid_t child, int fd,
    struct local_session *out)
{
	struct local_session_open in = { .name = "" };
	char name[65], cwd[1025], text[320];
	int rc, n;

	if ((rc = args_fill(c, v->row, &in)) != 0)
		return rc;
	if (in.name == NULL || *in.name == '\0') {
		place_name(name);
		in.name = name;
	}
	if (in.channel == NULL) {
		const char *slash = strrchr(c->rest[0], '/');

		in.channel = slash == NULL ? c->rest[0] : slash + 1;
		in.channel = arena_strndup(&c->arena, in.channel, 64);
	}
	if (getcwd(cwd, sizeof(cwd)) != NULL)
		in.cwd = cwd;
	in.pid = child;
	if ((rc = cli_call(c, v->row, &in, out)) != 0)
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

static int
run(struct cli *c, const struct verb *v)
{
	struct local_session_end end = { 0 };
	struct local_session session;
	struct ok ok;
	struct why why;
	int go[2], rc, status;

	if (c->rest == NULL || c->rest[0] == NULL)
		return cli_usage(c, "session run needs a command after --");
	if (pipe(go) != 0 || (child_pid = fork_child(c, go)) < 0)
		return cli_fail(c, E_INTERNAL, "no process: %s",
		    strerror(errno));
	close(go[0]);
	signal(SIGINT, SIG_IGN); /* the terminal tells the child, too */
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTERM, pass_on);
	signal(SIGHUP, pass_on);
	rc = open_for(c, v, (pid_t)child_pid, go[1], &session);
	close(go[1]);
	if (rc == 0 && c->verbose)
		fprintf(stderr, "session %s: %s in %s\n", session.session,
		    safe(c, session.name), safe(c, session.mesh));
	status = await((pid_t)child_pid);
	child_pid = 0;
	if (rc != 0)
		return rc;
	/* The daemon may have been replaced while the child ran: a fresh
	 * connection. It also sees the process end by itself. */
	local_close(c->local);
	c->local = NULL;
	end.session = session.session;
	cli_try(c, &wire_local_session_end, &end, &ok, &why);
	return status;
}

static int
show(struct cli *c, const struct verb *v)
{
	struct local_session_list in = { .all = true };
	struct local_sessions all;
	const char *want = arg(c, "session");
	size_t i;
	int rc;

	(void)v;
	in.mesh = c->mesh;
	if ((rc = cli_call(c, &wire_local_session_list, &in, &all)) != 0)
		return rc;
	for (i = 0; i < all.sessions.n; i++) {
		const struct session_row *s = &all.sessions.v[i];

		if (!str_eq(s->session, want) && !str_eq(s->name, want) &&
		    !str_eq(s->key, want))
			continue;
		if (doc_wanted(c))
			return doc_print_row(c, &wire_session_row, s);
		show_row(c, &wire_session_row, s);
		return 0;
	}
	cli_hint(c, "claudemesh session list --all");
	return cli_fail(c, E_NOT_FOUND, "there is no session '%s' here",
	    safe(c, want));
}

static const struct flag show_args[] = {
	{ "session", "ID", "Its id, name or key." },
	{ NULL, NULL, NULL },
};

static int
fill_open(struct cli *c, void *in)
{
	struct local_session_open *m = in;
	char cwd[1025];

	if ((m->cwd == NULL || *m->cwd == '\0') &&
	    getcwd(cwd, sizeof(cwd)) != NULL)
		m->cwd = arena_strdup(&c->arena, cwd);
	return 0;
}

static const struct verb verbs[] = {
	{ .name = "end", .row = &wire_local_session_end, .done = "ended" },
	{ .name = "list",
	    .row = &wire_local_session_list,
	    .columns = "name state mesh pid unread session",
	    .empty = "no sessions" },
	{ .name = "open",
	    .row = &wire_local_session_open,
	    .fill = fill_open,
	    .doc = "Opens a session for scripts: a peer of its own that lives "
		   "until it is ended, or as long as the process --pid." },
	{ .name = "revoke",
	    .row = &wire_local_session_revoke,
	    .ask = "Revoke the session key of %s for ever?",
	    .done = "revoked" },
	{ .name = "run",
	    .row = &wire_local_session_open,
	    .args = "",
	    .hide = "pid cwd",
	    .run = run,
	    .raw = true,
	    .doc =
		"Runs a command as a session of its own: others see it as a "
		"peer and write to it as long as it runs. Its exit status is the "
		"command's." },
	{ .name = "show",
	    .args = "session",
	    .flags = show_args,
	    .run = show,
	    .doc = "Shows one session of this daemon." },
	{ .name = NULL },
};

const struct noun noun_session = { .name = "session",
	.doc = "Sessions opened on this machine.",
	.verbs = verbs,
	.dflt = "list" };

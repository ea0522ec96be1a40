/*
 * session.c - launched sessions: peers of their own, each living as long as a
 * process. `session run` is for any program; it opens a session for its child,
 * tells the child by CLAUDEMESH_SESSION, and ends it with the child.
 */
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/child.h"
#include "cli/launch.h"
#include "client/place.h"

static int
run(struct cli *c, const struct verb *v)
{
	struct local_session_open in = { .name = "" };
	char name[65], cwd[1025];
	const char *slash;
	int rc;

	if (c->rest == NULL || c->rest[0] == NULL)
		return cli_usage(c, "session run needs a command after --");
	if ((rc = args_fill(c, v->row, &in)) != 0)
		return rc;
	if (in.name == NULL || *in.name == '\0') {
		place_name(name);
		in.name = name;
	}
	if (in.channel == NULL) {
		slash = strrchr(c->rest[0], '/');
		in.channel = slash == NULL ? c->rest[0] : slash + 1;
		in.channel = arena_strndup(&c->arena, in.channel, 64);
	}
	if (getcwd(cwd, sizeof(cwd)) != NULL)
		in.cwd = cwd;
	return child_run(c, c->rest, &in, NULL, NULL);
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
	{ .name = "launch",
	    .run = launch_run,
	    .args = "",
	    .flags = launch_flags,
	    .raw = true,
	    .doc = "Starts Claude Code as a peer of its own in the mesh. Asks "
		   "for what no flag says; what follows -- goes to claude." },
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

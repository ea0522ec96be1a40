/*
 * launch.c - `claudemesh launch`: Claude Code as a session of its own.
 *
 * It asks only what no flag said, and only on a terminal; elsewhere what is
 * missing is an error, never a guess. Which session of the mesh a conversation
 * of Claude Code had is written down in sessions/ID, so --resume brings back the
 * same peer: name, key and mail. What is only for this run lies in a folder
 * sessions/run-*, which is locked as long as somebody needs it; those that nobody
 * locks are of runs that crashed, and go at the next launch.
 */
#include "cli/launch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/child.h"
#include "client/place.h"

struct launch {
	struct claude claude;
	struct local_session_open open;
	char name[65], cwd[1025];
	const char *mode;	 /* push, inbox or off */
	char run[HOME_MAX + 48]; /* this run's folder */
};

/* ---- files ---- */

static const char *
sessions_file(struct cli *c, const char *name)
{
	return arena_printf(&c->arena, "%s/sessions%s%s", c->home.dir,
	    *name == '\0' ? "" : "/", name);
}

static int
write_file(struct cli *c, const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t n = strlen(text);
	bool ok = fd >= 0 && write(fd, text, n) == (ssize_t)n;

	if (fd >= 0)
		close(fd);
	return ok ? 0
		  : cli_fail(c, E_INTERNAL, "%s: %s", path, strerror(errno));
}

static void
remove_run(struct cli *c, const char *dir)
{
	unlink(arena_printf(&c->arena, "%s/mcp.json", dir));
	unlink(arena_printf(&c->arena, "%s/lock", dir));
	rmdir(dir);
}

/* Folders of runs that ended without taking them away. */
static void
sweep(struct cli *c, const char *top)
{
	DIR *d = opendir(top);
	struct dirent *e;
	const char *dir;
	int fd;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!str_starts(e->d_name, "run-"))
			continue;
		dir = arena_printf(&c->arena, "%s/%s", top, e->d_name);
		fd = open(arena_printf(&c->arena, "%s/lock", dir),
		    O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			remove_run(c, dir);
		if (fd >= 0)
			close(fd);
	}
	if (d != NULL)
		closedir(d);
}

/* This run's folder. Its lock is inherited: it holds as long as we or Claude
 * Code live. */
static int
make_run(struct cli *c, struct launch *l)
{
	const char *top = sessions_file(c, ""), *path;
	struct buf b;
	int fd, rc;

	if (mkdir(top, 0700) != 0 && errno != EEXIST)
		return cli_fail(c, E_INTERNAL, "%s: %s", top, strerror(errno));
	sweep(c, top);
	snprintf(l->run, sizeof(l->run), "%s/run-XXXXXX", top);
	if (mkdtemp(l->run) == NULL ||
	    (fd = open(arena_printf(&c->arena, "%s/lock", l->run),
		 O_RDWR | O_CREAT, 0600)) < 0 ||
	    flock(fd, LOCK_EX | LOCK_NB) != 0)
		return cli_fail(c, E_INTERNAL, "%s: %s", l->run,
		    strerror(errno));
	path = arena_printf(&c->arena, "%s/mcp.json", l->run);
	buf_init(&b, 64 * 1024);
	buf_adds(&b, "{\"mcpServers\":{\"claudemesh\":{\"command\":");
	json_quote(&b, c->exe);
	buf_adds(&b, ",\"args\":[\"mcp\"]}}}\n");
	rc = write_file(c, path, buf_str(&b));
	buf_fini(&b);
	l->claude.config = path;
	return rc;
}

/* ---- the session a conversation had ---- */

/* "SESSION\nNAME\nMESH\n" of sessions/ID; false when there is none. */
static bool
recall(struct cli *c, const char *id, const char *out[3])
{
	char text[512];
	FILE *f = fopen(sessions_file(c, id), "re");
	size_t n = f == NULL ? 0 : fread(text, 1, sizeof(text) - 1, f);
	char *at = text;

	if (f != NULL)
		fclose(f);
	text[n] = '\0';
	for (int i = 0; i < 3; i++) {
		char *end = strchr(at, '\n');

		if (end == NULL)
			return false;
		*end = '\0';
		out[i] = arena_strdup(&c->arena, at);
		at = end + 1;
	}
	return true;
}

static void
opened(struct cli *c, const struct local_session *s, void *arg)
{
	struct launch *l = arg;

	write_file(c, sessions_file(c, l->claude.id),
	    arena_printf(&c->arena, "%s\n%s\n%s\n", s->session, s->name,
		s->mesh));
	cli_say(c, "%s in %s; messages: %s%s", safe(c, s->name),
	    safe(c, s->mesh), l->mode,
	    l->claude.autonomous ? "; it does not ask before it acts" : "");
}

/* ---- questions ---- */

static bool
asks(const struct cli *c)
{
	return c->tty_in && (!c->yes || c->always_ask) && !c->quiet;
}

/* An answer of one line; dflt for an empty one. */
static const char *
question(struct cli *c, const char *what, const char *dflt)
{
	char line[512] = "";

	fprintf(stderr, "%s [%s]: ", what, dflt);
	fflush(stderr);
	if (fgets(line, sizeof(line), stdin) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return line[0] == '\0' ? dflt : arena_strdup(&c->arena, line);
}

static int
which_mesh(struct cli *c)
{
	struct local_mesh_list in = { 0 };
	struct local_meshes out;
	struct buf all;
	int rc;

	if (c->mesh != NULL)
		return 0;
	if ((rc = cli_call(c, &wire_local_mesh_list, &in, &out)) != 0)
		return rc;
	if (out.meshes.n == 0) {
		cli_hint(c, "claudemesh up, or claudemesh launch --join URL");
		return cli_fail(c, E_NO_MESH, "no mesh is joined here");
	}
	c->mesh = out.meshes.v[0].slug;
	if (out.meshes.n == 1)
		return 0;
	buf_init(&all, 4096);
	for (size_t i = 0; i < out.meshes.n; i++)
		buf_addf(&all, "%s%s", i > 0 ? ", " : "", out.meshes.v[i].slug);
	if (asks(c)) {
		fprintf(stderr, "Meshes: %s\n", safe(c, buf_str(&all)));
		c->mesh = question(c, "Mesh", c->mesh);
	} else {
		rc = cli_fail(c, E_USAGE,
		    "several meshes are joined; say which by --mesh: %s",
		    buf_str(&all));
	}
	buf_fini(&all);
	return rc;
}

static int
consent(struct cli *c, struct launch *l)
{
	if (c->yes && !c->always_ask)
		l->claude.autonomous = true;
	if (!asks(c))
		return 0;
	fputs(
	    "\nAutonomous mode: Claude Code acts without asking you, also on "
	    "what peers write to\nit: it runs commands, changes files, uses "
	    "the network, with your rights. Peers'\nmessages are marked as "
	    "data, but a model can be talked into things. Say yes only\nwhere "
	    "that may go wrong: a container, a machine of its own.\n",
	    stderr);
	l->claude.autonomous =
	    str_eq(question(c, "Let it act without asking (yes or no)", "no"),
		"yes");
	return 0;
}

/* ---- putting it together ---- */

static int
who(struct cli *c, struct launch *l)
{
	const char *name = arg(c, "name"), *role = arg(c, "role");
	const struct param *groups = args_find(&c->params, "groups");
	const char *list = NULL, *fault;
	int rc = 0;

	if (name == NULL) {
		place_name(l->name);
		if ((rc = cli_connect(c, true)) != 0)
			return rc;
		place_unique(c->local, c->mesh, l->name);
		name = asks(c) ? question(c, "Name", l->name) : l->name;
	}
	if ((fault = str_name_fault(name, 64)) != NULL)
		return cli_usage(c, "the name %s", fault);
	l->open.name = name;
	if (role == NULL && asks(c))
		role = question(c, "Role", "none");
	l->open.role = role == NULL || str_eq(role, "none") ? "" : role;
	if (groups != NULL && groups->n > 0)
		return args_groups(c, groups->v, groups->n, &l->open.groups);
	if (asks(c))
		list = question(c, "Groups, as lead:boss,dev", "none");
	if (list != NULL && !str_eq(list, "none"))
		rc = args_groups(c, &list, 1, &l->open.groups);
	return rc;
}

static int
which_mode(struct cli *c, struct launch *l)
{
	l->mode = arg(c, "message-mode");
	if (l->mode == NULL)
		l->mode = asks(c)
		    ? question(c, "Messages (push, inbox or off)", "push")
		    : "push";
	if (!str_eq(l->mode, "push") && !str_eq(l->mode, "inbox") &&
	    !str_eq(l->mode, "off"))
		return cli_usage(c, "--message-mode is push, inbox or off");
	l->claude.push = str_eq(l->mode, "push");
	return 0;
}

/* Which conversation, and which session of the mesh it had. */
static int
conversation(struct cli *c, struct launch *l)
{
	const char *resume = arg(c, "resume"), *had[3];

	if (resume != NULL && arg(c, "continue") != NULL)
		return cli_usage(c, "--resume or --continue, not both");
	if (arg(c, "continue") != NULL && (resume = claude_latest(c)) == NULL)
		return cli_fail(c, E_NOT_FOUND,
		    "there is no conversation of this folder to continue");
	if (resume != NULL && !claude_is_id(resume))
		return cli_usage(c,
		    "--resume takes an id such as "
		    "0b7c1d1e-5f3a-4f0e-9d0c-2f6a3b1c9e55");
	l->claude.resumed = resume != NULL;
	l->claude.id = resume != NULL ? resume : claude_new_id(c);
	if (resume == NULL || !recall(c, resume, had))
		return 0;
	l->open.resume = had[0];
	if (c->mesh == NULL)
		c->mesh = had[2];
	if (str_eq(c->mesh, had[2]) && arg(c, "name") == NULL)
		str_copy(l->name, sizeof(l->name), had[1]);
	else if (!str_eq(c->mesh, had[2]))
		l->open.resume = ""; /* a session is of one mesh */
	return 0;
}

/* What launch decides is not to be decided a second time behind the --. */
static int
check_rest(struct cli *c)
{
	static const char *const ours[] = { "--resume", "-r", "--continue",
		"-c", "--session-id" };

	for (size_t i = 0; c->rest != NULL && c->rest[i] != NULL; i++) {
		for (size_t j = 0; j < 5; j++)
			if (str_eq(c->rest[i], ours[j]))
				return cli_usage(c, "%s belongs before the --",
				    ours[j]);
		if (str_starts(c->rest[i], "--system-prompt") &&
		    arg(c, "system-prompt") != NULL)
			return cli_usage(c, "--system-prompt is given twice");
	}
	return 0;
}

static int
join_first(struct cli *c, const char *url)
{
	const struct params mine = c->params;
	const struct verb *verb = c->verb;
	const struct noun *noun = c->noun;
	char *const *rest = c->rest;
	char *word = arena_strdup(&c->arena, url);
	int rc;

	c->noun = cli_noun("join");
	c->verb = c->noun->verbs;
	if ((rc = args_parse(c, 1, &word)) == 0)
		rc = cli_run_verb(c, c->verb);
	c->params = mine;
	c->verb = verb;
	c->noun = noun;
	c->rest = rest;
	return rc;
}

static int
decide(struct cli *c, struct launch *l)
{
	const char *url = arg(c, "join");
	int rc;

	if ((rc = check_rest(c)) != 0 || (rc = conversation(c, l)) != 0)
		return rc;
	if (url != NULL && (rc = join_first(c, url)) != 0)
		return rc;
	if ((rc = which_mesh(c)) != 0)
		return rc;
	if (l->name[0] != '\0')
		l->open.name = l->name;
	else if ((rc = who(c, l)) != 0)
		return rc;
	if ((rc = which_mode(c, l)) != 0)
		return rc;
	return consent(c, l);
}

static void
environment(struct cli *c, const struct launch *l)
{
	setenv("CLAUDEMESH_HOME", c->home.dir, 1);
	setenv("CLAUDEMESH_MESSAGE_MODE", l->mode, 1);
	setenv("CLAUDEMESH_CONVERSATION", l->claude.id, 1);
	setenv("MCP_TIMEOUT", "30000", 0);
	setenv("MAX_MCP_OUTPUT_TOKENS", "50000", 0);
}

int
launch_run(struct cli *c, const struct verb *v)
{
	struct launch l = { .mode = "push" };
	char *const *command;
	int rc;

	(void)v;
	if ((l.claude.program = claude_program(c)) == NULL) {
		cli_hint(c,
		    "npm install -g @anthropic-ai/claude-code, or set "
		    "CLAUDE_BIN");
		return cli_fail(c, E_NOT_FOUND, "Claude Code is not here");
	}
	if ((rc = cli_home(c)) != 0 || (rc = decide(c, &l)) != 0 ||
	    (rc = cli_connect(c, true)) != 0)
		return rc;
	l.claude.system_prompt = arg(c, "system-prompt");
	if ((rc = make_run(c, &l)) != 0)
		return rc;
	l.open.mesh = c->mesh;
	l.open.channel = "claude-code";
	l.open.peer_type = "ai";
	if (getcwd(l.cwd, sizeof(l.cwd)) != NULL)
		l.open.cwd = l.cwd;
	command = claude_command(c, &l.claude, c->rest);
	environment(c, &l);
	rc = child_run(c, command, &l.open, opened, &l);
	remove_run(c, l.run);
	return rc;
}

const struct flag launch_flags[] = {
	{ "name", "NAME", "Its name; repo@branch when nobody is asked." },
	{ "role", "ROLE", "Its role." },
	{ "groups", "NAME[:ROLE],..", "Its groups." },
	{ "join", "URL", "Join this mesh first." },
	{ "message-mode", "MODE",
	    "push: messages come to it by themselves (the default); inbox: it "
	    "looks for them; off." },
	{ "resume", "ID", "Go on with a conversation: the same peer again." },
	{ "continue", NULL, "Go on with the newest of this folder." },
	{ "system-prompt", "TEXT", "For claude." },
	{ NULL, NULL, NULL },
};

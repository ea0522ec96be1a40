/*
 * claude.c - where Claude Code lies, what its conversations are called, how it
 * is called. Its flags as of the npm package @anthropic-ai/claude-code 2.1.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "cli/launch.h"

#define CHANNELS "--dangerously-load-development-channels"
#define AUTONOMOUS "--dangerously-skip-permissions"
#define CONFIG "--mcp-config"

static bool
runs(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    access(path, X_OK) == 0;
}

static const char *
in_path(struct cli *c)
{
	const char *p = getenv("PATH"), *path;
	size_t n;

	for (; p != NULL && *p != '\0'; p += n + (p[n] == ':')) {
		n = strcspn(p, ":");
		path = arena_printf(&c->arena, "%.*s/claude", (int)n, p);
		if (n > 0 && runs(path))
			return path;
	}
	return NULL;
}

const char *
claude_program(struct cli *c)
{
	static const char *const places[] = { "%s/.local/bin/claude",
		"/usr/local/bin/claude%.0s", "%s/.claude/bin/claude",
		"%s/.claude/local/claude" };
	const char *home = getenv("HOME"), *path = getenv("CLAUDE_BIN");

	if (path != NULL && *path != '\0')
		return runs(path) ? path : NULL;
	if ((path = in_path(c)) != NULL)
		return path;
	for (size_t i = 0; home != NULL && i < countof(places); i++) {
		path = arena_printf(&c->arena, places[i], home);
		if (runs(path))
			return path;
	}
	return NULL;
}

/* ---- conversations ---- */

bool
claude_is_id(const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s[i] != '-')
				return false;
		} else if (strchr("0123456789abcdef", s[i]) == NULL) {
			return false;
		}
	}
	return i == 36;
}

const char *
claude_new_id(struct cli *c)
{
	uint8_t b[16];

	if (getentropy(b, sizeof(b)) != 0)
		abort();
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	return arena_printf(&c->arena,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x",
	    b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10],
	    b[11], b[12], b[13], b[14], b[15]);
}

/* Where it keeps this folder's conversations: each character of the path that
 * is no letter or digit is a dash there. */
static const char *
project(struct cli *c)
{
	const char *top = getenv("CLAUDE_CONFIG_DIR"), *home = getenv("HOME");
	char cwd[PATH_MAX];

	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return NULL;
	for (char *s = cwd; *s != '\0'; s++)
		if (strspn(s,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789") == 0)
			*s = '-';
	if (top != NULL && *top != '\0')
		return arena_printf(&c->arena, "%s/projects/%s", top, cwd);
	return arena_printf(&c->arena, "%s/.claude/projects/%s",
	    home == NULL ? "" : home, cwd);
}

const char *
claude_latest(struct cli *c)
{
	const char *dir = project(c), *best = NULL, *id;
	time_t newest = 0;
	struct dirent *e;
	struct stat st;
	DIR *d = dir == NULL ? NULL : opendir(dir);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strlen(e->d_name) != 42 ||
		    strcmp(e->d_name + 36, ".jsonl") != 0)
			continue;
		id = arena_strndup(&c->arena, e->d_name, 36);
		if (claude_is_id(id) &&
		    stat(arena_printf(&c->arena, "%s/%s", dir, e->d_name),
			&st) == 0 &&
		    (best == NULL || st.st_mtime > newest)) {
			newest = st.st_mtime;
			best = id;
		}
	}
	if (d != NULL)
		closedir(d);
	return best;
}

/* ---- its command line ---- */

struct words {
	VEC(char *) all;
};

static void
word(struct cli *c, struct words *w, const char *s)
{
	char *copy = arena_strdup(&c->arena, s);

	vec_add(&w->all, copy);
}

/* The values that theirs gives to a flag that takes many. */
static void
values(struct cli *c, struct words *w, char *const *theirs, const char *flag)
{
	size_t n = strlen(flag);

	for (; *theirs != NULL; theirs++) {
		if (strncmp(*theirs, flag, n) == 0 && (*theirs)[n] == '=')
			word(c, w, *theirs + n + 1);
		else if (strcmp(*theirs, flag) == 0)
			while (theirs[1] != NULL && theirs[1][0] != '-')
				word(c, w, *++theirs);
	}
}

/* Everything of theirs that was not merged. */
static void
others(struct cli *c, struct words *w, char *const *theirs, bool autonomous)
{
	static const char *const merged[] = { CHANNELS, CONFIG };

	for (; *theirs != NULL; theirs++) {
		size_t i, n = 0;

		for (i = 0; i < countof(merged); i++) {
			n = strlen(merged[i]);
			if (strncmp(*theirs, merged[i], n) == 0 &&
			    ((*theirs)[n] == '\0' || (*theirs)[n] == '='))
				break;
		}
		if (i < countof(merged)) {
			while ((*theirs)[n] == '\0' && theirs[1] != NULL &&
			    theirs[1][0] != '-')
				n = strlen(*++theirs);
		} else if (!autonomous || strcmp(*theirs, AUTONOMOUS) != 0) {
			word(c, w, *theirs);
		}
	}
}

char *const *
claude_command(struct cli *c, const struct claude *p, char *const *theirs)
{
	static char *const none[] = { NULL };
	struct words w = { 0 };
	char **out;
	size_t had;

	if (theirs == NULL)
		theirs = none;
	word(c, &w, p->program);
	had = w.all.n;
	word(c, &w, CHANNELS);
	if (p->push)
		word(c, &w, "server:claudemesh");
	values(c, &w, theirs, CHANNELS);
	if (w.all.n == had + 1)
		w.all.n = had; /* nobody gives it a value */
	word(c, &w, CONFIG);
	word(c, &w, p->config);
	values(c, &w, theirs, CONFIG);
	/* A flag of one value next: the ones before take all they can get. */
	word(c, &w, p->resumed ? "--resume" : "--session-id");
	word(c, &w, p->id);
	if (p->autonomous)
		word(c, &w, AUTONOMOUS);
	if (p->system_prompt != NULL) {
		word(c, &w, "--system-prompt");
		word(c, &w, p->system_prompt);
	}
	others(c, &w, theirs, p->autonomous);
	vec_add(&w.all, NULL);
	out = arena_dup(&c->arena, w.all.v, w.all.n * sizeof(*w.all.v));
	vec_fini(&w.all);
	return out;
}

/*
 * place.c - reads .git/HEAD itself: a session must not wait for a program.
 */
#include "client/place.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

/* The first line of a file, without its end. */
static bool
first_line(const char *path, char *line, int cap)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (f == NULL)
		return false;
	ok = fgets(line, cap, f) != NULL;
	fclose(f);
	if (ok)
		line[strcspn(line, "\r\n")] = '\0';
	return ok;
}

/* The branch by DIR/.git/HEAD; in a worktree .git is a file that says where. */
static bool
branch_of(const char *dir, char *out, size_t cap)
{
	char path[2 * PATH_MAX], line[PATH_MAX] = "", git[2 * PATH_MAX];

	snprintf(git, sizeof(git), "%s/.git", dir);
	if (first_line(git, line, sizeof(line)) && str_starts(line, "gitdir: "))
		snprintf(git, sizeof(git), "%s%s%s", line[8] == '/' ? "" : dir,
		    line[8] == '/' ? "" : "/", line + 8);
	if (snprintf(path, sizeof(path), "%s/HEAD", git) >= (int)sizeof(path) ||
	    !first_line(path, line, 256))
		return false;
	return str_starts(line, "ref: refs/heads/") &&
	    str_copy(out, cap, line + 16);
}

void
place_name(char out[65])
{
	char dir[PATH_MAX], branch[48];
	char *slash;

	str_copy(out, 65, "session");
	if (getcwd(dir, sizeof(dir)) == NULL)
		return;
	slash = strrchr(dir, '/');
	if (slash[1] != '\0')
		snprintf(out, 65, "%.48s", slash + 1);
	for (; (slash = strrchr(dir, '/')) != NULL; *slash = '\0') {
		if (*dir == '\0' || !branch_of(dir, branch, sizeof(branch)))
			continue;
		snprintf(out, 65, "%.15s@%s",
		    slash[1] == '\0' ? "root" : slash + 1, branch);
		break;
	}
	if (str_name_fault(out, 64) != NULL)
		str_copy(out, 65, "session");
}

static bool
taken(const struct local_peers *peers, const char *name)
{
	for (size_t i = 0; i < peers->peers.n; i++)
		if (peers->peers.v[i].online &&
		    str_eq(peers->peers.v[i].name, name))
			return true;
	return false;
}

void
place_unique(struct local *l, const char *mesh, char name[65])
{
	struct local_peer_list in = { .mesh = mesh };
	struct local_peers peers;
	struct arena a = { 0 };
	struct why why;
	char base[65];

	str_copy(base, sizeof(base), name);
	if (local_call(l, &wire_local_peer_list, &in, 0, &a, &peers, &why) == 0)
		for (unsigned char n = 2; n < 100 && taken(&peers, name); n++)
			snprintf(name, 65, "%.60s-%u", base, n);
	if (str_name_fault(name, 64) != NULL) /* cut inside a character */
		str_copy(name, 65, base);
	arena_fini(&a);
}

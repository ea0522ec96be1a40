/*
 * main.c - where the program begins. All it does itself is the test run's
 * record of which rows of the protocol were exercised: with CLAUDEMESH_WIRE_SEEN
 * naming a file, each row's name is appended once when it is first seen.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/main.h"
#include "wire/wire.h"

static int seen_fd = -1;
static bool seen[M_COUNT_];

static void
note_seen(const struct wire_msg *m, bool encoded)
{
	char line[80];
	size_t n = strlen(m->name);

	(void)encoded;
	if (seen[m->no] || n + 1 > sizeof(line))
		return;
	seen[m->no] = true;
	memcpy(line, m->name, n);
	line[n++] = '\n';
	if (write(seen_fd, line, n) < 0)
		seen_fd = -1;
}

static void
record_rows(void)
{
	const char *path = getenv("CLAUDEMESH_WIRE_SEEN");

	if (path == NULL || *path == '\0')
		return;
	seen_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (seen_fd >= 0)
		wire_seen = note_seen;
}

int
main(int argc, char **argv)
{
	record_rows();
	return cli_main(argc, argv);
}

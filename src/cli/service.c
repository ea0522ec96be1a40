/*
 * service.c - the broker and the daemon in the background.
 *
 * A broker started here listens on loopback, keeps its data in the home and is
 * found again by broker/listen, which holds its address since meshes name it.
 * Nothing is started for a home whose meshes are all elsewhere.
 */
#include "cli/service.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "client/probe.h"
#include "store/db.h"

#define START_MS 8000
#define STOP_MS 10000
#define MUTE_MS 1500

static const char *
file(struct cli *c, const char *name)
{
	return arena_printf(&c->arena, "%s/%s", c->home.dir, name);
}

static void
nap(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

/* The first line of a small file of ours, or NULL. */
static char *
first_line(struct cli *c, const char *name)
{
	char line[128] = "";
	FILE *f = fopen(file(c, name), "re");

	if (f == NULL)
		return NULL;
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	return line[0] == '\0' ? NULL : arena_strdup(&c->arena, line);
}

/* ---- the broker ---- */

bool
service_broker_own(struct cli *c)
{
	return access(file(c, "broker/listen"), F_OK) == 0 ||
	    access(file(c, "broker/broker.db"), F_OK) == 0;
}

/* Is that process the program we are? A stale pid file may name any other. */
static bool
is_ours(int64_t pid)
{
	char path[64], line[512] = "";
	size_t i, n;
	FILE *f;

	if (kill((pid_t)pid, 0) != 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%lld/cmdline", (long long)pid);
	if ((f = fopen(path, "re")) == NULL)
		return access("/proc/self/cmdline", F_OK) != 0;
	n = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	for (i = 0; i + 1 < n; i++) {
		if (line[i] == '\0')
			line[i] = ' ';
	}
	return strstr(line, " broker run") != NULL;
}

static int64_t
pid_in(struct cli *c, const char *name)
{
	const char *s = first_line(c, name);
	long long pid = s == NULL ? 0 : atoll(s);

	return pid > 1 && is_ours(pid) ? pid : 0;
}

int64_t
service_broker_pid(struct cli *c)
{
	return pid_in(c, "broker/broker.pid");
}

const char *
service_broker_crashed(struct cli *c)
{
	return first_line(c, "broker/broker.crashed");
}

/* Where it listens, or would: as it says itself, as was remembered, or the
 * usual place. */
static const char *
listen_addr(struct cli *c)
{
	const char *s = NULL;

	if (service_broker_pid(c) > 0)
		s = first_line(c, "broker/broker.addr");
	if (s == NULL)
		s = first_line(c, "broker/listen");
	return s == NULL ? SERVICE_BROKER : s;
}

const char *
service_broker_url(struct cli *c)
{
	const char *env = getenv("CLAUDEMESH_BROKER");

	if (env != NULL && *env != '\0')
		return env;
	return arena_printf(&c->arena, "ws://%s/ws", listen_addr(c));
}

static int
remember(struct cli *c, const char *addr)
{
	FILE *f;
	int fd;

	if (mkdir(file(c, "broker"), 0700) != 0 && errno != EEXIST)
		return cli_fail(c, E_FORBIDDEN, "%s cannot be made: %s",
		    file(c, "broker"), strerror(errno));
	fd = open(file(c, "broker/listen"),
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || (f = fdopen(fd, "w")) == NULL)
		return cli_fail(c, E_FORBIDDEN, "%s cannot be written: %s",
		    file(c, "broker/listen"), strerror(errno));
	fprintf(f, "%s\n", addr);
	return fclose(f) == 0
	    ? 0
	    : cli_fail(c, E_STORAGE_FULL, "%s was not written",
		  file(c, "broker/listen"));
}

/* Wait until it answers or has died; dead ones close their end of life. */
static int
await_broker(struct cli *c, const char *addr, int life, int64_t log_at)
{
	struct pollfd p = { .fd = life, .events = POLLIN };
	const char *log = file(c, "broker/broker.log");
	struct probe probe;
	int left = START_MS, grace = 500;
	char said[300];

	while (left > 0 && grace > 0) {
		probe_broker(&probe, addr, 1000);
		if (probe.state == PROBE_OK)
			return 0;
		if (poll(&p, 1, 0) > 0) /* lost a race, or cannot run */
			grace -= 50;
		nap(left > START_MS - 200 ? 10 : 50);
		left -= left > START_MS - 200 ? 10 : 50;
	}
	cli_hint(c, "tail %s", log);
	if (local_last_words(log, log_at, said, sizeof(said)))
		return cli_fail(c, E_UNREACHABLE,
		    "the broker did not start at %s: %s", addr, said);
	return cli_fail(c, E_UNREACHABLE,
	    "the broker did not start at %s; its log may say why", addr);
}

static int
start_broker(struct cli *c, const char *addr)
{
	char *argv[] = { c->exe, "broker", "run", "--listen", (char *)addr,
		"--data", (char *)file(c, "broker"), "--keep", "--log",
		(char *)file(c, "broker/broker.log"), NULL };
	int64_t log_at = local_log_end(file(c, "broker/broker.log"));
	int life, rc;

	if ((rc = remember(c, addr)) != 0)
		return rc;
	if (local_spawn(argv, c->home.dir, file(c, "broker/broker.log"),
		&life) != 0)
		return cli_fail(c, E_UNREACHABLE,
		    "the broker cannot be "
		    "started: %s",
		    strerror(errno));
	rc = await_broker(c, addr, life, log_at);
	close(life);
	return rc;
}

/* The address is taken by something that is no broker. */
static int
move_port(struct cli *c, const char **addr)
{
	int port;

	if (service_broker_own(c)) {
		cli_hint(c,
		    "end the program that holds the port, then "
		    "claudemesh up");
		return cli_fail(c, E_CONFLICT,
		    "%s, which the meshes made here "
		    "name, is taken by another program",
		    *addr);
	}
	if ((port = probe_port_pick("127.0.0.1")) < 0)
		return cli_fail(c, E_UNREACHABLE, "there is no free port: %s",
		    strerror(errno));
	cli_say(c, "%s is taken by another program; the broker uses port %d",
	    *addr, port);
	*addr = arena_printf(&c->arena, "127.0.0.1:%d", port);
	return 0;
}

/*
 * Can we have the address? A broker that is just dying still holds it, so a
 * refusal counts only when it lasts. It would not take a connection and say
 * nothing, as a program of another kind does. 1: a broker answers.
 */
static int
address_free(const char *addr)
{
	const char *colon = strrchr(addr, ':');
	struct probe probe;
	int tries, mute = 0;

	for (tries = 0; tries < 10 && mute < 2; tries++) {
		probe_broker(&probe, addr, MUTE_MS);
		mute += probe.state == PROBE_SILENT && probe.took_ms >= MUTE_MS;
		if (probe.state == PROBE_OK)
			return 1;
		if (colon == NULL ||
		    probe_port_free("127.0.0.1", atoi(colon + 1)) == 0 ||
		    errno != EADDRINUSE)
			return 0;
		nap(100);
	}
	return -1;
}

/* It crashed just now, and who keeps it starts it again. */
static bool
await_keeper(struct cli *c, const char *addr)
{
	struct probe probe;
	int left = START_MS;

	for (; left > 0 && pid_in(c, "broker/broker.keeper") > 0; left -= 50) {
		probe_broker(&probe, addr, 1000);
		if (probe.state == PROBE_OK)
			return true;
		nap(50);
	}
	return false;
}

int
service_broker_up(struct cli *c, bool *started)
{
	const char *addr = listen_addr(c);
	int rc;

	*started = false;
	if (await_keeper(c, addr))
		return 0;
	if ((rc = address_free(addr)) > 0)
		return 0;
	if (rc < 0 && (rc = move_port(c, &addr)) != 0)
		return rc;
	*started = true;
	return start_broker(c, addr);
}

/* Ended; perhaps not yet reaped by whoever is process 1 here. */
static bool
gone(int64_t pid)
{
	char path[64], state = '?';
	FILE *f;

	if (kill((pid_t)pid, 0) != 0)
		return true;
	snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
	if ((f = fopen(path, "re")) == NULL)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	fclose(f);
	return state == 'Z';
}

static bool
await_gone(int64_t pid)
{
	int left = STOP_MS;

	for (; left > 0 && !gone(pid); left -= 10)
		nap(10);
	return left > 0;
}

int
service_broker_down(struct cli *c, bool *stopped)
{
	int64_t pid = pid_in(c, "broker/broker.keeper");

	*stopped = false;
	if (pid == 0) /* its keeper ends it, or nobody keeps it */
		pid = service_broker_pid(c);
	if (pid == 0)
		return 0;
	if (kill((pid_t)pid, SIGTERM) != 0)
		return cli_fail(c, E_FORBIDDEN,
		    "the broker, process %lld, "
		    "cannot be stopped: %s",
		    (long long)pid, strerror(errno));
	if (!await_gone(pid)) {
		cli_hint(c, "kill -KILL %lld", (long long)pid);
		return cli_fail(c, E_TIMED_OUT,
		    "the broker, process %lld, has "
		    "not ended in 10 s",
		    (long long)pid);
	}
	*stopped = true;
	return 0;
}

/* ---- the daemon ---- */

int
service_daemon_down(struct cli *c, bool *stopped)
{
	struct local_stop in = { 0 };
	struct ok ok;
	struct why why = { 0 };
	int64_t pid;
	int rc;

	*stopped = false;
	if (c->local == NULL && !local_alive(&c->home))
		return 0;
	if ((rc = cli_connect(c, false)) != 0)
		return rc;
	pid = local_pid(c->local);
	rc = local_call(c->local, &wire_local_stop, &in, STOP_MS, &c->arena,
	    &ok, &why);
	if (rc != 0 && rc != E_UNREACHABLE) /* it may be gone before it says */
		return cli_fail_why(c, &why);
	local_close(c->local);
	c->local = NULL;
	if (!await_gone(pid)) {
		cli_hint(c, "kill -KILL %lld", (long long)pid);
		return cli_fail(c, E_TIMED_OUT,
		    "the daemon, process %lld, has "
		    "not ended in 10 s",
		    (long long)pid);
	}
	*stopped = true;
	return 0;
}

/* ---- the home ---- */

int
service_lock(struct cli *c)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(file(c, "up.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	while (fcntl(fd, F_SETLKW, &lock) != 0) {
		if (errno != EINTR) {
			close(fd);
			return -1;
		}
	}
	return fd;
}

static int
erase(struct cli *c, const char *path)
{
	if (unlink(path) != 0 && errno != ENOENT)
		return cli_fail(c, E_FORBIDDEN, "%s cannot be removed: %s",
		    path, strerror(errno));
	if (!c->quiet && !doc_wanted(c))
		printf("removed %s\n", path);
	return 0;
}

/* A folder of ours with plain files only; links are removed, not followed. */
static int
erase_folder(struct cli *c, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	struct stat st;
	int rc = 0;

	if (dir == NULL)
		return erase(c, path);
	while (rc == 0 && (e = readdir(dir)) != NULL) {
		const char *in =
		    arena_printf(&c->arena, "%s/%s", path, e->d_name);

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (lstat(in, &st) == 0 && S_ISDIR(st.st_mode))
			rc = cli_fail(c, E_CONFLICT,
			    "%s is a folder that "
			    "claudemesh did not make",
			    in);
		else
			rc = erase(c, in);
	}
	closedir(dir);
	if (rc == 0 && rmdir(path) != 0)
		rc = cli_fail(c, E_FORBIDDEN, "%s cannot be removed: %s", path,
		    strerror(errno));
	return rc;
}

int
service_purge(struct cli *c)
{
	static const char *const ours[] = { "broker", "sessions", "daemon.sock",
		"daemon.lock", "daemon.pid", "daemon.log", "daemon.log.1",
		"daemon.log.2", "daemon.db", "daemon.db-wal", "daemon.db-shm",
		"daemon.db-journal", "config.json", "policy.yaml", "audit.log",
		"up.lock", "account.key", "account.key.before" };
	struct stat st;
	size_t i;
	int rc = 0;

	for (i = 1; i < daemon_schema_n && rc == 0; i++) {
		const char *path = file(c,
		    arena_printf(&c->arena, "daemon.db.step-%04d", (int)i));

		if (lstat(path, &st) == 0)
			rc = erase(c, path);
	}
	for (i = 0; i < countof(ours) && rc == 0; i++) {
		const char *path = file(c, ours[i]);

		if (lstat(path, &st) == 0)
			rc = S_ISDIR(st.st_mode) ? erase_folder(c, path)
						 : erase(c, path);
	}
	if (rc != 0)
		return rc;
	if (rmdir(c->home.dir) == 0)
		cli_say(c, "removed %s; nothing is left", c->home.dir);
	else if (errno != ENOENT)
		cli_say(c,
		    "left %s: there are files in it that claudemesh did "
		    "not make",
		    c->home.dir);
	return 0;
}

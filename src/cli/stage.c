/*
 * stage.c - see stage.h. Children end with us: by stage_close, or, if we are
 * killed, by the signal the kernel then sends them.
 */
#include "cli/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

#define OUTPUT_MAX 65536
#define STOP_MS 3000
#define NAME_WIDTH 6

static volatile sig_atomic_t interrupted;

static void
on_signal(int no)
{
	interrupted = no;
}

static int64_t
mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
nap(void)
{
	const struct timespec t = { .tv_nsec = 10000000 };

	nanosleep(&t, NULL);
}

void
stage_fail(struct stage *s, const char *what)
{
	if (s->failed)
		return;
	s->failed = true;
	fflush(stdout);
	if (interrupted)
		fprintf(stderr, "claudemesh: demo: interrupted\n");
	else
		cli_fail(s->c, E_INTERNAL, "demo: %s", what);
}

static bool
over(struct stage *s)
{
	if (interrupted)
		stage_fail(s, "");
	else if (mono() > s->until)
		stage_fail(s, "it takes too long; is this machine very busy?");
	return s->failed;
}

/* ---- processes ---- */

static const char *
home(struct stage *s, int actor)
{
	return arena_printf(&s->c->arena, "%s/%s", s->dir, s->name[actor]);
}

/* A child of ours; out: where its output goes, or -1 for its log. */
static pid_t
start(struct stage *s, int actor, const char *const argv[], int out)
{
	const char *where = actor < 0 ? s->dir : home(s, actor);
	char *log = arena_printf(&s->c->arena, "%s.log", where);
	pid_t pid;
	int null;

	fflush(NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	null = open("/dev/null", O_RDONLY);
	if (out < 0)
		out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (null < 0 || out < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(out, 2) < 0)
		_exit(126);
	setenv("CLAUDEMESH_HOME", where, 1);
	unsetenv("CLAUDEMESH_SESSION");
	unsetenv("CLAUDEMESH_MESH");
	unsetenv("CLAUDEMESH_BROKER");
	execv(s->c->exe, (char *const *)argv);
	_exit(127);
}

static void
end(pid_t *pid, int how)
{
	int64_t until = mono() + STOP_MS;

	if (*pid <= 0)
		return;
	kill(*pid, how);
	while (waitpid(*pid, NULL, WNOHANG) == 0) {
		nap();
		if (mono() > until)
			kill(*pid, SIGKILL);
	}
	*pid = 0;
}

static bool
gone(pid_t *pid)
{
	if (waitpid(*pid, NULL, WNOHANG) == 0)
		return false;
	*pid = 0;
	return true;
}

static void
wait_for(struct stage *s, const char *path, pid_t *pid, const char *what)
{
	struct stat st;

	while (!s->failed && stat(path, &st) != 0) {
		if (gone(pid))
			stage_fail(s, what);
		else if (!over(s))
			nap();
	}
}

void
stage_start(struct stage *s, int actor)
{
	const char *const argv[] = { "claudemesh", "daemon", "run", NULL };
	char *sock =
	    arena_printf(&s->c->arena, "%s/daemon.sock", home(s, actor));

	if (s->failed)
		return;
	unlink(sock);
	s->daemon[actor] = start(s, actor, argv, -1);
	wait_for(s, sock, &s->daemon[actor], "a daemon does not start");
}

void
stage_kill(struct stage *s, int actor)
{
	if (s->failed)
		return;
	printf("%-*s # kill -9 %d\n", NAME_WIDTH, s->name[actor],
	    (int)s->daemon[actor]);
	end(&s->daemon[actor], SIGKILL);
}

/* ---- commands ---- */

/* Everything it says, until it ends; its exit status, or -1. */
static int
listen_to(struct stage *s, pid_t pid, int fd, struct buf *out)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int status = -1;
	ssize_t n = 1;
	char *to;

	while (n > 0 && !over(s)) {
		if (poll(&p, 1, 50) <= 0)
			continue;
		to = buf_reserve(out, 4096);
		n = to == NULL ? 0 : read(fd, to, 4096);
		if (n > 0)
			buf_commit(out, (size_t)n);
	}
	if (s->failed)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
show_command(struct stage *s, int actor, const char *const argv[])
{
	printf("%-*s $ claudemesh", NAME_WIDTH, s->name[actor]);
	for (size_t i = 1; argv[i] != NULL; i++) {
		bool plain = strpbrk(argv[i], " *#'\"") == NULL;

		printf(plain ? " %s" : " '%s'", argv[i]);
	}
	putchar('\n');
	fflush(stdout);
}

static void
show_output(const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");

		printf("%*s   %.*s\n", NAME_WIDTH, "", (int)n, text);
		text += n + (text[n] == '\n');
	}
	fflush(stdout);
}

const char *
stage_run(struct stage *s, int actor, const char *say, const char *const argv[])
{
	const char *text = "";
	int pipes[2], rc;
	struct buf out;
	pid_t pid;

	if (s->failed || over(s))
		return "";
	show_command(s, actor, argv);
	if (pipe(pipes) != 0) {
		stage_fail(s, "there is no pipe");
		return "";
	}
	fcntl(pipes[0], F_SETFD, FD_CLOEXEC);
	pid = start(s, actor, argv, pipes[1]);
	close(pipes[1]);
	buf_init(&out, OUTPUT_MAX);
	rc = listen_to(s, pid, pipes[0], &out);
	close(pipes[0]);
	text = arena_strndup(&s->c->arena, buf_str(&out), out.len);
	buf_fini(&out);
	show_output(text);
	if (rc != 0)
		stage_fail(s, "a command failed");
	else if (say != NULL && strstr(text, say) == NULL)
		stage_fail(s,
		    arena_printf(&s->c->arena, "'%s' was expected of it", say));
	return s->failed ? "" : text;
}

void
stage_scene(struct stage *s, const char *text)
{
	if (!s->failed)
		printf("\n-- %s\n", text);
}

/* ---- opening and closing ---- */

static void
read_url(struct stage *s, const char *path)
{
	char addr[48] = "";
	FILE *f = fopen(path, "r");

	if (f == NULL || fgets(addr, sizeof(addr), f) == NULL)
		stage_fail(s, "the broker does not say where it listens");
	if (f != NULL)
		fclose(f);
	addr[strcspn(addr, "\n")] = '\0';
	snprintf(s->url, sizeof(s->url), "ws://%s/ws", addr);
}

int
stage_open(struct stage *s, struct cli *c, const char *const names[],
    int64_t limit_ms)
{
	struct sigaction sa = { .sa_handler = on_signal };
	const char *tmp = getenv("TMPDIR");
	char *data, *addr;

	*s = (struct stage){ .c = c, .until = mono() + limit_ms };
	for (int i = 0; i < STAGE_ACTORS; i++)
		s->name[i] = names[i];
	if (tmp == NULL || *tmp != '/' || strlen(tmp) > 32)
		tmp = "/tmp";
	snprintf(s->dir, sizeof(s->dir), "%s/claudemesh-demo.XXXXXX", tmp);
	if (mkdtemp(s->dir) == NULL) {
		s->dir[0] = '\0';
		return cli_fail(c, E_FORBIDDEN, "no folder in %s: %s", tmp,
		    strerror(errno));
	}
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	data = arena_printf(&c->arena, "%s/broker", s->dir);
	addr = arena_printf(&c->arena, "%s/broker.addr", data);
	s->broker = start(s, -1,
	    (const char *const[]){ "claudemesh", "broker", "run", "--listen",
		"127.0.0.1:0", "--data", data, NULL },
	    -1);
	wait_for(s, addr, &s->broker, "the broker does not start");
	if (!s->failed)
		read_url(s, addr);
	for (int i = 0; i < STAGE_ACTORS; i++)
		stage_start(s, i);
	return s->failed ? err_info(E_INTERNAL)->exit : 0;
}

/* The folder is ours alone: all in it goes. */
static void
erase(const char *path, int depth)
{
	char in[512];
	struct dirent *e;
	struct stat st;
	DIR *dir;

	if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || depth > 4) {
		unlink(path);
		return;
	}
	dir = opendir(path);
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (snprintf(in, sizeof(in), "%s/%s", path, e->d_name) <
		    (int)sizeof(in))
			erase(in, depth + 1);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
}

void
stage_close(struct stage *s)
{
	for (int i = 0; i < STAGE_ACTORS; i++)
		end(&s->daemon[i], SIGTERM);
	end(&s->broker, SIGTERM);
	if (s->dir[0] != '\0') {
		char *log = arena_printf(&s->c->arena, "%s.log", s->dir);

		unlink(log);
		erase(s->dir, 0);
	}
	s->dir[0] = '\0';
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
}

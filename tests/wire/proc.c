/*
 * proc.c - the processes of a transcript: one broker, and daemons, each in a
 * folder of its own. They die with the runner, and must end well when asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/wire/script.h"

#define START_MS 20000
#define STOP_MS 20000

struct proc {
	char name[40], err[128];
	pid_t pid;
};

static struct proc procs[16];
static size_t nprocs;
static char broker_args[TR_ARGS][128];
static size_t nbroker_args;

static void
nap(void)
{
	struct timespec t = { 0, 5 * 1000000L };

	nanosleep(&t, NULL);
}

static struct proc *
named(const char *name)
{
	size_t i;

	for (i = 0; i < nprocs; i++) {
		if (procs[i].pid > 0 && strcmp(procs[i].name, name) == 0)
			return &procs[i];
	}
	return NULL;
}

/* In the child: becomes the program. */
static void
become(struct proc *p, char **argv, const char *home)
{
	const char *bin = getenv("CLAUDEMESH_BIN");
	int fd = open(p->err, O_WRONLY | O_CREAT | O_APPEND, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd < 0 || bin == NULL)
		_exit(126);
	dup2(fd, 1);
	dup2(fd, 2);
	setenv("HOME", tr.dir, 1);
	setenv("CLAUDEMESH_HOME", home, 1);
	unsetenv("CLAUDEMESH_SESSION");
	execv(bin, argv);
	_exit(127);
}

static struct proc *
start(const char *name, char **argv, const char *home)
{
	struct proc *p = named(name);
	size_t i;

	if (p != NULL)
		tr_fail("'%s' runs already", name);
	for (i = 0; i < nprocs && procs[i].pid > 0; i++)
		;
	if (i == countof(procs))
		tr_fail("too many processes");
	p = &procs[i];
	if (i == nprocs)
		nprocs++;
	str_copy(p->name, sizeof(p->name), name);
	snprintf(p->err, sizeof(p->err), "%s/%s.err", tr.dir, name);
	fflush(NULL);
	p->pid = fork();
	if (p->pid == 0)
		become(p, argv, home);
	return p;
}

static void
show(const struct proc *p)
{
	char line[1000];
	FILE *f = fopen(p->err, "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		printf("  %s| %s", p->name, line);
	if (f != NULL)
		fclose(f);
}

/* Waits until ready() or fails; the process must live. */
static void
wait_for(struct proc *p, bool (*ready)(const char *), const char *path)
{
	int64_t until = tr_now() + START_MS;

	while (!ready(path)) {
		if (waitpid(p->pid, NULL, WNOHANG) == p->pid) {
			p->pid = 0;
			show(p);
			tr_fail("%s does not start", p->name);
		}
		if (tr_now() > until)
			tr_fail("%s is not ready in time", p->name);
		nap();
	}
}

/* ---- the broker ---- */

void
proc_broker_args(const struct args *a)
{
	size_t i;

	if (named("broker") != NULL)
		tr_fail("the broker runs already");
	nbroker_args = 0;
	for (i = 1; i < a->n; i++)
		str_copy(broker_args[nbroker_args++], sizeof(broker_args[0]),
		    a->v[i]);
}

static bool
has_address(const char *path)
{
	char line[100] = "";
	FILE *f = fopen(path, "r");

	if (f == NULL)
		return false;
	if (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		snprintf(tr.http, sizeof(tr.http), "http://%.50s", line);
		snprintf(tr.url, sizeof(tr.url), "ws://%.50s/ws", line);
	}
	fclose(f);
	return tr.url[0] != '\0';
}

void
proc_broker(void)
{
	char data[96], addr[128], listen[64] = "127.0.0.1:0";
	char *argv[16 + TR_ARGS] = { (char[]){ "claudemesh" },
		(char[]){ "broker" }, (char[]){ "run" }, (char[]){ "--listen" },
		listen, (char[]){ "--data" }, data };
	size_t n = 7, i;
	struct proc *p;

	if (named("broker") == NULL) {
		if (tr.http[0] != '\0') /* once more, on the same port */
			str_copy(listen, sizeof(listen),
			    tr.http + strlen("http://"));
		snprintf(data, sizeof(data), "%s/broker", tr.dir);
		snprintf(addr, sizeof(addr), "%s/broker.addr", data);
		unlink(addr);
		for (i = 0; i < nbroker_args; i++)
			argv[n++] = broker_args[i];
		tr.url[0] = '\0';
		p = start("broker", argv, data);
		wait_for(p, has_address, addr);
	}
	tr_set("url", tr.url);
	tr_set("http", tr.http);
}

/* ---- daemons ---- */

static bool
answers(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	str_copy(a.sun_path, sizeof(a.sun_path), path);
	rc = connect(fd, (struct sockaddr *)&a, sizeof(a));
	close(fd);
	return rc == 0;
}

void
proc_daemon(const char *name)
{
	char home[96], path[128];
	char *argv[] = { (char[]){ "claudemesh" }, (char[]){ "daemon" },
		(char[]){ "run" }, (char[]){ "--broker" }, tr.url, NULL };
	struct proc *p;

	proc_broker();
	snprintf(home, sizeof(home), "%s/%s", tr.dir, name);
	snprintf(path, sizeof(path), "%s/daemon.sock", home);
	mkdir(home, 0700);
	p = start(name, argv, home);
	wait_for(p, answers, path);
}

/* ---- ending ---- */

static int
end(struct proc *p, int signo)
{
	int64_t until = tr_now() + STOP_MS;
	int status = 0;

	kill(p->pid, signo);
	while (waitpid(p->pid, &status, WNOHANG) == 0) {
		if (tr_now() > until) {
			kill(p->pid, SIGKILL);
			waitpid(p->pid, &status, 0);
			break;
		}
		nap();
	}
	p->pid = 0;
	if (signo == SIGKILL || status == 0)
		return 0;
	show(p);
	printf("  %s ended with status %d\n", p->name, status);
	return -1;
}

void
proc_signal(const char *name, int signo)
{
	struct proc *p = named(name);

	if (p == NULL)
		tr_fail("'%s' does not run", name);
	kill(p->pid, signo);
}

void
proc_stop(const char *name, int signo)
{
	struct proc *p = named(name);

	if (p == NULL)
		tr_fail("'%s' does not run", name);
	if (end(p, signo) != 0)
		tr_fail("%s did not end well", name);
}

int
proc_stop_all(void)
{
	size_t i = nprocs;
	int rc = 0;

	while (i > 0) {
		i--;
		if (procs[i].pid > 0 && end(&procs[i], SIGTERM) != 0)
			rc = -1;
	}
	nprocs = 0;
	return rc;
}

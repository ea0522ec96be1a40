/*
 * keeper.c - starts a broker again when it crashed. It is the broker's parent
 * and does nothing else. A broker that ends by itself, or that cannot begin, is
 * not started again; one that crashes over and over is given up, and the file
 * broker.crashed says why.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "broker/config.h"
#include "broker/main.h"

#define CRASHES_MAX 5
#define WINDOW_S 600   /* of them, within so long */
#define BACKOFF_MS 200 /* doubled each time */
#define DISK_FAILED 70 /* run.c ends so when the disk failed */

static volatile sig_atomic_t ending;
static volatile sig_atomic_t child;

static void
on_end(int signo)
{
	ending = 1;
	if (child > 0)
		kill(child, signo);
}

static void
on_hup(int signo)
{
	if (child > 0)
		kill(child, signo);
}

static int64_t
wall(void *arg)
{
	struct timespec ts;

	(void)arg;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t
mono_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static void
on_signals(void (*end)(int), void (*hup)(int))
{
	struct sigaction a = { .sa_handler = end };

	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGINT, &a, NULL);
	a.sa_handler = hup;
	sigaction(SIGHUP, &a, NULL);
}

static void
write_line(const char *dir, const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", dir, name);
	FILE *f;

	if (text == NULL) {
		unlink(path);
	} else if ((f = fopen(path, "we")) != NULL) {
		fprintf(f, "%s\n", text);
		fclose(f);
	}
	mem_free(path);
}

/* Its exit status; how it crashed in text, "" when it did not. */
static int
run_once(const struct broker_options *opt, char *text, size_t cap)
{
	pid_t pid;
	int status = 0;

	text[0] = '\0';
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		on_signals(SIG_DFL, SIG_DFL);
		log_setup(2, opt->log_level, NULL, NULL);
		exit(broker_run(opt));
	}
	child = pid;
	if (ending && pid > 0) /* it came between */
		kill(pid, SIGTERM);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	child = 0;
	if (pid < 0)
		snprintf(text, cap, "fork: %s", strerror(errno));
	else if (WIFSIGNALED(status))
		snprintf(text, cap, "signal %d, %s", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == DISK_FAILED)
		snprintf(text, cap, "the disk failed");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void
nap(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	if (!ending)
		nanosleep(&ts, NULL); /* a signal ends it */
}

static int
give_up(const char *data, const char *how)
{
	char line[300];

	snprintf(line, sizeof(line),
	    "%d crashes within %d minutes, the last: "
	    "%s",
	    CRASHES_MAX, WINDOW_S / 60, how);
	write_line(data, "broker.crashed", line);
	write_line(data, "broker.addr", NULL);
	write_line(data, "broker.pid", NULL);
	log_event(LOG_ERROR, "given_up", "why", line, NULL);
	return 1;
}

/* How many crashes there were lately, but the last. */
static int
recent(const int64_t *at, int n)
{
	int k = 0;

	for (int i = 1; i < CRASHES_MAX && i < n; i++)
		k += mono_s() - at[(n - 1 - i) % CRASHES_MAX] < WINDOW_S;
	return k;
}

int
broker_keep(const struct broker_options *opt)
{
	const char *data = opt->config->v[CONF_data].text;
	int64_t at[CRASHES_MAX] = { 0 };
	char how[200], pid[24];
	int n = 0, status = 0;

	log_setup(2, opt->log_level, wall, NULL);
	on_signals(on_end, on_hup);
	write_line(data, "broker.crashed", NULL);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	while (!ending) {
		write_line(data, "broker.keeper", pid);
		status = run_once(opt, how, sizeof(how));
		if (how[0] == '\0' || ending)
			break;
		log_event(LOG_ERROR, "broker_crashed", "why", how, NULL);
		at[n++ % CRASHES_MAX] = mono_s();
		if (n >= CRASHES_MAX &&
		    mono_s() - at[n % CRASHES_MAX] < WINDOW_S) {
			status = give_up(data, how);
			break;
		}
		nap(BACKOFF_MS << recent(at, n));
	}
	write_line(data, "broker.keeper", NULL);
	return status;
}

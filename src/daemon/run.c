/*
 * run.c - the daemon as a process: one per home folder, its key, its log, its
 * signals. When a newer client comes it ends in order and executes that
 * client's binary in its place; the lock and the socket pass with the exec.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/enc.h"
#include "client/home.h"
#include "client/self.h"
#include "crypto/key.h"
#include "daemon/daemon.h"
#include "base/logfile.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/db.h"

#define LOG_SIZE (8 * 1024 * 1024)
#define LOG_KEEP 2
#define DEFAULT_BROKER "ws://127.0.0.1:7900/ws"

struct process {
	const struct daemon_options *opt;
	struct home home;
	struct io *io;
	struct daemon *daemon;
	struct daemon_conf conf;
	char key_file[HOME_MAX + 32], db_file[HOME_MAX + 32];
	char exe[4096]; /* to be executed next, or "" */
	char host[256], user[65];
	int lock, status;
	bool stopping;
};

static int
complain(struct process *p, const struct why *why)
{
	fprintf(stderr, "claudemesh: %s\n",
	    why->text[0] != '\0' ? why->text : err_info(why->code)->text);
	if (p->home.fix[0] != '\0')
		fprintf(stderr, "to mend it: %s\n", p->home.fix);
	return err_info(why->code)->exit;
}

/* ---- the account's seed ---- */

static int
read_key(const char *path, uint8_t seed[32], struct why *why)
{
	char text[66];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	bool good =
	    n == 65 && text[64] == '\n' && hex_decode(seed, 32, text, 64) == 32;

	if (fd >= 0)
		close(fd);
	key_wipe(text, sizeof(text));
	if (good)
		return OK;
	return why_set(why, E_CANNOT_OPEN,
	    "%s is not an account key (64 hex "
	    "digits and a line end)%s%s",
	    path, n < 0 ? ": " : "", n < 0 ? strerror(errno) : "");
}

static int
write_key(const char *path, const char text[65])
{
	int fd = open(path,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool good;

	if (fd < 0)
		return -1;
	good = write(fd, text, 65) == 65 && fsync(fd) == 0;
	return close(fd) == 0 && good ? 0 : -1;
}

static void
sync_folder(const char *path)
{
	char *dir = mem_strdup(path), *slash = strrchr(dir, '/');
	int fd;

	if (slash != NULL)
		*slash = '\0';
	fd =
	    open(slash != NULL ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	mem_free(dir);
}

/*
 * Made once and never overwritten: everything of the user hangs on it. It gets
 * its name when it is whole and on disk, so being killed here spoils nothing.
 */
static int
make_key(const char *path, uint8_t seed[32], struct why *why)
{
	char text[66], *fresh = mem_printf("%s.new", path);
	int code = OK;

	crypto_random(seed, 32);
	hex_encode(text, seed, 32);
	text[64] = '\n';
	if (write_key(fresh, text) != 0 || link(fresh, path) != 0)
		code = errno == EEXIST
		    ? read_key(path, seed, why)
		    : why_set(why, E_STORE, "%s cannot be made: %s", path,
			  strerror(errno));
	unlink(fresh);
	sync_folder(path);
	mem_free(fresh);
	key_wipe(text, sizeof(text));
	return code;
}

/* ---- what the core asks of the process ---- */

/* The key of an account that is in no mesh makes room for another; it stays
 * beside it. The new one gets its name when it is whole and on disk. */
static int
keep_seed(void *arg, const uint8_t seed[32], struct why *why)
{
	struct process *p = arg;
	char text[66], *fresh = mem_printf("%s.new", p->key_file);
	char *before = mem_printf("%s.before", p->key_file);
	int code = OK;

	hex_encode(text, seed, 32);
	text[64] = '\n';
	if (write_key(fresh, text) != 0 ||
	    (unlink(before), link(p->key_file, before)) != 0 ||
	    rename(fresh, p->key_file) != 0)
		code = why_set(why, E_STORE, "%s cannot be written: %s",
		    p->key_file, strerror(errno));
	if (code != OK)
		unlink(fresh);
	sync_folder(p->key_file);
	mem_free(fresh);
	mem_free(before);
	key_wipe(text, sizeof(text));
	return code;
}

/* When a process began, in clock ticks since boot; 0: there is none. */
static int64_t
pid_start(void *arg, int pid)
{
	char path[64], text[1024], *p;
	int fd;
	ssize_t n;

	(void)arg;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	p = strrchr(text, ')'); /* the name before may hold anything */
	for (int i = 0; p != NULL && i < 20; i++)
		p = strchr(p + 1, ' ');
	return p != NULL ? strtoll(p + 1, NULL, 10) : 0;
}

static void
on_renew(void *arg, const char *exe)
{
	struct process *p = arg;

	str_copy(p->exe, sizeof(p->exe), exe);
}

static void
on_stop(void *arg, int status)
{
	struct process *p = arg;

	p->status = status;
	io_uv_stop(p->io);
}

static void
on_signal(void *arg, int signo)
{
	struct process *p = arg;

	(void)signo;
	if (p->stopping) { /* the second one means now */
		p->status = 1;
		io_uv_stop(p->io);
		return;
	}
	p->stopping = true;
	p->exe[0] = '\0';
	daemon_stop(p->daemon);
}

static void
on_hup(void *arg, int signo)
{
	(void)arg, (void)signo; /* a terminal's end is not ours */
	if (logfile_reopen() != 0)
		log_event(LOG_ERROR, "log_not_reopened", "why", strerror(errno),
		    NULL);
}

static int64_t
wall(void *arg)
{
	return io_wall(arg);
}

static void
random_bytes(void *arg, void *to, size_t n)
{
	io_random(arg, to, n);
}

/* ---- starting ---- */

static void
set_process_limits(void)
{
	const struct rlimit none = { 0, 0 };
	struct rlimit files;

	umask(077);
	setrlimit(RLIMIT_CORE, &none); /* memory holds keys */
	prctl(PR_SET_DUMPABLE, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static const char *
user_name(struct process *p)
{
	const struct passwd *pw = getpwuid(geteuid());
	const char *name = getenv("USER");

	if (pw != NULL && pw->pw_name != NULL)
		name = pw->pw_name;
	str_copy(p->user, sizeof(p->user), name ? name : "");
	return p->user;
}

static void
fill_conf(struct process *p)
{
	struct daemon_conf *c = &p->conf;
	const char *broker = p->opt->broker;

	if (broker == NULL || *broker == '\0')
		broker = getenv("CLAUDEMESH_BROKER");
	c->db_path = p->db_file;
	c->listen.unix_ = true;
	home_file(&p->home, "daemon.sock", c->listen.path,
	    sizeof(c->listen.path));
	c->uid = (int)geteuid();
	c->account_file = p->key_file;
	c->broker = broker && *broker ? broker : DEFAULT_BROKER;
	c->version = self_version();
	c->build = self_build();
	c->pid = (int)getpid();
	gethostname(p->host, sizeof(p->host) - 1);
	c->hostname = p->host;
	c->username = user_name(p);
	c->pid_start = pid_start;
	c->keep_seed = keep_seed;
	c->renew = on_renew;
	c->stop = on_stop;
	c->arg = p;
}

static int
open_log(struct process *p, struct why *why)
{
	char path[HOME_MAX + 32];
	int fd;

	if (p->opt->log_stderr)
		return 2;
	home_file(&p->home, "daemon.log", path, sizeof(path));
	fd = logfile_open(path, LOG_SIZE, LOG_KEEP);
	if (fd < 0)
		return why_set(why, E_FORBIDDEN, "%s cannot be written: %s",
		    path, strerror(errno));
	return fd;
}

/* Another key would be another person, and what is there be lost to both. */
static int
key_lost(struct process *p, struct why *why)
{
	snprintf(p->home.fix, sizeof(p->home.fix),
	    "put it back; or claudemesh down --purge, to begin anew");
	return why_set(why, E_CANNOT_OPEN,
	    "%s is gone, and daemon.db beside it hangs on it", p->key_file);
}

static int
start(struct process *p, struct why *why)
{
	int code;

	home_file(&p->home, "account.key", p->key_file, sizeof(p->key_file));
	home_file(&p->home, "daemon.db", p->db_file, sizeof(p->db_file));
	if (access(p->key_file, F_OK) == 0)
		code = read_key(p->key_file, p->conf.seed, why);
	else if (access(p->db_file, F_OK) == 0)
		code = key_lost(p, why);
	else
		code = make_key(p->key_file, p->conf.seed, why);
	if (code != OK)
		return code;
	fill_conf(p);
	p->daemon = daemon_new(p->io, &p->conf, why);
	key_wipe(p->conf.seed, sizeof(p->conf.seed));
	return p->daemon == NULL ? why->code : OK;
}

static int
serve(struct process *p)
{
	struct why why = { 0 };

	if (start(p, &why) != OK)
		return complain(p, &why);
	io_uv_on_signal(p->io, SIGTERM, on_signal, p);
	io_uv_on_signal(p->io, SIGINT, on_signal, p);
	io_uv_on_signal(p->io, SIGHUP, on_hup, p);
	log_event(LOG_INFO, "daemon_up", "home", p->home.dir, "version",
	    self_version(), NULL);
	io_uv_run(p->io);
	daemon_free(p->daemon);
	log_event(LOG_INFO, "daemon_down", "status", log_i(p->status), NULL);
	return p->status;
}

/* The small name counts first, as with curl; of HTTP_PROXY there is both. */
static const char *
variable(const char *small, const char *great)
{
	const char *s = getenv(small);

	return s != NULL ? s : getenv(great);
}

static void
set_proxies(struct io *io)
{
	io_uv_proxies(io, variable("https_proxy", "HTTPS_PROXY"),
	    variable("http_proxy", "HTTP_PROXY"),
	    variable("no_proxy", "NO_PROXY"));
}

static int
run_with_io(struct process *p, int log_fd)
{
	int status = 1;

	p->io = io_uv_new();
	set_proxies(p->io);
	log_setup(log_fd, p->opt->level, wall, p->io);
	if (crypto_setup(random_bytes, p->io) != OK)
		fprintf(stderr, "claudemesh: libsodium does not start\n");
	else
		status = serve(p);
	log_setup(log_fd, p->opt->level, NULL, NULL);
	io_uv_free(p->io);
	return status;
}

/* The newer client's binary takes over; if it cannot, clients start one. */
static void
become(struct process *p)
{
	char program[] = "claudemesh", noun[] = "daemon", verb[] = "run";
	char *argv[] = { program, noun, verb, NULL };

	setenv("CLAUDEMESH_HOME", p->home.dir, 1);
	dir_unlock(p->lock);
	execv(p->exe, argv);
	fprintf(stderr, "claudemesh: %s cannot be executed: %s\n", p->exe,
	    strerror(errno));
}

int
daemon_run(const struct daemon_options *opt)
{
	struct process p = { .opt = opt };
	struct why why = { 0 };
	int fd, status;

	set_process_limits();
	if (home_locate(&p.home, opt->home, &why) != OK ||
	    home_prepare(&p.home, &why) != OK)
		return complain(&p, &why);
	p.lock = dir_lock(p.home.dir, "daemon.lock", &why);
	if (p.lock < 0)
		return complain(&p, &why);
	fd = open_log(&p, &why);
	if (fd < 0)
		return complain(&p, &why);
	status = run_with_io(&p, fd);
	if (p.exe[0] != '\0' && status == 0)
		become(&p);
	dir_unlock(p.lock);
	return status;
}

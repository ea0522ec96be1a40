/*
 * run.c - the broker as a process: its folder and lock, its log, signals, and
 * the loop. SIGTERM and SIGINT drain: nobody new, the turn is finished, everyone
 * is told 1001. A second one ends at once. SIGHUP reads the token file and the
 * certificate again.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "broker/cert.h"
#include "broker/main.h"
#include "crypto/key.h"
#include "store/db.h"

#define DRAIN_MS 10000
#define PROXY_NEW_MAX 4096

struct process {
	const struct broker_options *opt;
	struct io *io;
	struct broker *broker;
	struct broker_conf conf;
	struct cert_watch *cert; /* NULL: no TLS */
	char *token;
	int lock, status;
	bool draining;
};

static int
complain(const struct why *why)
{
	fprintf(stderr, "claudemesh: %s\n",
	    why->text[0] != '\0' ? why->text : err_info(why->code)->text);
	return err_info(why->code)->exit;
}

/* ---- files ---- */

static char *
file_in(const char *dir, const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static int
write_file(const char *dir, const char *name, const char *text)
{
	char *path = file_in(dir, name), *tmp = mem_printf("%s.new", path);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t n = strlen(text);
	int r = -1;

	if (fd >= 0 && write(fd, text, n) == (ssize_t)n && close(fd) == 0)
		r = rename(tmp, path);
	mem_free(path);
	mem_free(tmp);
	return r;
}

static void
remove_file(const char *dir, const char *name)
{
	char *path = file_in(dir, name);

	unlink(path);
	mem_free(path);
}

static int
make_dir(const char *dir, struct why *why)
{
	struct stat st;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return why_set(why, E_STORE, "cannot make %.150s: %s", dir,
		    strerror(errno));
	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return why_set(why, E_STORE, "%.150s is not a folder", dir);
	if ((st.st_mode & 077) != 0)
		return why_set(why, E_STORE,
		    "%.100s may be read by others; "
		    "mend it with: chmod 700 %.100s",
		    dir, dir);
	return OK;
}

static int
open_log(const struct broker_options *o, struct why *why)
{
	int fd = 2;

	if (o->log_file != NULL)
		fd = open(o->log_file,
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_set(why, E_STORE, "cannot write %.150s: %s",
		    o->log_file, strerror(errno));
	return fd;
}

/* First line of the token file, or what the environment gave. */
static int
read_token(struct process *p, struct why *why)
{
	const struct broker_options *o = p->opt;
	char line[130] = "";
	FILE *f;

	if (o->create_token_file == NULL) {
		str_copy(line, sizeof(line),
		    o->create_token == NULL ? "" : o->create_token);
	} else {
		f = fopen(o->create_token_file, "r");
		if (f == NULL)
			return why_set(why, E_USAGE, "cannot read %.150s: %s",
			    o->create_token_file, strerror(errno));
		if (fgets(line, sizeof(line), f) == NULL)
			line[0] = '\0';
		fclose(f);
		line[strcspn(line, "\r\n")] = '\0';
	}
	if (o->create == CREATE_TOKEN && strlen(line) < 8)
		return why_set(why, E_USAGE,
		    "--create token needs a token of at "
		    "least 8 characters, in CLAUDEMESH_CREATE_TOKEN or "
		    "--create-token-file");
	if (p->token != NULL)
		key_wipe(p->token, strlen(p->token));
	mem_free(p->token);
	p->token = mem_strdup(line);
	p->conf.token = p->token;
	return OK;
}

/* ---- what the options must be ---- */

static bool
is_loopback(const char *host)
{
	return str_starts(host, "127.") || str_eq(host, "::1") ||
	    str_eq(host, "localhost");
}

static int
check_listen(const struct broker_options *o, const char *const *list,
    struct why *why)
{
	struct io_addr a;
	size_t i;

	for (i = 0; list[i] != NULL; i++) {
		if (io_addr_parse(&a, list[i]) != 0 || a.unix_)
			return why_set(why, E_USAGE,
			    "--listen %.100s is not HOST:PORT", list[i]);
		if (!is_loopback(a.host) && !o->behind_proxy &&
		    o->tls_cert == NULL)
			return why_set(why, E_USAGE,
			    "--listen %.100s is open to others: give it "
			    "--tls-cert and --tls-key (claudemesh broker cert "
			    "makes them), or put a TLS proxy in front and say "
			    "--behind-proxy",
			    list[i]);
	}
	return OK;
}

/* ---- events ---- */

static void
on_fatal(void *arg)
{
	struct process *p = arg;

	(void)p;
	log_event(LOG_ERROR, "fatal", "why", "the disk failed", NULL);
	_exit(70); /* nothing in memory can be trusted to be on disk */
}

static void
on_drained(void *arg)
{
	struct process *p = arg;

	io_uv_stop(p->io);
}

static void
on_drain_late(void *arg, io_id timer)
{
	(void)timer;
	on_drained(arg);
}

static void
on_end(void *arg, int signo)
{
	struct process *p = arg;

	log_event(LOG_INFO, "signal", "no", log_i(signo), NULL);
	if (p->draining) {
		io_uv_stop(p->io);
		return;
	}
	p->draining = true;
	io_timer(p->io, DRAIN_MS, on_drain_late, p);
	broker_drain(p->broker);
}

static void
on_hup(void *arg, int signo)
{
	struct process *p = arg;
	struct why why = { 0 };

	(void)signo;
	cert_reload(p->cert);
	if (read_token(p, &why) == OK)
		broker_reload(p->broker, &p->conf);
	else
		log_event(LOG_ERROR, "not_reloaded", "why", why.text, NULL);
}

/* ---- from start to end ---- */

static int64_t
wall(void *arg)
{
	return io_wall(arg);
}

static void
random_bytes(void *arg, void *out, size_t n)
{
	io_random(arg, out, n);
}

/* Secrets are in memory: no core dumps. Thousands of sockets: all fds we may. */
static void
set_process_limits(void)
{
	struct rlimit none = { 0, 0 }, files;

	setrlimit(RLIMIT_CORE, &none);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	umask(077);
}

static void
tell_address(struct process *p)
{
	char addr[300], line[310], pid[24];

	io_addr_print(addr, sizeof(addr), broker_addr(p->broker, 0));
	snprintf(line, sizeof(line), "%s\n", addr);
	snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	write_file(p->opt->data, "broker.pid", pid);
	write_file(p->opt->data, "broker.addr",
	    line); /* last: it is the sign */
	log_event(LOG_INFO, "broker_up", "addr", addr, "version",
	    p->opt->version, "pid", log_i(getpid()), NULL);
}

static int
start_tls(struct process *p, struct why *why)
{
	const struct broker_options *o = p->opt;

	if (o->tls_cert == NULL && o->tls_key == NULL)
		return OK;
	if (o->tls_cert == NULL || o->tls_key == NULL)
		return why_set(why, E_USAGE,
		    "--tls-cert and --tls-key go together");
	p->cert = cert_watch_new(p->io, o->tls_cert, o->tls_key, why);
	p->conf.cert = cert_server(p->cert);
	return p->cert == NULL ? why->code : OK;
}

static int
start(struct process *p, struct why *why)
{
	static const char *const usual[] = { "127.0.0.1:7900", NULL };
	const struct broker_options *o = p->opt;
	const char *const *list = o->listen;
	char *db;
	int r;

	if (list == NULL || list[0] == NULL)
		list = usual;
	r = check_listen(o, list, why);
	if (r == OK)
		r = read_token(p, why);
	if (r == OK)
		r = start_tls(p, why);
	if (r != OK)
		return r;
	db = file_in(o->data, "broker.db");
	p->conf.listen = list;
	p->conf.url = o->url;
	p->conf.create = o->create;
	p->conf.version = o->version;
	p->conf.db_path = db;
	p->conf.fatal = on_fatal;
	p->conf.drained = on_drained;
	p->conf.arg = p;
	if (p->conf.create == CREATE_AUTO && o->behind_proxy)
		p->conf.create = CREATE_NONE; /* loopback is the proxy's side */
	if (o->behind_proxy) /* they all come from its address */
		p->conf.server.per_ip_new_max = PROXY_NEW_MAX;
	p->broker = broker_new(p->io, &p->conf, why);
	mem_free(db);
	p->conf.db_path = NULL;
	return p->broker == NULL ? why->code : OK;
}

static int
serve(struct process *p)
{
	struct why why = { 0 };

	if (start(p, &why) != OK)
		return complain(&why);
	io_uv_on_signal(p->io, SIGTERM, on_end, p);
	io_uv_on_signal(p->io, SIGINT, on_end, p);
	io_uv_on_signal(p->io, SIGHUP, on_hup, p);
	tell_address(p);
	io_uv_run(p->io);
	remove_file(p->opt->data, "broker.addr");
	remove_file(p->opt->data, "broker.pid");
	broker_free(p->broker);
	log_event(LOG_INFO, "broker_down", NULL);
	return p->status;
}

static int
run_with_io(struct process *p, int log_fd)
{
	int status = 1;

	p->io = io_uv_new();
	log_setup(log_fd, p->opt->log_level, wall, p->io);
	if (crypto_setup(random_bytes, p->io) != OK)
		fprintf(stderr, "claudemesh: libsodium does not start\n");
	else
		status = serve(p);
	log_setup(log_fd, p->opt->log_level, NULL, NULL);
	io_uv_free(p->io);
	cert_watch_free(p->cert);
	return status;
}

int
broker_run(const struct broker_options *opt)
{
	struct process p = { .opt = opt };
	struct why why = { 0 };
	int fd, status;

	set_process_limits();
	if (make_dir(opt->data, &why) != OK)
		return complain(&why);
	p.lock = dir_lock(opt->data, "broker.lock", &why);
	if (p.lock < 0)
		return complain(&why);
	fd = open_log(opt, &why);
	if (fd < 0)
		return complain(&why);
	status = run_with_io(&p, fd);
	if (p.token != NULL)
		key_wipe(p.token, strlen(p.token));
	mem_free(p.token);
	dir_unlock(p.lock);
	return status;
}

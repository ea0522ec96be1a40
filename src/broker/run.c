/*
 * run.c - the broker as a process: its folder and lock, its log, signals, and
 * the loop. SIGTERM and SIGINT drain: nobody new, the turn is finished, everyone
 * is told 1001. A second one ends at once. SIGHUP reads configuration, token file
 * and certificate again and opens the log anew; what does not stand changes
 * nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/logfile.h"
#include "base/mem.h"
#include "base/str.h"
#include "broker/cert.h"
#include "broker/config.h"
#include "broker/control.h"
#include "broker/main.h"
#include "crypto/key.h"
#include "store/db.h"

#define DRAIN_MS 10000
#define PROXY_NEW_MAX 4096

struct process {
	const struct broker_options *opt;
	const struct config *config; /* the one that holds; flags and file */
	struct config *live;	     /* the same, when it is ours */
	const char *data;
	struct io *io;
	struct broker *broker;
	struct broker_conf conf;
	struct cert_watch *cert; /* NULL: no TLS */
	struct control *control; /* NULL: it could not be opened */
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

static const char *
text_of(const struct config *c, enum config_word w)
{
	return c->v[w].text[0] == '\0' ? NULL : c->v[w].text;
}

static int
open_log(const struct config *c, struct why *why)
{
	const char *file = text_of(c, CONF_log);
	int fd = 2;

	if (file != NULL)
		fd = logfile_open(file, c->v[CONF_log_size].i,
		    (int)c->v[CONF_log_keep].i);
	if (fd < 0)
		return why_set(why, E_STORE, "cannot write %.150s: %s", file,
		    strerror(errno));
	return fd;
}

static enum create_policy
policy(const struct config *c)
{
	const char *s = c->v[CONF_create].text;

	return str_eq(s, "open")	     ? CREATE_OPEN
	    : str_eq(s, "token")	     ? CREATE_TOKEN
	    : str_eq(s, "none")		     ? CREATE_NONE
	    : c->v[CONF_behind_proxy].i != 0 ? CREATE_NONE
					     : CREATE_AUTO;
}

static int
read_first_line(const char *path, char *line, size_t cap, struct why *why)
{
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return why_set(why, E_USAGE, "cannot read %.150s: %s", path,
		    strerror(errno));
	if (fgets(line, (int)cap, f) == NULL)
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	return OK;
}

/* First line of the token file, or what the environment gave. */
static int
read_token(struct process *p, const struct config *c, struct why *why)
{
	const char *file = text_of(c, CONF_create_token);
	char line[130] = "";
	int r = OK;

	if (file != NULL)
		r = read_first_line(file, line, sizeof(line), why);
	else if (p->opt->create_token != NULL)
		str_copy(line, sizeof(line), p->opt->create_token);
	if (r != OK)
		return r;
	if (policy(c) == CREATE_TOKEN && strlen(line) < 8)
		return why_set(why, E_USAGE,
		    "--create token needs a token of at "
		    "least 8 characters, in CLAUDEMESH_CREATE_TOKEN or "
		    "--create-token FILE");
	if (p->token != NULL)
		key_wipe(p->token, strlen(p->token));
	mem_free(p->token);
	p->token = mem_strdup(line);
	key_wipe(line, sizeof(line));
	return OK;
}

/* What the core takes of it, now and at each reload. */
static void
fill_conf(struct process *p)
{
	const struct config_value *v = p->config->v;

	p->conf.url = v[CONF_url].n > 0 ? v[CONF_url].list : NULL;
	p->conf.create = policy(p->config);
	p->conf.token = p->token;
	p->conf.limits = (struct broker_limits){
		.queue_count = v[CONF_queue_messages].i,
		.queue_bytes = v[CONF_queue_bytes].i,
		.sender_count = v[CONF_sender_messages].i,
		.mesh_count = v[CONF_mesh_messages].i,
		.mesh_bytes = v[CONF_mesh_bytes].i,
		.send_rate = v[CONF_send_rate].i,
		.send_burst = v[CONF_send_burst].i,
		.meshes = v[CONF_meshes].i,
		.members = v[CONF_members].i,
		.member_conns = v[CONF_member_connections].i,
		.keep_ms = v[CONF_retention_days].i * 24 * 3600 * 1000,
	};
	p->conf.server.conns_max = (size_t)v[CONF_connections].i;
	p->conf.server.per_ip_new_max = (size_t)v[CONF_connections_new].i;
	if (v[CONF_behind_proxy].i != 0 && /* all come from its address */
	    v[CONF_connections_new].from == CONFIG_USUAL)
		p->conf.server.per_ip_new_max = PROXY_NEW_MAX;
}

/* ---- what the options must be ---- */

static bool
is_loopback(const char *host)
{
	return str_starts(host, "127.") || str_eq(host, "::1") ||
	    str_eq(host, "localhost");
}

static int
check_listen(const struct config *c, struct why *why)
{
	const char *const *list = c->v[CONF_listen].list;
	bool meant =
	    c->v[CONF_behind_proxy].i != 0 || text_of(c, CONF_tls_cert) != NULL;
	struct io_addr a;
	size_t i;

	for (i = 0; list[i] != NULL; i++) {
		if (io_addr_parse(&a, list[i]) != 0 || a.unix_)
			return why_set(why, E_USAGE,
			    "--listen %.100s is not HOST:PORT", list[i]);
		if (!is_loopback(a.host) && !meant)
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

/* ---- a reload ---- */

static void
config_drop(struct config *c)
{
	if (c != NULL)
		config_fini(c);
	mem_free(c);
}

/* The same flags, the file as it is now. NULL with why. */
static struct config *
read_anew(const struct process *p, struct why *why)
{
	struct config *c = mem_zalloc(sizeof(*c));
	int r = OK;

	config_init(c);
	config_flags_of(c, p->opt->config);
	config_usual(c, CONF_data, p->data);
	if (p->config->file != NULL)
		r = config_read(c, p->config->file, why);
	if (r == OK)
		return c;
	config_drop(c);
	return NULL;
}

/* What only a restart changes stays as it is, and its names are said. */
static void
keep_fixed(struct process *p, struct config *c, struct buf *names)
{
	for (int w = 0; w < CONF_COUNT_; w++) {
		if (config_rows[w].live ||
		    config_same(c, p->config, (enum config_word)w))
			continue;
		buf_addf(names, "%s%s", names->len > 0 ? " " : "",
		    config_rows[w].name);
	}
}

static int
reload(struct process *p, struct buf *restart, struct why *why)
{
	struct config *c = read_anew(p, why);
	int r = c == NULL ? why->code : read_token(p, c, why);

	if (r != OK) {
		config_drop(c);
		return r;
	}
	keep_fixed(p, c, restart);
	config_drop(p->live);
	p->config = p->live = c;
	fill_conf(p);
	broker_reload(p->broker, &p->conf);
	logfile_limit(c->v[CONF_log_size].i, (int)c->v[CONF_log_keep].i);
	return OK;
}

/* By a signal or the control socket. */
static int
do_reload(void *arg, struct buf *restart, struct why *why)
{
	struct process *p = arg;
	int r;

	if (logfile_reopen() != 0)
		log_event(LOG_ERROR, "log_not_reopened", "why", strerror(errno),
		    NULL);
	cert_reload(p->cert);
	r = reload(p, restart, why);
	if (r != OK)
		log_event(LOG_ERROR, "not_reloaded", "why", why->text, NULL);
	else if (restart->len > 0)
		log_event(LOG_WARN, "restart_needed", "for", buf_str(restart),
		    NULL);
	return r;
}

static void
on_hup(void *arg, int signo)
{
	struct why why = { 0 };
	struct buf restart;

	(void)signo;
	buf_init(&restart, 1024);
	do_reload(arg, &restart, &why);
	buf_fini(&restart);
}

/* ---- the control socket ---- */

static void
add_status(void *arg, struct buf *out)
{
	struct process *p = arg;
	struct rlimit files = { 0 };
	char addr[300];

	getrlimit(RLIMIT_NOFILE, &files);
	buf_addf(out, ",\"files_max\":%lld,\"listen\":[",
	    (long long)files.rlim_cur);
	for (size_t i = 0; broker_addr(p->broker, i) != NULL; i++) {
		io_addr_print(addr, sizeof(addr), broker_addr(p->broker, i));
		buf_adds(out, i > 0 ? "," : "");
		json_quote(out, addr);
	}
	buf_addf(out, "],\"tls\":%s,\"create\":\"%s\",\"data\":",
	    p->cert != NULL ? "true" : "false", p->config->v[CONF_create].text);
	json_quote(out, p->data);
	buf_adds(out, ",\"config\":");
	json_quote(out, p->config->file == NULL ? "" : p->config->file);
}

static const struct control_ops control_ops = { .status = add_status,
	.reload = do_reload };

static void
open_control(struct process *p)
{
	char *path = file_in(p->data, "broker.sock");
	struct why why = { 0 };

	p->control = control_new(p->io, p->broker, path, &control_ops, p, &why);
	if (p->control == NULL)
		log_event(LOG_WARN, "no_control", "why", why.text, NULL);
	mem_free(path);
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
	prctl(PR_SET_DUMPABLE, 0);
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
	write_file(p->data, "broker.pid", pid);
	write_file(p->data, "broker.addr", line); /* last: it is the sign */
	log_event(LOG_INFO, "broker_up", "addr", addr, "version",
	    p->opt->version, "pid", log_i(getpid()), NULL);
}

static int
start_tls(struct process *p, struct why *why)
{
	const char *cert = text_of(p->config, CONF_tls_cert);
	const char *key = text_of(p->config, CONF_tls_key);

	if (cert == NULL && key == NULL)
		return OK;
	if (cert == NULL || key == NULL)
		return why_set(why, E_USAGE,
		    "--tls-cert and --tls-key go together");
	p->cert = cert_watch_new(p->io, cert, key, why);
	p->conf.cert = cert_server(p->cert);
	return p->cert == NULL ? why->code : OK;
}

static int
start(struct process *p, struct why *why)
{
	char *db;
	int r;

	r = check_listen(p->config, why);
	if (r == OK)
		r = read_token(p, p->config, why);
	if (r == OK)
		r = start_tls(p, why);
	if (r != OK)
		return r;
	db = file_in(p->data, "broker.db");
	fill_conf(p);
	p->conf.listen = p->config->v[CONF_listen].list;
	p->conf.version = p->opt->version;
	p->conf.db_path = db;
	p->conf.fatal = on_fatal;
	p->conf.drained = on_drained;
	p->conf.arg = p;
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
	open_control(p);
	tell_address(p);
	io_uv_run(p->io);
	control_free(p->control);
	remove_file(p->data, "broker.addr");
	remove_file(p->data, "broker.pid");
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
	struct process p = { .opt = opt,
		.config = opt->config,
		.data = opt->config->v[CONF_data].text };
	struct why why = { 0 };
	int fd, status;

	set_process_limits();
	if (make_dir(p.data, &why) != OK)
		return complain(&why);
	p.lock = dir_lock(p.data, "broker.lock", &why);
	if (p.lock < 0)
		return complain(&why);
	fd = open_log(p.config, &why);
	if (fd < 0)
		return complain(&why);
	status = run_with_io(&p, fd);
	config_drop(p.live);
	if (p.token != NULL)
		key_wipe(p.token, strlen(p.token));
	mem_free(p.token);
	dir_unlock(p.lock);
	return status;
}

/*
 * broker.c - the meeting point of a mesh, run here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/config.h"
#include "broker/main.h"
#include "cli/care.h"
#include "cli/cli.h"
#include "cli/service.h"
#include "client/probe.h"
#include "client/self.h"
#include "net/tls.h"

#define CERT_DAYS 3650

/* All values of a flag, ended by NULL; NULL when it was not given. */
static const char *const *
all_of(struct cli *c, const char *name)
{
	const struct param *p = args_find(&c->params, name);
	const char **v;

	if (p == NULL || p->n == 0)
		return NULL;
	v = arena_zalloc(&c->arena, (p->n + 1) * sizeof(*v));
	memcpy(v, p->v, p->n * sizeof(*v));
	return v;
}

#define CONF(word, name, kind, usual, min, max, when, arg, doc) \
	{ name, arg, doc },
#define CONFIG_FLAGS                                                                   \
	{                                                                              \
		"config", "FILE",                                                      \
		    "Its configuration, name = value; broker.conf in its data folder " \
		    "when that is there."                                              \
	}

static const struct flag run_flags[] = {
#include "broker/config.def"
	CONFIG_FLAGS,
	{ "keep", NULL,
	    "Start it again when it crashes; give up after five crashes within "
	    "ten minutes." },
	{ NULL, NULL, NULL },
};

static const struct flag config_flags[] = {
#include "broker/config.def"
	CONFIG_FLAGS,
	{ "manual", NULL,
	    "Print the manual page claudemesh-broker(8) instead." },
	{ NULL, NULL, NULL },
};
#undef CONF

static int
flags(struct cli *c, struct config *conf)
{
	struct why why = { 0 };
	const struct param *p;
	size_t i;
	int w;

	for (w = 0; w < CONF_COUNT_; w++) {
		p = args_find(&c->params, config_rows[w].name);
		if (p == NULL || p->n == 0)
			continue;
		if (config_rows[w].kind == CONFIG_SWITCH) {
			config_flag(conf, (enum config_word)w, "yes", &why);
			continue;
		}
		for (i = 0; i < p->n; i++) {
			if (config_flag(conf, (enum config_word)w, p->v[i],
				&why) != OK)
				return cli_usage(c, "%s", safe(c, why.text));
		}
	}
	return 0;
}

/* What was given, what the file says, and what is usual, in this order. */
static int
configure(struct cli *c, struct config *conf)
{
	const char *file = arg(c, "config");
	struct why why = { 0 };
	int rc;

	config_init(conf);
	if ((rc = flags(c, conf)) != 0)
		return rc;
	if (conf->v[CONF_data].from == CONFIG_USUAL) {
		if ((rc = cli_home(c)) != 0)
			return rc;
		config_usual(conf, CONF_data,
		    arena_printf(&c->arena, "%s/broker", c->home.dir));
	}
	if (file == NULL) {
		file = arena_printf(&c->arena, "%s/broker.conf",
		    conf->v[CONF_data].text);
		if (access(file, F_OK) != 0)
			return 0;
	}
	if (config_read(conf, file, &why) != OK)
		return cli_fail(c, E_USAGE, "%s", safe(c, why.text));
	return 0;
}

static int
run(struct cli *c, const struct verb *v)
{
	struct config conf;
	struct broker_options o = { .config = &conf,
		.create_token = getenv("CLAUDEMESH_CREATE_TOKEN"),
		.log_level = c->verbose ? LOG_DEBUG
		    : c->quiet		? LOG_WARN
					: LOG_INFO,
		.version = self_version() };
	struct why why = { 0 };
	int rc;

	(void)v;
	rc = configure(c, &conf);
	if (rc == 0 && conf.v[CONF_data].from == CONFIG_USUAL &&
	    home_prepare(&c->home, &why) != 0)
		rc = cli_fail_why(c, &why);
	if (rc == 0)
		rc = arg(c, "keep") != NULL ? broker_keep(&o) : broker_run(&o);
	config_fini(&conf);
	return rc;
}

/* ---- config ---- */

static const char *
origin(struct cli *c, const struct config *conf, const struct config_value *v)
{
	if (v->from == CONFIG_FLAG)
		return "flag";
	if (v->from == CONFIG_FILE)
		return arena_printf(&c->arena, "%s:%d", conf->file, v->line);
	return "default";
}

static void
config_json(struct cli *c, struct buf *b, const struct config *conf, int w)
{
	const struct config_row *row = &config_rows[w];
	const struct config_value *v = &conf->v[w];

	buf_addf(b, "%s{\"name\":\"%s\",\"value\":", w > 0 ? "," : "",
	    row->name);
	if (row->kind == CONFIG_SWITCH)
		buf_adds(b, v->i != 0 ? "true" : "false");
	else if (row->kind == CONFIG_NUMBER || row->kind == CONFIG_SIZE)
		buf_addf(b, "%lld", (long long)v->i);
	else if (row->kind != CONFIG_LIST)
		json_quote(b, v->text);
	else {
		buf_addc(b, '[');
		for (size_t i = 0; i < v->n; i++) {
			buf_adds(b, i > 0 ? "," : "");
			json_quote(b, v->list[i]);
		}
		buf_addc(b, ']');
	}
	buf_adds(b, ",\"from\":");
	json_quote(b, origin(c, conf, v));
	buf_addf(b, ",\"reload\":%s}", row->live ? "true" : "false");
}

static int
config_document(struct cli *c, const struct config *conf)
{
	struct buf b;
	int rc;

	buf_init(&b, 1 << 20);
	buf_adds(&b, "{\"file\":");
	json_quote(&b, conf->file == NULL ? "" : conf->file);
	buf_adds(&b, ",\"settings\":[");
	for (int w = 0; w < CONF_COUNT_; w++)
		config_json(c, &b, conf, w);
	buf_adds(&b, "]}");
	rc = doc_print(c, buf_str(&b), b.len);
	buf_fini(&b);
	return rc;
}

static void
config_line(struct cli *c, const struct config *conf, int w, const char *text)
{
	printf("%s%s = %s\t# %s%s\n", text[0] == '\0' ? "# " : "",
	    config_rows[w].name, safe(c, text),
	    safe(c, origin(c, conf, &conf->v[w])),
	    config_rows[w].live ? "" : "; needs a restart");
}

/* Lines that are a configuration file, with where each comes from. */
static int
show_config(struct cli *c, const struct verb *v)
{
	struct config conf;
	size_t i;
	int rc, w;

	(void)v;
	if (arg(c, "manual") != NULL) {
		manual_broker();
		return 0;
	}
	rc = configure(c, &conf);
	if (rc == 0 && doc_wanted(c))
		rc = config_document(c, &conf);
	else if (rc == 0) {
		for (w = 0; w < CONF_COUNT_; w++) {
			for (i = 0; i < conf.v[w].n; i++)
				config_line(c, &conf, w, conf.v[w].list[i]);
			if (i == 0)
				config_line(c, &conf, w, conf.v[w].text);
		}
	}
	config_fini(&conf);
	return rc;
}

/* Where the broker that answered listens. */
static const char *
first_listener(struct cli *c, const struct buf *said)
{
	struct json_iter it = { 0 };
	struct json doc, key, value;
	const char *why;

	if (json_check((const char *)said->data, said->len, &doc, &why, NULL) ==
		0 &&
	    json_next(json_member(doc, "listen"), &it, &key, &value))
		return json_string(&c->arena, value, NULL);
	return "";
}

/* By its control socket; by its URL, who only that is known of. */
static int
status(struct cli *c, const struct verb *v)
{
	const char *url = arg(c, "broker");
	struct why no = { 0 };
	struct probe p;
	struct json body;
	const char *why;
	struct buf b, said;
	bool ok, ours;
	int rc;

	(void)v;
	if ((rc = cli_home(c)) != 0)
		return rc;
	buf_init(&said, 256 * 1024);
	ours = url == NULL && care_ask(c, &said, &no) == OK;
	if (arg(c, "data") != NULL && !ours) {
		buf_fini(&said);
		return cli_fail_why(c, &no);
	}
	url = url != NULL ? url : service_broker_url(c);
	if (arg(c, "data") != NULL)
		url = first_listener(c, &said);
	probe_broker(&p, url, 5000);
	ok = p.state == PROBE_OK || p.state == PROBE_OPEN;
	if (!doc_wanted(c)) {
		printf("broker at %s: %s\n", safe(c, url), probe_text(p.state));
		if (ours)
			care_show(c, buf_str(&said), said.len);
		buf_fini(&said);
		return ok ? 0 : err_info(E_UNREACHABLE)->exit;
	}
	buf_init(&b, 512 * 1024);
	buf_addf(&b, "{\"ok\":%s,\"url\":", ok ? "true" : "false");
	json_quote(&b, url);
	buf_adds(&b, ",\"detail\":");
	json_quote(&b, probe_text(p.state));
	buf_addf(&b, ",\"pid\":%lld,\"took_ms\":%lld",
	    (long long)service_broker_pid(c), (long long)p.took_ms);
	if (json_check(p.body, strlen(p.body), &body, &why, NULL) == 0)
		buf_addf(&b, ",\"health\":%.*s", (int)body.n, body.p);
	if (ours)
		buf_addf(&b, ",\"broker\":%s", buf_str(&said));
	buf_addc(&b, '}');
	rc = doc_print(c, buf_str(&b), b.len);
	buf_fini(&b);
	buf_fini(&said);
	return rc != 0 || ok ? rc : err_info(E_UNREACHABLE)->exit;
}

/* A whole number of days, 1 to 3650. */
static int
days_of(struct cli *c, int *out)
{
	const char *s = arg(c, "days");
	char *end = NULL;
	long n = s == NULL ? CERT_DAYS : strtol(s, &end, 10);

	*out = (int)n;
	if (s != NULL && (end == s || *end != '\0' || n < 1 || n > CERT_DAYS))
		return cli_usage(c, "--days is 1 to %d, not '%s'", CERT_DAYS,
		    safe(c, s));
	return 0;
}

/* Beside the broker's data, where nobody else looks. */
static int
cert_files(struct cli *c, const char **cert, const char **key)
{
	struct why why = { 0 };
	char *dir;
	int rc;

	*cert = arg(c, "cert");
	*key = arg(c, "key");
	if (*cert != NULL && *key != NULL)
		return 0;
	if ((rc = cli_home(c)) != 0)
		return rc;
	if (home_prepare(&c->home, &why) != 0)
		return cli_fail_why(c, &why);
	dir = arena_printf(&c->arena, "%s/broker", c->home.dir);
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return cli_fail(c, E_FORBIDDEN, "%s cannot be made: %s", dir,
		    strerror(errno));
	if (*cert == NULL)
		*cert = arena_printf(&c->arena, "%s/tls.cert", dir);
	if (*key == NULL)
		*key = arena_printf(&c->arena, "%s/tls.key", dir);
	return 0;
}

static int
make_cert(struct cli *c, const struct verb *v)
{
	const char *const *hosts = all_of(c, "host");
	char pin[TLS_PIN_LEN + 1], why[TLS_WHY];
	const char *cert, *key;
	int rc, days;

	(void)v;
	if (hosts == NULL)
		return cli_usage(c,
		    "--host NAME says for which names or addresses it is");
	if ((rc = days_of(c, &days)) != 0 ||
	    (rc = cert_files(c, &cert, &key)) != 0)
		return rc;
	if (tls_self_signed(cert, key, hosts, days, arg(c, "renew") != NULL,
		pin, why) != 0)
		return cli_fail(c, E_USAGE, "%s", safe(c, why));
	if (doc_wanted(c)) {
		struct buf b;

		buf_init(&b, 16384);
		buf_adds(&b, "{\"cert\":");
		json_quote(&b, cert);
		buf_adds(&b, ",\"key\":");
		json_quote(&b, key);
		buf_addf(&b, ",\"pin\":\"%s\"}", pin);
		rc = doc_print(c, buf_str(&b), b.len);
		buf_fini(&b);
		return rc;
	}
	printf("%s\n", pin);
	if (!c->quiet)
		fprintf(stderr,
		    "made %s, good for %d days\nkey  %s\nnext: claudemesh "
		    "broker run --listen HOST:PORT --tls-cert %s --tls-key "
		    "%s\n",
		    safe(c, cert), days, safe(c, key), safe(c, cert),
		    safe(c, key));
	return 0;
}

static const struct flag cert_flags[] = {
	{ "host", "NAME", "A name or address it is for. May be repeated." },
	{ "cert", "FILE",
	    "Where it goes; broker/tls.cert in the home unless given." },
	{ "key", "FILE",
	    "Its private key: one that is there is used, else made, mode "
	    "0600; broker/tls.key unless given." },
	{ "days", "N", "How long it is good for; 3650 unless given." },
	{ "renew", NULL,
	    "Make it anew, with the same key and so the same pin." },
	{ NULL, NULL, NULL },
};

static const struct flag status_flags[] = {
	{ "broker", "URL", "Which; the one of this home unless given." },
	{ "data", "DIR", "The one whose data folder this is." },
	{ NULL, NULL, NULL },
};

static const struct verb verbs[] = {
	{ .name = "backup",
	    .run = care_backup,
	    .args = "file",
	    .flags = care_backup_flags,
	    .doc = "Copies the database of a broker that runs, which goes on "
		   "running. Overwrites nothing." },
	{ .name = "cert",
	    .run = make_cert,
	    .flags = cert_flags,
	    .doc = "Makes a self-signed certificate and key, and prints its "
		   "pin: what those who join are to compare." },
	{ .name = "config",
	    .run = show_config,
	    .flags = config_flags,
	    .doc = "Prints the settings that a broker run with these flags "
		   "has, and where each comes from." },
	{ .name = "reload",
	    .run = care_reload,
	    .flags = care_flags,
	    .doc = "Has a broker read its settings, token and certificate "
		   "again and open its log anew; names what needs a restart." },
	{ .name = "restore",
	    .run = care_restore,
	    .args = "file",
	    .flags = care_restore_flags,
	    .doc = "Puts a copy in the place of a broker's database, which is "
		   "kept beside it. The broker must not run." },
	{ .name = "run",
	    .run = run,
	    .flags = run_flags,
	    .doc = "Runs a broker in the foreground." },
	{ .name = "status",
	    .run = status,
	    .flags = status_flags,
	    .doc = "Asks a broker whether it is well, and one of this machine "
		   "what it holds and how much it may." },
	{ .name = NULL },
};

const struct noun noun_broker = { .name = "broker",
	.doc = "The meeting point of a mesh.",
	.verbs = verbs };

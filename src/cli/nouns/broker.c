/*
 * broker.c - the meeting point of a mesh, run here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/main.h"
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

static int
policy(struct cli *c, enum create_policy *out)
{
	const char *s = arg(c, "create");

	*out = CREATE_AUTO;
	if (s == NULL)
		return 0;
	if (strcmp(s, "open") == 0)
		*out = CREATE_OPEN;
	else if (strcmp(s, "token") == 0)
		*out = CREATE_TOKEN;
	else if (strcmp(s, "none") == 0)
		*out = CREATE_NONE;
	else
		return cli_usage(c, "--create is open, token or none, not '%s'",
		    safe(c, s));
	return 0;
}

static int
run(struct cli *c, const struct verb *v)
{
	struct broker_options o = { .listen = all_of(c, "listen"),
		.url = all_of(c, "url"),
		.data = arg(c, "data"),
		.create_token_file = arg(c, "create-token"),
		.create_token = getenv("CLAUDEMESH_CREATE_TOKEN"),
		.behind_proxy = arg(c, "behind-proxy") != NULL,
		.tls_cert = arg(c, "tls-cert"),
		.tls_key = arg(c, "tls-key"),
		.log_level = c->verbose ? LOG_DEBUG
		    : c->quiet		? LOG_WARN
					: LOG_INFO,
		.log_file = arg(c, "log"),
		.version = self_version() };
	struct why why = { 0 };
	int rc;

	(void)v;
	if ((rc = policy(c, &o.create)) != 0)
		return rc;
	if (o.data == NULL) {
		if ((rc = cli_home(c)) != 0)
			return rc;
		if (home_prepare(&c->home, &why) != 0)
			return cli_fail_why(c, &why);
		o.data = arena_printf(&c->arena, "%s/broker", c->home.dir);
	}
	return broker_run(&o);
}

static int
status(struct cli *c, const struct verb *v)
{
	const char *url = arg(c, "broker");
	struct probe p;
	struct json body;
	const char *why;
	struct buf b;
	bool ok;
	int rc;

	(void)v;
	if ((rc = cli_home(c)) != 0)
		return rc;
	url = url != NULL ? url : service_broker_url(c);
	probe_broker(&p, url, 5000);
	ok = p.state == PROBE_OK || p.state == PROBE_OPEN;
	if (!doc_wanted(c)) {
		printf("broker at %s: %s", safe(c, url), probe_text(p.state));
		if (service_broker_pid(c) > 0)
			printf("; ours is process %lld",
			    (long long)service_broker_pid(c));
		printf("\n");
		return ok ? 0 : err_info(E_UNREACHABLE)->exit;
	}
	buf_init(&b, 8192);
	buf_addf(&b, "{\"ok\":%s,\"url\":", ok ? "true" : "false");
	json_quote(&b, url);
	buf_adds(&b, ",\"detail\":");
	json_quote(&b, probe_text(p.state));
	buf_addf(&b, ",\"pid\":%lld,\"took_ms\":%lld",
	    (long long)service_broker_pid(c), (long long)p.took_ms);
	if (json_check(p.body, strlen(p.body), &body, &why, NULL) == 0)
		buf_addf(&b, ",\"health\":%.*s", (int)body.n, body.p);
	buf_addc(&b, '}');
	rc = doc_print(c, buf_str(&b), b.len);
	buf_fini(&b);
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
	cli_say(c, "made %s, good for %d days", safe(c, cert), days);
	cli_say(c, "key  %s", safe(c, key));
	cli_say(c,
	    "next: claudemesh broker run --listen HOST:PORT --tls-cert %s "
	    "--tls-key %s",
	    safe(c, cert), safe(c, key));
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

static const struct flag run_flags[] = {
	{ "listen", "HOST:PORT",
	    "Where to listen, 127.0.0.1:7900 unless given; "
	    "port 0 picks a free one. May be repeated." },
	{ "data", "DIR",
	    "Folder of its data; $CLAUDEMESH_HOME/broker unless "
	    "given." },
	{ "url", "URL", "A URL by which clients reach it. May be repeated." },
	{ "create", "WHO",
	    "Who may make meshes: open (anyone; only on "
	    "loopback unless said), token or none." },
	{ "create-token", "FILE",
	    "File with the token; else "
	    "CLAUDEMESH_CREATE_TOKEN." },
	{ "behind-proxy", NULL,
	    "A proxy in front speaks TLS: listening beyond "
	    "loopback is intended." },
	{ "tls-cert", "FILE",
	    "Certificate with its chain, PEM: TLS for everybody. Read again "
	    "when it changes. See broker cert." },
	{ "tls-key", "FILE", "Its private key, PEM, mode 0600." },
	{ "log", "FILE", "Log file; standard error unless given." },
	{ NULL, NULL, NULL },
};

static const struct flag status_flags[] = {
	{ "broker", "URL", "Which; the one of this home unless given." },
	{ NULL, NULL, NULL },
};

static const struct verb verbs[] = {
	{ .name = "cert",
	    .run = make_cert,
	    .flags = cert_flags,
	    .doc = "Makes a self-signed certificate and key, and prints its "
		   "pin: what those who join are to compare." },
	{ .name = "run",
	    .run = run,
	    .flags = run_flags,
	    .doc = "Runs a broker in the foreground." },
	{ .name = "status",
	    .run = status,
	    .flags = status_flags,
	    .doc = "Asks a broker whether it is well." },
	{ .name = NULL },
};

const struct noun noun_broker = { .name = "broker",
	.doc = "The meeting point of a mesh.",
	.verbs = verbs };

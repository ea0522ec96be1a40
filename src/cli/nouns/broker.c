/*
 * broker.c - the meeting point of a mesh, run here.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/main.h"
#include "cli/cli.h"
#include "cli/service.h"
#include "client/probe.h"
#include "client/self.h"

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
	{ "log", "FILE", "Log file; standard error unless given." },
	{ NULL, NULL, NULL },
};

static const struct flag status_flags[] = {
	{ "broker", "URL", "Which; the one of this home unless given." },
	{ NULL, NULL, NULL },
};

static const struct verb verbs[] = {
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

/*
 * checks.c - one look at everything that must be right, each with the command
 * that mends it. Looking changes nothing: what does not run is not started.
 */
#include "cli/checks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/care.h"
#include "cli/service.h"
#include "client/probe.h"
#include "client/self.h"
#include "store/db.h"

#define SKEW_MS 60000
#define ROOM_MIB 100
#define CONNECT_MS 1500

void
checks_add(struct checks *k, const char *name, bool ok, const char *detail,
    const char *fix)
{
	struct check *e;

	if (k->n == countof(k->v))
		return;
	e = &k->v[k->n++];
	e->name = name;
	e->ok = ok;
	e->detail = detail;
	e->fix = ok || fix == NULL ? "" : fix;
	k->ok = k->ok && ok;
}

static bool
check_home(struct cli *c, struct checks *k)
{
	struct why why = { 0 };

	if (access(c->home.dir, F_OK) != 0) {
		checks_add(k, "home", false,
		    arena_printf(&c->arena, "%s does not exist", c->home.dir),
		    "claudemesh up");
		return false;
	}
	if (home_check(&c->home, &why) == 0) {
		checks_add(k, "home", true, c->home.dir, NULL);
		return true;
	}
	checks_add(k, "home", false, arena_strdup(&c->arena, why.text),
	    arena_strdup(&c->arena, c->home.fix));
	return false;
}

static void
check_key(struct cli *c, struct checks *k)
{
	const char *path =
	    arena_printf(&c->arena, "%s/account.key", c->home.dir);
	bool ok = access(path, R_OK) == 0;
	const char *trouble =
	    arena_printf(&c->arena, "%s: %s", path, strerror(errno));
	const char *db = arena_printf(&c->arena, "%s/daemon.db", c->home.dir);

	checks_add(k, "account key", ok, ok ? path : trouble,
	    access(db, F_OK) == 0
		? "put it back from your backup: all in daemon.db hangs on it"
		: "claudemesh up");
}

static void
check_disk(struct cli *c, struct checks *k)
{
	struct statvfs fs;
	unsigned long long mib;

	if (statvfs(c->home.dir, &fs) != 0)
		return;
	mib = (unsigned long long)fs.f_bavail * fs.f_frsize >> 20;
	checks_add(k, "disk", mib >= ROOM_MIB,
	    arena_printf(&c->arena, "%llu MiB free", mib), "df -h");
}

static void
check_version(struct cli *c, struct checks *k)
{
	const char *theirs = local_version(c->local);
	bool ok = strcmp(theirs, self_version()) == 0;

	checks_add(k, "version", ok,
	    arena_printf(&c->arena, "program %s, daemon %s", self_version(),
		theirs),
	    "claudemesh daemon down; claudemesh daemon up");
}

static bool
connecting(const struct local_state *s)
{
	size_t i;

	for (i = 0; i < s->meshes.n; i++) {
		if (strcmp(s->meshes.v[i].state, "connecting") == 0)
			return true;
	}
	return false;
}

/* A link that is on its way up is not yet wrong. */
static int
ask_state(struct cli *c, const struct local_status *in,
    struct local_state *state, struct why *why)
{
	struct timespec nap = { 0, 20 * 1000000L };
	int left = CONNECT_MS, rc;

	for (;; left -= 20) {
		rc = local_call(c->local, &wire_local_status, in, 5000,
		    &c->arena, state, why);
		if (rc != 0 || left <= 0 || !connecting(state))
			return rc;
		nanosleep(&nap, NULL);
	}
}

static bool
check_daemon(struct cli *c, struct checks *k, struct local_state *state)
{
	struct local_conf conf = { .home = &c->home };
	struct local_status in = { 0 };
	struct why why = { 0 };

	if (c->local == NULL && local_open(&c->local, &conf, &why) != 0) {
		checks_add(k, "daemon", false,
		    arena_strdup(&c->arena, why.text), "claudemesh up");
		return false;
	}
	if (ask_state(c, &in, state, &why) != 0) {
		checks_add(k, "daemon", false,
		    arena_strdup(&c->arena, why.text),
		    "claudemesh daemon down; claudemesh daemon up");
		return false;
	}
	checks_add(k, "daemon", true,
	    arena_printf(&c->arena, "process %lld", (long long)state->pid),
	    NULL);
	return true;
}

/* Of what does not run: could it? */
static void
check_schema(struct cli *c, struct checks *k, const char *name,
    const char *file, const struct db_step *last)
{
	const char *path = arena_printf(&c->arena, "%s/%s", c->home.dir, file);
	int have = access(path, F_OK) == 0 ? db_step_of(path) : -1;

	if (have <= last->no)
		return;
	checks_add(k, name, false,
	    arena_printf(&c->arena,
		"%s has schema step %d, this program knows "
		"%d: it is too old for it",
		path, have, last->no),
	    "install the newer claudemesh that ran here before");
}

static bool
has(const struct checks *k, const char *name)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		if (strcmp(k->v[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool
broker_is_ours(struct cli *c, const char *url)
{
	return service_broker_own(c) && strcmp(url, service_broker_url(c)) == 0;
}

/* What mends a link that is not up; no command does when its broker is
 * somebody else's. */
static const char *
link_fix(struct cli *c, const struct link_state *l)
{
	static const struct {
		const char *reason, *fix;
	} refused[] = {
		{ "no member", "claudemesh join URL, with another invite" },
		{ "no such mesh",
		    "put the broker's data back from a backup; or give the "
		    "mesh up: claudemesh mesh leave --forget" },
		{ "was deleted", "claudemesh mesh leave --forget" },
		{ "shorter roll",
		    "put the broker's newest data back; the daemon looks "
		    "again after claudemesh daemon down" },
		{ "kicked", "claudemesh profile show, which comes back" },
	};
	size_t i;

	if (strcmp(l->state, "refused") != 0)
		return broker_is_ours(c, l->broker)
		    ? "claudemesh up"
		    : "start that broker, where it runs; the daemon goes on "
		      "trying";
	for (i = 0; i < countof(refused); i++) {
		if (strstr(l->reason, refused[i].reason) != NULL)
			return refused[i].fix;
	}
	return "claudemesh daemon down; claudemesh daemon up";
}

static void
check_links(struct cli *c, struct checks *k, const struct local_state *state)
{
	const struct link_state *l;
	char name[65];
	size_t i;
	bool up;

	for (i = 0; i < state->meshes.n; i++) {
		l = &state->meshes.v[i];
		up = strcmp(l->state, "up") == 0;
		snprintf(name, sizeof(name), "mesh %.58s", l->mesh);
		if (has(k, name))
			continue;
		checks_add(k, arena_strdup(&c->arena, name), up,
		    arena_printf(&c->arena, "%s at %s%s%s", l->state, l->broker,
			*l->reason == '\0' ? "" : ": ", l->reason),
		    link_fix(c, l));
	}
	for (i = 0; i < state->checks.n; i++) {
		if (!has(k, state->checks.v[i].name))
			checks_add(k, state->checks.v[i].name,
			    state->checks.v[i].ok, state->checks.v[i].detail,
			    state->checks.v[i].fix);
	}
}

static const char *
broker_fix(struct cli *c, const char *url, enum probe_state s)
{
	if (!broker_is_ours(c, url))
		return s == PROBE_NO_NAME
		    ? "the network, or the name in that address"
		    : "start that broker, where it runs";
	if (s == PROBE_REFUSED)
		return "claudemesh up";
	return "end the program that holds that port, then claudemesh up";
}

static void
check_broker(struct cli *c, struct checks *k, const char *url)
{
	const char *name = arena_printf(&c->arena, "broker %.56s", url);
	struct probe p;
	int64_t skew;
	bool ok;

	if (has(k, name))
		return;
	probe_broker(&p, url, 3000);
	ok = p.state == PROBE_OK || p.state == PROBE_OPEN;
	checks_add(k, name, ok,
	    arena_printf(&c->arena, "%s, %lld ms", probe_text(p.state),
		(long long)p.took_ms),
	    broker_fix(c, url, p.state));
	if (p.date_ms == 0)
		return;
	skew = cli_now() - p.date_ms;
	skew = skew < 0 ? -skew : skew;
	checks_add(k, arena_printf(&c->arena, "clock at %.54s", url),
	    skew < SKEW_MS,
	    arena_printf(&c->arena, "%lld s apart", (long long)(skew / 1000)),
	    "set the clock: sudo timedatectl "
	    "set-ntp true");
}

static int64_t
number(struct json doc, const char *name)
{
	int64_t v = 0;

	json_int(json_member(doc, name), &v);
	return v;
}

/* What the broker of this home says of itself. */
static void
look_inside(struct cli *c, struct checks *k, struct json doc)
{
	const char *theirs =
	    json_string(&c->arena, json_member(doc, "version"), NULL);
	int64_t waiting = number(doc, "queued");
	int64_t most = number(json_member(doc, "limits"), "mesh_messages");

	checks_add(k, "broker version",
	    theirs != NULL && strcmp(theirs, self_version()) == 0,
	    arena_printf(&c->arena, "program %s, broker %s", self_version(),
		theirs == NULL ? "?" : theirs),
	    "claudemesh down; claudemesh up");
	checks_add(k, "broker store",
	    json_kind(json_member(doc, "disk_full")) != JSON_TRUE,
	    arena_printf(&c->arena, "%lld MiB",
		(long long)(number(doc, "db_bytes") >> 20)),
	    "the disk is full: free some space; it looks every 5 s");
	checks_add(k, "broker queue", waiting < most / 10 * 8,
	    arena_printf(&c->arena, "%lld messages wait, a mesh may hold %lld",
		(long long)waiting, (long long)most),
	    "claudemesh broker status; more with mesh-messages in broker.conf");
}

static void
check_own_broker(struct cli *c, struct checks *k)
{
	const char *crashed = service_broker_crashed(c), *fault;
	struct why why = { 0 };
	struct json doc;
	struct buf said;

	if (crashed != NULL)
		checks_add(k, "broker crashed", false, crashed,
		    arena_printf(&c->arena,
			"tail %s/broker/broker.log; then claudemesh up",
			c->home.dir));
	buf_init(&said, 256 * 1024);
	if (care_ask(c, &said, &why) == OK &&
	    json_check(buf_str(&said), said.len, &doc, &fault, NULL) == 0)
		look_inside(c, k, doc);
	else if (service_broker_pid(c) > 0)
		checks_add(k, "broker control", false,
		    arena_strdup(&c->arena, why.text),
		    "claudemesh down; claudemesh up");
	else
		check_schema(c, k, "broker schema", "broker/broker.db",
		    &broker_schema[broker_schema_n - 1]);
	buf_fini(&said);
}

void
checks_run(struct cli *c, struct checks *k, struct local_state *state,
    bool thorough)
{
	bool home, daemon = false;
	size_t i;

	memset(k, 0, sizeof(*k));
	k->ok = true;
	memset(state, 0, sizeof(*state));
	home = check_home(c, k);
	if (home)
		check_key(c, k);
	if (home)
		daemon = check_daemon(c, k, state);
	if (home && !daemon)
		check_schema(c, k, "daemon schema", "daemon.db",
		    &daemon_schema[daemon_schema_n - 1]);
	if (daemon)
		check_version(c, k);
	if (daemon)
		check_links(c, k, state);
	if (!thorough)
		return;
	for (i = 0; i < state->meshes.n; i++)
		check_broker(c, k, state->meshes.v[i].broker);
	if (service_broker_own(c))
		check_broker(c, k, service_broker_url(c));
	if (service_broker_own(c))
		check_own_broker(c, k);
	if (home)
		check_disk(c, k);
}

int
checks_print(struct cli *c, const struct checks *k,
    const struct local_state *state)
{
	struct local_state doc = *state;
	const char *good = c->color ? "\033[32m" : "";
	const char *bad = c->color ? "\033[31m" : "";
	const char *plain = c->color ? "\033[0m" : "";
	size_t i;
	int rc;

	doc.ok = k->ok;
	doc.checks.n = k->n;
	doc.checks.v = (struct check *)k->v;
	if (doc.version == NULL)
		doc.version = self_version();
	if (doc_wanted(c)) {
		rc = doc_print_row(c, &wire_local_state, &doc);
		return rc != 0 ? rc : !k->ok;
	}
	for (i = 0; i < k->n && !(c->quiet && k->ok); i++) {
		printf("%s%-4s%s %s: %s\n", k->v[i].ok ? good : bad,
		    k->v[i].ok ? "ok" : "BAD", plain, safe(c, k->v[i].name),
		    safe(c, k->v[i].detail));
		if (!k->v[i].ok && *k->v[i].fix != '\0')
			printf("     try: %s\n", safe(c, k->v[i].fix));
	}
	return !k->ok;
}

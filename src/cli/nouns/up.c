/*
 * up.c - `claudemesh up`: everything on this machine stands, with no question
 * asked. Broker and daemon run in the background, and there is at least one
 * mesh. Doing it again changes nothing and is fast. `down` is its opposite.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/service.h"

#define PERSONAL "home"
#define LINKS_MS 4000

struct stand { /* what was found and done */
	bool broker_started, broker_ours, daemon_started, mesh_made;
	const char *broker;
	struct local_meshes meshes;
	struct local_mesh mesh;
};

static int
list_meshes(struct cli *c, struct stand *s)
{
	struct local_mesh_list in = { 0 };

	return cli_call(c, &wire_local_mesh_list, &in, &s->meshes);
}

static int
broker_up(struct cli *c, struct stand *s)
{
	const char *env = getenv("CLAUDEMESH_BROKER");
	int rc;

	s->broker = service_broker_url(c);
	if (env != NULL && *env != '\0')
		return 0;
	s->broker_ours = true;
	rc = service_broker_up(c, &s->broker_started);
	s->broker = service_broker_url(c);
	return rc;
}

static int
make_mesh(struct cli *c, struct stand *s)
{
	struct local_mesh_create in = { .name = PERSONAL };
	const char *user = getenv("USER");

	/* Without one the daemon takes the account's name on this machine. */
	if (user != NULL && str_name_fault(user, 64) == NULL)
		in.display = user;
	in.broker = s->broker;
	s->mesh_made = true;
	return cli_call(c, &wire_local_mesh_create, &in, &s->mesh);
}

/* Or will not be, whatever we wait. */
static bool
all_settled(const struct stand *s)
{
	size_t i;

	for (i = 0; i < s->meshes.meshes.n; i++) {
		if (strcmp(s->meshes.meshes.v[i].state, "up") != 0 &&
		    strcmp(s->meshes.meshes.v[i].state, "refused") != 0)
			return false;
	}
	return true;
}

/* What was started just now needs a moment to find the other end. */
static int
await_links(struct cli *c, struct stand *s)
{
	struct timespec nap = { 0, 20000000 };
	int left = LINKS_MS, rc = 0;

	if (!s->broker_started && !s->daemon_started)
		return 0;
	for (; rc == 0 && left > 0 && !all_settled(s); left -= 20) {
		nanosleep(&nap, NULL);
		rc = list_meshes(c, s);
	}
	return rc;
}

/* Broker, daemon, mesh: in this order, each only when it is missing. */
static int
stand_up(struct cli *c, struct stand *s)
{
	bool own = service_broker_own(c);
	int rc = 0;

	if (own)
		rc = broker_up(c, s);
	s->daemon_started = !local_alive(&c->home);
	if (rc == 0)
		rc = cli_connect(c, true);
	if (rc == 0)
		rc = list_meshes(c, s);
	if (rc != 0)
		return rc;
	if (s->meshes.meshes.n > 0)
		return await_links(c, s);
	if (!own && (rc = broker_up(c, s)) != 0)
		return rc;
	if ((rc = make_mesh(c, s)) != 0 || (rc = list_meshes(c, s)) != 0)
		return rc;
	return await_links(c, s);
}

static int
as_document(struct cli *c, const struct stand *s)
{
	struct buf b, list;
	int rc;

	buf_init(&b, 4 << 20);
	buf_init(&list, 4 << 20);
	wire_encode_doc(&list, &wire_local_meshes, &s->meshes, NULL);
	buf_addf(&b, "{\"broker\":{\"url\":");
	json_quote(&b, s->broker == NULL ? "" : s->broker);
	buf_addf(&b,
	    ",\"started\":%s},\"daemon\":{\"pid\":%lld,\"started\":%s},"
	    "\"made\":%s,%s",
	    s->broker_started ? "true" : "false",
	    (long long)local_pid(c->local),
	    s->daemon_started ? "true" : "false",
	    s->mesh_made ? "true" : "false", buf_str(&list) + 1);
	rc = doc_print(c, buf_str(&b), b.len);
	buf_fini(&list);
	buf_fini(&b);
	return rc;
}

/* Why the links that are not up are not, from the daemon. */
static void
report_down(struct cli *c)
{
	struct local_status in = { 0 };
	struct local_state state;
	const struct link_state *l;
	struct why why;
	size_t i;

	if (cli_try(c, &wire_local_status, &in, &state, &why) != 0)
		return;
	for (i = 0; i < state.meshes.n; i++) {
		l = &state.meshes.v[i];
		if (strcmp(l->state, "up") != 0)
			fprintf(stderr,
			    "mesh %s has no link to %s: %s\n"
			    "  hint: claudemesh doctor\n",
			    safe(c, l->mesh), safe(c, l->broker),
			    safe(c, l->reason));
	}
}

static void
report(struct cli *c, const struct stand *s)
{
	const struct mesh_row *m;
	size_t i, up = 0;
	bool invites = false; /* only admins do */

	if (s->broker != NULL)
		cli_say(c, "broker  %s at %s",
		    s->broker_started ? "started" : "runs", safe(c, s->broker));
	cli_say(c, "daemon  %s, process %lld",
	    s->daemon_started ? "started" : "runs",
	    (long long)local_pid(c->local));
	for (i = 0; i < s->meshes.meshes.n; i++) {
		m = &s->meshes.meshes.v[i];
		up += strcmp(m->state, "up") == 0;
		invites |= strcmp(m->role, "member") != 0;
		cli_say(c, "mesh    %s%s: you are %s (%s), link %s",
		    safe(c, m->slug), s->mesh_made ? " made" : "",
		    safe(c, m->me), safe(c, m->role), safe(c, m->state));
	}
	if (up < i)
		report_down(c);
	if (up == 0)
		return;
	cli_say(c, "\nnext: claudemesh peers                who is there");
	if (invites)
		cli_say(c,
		    "      claudemesh share                invite somebody");
	cli_say(c, "      claudemesh send NAME \"hello\"    write to them");
}

static int
up(struct cli *c, const struct verb *v)
{
	struct stand s = { .broker = NULL };
	struct why why = { 0 };
	int rc, lock;

	(void)v;
	if ((rc = cli_home(c)) != 0)
		return rc;
	if (home_prepare(&c->home, &why) != 0) {
		cli_hint(c, "%s", c->home.fix);
		return cli_fail_why(c, &why);
	}
	lock = service_lock(c);
	rc = stand_up(c, &s);
	if (lock >= 0)
		close(lock);
	if (rc != 0)
		return rc;
	if (doc_wanted(c))
		return as_document(c, &s);
	report(c, &s);
	return 0;
}

/* ---- down ---- */

static int
down(struct cli *c, const struct verb *v)
{
	bool purge = arg(c, "purge") != NULL, daemon, broker;
	int rc;

	(void)v;
	if ((rc = cli_home(c)) != 0)
		return rc;
	if (purge &&
	    (rc = cli_confirm(c,
		 arena_printf(&c->arena,
		     "Stop all and "
		     "erase %s: keys, mail, meshes made here?",
		     c->home.dir))) != 0)
		return rc;
	if ((rc = service_daemon_down(c, &daemon)) != 0 ||
	    (rc = service_broker_down(c, &broker)) != 0)
		return rc;
	if (!doc_wanted(c)) {
		cli_say(c,
		    daemon ? "daemon stopped" : "daemon was not running");
		cli_say(c,
		    broker ? "broker stopped"
			   : "no broker of this home "
			     "was running");
	}
	if (purge && (rc = service_purge(c)) != 0)
		return rc;
	return doc_wanted(c) ? doc_print(c, "{\"ok\":true}", 11) : 0;
}

static const struct flag down_flags[] = {
	{ "purge", NULL, "Erase every trace in the home, and say what went." },
	{ NULL, NULL, NULL },
};

static const struct verb up_verbs[] = {
	{ .name = "up",
	    .run = up,
	    .doc =
		"Starts broker and daemon in the background and makes a "
		"personal mesh when there is none. Asks nothing; doing it again "
		"changes nothing." },
	{ .name = NULL },
};

static const struct verb down_verbs[] = {
	{ .name = "down",
	    .run = down,
	    .flags = down_flags,
	    .doc =
		"Stops daemon and broker of this home, and returns when they "
		"are gone." },
	{ .name = NULL },
};

const struct noun noun_up = { .name = "up",
	.doc = "Start everything on this machine.",
	.verbs = up_verbs,
	.single = true };
const struct noun noun_down = { .name = "down",
	.doc = "Stop everything on this machine.",
	.verbs = down_verbs,
	.single = true };

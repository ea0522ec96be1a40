/*
 * daemon.c - the process that holds the keys and the mail of this user.
 */
#include "daemon/daemon.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/inbox.h"
#include "cli/service.h"

static int
run(struct cli *c, const struct verb *v)
{
	struct daemon_options o = { .exe = c->exe,
		.level = c->verbose ? LOG_DEBUG : LOG_INFO };
	struct why why = { 0 };
	int rc;

	(void)v;
	if ((rc = cli_home(c)) != 0)
		return rc;
	if (home_prepare(&c->home, &why) != 0) {
		cli_hint(c, "%s", c->home.fix);
		return cli_fail_why(c, &why);
	}
	o.home = c->home.dir;
	o.broker = arg(c, "broker");
	o.log_stderr = arg(c, "log-stderr") != NULL;
	return daemon_run(&o);
}

static int
up(struct cli *c, const struct verb *v)
{
	bool was;
	int rc;

	(void)v;
	if ((rc = cli_home(c)) != 0)
		return rc;
	was = local_alive(&c->home);
	if ((rc = cli_connect(c, true)) != 0)
		return rc;
	if (doc_wanted(c))
		return doc_print(c, "{\"ok\":true}", 11);
	cli_say(c, "daemon %s (process %lld)", was ? "was running" : "started",
	    (long long)local_pid(c->local));
	return 0;
}

static int
down(struct cli *c, const struct verb *v)
{
	bool stopped;
	int rc;

	(void)v;
	if ((rc = cli_home(c)) != 0 ||
	    (rc = service_daemon_down(c, &stopped)) != 0)
		return rc;
	if (doc_wanted(c))
		return doc_print(c, "{\"ok\":true}", 11);
	cli_say(c, stopped ? "daemon stopped" : "daemon was not running");
	return 0;
}

static int
status(struct cli *c, const struct verb *v)
{
	struct local_status in = { 0 };
	struct local_state state;
	int rc;

	if ((rc = cli_connect(c, false)) != 0 ||
	    (rc = cli_call(c, v->row, &in, &state)) != 0)
		return rc;
	if (doc_wanted(c))
		return doc_print_row(c, &wire_local_state, &state);
	printf("daemon %s, process %lld, since %s\n", safe(c, state.version),
	    (long long)state.pid, show_age(c, state.started_at));
	if (state.meshes.n > 0) {
		/* The reply's second list, by the table of its own kind. */
		show_items(c, &wire_link_state, state.meshes.v, state.meshes.n,
		    "mesh state sessions outbox unread broker "
		    "reason");
	}
	return 0;
}

static int
fill_outbox(struct cli *c, void *in)
{
	(void)c;
	((struct local_message_list *)in)->pending = true;
	return 0;
}

static int
fill_inbox(struct cli *c, void *in)
{
	(void)c;
	((struct local_inbox *)in)->all = true;
	return 0;
}

static const struct flag run_flags[] = {
	{ "broker", "URL", "Default broker of meshes made here." },
	{ "log-stderr", NULL, "Log to standard error in place of daemon.log." },
	{ NULL, NULL, NULL },
};

static const struct verb verbs[] = {
	{ .name = "down", .run = down, .doc = "Stops the daemon." },
	{ .name = "inbox",
	    .row = &wire_local_inbox,
	    .hide = "all read wait_ms",
	    .fill = fill_inbox,
	    .show = inbox_show,
	    .doc = "Shows all mail of all sessions; marks nothing as read." },
	{ .name = "outbox",
	    .row = &wire_local_message_list,
	    .hide = "pending",
	    .fill = fill_outbox,
	    .columns = "sent_at to receipt reason id text",
	    .empty = "the outbox is empty",
	    .doc = "Shows the messages not yet stored at their broker." },
	{ .name = "run",
	    .run = run,
	    .flags = run_flags,
	    .doc = "Runs the daemon in the foreground." },
	{ .name = "status",
	    .row = &wire_local_status,
	    .run = status,
	    .doc = "Shows the daemon and its links; does not start it." },
	{ .name = "up", .run = up, .doc = "Starts the daemon if none runs." },
	{ .name = NULL },
};

const struct noun noun_daemon = { .name = "daemon",
	.doc = "The process that holds the keys and the mail.",
	.verbs = verbs };

/*
 * message.c - sending, and how far it came. What is printed is the receipt
 * there is evidence for and never a higher one.
 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/inbox.h"

static const char *const rungs[] = { "queued", "stored", "delivered",
	"surfaced", "in_context", "answered" };

/* Height on the ladder; -1 for what stands beside it. */
static int
height(const char *receipt)
{
	size_t i;

	for (i = 0; i < countof(rungs); i++) {
		if (strcmp(rungs[i], receipt) == 0)
			return (int)i;
	}
	return -1;
}

static bool
lost(const char *receipt)
{
	return strcmp(receipt, "refused") == 0 ||
	    strcmp(receipt, "failed") == 0 || strcmp(receipt, "expired") == 0;
}

static bool
waits_here(const struct local_sent *r)
{
	size_t i;

	for (i = 0; i < r->recipients.n; i++) {
		if (strcmp(r->recipients.v[i].receipt, "queued") == 0 &&
		    *r->recipients.v[i].reason == '\0')
			return true;
	}
	return false;
}

/* Why what is queued is not stored yet, when it is because of the link. */
static void
link_why(struct cli *c, const char *mesh)
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
		if (strcmp(l->mesh, mesh) != 0 || strcmp(l->state, "up") == 0)
			continue;
		fprintf(stderr, "queued because %s cannot be reached: %s; ",
		    safe(c, l->broker), safe(c, l->reason));
		fprintf(stderr,
		    strcmp(l->state, "refused") == 0
			? "claudemesh doctor tells what mends it\n"
			: "it goes out when it can\n");
	}
}

static void
show_sent(struct cli *c, const void *reply)
{
	const struct local_sent *r = reply;
	const struct sent_recipient *to;
	size_t i;

	for (i = 0; i < r->recipients.n; i++) {
		to = &r->recipients.v[i];
		printf("%s: %s%s%s%s%s\n", safe(c, to->name),
		    safe(c, to->receipt), *to->reason == '\0' ? "" : ": ",
		    safe(c, to->reason), *to->via == '\0' ? "" : "  ",
		    safe(c, to->via));
	}
	for (i = 0; i < r->empty.n; i++)
		fprintf(stderr, "nobody %s %s\n",
		    strcmp(r->empty.v[i].s, "*") == 0 ? "else is in the mesh:"
			: *r->empty.v[i].s == '@'     ? "else is in"
						      : "else bears",
		    safe(c, r->empty.v[i].s));
	if (!c->quiet)
		fprintf(stderr, "message %s\n", safe(c, r->id));
	if (!c->quiet && *r->mesh != '\0' && waits_here(r))
		link_why(c, r->mesh);
}

/* 1 when a copy is lost; 7 when the rung asked for was not reached. */
static int
exit_sent(struct cli *c, const void *reply)
{
	const struct local_sent *r = reply;
	const char *param =
	    strcmp(c->verb->name, "wait") == 0 ? "rung" : "wait";
	const char *rung = arg(c, param);
	int want, at;
	size_t i;

	if (rung == NULL && strcmp(c->verb->name, "wait") == 0)
		rung = "delivered";
	for (i = 0; i < r->recipients.n; i++) {
		if (lost(r->recipients.v[i].receipt) &&
		    strcmp(c->verb->name, "status") != 0)
			return 1;
	}
	want = rung == NULL ? -1 : height(rung);
	for (i = 0; i < r->recipients.n; i++) {
		at = height(r->recipients.v[i].receipt);
		if (want > 0 && at < want)
			return err_info(E_TIMED_OUT)->exit;
	}
	return 0;
}

static int
check_rung(struct cli *c, const char *rung)
{
	struct guess g = { .word = rung };
	size_t i;

	if (*rung == '\0' || height(rung) > 0)
		return 0;
	for (i = 1; i < countof(rungs); i++)
		guess_try(&g, rungs[i]);
	if (g.best != NULL)
		cli_hint(c, "did you mean %s?", g.best);
	return cli_usage(c,
	    "one waits for stored, delivered, surfaced, "
	    "in_context or answered, not for '%s'",
	    safe(c, rung));
}

static int
fill_send(struct cli *c, void *in)
{
	struct local_send *m = in;
	size_t i;
	int rc;

	m->wait = m->wait == NULL ? "" : m->wait;
	if ((rc = check_rung(c, m->wait)) != 0)
		return rc;
	if (*m->wait != '\0' && m->wait_ms == 0 && arg(c, "timeout") == NULL)
		m->wait_ms = 30000;
	for (i = 0; i < m->to.n; i++) {
		if (*m->to.v[i].s == '#')
			cli_hint(c,
			    "topics cannot be written to in this version; "
			    "@NAME is a group: claudemesh group list");
	}
	if ((rc = args_text(c, m->text, 65536, &m->text)) != 0)
		return rc;
	return *m->text != '\0' ? 0 : cli_usage(c, "the text is empty");
}

static int
fill_status(struct cli *c, void *in)
{
	struct local_message_status *m = in;

	m->wait = m->wait == NULL ? "" : m->wait;
	if (strcmp(c->verb->name, "wait") == 0 && *m->wait == '\0')
		m->wait = "delivered";
	if (*m->wait != '\0' && m->wait_ms == 0 && arg(c, "timeout") == NULL)
		m->wait_ms = 60000;
	return check_rung(c, m->wait);
}

static const struct flag inbox_flags[] = {
	{ "framed", NULL,
	    "As a model is to see it: each message between markers nobody can "
	    "forge. So it is anyway where Claude Code's model runs this." },
	{ NULL, NULL, NULL },
};

static const struct verb verbs[] = {
	{ .name = "inbox",
	    .row = &wire_local_inbox,
	    .flags = inbox_flags,
	    .fill = inbox_fill,
	    .show = inbox_show },
	{ .name = "list",
	    .row = &wire_local_message_list,
	    .columns = "sent_at to receipt reason id text",
	    .empty = "nothing was sent from here" },
	{ .name = "send",
	    .row = &wire_local_send,
	    .args = "to... text",
	    .rename = "wait_ms=timeout",
	    .fill = fill_send,
	    .show = show_sent,
	    .exit = exit_sent,
	    .doc =
		"Sends a message to names, keys, @GROUP, * (everybody; also "
		"@all) or tag:KEY=VALUE, any number of them; each peer gets it "
		"once, and you do not. The last argument is the text, - reads it from standard input. Prints the receipt there is "
		"evidence for: stored, or queued and why. The message goes on when "
		"the waiting is over." },
	{ .name = "status",
	    .row = &wire_local_message_status,
	    .rename = "wait_ms=timeout",
	    .fill = fill_status,
	    .show = show_sent,
	    .exit = exit_sent },
	{ .name = "wait",
	    .row = &wire_local_message_status,
	    .args = "id rung?",
	    .rename = "wait=rung wait_ms=timeout",
	    .fill = fill_status,
	    .show = show_sent,
	    .exit = exit_sent,
	    .doc = "Waits until a message has come as far as a rung "
		   "(delivered); exit status 7 when it has not in time." },
	{ .name = NULL },
};

const struct noun noun_message = { .name = "message",
	.doc = "Messages: sending them, how far they came, the inbox.",
	.verbs = verbs };

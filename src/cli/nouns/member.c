/*
 * member.c - who belongs to a mesh, by its roll.
 */
#include "cli/cli.h"

static void
show_member(struct cli *c, const void *reply)
{
	const struct local_member *r = reply;

	cli_say(c, "%s in %s: %s, %s", safe(c, r->name), safe(c, r->mesh),
	    r->state, r->role);
}

static void
show_added(struct cli *c, const void *reply)
{
	const struct local_member *r = reply;

	puts(r->id);
	cli_say(c, "%s is a member of %s%s", safe(c, r->name), safe(c, r->mesh),
	    r->old_client ? ", as an old client" : "");
}

/* What it cancelled, what it could read to the last, who has no new key yet. */
static void
show_banned(struct cli *c, const void *reply)
{
	const struct local_banned *r = reply;
	size_t i;

	cli_say(c, "removed %s from %s", safe(c, r->name), safe(c, r->mesh));
	cli_say(c, "ended      %lld session%s, %lld invite%s",
	    (long long)r->sessions, r->sessions == 1 ? "" : "s",
	    (long long)r->invites, r->invites == 1 ? "" : "s");
	cli_say(c, "epoch      %lld begins; %lld is the last it could read",
	    (long long)r->epoch, (long long)r->last_readable);
	if (r->waiting.n == 0) {
		cli_say(c, "new key    all %lld members have it",
		    (long long)r->members);
		return;
	}
	cli_say(c, "new key    %zu of %lld members have not fetched it yet:",
	    r->waiting.n, (long long)r->members);
	for (i = 0; i < r->waiting.n && i < 20; i++)
		cli_say(c, "           %s", safe(c, r->waiting.v[i].s));
	if (r->waiting.n > 20)
		cli_say(c, "           and %zu more", r->waiting.n - 20);
}

static int
fill_add(struct cli *c, void *in)
{
	struct local_member_add *m = in;

	if (m->key != NULL && *m->key != '\0')
		return 0;
	return cli_usage(c, "member add needs --key HEX, the member's key");
}

static const struct verb verbs[] = {
	{ .name = "add",
	    .row = &wire_local_member_add,
	    .fill = fill_add,
	    .show = show_added },
	{ .name = "ban",
	    .row = &wire_local_member_ban,
	    .ask = "Remove %s, its invites and its access for good?",
	    .show = show_banned },
	{ .name = "demote",
	    .row = &wire_local_member_demote,
	    .show = show_member },
	{ .name = "list",
	    .row = &wire_local_member_list,
	    .doc = "Lists the members, by the signed roll.",
	    .columns = "name role state sessions joined_at id" },
	{ .name = "promote",
	    .row = &wire_local_member_promote,
	    .show = show_member },
	{ .name = "unban",
	    .row = &wire_local_member_unban,
	    .show = show_member },
	{ .name = NULL },
};

const struct noun noun_member = { .name = "member",
	.doc = "Who belongs to a mesh.",
	.verbs = verbs,
	.dflt = "list" };

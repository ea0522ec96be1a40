/*
 * invite.c - links by which others join. Who has the link may join, so it goes
 * to stdout and nowhere else; the QR code only to a terminal or when asked for.
 */
#include "cli/cli.h"

static void
show_terms(struct cli *c, const struct local_invite *r)
{
	if (!c->quiet)
		fprintf(stderr,
		    "for %lld %s as %s; expires %s; undo: claudemesh "
		    "invite revoke %s\n",
		    (long long)r->uses, r->uses == 1 ? "person" : "people",
		    safe(c, r->role), show_age(c, r->expires_at),
		    safe(c, r->code));
}

static void
show_invite(struct cli *c, const void *reply)
{
	const struct local_invite *r = reply;

	puts(safe(c, r->url));
	show_terms(c, r);
}

static void
show_share(struct cli *c, const void *reply)
{
	const struct local_invite *r = reply;

	if (c->tty_out || arg(c, "qr") != NULL)
		qr_print(c, r->url);
	show_invite(c, reply);
}

static int
fill_invite(struct cli *c, void *in)
{
	int rc;

	(void)in;
	rc = args_not_zero(c, "expires");
	return rc != 0 ? rc : args_not_zero(c, "uses");
}

static const struct flag share_flags[] = {
	{ "qr", NULL, "The QR code even when stdout is no terminal." },
	{ NULL, NULL, NULL },
};

static const struct verb verbs[] = {
	{ .name = "create",
	    .row = &wire_local_invite_create,
	    .fill = fill_invite,
	    .show = show_invite },
	{ .name = "list",
	    .row = &wire_local_invite_list,
	    .doc = "Lists the invites, by the roll.",
	    .columns = "code role state used uses expires_at by",
	    .empty = "no invites: claudemesh share makes one" },
	{ .name = "revoke",
	    .row = &wire_local_invite_revoke,
	    .ask = "Revoke invite %s?",
	    .done = "revoked" },
	{ .name = "share",
	    .row = &wire_local_invite_create,
	    .fill = fill_invite,
	    .flags = share_flags,
	    .show = show_share,
	    .doc = "Makes an invite and shows it as a link and a QR code." },
	{ .name = NULL },
};

const struct noun noun_invite = { .name = "invite",
	.doc = "Links by which others join.",
	.verbs = verbs,
	.dflt = "create" };

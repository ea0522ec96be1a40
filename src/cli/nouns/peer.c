/*
 * peer.c - who is in the mesh just now, and whether they are who they seem.
 */
#include <string.h>

#include "cli/cli.h"

static void
show_peers(struct cli *c, const void *reply)
{
	const struct local_peers *r = reply;
	struct verb v = *c->verb;
	size_t i;

	for (i = 0; c->tty_out && i < r->peers.n; i++) {
		if (r->peers.v[i].you)
			r->peers.v[i].name = arena_printf(&c->arena, "%s (you)",
			    r->peers.v[i].name);
	}
	v.columns = arg(c, "all") != NULL
	    ? "mesh name online status role groups tags member hostname summary"
	    : "name online status role groups tags member hostname summary";
	show_list(c, &v, reply);
}

static void
show_peer(struct cli *c, const void *reply)
{
	const struct local_peers *r = reply;
	size_t i;

	for (i = 0; i < r->peers.n; i++) {
		if (i > 0)
			putchar('\n');
		show_row(c, &wire_peer_row, &r->peers.v[i]);
	}
}

static int
exit_peer(struct cli *c, const void *reply)
{
	const struct local_peers *r = reply;

	if (r->peers.n > 0)
		return 0;
	return cli_fail(c, E_NO_PEER, "there is no peer '%s'",
	    safe(c, arg(c, "name")));
}

static void
show_safety(struct cli *c, const void *reply)
{
	const struct local_safety *r = reply;
	const char *a = r->member, *b = r->you, *text;

	if (strcmp(a, b) > 0) {
		a = r->you;
		b = r->member;
	}
	text = arena_printf(&c->arena, "claudemesh/verify/2 %s %s", a, b);
	if (c->tty_out || arg(c, "qr") != NULL)
		qr_print(c, text);
	printf("%s\n", safe(c, r->safety_number));
	if (!c->quiet)
		fprintf(stderr,
		    "Compare these digits with %s by voice. Others "
		    "there mean that somebody is in between.\n",
		    safe(c, r->name));
}

static const struct flag qr_flags[] = {
	{ "qr", NULL, "The QR code even when stdout is no terminal." },
	{ NULL, NULL, NULL },
};

static const struct verb verbs[] = {
	{ .name = "kick",
	    .row = &wire_local_peer_kick,
	    .ask = "End the session of %s?",
	    .done = "kicked" },
	{ .name = "list",
	    .row = &wire_local_peer_list,
	    .hide = "name query",
	    .show = show_peers,
	    .empty = "nobody is here; claudemesh share invites somebody" },
	{ .name = "search",
	    .row = &wire_local_peer_list,
	    .args = "query",
	    .hide = "name",
	    .show = show_peers,
	    .empty = "no peer fits",
	    .doc = "Looks for words in the names, roles, groups, tags, "
		   "summaries and profiles of peers; who fits best comes "
		   "first." },
	{ .name = "show",
	    .row = &wire_local_peer_list,
	    .args = "name",
	    .hide = "group query",
	    .show = show_peer,
	    .exit = exit_peer,
	    .doc = "Shows all about one peer." },
	{ .name = "verify",
	    .row = &wire_local_peer_verify,
	    .show = show_safety,
	    .flags = qr_flags },
	{ .name = NULL },
};

const struct noun noun_peer = { .name = "peer",
	.doc = "Who is in the mesh just now.",
	.verbs = verbs,
	.dflt = "list" };

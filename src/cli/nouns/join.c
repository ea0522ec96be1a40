/*
 * join.c - joining by a link: look first, show what it leads to and who
 * invites, ask, then join. From the URL handler it asks even with -y, because
 * the words of that command line are not the user's.
 */
#include <string.h>

#include "cli/trust.h"

static void
show_view(struct cli *c, const struct local_mesh_view *v)
{
	bool tty = c->tty_out;

	if (c->quiet || doc_wanted(c))
		return;
	c->tty_out = true; /* ages, and padding */
	fprintf(stderr,
	    "mesh      %s\nbroker    %s\ninvited by %s\n"
	    "role      %s\nmembers   %lld\nexpires   %s\n",
	    safe(c, v->name), safe(c, v->broker),
	    *v->inviter == '\0' ? "(unknown)" : safe(c, v->inviter),
	    safe(c, v->role), (long long)v->members,
	    show_age(c, v->expires_at));
	c->tty_out = tty;
}

static int
read_url(struct cli *c, struct local_mesh_join *in)
{
	const char *s;
	size_t n;
	int rc;

	if ((rc = args_text(c, in->url, 2048, &s)) != 0)
		return rc;
	s += strspn(s, " \t\r\n");
	n = strcspn(s, " \t\r\n");
	in->url = arena_strndup(&c->arena, s, n);
	return n > 0 ? 0 : cli_usage(c, "there is no link to join by");
}

static int
joined(struct cli *c, const struct local_mesh *m, bool already)
{
	c->mesh = m->mesh.slug; /* for who goes on from here */
	if (doc_wanted(c))
		return doc_print_row(c, &wire_local_mesh, m);
	cli_say(c, "you are %s%s in %s", already ? "already " : "",
	    safe(c, m->member.name), safe(c, m->mesh.slug));
	trust_warn(c, m->mesh.broker);
	cli_say(c, "next: claudemesh peers --mesh %s", safe(c, m->mesh.slug));
	return 0;
}

static int
join(struct cli *c, const struct verb *verb)
{
	struct local_mesh_join in = { .url = "" };
	struct local_mesh_look look;
	struct local_mesh_view view;
	struct local_mesh done;
	const char *q;
	int rc;

	if ((rc = args_fill(c, verb->row, &in)) != 0 ||
	    (rc = read_url(c, &in)) != 0 ||
	    (rc = trust_fill(c, &in.ca, &in.pin)) != 0)
		return rc;
	memset(&look, 0, sizeof(look));
	look.url = in.url;
	look.ca = in.ca;
	look.pin = in.pin;
	rc = trust_call(c, &wire_local_mesh_look, &look, &look.pin, &view);
	if (rc != 0)
		return rc;
	in.pin = look.pin;
	show_view(c, &view);
	if (!view.already) {
		q = arena_printf(&c->arena, "Join mesh %s, invited by %s?",
		    safe(c, view.name), safe(c, view.inviter));
		if ((rc = cli_confirm(c, q)) != 0)
			return rc;
	}
	rc = cli_call(c, verb->row, &in, &done);
	return rc != 0 ? rc : joined(c, &done, view.already);
}

static const struct verb verbs[] = {
	{ .name = "join",
	    .row = &wire_local_mesh_join,
	    .run = join,
	    .hide = "ca pin",
	    .flags = trust_flags,
	    .doc =
		"Joins a mesh by an invite link, after showing what it leads "
		"to; - reads the link from standard input." },
	{ .name = NULL },
};

const struct noun noun_join = { .name = "join",
	.doc = "Join a mesh by an invite link.",
	.verbs = verbs,
	.single = true };

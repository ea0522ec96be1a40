/*
 * account.c - the user's account: the key from which all others come. The seed
 * itself is never shown; it travels to another machine sealed under a code.
 */
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define SPACE " \t\r\n"

/* ---- giving ---- */

static int
give(struct cli *c, const struct verb *verb)
{
	struct local_account_sealed out;
	struct local_account_link in = { 0 };
	int rc;

	if ((rc = args_not_zero(c, "expires")) != 0 ||
	    (rc = args_fill(c, verb->row, &in)) != 0 ||
	    (rc = cli_call(c, verb->row, &in, &out)) != 0)
		return rc;
	if (doc_wanted(c))
		return doc_print_row(c, verb->row->reply, &out);
	if (c->tty_out && strlen(out.text) < 1200)
		qr_print(c, out.text);
	puts(out.text);
	if (!c->quiet)
		fprintf(stderr,
		    "on the other machine: claudemesh account link TEXT, and "
		    "then this code:\n");
	fprintf(stderr, "%s\n", out.code);
	if (!c->quiet)
		fprintf(stderr,
		    "it expires %s; let text and code go different ways, for "
		    "whoever has both is you\n",
		    show_age(c, out.expires_at));
	return 0;
}

/* ---- taking ---- */

/* The next word of the text, which is cut off there. */
static char *
word(char **rest)
{
	char *s = *rest + strspn(*rest, SPACE);
	size_t n = strcspn(s, SPACE);

	*rest = s + n;
	if (**rest != '\0')
		*(*rest)++ = '\0';
	return s;
}

/* Text and code: `-` means both on standard input, else it has the code. */
static int
read_both(struct cli *c, struct local_account_take *in)
{
	const char *all;
	char *rest;
	int rc;

	if (c->tty_in && strcmp(in->text, "-") != 0) {
		fprintf(stderr, "code: ");
		fflush(stderr);
	}
	if (strcmp(in->text, "-") != 0 && c->tty_in) {
		char line[80];

		all = fgets(line, sizeof(line), stdin) == NULL ? "" : line;
		in->code = arena_strdup(&c->arena, all);
		return 0;
	}
	if ((rc = args_text(c, "-", 140000, &all)) != 0)
		return rc;
	rest = arena_strdup(&c->arena, all);
	if (strcmp(in->text, "-") == 0)
		in->text = word(&rest);
	in->code = rest + strspn(rest, SPACE);
	if (*in->text == '\0' || *in->code == '\0')
		return cli_usage(c,
		    "standard input holds no code; it is shown with the text "
		    "on the other machine");
	return 0;
}

/* All that can be; the first that cannot gives the exit status. */
static int
attach_all(struct cli *c, const struct local_account_taken *taken)
{
	struct local_mesh_attach in;
	struct local_mesh out;
	int first = 0, rc;
	size_t i;

	for (i = 0; i < taken->meshes.n; i++) {
		memset(&in, 0, sizeof(in));
		in.id = taken->meshes.v[i].mesh;
		in.broker = taken->meshes.v[i].broker;
		in.pin = taken->meshes.v[i].pin;
		c->fix[0] = '\0'; /* of the mesh before */
		cli_hint(c, "claudemesh mesh attach %s %s", in.id,
		    safe(c, in.broker));
		rc = cli_call(c, &wire_local_mesh_attach, &in, &out);
		if (rc == 0 && !doc_wanted(c))
			cli_say(c, "you are %s in %s, on this machine, too",
			    safe(c, out.member.name), safe(c, out.mesh.slug));
		if (first == 0)
			first = rc;
	}
	return first;
}

static int
take(struct cli *c, const char *text)
{
	struct local_account_take in = { .text = text };
	struct local_account_taken out;
	int rc;

	if ((rc = read_both(c, &in)) != 0)
		return rc;
	cli_hint(c,
	    "claudemesh account link on the other machine makes a new "
	    "one");
	if ((rc = cli_call(c, &wire_local_account_take, &in, &out)) != 0)
		return rc;
	rc = attach_all(c, &out);
	if (doc_wanted(c))
		doc_print_row(c, &wire_local_account_taken, &out);
	else if (out.meshes.n == 0)
		cli_say(c, "this machine now has the account %.8s...",
		    out.account);
	return rc;
}

static int
link_account(struct cli *c, const struct verb *verb)
{
	const char *text = arg(c, "text");

	if (text == NULL)
		return give(c, verb);
	if (arg(c, "expires") != NULL)
		return cli_usage(c, "--expires is said where the text is made");
	return take(c, text);
}

static const struct flag link_flags[] = {
	{ "text", "TEXT",
	    "The text made by account link on the other machine; - reads text "
	    "and code from standard input. Without it, one is made here." },
	{ NULL, NULL, NULL },
};

static const struct verb verbs[] = {
	{ .name = "link",
	    .row = &wire_local_account_link,
	    .args = "text?",
	    .flags = link_flags,
	    .run = link_account,
	    .doc = "Carries the account to another machine of yours, where you "
		   "are the same member of the same meshes. The code is asked "
		   "for, or read from standard input." },
	{ .name = "show",
	    .row = &wire_local_account_show,
	    .doc = "Shows the account's public key and where its seed lies." },
	{ .name = NULL },
};

const struct noun noun_account = { .name = "account",
	.doc = "The user's account on this machine.",
	.verbs = verbs,
	.dflt = "show" };

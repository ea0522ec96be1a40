/*
 * main.c - the words of the command line find their noun and verb, the verb's
 * table is carried out, the process ends with what came of it.
 *
 * Nothing is set up that the verb does not need: no database, no keys, no
 * network. The CLI holds no state.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/main.h"
#include "client/self.h"

const struct noun *
cli_noun(const char *name)
{
	size_t i;

	for (i = 0; nouns[i] != NULL; i++) {
		if (strcmp(nouns[i]->name, name) == 0)
			return nouns[i];
	}
	return NULL;
}

const struct verb *
cli_verb(const struct noun *n, const char *name)
{
	const struct verb *v;

	for (v = n->verbs; v->name != NULL; v++) {
		if (strcmp(v->name, name) == 0)
			return v;
	}
	return NULL;
}

static bool
is_url(const char *s)
{
	static const char *const schemes[] = { "http://", "https://", "ic://",
		"claudemesh://" };
	size_t i;

	for (i = 0; i < countof(schemes); i++) {
		if (str_starts(s, schemes[i]))
			return true;
	}
	return false;
}

static int
unknown_noun(struct cli *c, const char *word)
{
	struct guess g = { .word = word };
	const struct alias *a;
	size_t i;

	for (i = 0; nouns[i] != NULL; i++)
		guess_try(&g, nouns[i]->name);
	for (a = aliases; a->name != NULL; a++)
		guess_try(&g, a->name);
	if (g.best != NULL)
		cli_hint(c, "did you mean claudemesh %s?", g.best);
	return cli_usage(c, "there is no command '%s'", safe(c, word));
}

static int
unknown_verb(struct cli *c, const char *word)
{
	struct guess g = { .word = word };
	const struct verb *v;

	for (v = c->noun->verbs; v->name != NULL; v++)
		guess_try(&g, v->name);
	if (g.best != NULL)
		cli_hint(c, "did you mean claudemesh %s %s?", c->noun->name,
		    g.best);
	else
		cli_hint(c, "claudemesh %s --help", c->noun->name);
	return cli_usage(c, "%s has no verb '%s'", c->noun->name,
	    safe(c, word));
}

/* The verb of the words; *used of them were its name. NULL: said why. */
static int
find_verb(struct cli *c, int argc, char **argv, int *used)
{
	const struct alias *a;

	for (a = aliases; a->name != NULL; a++) {
		if (strcmp(a->name, argv[0]) == 0 &&
		    (cli_noun(a->name) == NULL)) {
			c->noun = cli_noun(a->noun);
			c->verb = cli_verb(c->noun, a->verb);
			*used = 1;
			return 0;
		}
	}
	if ((c->noun = cli_noun(argv[0])) == NULL)
		return unknown_noun(c, argv[0]);
	*used = c->noun->single ? 1 : 2;
	if (c->noun->single) {
		c->verb = c->noun->verbs;
	} else if (argc > 1 && argv[1][0] != '-') {
		if ((c->verb = cli_verb(c->noun, argv[1])) == NULL)
			return unknown_verb(c, argv[1]);
	} else if (c->noun->dflt != NULL &&
	    (argc < 2 ||
		(strcmp(argv[1], "--help") != 0 &&
		    strcmp(argv[1], "-h") != 0))) {
		c->verb = cli_verb(c->noun, c->noun->dflt);
		*used = 1;
	}
	return 0;
}

static int
noun_alone(struct cli *c, int argc, char **argv)
{
	if (argc > 1 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		help_noun(stdout, c->noun);
		return 0;
	}
	cli_hint(c, "claudemesh %s --help", c->noun->name);
	return cli_usage(c, "which verb of %s?", c->noun->name);
}

/* The mesh meant when none is named: a question that destroys names it. */
static int
only_mesh(struct cli *c, const char **name)
{
	struct local_mesh_list in = { 0 };
	struct local_meshes out;
	struct buf all;
	size_t i;
	int rc;

	rc = cli_call(c, &wire_local_mesh_list, &in, &out);
	if (rc != 0)
		return rc;
	if (out.meshes.n == 0)
		return cli_fail(c, E_NO_MESH, "no mesh is joined here");
	*name = out.meshes.v[0].slug;
	if (out.meshes.n == 1)
		return 0;
	buf_init(&all, 1024);
	for (i = 0; i < out.meshes.n; i++)
		buf_addf(&all, "%s%s", i > 0 ? ", " : "", out.meshes.v[i].slug);
	rc = cli_fail(c, E_USAGE,
	    "several meshes are joined; say which by --mesh: %s",
	    buf_str(&all));
	buf_fini(&all);
	return rc;
}

/* The question with %s as the first argument, or as the mesh. */
static int
question(struct cli *c, const char *ask, const char **out)
{
	const char *at = strstr(ask, "%s"), *name = c->mesh;
	size_t i;
	int rc;

	*out = ask;
	if (at == NULL)
		return 0;
	for (i = 0; i < c->params.n; i++) {
		if (c->params.v[i].positional && c->params.v[i].n > 0) {
			name = c->params.v[i].v[0];
			break;
		}
	}
	if (name == NULL && (rc = only_mesh(c, &name)) != 0)
		return rc;
	*out = arena_printf(&c->arena, "%.*s%s%s", (int)(at - ask), ask,
	    safe(c, name), at + 2);
	return 0;
}

static int
asked(struct cli *c, const char *ask)
{
	const char *q;
	int rc;

	if (ask == NULL || (c->yes && !c->always_ask))
		return 0;
	rc = question(c, ask, &q);
	return rc != 0 ? rc : cli_confirm(c, q);
}

/* Fill, ask, call, show: what a verb of the tables does. */
static int
run_row(struct cli *c, const struct verb *v)
{
	void *in = arena_zalloc(&c->arena, v->row->size);
	void *out = arena_zalloc(&c->arena, v->row->reply->size);
	struct why why = { 0 };
	int rc;

	if ((rc = args_fill(c, v->row, in)) != 0)
		return rc;
	if (v->fill != NULL && (rc = v->fill(c, in)) != 0)
		return rc;
	if (wire_validate(v->row, in, &why) != 0)
		return cli_fail_why(c, &why);
	if ((rc = asked(c, v->ask)) != 0)
		return rc;
	if ((rc = cli_call(c, v->row, in, out)) != 0)
		return rc;
	if (doc_wanted(c))
		rc = doc_print_row(c, v->row->reply, out);
	else if (v->show != NULL)
		v->show(c, out);
	else if (v->columns != NULL)
		show_list(c, v, out);
	else if (v->row->reply != &wire_ok)
		show_row(c, v->row->reply, out);
	else
		cli_say(c, "%s", v->done != NULL ? v->done : "done");
	return rc == 0 && v->exit != NULL ? v->exit(c, out) : rc;
}

int
cli_run_verb(struct cli *c, const struct verb *v)
{
	return v->run != NULL ? v->run(c, v) : run_row(c, v);
}

static int
help_command(struct cli *c, int argc, char **argv)
{
	int used = 0, rc;

	if (argc == 0) {
		help_all(stdout, true);
		return 0;
	}
	if ((rc = find_verb(c, argc, argv, &used)) != 0)
		return rc;
	if (c->verb != NULL &&
	    (c->noun->single || used == 2 || cli_noun(argv[0]) == NULL))
		help_verb(c, stdout, c->noun, c->verb);
	else
		help_noun(stdout, c->noun);
	return 0;
}

/* claudemesh URL: once in the mesh, a session there. Only for people. */
static int
joined_by_url(struct cli *c)
{
	int rc;

	if (!c->always_ask || !c->tty_in || doc_wanted(c))
		return 0;
	c->noun = cli_noun("session");
	c->verb = cli_verb(c->noun, "launch");
	rc = args_parse(c, 0, NULL);
	return rc != 0 ? rc : cli_run_verb(c, c->verb);
}

static int
command(struct cli *c, int argc, char **argv)
{
	char *join[CLI_ARGS_MAX], **words;
	int used = 0, rc, i;

	if (is_url(argv[0])) {
		/* As the URL handler: whoever made the link wrote this line. */
		c->always_ask = true;
		join[0] = "join";
		for (i = 0; i < argc && i + 2 < CLI_ARGS_MAX; i++)
			join[i + 1] = argv[i];
		argv = join;
		argc = i + 1;
	}
	if ((rc = find_verb(c, argc, argv, &used)) != 0)
		return rc;
	if (c->verb == NULL)
		return noun_alone(c, argc, argv);
	if (argc > CLI_ARGS_MAX)
		return cli_usage(c, "more than %d words", CLI_ARGS_MAX);
	words = arena_zalloc(&c->arena, ((size_t)argc + 1) * sizeof(*words));
	memcpy(words, argv, (size_t)argc * sizeof(*words));
	argv = words; /* ended by NULL: it may become another's command line */
	if ((rc = args_parse(c, argc - used, argv + used)) != 0)
		return rc;
	if (c->help) {
		help_verb(c, stdout, c->noun, c->verb);
		return 0;
	}
	rc = cli_run_verb(c, c->verb);
	return rc != 0 ? rc : joined_by_url(c);
}

/* Flags before the noun (claudemesh --json peers) go behind everything. */
static int
dispatch(struct cli *c, int argc, char **argv)
{
	char *turned[CLI_ARGS_MAX + 2];
	int lead = 0, i, n = 0, next;

	if (argc == 0) {
		help_all(stdout, false);
		return 0;
	}
	if (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))
		return help_command(c, 0, NULL);
	if (!strcmp(argv[0], "help"))
		return help_command(c, argc - 1, argv + 1);
	if (!strcmp(argv[0], "--version") || !strcmp(argv[0], "-V"))
		argv[0] = "version";
	if (argv[0][0] != '-')
		return command(c, argc, argv);
	while (lead < argc && argv[lead][0] == '-' &&
	    strcmp(argv[lead], "--") != 0)
		lead += !strcmp(argv[lead], "--mesh") ||
			!strcmp(argv[lead], "--jq") ||
			!strcmp(argv[lead], "--template") ||
			!strcmp(argv[lead], "--output-format")
		    ? 2
		    : 1;
	if (lead >= argc || argc > CLI_ARGS_MAX)
		return cli_usage(c, "which command?");
	turned[n++] = argv[lead];
	if (lead + 1 < argc && argv[lead + 1][0] != '-' &&
	    cli_noun(argv[lead]) != NULL && !cli_noun(argv[lead])->single)
		turned[n++] = argv[lead + 1];
	next = lead + n;
	for (i = 0; i < lead; i++)
		turned[n++] = argv[i];
	for (i = next; i < argc; i++)
		turned[n++] = argv[i];
	return command(c, n, turned);
}

static void
setup(struct cli *c, const char *argv0)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	memset(c, 0, sizeof(*c));
	arena_init(&c->arena);
	if (self_exe(c->exe, sizeof(c->exe), NULL) != 0)
		self_exe(c->exe, sizeof(c->exe), argv0);
	c->mesh = getenv("CLAUDEMESH_MESH");
	if (c->mesh != NULL && *c->mesh == '\0')
		c->mesh = NULL;
	c->tty_in = isatty(0);
	c->tty_out = isatty(1);
	c->color = c->tty_out && (no_color == NULL || *no_color == '\0') &&
	    term != NULL && strcmp(term, "dumb") != 0;
}

/* A result that did not reach its reader is no success. */
static int
flushed(int rc)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return rc;
	fprintf(stderr, "claudemesh: standard output: %s\n",
	    errno == 0 ? "not all was written" : strerror(errno));
	return rc == 0 ? 1 : rc;
}

int
cli_main(int argc, char **argv)
{
	static struct cli c;
	int rc;

	setup(&c, argv[0]);
	rc = dispatch(&c, argc - 1, argv + 1);
	local_close(c.local);
	arena_fini(&c.arena);
	return flushed(rc);
}

/*
 * args.c - from a verb's tables to its parameters, and from the words of the
 * command line to their values.
 *
 * Flags may stand anywhere before "--". Values are kept as the text they came
 * as; fill.c gives them types. Every mistake is named together with what was
 * perhaps meant.
 */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"

/* ---- parameters ---- */

/* Is word in the space-separated list? */
static bool
listed(const char *list, const char *word)
{
	size_t n, len = strlen(word);

	for (; list != NULL && *list != '\0'; list += n + (list[n] == ' ')) {
		n = strcspn(list, " ");
		if (n == len && memcmp(list, word, n) == 0)
			return true;
	}
	return false;
}

/* The flag a field is called by: as renamed, else its name with dashes. */
static char *
flag_of(struct cli *c, const struct verb *v, const char *field)
{
	const char *p = v->rename;
	size_t n = strlen(field), word;
	char *out, *s;

	for (; p != NULL && *p != '\0'; p += word + (p[word] == ' ')) {
		word = strcspn(p, " ");
		if (word > n && p[n] == '=' && memcmp(p, field, n) == 0)
			return arena_strndup(&c->arena, p + n + 1,
			    word - n - 1);
	}
	out = arena_strdup(&c->arena, field);
	if (n > 3 && strcmp(out + n - 3, "_ms") == 0)
		out[n - 3] = '\0';
	for (s = out; *s != '\0'; s++) {
		if (*s == '_')
			*s = '-';
	}
	return out;
}

static const char *
value_of(const struct wire_field *f, bool duration)
{
	if (duration)
		return "DURATION";
	switch (f->type) {
	case W_BOOL:
		return NULL;
	case W_INT:
		return "N";
	case W_ANY:
		return "JSON";
	case W_LIST:
		return f->record == &wire_peer_group ? "NAME[:ROLE],.."
						     : "A,B,..";
	default:
		return "TEXT";
	}
}

static void
from_field(struct cli *c, const struct verb *v, const struct wire_field *f,
    struct param *p)
{
	size_t n = strlen(f->name);

	p->name = flag_of(c, v, f->name);
	p->duration = n > 3 && strcmp(f->name + n - 3, "_ms") == 0;
	p->value = value_of(f, p->duration);
	p->doc = f->doc;
	p->field = f;
	p->optional = f->opt;
	p->many = f->type == W_LIST;
}

/* Move the parameter named to place `to`, keeping the order of the others. */
static void
place(struct params *ps, size_t to, const char *name, size_t n)
{
	struct param p;
	size_t i;

	for (i = 0; i < ps->n; i++) {
		if (strlen(ps->v[i].name) == n &&
		    memcmp(ps->v[i].name, name, n) == 0)
			break;
	}
	assert(i < ps->n); /* the table names what is not there */
	p = ps->v[i];
	memmove(ps->v + to + 1, ps->v + to, (i - to) * sizeof(p));
	ps->v[to] = p;
}

/* "to... text rung?": which are positional, and in which order. */
static void
positions(struct params *ps, const char *args)
{
	size_t n, len, at = 0;

	for (; args != NULL && *args != '\0'; args += n + (args[n] == ' ')) {
		n = len = strcspn(args, " ");
		while (len > 0 && strchr("?.", args[len - 1]) != NULL)
			len--;
		place(ps, at, args, len);
		ps->v[at].positional = true;
		ps->v[at].optional = args[len] == '?';
		ps->v[at].many = n - len >= 3;
		at++;
	}
}

void
args_params(struct cli *c, const struct verb *v, struct params *ps)
{
	size_t i, n = v->row == NULL ? 0 : v->row->nfield, more = 0;
	const struct wire_field *f;
	struct param *p;

	while (v->flags != NULL && v->flags[more].name != NULL)
		more++;
	ps->v = arena_zalloc(&c->arena, (n + more + 1) * sizeof(*ps->v));
	ps->n = 0;
	for (i = 0; i < n; i++) {
		f = &v->row->fields()[i];
		if (strcmp(f->name, "mesh") == 0 ? !listed(v->args, "mesh?")
						 : listed(v->hide, f->name))
			continue;
		p = &ps->v[ps->n++];
		from_field(c, v, f, p);
		p->positional = v->args == NULL && !f->opt;
	}
	for (i = 0; i < more; i++) {
		p = &ps->v[ps->n++];
		p->name = v->flags[i].name;
		p->value = v->flags[i].value;
		p->doc = v->flags[i].doc;
		p->optional = true;
	}
	positions(ps, v->args);
}

struct param *
args_find(const struct params *ps, const char *name)
{
	size_t i;

	for (i = 0; i < ps->n; i++) {
		if (strcmp(ps->v[i].name, name) == 0)
			return &ps->v[i];
	}
	return NULL;
}

const char *
arg(const struct cli *c, const char *name)
{
	const struct param *p = args_find(&c->params, name);

	return p == NULL || p->n == 0 ? NULL : p->v[p->n - 1];
}

/* ---- words ---- */

struct words { /* the command line being read */
	int argc, i;
	char **argv;
	const char *pos[CLI_ARGS_MAX]; /* positional words */
	int npos;
	int fields_at; /* place among them where --json took one; -1 */
};

static void
give(struct cli *c, struct param *p, const char *value)
{
	const char **v = arena_alloc(&c->arena, (p->n + 1) * sizeof(*v));

	if (p->n > 0)
		memcpy(v, p->v, p->n * sizeof(*v));
	v[p->n++] = value;
	p->v = v;
}

struct global {
	const char *name, *value;
};

static const struct global globals[] = {
	{ "mesh", "SLUG" },
	{ "json", "" },
	{ "jq", "EXPR" },
	{ "template", "T" },
	{ "output-format", "FORMAT" },
	{ "quiet", NULL },
	{ "verbose", NULL },
	{ "yes", NULL },
	{ "help", NULL },
};

static bool
known_fields(const struct cli *c, const char *s)
{
	char name[64];
	size_t n;

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s += n + (s[n] == ',')) {
		n = strcspn(s, ",");
		if (n == 0 || n >= sizeof(name))
			return false;
		memcpy(name, s, n);
		name[n] = '\0';
		if (c->verb->row == NULL
			? c->verb->args != NULL || name[0] == '-'
			: !doc_field(c->verb->row->reply, name))
			return false;
	}
	return true;
}

/* --json may be followed by fields: words that the document has. */
static int
json_flag(struct cli *c, struct words *w, const char *value)
{
	c->output = c->output == OUT_PEOPLE ? OUT_JSON : c->output;
	if (value != NULL) {
		if (c->verb->row != NULL && !known_fields(c, value))
			return cli_usage(c,
			    "the document has no such fields: "
			    "'%s'",
			    safe(c, value));
		c->fields = value;
	} else if (w->i + 1 < w->argc && known_fields(c, w->argv[w->i + 1])) {
		c->fields = w->argv[++w->i];
		w->fields_at = w->npos;
	}
	return 0;
}

static int
format_flag(struct cli *c, const char *value)
{
	if (strcmp(value, "stream-json") == 0)
		c->output = OUT_STREAM;
	else if (strcmp(value, "json") == 0)
		c->output = OUT_JSON;
	else if (strcmp(value, "text") == 0)
		c->output = OUT_PEOPLE;
	else
		return cli_usage(c,
		    "--output-format is text, json or "
		    "stream-json, not '%s'",
		    value);
	return 0;
}

static int
global_flag(struct cli *c, struct words *w, const char *name, const char *value)
{
	if (strcmp(name, "json") == 0) {
		return json_flag(c, w, value);
	} else if (strcmp(name, "mesh") == 0) {
		c->mesh = value;
	} else if (strcmp(name, "jq") == 0 || strcmp(name, "template") == 0) {
		c->output = name[0] == 'j' ? OUT_JQ : OUT_TEMPLATE;
		c->filter = value;
	} else if (strcmp(name, "output-format") == 0) {
		return format_flag(c, value == NULL ? "" : value);
	} else if (strcmp(name, "quiet") == 0) {
		c->quiet = true;
	} else if (strcmp(name, "verbose") == 0) {
		c->verbose = true;
	} else if (strcmp(name, "yes") == 0) {
		c->yes = true;
	} else {
		c->help = true;
	}
	return 0;
}

static int
unknown_flag(struct cli *c, const char *name)
{
	struct guess g = { .word = name };
	size_t i;

	for (i = 0; i < c->params.n; i++) {
		if (!c->params.v[i].positional)
			guess_try(&g, c->params.v[i].name);
	}
	for (i = 0; i < countof(globals); i++)
		guess_try(&g, globals[i].name);
	if (g.best != NULL)
		cli_hint(c, "did you mean --%s?", g.best);
	return cli_usage(c, "there is no flag --%s here", safe(c, name));
}

/* A positional may bear the name of a flag: mesh create NAME --name ME. */
static struct param *
find_flag(const struct params *ps, const char *name)
{
	size_t i;

	for (i = 0; i < ps->n; i++) {
		if (!ps->v[i].positional && strcmp(ps->v[i].name, name) == 0)
			return &ps->v[i];
	}
	return NULL;
}

static int
long_flag(struct cli *c, struct words *w, char *word)
{
	char *eq = strchr(word, '=');
	const char *takes = NULL, *value = eq == NULL ? NULL : eq + 1;
	const char *name = eq == NULL
	    ? word
	    : arena_strndup(&c->arena, word, (size_t)(eq - word));
	struct param *p = find_flag(&c->params, name);
	size_t g = 0;

	while (g < countof(globals) && strcmp(globals[g].name, name) != 0)
		g++;
	if (p == NULL && g == countof(globals))
		return unknown_flag(c, name);
	takes = p != NULL ? p->value : globals[g].value;
	if (takes == NULL && value != NULL)
		return cli_usage(c, "--%s takes no value", name);
	if (takes != NULL && *takes != '\0' && value == NULL) {
		if (w->i + 1 >= w->argc)
			return cli_usage(c, "--%s needs a value: %s", name,
			    takes);
		value = w->argv[++w->i];
	}
	if (p == NULL)
		return global_flag(c, w, name, value);
	give(c, p, value == NULL ? "" : value);
	return 0;
}

static int
short_flags(struct cli *c, struct words *w, const char *s)
{
	static const char letters[] = "qvyh";
	static const char *const names[] = { "quiet", "verbose", "yes",
		"help" };
	const char *at;
	int rc;

	for (; *s != '\0'; s++) {
		if ((at = strchr(letters, *s)) == NULL) {
			cli_hint(c,
			    "a text that begins with '-' goes after --");
			return cli_usage(c, "there is no flag -%s", safe(c, s));
		}
		rc = global_flag(c, w, names[at - letters], NULL);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
read_words(struct cli *c, struct words *w)
{
	bool plain = false;
	char *word;
	int rc = 0;

	for (w->i = 0; w->i < w->argc && rc == 0; w->i++) {
		word = w->argv[w->i];
		if (!plain && strcmp(word, "--") == 0) {
			plain = true;
			if (c->verb->raw) {
				c->rest = w->argv + w->i + 1;
				return 0;
			}
		} else if (!plain && word[0] == '-' && word[1] == '-') {
			rc = long_flag(c, w, word + 2);
		} else if (!plain && word[0] == '-' && word[1] != '\0') {
			rc = short_flags(c, w, word + 1);
		} else if (w->npos == CLI_ARGS_MAX - 1) {
			rc = cli_usage(c, "more than %d arguments",
			    CLI_ARGS_MAX - 1);
		} else {
			w->pos[w->npos++] = word;
		}
	}
	return rc;
}

static int
too_many(struct cli *c, const char *word)
{
	if (c->output == OUT_JSON && c->fields == NULL)
		cli_hint(c,
		    "if it names fields for --json, it has none so "
		    "called; see --help");
	return cli_usage(c, "one argument too many: '%s'", safe(c, word));
}

static int
assign(struct cli *c, struct words *w)
{
	int i, at = 0, need = 0, spare;
	struct param *p;

	for (i = 0; i < (int)c->params.n; i++)
		need += c->params.v[i].positional && !c->params.v[i].optional;
	if (w->npos < need && w->fields_at >= 0) {
		/* What looked like fields of --json was an argument. */
		memmove(w->pos + w->fields_at + 1, w->pos + w->fields_at,
		    (size_t)(w->npos - w->fields_at) * sizeof(*w->pos));
		w->pos[w->fields_at] = c->fields;
		w->npos++;
		c->fields = NULL;
	}
	spare = w->npos - need;
	for (p = c->params.v; p < c->params.v + c->params.n; p++) {
		if (!p->positional)
			continue;
		if (!p->optional && at == w->npos)
			return cli_usage(c, "%s is missing", p->name);
		if (!p->optional)
			give(c, p, w->pos[at++]);
		for (; spare > 0 && (p->many || (p->optional && p->n == 0));
		     spare--)
			give(c, p, w->pos[at++]);
	}
	return at < w->npos ? too_many(c, w->pos[at]) : 0;
}

int
args_parse(struct cli *c, int argc, char **argv)
{
	struct words *w = arena_zalloc(&c->arena, sizeof(*w));
	int rc;

	w->argc = argc;
	w->argv = argv;
	w->fields_at = -1;
	args_params(c, c->verb, &c->params);
	if ((rc = read_words(c, w)) != 0 || c->help)
		return rc;
	return assign(c, w);
}

/*
 * help.c - the help, written from the tables: there is no noun, verb or flag
 * without it, and none that it knows and the program does not.
 */
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"
#include "client/self.h"

static const struct flag everywhere[] = {
	{ "mesh", "SLUG",
	    "Which mesh; needed only when more than one is joined." },
	{ "json", "[F1,F2]", "One JSON document; with fields, only those." },
	{ "jq", "EXPR", "The document through the program jq." },
	{ "template", "T",
	    "The document through a small Mustache: "
	    "{{#peers}}{{name}}\\n{{/peers}}." },
	{ "output-format", "F",
	    "text, json, or stream-json: one object a line." },
	{ "quiet", NULL, "Only results and errors (-q)." },
	{ "verbose", NULL, "Say what is done (-v)." },
	{ "yes", NULL, "Do not ask (-y)." },
	{ "help", NULL, "This (-h)." },
	{ NULL, NULL, NULL },
};

static void
wrapped(FILE *out, const char *text, int indent)
{
	int at = indent;
	size_t n;

	for (; *text != '\0'; text += n) {
		while (*text == ' ')
			text++;
		n = strcspn(text, " ");
		if (at > indent && at + 1 + (int)n > 79) {
			fprintf(out, "\n%*s", indent, "");
			at = indent;
		}
		if (at > indent) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", (int)n, text);
		at += (int)n;
	}
	fputc('\n', out);
}

static void
entry(FILE *out, const char *left, const char *doc)
{
	if (utf8_width(left) > 22)
		fprintf(out, "  %s\n%26s", left, "");
	else
		fprintf(out, "  %-24s", left);
	wrapped(out, doc, 26);
}

static const char *
verb_doc(const struct verb *v)
{
	return v->doc != NULL ? v->doc : v->row->doc;
}

static void
flag_entry(FILE *out, const char *name, const char *value, const char *doc)
{
	char left[96];

	snprintf(left, sizeof(left), "--%s%s%s", name, value == NULL ? "" : " ",
	    value == NULL ? "" : value);
	entry(out, left, doc);
}

static void
upper(char *out, size_t cap, const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0' && i + 1 < cap; i++)
		out[i] = s[i] >= 'a' && s[i] <= 'z' ? (char)(s[i] - 32) : s[i];
	out[i] = '\0';
}

static void
usage_line(FILE *out, const struct noun *n, const struct verb *v,
    const struct params *ps)
{
	char name[64];
	size_t i;
	const struct param *p;

	fprintf(out, "usage: claudemesh %s%s%s", n->name, n->single ? "" : " ",
	    n->single ? "" : v->name);
	for (i = 0; i < ps->n; i++) {
		p = &ps->v[i];
		if (!p->positional)
			continue;
		upper(name, sizeof(name), p->name);
		fprintf(out, " %s%s%s%s", p->optional ? "[" : "", name,
		    p->many ? "..." : "", p->optional ? "]" : "");
	}
	fprintf(out, " [FLAGS]%s\n", v->raw ? " -- COMMAND [ARGS]" : "");
}

static void
params_help(FILE *out, const struct params *ps, bool positional)
{
	const char *head = positional ? "arguments" : "flags";
	char name[64];
	size_t i;

	for (i = 0; i < ps->n; i++) {
		if (ps->v[i].positional != positional)
			continue;
		if (head != NULL)
			fprintf(out, "\n%s:\n", head);
		head = NULL;
		upper(name, sizeof(name), ps->v[i].name);
		if (positional)
			entry(out, name, ps->v[i].doc);
		else
			flag_entry(out, ps->v[i].name, ps->v[i].value,
			    ps->v[i].doc);
	}
}

static void
fields_help(FILE *out, const struct wire_msg *m)
{
	const struct wire_field *f;
	size_t i, j;

	if (m == NULL || m->nfield == 0)
		return;
	fprintf(out, "\nfields of --json:\n");
	for (i = 0; i < m->nfield; i++) {
		f = &m->fields()[i];
		entry(out, f->name, f->doc);
		for (j = 0; f->record != NULL && f->record != &wire_text &&
		     j < f->record->nfield;
		     j++) {
			char left[80];

			snprintf(left, sizeof(left), "  %s",
			    f->record->fields()[j].name);
			entry(out, left, f->record->fields()[j].doc);
		}
	}
}

static void
alias_help(FILE *out, const struct noun *n, const struct verb *v)
{
	const struct alias *a;

	for (a = aliases; a->name != NULL; a++) {
		if (strcmp(a->noun, n->name) == 0 &&
		    strcmp(a->verb, v->name) == 0)
			fprintf(out, "short:  claudemesh %s\n", a->name);
	}
}

void
help_verb(struct cli *c, FILE *out, const struct noun *n, const struct verb *v)
{
	const struct flag *f;
	struct params ps;

	args_params(c, v, &ps);
	usage_line(out, n, v, &ps);
	alias_help(out, n, v);
	fputc('\n', out);
	wrapped(out, verb_doc(v), 0);
	params_help(out, &ps, true);
	params_help(out, &ps, false);
	fputs("\nflags of every verb:\n", out);
	for (f = everywhere; f->name != NULL; f++)
		flag_entry(out, f->name, f->value, f->doc);
	if (v->row != NULL)
		fields_help(out, v->row->reply);
}

void
help_noun(FILE *out, const struct noun *n)
{
	const struct verb *v;

	fprintf(out,
	    "usage: claudemesh %s VERB [ARGS] [FLAGS]\n\n%s\n\nverbs:\n",
	    n->name, n->doc);
	for (v = n->verbs; v->name != NULL; v++)
		entry(out, v->name, verb_doc(v));
	fprintf(out, "\nclaudemesh %s VERB --help tells more.\n", n->name);
}

static void
daily(FILE *out)
{
	static const struct flag words[] = {
		{ "up", NULL,
		    "Start everything on this machine; no questions." },
		{ "share", NULL, "Make an invite: a link and a QR code." },
		{ "join URL", NULL, "Join a mesh by such a link." },
		{ "peers", NULL, "Who is there." },
		{ "send TO... TEXT", NULL,
		    "Send a message; prints the receipt." },
		{ "inbox", NULL, "Read what came." },
		{ "doctor", NULL, "What is wrong, and what mends it." },
		{ "down", NULL, "Stop everything." },
		{ NULL, NULL, NULL },
	};
	const struct flag *w;

	fprintf(out,
	    "claudemesh %s: an encrypted mesh for coding agents\n\n"
	    "usage: claudemesh NOUN VERB [ARGS] [FLAGS]\n\nevery day:\n",
	    self_version());
	for (w = words; w->name != NULL; w++)
		entry(out, w->name, w->doc);
}

void
help_all(FILE *out, bool everything)
{
	const struct alias *a;
	char right[96];
	size_t i;

	daily(out);
	fputs("\nnouns:\n", out);
	for (i = 0; nouns[i] != NULL; i++) {
		if (!nouns[i]->single)
			entry(out, nouns[i]->name, nouns[i]->doc);
	}
	fputs("\ncommands:\n", out);
	for (i = 0; nouns[i] != NULL; i++) {
		if (nouns[i]->single)
			entry(out, nouns[i]->name, nouns[i]->doc);
	}
	if (everything)
		fputs("\nshort for:\n", out);
	for (a = aliases; everything && a->name != NULL; a++) {
		snprintf(right, sizeof(right), "%s %s", a->noun, a->verb);
		entry(out, a->name, right);
	}
	fputs("\nclaudemesh NOUN --help and claudemesh NOUN VERB --help tell "
	      "more.\n",
	    out);
}

/*
 * complete.c - completions for bash, zsh and fish, written from the tables: the
 * words of each place on the line, and nothing that asks the daemon.
 */
#include <string.h>

#include "cli/cli.h"

static void
verb_flags(struct cli *c, const struct verb *v)
{
	struct params ps;
	size_t i;

	args_params(c, v, &ps);
	for (i = 0; i < ps.n; i++) {
		if (!ps.v[i].positional)
			printf(" --%s", ps.v[i].name);
	}
}

static void
first_words(void)
{
	const struct alias *a;
	size_t i;

	for (i = 0; nouns[i] != NULL; i++)
		printf("%s%s", i > 0 ? " " : "", nouns[i]->name);
	for (a = aliases; a->name != NULL; a++)
		printf(" %s", a->name);
}

static void
verb_names(const struct noun *n)
{
	const struct verb *v;

	for (v = n->verbs; v->name != NULL; v++)
		printf("%s%s", v > n->verbs ? " " : "", v->name);
}

/* A shell case: "noun:verb" and each alias give their flags. */
static void
flag_cases(struct cli *c, const char *indent)
{
	const struct alias *a;
	const struct verb *v;
	size_t i;

	for (i = 0; nouns[i] != NULL; i++) {
		for (v = nouns[i]->verbs; v->name != NULL; v++) {
			printf("%s%s:%s", indent, nouns[i]->name,
			    nouns[i]->single ? "*" : v->name);
			for (a = aliases; a->name != NULL; a++) {
				if (!strcmp(a->noun, nouns[i]->name) &&
				    !strcmp(a->verb, v->name))
					printf("|%s:*", a->name);
			}
			printf(") flags=\"$flags");
			verb_flags(c, v);
			puts("\" ;;");
		}
	}
}

static void
shell_body(struct cli *c)
{
	size_t i;

	fputs("\tflags=\"--mesh --json --jq --template --output-format --quiet"
	      " --verbose --yes --help\"\n\tcase \"$one:$two\" in\n",
	    stdout);
	flag_cases(c, "\t");
	fputs("\tesac\n\tif [ \"$place\" -eq 1 ]; then list=\"", stdout);
	first_words();
	fputs("\"\n\telif [ \"$place\" -eq 2 ]; then case \"$one\" in\n",
	    stdout);
	for (i = 0; nouns[i] != NULL; i++) {
		if (nouns[i]->single)
			continue;
		printf("\t\t%s) list=\"", nouns[i]->name);
		verb_names(nouns[i]);
		puts("\" ;;");
	}
	fputs("\tesac; fi\n", stdout);
}

static void
bash(struct cli *c)
{
	fputs(
	    "# claudemesh completion for bash: eval \"$(claudemesh completions"
	    " bash)\"\n_claudemesh() {\n\tlocal flags list= place=$COMP_CWORD\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} one=${COMP_WORDS[1]}"
	    " two=${COMP_WORDS[2]}\n",
	    stdout);
	shell_body(c);
	fputs("\tcase \"$cur\" in -*) list=$flags ;; esac\n"
	      "\tCOMPREPLY=($(compgen -W \"$list\" -- \"$cur\"))\n}\n"
	      "complete -o default -F _claudemesh claudemesh\n",
	    stdout);
}

static void
zsh(struct cli *c)
{
	fputs("#compdef claudemesh\n# claudemesh completion for zsh: "
	      "eval \"$(claudemesh completions zsh)\"\n_claudemesh() {\n"
	      "\tlocal flags list= place=$((CURRENT - 1))\n"
	      "\tlocal cur=${words[CURRENT]} one=${words[2]} two=${words[3]}\n",
	    stdout);
	shell_body(c);
	fputs("\tcase \"$cur\" in -*) list=$flags ;; esac\n"
	      "\tcompadd -- ${=list}\n}\ncompdef _claudemesh claudemesh\n",
	    stdout);
}

/* fish wants its descriptions quoted. */
static void
fish_doc(const char *doc)
{
	fputs(" -d '", stdout);
	for (; *doc != '\0' && *doc != '.'; doc++)
		printf(*doc == '\'' || *doc == '\\' ? "\\%c" : "%c", *doc);
	fputs("'\n", stdout);
}

static void
fish_verb(struct cli *c, const struct noun *n, const struct verb *v)
{
	struct params ps;
	size_t i;

	args_params(c, v, &ps);
	for (i = 0; i < ps.n; i++) {
		if (ps.v[i].positional)
			continue;
		printf("complete -c claudemesh -n '__fish_seen_subcommand_from"
		       " %s",
		    n->name);
		if (!n->single)
			printf("; and __fish_seen_subcommand_from %s", v->name);
		printf("' -l %s%s", ps.v[i].name,
		    ps.v[i].value == NULL ? "" : " -r");
		fish_doc(ps.v[i].doc);
	}
}

static void
fish(struct cli *c)
{
	const struct verb *v;
	const struct alias *a;
	size_t i;

	puts("# claudemesh completion for fish: claudemesh completions fish | "
	     "source\ncomplete -c claudemesh -f");
	for (i = 0; nouns[i] != NULL; i++) {
		printf("complete -c claudemesh -n __fish_use_subcommand -a %s",
		    nouns[i]->name);
		fish_doc(nouns[i]->doc);
		for (v = nouns[i]->verbs; v->name != NULL; v++) {
			if (!nouns[i]->single) {
				printf("complete -c claudemesh -n "
				       "'__fish_seen_subcommand_from %s' -a %s",
				    nouns[i]->name, v->name);
				fish_doc(v->doc ? v->doc : v->row->doc);
			}
			fish_verb(c, nouns[i], v);
		}
	}
	for (a = aliases; a->name != NULL; a++)
		printf(
		    "complete -c claudemesh -n __fish_use_subcommand -a %s\n",
		    a->name);
}

int
complete_print(struct cli *c, const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		bash(c);
	else if (strcmp(shell, "zsh") == 0)
		zsh(c);
	else if (strcmp(shell, "fish") == 0)
		fish(c);
	else
		return cli_usage(c,
		    "completions are for bash, zsh and fish, "
		    "not '%s'",
		    safe(c, shell));
	return 0;
}

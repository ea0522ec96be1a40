/*
 * cli.h - one run of the command line: the options every verb has, the
 * arguments of the one verb, the daemon's connection, what is printed.
 *
 * Everything allocated lives in the run's arena. Functions that may fail return
 * the exit status the process is to end with; 0 is success. cli_fail and its
 * kin print the error and return that status.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <limits.h>
#include <stdio.h>

#include "cli/noun.h"
#include "client/local.h"

#define CLI_SCHEMA "1.0"
#define CLI_ARGS_MAX 1024

enum cli_output { OUT_PEOPLE, OUT_JSON, OUT_STREAM, OUT_JQ, OUT_TEMPLATE };

/* ---- parameters of a verb ---- */

struct param {
	const char *name; /* of the flag, without dashes */
	const char *value, *doc;
	const struct wire_field *field; /* NULL: a flag of the verb itself */
	bool positional, optional, many, duration;
	size_t n;	/* times given */
	const char **v; /* each as given; "" for a switch */
};

struct params {
	struct param *v;
	size_t n;
};

struct cli {
	struct arena arena;
	char exe[PATH_MAX];
	struct home home;
	struct local *local;
	char fix[256]; /* hint of the next error, or "" */

	const struct noun *noun;
	const struct verb *verb;
	struct params params;
	char *const *rest; /* argv after "--", for raw verbs; NULL-ended */

	enum cli_output output;
	const char *fields; /* of --json, NULL: all */
	const char *filter; /* of --jq and --template */
	const char *mesh;   /* --mesh or CLAUDEMESH_MESH, or NULL */
	bool quiet, verbose, yes, help;
	bool always_ask;  /* the URL handler */
	bool stdin_taken; /* - was read from it */
	bool tty_in, tty_out, color;
};

/* main.c */
int cli_run_verb(struct cli *, const struct verb *);
const struct noun *cli_noun(const char *name);
const struct verb *cli_verb(const struct noun *, const char *name);

/* args.c: from tables to parameters, from words to values */
void args_params(struct cli *, const struct verb *, struct params *);
int args_parse(struct cli *, int argc, char **argv);
/* Value of a parameter by name; NULL when not given. Switches give "". */
const char *arg(const struct cli *, const char *name);
struct param *args_find(const struct params *, const char *name);

/* fill.c: from values to the struct of the row */
int args_fill(struct cli *, const struct wire_msg *, void *in);
int args_duration(struct cli *, const char *flag, const char *s, int64_t *ms);
/* On the wire 0 means "not said": who says it means something else. */
int args_not_zero(struct cli *, const char *flag);
int args_groups(struct cli *, const char *const *v, size_t n, void *list);
/* "-" becomes all of standard input, without its last newline. */
int args_text(struct cli *, const char *s, size_t max, const char **out);

/* guess.c: the word that was perhaps meant */
struct guess {
	const char *word, *best;
	size_t distance;
};
void guess_try(struct guess *, const char *candidate);

/* call.c: the daemon */
int cli_home(struct cli *); /* located, or the error printed */
int cli_connect(struct cli *, bool start);
int cli_call(struct cli *, const struct wire_msg *row, const void *in,
    void *out);
/* No message when it fails: the caller says it. Returns an E_ code. */
int cli_try(struct cli *, const struct wire_msg *row, const void *in, void *out,
    struct why *);
/* What cli_call does when cli_try, begun at `began`, has failed. */
int cli_failed(struct cli *, const struct wire_msg *row, const void *in,
    void *out, int64_t began, const struct why *);
int64_t cli_now(void); /* wall clock, ms */

/* say.c: talk, on stderr; results, on stdout */
int cli_fail(struct cli *, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int cli_fail_why(struct cli *, const struct why *);
int cli_usage(struct cli *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void cli_hint(struct cli *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void cli_say(struct cli *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* unless -q */
/* Asks; 0 when the answer is yes, else the exit status (4), said why. */
int cli_confirm(struct cli *, const char *question);

/* safe.c: other people's text */
void safe_add(struct buf *, const char *s, bool lines); /* lines: keep \n */
const char *safe(struct cli *, const char *s); /* one line, in the arena */
void safe_json(struct buf *, const char *text, size_t n);

/* doc.c: the JSON document, filtered and formatted */
int doc_print(struct cli *, const char *text, size_t n);
int doc_print_row(struct cli *, const struct wire_msg *, const void *);
bool doc_field(const struct wire_msg *, const char *name); /* for --json */
bool doc_wanted(const struct cli *); /* any of the document modes */

/* template.c */
int template_run(struct buf *out, const char *t, struct json doc,
    const char **why);

/* show.c: for people */
void show_row(struct cli *, const struct wire_msg *, const void *);
void show_list(struct cli *, const struct verb *, const void *reply);
void show_items(struct cli *, const struct wire_msg *, const void *v, size_t n,
    const char *columns);
const char *show_field(struct cli *, const struct wire_field *, const void *);
void show_pair(struct cli *, const char *key, const char *value);
const char *show_age(struct cli *, int64_t at);

/* qr.c */
int qr_print(struct cli *, const char *text);

/* help.c, complete.c */
void help_all(FILE *, bool everything);
void help_noun(FILE *, const struct noun *);
void help_verb(struct cli *, FILE *, const struct noun *, const struct verb *);
int complete_print(struct cli *, const char *shell);

/* ---- the broker's manual page (manual.c) ---- */

void manual_broker(void); /* to standard output */

#endif

/*
 * noun.h - what a noun of the command line is made of: tables.
 *
 * A verb is mostly a row of the protocol. Its required fields are positional in
 * the order of the .def, its optional ones are flags (--field-name), the doc
 * strings are the help, and the reply is printed by its row. What a verb does
 * differently stands in its entry; a verb of quite another kind has run.
 *
 * A field x_ms is the flag --x and takes a duration (30s, 15m, 7d; a bare number
 * is seconds). A field `mesh` is the flag --mesh that every verb has.
 */
#ifndef CLI_NOUN_H
#define CLI_NOUN_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/wire.h"

struct cli;
struct verb;

/* A flag or argument that no field of the row stands for. */
struct flag {
	const char *name;  /* without dashes */
	const char *value; /* what stands in the help; NULL: a switch */
	const char *doc;
};

struct verb {
	const char *name;
	const struct wire_msg *row; /* the request; NULL: run does it all */
	const char *doc;	    /* in place of the row's */
	/*
	 * Positional arguments by flag name, in order: "to... text", "mesh?".
	 * `?` may be left out, `...` takes all that the others leave. NULL: the
	 * row's required fields.
	 */
	const char *args;
	const char *rename; /* "wait_ms=timeout display=name": field=flag */
	const char *hide;   /* fields that are neither: "pid resume" */
	const struct flag *flags; /* further ones, ended by a NULL name */

	/* Called with the request filled from the arguments, to complete it. */
	int (*fill)(struct cli *, void *in);
	/* Prints the reply for people; in the document modes it is not called. */
	void (*show)(struct cli *, const void *reply);
	/* Exit status by what the reply says; 0 when NULL. */
	int (*exit)(struct cli *, const void *reply);
	/* In place of the call of the row: an exit status, or cli_fail's. */
	int (*run)(struct cli *, const struct verb *);
	const char *columns; /* of the reply's list: a table */
	const char *empty;   /* said on stderr when the list is empty */
	const char *ask;     /* it destroys something: the question put first */
	const char *done;    /* said after a plain ok */
	bool raw; /* everything after the arguments is somebody else's
			      * command line (session run -- CMD) */
};

struct noun {
	const char *name, *doc;
	const struct verb *verbs; /* ended by a NULL name */
	const char *dflt;	  /* verb meant when none is given, or NULL */
	bool single;		  /* no verbs: the one entry is the command */
};

struct alias { /* claudemesh NAME is claudemesh NOUN VERB */
	const char *name, *noun, *verb;
};

extern const struct noun *const nouns[]; /* ended by NULL, alphabetical */
extern const struct alias aliases[];	 /* ended by a NULL name */

#endif

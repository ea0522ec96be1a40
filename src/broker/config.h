/*
 * config.h - a broker's configuration: the rows of config.def, each with its
 * value and where that came from. A flag wins over the file, the file over what
 * is usual.
 *
 * The file: one `name = value` a line; a row that may be repeated is repeated;
 * # begins a comment at the beginning of a line or after a blank. What is wrong
 * is refused with file, line, name and limit.
 */
#ifndef BROKER_CONFIG_H
#define BROKER_CONFIG_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "wire/wire.h"

#define CONFIG_FILE_MAX (64 * 1024)
#define CONFIG_LIST_MAX 16

enum config_kind {
	CONFIG_TEXT,
	CONFIG_LIST,
	CONFIG_CHOICE,
	CONFIG_SWITCH,
	CONFIG_NUMBER,
	CONFIG_SIZE
};
enum config_from { CONFIG_USUAL, CONFIG_FILE, CONFIG_FLAG };

enum config_word {
#define CONF(word, ...) CONF_##word,
#include "broker/config.def"
#undef CONF
	CONF_COUNT_
};

struct config_row {
	const char *name;
	enum config_kind kind;
	const char *usual;
	int64_t min, max;
	bool live;	 /* a reload applies it */
	const char *arg; /* NULL: a switch */
	const char *doc;
};
extern const struct config_row config_rows[CONF_COUNT_];

struct config_value {
	enum config_from from;
	bool given;
	int line;	   /* of the file */
	const char **list; /* LIST: ended by NULL, never NULL */
	size_t n;
	const char *text; /* of the others, as it was given; "" when unset */
	int64_t i;	  /* SWITCH, NUMBER, SIZE */
};

struct config {
	struct arena arena;
	const char *file; /* that was read, or NULL */
	struct config_value v[CONF_COUNT_];
};

void config_init(struct config *); /* all as usual */
void config_fini(struct config *);
/* OK, or E_USAGE with why: --name, and what is wrong with the value. */
int config_flag(struct config *, enum config_word, const char *value,
    struct why *);
/* What is usual here; "" in the table. */
void config_usual(struct config *, enum config_word, const char *value);
/* The text of a file called name. On an error the configuration is spoilt. */
int config_parse(struct config *, const char *name, const char *text, size_t n,
    struct why *);
int config_read(struct config *, const char *path, struct why *);
/* The same flags, nothing of the file. */
void config_flags_of(struct config *, const struct config *);
bool config_same(const struct config *, const struct config *,
    enum config_word);

#endif

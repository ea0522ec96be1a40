/*
 * config.c - reads what a broker is told, by the rows of config.def. It knows
 * nothing of what the rows mean.
 */
#include "broker/config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define MIB ((int64_t)1024 * 1024)
#define LIVE true
#define START false

const struct config_row config_rows[CONF_COUNT_] = {
#define CONF(word, name, kind, usual, min, max, when, arg, doc) \
	{ name, CONFIG_##kind, usual, min, max, when, arg, doc },
#include "broker/config.def"
#undef CONF
};

/* ---- one value ---- */

/* Digits and, for a size, K, M or G. -1: it is none. */
static int64_t
number(const char *s, bool size)
{
	int64_t v = 0;
	const char *at = s;

	for (; *at >= '0' && *at <= '9' && at - s < 15; at++)
		v = v * 10 + (*at - '0');
	if (at == s)
		return -1;
	if (size && *at != '\0') {
		const char *unit = strchr("KMG", *at);

		if (unit == NULL || v > (INT64_C(1) << 32))
			return -1;
		v <<= 10 * (unit - "KMG" + 1);
		at++;
	}
	return *at == '\0' ? v : -1;
}

static bool
is_choice(const char *choices, const char *s)
{
	size_t len = strlen(s), n;

	for (; len > 0 && *choices != '\0';
	     choices += n + (choices[n] == '|')) {
		n = strcspn(choices, "|");
		if (n == len && memcmp(choices, s, n) == 0)
			return true;
	}
	return false;
}

static int
read_number(const struct config_row *row, const char *s, int64_t *out,
    struct why *why)
{
	bool size = row->kind == CONFIG_SIZE;

	*out = number(s, size);
	if (*out >= row->min && *out <= row->max)
		return OK;
	return why_set(why, E_USAGE,
	    "%s is a %s from %" PRId64 " to %" PRId64 "%s, not '%.60s'",
	    row->name, size ? "size in bytes" : "number", row->min, row->max,
	    size ? " (K, M and G may follow)" : "", s);
}

static int
read_switch(const struct config_row *row, const char *s, int64_t *out,
    struct why *why)
{
	*out = str_eq(s, "yes");
	if (*out || str_eq(s, "no"))
		return OK;
	return why_set(why, E_USAGE, "%s is yes or no, not '%.60s'", row->name,
	    s);
}

static int
read_text(const struct config_row *row, const char *s, struct why *why)
{
	size_t n = strlen(s);

	if (row->kind == CONFIG_CHOICE)
		return is_choice(row->arg, s)
		    ? OK
		    : why_set(why, E_USAGE, "%s is one of %s, not '%.60s'",
			  row->name, row->arg, s);
	if ((int64_t)n >= row->min && (int64_t)n <= row->max)
		return OK;
	return why_set(why, E_USAGE,
	    "%s has %" PRId64 " to %" PRId64 " bytes, not %zu", row->name,
	    row->min, row->max, n);
}

/* A further value of a list, or the first in place of what was lower. */
static int
add(struct config *c, struct config_value *v, const struct config_row *row,
    const char *s, struct why *why)
{
	const char **list;

	if (v->n == CONFIG_LIST_MAX)
		return why_set(why, E_USAGE, "%s is given at most %d times",
		    row->name, CONFIG_LIST_MAX);
	list = arena_zalloc(&c->arena, (v->n + 2) * sizeof(*list));
	if (v->n > 0)
		memcpy(list, v->list, v->n * sizeof(*list));
	list[v->n++] = arena_strdup(&c->arena, s);
	v->list = list;
	return OK;
}

static int
set(struct config *c, enum config_word w, const char *s, enum config_from from,
    int line, struct why *why)
{
	const struct config_row *row = &config_rows[w];
	struct config_value lower = { 0 }, *v = &c->v[w];
	int64_t i = 0;
	int r;

	if (from < v->from) /* it is checked, and does not count */
		v = &lower;
	if (from > v->from) {
		v->n = 0;
		v->given = false;
	}
	if (row->kind == CONFIG_SWITCH)
		r = read_switch(row, s, &i, why);
	else if (row->kind == CONFIG_NUMBER || row->kind == CONFIG_SIZE)
		r = read_number(row, s, &i, why);
	else
		r = read_text(row, s, why);
	if (r == OK && row->kind == CONFIG_LIST)
		r = add(c, v, row, s, why);
	else if (r == OK && v->given)
		r = why_set(why, E_USAGE, "%s is given twice", row->name);
	if (r != OK)
		return r;
	v->text = row->kind == CONFIG_LIST ? "" : arena_strdup(&c->arena, s);
	v->i = i;
	v->given = true;
	v->from = from;
	v->line = line;
	return OK;
}

/* ---- all of them ---- */

void
config_usual(struct config *c, enum config_word w, const char *value)
{
	static const char *const none[] = { NULL };
	struct config_value *v = &c->v[w];
	struct why why;

	if (v->from != CONFIG_USUAL)
		return;
	memset(v, 0, sizeof(*v));
	v->list = (const char **)none;
	v->text = "";
	if (value[0] != '\0')
		set(c, w, value, CONFIG_USUAL, 0, &why);
}

void
config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
	for (int w = 0; w < CONF_COUNT_; w++)
		config_usual(c, (enum config_word)w, config_rows[w].usual);
}

void
config_fini(struct config *c)
{
	arena_fini(&c->arena);
}

int
config_flag(struct config *c, enum config_word w, const char *value,
    struct why *why)
{
	struct why inner = { 0 };
	int r = set(c, w, value, CONFIG_FLAG, 0, &inner);

	return r == OK ? OK : why_set(why, r, "--%s", inner.text);
}

void
config_flags_of(struct config *c, const struct config *from)
{
	struct why why;

	for (int w = 0; w < CONF_COUNT_; w++) {
		const struct config_value *v = &from->v[w];

		if (v->from != CONFIG_FLAG)
			continue;
		for (size_t i = 0; v->list[i] != NULL; i++)
			config_flag(c, (enum config_word)w, v->list[i], &why);
		if (config_rows[w].kind != CONFIG_LIST)
			config_flag(c, (enum config_word)w, v->text, &why);
	}
}

bool
config_same(const struct config *a, const struct config *b, enum config_word w)
{
	const struct config_value *x = &a->v[w], *y = &b->v[w];

	if (x->n != y->n && config_rows[w].kind == CONFIG_LIST)
		return false;
	for (size_t i = 0; x->list[i] != NULL && y->list[i] != NULL; i++) {
		if (!str_eq(x->list[i], y->list[i]))
			return false;
	}
	return x->i == y->i && str_eq(x->text, y->text);
}

/* ---- the file ---- */

static char *
trim(char *s)
{
	char *end;

	s += strspn(s, " \t");
	for (end = s + strlen(s); end > s && strchr(" \t", end[-1]); end--)
		;
	*end = '\0';
	return s;
}

static void
cut_comment(char *s)
{
	for (char *at = s; (at = strchr(at, '#')) != NULL; at++) {
		if (at == s || strchr(" \t", at[-1]) != NULL) {
			*at = '\0';
			return;
		}
	}
}

static int
find(const char *name)
{
	for (int w = 0; w < CONF_COUNT_; w++) {
		if (str_eq(config_rows[w].name, name))
			return w;
	}
	return -1;
}

static int
parse_line(struct config *c, char *line, int no, struct why *why)
{
	char *eq, *name, *value;
	int w;

	cut_comment(line);
	line = trim(line);
	if (*line == '\0')
		return OK;
	if ((eq = strchr(line, '=')) == NULL)
		return why_set(why, E_USAGE, "'%.60s' is not name = value",
		    line);
	*eq = '\0';
	name = trim(line);
	value = trim(eq + 1);
	if ((w = find(name)) < 0)
		return why_set(why, E_USAGE, "'%.60s' is no setting", name);
	return set(c, (enum config_word)w, value, CONFIG_FILE, no, why);
}

static bool
is_text(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char u = (unsigned char)s[i];

		if ((u < ' ' && u != '\t') || u == 0x7f)
			return false;
	}
	return true;
}

int
config_parse(struct config *c, const char *name, const char *text, size_t n,
    struct why *why)
{
	struct why inner = { 0 };
	size_t at, len;
	int no = 0, r = OK;

	c->file = arena_strdup(&c->arena, name);
	if (n > CONFIG_FILE_MAX)
		return why_set(why, E_USAGE, "%.150s is longer than %d bytes",
		    name, CONFIG_FILE_MAX);
	for (at = 0; r == OK && at < n; at += len + 1) {
		const char *nl = memchr(text + at, '\n', n - at);

		no++;
		len = nl == NULL ? n - at : (size_t)(nl - (text + at));
		if (!is_text(text + at, len))
			r = why_set(&inner, E_USAGE,
			    "a control character is in the line");
		else
			r = parse_line(c,
			    arena_strndup(&c->arena, text + at, len), no,
			    &inner);
	}
	return r == OK ? OK
		       : why_set(why, r, "%.150s:%d: %s", name, no, inner.text);
}

int
config_read(struct config *c, const char *path, struct why *why)
{
	char *text = mem_zalloc(CONFIG_FILE_MAX + 2);
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;
	size_t n = 0;
	ssize_t got = -1;

	while (fd >= 0 && n < CONFIG_FILE_MAX + 1 &&
	    (got = read(fd, text + n, CONFIG_FILE_MAX + 1 - n)) > 0)
		n += (size_t)got;
	if (got < 0)
		r = why_set(why, E_USAGE, "cannot read %.150s: %s", path,
		    strerror(errno));
	else
		r = config_parse(c, path, text, n, why);
	if (fd >= 0)
		close(fd);
	mem_free(text);
	return r;
}

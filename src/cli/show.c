/*
 * show.c - replies for people: tables on a terminal, tab-separated lines into a
 * pipe, "key: value" for single things. All by the rows; a verb with another
 * wish has its own show.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/str.h"
#include "cli/cli.h"

#define COLUMNS_MAX 16

/* So that what was just made for 7 days ends in 7 days, not in 6. */
static int64_t
half_unit(int64_t ms)
{
	const int64_t minute = 60000, hour = 60 * minute;

	return ms > 47 * hour ? 12 * hour
	    : ms > hour	      ? hour / 2
	    : ms > minute     ? minute / 2
			      : 0;
}

const char *
show_age(struct cli *c, int64_t at)
{
	char age[CLOCK_ISO_LEN + 1];

	if (at == 0)
		return "";
	if (!c->tty_out) {
		clock_iso(age, at);
		return arena_strdup(&c->arena, age);
	}
	if (at > cli_now()) {
		clock_age(age, at + half_unit(at - cli_now()), cli_now());
		return arena_printf(&c->arena, "in %s", age);
	}
	clock_age(age, cli_now(), at);
	return strcmp(age, "now") == 0 ? "now"
				       : arena_printf(&c->arena, "%s ago", age);
}

static void
add_item(struct buf *b, const struct wire_msg *m, const char *item)
{
	const struct wire_field *f;
	const char *s;
	size_t i, n = 0;

	for (i = 0; i < m->nfield; i++) {
		f = &m->fields()[i];
		if (f->type != W_STR)
			continue;
		memcpy(&s, item + f->at, sizeof(s));
		if (s == NULL || *s == '\0')
			continue;
		if (n++ > 0)
			buf_addc(b, ':');
		safe_add(b, s, false);
	}
}

static const char *
list_text(struct cli *c, const struct wire_field *f, const char *at)
{
	struct {
		size_t n;
		const char *v;
	} list;
	const char *out;
	struct buf b;
	size_t i;

	memcpy(&list, at, sizeof(list));
	buf_init(&b, 65536);
	for (i = 0; i < list.n; i++) {
		if (i > 0)
			buf_addc(&b, ',');
		add_item(&b, f->record, list.v + i * f->record->size);
	}
	out = arena_strndup(&c->arena, buf_str(&b), b.len);
	buf_fini(&b);
	return out;
}

static const char *
str_text(struct cli *c, const char *s)
{
	if (s == NULL)
		return "";
	if (c->tty_out && hex_is(s, 32))
		return arena_strndup(&c->arena, s, 12);
	return safe(c, s);
}

const char *
show_field(struct cli *c, const struct wire_field *f, const void *in)
{
	const char *at = (const char *)in + f->at, *s;
	struct json any;
	int64_t i;
	bool yes;

	switch (f->type) {
	case W_STR:
		memcpy(&s, at, sizeof(s));
		return str_text(c, s);
	case W_INT:
		memcpy(&i, at, sizeof(i));
		return i == 0 && f->opt
		    ? ""
		    : arena_printf(&c->arena, "%lld", (long long)i);
	case W_BOOL:
		memcpy(&yes, at, sizeof(yes));
		return yes ? "yes" : f->opt ? "" : "no";
	case W_TIME:
		memcpy(&i, at, sizeof(i));
		return show_age(c, i);
	case W_LIST:
		return list_text(c, f, at);
	case W_ANY:
		memcpy(&any, at, sizeof(any));
		return any.p == NULL
		    ? ""
		    : safe(c, arena_strndup(&c->arena, any.p, any.n));
	default:
		return "";
	}
}

void
show_pair(struct cli *c, const char *key, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	if (c->tty_out)
		printf("%s%-14s%s %s\n", c->color ? "\033[1m" : "", key,
		    c->color ? "\033[0m" : "", value);
	else
		printf("%s\t%s\n", key, value);
}

void
show_row(struct cli *c, const struct wire_msg *m, const void *in)
{
	const struct wire_field *f;
	size_t i;
	bool tty = c->tty_out;

	for (i = 0; i < m->nfield; i++) {
		f = &m->fields()[i];
		if (f->type == W_OBJ) {
			show_row(c, f->record, (const char *)in + f->at);
			continue;
		}
		/* Single things show their keys whole. */
		if (f->type == W_STR)
			c->tty_out = false;
		const char *value = show_field(c, f, in);
		c->tty_out = tty;
		show_pair(c, f->name, value);
	}
}

/* ---- tables ---- */

static size_t
columns_of(struct cli *c, const char *list, const char **head)
{
	size_t n = 0, len;

	for (; *list != '\0' && n < COLUMNS_MAX;
	     list += len + (list[len] == ' ')) {
		len = strcspn(list, " ");
		head[n++] = arena_strndup(&c->arena, list, len);
	}
	return n;
}

static size_t
terminal_width(void)
{
	struct winsize w;

	return ioctl(1, TIOCGWINSZ, &w) == 0 && w.ws_col >= 20 ? w.ws_col : 100;
}

/* As much of s as fits; the rest is an ellipsis. */
static void
put_cut(const char *s, size_t room)
{
	const char *p = s;
	size_t width = 0;

	if (utf8_width(s) <= room) {
		fputs(s, stdout);
		return;
	}
	while (*p != '\0' && width + 2 <= room) {
		const char *was = p;
		char one[8] = "";

		utf8_next(&p);
		memcpy(one, was, (size_t)(p - was));
		width += utf8_width(one);
	}
	printf("%.*s…", (int)(p - s), s);
}

static void
put_line(const char *const *cell, size_t ncol, const size_t *width)
{
	size_t i, at = 0, all = terminal_width();

	for (i = 0; i + 1 < ncol; i++) {
		printf("%s%*s", cell[i],
		    (int)(width[i] + 2 - utf8_width(cell[i])), "");
		at += width[i] + 2;
	}
	put_cut(cell[i], all > at + 20 ? all - at : 20);
	fputc('\n', stdout);
}

static void
put_head(struct cli *c, const char *const *head, size_t ncol,
    const size_t *width)
{
	const char *up[COLUMNS_MAX];
	size_t i;
	char *s;

	for (i = 0; i < ncol; i++) {
		up[i] = s = arena_strdup(&c->arena, head[i]);
		for (; *s != '\0'; s++)
			*s = *s == '_'		     ? ' '
			    : *s >= 'a' && *s <= 'z' ? (char)(*s - 32)
						     : *s;
	}
	fputs(c->color ? "\033[1m" : "", stdout);
	put_line(up, ncol, width);
	fputs(c->color ? "\033[0m" : "", stdout);
}

static void
put_tabs(const char *const *cell, size_t ncol)
{
	size_t i;

	for (i = 0; i < ncol; i++)
		printf("%s%c", cell[i], i + 1 < ncol ? '\t' : '\n');
}

static void
put_table(struct cli *c, const char *const *head, size_t ncol,
    const char *const *cell, size_t n)
{
	size_t width[COLUMNS_MAX], i, w;

	for (i = 0; i < ncol; i++)
		width[i] = utf8_width(head[i]);
	for (i = 0; i < n * ncol; i++) {
		w = utf8_width(cell[i]);
		width[i % ncol] = w > width[i % ncol] ? w : width[i % ncol];
	}
	if (c->tty_out)
		put_head(c, head, ncol, width);
	for (i = 0; i < n; i++) {
		if (c->tty_out)
			put_line(cell + i * ncol, ncol, width);
		else
			put_tabs(cell + i * ncol, ncol);
	}
}

static const struct wire_field *
list_of(const struct wire_msg *m)
{
	size_t i;

	for (i = 0; i < m->nfield; i++) {
		if (m->fields()[i].type == W_LIST)
			return &m->fields()[i];
	}
	return NULL;
}

/* On a terminal a column in which nothing stands is left out; scripts get every
 * one. Moves the cells together; the number of columns that stay. */
static size_t
drop_empty(const char **head, size_t ncol, const char **cell, size_t n)
{
	size_t i, j, to, stay = 0;
	bool keep[COLUMNS_MAX] = { true };

	for (i = 0; i < n * ncol; i++)
		keep[i % ncol] |= *cell[i] != '\0';
	for (i = to = 0; i < n; i++) {
		for (j = 0; j < ncol; j++) {
			if (keep[j])
				cell[to++] = cell[i * ncol + j];
		}
	}
	for (j = 0; j < ncol; j++) {
		if (keep[j])
			head[stay++] = head[j];
	}
	return stay;
}

void
show_items(struct cli *c, const struct wire_msg *m, const void *v, size_t n,
    const char *columns)
{
	const char *head[COLUMNS_MAX], **cell;
	size_t i, j, ncol = columns_of(c, columns, head);
	const struct wire_field *col;

	cell = arena_zalloc(&c->arena, (n * ncol + 1) * sizeof(*cell));
	for (i = 0; i < n; i++) {
		for (j = 0; j < ncol; j++) {
			col = wire_field(m, head[j]);
			cell[i * ncol + j] = col == NULL
			    ? ""
			    : show_field(c, col, (const char *)v + i * m->size);
		}
	}
	if (c->tty_out)
		ncol = drop_empty(head, ncol, cell, n);
	if (ncol > 0)
		put_table(c, head, ncol, cell, n);
}

void
show_list(struct cli *c, const struct verb *v, const void *reply)
{
	const struct wire_field *f = list_of(v->row->reply);
	struct {
		size_t n;
		const void *v;
	} list;

	memcpy(&list, (const char *)reply + f->at, sizeof(list));
	if (list.n > 0)
		show_items(c, f->record, list.v, list.n, v->columns);
	else if (v->empty != NULL && !c->quiet)
		fprintf(stderr, "%s\n", v->empty);
}

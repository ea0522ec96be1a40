/*
 * fill.c - the words of the command line become the struct of a row.
 *
 * Only forms are judged here (is it a number, a duration). Lengths and ranges
 * are the row's and are checked where every message is checked, in wire.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/cli.h"

int
args_duration(struct cli *c, const char *flag, const char *s, int64_t *ms)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(s, &end, 10);
	if (*s != '\0' && *end == '\0' && errno == 0 && n >= 0 &&
	    n < 4000000000000LL) {
		*ms = n * 1000;
		return 0;
	}
	if ((*ms = clock_duration(s)) >= 0)
		return 0;
	return cli_usage(c,
	    "--%s is a duration such as 30s, 15m, 2h or 7d, "
	    "not '%s'",
	    flag, safe(c, s));
}

int
args_not_zero(struct cli *c, const char *flag)
{
	const struct param *p = args_find(&c->params, flag);
	const char *s = p == NULL || p->n == 0 ? "1" : p->v[p->n - 1];

	if (strspn(s, "0smhd") < strlen(s) || *s == '\0')
		return 0;
	return cli_usage(c, "--%s %s: it must be more than none", flag, s);
}

static int
fill_int(struct cli *c, const struct param *p, const char *s, int64_t *out)
{
	char *end;

	if (p->duration)
		return args_duration(c, p->name, s, out);
	errno = 0;
	*out = strtoll(s, &end, 10);
	if (*s == '\0' || *end != '\0' || errno != 0)
		return cli_usage(c, "%s is a whole number, not '%s'", p->name,
		    safe(c, s));
	return 0;
}

/* Split each word at commas, unless it is positional. */
static int
fill_texts(struct cli *c, const struct param *p, void *field)
{
	struct {
		size_t n;
		struct text *v;
	} *list = field;
	struct text *v;
	size_t i, n = 0, len;
	const char *s;

	for (i = 0; i < p->n; i++) {
		for (s = p->v[i], n++; *s != '\0'; s++)
			n += *s == ',';
	}
	v = arena_zalloc(&c->arena, (n + 1) * sizeof(*v));
	for (i = n = 0; i < p->n; i++) {
		for (s = p->v[i]; *s != '\0'; s += len + (s[len] == ',')) {
			len = p->positional ? strlen(s) : strcspn(s, ",");
			if (len > 0)
				v[n++].s = arena_strndup(&c->arena, s, len);
		}
	}
	list->n = n;
	list->v = v;
	return 0;
}

/* "reviewers:lead,docs": names with or without a role. */
int
args_groups(struct cli *c, const char *const *words, size_t nwords, void *field)
{
	struct {
		size_t n;
		struct peer_group *v;
	} *list = field;
	struct peer_group *v;
	size_t i, n = 0, len, name;
	const char *s;

	for (i = 0; i < nwords; i++)
		n += strlen(words[i]) + 1;
	v = arena_zalloc(&c->arena, (n + 1) * sizeof(*v));
	for (i = n = 0; i < nwords; i++) {
		for (s = words[i]; *s != '\0'; s += len + (s[len] == ',')) {
			len = strcspn(s, ",");
			if (*s == '@') {
				s++;
				len--;
			}
			name = strcspn(s, ":,");
			if (name == 0)
				return cli_usage(c,
				    "--groups is "
				    "NAME[:ROLE],.., not '%s'",
				    safe(c, words[i]));
			v[n].name = arena_strndup(&c->arena, s, name);
			v[n++].role = name >= len
			    ? ""
			    : arena_strndup(&c->arena, s + name + 1,
				  len - name - 1);
		}
	}
	list->n = n;
	list->v = v;
	return 0;
}

static int
fill_any(struct cli *c, const char *s, struct json *out)
{
	const char *why;
	struct buf b;

	if (json_check(s, strlen(s), out, &why, NULL) == 0)
		return 0;
	buf_init(&b, WIRE_FRAME_MAX);
	json_quote(&b, s);
	out->p = arena_dup(&c->arena, buf_str(&b), b.len);
	out->n = b.len;
	buf_fini(&b);
	return 0;
}

static int
fill_field(struct cli *c, const struct param *p, char *at)
{
	const char *s = p->v[p->n - 1];
	int rc;

	switch (p->field->type) {
	case W_STR:
		if (!utf8_valid(s, strlen(s)))
			return cli_usage(c, "%s is not valid UTF-8", p->name);
		memcpy(at, &s, sizeof(s));
		return 0;
	case W_INT:
	case W_TIME:
		return fill_int(c, p, s, (int64_t *)(void *)at);
	case W_BOOL:
		*(bool *)(void *)at = true;
		return 0;
	case W_ANY:
		return fill_any(c, s, (struct json *)(void *)at);
	case W_LIST:
		rc = p->field->record == &wire_peer_group
		    ? args_groups(c, p->v, p->n, at)
		    : fill_texts(c, p, at);
		return rc;
	default:
		return cli_usage(c, "%s cannot be given here", p->name);
	}
}

int
args_fill(struct cli *c, const struct wire_msg *row, void *in)
{
	const struct wire_field *f;
	const struct param *p;
	size_t i;
	int rc;

	for (i = 0; i < c->params.n; i++) {
		p = &c->params.v[i];
		if (p->field == NULL || p->n == 0)
			continue;
		rc = fill_field(c, p, (char *)in + p->field->at);
		if (rc != 0)
			return rc;
	}
	f = wire_field(row, "mesh");
	p = args_find(&c->params, "mesh");
	if (f != NULL && c->mesh != NULL && (p == NULL || p->n == 0))
		memcpy((char *)in + f->at, &c->mesh, sizeof(c->mesh));
	return 0;
}

int
args_text(struct cli *c, const char *s, size_t max, const char **out)
{
	char chunk[4096];
	struct buf b;
	ssize_t n;
	int rc = 0;

	*out = s;
	if (strcmp(s, "-") != 0)
		return 0;
	c->stdin_taken = true;
	buf_init(&b, max + 1);
	while ((n = read(0, chunk, sizeof(chunk))) > 0 &&
	    buf_add(&b, chunk, (size_t)n) == 0)
		;
	if (b.len > 0 && b.data[b.len - 1] == '\n')
		b.data[--b.len] = '\0';
	if (b.over || b.len > max)
		rc = cli_fail(c, E_TOO_LONG,
		    "standard input is longer than "
		    "%zu bytes",
		    max);
	else if (memchr(buf_str(&b), 0, b.len) != NULL)
		rc = cli_usage(c, "standard input holds a zero byte");
	*out = arena_strndup(&c->arena, buf_str(&b), b.len);
	buf_fini(&b);
	return rc;
}

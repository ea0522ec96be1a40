/*
 * doc.c - the JSON document of a verb: made from its reply by the row, cut to
 * the fields asked for, then printed, streamed, or given to jq or a template.
 *
 * "schema_version" stands first in each. Fields are looked for at the top and
 * in the document's lists and parts, so `--json name,status` cuts the items of
 * a listing.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"

#define DOC_MAX (128 * 1024 * 1024)

bool
doc_wanted(const struct cli *c)
{
	return c->output != OUT_PEOPLE;
}

bool
doc_field(const struct wire_msg *m, const char *name)
{
	const struct wire_field *f;
	size_t i, j;

	for (i = 0; i < m->nfield; i++) {
		f = &m->fields()[i];
		if (strcmp(f->name, name) == 0)
			return true;
		for (j = 0; f->record != NULL && j < f->record->nfield; j++) {
			if (strcmp(f->record->fields()[j].name, name) == 0)
				return true;
		}
	}
	return false;
}

static bool
wanted(const char *fields, struct json key)
{
	size_t n;

	for (; *fields != '\0'; fields += n + (fields[n] == ',')) {
		n = strcspn(fields, ",");
		if (n == key.n && memcmp(fields, key.p, n) == 0)
			return true;
	}
	return false;
}

/* The members asked for, of one object. */
static size_t
cut_object(struct buf *b, struct json object, const char *fields)
{
	struct json_iter it = { 0 };
	struct json key, v;
	size_t n = 0;

	buf_addc(b, '{');
	while (json_next(object, &it, &key, &v)) {
		if (!wanted(fields, key))
			continue;
		if (n++ > 0)
			buf_addc(b, ',');
		buf_addf(b, "\"%.*s\":", (int)key.n, key.p);
		buf_add(b, v.p, v.n);
	}
	buf_addc(b, '}');
	return n;
}

static size_t
cut_list(struct buf *b, struct json list, const char *fields)
{
	struct json_iter it = { 0 };
	struct json key, v;
	size_t n = 0, hits = 0;

	buf_addc(b, '[');
	while (json_next(list, &it, &key, &v)) {
		if (json_kind(v) != JSON_OBJECT)
			return 0;
		if (n++ > 0)
			buf_addc(b, ',');
		hits += cut_object(b, v, fields);
	}
	buf_addc(b, ']');
	return n == 0 ? 1 : hits; /* an empty list stays in the document */
}

static void
cut_member(struct buf *b, struct json key, struct json v, const char *fields)
{
	size_t was = b->len, from, n = 0;

	buf_addf(b, ",\"%.*s\":", (int)key.n, key.p);
	from = b->len;
	if (wanted(fields, key))
		n = buf_add(b, v.p, v.n) == 0;
	else if (json_kind(v) == JSON_ARRAY)
		n = cut_list(b, v, fields);
	else if (json_kind(v) == JSON_OBJECT)
		n = cut_object(b, v, fields);
	if (n == 0 && from > was && b->data != NULL) {
		b->len = was;
		b->data[was] = '\0';
	}
}

/* The whole document, schema_version first. */
static void
assemble(struct buf *b, struct json doc, const char *fields)
{
	struct json_iter it = { 0 };
	struct json key, v;

	buf_adds(b, "{\"schema_version\":\"" CLI_SCHEMA "\"");
	while (json_next(doc, &it, &key, &v)) {
		if (fields != NULL) {
			cut_member(b, key, v, fields);
			continue;
		}
		buf_addf(b, ",\"%.*s\":", (int)key.n, key.p);
		buf_add(b, v.p, v.n);
	}
	buf_addc(b, '}');
}

static void
print_json(const char *p, size_t n)
{
	struct buf b;

	buf_init(&b, DOC_MAX * 6ul);
	safe_json(&b, p, n);
	fwrite(buf_str(&b), 1, b.len, stdout);
	fputc('\n', stdout);
	buf_fini(&b);
}

/* One line for each item of the first list; the document if it has none. */
static void
print_stream(struct json doc)
{
	struct json_iter it = { 0 }, items = { 0 };
	struct json key, v, item;
	struct buf b;

	while (json_next(doc, &it, &key, &v)) {
		if (json_kind(v) == JSON_ARRAY)
			break;
		v.p = NULL;
	}
	if (v.p == NULL) {
		print_json(doc.p, doc.n);
		return;
	}
	buf_init(&b, DOC_MAX);
	while (json_next(v, &items, &key, &item)) {
		buf_clear(&b);
		if (json_kind(item) == JSON_OBJECT)
			assemble(&b, item, NULL);
		else
			buf_add(&b, item.p, item.n);
		print_json(buf_str(&b), b.len);
	}
	buf_fini(&b);
}

static void
feed(int fd, const char *p, size_t n)
{
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	ssize_t done;

	while (n > 0) {
		done = write(fd, p, n);
		if (done < 0 && errno != EINTR)
			break;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
	close(fd);
	signal(SIGPIPE, old);
}

static int
print_jq(struct cli *c, struct json doc)
{
	char *argv[] = { "jq", "-r", (char *)c->filter, NULL };
	int pipes[2], status = 0;
	pid_t child;

	fflush(stdout);
	if (pipe(pipes) != 0 || (child = fork()) < 0)
		return cli_fail(c, E_INTERNAL, "jq cannot be run: %s",
		    strerror(errno));
	if (child == 0) {
		dup2(pipes[0], 0);
		close(pipes[0]);
		close(pipes[1]);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(pipes[0]);
	feed(pipes[1], doc.p, doc.n);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		cli_hint(c, "--json, or install jq (apt install jq)");
		return cli_fail(c, E_USAGE,
		    "--jq needs the program jq, which is not installed");
	}
	return status == 0 ? 0 : err_info(E_USAGE)->exit;
}

static int
print_template(struct cli *c, struct json doc)
{
	struct buf b;
	const char *why;
	int rc;

	buf_init(&b, DOC_MAX);
	rc = template_run(&b, c->filter, doc, &why);
	if (rc != 0) {
		rc = cli_usage(c, "the template has %s", why);
	} else {
		fwrite(buf_str(&b), 1, b.len, stdout);
		if (b.len > 0 && b.data[b.len - 1] != '\n')
			fputc('\n', stdout);
	}
	buf_fini(&b);
	return rc;
}

int
doc_print(struct cli *c, const char *text, size_t n)
{
	const char *why;
	struct json doc;
	struct buf b;
	int rc = 0;

	if (json_check(text, n, &doc, &why, NULL) != 0)
		return cli_fail(c, E_INTERNAL, "the document is bad: %s", why);
	buf_init(&b, DOC_MAX);
	assemble(&b, doc, c->fields);
	doc = (struct json){ buf_str(&b), b.len };
	if (b.over)
		rc = cli_fail(c, E_TOO_LARGE, "the document is over the limit");
	else if (c->output == OUT_STREAM)
		print_stream(doc);
	else if (c->output == OUT_JQ)
		rc = print_jq(c, doc);
	else if (c->output == OUT_TEMPLATE)
		rc = print_template(c, doc);
	else
		print_json(doc.p, doc.n);
	buf_fini(&b);
	return rc;
}

int
doc_print_row(struct cli *c, const struct wire_msg *m, const void *reply)
{
	struct buf b;
	int rc;

	buf_init(&b, DOC_MAX);
	if (m == &wire_ok)
		buf_adds(&b, "{\"ok\":true}");
	else
		wire_encode_doc(&b, m, reply, NULL);
	rc = doc_print(c, buf_str(&b), b.len);
	buf_fini(&b);
	return rc;
}

/*
 * fetch.c - one HTTP(S) request, as the program itself makes them: what webhooks
 * and watches will use, to be tried by hand. It needs no daemon.
 */
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/str.h"
#include "cli/trust.h"
#include "net/fetch.h"

#define BODY_MAX 1073741824LL

struct job {
	struct cli *c;
	struct io *io;
	int status; /* of the process */
};

/* ---- what came ---- */

static void
add_headers(struct buf *b, const struct answer *a)
{
	for (size_t i = 0; i < answer_headers(a); i++) {
		buf_adds(b, i > 0 ? ",[" : "[");
		json_quote(b, answer_name(a, i));
		buf_addc(b, ',');
		json_quote(b, answer_value(a, i));
		buf_addc(b, ']');
	}
}

static bool
is_text(const struct buf *body)
{
	return memchr(buf_str(body), '\0', body->len) == NULL &&
	    utf8_valid(buf_str(body), body->len);
}

static int
as_document(struct cli *c, const struct fetch_result *r)
{
	const struct buf *body = answer_body(r->answer);
	struct buf b;
	char *text;
	int rc;

	buf_init(&b, 16 * body->len + (4 << 20));
	buf_adds(&b, "{\"url\":");
	json_quote(&b, r->url);
	buf_addf(&b, ",\"status\":%d,\"redirects\":%d,\"headers\":[",
	    answer_status(r->answer), r->redirects);
	add_headers(&b, r->answer);
	if (is_text(body)) {
		buf_adds(&b, "],\"body\":");
		json_quote(&b, buf_str(body));
	} else {
		text = arena_alloc(&c->arena, B64_LEN(body->len) + 1);
		b64_encode(text, body->data, body->len);
		buf_addf(&b, "],\"body_base64\":\"%s\"", text);
	}
	buf_addc(&b, '}');
	rc = doc_print(c, buf_str(&b), b.len);
	buf_fini(&b);
	return rc;
}

static int
show(struct cli *c, const struct fetch_result *r)
{
	const struct buf *body = answer_body(r->answer);
	int status = answer_status(r->answer);
	struct buf tame;

	if (doc_wanted(c))
		return as_document(c, r);
	if (arg(c, "include") != NULL) {
		fprintf(stderr, "%d %s\n", status, safe(c, r->url));
		for (size_t i = 0; i < answer_headers(r->answer); i++)
			fprintf(stderr, "%s: %s\n",
			    safe(c, answer_name(r->answer, i)),
			    safe(c, answer_value(r->answer, i)));
	}
	if (c->tty_out && is_text(body)) {
		buf_init(&tame, 8 * body->len + 1);
		safe_add(&tame, buf_str(body), true);
		fwrite(buf_str(&tame), 1, tame.len, stdout);
		buf_fini(&tame);
	} else {
		fwrite(buf_str(body), 1, body->len, stdout);
	}
	if (status < 400)
		return 0;
	fflush(stdout);
	if (!c->quiet)
		fprintf(stderr, "HTTP status %d\n", status);
	return 1;
}

static int
failed(struct cli *c, const struct fetch_result *r)
{
	static const int code[] = { [FETCH_BAD_URL] = E_USAGE,
		[FETCH_PRIVATE] = E_NOT_ALLOWED,
		[FETCH_UNREACHABLE] = E_UNREACHABLE,
		[FETCH_UNTRUSTED] = E_UNTRUSTED,
		[FETCH_LATE] = E_TIMED_OUT,
		[FETCH_TOO_BIG] = E_TOO_LARGE,
		[FETCH_BAD_ANSWER] = E_UNREACHABLE,
		[FETCH_REDIRECTS] = E_NOT_ALLOWED };

	if (r->end == FETCH_PRIVATE)
		cli_hint(c, "the same with --allow-private, if that is meant");
	return cli_fail(c, code[r->end], "%s: %s", safe(c, r->url),
	    safe(c, r->why));
}

static void
on_done(void *arg, const struct fetch_result *r)
{
	struct job *j = arg;

	j->status = r->end == FETCH_OK ? show(j->c, r) : failed(j->c, r);
	io_uv_stop(j->io);
}

/* ---- what was asked ---- */

static int
number(struct cli *c, const char *flag, int64_t max, int64_t *out)
{
	const char *s = arg(c, flag);
	char *end = NULL;

	if (s == NULL)
		return 0;
	*out = strtoll(s, &end, 10);
	if (end == s || *end != '\0' || *out < 0 || *out > max)
		return cli_usage(c, "--%s is 0 to %lld, not '%s'", flag,
		    (long long)max, safe(c, s));
	return 0;
}

static const char *
header_lines(struct cli *c)
{
	const struct param *p = args_find(&c->params, "header");
	bool bad = false;
	struct buf b;
	char *out;

	if (p == NULL || p->n == 0)
		return NULL;
	buf_init(&b, 64 * 1024);
	for (size_t i = 0; i < p->n; i++) {
		bad |= strpbrk(p->v[i], "\r\n") != NULL; /* two in one */
		buf_addf(&b, "%s\r\n", p->v[i]);
	}
	out = arena_strdup(&c->arena, bad || b.over ? "\r" : buf_str(&b));
	buf_fini(&b);
	return out;
}

static int
fill(struct cli *c, struct fetch_conf *conf)
{
	const char *data = arg(c, "data"), *s;
	int64_t max = 0, redirects = 5;
	int rc;

	conf->method = arg(c, "method");
	conf->headers = header_lines(c);
	conf->allow_private = arg(c, "allow-private") != NULL;
	if ((rc = number(c, "max-bytes", BODY_MAX, &max)) != 0 ||
	    (rc = number(c, "redirects", 50, &redirects)) != 0 ||
	    (rc = trust_fill(c, &conf->ca, &conf->pin)) != 0)
		return rc;
	conf->body_max = (size_t)max;
	conf->redirects_max = redirects == 0 ? -1 : (int)redirects;
	if ((s = arg(c, "timeout")) != NULL &&
	    (rc = args_duration(c, "timeout", s, &conf->time_ms)) != 0)
		return rc;
	if (data == NULL)
		return 0;
	if ((rc = args_text(c, data, 16 << 20, &data)) != 0)
		return rc;
	conf->body = data;
	conf->nbody = strlen(data);
	if (conf->method == NULL)
		conf->method = "POST";
	return 0;
}

static int
run(struct cli *c, const struct verb *v)
{
	struct fetch_conf conf = { .method = NULL };
	struct job j = { .c = c };
	struct fetch *f;
	const char *why;
	int rc;

	(void)v;
	if ((rc = fill(c, &conf)) != 0)
		return rc;
	j.io = io_uv_new();
	f = fetch_new(j.io, arg(c, "url"), &conf, on_done, &j, &why);
	if (f == NULL) {
		j.status = cli_usage(c, "%s: %s", safe(c, arg(c, "url")), why);
	} else {
		io_uv_run(j.io);
		fetch_free(f);
	}
	io_uv_free(j.io);
	return j.status;
}

static const struct flag flags[] = {
	{ "url", "URL", "http:// or https://." },
	{ "method", "M", "GET unless given; POST with --data." },
	{ "data", "TEXT", "What to send; - reads it from standard input." },
	{ "header", "NAME: VALUE",
	    "A header; goes to the first host only. May be repeated." },
	{ "include", NULL, "Status and headers, on standard error." },
	{ "max-bytes", "N", "Of the answer's body; 1 MiB unless given." },
	{ "timeout", "DURATION", "For everything; 30s unless given." },
	{ "redirects", "N", "How many to follow; 5 unless given." },
	{ "allow-private", NULL,
	    "Also to loopback, private and link-local addresses." },
	{ "ca", "FILE", "https: certificates (PEM) of who may vouch." },
	{ "pin", "SHA256", "https: the one key it must have." },
	{ NULL, NULL, NULL },
};

static const struct verb verbs[] = {
	{ .name = "fetch",
	    .args = "url",
	    .flags = flags,
	    .run = run,
	    .doc = "Makes one HTTP request to the world outside, with limits "
		   "on bytes, time, redirects, and where it may go." },
	{ .name = NULL },
};

const struct noun noun_fetch = { .name = "fetch",
	.doc = "One HTTP request, with limits.",
	.verbs = verbs,
	.single = true };

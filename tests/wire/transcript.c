/*
 * transcript.c - carries out *.t files: what peers say to a real broker, and
 * what they must hear. See tests/wire/README.md for the words.
 *
 *	transcript [--cover FILE] FILE.t
 *	transcript --covered FILE
 *
 * CLAUDEMESH_BIN is the program. Each `test` of a file begins with nothing but
 * the broker that the file's tests share; one that fails does not stop the
 * others. --cover appends which rows were answered, --covered says which never
 * were.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/enc.h"
#include "tests/wire/script.h"

#define SCRIPT_MAX (1024 * 1024)

struct tr tr;

static void line(char *text);

int64_t
tr_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
tr_fail(const char *fmt, ...)
{
	va_list ap;

	printf("FAILED %s:%d: %s\n  %s\n", tr.file, tr.line,
	    tr.test ? tr.test : "before the first test",
	    tr.said ? tr.said : "");
	va_start(ap, fmt);
	printf("  ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	longjmp(tr.failed, 1);
}

void
tr_do(const char *fmt, ...)
{
	const char *was = tr.said;
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = arena_vprintf(&tr.arena, fmt, ap);
	va_end(ap);
	line(s);
	tr.said = was;
}

/* ---- words of a line ---- */

char *
args_after(const struct args *a, const char *word)
{
	size_t i;

	for (i = 0; i + 1 < a->n; i++) {
		if (strcmp(a->v[i], word) == 0)
			return a->v[i + 1];
	}
	return NULL;
}

/* The end of the object that begins at s. */
static char *
object_end(char *s)
{
	bool string = false;
	int depth = 0;

	for (; *s != '\0'; s++) {
		if (string && *s == '\\' && s[1] != '\0')
			s++;
		else if (*s == '"')
			string = !string;
		else if (!string && *s == '{')
			depth++;
		else if (!string && *s == '}' && --depth == 0)
			return s + 1;
	}
	tr_fail("an object does not end");
}

static char *
next_word(char **at)
{
	char *s = *at + strspn(*at, " \t"), *end;
	bool quoted = *s == '"';

	if (*s == '\0')
		return NULL;
	if (*s == '{')
		end = object_end(s);
	else if (quoted)
		end = strchr(++s, '"');
	else
		end = s + strcspn(s, " \t");
	if (end == NULL)
		tr_fail("a text does not end");
	*at = end + (quoted ? 1 : 0);
	return arena_strndup(&tr.arena, s, (size_t)(end - s));
}

/* What follows -> is one pattern, and stays as it is. */
static void
split(struct args *a, char *text)
{
	char *w;

	while ((w = next_word(&text)) != NULL) {
		if (a->n + 2 > TR_ARGS)
			tr_fail("too many words");
		a->v[a->n++] = tr_fill(w);
		if (strcmp(w, "->") != 0)
			continue;
		a->v[a->n++] = text + strspn(text, " \t");
		break;
	}
}

static const char *
need(const struct args *a, size_t i)
{
	if (i >= a->n)
		tr_fail("a word is missing");
	return a->v[i];
}

/* ---- connections ---- */

static void
word_peer(const struct args *a)
{
	bool slow = a->n > 2 && strcmp(a->v[2], "slow") == 0;
	struct tconn *c;
	char *hi;

	c = conn_dial(need(a, 1), "/ws", "claudemesh.2", slow);
	if (c->refused)
		tr_fail("refused: %d %s", c->code, c->reason);
	hi = conn_next(c, TR_WAIT_MS);
	if (hi == NULL || strcmp(tr_member(hi, "type"), "challenge") != 0)
		tr_fail("the first frame is no challenge: %s", hi ? hi : "");
	tr_set(arena_printf(&tr.arena, "%s.nonce", c->name),
	    tr_member(hi, "nonce"));
	tr_set(arena_printf(&tr.arena, "%s.logKey", c->name),
	    tr_member(hi, "logKey"));
}

/* dial NAME [path P] [sub S] [refused STATUS [TEXT]] */
static void
word_dial(const struct args *a)
{
	const char *path = args_after(a, "path"), *sub = args_after(a, "sub");
	const char *status = args_after(a, "refused");
	struct tconn *c;

	c = conn_dial(need(a, 1), path ? path : "/ws", sub ? sub : "", false);
	if (status == NULL && c->refused)
		tr_fail("refused: %d %s", c->code, c->reason);
	if (status == NULL)
		return;
	if (!c->refused || c->code != (int)strtol(status, NULL, 10))
		tr_fail("expected %s, got %d %s", status,
		    c->refused ? c->code : 101, c->reason);
	status = a->v[a->n - 1];
	if (strchr("0123456789", *status) == NULL &&
	    strstr(c->reason, status) == NULL)
		tr_fail("expected '%s' in: %s", status, c->reason);
}

static void
word_drop(const struct args *a)
{
	size_t i;

	for (i = 1; i < a->n; i++)
		conn_drop(tr_conn(a->v[i]));
}

/* Reads on until the other end has closed. */
static void
await_close(struct tconn *c)
{
	char *text = conn_next(c, TR_WAIT_MS);

	if (text != NULL)
		tr_fail("%s was not expected to hear\n  %s", c->name, text);
	if (c->code == 0)
		tr_fail("%s is not closed", c->name);
}

static void
word_close(const struct args *a)
{
	struct tconn *c = tr_conn(need(a, 1));
	long code = a->n > 2 ? strtol(a->v[2], NULL, 10) : 1000;
	uint8_t p[2] = { (uint8_t)(code >> 8), (uint8_t)code };

	conn_frame(c, WS_CLOSE, p, sizeof(p));
	await_close(c);
	if (c->code != code)
		tr_fail("%s: closed with %d in answer to %ld", c->name, c->code,
		    code);
	conn_drop(c);
}

static void
word_expect_close(const struct args *a)
{
	struct tconn *c = tr_conn(need(a, 1));
	long code = strtol(need(a, 2), NULL, 10);

	await_close(c);
	if (c->code != code)
		tr_fail("%s: closed with %d (%s), not %ld", c->name, c->code,
		    c->reason, code);
	if (a->n > 3 && strstr(c->reason, a->v[3]) == NULL)
		tr_fail("%s: closed because '%s', not '%s'", c->name, c->reason,
		    a->v[3]);
	conn_drop(c);
}

static void
word_quiet(const struct args *a)
{
	size_t i;

	for (i = 1; i < a->n; i++)
		conn_quiet(tr_conn(a->v[i]));
}

/* ---- what no decent client says ---- */

/* frame CONNECTION OPCODE HEX: one whole frame. */
static void
word_frame(const struct args *a)
{
	const char *hex = a->n > 3 ? a->v[3] : "";
	uint8_t *p = arena_alloc(&tr.arena, strlen(hex) + 1);
	ssize_t n = hex_decode(p, strlen(hex), hex, strlen(hex));

	if (n < 0)
		tr_fail("not hex: %s", hex);
	conn_frame(tr_conn(need(a, 1)), (int)strtol(need(a, 2), NULL, 10), p,
	    (size_t)n);
}

/* raw CONNECTION HEX: bytes as they are. */
static void
word_raw(const struct args *a)
{
	const char *hex = need(a, 2);
	uint8_t *p = arena_alloc(&tr.arena, strlen(hex) + 1);
	ssize_t n = hex_decode(p, strlen(hex), hex, strlen(hex));

	if (n < 0)
		tr_fail("not hex: %s", hex);
	conn_bytes(tr_conn(need(a, 1)), p, (size_t)n);
}

/* big CONNECTION BYTES {OBJECT}: the object, and spaces up to that size. */
static void
word_big(const struct args *a)
{
	size_t n = (size_t)strtol(need(a, 2), NULL, 10);
	const char *text = need(a, 3);
	struct tconn *c = tr_conn(a->v[1]);
	char *p;

	if (strlen(text) > n)
		tr_fail("it is larger than that");
	p = arena_alloc(&tr.arena, n + 1);
	memset(p, ' ', n);
	memcpy(p, text, strlen(text));
	rows_asked(c, p, n);
	conn_frame(c, WS_TEXT, p, n);
}

/* ---- processes and time ---- */

static void
word_daemon(const struct args *a)
{
	proc_daemon(need(a, 1));
}

static void
word_local(const struct args *a)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s/daemon.sock", tr.dir, need(a, 2));
	conn_local(need(a, 1), path);
}

static void
word_stop(const struct args *a)
{
	proc_stop(need(a, 1), SIGTERM);
}

static void
word_kill(const struct args *a)
{
	proc_stop(need(a, 1), SIGKILL);
}

static void
word_start(const struct args *a)
{
	if (strcmp(need(a, 1), "broker") == 0)
		proc_broker();
	else
		proc_daemon(a->v[1]);
}

static void
word_hup(const struct args *a)
{
	proc_signal(need(a, 1), SIGHUP);
}

/* file NAME TEXT: in the folder of this file, $dir. */
static void
word_file(const struct args *a)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", tr.dir, need(a, 1));
	f = fopen(path, "w");
	if (f == NULL || fputs(need(a, 2), f) < 0 || fclose(f) != 0)
		tr_fail("cannot write %s", path);
}

static void
word_sleep(const struct args *a)
{
	long ms = strtol(need(a, 1), NULL, 10);
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* ---- texts ---- */

static void
word_set(const struct args *a)
{
	tr_set(need(a, 1), need(a, 2));
}

static void
word_same(const struct args *a)
{
	if (strcmp(need(a, 1), need(a, 2)) != 0)
		tr_fail("not the same:\n  %s\n  %s", a->v[1], a->v[2]);
}

static void
word_differ(const struct args *a)
{
	if (strcmp(need(a, 1), need(a, 2)) == 0)
		tr_fail("the same: %s", a->v[1]);
}

/* ---- a line ---- */

static const struct {
	const char *name;
	void (*run)(const struct args *);
	size_t least; /* words behind it */
} words[] = {
	{ "act", word_act, 4 },
	{ "big", word_big, 3 },
	{ "broker", proc_broker_args, 0 },
	{ "close", word_close, 1 },
	{ "daemon", word_daemon, 1 },
	{ "dial", word_dial, 1 },
	{ "differ", word_differ, 2 },
	{ "drop", word_drop, 1 },
	{ "event", word_event, 3 },
	{ "expect-close", word_expect_close, 2 },
	{ "file", word_file, 2 },
	{ "frame", word_frame, 2 },
	{ "hello", word_hello, 2 },
	{ "hup", word_hup, 1 },
	{ "join", word_join, 2 },
	{ "key", word_key, 1 },
	{ "kill", word_kill, 1 },
	{ "limits", word_limits, 1 },
	{ "local", word_local, 2 },
	{ "mesh", word_mesh, 3 },
	{ "no-hello", word_no_hello, 1 },
	{ "opens", word_opens, 3 },
	{ "peer", word_peer, 1 },
	{ "quiet", word_quiet, 1 },
	{ "raw", word_raw, 2 },
	{ "rolled", word_rolled, 2 },
	{ "same", word_same, 2 },
	{ "seal", word_seal, 3 },
	{ "sealed", word_sealed, 5 },
	{ "set", word_set, 2 },
	{ "sign", word_sign, 4 },
	{ "sleep", word_sleep, 1 },
	{ "start", word_start, 1 },
	{ "stop", word_stop, 1 },
	{ "tried-all", word_tried_all, 0 },
	{ "try", word_try, 6 },
	{ "unseal", word_unseal, 3 },
};

static void
hears(struct tconn *c, const char *pattern)
{
	char *want = tr_pattern(pattern);
	const char *text = conn_next(c, TR_WAIT_MS), *diff;

	if (text == NULL && c->code != 0)
		tr_fail("%s was closed with %d %s", c->name, c->code, c->reason);
	if (text == NULL)
		tr_fail("%s hears nothing", c->name);
	diff = tr_match(want, text);
	if (diff != NULL)
		tr_fail("%s heard something else:\n%s  the frame: %s", c->name,
		    diff, text);
}

/* Whatever comes before it: where no order is promised. */
static void
hears_at_last(struct tconn *c, const char *pattern)
{
	char *want = tr_pattern(pattern);
	const char *text;

	do {
		text = conn_next(c, TR_WAIT_MS);
		if (text == NULL)
			tr_fail("%s never hears it", c->name);
	} while (tr_match(want, text) != NULL);
}

/* NAME > TEXT, NAME < PATTERN, NAME << PATTERN. */
static bool
said_or_heard(char *text)
{
	size_t n = strcspn(text, " \t");
	char *sign = text + n + strspn(text + n, " \t"), *rest;
	size_t len = strcspn(sign, " \t");
	struct tconn *c;

	if (n == 0 || len == 0 || len > 2 || strspn(sign, "<>") != len)
		return false;
	rest = sign + len + strspn(sign + len, " \t");
	c = tr_conn(arena_strndup(&tr.arena, text, n));
	if (*sign == '>') {
		rest = tr_fill(rest);
		conn_text(c, rest, strlen(rest));
	} else if (len == 1) {
		hears(c, rest);
	} else {
		hears_at_last(c, rest);
	}
	return true;
}

static void
line(char *text)
{
	struct args a = { .n = 0 };
	size_t i;

	tr.said = text;
	if (said_or_heard(text))
		return;
	split(&a, text);
	for (i = 0; i < countof(words); i++) {
		if (strcmp(words[i].name, a.v[0]) != 0)
			continue;
		if (a.n <= words[i].least)
			tr_fail("'%s' needs %zu words", a.v[0], words[i].least);
		words[i].run(&a);
		return;
	}
	tr_fail("no such word: %s", a.v[0]);
}

/* repeat N LINE */
static void
line_or_many(char *text)
{
	char *end = text;
	long n = 1;

	if (str_starts(text, "repeat ")) {
		n = strtol(text + strlen("repeat "), &end, 10);
		end += strspn(end, " \t");
	}
	for (tr.n = 1; tr.n <= n; tr.n++)
		line(end);
}

/* ---- a file ---- */

static void
forget(void)
{
	conn_close_all();
	map_fini(&tr.vars);
	map_fini(&tr.conns);
	map_fini(&tr.keys);
	map_fini(&tr.people);
	map_fini(&tr.meshes);
	map_fini(&tr.sessions);
	vec_fini(&tr.acts);
	arena_reset(&tr.arena);
}

static void
begin(void)
{
	tr_set("dir", tr.dir);
	if (tr.url[0] != '\0') {
		tr_set("url", tr.url);
		tr_set("http", tr.http);
	}
}

/* Nobody may have heard anything that the test does not know of. */
static void
nothing_left(void)
{
	struct tconn *c;
	size_t i;

	tr.said = "(the end)";
	for (i = 0; (c = map_next(&tr.conns, &i)) != NULL;)
		conn_quiet(c);
}

static char *
read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *s = mem_alloc(SCRIPT_MAX);
	size_t n;

	if (f == NULL) {
		printf("cannot read %s: %s\n", path, strerror(errno));
		exit(2);
	}
	n = fread(s, 1, SCRIPT_MAX - 1, f);
	fclose(f);
	s[n] = '\0';
	return s;
}

struct reader {
	char *at;
	int line; /* of at */
	char *test; /* title of the test that begins next */
	int passed, failed;
};

/* The next line with those that continue it; NULL at the end. */
static char *
next_line(struct reader *r)
{
	char *s, *end, *p;

	do {
		if (*r->at == '\0')
			return NULL;
		tr.line = ++r->line;
		s = r->at;
		end = s + strcspn(s, "\n");
		r->at = *end == '\0' ? end : end + 1;
		*end = '\0';
	} while (*s == '#' || s[strspn(s, " \t")] == '\0');
	while (*r->at == '\t' || *r->at == ' ') {
		*end = ' ';
		end = r->at + strcspn(r->at, "\n");
		r->at = *end == '\0' ? end : end + 1;
		*end = '\0';
		r->line++;
	}
	for (p = end; p > s && (p[-1] == ' ' || p[-1] == '\t'); p--)
		p[-1] = '\0';
	return s;
}

/* The next line of this test; NULL where the next one begins. */
static char *
test_line(struct reader *r)
{
	char *s = r->test != NULL ? NULL : next_line(r);

	if (s == NULL || !str_starts(s, "test "))
		return s;
	r->test = s + strlen("test ");
	return NULL;
}

/* Lines up to the next test; whether there is one. */
static bool
run_test(struct reader *r)
{
	const int64_t began = tr_now();
	char *s;

	tr.test = r->test;
	r->test = NULL;
	if (setjmp(tr.failed) == 0) {
		begin();
		while ((s = test_line(r)) != NULL)
			line_or_many(s);
		nothing_left();
		r->passed += tr.test != NULL;
		if (tr.test != NULL)
			printf("ok %s: %s (%lld ms)\n", tr.file, tr.test,
			    (long long)(tr_now() - began));
	} else {
		r->failed++;
		while (test_line(r) != NULL)
			;
	}
	forget();
	return r->test != NULL;
}

static void
random_bytes(void *arg, void *p, size_t n)
{
	(void)arg;
	if (getrandom(p, n, 0) != (ssize_t)n)
		abort();
}

static int
run_file(const char *path)
{
	char *text = read_file(path), *slash = strrchr(path, '/');
	struct reader r = { .at = text };
	const char *tmp = getenv("TMPDIR");

	tr.file = slash == NULL ? path : slash + 1;
	snprintf(tr.dir, sizeof(tr.dir), "%.40s/wire.XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(tr.dir) == NULL) {
		printf("no temporary folder %s\n", tr.dir);
		return 2;
	}
	while (run_test(&r))
		;
	if (proc_stop_all() != 0) {
		printf("FAILED %s: a process did not end well\n", tr.file);
		r.failed++;
	}
	arena_fini(&tr.arena);
	mem_free(text);
	printf("%d passed, %d failed\n", r.passed, r.failed);
	return r.failed > 0;
}

/* ---- which rows were answered ---- */

static void
write_cover(const char *path)
{
	FILE *f = fopen(path, "a");
	const struct wire_msg *m;
	size_t i;

	if (f == NULL)
		return;
	for (i = 0; (m = wire_row(i)) != NULL; i++) {
		if (tr.cover_ok[i])
			fprintf(f, "ok %s\n", m->name);
		if (tr.cover_error[i])
			fprintf(f, "error %s\n", m->name);
		if (tr.cover_push[i])
			fprintf(f, "push %s\n", m->name);
	}
	fclose(f);
}

static int
covered(const char *path)
{
	static const char *const how[] = { "ok", "error", "push" };
	char *text = read_file(path), want[100];
	const struct wire_msg *m;
	size_t i, k;
	int never = 0;

	for (i = 0; (m = wire_row(i)) != NULL; i++) {
		for (k = 0; k < countof(how); k++) {
			if (m->kind != (k == 2 ? W_PUSH : W_REQUEST))
				continue;
			snprintf(want, sizeof(want), "%s %s\n", how[k],
			    m->name);
			if (strstr(text, want) != NULL)
				continue;
			printf("no transcript has: %s", want);
			never++;
		}
	}
	mem_free(text);
	return never > 0;
}

int
main(int argc, char **argv)
{
	const char *cover = NULL;
	int rc;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	crypto_setup(random_bytes, NULL);
	if (argc == 3 && strcmp(argv[1], "--covered") == 0)
		return covered(argv[2]);
	if (argc == 4 && strcmp(argv[1], "--cover") == 0) {
		cover = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc != 2) {
		fprintf(stderr, "usage: transcript [--cover FILE] FILE.t\n");
		return 2;
	}
	rc = run_file(argv[1]);
	if (cover != NULL)
		write_cover(cover);
	fflush(NULL);
	if (rc != 0)
		_exit(rc); /* what a failed test left behind is no news */
	return rc;
}

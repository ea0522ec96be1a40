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
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "tests/wire/script.h"

#define SCRIPT_MAX (1024 * 1024)

struct tr tr;

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
	tr_line(s);
	tr.said = was;
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
	int line;   /* of at */
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
			tr_line_or_many(s);
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
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int
run_file(const char *path)
{
	char *text = read_file(path), *slash = strrchr(path, '/');
	struct reader r = { .at = text };
	const char *tmp = getenv("TMPDIR");

	tr.file = slash == NULL ? path : slash + 1;
	snprintf(tr.dir, sizeof(tr.dir), "%.50s/wire.XXXXXX",
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
	if (r.failed == 0)
		nftw(tr.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	else
		printf("kept %s\n", tr.dir);
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

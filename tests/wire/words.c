/*
 * words.c - one line of a transcript: split into words, or what is said and
 * heard on a connection; and the words that are not signatures, people or loops.
 * The table at the end has all of them.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/enc.h"
#include "tests/wire/script.h"

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

/* ended NAME: by itself, and well. */
static void
word_ended(const struct args *a)
{
	proc_stop(need(a, 1), 0);
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
	{ "bare", word_bare, 4 },
	{ "big", word_big, 3 },
	{ "broker", proc_broker_args, 0 },
	{ "close", word_close, 1 },
	{ "daemon", word_daemon, 1 },
	{ "dial", word_dial, 1 },
	{ "differ", word_differ, 2 },
	{ "drop", word_drop, 1 },
	{ "ended", word_ended, 1 },
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
	{ "old", word_old, 3 },
	{ "opens", word_opens, 3 },
	{ "opens-bare", word_opens_bare, 3 },
	{ "peer", word_peer, 1 },
	{ "quiet", word_quiet, 1 },
	{ "raw", word_raw, 2 },
	{ "rolled", word_rolled, 2 },
	{ "same", word_same, 2 },
	{ "seal", word_seal, 3 },
	{ "record", word_record, 6 },
	{ "sealed", word_sealed, 5 },
	{ "set", word_set, 2 },
	{ "sign", word_sign, 4 },
	{ "sleep", word_sleep, 1 },
	{ "start", word_start, 1 },
	{ "stop", word_stop, 1 },
	{ "tried-all", word_tried_all, 0 },
	{ "try", word_try, 6 },
	{ "sum", word_sum, 3 },
	{ "unseal", word_unseal, 3 },
};

static void
hears(struct tconn *c, const char *pattern)
{
	char *want = tr_pattern(pattern);
	const char *text = conn_next(c, TR_WAIT_MS), *diff;

	if (text == NULL && c->code != 0)
		tr_fail("%s was closed with %d %s", c->name, c->code,
		    c->reason);
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

void
tr_line(char *text)
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
void
tr_line_or_many(char *text)
{
	char *end = text;
	long n = 1;

	if (str_starts(text, "repeat ")) {
		n = strtol(text + strlen("repeat "), &end, 10);
		end += strspn(end, " \t");
	}
	for (tr.n = 1; tr.n <= n; tr.n++)
		tr_line(end);
}

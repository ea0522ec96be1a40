/*
 * ws_client.c - src/net/wsclient.h as a program, for tests/net/run:
 * ws_client URL SUBPROTOCOL FRAME_MAX STEP...
 * Steps, one after the other: echo:N (N messages, each must come back, in
 * order), big:BYTES (one message), say:TEXT (prints the answer), close:CODE,
 * wait (for the other end's close). Prints what happened, one line each.
 * With wss://, CA names a file of whom to believe, PIN a key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/wsclient.h"

struct client {
	struct io *io;
	struct wsclient *ws;
	char **step;
	long want, got; /* of echo */
	size_t big;
};

static void next(struct client *);

static void
send_echo(struct client *c)
{
	char text[32];

	for (long i = 0; i < c->want; i++) {
		snprintf(text, sizeof(text), "m%ld", i);
		wsclient_send(c->ws, text, strlen(text));
	}
}

static void
send_big(struct client *c)
{
	char *p = mem_alloc(c->big);

	memset(p, 'b', c->big);
	wsclient_send(c->ws, p, c->big);
	mem_free(p);
}

static void
next(struct client *c)
{
	const char *s = *c->step;

	if (s == NULL) {
		wsclient_close(c->ws, 1000, "done");
		return;
	}
	c->step++;
	c->got = c->want = 0;
	c->big = 0;
	if (sscanf(s, "echo:%ld", &c->want) == 1)
		send_echo(c);
	else if (sscanf(s, "big:%zu", &c->big) == 1)
		send_big(c);
	else if (strncmp(s, "say:", 4) == 0)
		wsclient_send(c->ws, s + 4, strlen(s + 4));
	else if (strncmp(s, "close:", 6) == 0)
		wsclient_close(c->ws, atoi(s + 6), "asked to");
	else if (strcmp(s, "free") == 0) {
		wsclient_free(c->ws);
		c->ws = NULL;
		printf("freed\n");
		io_uv_stop(c->io);
	}
}

static void
on_open(void *arg)
{
	printf("open\n");
	next(arg);
}

static void
on_frame(void *arg, const char *text, size_t n)
{
	struct client *c = arg;
	char want[32];

	if (c->want > 0) {
		snprintf(want, sizeof(want), "m%ld", c->got);
		if (strlen(want) != n || memcmp(want, text, n) != 0) {
			printf("wrong echo %ld\n", c->got);
			exit(1);
		}
		if (++c->got < c->want)
			return;
		printf("echoed %ld\n", c->got);
	} else if (c->big > 0) {
		printf("big %zu %s\n", n,
		    n == c->big && text[0] == 'b' && text[n - 1] == 'b'
			? "same"
			: "different");
	} else
		printf("said %.*s\n", (int)n, text);
	next(c);
}

static void
on_drain(void *arg)
{
	(void)arg;
}

static void
on_close(void *arg, int code, const char *reason)
{
	struct client *c = arg;

	printf("close %d %s\n", code, reason);
	io_uv_stop(c->io);
}

static const struct wsclient_ops ops = { on_open, on_frame, on_drain,
	on_close };

/* All of a small file; NULL without a name. */
static const char *
file_text(const char *file)
{
	static char text[65536];
	FILE *f = file != NULL ? fopen(file, "r") : NULL;

	if (f == NULL)
		return NULL;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

int
main(int argc, char **argv)
{
	struct client c = { 0 };
	const char *why;

	if (argc < 4)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	c.io = io_uv_new();
	c.ws = wsclient_new(c.io, &ops, &c);
	c.step = argv + 4;
	wsclient_trust(c.ws, file_text(getenv("CA")), getenv("PIN"));
	if (wsclient_connect(c.ws, argv[1], argv[2], (size_t)atol(argv[3]),
		&why) != 0)
		printf("no %s\n", why);
	else
		io_uv_run(c.io);
	wsclient_free(c.ws);
	io_uv_free(c.io);
	return 0;
}

/*
 * echo_server.c - src/net/server.h as a program, for tests/net/run: /health,
 * /echo (the body back), /later (answered by a timer), /ws (echo, subprotocol
 * echo.1). Every limit can be set by argument: name=value, as in server_conf.
 * Prints "port N" and runs until SIGTERM; then frees all, so that the address
 * sanitizer has its say.
 *
 * Messages that are commands: !close CODE REASON, !big BYTES, !flood,
 * !pause MS (reading stops), !deaf MS (nothing is pulled).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "net/server.h"
#include "net/tls.h"

struct echo {
	struct io *io;
	struct server *sv;
	VEC(io_id) ready;
	io_id deaf;	 /* of this one nothing is pulled for a while */
	bool admit_late; /* at the first message, not at once */
	struct tls_server *cert;
	const char *cert_file, *key_file;
};

struct later {
	struct echo *e;
	io_id conn;
	bool pause;
};

static void
on_later(void *arg, io_id timer)
{
	struct later *l = arg;

	(void)timer;
	if (l->pause) {
		l->e->deaf = 0;
		server_pause(l->e->sv, l->conn, false);
		vec_add(&l->e->ready, l->conn);
	} else
		server_reply(l->e->sv, l->conn, 200, "text/plain", NULL,
		    "later\n", 6);
	mem_free(l);
}

static void
later(struct echo *e, io_id conn, int64_t ms, bool pause)
{
	struct later *l = mem_alloc(sizeof(*l));

	*l = (struct later){ e, conn, pause };
	io_timer(e->io, ms, on_later, l);
}

static void
on_request(void *arg, struct http_request *rq)
{
	struct echo *e = arg;
	static const char health[] = "{\"ok\":true}\n";

	if (strcmp(rq->path, "/health") == 0)
		server_reply(e->sv, rq->conn, 200, "application/json", NULL,
		    health, sizeof(health) - 1);
	else if (strcmp(rq->path, "/echo") == 0)
		server_reply(e->sv, rq->conn, 200, "text/plain",
		    "X-Kind: echo\r\n", rq->body, rq->nbody);
	else if (strcmp(rq->path, "/later") == 0)
		later(e, rq->conn, 50, false);
	else if (strcmp(rq->path, "/ws") == 0)
		server_reply(e->sv, rq->conn, 426, "text/plain",
		    "Upgrade: websocket\r\n", "WebSocket only\n", 15);
	else
		server_reply(e->sv, rq->conn, 404, "text/plain", NULL,
		    "not found\n", 10);
}

static const char *
on_upgrade(void *arg, struct http_request *rq, const char *offered, int *status)
{
	(void)arg;
	if (strcmp(rq->path, "/ws") != 0) {
		*status = 404;
		return NULL;
	}
	return strstr(offered, "echo.1") != NULL ? "echo.1" : "";
}

static void
on_ws_open(void *arg, io_id conn, const char *subprotocol,
    const struct io_peer *peer)
{
	struct echo *e = arg;

	(void)subprotocol;
	(void)peer;
	if (!e->admit_late)
		server_admit(e->sv, conn);
}

static void
on_ready(void *arg, io_id conn)
{
	struct echo *e = arg;

	vec_add(&e->ready, conn);
}

static void
on_drain(void *arg, io_id conn)
{
	(void)arg;
	(void)conn;
}

static void
on_ws_close(void *arg, io_id conn, int code)
{
	(void)arg;
	(void)conn;
	printf("closed %d\n", code);
	fflush(stdout);
}

static int
say(struct echo *e, io_id conn, const char *text, size_t n)
{
	struct buf b;
	int rc;

	buf_init(&b, n + 64);
	ws_frame(&b, text, n);
	rc = server_write(e->sv, conn, b.data, b.len);
	buf_fini(&b);
	return rc;
}

static void
big(struct echo *e, io_id conn, size_t n)
{
	char *p = mem_alloc(n + 1);

	memset(p, 'x', n);
	say(e, conn, p, n);
	mem_free(p);
}

/* Until the queue is full; then how much went in. */
static void
flood(struct echo *e, io_id conn)
{
	static char piece[65536];
	unsigned n = 0;

	memset(piece, 'f', sizeof(piece));
	while (n < 100000 && say(e, conn, piece, sizeof(piece)) == 0)
		n++;
	printf("flooded %u\n", n);
	fflush(stdout);
}

static void
command(struct echo *e, io_id conn, const char *s)
{
	char reason[64] = "";
	int code = 0;
	long n = 0;

	if (sscanf(s, "!close %d %63[^\n]", &code, reason) >= 1)
		server_close(e->sv, conn, code, reason);
	else if (sscanf(s, "!big %ld", &n) == 1)
		big(e, conn, (size_t)n);
	else if (strcmp(s, "!flood") == 0)
		flood(e, conn);
	else if (sscanf(s, "!deaf %ld", &n) == 1) {
		e->deaf = conn;
		later(e, conn, n, true);
	} else if (sscanf(s, "!pause %ld", &n) == 1) {
		server_pause(e->sv, conn, true);
		later(e, conn, n, true);
	}
}

static void
serve(struct echo *e, io_id conn)
{
	const char *text;
	char cmd[128];
	size_t n;

	while (e->deaf != conn && server_frame(e->sv, conn, &text, &n)) {
		if (e->admit_late)
			server_admit(e->sv, conn);
		if (n > 0 && *text == '!' && n < sizeof(cmd)) {
			memcpy(cmd, text, n);
			cmd[n] = '\0';
			command(e, conn, cmd);
			if (strncmp(cmd, "!pause", 6) == 0)
				return;
		} else
			say(e, conn, text, n);
	}
}

static void
turn(void *arg)
{
	struct echo *e = arg;

	for (size_t i = 0; i < e->ready.n; i++)
		serve(e, e->ready.v[i]);
	e->ready.n = 0;
}

/* SIGHUP: the files again. */
static void
load(struct echo *e)
{
	char why[TLS_WHY];

	if (tls_server_load(e->cert, e->cert_file, e->key_file, why) == 0)
		printf("loaded %s\n", tls_server_pin(e->cert));
	else
		printf("refused %s\n", why);
	fflush(stdout);
}

static void
on_signal(void *arg, int signo)
{
	struct echo *e = arg;

	if (signo == SIGHUP) {
		load(e);
		return;
	}
	io_uv_stop(e->io);
}

static const struct server_ops ops = { on_request, on_upgrade, on_ws_open,
	on_ready, on_drain, on_ws_close };

static bool
setting(struct server_conf *c, struct echo *e, const char *arg)
{
	const char *eq = strchr(arg, '=');
	const struct {
		const char *name;
		int64_t *ms;
		size_t *size;
	} all[] = {
		{ "header_ms", &c->header_ms, NULL },
		{ "body_ms", &c->body_ms, NULL },
		{ "idle_ms", &c->idle_ms, NULL },
		{ "ping_ms", &c->ping_ms, NULL },
		{ "pong_ms", &c->pong_ms, NULL },
		{ "stall_ms", &c->stall_ms, NULL },
		{ "admit_ms", &c->admit_ms, NULL },
		{ "header_max", NULL, &c->header_max },
		{ "body_max", NULL, &c->body_max },
		{ "frame_max", NULL, &c->frame_max },
		{ "conns_max", NULL, &c->conns_max },
		{ "per_ip_new_max", NULL, &c->per_ip_new_max },
		{ "out_max", NULL, &c->out_max },
	};

	if (strcmp(arg, "admit_late") == 0)
		e->admit_late = true;
	for (size_t i = 0; eq != NULL && i < countof(all); i++) {
		if (strlen(all[i].name) != (size_t)(eq - arg) ||
		    strncmp(arg, all[i].name, (size_t)(eq - arg)) != 0)
			continue;
		if (all[i].ms != NULL)
			*all[i].ms = atoll(eq + 1);
		else
			*all[i].size = (size_t)atoll(eq + 1);
		return true;
	}
	return eq == NULL;
}

int
main(int argc, char **argv)
{
	static const char *const origins[] = { "https://friend.example", NULL };
	struct server_conf conf = { .origins = origins };
	struct echo e = { 0 };
	struct io_addr addr;
	const char *on = "127.0.0.1:0";
	char why[256];

	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "listen=", 7) == 0)
			on = argv[i] + 7;
		else if (strncmp(argv[i], "cert=", 5) == 0)
			e.cert_file = argv[i] + 5;
		else if (strncmp(argv[i], "key=", 4) == 0)
			e.key_file = argv[i] + 4;
		else if (!setting(&conf, &e, argv[i]))
			return 2;
	log_setup(2, LOG_WARN, NULL, NULL);
	e.io = io_uv_new();
	e.sv = server_new(e.io, &conf, &ops, &e);
	if (io_addr_parse(&addr, on) != 0)
		return 2;
	if (e.cert_file != NULL) {
		addr.cert = e.cert = tls_server_new();
		load(&e);
	}
	if (server_listen(e.sv, &addr, why, sizeof(why)) != 0) {
		fprintf(stderr, "echo_server: cannot listen\n");
		return 1;
	}
	io_on_turn(e.io, turn, &e);
	io_uv_on_signal(e.io, SIGTERM, on_signal, &e);
	io_uv_on_signal(e.io, SIGINT, on_signal, &e);
	io_uv_on_signal(e.io, SIGHUP, on_signal, &e);
	printf("port %u\n", (unsigned)addr.port);
	fflush(stdout);
	io_uv_run(e.io);
	server_free(e.sv);
	io_uv_free(e.io);
	tls_server_free(e.cert);
	vec_fini(&e.ready);
	return 0;
}

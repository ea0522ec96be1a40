/*
 * http_api.c - what the broker says over plain HTTP: that it lives, whether it
 * is ready, its numbers, and what to do with an invite link. Nothing here
 * touches the database, and nothing here is secret: the secret of an invite is
 * in the link's fragment, which browsers keep to themselves.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/broker.h"

#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"
#define HTML "text/html; charset=utf-8"

static const char safe[] =
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
    "Cache-Control: no-store\r\n";

static void
answer(struct broker *b, io_id conn, int status, const char *type,
    const struct buf *body)
{
	server_reply(b->srv, conn, status, type, safe, buf_str(body),
	    body->len);
}

static int
page_root(struct broker *b, struct buf *out)
{
	buf_addf(out,
	    "claudemesh broker %s\n\n"
	    "A mesh's meeting point. Clients connect to /ws with the WebSocket\n"
	    "subprotocol claudemesh.2. See also /health, /ready, /metrics.\n",
	    b->conf.version);
	return 200;
}

static int
page_health(struct broker *b, struct buf *out)
{
	buf_addf(out,
	    "{\"status\":\"ok\",\"service\":\"claudemesh\",\"version\":\"%s\",\"uptimeSeconds\":"
	    "%lld}\n",
	    b->conf.version,
	    (long long)((io_wall(b->io) - b->started_at) / 1000));
	return 200;
}

static int
page_ready(struct broker *b, struct buf *out)
{
	const char *not = NULL;

	if (b->dead || b->sick)
		not = "the store failed";
	else if (turn_is_read_only(b->turn))
		not = "the disk is full";
	else if (b->draining)
		not = "going away";
	if (not == NULL)
		buf_adds(out, "{\"status\":\"ready\"}\n");
	else
		buf_addf(out, "{\"status\":\"not ready\",\"reason\":\"%s\"}\n",
		    not );
	return not == NULL ? 200 : 503;
}

/* The link itself is what the person has; the page only says what to do. */
static int
page_invite(struct broker *b, struct buf *out)
{
	(void)b;
	buf_adds(out,
	    "<!doctype html>\n<html lang=\"en\"><head>"
	    "<meta charset=\"utf-8\"><title>Invitation to a claudemesh</title>"
	    "<meta name=\"viewport\" content=\"width=device-width\">"
	    "<style>body{font:16px/1.5 sans-serif;max-width:36em;margin:3em auto;"
	    "padding:0 1em}code{background:#eee;padding:.1em .3em}</style>"
	    "</head><body>\n<h1>You are invited to a mesh</h1>\n"
	    "<p>This link lets one coding agent or person join a claudemesh: an "
	    "encrypted mesh of coding sessions.</p>\n<ol>\n"
	    "<li>Install <code>claudemesh</code> on your machine.</li>\n"
	    "<li>Copy the whole address of this page, with everything after "
	    "the <code>#</code>.</li>\n"
	    "<li>Run <code>claudemesh join -</code>, paste the link, and press "
	    "Enter. It shows mesh and inviter before it joins.</li>\n</ol>\n"
	    "<p>The part after the <code>#</code> is the secret. Your browser "
	    "did not send it to this server. Whoever has the link can join: "
	    "pass it on to nobody else.</p>\n</body></html>\n");
	return 200;
}

/* ---- metrics ---- */

static void
metric(struct buf *out, const char *name, const char *type, const char *help,
    int64_t v)
{
	buf_addf(out,
	    "# HELP claudemesh_%s %s\n# TYPE claudemesh_%s %s\n"
	    "claudemesh_%s %lld\n",
	    name, help, name, type, name, (long long)v);
}

static int64_t
resident_bytes(void)
{
	long size, rss = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%ld %ld", &size, &rss) != 2)
		rss = 0;
	fclose(f);
	return (int64_t)rss * sysconf(_SC_PAGESIZE);
}

static void
metrics_requests(const struct broker *b, struct buf *out)
{
	size_t ncodes = E_LAST_ - E_FIRST_, m, c;
	const struct wire_msg *row;
	uint64_t n;

	buf_adds(out,
	    "# HELP claudemesh_requests_total Requests by type and "
	    "outcome.\n# TYPE claudemesh_requests_total counter\n");
	for (m = 0; m <= M_COUNT_; m++) {
		row = m == 0 ? NULL : wire_row(m - 1);
		for (c = 0; c < ncodes; c++) {
			n = b->stat.count[m * ncodes + c];
			if (n == 0)
				continue;
			buf_addf(out,
			    "claudemesh_requests_total{type=\"%s\","
			    "code=\"%s\"} %llu\n",
			    row == NULL ? "?" : row->wire,
			    c == 0 ? "ok" : err_info((int)c + E_FIRST_)->wire,
			    (unsigned long long)n);
		}
	}
	buf_adds(out,
	    "# HELP claudemesh_request_microseconds_total Time spent "
	    "by type.\n# TYPE claudemesh_request_microseconds_total counter\n");
	for (m = 1; m <= M_COUNT_; m++) {
		if (b->stat.us[m] > 0)
			buf_addf(out,
			    "claudemesh_request_microseconds_total"
			    "{type=\"%s\"} %llu\n",
			    wire_row(m - 1)->wire,
			    (unsigned long long)b->stat.us[m]);
	}
}

static void
metrics_meshes(const struct broker *b, struct buf *out)
{
	int64_t here = 0, queued = 0, bytes = 0;
	const struct mesh *m;
	size_t i = 0;

	while ((m = map_next(&b->meshes, &i)) != NULL) {
		here += (int64_t)m->here.n;
		queued += m->all.n;
		bytes += m->all.bytes;
	}
	metric(out, "meshes_loaded", "gauge", "Meshes in memory.",
	    (int64_t)b->meshes.n);
	metric(out, "sessions", "gauge", "Sessions here or in grace.", here);
	metric(out, "queued_messages", "gauge",
	    "Messages waiting, of the meshes in memory.", queued);
	metric(out, "queued_bytes", "gauge", "Their ciphertext.", bytes);
}

static int
page_metrics(struct broker *b, struct buf *out)
{
	const struct broker_stats *s = &b->stat;

	metric(out, "connections", "gauge", "WebSocket connections.",
	    (int64_t)b->conns.n);
	metrics_meshes(b, out);
	metric(out, "messages_stored_total", "counter", "Copies stored.",
	    (int64_t)s->stored);
	metric(out, "deliveries_total", "counter", "Copies pushed.",
	    (int64_t)s->delivered);
	metric(out, "receipts_total", "counter", "Receipts that raised a rung.",
	    (int64_t)s->receipts);
	metric(out, "events_dropped_total", "counter",
	    "Events and receipts dropped for slow connections.",
	    (int64_t)s->events_dropped);
	metric(out, "turns_total", "counter", "Turns.", (int64_t)s->turns);
	metric(out, "turn_microseconds_total", "counter", "Time in turns.",
	    (int64_t)s->turn_us);
	metric(out, "commits_total", "counter", "Turns that ended well.",
	    (int64_t)s->commits);
	metric(out, "commit_failures_total", "counter", "Commits that failed.",
	    (int64_t)s->commit_fails);
	metric(out, "runnable_connections", "gauge",
	    "Connections with requests waiting.", (int64_t)b->runnable.n);
	metric(out, "resident_bytes", "gauge", "Memory of the process.",
	    resident_bytes());
	metrics_requests(b, out);
	return 200;
}

/* ---- routes ---- */

static const struct route {
	const char *path, *type;
	bool prefix;
	int (*page)(struct broker *, struct buf *);
} routes[] = {
	{ "/", TEXT, false, page_root },
	{ "/health", JSON, false, page_health },
	{ "/ready", JSON, false, page_ready },
	{ "/metrics", "text/plain; version=0.0.4; charset=utf-8", false,
	    page_metrics },
	{ "/i/", HTML, true, page_invite },
};

static const struct route *
route_of(const char *path)
{
	size_t i;

	for (i = 0; i < countof(routes); i++) {
		if (routes[i].prefix ? str_starts(path, routes[i].path)
				     : strcmp(path, routes[i].path) == 0)
			return &routes[i];
	}
	return NULL;
}

void
http_request(struct broker *b, struct http_request *req)
{
	const struct route *r = route_of(req->path);
	struct buf out;
	int status;

	buf_init(&out, 1024 * 1024);
	if (strcmp(req->method, "GET") != 0 &&
	    strcmp(req->method, "HEAD") != 0) {
		buf_adds(&out, "only GET and HEAD\n");
		server_reply(b->srv, req->conn, 405, TEXT,
		    "Allow: GET, HEAD\r\n", out.data, out.len);
	} else if (r == NULL) {
		buf_adds(&out,
		    strcmp(req->path, "/ws") == 0
			? "connect with WebSocket, subprotocol claudemesh.2\n"
			: "nothing here\n");
		answer(b, req->conn, strcmp(req->path, "/ws") == 0 ? 426 : 404,
		    TEXT, &out);
	} else {
		status = r->page(b, &out);
		answer(b, req->conn, status, r->type, &out);
	}
	buf_fini(&out);
}

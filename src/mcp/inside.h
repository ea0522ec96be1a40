/*
 * inside.h - what the files of the server share: its state, and the words in
 * which it speaks. One thread; everything waits in one poll().
 */
#ifndef MCP_INSIDE_H
#define MCP_INSIDE_H

#include <poll.h>
#include <sys/types.h>

#include "client/local.h"
#include "client/present.h"
#include "mcp/mcp.h"

#define MCP_LINE_MAX (1024 * 1024)
#define MCP_CALLS_MAX 16

enum {
	RPC_PARSE = -32700,
	RPC_REQUEST = -32600,
	RPC_METHOD = -32601,
	RPC_PARAMS = -32602
};

struct mcp_call { /* of a tool, under way on a connection of its own */
	struct local *local;
	const struct wire_msg *row;
	char *id; /* JSON text of the request's id */
};

struct mcp_watch {
	struct local *local; /* asks for the next message */
	char session[65];
	bool ours;	  /* opened here, ended with us */
	bool asked, told; /* a request is under way; the welcome was said */
	int64_t cursor;
	int64_t again_at; /* monotonic: not before */
};

struct mcp {
	const struct mcp_options *o;
	int out; /* the client; file 1 is standard error here */
	bool ready, broken;
	struct buf in, line;
	struct mcp_call call[MCP_CALLS_MAX];
	size_t ncall;
	struct mcp_watch watch;
};

/* serve.c */
int64_t mcp_mono(void);
int64_t mcp_wall(void);
void mcp_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A line is begun by one of these, completed with buf_add to m->line, sent by
 * mcp_end. id is JSON text. */
void mcp_begin_result(struct mcp *, struct json id);
void mcp_begin_notice(struct mcp *, const char *method);
void mcp_end(struct mcp *);
void mcp_error(struct mcp *, struct json id, int code, const char *text);
struct present mcp_frame(void);
int mcp_open(struct mcp *, const char *session, bool start, struct local **,
    struct why *);

/* tools.c */
void tools_list(struct mcp *, struct json id);
void tools_call(struct mcp *, struct json id, struct json params);
void tools_cancel(struct mcp *, struct json id);
void tools_run(struct mcp *); /* answers what is done */
void tools_fini(struct mcp *);

/* watch.c */
void watch_run(struct mcp *);
int watch_wait(const struct mcp *); /* ms until it has something to do */
void watch_fini(struct mcp *);

#endif

/*
 * tools.c - rows of the daemon's socket as tools, for agents without a shell.
 * A tool's name is its row's without "local_", its arguments are the row's
 * fields, so a domain that lands has its tools by that. What it answers holds
 * what peers wrote, so it goes out framed and in no other form.
 *
 * Each call has a connection of its own: cancelling closes it.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "mcp/inside.h"

#define LOCAL "local_"

/* Who may join, who is banned, keys and the daemon itself are for people. */
static bool
offered(const struct wire_msg *row)
{
	static const char *const ours[] = { "send", "inbox", "message_",
		"peer_list", "peer_search", "peer_verify", "profile", "group_",
		"topic_", "state_", "remember", "recall", "memory_" };

	if (row->kind != W_REQUEST || !str_starts(row->wire, LOCAL))
		return false;
	for (size_t i = 0; i < countof(ours); i++)
		if (str_starts(row->wire + strlen(LOCAL), ours[i]))
			return true;
	return false;
}

void
tools_list(struct mcp *m, struct json id)
{
	const struct wire_msg *row;
	bool first = true;

	mcp_begin_result(m, id);
	buf_adds(&m->line, "{\"tools\":[");
	for (size_t no = 0; m->o->tools && (row = wire_row(no)) != NULL; no++) {
		if (!offered(row))
			continue;
		buf_adds(&m->line, first ? "{\"name\":" : ",{\"name\":");
		json_quote(&m->line, row->wire + strlen(LOCAL));
		buf_adds(&m->line, ",\"description\":");
		json_quote(&m->line, row->doc);
		buf_adds(&m->line, ",\"inputSchema\":");
		proto_arguments(&m->line, row);
		buf_addc(&m->line, '}');
		first = false;
	}
	buf_adds(&m->line, "]}");
	mcp_end(m);
}

/* ---- answers ---- */

static void
answer(struct mcp *m, struct json id, const char *text, bool failed)
{
	mcp_begin_result(m, id);
	buf_adds(&m->line, "{\"content\":[{\"type\":\"text\",\"text\":");
	json_quote(&m->line, text);
	buf_addf(&m->line, "}],\"isError\":%s}", failed ? "true" : "false");
	mcp_end(m);
}

static void
answer_row(struct mcp *m, struct json id, const struct wire_msg *row,
    const void *out)
{
	struct present p = mcp_frame();
	struct buf text, doc;

	buf_init(&text, 8 * MCP_LINE_MAX);
	buf_init(&doc, 8 * MCP_LINE_MAX);
	if (row == &wire_local_inbox_page) {
		const struct local_inbox_page *page = out;

		buf_addf(&text, "%zu messages, cursor %lld%s\n",
		    page->messages.n, (long long)page->cursor,
		    page->gap ? "; mail may be missing before these" : "");
		for (size_t i = 0; i < page->messages.n; i++)
			present_message(&text, &p, &page->messages.v[i]);
	} else if (row == &wire_ok) {
		buf_adds(&text, "done");
	} else {
		p.max = 4 * MCP_LINE_MAX;
		wire_encode_doc(&doc, row, out, NULL);
		present_note(&text, &p, row->doc, "peers of the mesh", "any",
		    buf_str(&doc));
	}
	if (text.over || doc.over)
		answer(m, id, "too much at once; ask for fewer by limit", true);
	else
		answer(m, id, buf_str(&text), false);
	buf_fini(&text);
	buf_fini(&doc);
}

static void
answer_why(struct mcp *m, struct json id, const struct why *why)
{
	char text[400];

	snprintf(text, sizeof(text), "%s: %s", err_info(why->code)->wire,
	    why->text);
	answer(m, id, text, true);
}

/* ---- calls ---- */

static void
drop(struct mcp *m, size_t i)
{
	local_close(m->call[i].local);
	mem_free(m->call[i].id);
	m->call[i] = m->call[--m->ncall];
}

/* A field that the row does not have was meant to do something. */
static int
known(const struct wire_msg *row, struct json arguments, struct why *why)
{
	struct json_iter it = { 0 };
	struct json key, value;
	const struct wire_field *f;

	while (json_next(arguments, &it, &key, &value)) {
		for (f = row->fields(); f->name != NULL; f++)
			if (json_key_is(key, f->wire))
				break;
		if (f->name == NULL)
			return why_set(why, E_BAD_FIELD,
			    "there is no argument '%.*s'",
			    (int)(key.n > 64 ? 64 : key.n), key.p);
	}
	return 0;
}

static int
start(struct mcp *m, struct json id, const struct wire_msg *row,
    struct json arguments, struct why *why)
{
	struct mcp_call *call = &m->call[m->ncall];
	const char *session = m->watch.session;
	struct arena a = { 0 };
	void *in = arena_zalloc(&a, row->size);
	int rc = known(row, arguments, why);

	if (rc == 0)
		rc = wire_decode(row, arguments, in, &a, why);
	if (rc == 0 && *session == '\0')
		watch_run(m); /* the first call may be ahead of it */
	if (rc == 0 && *session == '\0')
		rc = why_set(why, E_UNAVAILABLE,
		    "there is no session yet; standard error says why");
	if (rc == 0)
		rc = mcp_open(m, session, true, &call->local, why);
	if (rc == 0 && (rc = local_begin(call->local, row, in, why)) != 0)
		local_close(call->local);
	if (rc == 0) {
		call->row = row;
		call->id = mem_printf("%.*s", (int)id.n, id.p);
		m->ncall++;
	}
	arena_fini(&a);
	return rc;
}

static const struct wire_msg *
tool_named(const struct mcp *m, const char *name)
{
	const struct wire_msg *row;

	for (size_t no = 0; m->o->tools && (row = wire_row(no)) != NULL; no++)
		if (offered(row) && str_eq(row->wire + strlen(LOCAL), name))
			return row;
	return NULL;
}

void
tools_call(struct mcp *m, struct json id, struct json params)
{
	struct json arguments = json_member(params, "arguments");
	struct arena a = { 0 };
	struct why why = { 0 };
	const struct wire_msg *row =
	    tool_named(m, json_string(&a, json_member(params, "name"), NULL));

	arena_fini(&a);
	if (json_kind(arguments) != JSON_OBJECT)
		arguments = (struct json){ "{}", 2 };
	if (row == NULL)
		mcp_error(m, id, RPC_PARAMS, "no such tool");
	else if (m->ncall == MCP_CALLS_MAX)
		answer(m, id, "16 calls are under way; wait for one", true);
	else if (start(m, id, row, arguments, &why) != 0)
		answer_why(m, id, &why);
}

void
tools_cancel(struct mcp *m, struct json id)
{
	for (size_t i = 0; i < m->ncall; i++) {
		if (strlen(m->call[i].id) != id.n ||
		    memcmp(m->call[i].id, id.p, id.n) != 0)
			continue;
		drop(m, i); /* and, by the protocol, no answer */
		return;
	}
}

void
tools_run(struct mcp *m)
{
	for (size_t i = 0; i < m->ncall;) {
		struct mcp_call *c = &m->call[i];
		struct json id = { c->id, strlen(c->id) };
		struct arena a = { 0 };
		void *out = arena_zalloc(&a, c->row->reply->size);
		struct why why = { 0 };
		int rc = local_poll(c->local, c->row, &a, out, &why);

		if (rc == 0)
			answer_row(m, id, c->row->reply, out);
		else if (rc < 0)
			answer_why(m, id, &why);
		arena_fini(&a);
		if (rc == 1)
			i++;
		else
			drop(m, i);
	}
}

void
tools_fini(struct mcp *m)
{
	while (m->ncall > 0)
		drop(m, 0);
}

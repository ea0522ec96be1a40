/*
 * watch.c - the session, and what comes for it. Each unread message is pushed to
 * the client once in the life of this process. It is not marked as read: whether
 * the client shows channel events to its model is not known here, and the hooks
 * deliver what it did not show.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "client/place.h"
#include "mcp/inside.h"

#define ASK_MS 15000
#define RETRY_MS 2000
#define CALL_MS 10000

/* ---- channel events ---- */

static void
meta(struct mcp *m, const char *key, const char *value)
{
	struct buf b;

	buf_init(&b, 64 * 1024);
	present_word(&b, value);
	buf_addf(&m->line,
	    "%s\"%s\":", m->line.data[m->line.len - 1] == '{' ? "" : ",", key);
	json_quote(&m->line, buf_str(&b));
	buf_fini(&b);
}

/* Values are strings only, or the client drops the event. */
static void
begin_event(struct mcp *m, const char *content)
{
	mcp_begin_notice(m, "notifications/claude/channel");
	buf_adds(&m->line, "{\"content\":");
	json_quote(&m->line, content);
	buf_adds(&m->line, ",\"meta\":{");
}

static void
end_event(struct mcp *m)
{
	buf_adds(&m->line, "}}");
	mcp_end(m);
}

static void
push_message(struct mcp *m, const struct inbox_row *row)
{
	struct present p = mcp_frame();
	struct buf b;

	buf_init(&b, MCP_LINE_MAX);
	present_message(&b, &p, row);
	begin_event(m, buf_str(&b));
	buf_fini(&b);
	meta(m, "kind", "message");
	meta(m, "from_id", row->from_member);
	meta(m, "from_pubkey", row->from_member);
	meta(m, "from_session_pubkey", row->from_key);
	meta(m, "from_name", row->from);
	meta(m, "verified", row->verified ? "true" : "false");
	meta(m, "mesh_slug", row->mesh);
	meta(m, "priority", row->priority);
	meta(m, "message_id", row->id);
	if (*row->reply_to != '\0')
		meta(m, "reply_to_id", row->reply_to);
	end_event(m);
}

/* ---- the welcome ---- */

static const struct session_row *
session_at(const struct local_sessions *all, const char *id, int pid)
{
	for (size_t i = 0; i < all->sessions.n; i++) {
		const struct session_row *s = &all->sessions.v[i];

		if (s->home || str_eq(s->state, "ended") ||
		    str_eq(s->state, "refused"))
			continue;
		if (id != NULL ? str_eq(s->session, id) : s->pid == pid)
			return s;
	}
	return NULL;
}

static void
welcome_names(struct buf *text, struct buf *names, const struct local_peers *in)
{
	size_t n = 0;

	buf_addc(names, '[');
	for (size_t i = 0; i < in->peers.n && n < 50; i++) {
		const struct peer_row *r = &in->peers.v[i];
		struct buf word;

		if (!r->online || r->you)
			continue;
		buf_init(&word, 4096);
		present_word(&word, r->name);
		buf_addf(text, "%s%s", n > 0 ? "\n" : "", r->name);
		if (*r->summary != '\0')
			buf_addf(text, " - %s", r->summary);
		buf_adds(names, n++ > 0 ? "," : "");
		json_quote(names, buf_str(&word));
		buf_fini(&word);
	}
	buf_addc(names, ']');
}

static void
welcome(struct mcp *m, const struct session_row *me,
    const struct local_peers *peers)
{
	struct present p = mcp_frame();
	struct buf text, names, content;
	char unread[24], count[24];

	buf_init(&text, 256 * 1024);
	buf_init(&names, 256 * 1024);
	buf_init(&content, MCP_LINE_MAX);
	welcome_names(&text, &names, peers);
	snprintf(unread, sizeof(unread), "%lld", (long long)me->unread);
	snprintf(count, sizeof(count), "%zu", peers->peers.n);
	buf_adds(&content, "You are ");
	present_word(&content, me->name);
	buf_adds(&content, " in the mesh ");
	present_word(&content, me->mesh);
	buf_addf(&content,
	    ", %s unread. Answer with `claudemesh send`; `claudemesh peers` "
	    "lists who is there.\n",
	    unread);
	present_note(&content, &p, "names and summaries of peers online",
	    "peers of the mesh", me->mesh, buf_str(&text));
	begin_event(m, buf_str(&content));
	meta(m, "kind", "welcome");
	meta(m, "self_display_name", me->name);
	meta(m, "self_session_pubkey", me->key);
	meta(m, "mesh_slug", me->mesh);
	meta(m, "peer_count", count);
	buf_adds(&m->line, ",\"peer_names\":"); /* JSON as text: a string */
	json_quote(&m->line, buf_str(&names));
	meta(m, "unread_count", unread);
	end_event(m);
	buf_fini(&text);
	buf_fini(&names);
	buf_fini(&content);
}

/* ---- the session ---- */

static int
open_session(struct mcp *m, struct arena *a, struct why *why)
{
	struct mcp_watch *w = &m->watch;
	struct local_session_open in = { .mesh = m->o->mesh,
		.pid = getppid(),
		.channel = "mcp",
		.peer_type = "ai" };
	struct local_session out;
	char name[65], cwd[1025];
	int rc;

	if (m->o->name != NULL)
		str_copy(name, sizeof(name), m->o->name);
	else
		place_name(name);
	place_unique(w->local, m->o->mesh, name);
	in.name = name;
	if (getcwd(cwd, sizeof(cwd)) != NULL)
		in.cwd = cwd;
	rc = local_call(w->local, &wire_local_session_open, &in, CALL_MS, a,
	    &out, why);
	if (rc == 0) {
		str_copy(w->session, sizeof(w->session), out.session);
		w->ours = true;
	}
	return rc;
}

/* Which session is ours: said, found by the agent's process, or opened. */
static int
find_session(struct mcp *m, struct arena *a, struct why *why)
{
	const struct local_session_list in = { 0 };
	struct mcp_watch *w = &m->watch;
	const struct session_row *row;
	struct local_sessions all;
	int rc;

	if (m->o->session != NULL) {
		str_copy(w->session, sizeof(w->session), m->o->session);
		return 0;
	}
	rc = local_call(w->local, &wire_local_session_list, &in, CALL_MS, a,
	    &all, why);
	if (rc != 0)
		return rc;
	if ((row = session_at(&all, NULL, getppid())) == NULL)
		return open_session(m, a, why);
	if (!str_eq(w->session, row->session))
		w->ours = false;
	str_copy(w->session, sizeof(w->session), row->session);
	return 0;
}

static int
say_welcome(struct mcp *m, struct arena *a, struct why *why)
{
	const struct local_session_list in = { 0 };
	struct local_peer_list list = { 0 };
	struct mcp_watch *w = &m->watch;
	const struct session_row *row;
	struct local_sessions all;
	struct local_peers peers = { 0 };
	int rc = local_call(w->local, &wire_local_session_list, &in, CALL_MS, a,
	    &all, why);

	if (rc != 0)
		return rc;
	if ((row = session_at(&all, w->session, 0)) == NULL)
		return why_set(why, E_NO_SESSION, "the session is not open");
	list.mesh = row->mesh;
	if (local_call(w->local, &wire_local_peer_list, &list, CALL_MS, a,
		&peers, why) == E_UNREACHABLE)
		return why->code;
	welcome(m, row, &peers);
	w->told = true;
	return 0;
}

static int
begin(struct mcp *m, struct arena *a, struct why *why)
{
	struct mcp_watch *w = &m->watch;
	int rc = mcp_open(m, NULL, !w->told, &w->local, why);

	if (rc == 0)
		rc = find_session(m, a, why);
	local_close(w->local);
	w->local = NULL;
	if (rc == 0)
		rc = mcp_open(m, w->session, false, &w->local, why);
	if (rc == 0 && !w->told)
		rc = say_welcome(m, a, why);
	return rc;
}

/* ---- waiting for mail ---- */

static int
ask(struct mcp *m, struct why *why)
{
	struct mcp_watch *w = &m->watch;
	const struct local_inbox in = { .after = w->cursor,
		.limit = 50,
		.wait_ms = ASK_MS };
	int rc = local_begin(w->local, &wire_local_inbox, &in, why);

	w->asked = rc == 0;
	return rc;
}

/* After a quiet while: does the session still live with our agent? A hook may
 * have put another one, resumed, in its place. */
static int
answered(struct mcp *m, const struct local_inbox_page *page, struct arena *a,
    struct why *why)
{
	struct mcp_watch *w = &m->watch;
	char before[65];
	int rc;

	w->asked = false;
	for (size_t i = 0; m->o->push && i < page->messages.n; i++)
		push_message(m, &page->messages.v[i]);
	w->cursor = page->cursor;
	if (page->messages.n > 0)
		return 0;
	str_copy(before, sizeof(before), w->session);
	if ((rc = find_session(m, a, why)) == 0 &&
	    !str_eq(before, w->session)) {
		w->told = false;
		w->cursor = 0;
		return why_set(why, E_NO_SESSION, "another session");
	}
	return rc;
}

static void
lost(struct mcp *m, const struct why *why)
{
	struct mcp_watch *w = &m->watch;

	if (w->again_at == 0 || w->told)
		mcp_log("%s", why->text);
	local_close(w->local);
	w->local = NULL;
	w->asked = false;
	w->again_at = mcp_mono() + RETRY_MS;
}

void
watch_run(struct mcp *m)
{
	struct mcp_watch *w = &m->watch;
	struct arena a = { 0 };
	struct local_inbox_page page;
	struct why why = { 0 };
	int rc = 0;

	if (w->local == NULL && mcp_mono() < w->again_at)
		return;
	if (w->local == NULL) {
		rc = begin(m, &a, &why);
	} else if (w->asked) {
		rc = local_poll(w->local, &wire_local_inbox, &a, &page, &why);
		if (rc == 0)
			rc = answered(m, &page, &a, &why);
	}
	if (rc == 0 && !w->asked)
		rc = ask(m, &why);
	if (rc < 0)
		lost(m, &why);
	arena_fini(&a);
}

int
watch_wait(const struct mcp *m)
{
	int64_t left = m->watch.again_at - mcp_mono();

	if (m->watch.local != NULL)
		return -1;
	return left < 0 ? 0 : (int)left;
}

/* A session opened here ends here; its agent may live on without us. */
void
watch_fini(struct mcp *m)
{
	struct mcp_watch *w = &m->watch;
	struct local_session_end in = { .session = w->session };
	struct arena a = { 0 };
	struct local *l;
	struct why why;
	struct ok ok;

	local_close(w->local);
	w->local = NULL;
	if (w->ours && mcp_open(m, NULL, false, &l, &why) == 0) {
		local_call(l, &wire_local_session_end, &in, CALL_MS, &a, &ok,
		    &why);
		local_close(l);
	}
	arena_fini(&a);
}

/*
 * event.c - what happened in a mesh, for people and for agents that do not want
 * to poll: a bounded list. What an act of the roll says is proven by its author's
 * signature; the rest is the broker's word, and is marked so.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define KEEP 1000
#define DATA_MAX 4096
#define TEXT_MAX 1024
#define AWAY_MS 60000

static void
add(struct dmesh *m, const char *name, const char *peer, const char *text,
    const char *data, bool proven)
{
	struct daemon *d = m->d;
	struct why why;
	int code;

	code = d_write(d, &why,
	    "INSERT INTO event (mesh, name, peer, text, data, proven, at)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7)",
	    DB_VALS(db_i(m->no), db_s(name), db_s(peer), db_s(text), db_s(data),
		db_i(proven), db_i(d_now(d))));
	if (code == OK)
		code = d_write(d, &why,
		    "DELETE FROM event WHERE n <= (SELECT n FROM event"
		    " WHERE mesh = $1 ORDER BY n DESC LIMIT 1 OFFSET $2)"
		    " AND mesh = $1",
		    DB_VALS(db_i(m->no), db_i(KEEP)));
	if (code != OK)
		d_broken(d, "event", &why);
	d->news |= NEWS_EVENT;
}

/* "2h ago" */
static const char *
ago(struct arena *a, int64_t ms)
{
	int64_t s = ms / 1000;

	if (s < 60)
		return "just now";
	if (s < 3600)
		return arena_printf(a, "%lldm ago", (long long)(s / 60));
	if (s < 48 * 3600)
		return arena_printf(a, "%lldh ago", (long long)(s / 3600));
	return arena_printf(a, "%lldd ago", (long long)(s / 86400));
}

/* ---- as the broker tells it ---- */

static const char *
member_of(struct arena *a, struct json data, const char *name)
{
	struct json v = { NULL, 0 };

	if (data.p != NULL)
		v = json_member(data, name);
	return v.p != NULL && json_kind(v) == JSON_STRING
	    ? json_string(a, v, NULL)
	    : "";
}

/* " @frontend:lead, @ops", cut where it gets long; "" for none. */
static const char *
groups_text(struct arena *a, const struct peer_group *v, size_t n)
{
	const char *text = "";

	for (size_t i = 0; i < n && i < 16; i++)
		text = arena_printf(a, "%s%s @%s%s%s", text, i ? "," : "",
		    v[i].name, *v[i].role ? ":" : "", v[i].role);
	return text;
}

static const char *
data_groups(struct arena *a, struct json data)
{
	struct json list = { NULL, 0 }, key, item;
	struct json_iter it = { 0 };
	struct peer_group v[16];
	size_t n = 0;

	if (data.p != NULL)
		list = json_member(data, "groups");
	if (list.p == NULL || json_kind(list) != JSON_ARRAY)
		return "";
	while (n < countof(v) && json_next(list, &it, &key, &item))
		v[n++] = (struct peer_group){ member_of(a, item, "name"),
			member_of(a, item, "role"), 0 };
	return groups_text(a, v, n);
}

static const char *
told_text(struct daemon *d, const struct message_push *in, const char *who)
{
	struct arena *a = &d->arena;
	const char *group = member_of(a, in->event_data, "group");
	const char *role = member_of(a, in->event_data, "role");
	const char *seen = member_of(a, in->event_data, "lastSeenAt");
	const char *groups = data_groups(a, in->event_data);
	int64_t at = 0;

	if (clock_parse(seen, &at) != 0)
		at = 0;
	if (str_eq(in->event, "peer_joined"))
		return arena_printf(a, "%s is here%s%s", who,
		    *groups ? ", in" : "", groups);
	if (str_eq(in->event, "peer_returned"))
		return arena_printf(a, "%s is back.%s%s%s%s", who,
		    at != 0 ? " Last seen " : "",
		    at != 0 ? ago(a, d_now(d) - at) : "", *groups ? ", in" : "",
		    groups);
	if (str_eq(in->event, "peer_left"))
		return arena_printf(a, "%s left", who);
	if (str_eq(in->event, "peer_visible"))
		return arena_printf(a, "%s is shown again", who);
	if (str_eq(in->event, "peer_hidden"))
		return arena_printf(a, "%s hides", who);
	if (str_eq(in->event, "group_left"))
		return arena_printf(a, "%s left @%s", who, group);
	if (str_eq(in->event, "group_joined"))
		return arena_printf(a, "%s joined @%s%s%s", who, group,
		    *role ? " as " : "", role);
	if (str_eq(in->event, "group_role"))
		return arena_printf(a, "%s is %s in @%s now", who,
		    *role ? role : "without a role", group);
	return arena_printf(a, "%s %.*s", in->event,
	    (int)(in->event_data.p == NULL ? 0 : in->event_data.n),
	    in->event_data.p == NULL ? "" : in->event_data.p);
}

/* A name is shown only as its attestation proved it. */
void
event_told(struct dmesh *m, const struct message_push *in)
{
	struct arena *a = &m->d->arena;
	const char *key = member_of(a, in->event_data, "pubkey");
	const struct dpeer *p = roster_get(m, key);
	const struct dsess *own = map_gets(&m->sessions, key);
	const char *claimed = member_of(a, in->event_data, "name");
	const char *who = own != NULL		  ? own->name
	    : p != NULL && p->attestation != NULL ? p->name
	    : str_name_fault(claimed, 64) == NULL ? claimed
						  : "somebody";
	const char *text = told_text(m->d, in, who);
	bool fits = in->event_data.n <= DATA_MAX && in->event_data.p != NULL;

	if (*in->event == '\0')
		return;
	add(m, in->event, who,
	    utf8_valid(text, strlen(text)) && strlen(text) <= TEXT_MAX
		? text
		: in->event,
	    fits ? arena_strndup(a, in->event_data.p, in->event_data.n) : "{}",
	    false);
}

/* ---- as the roll proves it ---- */

static const struct {
	const char *kind, *event, *text; /* %1: author, %2: whom it is about */
} acts[] = {
	{ "join", "member_joined", "%2 joined the mesh by an invite" },
	{ "add", "member_added", "%1 added %2 to the mesh" },
	{ "admin", "member_promoted", "%2 is an admin now" },
	{ "demote", "member_demoted", "%2 is no admin any more" },
	{ "leave", "member_left", "%1 left the mesh" },
	{ "remove", "member_removed", "%1 removed %2 from the mesh" },
	{ "unban", "member_unbanned", "%1 lets %2 in again" },
	{ "replace", "member_replaced", "%2 has a new member key" },
	{ "rotate", "epoch_turned", "%1 turned the epoch" },
	{ "invite", "invite_made", "%1 made an invite" },
	{ "invite_revoke", "invite_revoked", "%1 revoked an invite" },
	{ "session_revoke", "session_revoked",
	    "%1 revoked a session key of %2" },
	{ "settings", "mesh_settings", "%1 changed the mesh's settings" },
};

static const char *
fill_in(struct arena *a, const char *text, const char *one, const char *two)
{
	const char *out = "", *s;

	for (; (s = strchr(text, '%')) != NULL; text = s + 2)
		out = arena_printf(a, "%s%.*s%s", out, (int)(s - text), text,
		    s[1] == '1' ? one : two);
	return arena_printf(a, "%s%s", out, text);
}

static const char *
named(const struct dmesh *m, const char *key)
{
	const struct roll_member *rm = roll_member(m->roll, key);

	return rm != NULL ? rm->name : "the owner";
}

void
event_act(struct dmesh *m, const char *act)
{
	struct arena *a = &m->d->arena;
	const char *by, *whom, *name, *member;
	struct json doc;
	struct act head;
	char hash[65];

	if (act_peek(a, act, &head, &doc, hash, NULL) != OK)
		return;
	member = member_of(a, doc, "member");
	name = member_of(a, doc, "name");
	by = named(m, head.author);
	whom = *member ? named(m, member) : by;
	if (str_eq(head.kind, "settings") && *name != '\0') {
		add(m, "mesh_renamed", by,
		    arena_printf(a, "%s renamed the mesh to %s", by, name),
		    arena_strndup(a, doc.p, doc.n), true);
		return;
	}
	for (size_t i = 0; i < countof(acts); i++)
		if (str_eq(acts[i].kind, head.kind))
			add(m, acts[i].event, whom,
			    fill_in(a, acts[i].text, by, whom),
			    doc.n <= DATA_MAX ? arena_strndup(a, doc.p, doc.n)
					      : "{}",
			    true);
}

/* ---- our own return ---- */

/* A session of ours is known to the broker from before: not a mere reconnect. */
void
event_welcome(struct dmesh *m, struct dsess *s, const struct hello_ack *ack)
{
	struct arena *a = &m->d->arena;
	int64_t away = d_now(m->d) - ack->last_seen_at;
	const char *groups = groups_text(a, s->open.groups.v, s->open.groups.n);
	struct buf data;

	if (!ack->restored || (s->welcomed && away < AWAY_MS)) {
		s->welcomed = true;
		return;
	}
	s->welcomed = true;
	buf_init(&data, DATA_MAX);
	buf_adds(&data, "{\"name\":");
	json_quote(&data, s->name);
	buf_adds(&data, "}");
	add(m, "welcome_back", s->name,
	    arena_printf(a, "Welcome back, %s! Last seen %s.%s%s", s->name,
		ago(a, away), *groups ? " Restored:" : "", groups),
	    buf_str(&data), false);
	buf_fini(&data);
}

/* ---- showing them ---- */

static int
page_of(struct daemon *d, const struct local_events *in, int64_t mesh,
    struct local_event_page *out, struct why *why)
{
	struct local_event *v;
	struct db_rows *r;
	size_t bytes = 0;

	*out = (struct local_event_page){ .cursor = in->after };
	r = d_read(d, why,
	    "SELECT * FROM (SELECT e.n, m.slug, e.name, e.peer, e.text, e.data,"
	    " e.proven, e.at FROM event e JOIN mesh m ON m.no = e.mesh"
	    " WHERE ($1 = 0 OR e.mesh = $1) AND e.n > $2"
	    " ORDER BY CASE WHEN $2 = 0 THEN -e.n ELSE e.n END LIMIT $3) AS t"
	    " ORDER BY 1 LIMIT $3",
	    DB_VALS(db_i(mesh), db_i(in->after),
		db_i(in->limit ? in->limit : 50)));
	if (r == NULL)
		return why->code;
	out->events.v = v = arena_zalloc(&d->arena, (r->n + 1) * sizeof(*v));
	for (size_t i = 0; i < r->n; i++) {
		const char *data = db_text(r, i, 5);

		bytes += strlen(data) + strlen(db_text(r, i, 4)) + 300;
		if (i > 0 && bytes > LOCAL_PAGE_BYTES)
			break;
		out->cursor = db_int(r, i, 0);
		v[out->events.n++] = (struct local_event){
			.n = db_int(r, i, 0),
			.mesh = db_text(r, i, 1),
			.event = db_text(r, i, 2),
			.peer = db_text(r, i, 3),
			.text = db_text(r, i, 4),
			.data = { .p = data, .n = strlen(data) },
			.proven = db_int(r, i, 6) != 0,
			.at = db_int(r, i, 7),
		};
	}
	return OK;
}

static void
event_news(struct dop *op, bool late)
{
	struct local_event_page page;
	struct why why;

	if (page_of(op->d, op->in, op->mesh, &page, &why) != OK)
		op_fail_why(op, &why);
	else if (page.events.n > 0 || late)
		op_reply(op, &wire_local_event_page, &page);
}

int
on_local_events(struct dq *q, const struct local_events *in)
{
	struct local_event_page page;
	struct dmesh *m = NULL;
	struct dop *op;

	if (*in->mesh != '\0' && (m = dq_mesh(q, in->mesh)) == NULL)
		return q->why.code;
	if (page_of(q->d, in, m ? m->no : 0, &page, &q->why) != OK)
		return q->why.code;
	if (page.events.n > 0 || in->wait_ms == 0)
		return dq_reply(q, &wire_local_event_page, &page);
	op = op_new(q, NULL, NULL);
	op->mesh = m ? m->no : 0;
	op_wait(op, NEWS_EVENT, in->wait_ms, event_news);
	return OK;
}

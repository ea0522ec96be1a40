/*
 * sweep.c - words that loop over the table, so that a row that is added later is
 * tried, too: what is asked before a hello, every limit of every field, and
 * requests that name another mesh's things.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/wire_sample.h"
#include "tests/wire/script.h"

#define ROOM (900 * 1024) /* of a value, so that a frame holds it */

static unsigned
scope_of(const struct wire_msg *m)
{
	return m->kind == W_REQUEST ? m->scope & SCOPE_MASK : 0;
}

static bool
for_broker(const struct wire_msg *m)
{
	return m->kind == W_REQUEST && scope_of(m) != SCOPE_LOCAL;
}

/* ---- before a hello ---- */

static void
refuses(const char *conn, const struct wire_msg *m, const char *code)
{
	tr_do("%s > {\"type\":\"%s\",\"_reqId\":\"%s\"}", conn, m->wire,
	    m->name);
	tr_do("%s < {\"type\":\"error\",\"_reqId\":\"%s\",\"code\":\"%s\","
	      "\"message\":*,...}",
	    conn, m->name, code);
}

/* no-hello CONNECTION: no row but the open ones is carried out. */
void
word_no_hello(const struct args *a)
{
	const struct wire_msg *m;
	size_t i;

	for (i = 0; (m = wire_row(i)) != NULL; i++) {
		if (m->kind == W_RECORD || scope_of(m) == SCOPE_OPEN)
			continue;
		refuses(a->v[1], m,
		    for_broker(m) ? "no_hello" : "unknown_type");
	}
}

/* ---- every limit of every field ---- */

/* Where a field is: its object, and what that object is a field of. */
struct level {
	const struct level *up;
	const struct wire_field *in; /* of up; NULL on top */
	const char *object;
	const char *path; /* "" on top */
	const struct wire_msg *msg;
};

struct sweep {
	const char *conn;
	size_t n;
};

/* The whole frame with this value there; null: with nothing there. */
static char *
with(const struct level *l, const char *wire, const char *value)
{
	char *text = tr_overlay(l->object,
	    arena_printf(&tr.arena, "{\"%s\":%s}", wire, value));

	if (l->up == NULL)
		return text;
	if (l->in->type == W_LIST)
		text = arena_printf(&tr.arena, "[%s]", text);
	return with(l->up, l->in->wire, text);
}

static const char *
path_of(const struct level *l, const char *wire)
{
	return arena_printf(&tr.arena, "%s%s%s", l->path, *l->path ? "." : "",
	    wire);
}

static void
expect(struct sweep *s, const struct level *l, const struct wire_field *f,
    const char *value, const char *code)
{
	char *frame = with(l, f->wire, value);

	s->n++;
	conn_text(tr_conn(s->conn), frame, strlen(frame));
	tr_do("%s < {\"type\":\"error\",\"_reqId\":\"limit\",\"code\":\"%s\","
	      "\"message\":*,\"field\":\"%s\",...}",
	    s->conn, code, path_of(l, f->wire));
}

/* n bytes of text, quoted. */
static const char *
text_of(int64_t n)
{
	char *s = arena_alloc(&tr.arena, (size_t)n + 3);

	memset(s, 'x', (size_t)n + 2);
	s[0] = s[n + 1] = '"';
	s[n + 2] = '\0';
	return s;
}

static const char *
number_of(int64_t n)
{
	return arena_printf(&tr.arena, "%lld", (long long)n);
}

static void
try_str(struct sweep *s, const struct level *l, const struct wire_field *f)
{
	if (f->max < ROOM)
		expect(s, l, f, text_of(f->max + 1), "too_long");
	if (f->min > 0)
		expect(s, l, f, text_of(f->min - 1), "too_short");
	expect(s, l, f, "1", "bad_field");
}

static void
try_int(struct sweep *s, const struct level *l, const struct wire_field *f)
{
	expect(s, l, f, number_of(f->max + 1), "out_of_range");
	expect(s, l, f, number_of(f->min - 1), "out_of_range");
	expect(s, l, f, "1.5", "bad_field");
	expect(s, l, f, "\"1\"", "bad_field");
}

/* A list with one item too many, if that fits a frame. */
static void
try_items(struct sweep *s, const struct level *l, const struct wire_field *f,
    const char *item)
{
	size_t n = (size_t)f->max + 1, len = strlen(item) + 1, i;
	struct buf b;

	if (n * len > ROOM)
		return;
	buf_init(&b, ROOM + 2);
	for (i = 0; i < n; i++)
		buf_addf(&b, "%c%s", i == 0 ? '[' : ',', item);
	buf_addc(&b, ']');
	item = arena_strdup(&tr.arena, buf_str(&b));
	buf_fini(&b);
	expect(s, l, f, item, "too_long");
}

static void try_object(struct sweep *, const struct level *);

/* The first item of a list, or the object itself, as text. */
static const char *
inner(const struct level *l, const struct wire_field *f)
{
	struct json v = json_member(tr_object(l->object), f->wire), item;
	struct json_iter it = { 0 };

	if (f->type == W_LIST && json_next(v, &it, NULL, &item))
		v = item;
	return arena_strndup(&tr.arena, v.p, v.n);
}

static void
try_list(struct sweep *s, const struct level *l, const struct wire_field *f)
{
	const struct wire_field *bare = f->record->fields();
	const char *item = inner(l, f);
	struct level in = { l, f, item,
		arena_printf(&tr.arena, "%s[0]", path_of(l, f->wire)),
		f->record };

	expect(s, l, f, "{}", "bad_field");
	try_items(s, l, f, *bare->wire == '\0' ? "\"x\"" : item);
	if (*bare->wire != '\0') {
		try_object(s, &in);
		return;
	}
	if (bare->max < ROOM) {
		char *frame = with(l, f->wire,
		    arena_printf(&tr.arena, "[%s]", text_of(bare->max + 1)));

		conn_text(tr_conn(s->conn), frame, strlen(frame));
		tr_do("%s < {\"type\":\"error\",\"_reqId\":\"limit\",\"code\":"
		      "\"too_long\",\"message\":*,\"field\":\"%s\",...}",
		    s->conn, in.path);
	}
}

static void
try_obj(struct sweep *s, const struct level *l, const struct wire_field *f)
{
	struct level in = { l, f, inner(l, f), path_of(l, f->wire), f->record };

	expect(s, l, f, "[]", "bad_field");
	try_object(s, &in);
}

static void
try_field(struct sweep *s, const struct level *l, const struct wire_field *f)
{
	switch (f->type) {
	case W_STR:
		try_str(s, l, f);
		break;
	case W_INT:
		try_int(s, l, f);
		break;
	case W_BOOL:
		expect(s, l, f, "0", "bad_field");
		break;
	case W_TIME:
		expect(s, l, f, "\"yesterday\"", "bad_field");
		break;
	case W_ANY:
		if (f->max < ROOM)
			expect(s, l, f, text_of(f->max), "too_long");
		break;
	case W_LIST:
		try_list(s, l, f);
		break;
	case W_OBJ:
		try_obj(s, l, f);
		break;
	}
	if (!f->opt)
		expect(s, l, f, "null", "missing_field");
}

static void
try_object(struct sweep *s, const struct level *l)
{
	const struct wire_field *f;

	for (f = l->msg->fields(); f->name != NULL; f++)
		try_field(s, l, f);
}

static void
try_row(struct sweep *s, const struct wire_msg *m)
{
	struct level top = { .path = "", .msg = m };
	struct buf b;

	buf_init(&b, WIRE_FRAME_MAX);
	wire_encode(&b, m, sample_make(&tr.arena, m, SAMPLE_PLAIN), "limit",
	    NULL);
	top.object = arena_strdup(&tr.arena, buf_str(&b));
	buf_fini(&b);
	try_object(s, &top);
}

/* limits CONNECTION: each field of each request, just beyond its limits. */
void
word_limits(const struct args *a)
{
	struct sweep s = { .conn = a->v[1] };
	bool local = !tr_conn(a->v[1])->ws;
	const struct wire_msg *m;
	size_t i;

	for (i = 0; (m = wire_row(i)) != NULL; i++) {
		if (m->kind == W_REQUEST && for_broker(m) == !local)
			try_row(&s, m);
	}
	if (s.n < 50)
		tr_fail("only %zu limits were tried", s.n);
}

/* ---- another mesh's things ---- */

static bool tried[M_COUNT_];

/* All that somebody who sees the mesh can see of it. */
static char *
snapshot(const char *conn, const struct tmesh *m)
{
	struct tconn *c = tr_conn(conn);
	const char *watched = tr_get("watched");
	char *peers, *info, *roll, *status = NULL;

	conn_quiet(c);
	tr_do("%s > {\"type\":\"list_peers\",\"_reqId\":\"snap\"}", conn);
	tr_do("%s < {\"type\":\"peers_list\",...}", conn);
	peers = c->last;
	tr_do("%s > {\"type\":\"mesh_info\",\"_reqId\":\"snap\"}", conn);
	tr_do("%s < {\"type\":\"mesh_info_result\",...}", conn);
	info = c->last;
	tr_do("%s > {\"type\":\"roll_get\",\"_reqId\":\"snap\",\"meshId\":"
	      "\"%s\",\"from\":0}",
	    conn, m->id);
	tr_do("%s < {\"type\":\"roll_page\",...}", conn);
	roll = c->last;
	if (watched != NULL) {
		tr_do("%s > {\"type\":\"message_status\",\"_reqId\":\"snap\","
		      "\"messageId\":\"%s\"}",
		    conn, watched);
		tr_do("%s < {\"type\":\"message_status_result\",...}", conn);
		status = c->last;
	}
	return arena_printf(&tr.arena, "%s\n%s\n%s\n%s", peers, info, roll,
	    status == NULL ? "" : status);
}

static void
must_not_say(const char *ask, const char *answer, const char *what,
    const char *id)
{
	if (strstr(answer, id) != NULL && strstr(ask, id) == NULL)
		tr_fail("the answer tells %s:\n  %s", what, answer);
}

static void
tells_nothing(const char *ask, const char *answer, const struct tmesh *m)
{
	struct tperson *p;
	struct tsession *s;
	size_t i;

	must_not_say(ask, answer, m->name, m->id);
	must_not_say(ask, answer, "the roll's head", m->head);
	must_not_say(ask, answer, "the owner", m->owner_key.hex);
	for (i = 0; (p = map_next(&tr.people, &i)) != NULL;) {
		if (p->mesh == m)
			must_not_say(ask, answer, p->name, p->member.hex);
	}
	for (i = 0; (s = map_next(&tr.sessions, &i)) != NULL;) {
		if (s->who->mesh == m)
			must_not_say(ask, answer, s->name, s->key.hex);
	}
}

/* try CONNECTION against MESH by OBSERVER {REQUEST} */
void
word_try(const struct args *a)
{
	const char *against = args_after(a, "against"), *by;
	struct tconn *c = tr_conn(a->v[1]);
	const struct wire_msg *row;
	struct tmesh *m;
	char *before, *ask, *answer;

	by = args_after(a, "by");
	if (against == NULL || by == NULL || a->n < 7)
		tr_fail("usage: try CONNECTION against MESH by OBSERVER {}");
	m = tr_mesh(against);
	ask = tr_overlay(a->v[6], "{\"_reqId\":\"try\"}");
	row = wire_named(tr_member(ask, "type"));
	if (row == NULL)
		tr_fail("no row is called so: %s", ask);
	tried[row->no] = true;
	before = snapshot(by, m);
	conn_text(c, ask, strlen(ask));
	answer = conn_next(c, TR_WAIT_MS);
	if (answer == NULL)
		tr_fail("%s is not answered", c->name);
	tells_nothing(ask, answer, m);
	if (strcmp(before, snapshot(by, m)) != 0)
		tr_fail("'%s' from another mesh changed what %s sees",
		    row->wire, by);
}

/* Was every row that needs a session tried? */
void
word_tried_all(const struct args *a)
{
	const struct wire_msg *m;
	char never[1000] = "";
	size_t i;

	(void)a;
	for (i = 0; (m = wire_row(i)) != NULL; i++) {
		if (!for_broker(m) || scope_of(m) == SCOPE_OPEN || tried[m->no])
			continue;
		snprintf(never + strlen(never), sizeof(never) - strlen(never),
		    " %s", m->wire);
	}
	if (never[0] != '\0')
		tr_fail("never tried from another mesh:%s", never);
}

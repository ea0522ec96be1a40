/*
 * rows.c - every frame that is read, held to its row: decoded by it, written
 * again by it byte for byte the same, without members it does not know, and in
 * answer to something that was asked.
 */
#include <string.h>

#include "tests/wire/script.h"

/* ---- what was asked ---- */

void
rows_asked(struct tconn *c, const char *text, size_t n)
{
	struct arena a = { 0 };
	struct asked asked = { 0 };
	struct frame fr;

	frame_open(&fr, &a, text, n, NULL);
	if (fr.reqid != NULL) {
		asked.msg = fr.msg;
		str_copy(asked.reqid, sizeof(asked.reqid), fr.reqid);
		vec_add(&c->asked, asked);
	}
	arena_fini(&a);
}

/* An answer: to what? */
static void
answers(struct tconn *c, const struct frame *fr, const char *text)
{
	struct asked *q = NULL;
	const struct wire_msg *m;
	size_t i;

	for (i = 0; i < c->asked.n && q == NULL; i++) {
		if (strcmp(c->asked.v[i].reqid, fr->reqid) == 0)
			q = &c->asked.v[i];
	}
	if (q == NULL)
		tr_fail("%s never asked with this _reqId:\n  %s", c->name,
		    text);
	m = q->msg;
	vec_del(&c->asked, i - 1);
	if (fr->msg == &wire_error) {
		if (m != NULL && strcmp(tr_member(text, "code"), "no_hello"))
			tr.cover_error[m->no] = true;
		return;
	}
	if (m == NULL || m->reply != fr->msg)
		tr_fail("%s: the row says that '%s' is answered by '%s':\n  %s",
		    c->name, m == NULL ? "?" : m->wire,
		    m == NULL || m->reply == NULL ? "error" : m->reply->wire,
		    text);
	tr.cover_ok[m->no] = true;
}

/* ---- members no row knows ---- */

static const struct wire_field *
field_of(const struct wire_msg *m, struct json key)
{
	const struct wire_field *f;

	for (f = m->fields(); f->name != NULL; f++) {
		if (json_key_is(key, f->wire))
			return f;
	}
	return NULL;
}

static bool
envelope(struct json key)
{
	return json_key_is(key, "type") || json_key_is(key, "_reqId") ||
	    json_key_is(key, "_session");
}

static void
known(const struct wire_msg *m, struct json object, bool top)
{
	struct json_iter it = { 0 }, items;
	struct json key, v, item;
	const struct wire_field *f;

	while (json_next(object, &it, &key, &v)) {
		if (top && envelope(key))
			continue;
		f = field_of(m, key);
		if (f == NULL)
			tr_fail("the row '%s' has no field '%.*s'", m->name,
			    (int)key.n, key.p);
		if (f->type == W_OBJ)
			known(f->record, v, false);
		items = (struct json_iter){ 0 };
		while (f->type == W_LIST && json_next(v, &items, NULL, &item)) {
			if (json_kind(item) == JSON_OBJECT)
				known(f->record, item, false);
		}
	}
}

/* ---- one frame ---- */

static void
again(const struct frame *fr, const void *in, const char *text)
{
	struct buf b;
	char *ours;

	buf_init(&b, 32 * 1024 * 1024);
	wire_encode(&b, fr->msg, in, fr->reqid, fr->session);
	ours = arena_strndup(&tr.arena, buf_str(&b), b.len);
	buf_fini(&b);
	if (strcmp(ours, text) != 0)
		tr_fail("not as the row '%s' writes it:\n  came  %s\n"
			"  row   %s",
		    fr->msg->name, text, ours);
}

static void
check_error(const struct error *e, const char *text)
{
	if (err_named(e->code) == NULL)
		tr_fail("an error of no code that errors.def knows:\n  %s",
		    text);
	if (e->message[0] == '\0')
		tr_fail("an error without a word:\n  %s", text);
}

void
rows_check(struct tconn *c, const char *text)
{
	struct frame fr;
	struct why why = { 0 };
	void *in;

	if (c->old)
		return;
	if (frame_open(&fr, &tr.arena, text, strlen(text), &why) != OK)
		tr_fail("%s read no frame of ours: %s\n  %s", c->name, why.text,
		    text);
	if (fr.msg->kind != W_REPLY && fr.msg->kind != W_PUSH)
		tr_fail("%s read what is neither reply nor push:\n  %s",
		    c->name, text);
	known(fr.msg, fr.object, true);
	in = arena_alloc(&tr.arena, fr.msg->size);
	if (wire_decode(fr.msg, fr.object, in, &tr.arena, &why) != OK)
		tr_fail("%s read what its row forbids: %s %s\n  %s", c->name,
		    why.field, why.text, text);
	again(&fr, in, text);
	if (fr.msg == &wire_error)
		check_error(in, text);
	if (fr.msg->kind == W_PUSH && fr.reqid != NULL)
		tr_fail("a push that answers:\n  %s", text);
	if (fr.msg->kind == W_PUSH)
		tr.cover_push[fr.msg->no] = true;
	if (fr.reqid != NULL)
		answers(c, &fr, text);
}

/*
 * do_profile.c - what a session says of itself. Kept here, so that it is said
 * again after every reconnect; told to the broker when it is reached.
 */
#include "daemon/core.h"

#include <string.h>

#define TELL_MS 4000

static int
apply(struct local_profile_page *p, const struct local_profile *in,
    struct why *why)
{
	const char *fault;
	bool none;

	if (*in->status != '\0') {
		if (!str_eq(in->status, "idle") &&
		    !str_eq(in->status, "working") &&
		    !str_eq(in->status, "dnd"))
			return why_field(why, E_BAD_FIELD, "status",
			    "status is idle, working or dnd");
		p->status = in->status;
	}
	if (*in->visible != '\0') {
		if (!str_eq(in->visible, "true") &&
		    !str_eq(in->visible, "false"))
			return why_field(why, E_BAD_FIELD, "visible",
			    "visible is true or false");
		p->visible = str_eq(in->visible, "true");
	}
	if (*in->summary != '\0')
		p->summary = str_eq(in->summary, "-") ? "" : in->summary;
	if (*in->avatar != '\0')
		p->avatar = in->avatar;
	if (*in->title != '\0')
		p->title = in->title;
	if (*in->bio != '\0')
		p->bio = in->bio;
	if (in->capabilities.n > 0) {
		p->capabilities.n = in->capabilities.n;
		p->capabilities.v = in->capabilities.v;
	}
	if (in->tags.n == 0)
		return OK;
	none = in->tags.n == 1 && str_eq(in->tags.v[0].s, "-");
	for (size_t i = 0; i < in->tags.n && !none; i++)
		if ((fault = tag_fault(in->tags.v[i].s)) != NULL)
			return why_field(why, E_BAD_FIELD, "tags",
			    "the tag '%s' %s", in->tags.v[i].s, fault);
	p->tags.n = none ? 0 : in->tags.n;
	p->tags.v = in->tags.v;
	return OK;
}

static void
show(struct dop *op, struct dsess *s)
{
	struct local_profile_page out = s->page;

	out.mesh = s->mesh->slug;
	out.name = s->name;
	out.key = s->key.hex;
	out.member = s->mesh->me;
	op_reply(op, &wire_local_profile_page, &out);
}

static void tell(struct dop *op);

static void
on_told(struct dop *op, const struct link_reply *r)
{
	if (r->code != OK && r->code != E_UNREACHABLE)
		op_fail_why(op, &r->why);
	else
		tell(op);
}

/* One request for each thing that was changed, then the answer. */
static void
tell(struct dop *op)
{
	const struct local_profile *in = op->in;
	struct dsess *s = sess_at(op->d, op->session);
	struct peer_profile p = { .avatar = in->avatar,
		.title = in->title,
		.bio = in->bio };
	struct peer_visible v;
	struct peer_summary sum;
	struct peer_status st;
	struct group_tags tags = { { s == NULL ? 0 : s->page.tags.n,
				       s == NULL ? NULL : s->page.tags.v },
		0 };

	if (s == NULL) {
		op_fail(op, E_NO_MESH, "the mesh is gone");
		return;
	}
	p.capabilities.n = in->capabilities.n;
	p.capabilities.v = in->capabilities.v;
	st.status = s->page.status;
	v.visible = s->page.visible;
	sum.summary = s->page.summary;
	for (;;) {
		int step = op->tries++;

		if (step >= 5 ||
		    !link_session_open(s->mesh->link, s->key.hex)) {
			show(op, s);
			return;
		}
		if (step == 0 && *in->status) {
			op_call(op, &wire_peer_status, &st, s->key.hex,
			    on_told);
			return;
		}
		if (step == 1 && *in->visible) {
			op_call(op, &wire_peer_visible, &v, s->key.hex,
			    on_told);
			return;
		}
		if (step == 2 && *in->summary) {
			op_call(op, &wire_peer_summary, &sum, s->key.hex,
			    on_told);
			return;
		}
		if (step == 3 &&
		    (*in->avatar || *in->title || *in->bio ||
			in->capabilities.n > 0)) {
			op_call(op, &wire_peer_profile, &p, s->key.hex,
			    on_told);
			return;
		}
		if (step == 4 && in->tags.n > 0) {
			op_call(op, &wire_group_tags, &tags, s->key.hex,
			    on_told);
			return;
		}
	}
}

static void
greeted(struct dop *op, bool late)
{
	struct dsess *s = sess_at(op->d, op->session);

	if (s != NULL && !late && sess_greets(s))
		return;
	op->wants = 0;
	op->news = NULL;
	tell(op);
}

static bool
changes(const struct local_profile *in)
{
	return *in->status || *in->visible || *in->summary || *in->avatar ||
	    *in->title || *in->bio || in->capabilities.n > 0 || in->tags.n > 0;
}

int
on_local_profile(struct dq *q, const struct local_profile *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	struct local_profile_page page;
	struct dsess *s;
	struct dop *op;
	int code;

	if (m == NULL || (s = dq_speaker(q, m)) == NULL)
		return q->why.code;
	page = s->page;
	if ((code = apply(&page, in, &q->why)) != OK)
		return code;
	if (changes(in) && (code = sess_page(s, &page, &q->why)) != OK)
		return code;
	op = op_new(q, m, s);
	if (!changes(in) || !sess_greets(s)) {
		tell(op);
		return OK;
	}
	/* the hello that is under way speaks of before */
	op_wait(op, NEWS_SESSION | NEWS_UP, TELL_MS, greeted);
	return OK;
}

/*
 * link_roll.c - the roll kept in step with the broker's. A broker is believed
 * only so far as its acts follow the ones known here: a roll that is shorter,
 * or another one, is refused and shouted about.
 */
#include "client/link_int.h"

#include <stdio.h>

#include "base/log.h"
#include "base/str.h"

static void
forked(struct link *l, const char *what)
{
	char text[256];

	snprintf(text, sizeof(text),
	    "roll_forked: the broker shows a roll that is not the one known "
	    "here (%s); nothing is believed until you act",
	    what);
	link_refuse(l, text);
}

static void
in_step(struct link *l)
{
	l->synced = true;
	l->ops->roll(l->arg);
	link_came_up(l);
}

static bool
take_page(struct link *l, const struct roll_page *page)
{
	struct why why;
	char what[128];

	for (size_t i = 0; i < page->acts.n; i++) {
		const char *act = page->acts.v[i].s;

		if (page->from + (int64_t)i < roll_n(l->roll))
			continue;
		if (roll_apply(l->roll, act, &why) != OK) {
			snprintf(what, sizeof(what), "act %lld: %.90s",
			    (long long)page->from + (long long)i, why.text);
			forked(l, what);
			return false;
		}
		if (l->ops->act(l->arg, roll_n(l->roll) - 1, act) != OK) {
			link_drop(l, "the roll could not be kept");
			return false;
		}
	}
	return true;
}

static void
on_page(void *arg, uint64_t tag, const struct link_reply *r)
{
	struct link *l = arg;
	const struct roll_page *page = r->msg;
	int64_t before = roll_n(l->roll);

	(void)tag;
	if (r->code == E_UNREACHABLE)
		return;
	l->syncing = false;
	if (r->code != OK) {
		link_drop(l, r->why.text);
		return;
	}
	if (!str_eq(page->mesh_id, l->mesh)) {
		forked(l, "it is another mesh's");
		return;
	}
	if (!take_page(l, page))
		return;
	if (page->roll.n > roll_n(l->roll) && roll_n(l->roll) == before)
		forked(l, "it holds acts back");
	else if (page->roll.n > roll_n(l->roll))
		link_roll_sync(l);
	else
		link_roll_see(l, &page->roll);
}

void
link_roll_sync(struct link *l)
{
	struct roll_get in = { .mesh_id = l->mesh, .from = roll_n(l->roll) };

	if (l->syncing)
		return;
	if (link_call(l, &wire_roll_get, &in, NULL, on_page, l, 0) == OK)
		l->syncing = true;
}

void
link_roll_see(struct link *l, const struct roll_point *p)
{
	int64_t mine = roll_n(l->roll);
	const char *hash;

	if (l->syncing)
		return; /* the page under way is looked at anyway */
	if (p->n > mine) {
		link_roll_sync(l);
		return;
	}
	hash = p->n > 0 ? roll_hash_at(l->roll, p->n - 1) : NULL;
	if (hash == NULL || !str_eq(hash, p->head))
		forked(l, "its hash differs");
	else
		in_step(l);
}

/*
 * room.c - queues that fill while somebody who reads them is away: a member's,
 * which its other daemons have read, and an audience's. What those that matter
 * have may go before its time.
 */
#include <string.h>

#include "broker/broker.h"

static const char sql_fetched[] =
    "SELECT COALESCE(MIN(acked), 0) FROM queue WHERE mesh = $1 AND member = $2"
    " AND daemon <> '' AND seen_at > $3 LIMIT 1";

/* Mail was added to it: see to it before it is full, once a turn. member "": the
 * queue of an audience. */
void
lane_member_mail(struct broker *b, struct mesh *m, int64_t mqueue,
    const char *member)
{
	const struct broker_limits *l = &b->conf.limits;
	struct tally t = tally_of(&m->queues, mqueue);
	struct filling f = { .mesh = m->no, .queue = mqueue };
	size_t i;

	if (t.n * 4 < l->queue_count * 3 && t.bytes * 4 < l->queue_bytes * 3)
		return;
	for (i = 0; i < b->filling.n; i++) {
		if (b->filling.v[i].queue == mqueue)
			return;
	}
	str_copy(f.member, sizeof(f.member), member);
	vec_add(&b->filling, f);
}

/*
 * What every daemon of the member has fetched may go before its time. One that
 * was away for longer than mail is kept has no say.
 */
static void
make_room(struct broker *b, const struct filling *f)
{
	struct mesh *m = map_geti(&b->meshes, f->mesh);
	struct audience *a;
	int64_t since = io_wall(b->io) - b->conf.limits.keep_ms;
	struct db_rows *r;

	if (m == NULL || turn_writes(b->turn, m->no, NULL) != OK)
		return;
	if (f->member[0] == '\0') {
		a = audience_at(b, m, f->queue);
		if (a != NULL)
			audience_make_room(b, m, a);
		return;
	}
	r = db_query(b->db, &b->arena, NULL, sql_fetched,
	    DB_VALS(db_i((int64_t)m->no), db_s(f->member), db_i(since)));
	if (r != NULL && r->n > 0 && db_int(r, 0, 0) > 0)
		lane_drop(b, m, f->queue, db_int(r, 0, 0), false);
}

void
room_make(struct broker *b)
{
	size_t i;

	for (i = 0; i < b->filling.n; i++)
		make_room(b, &b->filling.v[i]);
	b->filling.n = 0;
}

/*
 * event.c - pushes with subtype system: what happened, as the broker tells it.
 * Nobody proved it, and nobody acts on it without asking.
 */
#include "broker/broker.h"

void
system_event(struct broker *b, struct mesh *m, io_id but, const char *member,
    const char *name, const char *data, size_t ndata)
{
	char id[ID_LEN + 1];
	uint8_t rnd[16];

	io_random(b->io, rnd, sizeof(rnd));
	id_make(id, io_wall(b->io), rnd);
	push_mesh(b, m, but, member, message_push, .message_id = id,
	    .mesh_id = m->id, .sender_pubkey = "system", .priority = "low",
	    .created_at = io_wall(b->io), .subtype = "system", .event = name,
	    .event_data = { .p = data, .n = ndata });
}

/*
 * link_int.h - what the three files of the link share.
 */
#ifndef CLIENT_LINK_INT_H
#define CLIENT_LINK_INT_H

#include "base/map.h"
#include "client/link.h"
#include "net/wsclient.h"

struct link_session {
	struct key key;
	char name[65];
	char *attestation;
	int64_t expires_at;
	bool open, refused;
};

struct link {
	struct io *io;
	const struct link_ops *ops;
	void *arg;
	char url[512], mesh[MESH_ID_LEN + 1], pin[65];
	char *ca;
	bool guest;
	const struct key *member;
	struct roll *roll;

	struct wsclient *ws;
	enum link_phase state;
	char reason[256];
	int tries; /* dialled in vain since it was last up */
	io_id redial, tick;
	bool dial, ticked; /* these timers ran */
	bool bye;	   /* goodbye was said: no more dialling */
	struct buf in;	   /* frames: length, bytes; handled in link_step */
	size_t in_at;
	bool closed;	/* after what is in `in` */
	bool untrusted; /* and so it was closed */
	char close_reason[256];

	bool challenged;
	struct challenge challenge;
	struct arena challenge_mem, arena;
	int64_t skew;
	int64_t opened_at; /* mono; 0: not open */
	uint64_t next_req;
	struct map calls;    /* by request number */
	struct map sessions; /* by key; insertion order: home first */
	bool syncing, synced;
};

void link_hello_all(struct link *);
void link_hello(struct link *, struct link_session *);
void link_attest_due(struct link *);
void link_came_up(struct link *);
void link_sessions_fini(struct link *);

#endif

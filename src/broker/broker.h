/*
 * broker.h - the broker's inner contract: what a domain may use.
 *
 * Memory holds only what can be loaded again: connections, presence, lanes,
 * tallies, the replayed rolls. The database is the truth. A handler reads with
 * query(), writes with change(), speaks with reply() and push(), and changes
 * memory last, when nothing of its request can fail any more. It has replied and
 * returns OK, or returns rq_fail(); dispatch.c alone writes the error.
 *
 * Long-lived things name each other by number: a connection by its io_id, a
 * presence by its mesh and session key, a lane by its queue.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "base/arena.h"
#include "base/id.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "broker/main.h"
#include "crypto/key.h"
#include "crypto/roll.h"
#include "store/db.h"
#include "turn/turn.h"

#define DAY_MS (24 * 3600 * (int64_t)1000)

#define MARK_CORE UINT64_MAX /* written by no mesh */

#define READ_PAUSE (256 * 1024) /* reading stops when so much is queued */
#define PUSH_HIGH (512 * 1024)	/* pushes wait in the database beyond this */
#define LANE_PAGE 256		/* messages a lane reads in one turn */
#define TRIM_SLICE 1000		/* fetched messages dropped at once */
#define SESSIONS_MAX 512	/* open on one connection */
#define PAGE_BYTES (700 * 1024) /* of a listing, well inside a frame */

enum { CAP_READ = 1, CAP_SEND = 2, CAP_WRITE = 4, CAP_ADMIN = 8, CAP_ALL = 15 };

struct tally {
	int64_t n, bytes;
};
struct bucket {
	int64_t milli;
	int64_t at;
}; /* thousandths of a message */

/* What memory has of a member: what it may do is bounded. */
struct standing {
	struct bucket send, acts;
	int64_t here;  /* its sessions */
	int64_t conns; /* connections whose first hello was its */
};

/* What memory has of one mesh. Freed whole when a commit fails. */
struct mesh {
	uint64_t no;
	char id[MESH_ID_LEN + 1];
	struct roll *roll;
	struct map here;  /* session key -> struct presence, by arrival */
	struct map lanes; /* a daemon's queue -> struct lane */
	struct map
	    mailing; /* a member's queue -> first struct lane reading it */
	struct map queues;    /* queue -> struct tally: what waits there */
	struct map senders;   /* session.no -> struct tally: not yet fetched */
	struct map standings; /* member key -> struct standing */
	struct map audiences; /* its queue -> struct audience */
	struct map crowds;    /* label -> struct audience: those as of now */
	struct tally all;
	int64_t conns; /* of all standings */
	bool idle;     /* nobody here at the last sweep */
	bool heard;    /* some cursor moved in this turn */
};

/* A session that is here: connected, or lost within its grace. */
struct presence {
	struct mesh *mesh;
	io_id conn; /* 0: in grace */
	int64_t no, queue,
	    mqueue; /* session.no, its daemon's and member's queue */
	unsigned caps;
	int64_t expires_at; /* the attestation, wall clock */
	int64_t lost_at;    /* mono; when the grace began */
	char key[65], member[65], name[65], id[ID_LEN + 1];
	char status[9];
	bool old; /* speaks dialect 1: its key is claimed, not proven */
	char *attestation, *summary, *profile;
	char *own;    /* what hello said, in one piece; face points there */
	char *labels; /* groups and tags, the same */
	char *stats;
	struct peer face; /* as list_peers shows it */
};

/* A session in an audience, and the queue of the daemon that reads for it. */
struct hearer {
	int64_t session, reader;
	int64_t acked; /* the reader's cursor as last seen */
	char key[65];
};
struct audience {
	int64_t queue;
	int64_t trimmed;  /* nothing up to this waits here */
	struct hearer *v; /* by reader */
	size_t n;
};

/* A daemon's stream: its own queue and its member's, one cursor. */
struct lane {
	struct mesh *mesh;
	struct lane *next; /* of the same member */
	io_id conn;
	int64_t queue, mqueue;
	int64_t sent;	/* all up to this was pushed, or was not for it */
	int64_t pushed; /* the last that was */
	int64_t acked;	/* all up to this is committed at the daemon */
	bool live;	/* pushed as messages commit; else catching up */
	bool dirty;	/* acked is to be written, or fetched mail dropped */
};

/* A connection. */
struct bconn {
	io_id id;
	struct turn_chan chan;
	char challenge[65];
	char ip[46];
	VEC(struct presence *) sessions; /* first: speaks when none is named */
	VEC(struct lane *) lanes;
	bool runnable, paused, admitted;
	bool closing; /* by us, at the end of the turn */
	bool gone;    /* the server has let go of it */
	int close_code;
	char close_text[64];
	int open_left, fails, bad; /* budgets of who has not said hello */
	struct bucket hello;	   /* signature checks of who has */
	char invite[65];	   /* proven by invite_open */
	char invite_mesh[MESH_ID_LEN + 1]; /* numbers are used again */
	uint64_t mesh; /* of its first hello, and the member: it counts there */
	char member[65];
	bool invite_good; /* it may read the roll */
	uint64_t dropped; /* pushes dropped since the last gap */
	uint64_t stamp;
	bool old;		  /* speaks dialect 1 (compat.c) */
	int64_t old_sent, old_at; /* mail it has had since */
};

struct grace {
	uint64_t mesh;
	char key[65];
	int64_t lost_at;
};

struct parted {
	uint64_t mesh;
	int64_t queue, acked;
};

/* A member's queue that nears its limit. */
struct filling {
	uint64_t mesh;
	int64_t queue;
	char member[65];
};

struct broker_stats {
	uint64_t *count; /* [message][code] */
	uint64_t *us;	 /* [message] */
	uint64_t stored, delivered, receipts, turns, commits, commit_fails;
	uint64_t turn_us, events_dropped;
};

struct broker {
	struct io *io;
	struct db *db;
	struct server *srv;
	struct turn *turn;
	struct broker_conf conf; /* strings are ours */
	struct arena texts;	 /* they lie here */
	VEC(struct io_addr) addr;
	struct arena arena;    /* of the request that runs */
	struct buf json, wire; /* scratch of say.c */
	char history[33], log_key[65];
	int64_t seq_last, seq_kept;   /* given; reserved on disk */
	int64_t seq_floor, seq_start; /* of earlier runs; of this one */
	struct map conns;	      /* io_id -> struct bconn */
	struct map meshes;	      /* number -> struct mesh */
	struct map by_id;	      /* mesh id -> struct mesh */
	struct map old_hellos;	      /* compat.c: signature -> when */
	VEC(io_id) runnable;	      /* a queue: from run_at on */
	size_t run_at;
	VEC(io_id) gone, closing, drained_conns;
	VEC(struct lane *) dirty;
	VEC(struct parted) parted; /* lanes that went with a cursor unwritten */
	VEC(struct filling) filling;
	VEC(uint64_t) heard;	 /* meshes with audiences to be looked at */
	VEC(struct grace) grace; /* by time: from grace_at on */
	size_t grace_at;
	VEC(io_id) behind; /* connections with a lane to catch up */
	io_id timer;
	int64_t timer_at, sweep_at, probe_at; /* mono */
	int64_t sweep_sent; /* how far the sweep of `sent` came */
	uint64_t stamp;
	bool draining, said_goodbye, drained, dead;
	bool sick; /* the last commit failed */
	int64_t started_at;
	struct broker_stats stat;
};

/* One request. */
struct rq {
	struct broker *b;
	struct bconn *conn;
	struct mesh *mesh; /* of the session; an open request finds its own */
	struct presence
	    *peer;	 /* the session that speaks; may end in the handler */
	int64_t session; /* its session.no */
	char who[9];	 /* its key's beginning, for the log */
	struct frame frame;
	struct arena *arena;
	int64_t now; /* wall clock */
	struct why why;
	int64_t retry_after_ms;
	const char *id; /* of a send, for its error */
	bool replied;
	const char *said; /* the reply, kept for ONCE rows */
	size_t nsaid;
};

/* ---- handlers: one per request of the table ---- */

#define REQUEST(c, wire, scope, reply, doc) \
	int on_##c(struct rq *, const struct c *in);
#define REPLY(c, wire, doc)
#define PUSH(c, wire, doc)
#define RECORD(c, doc)
#define END
#include "wire/nofields.h"
#define PROTO_REMOTE
#include "proto/all.def"
#undef PROTO_REMOTE
#include "wire/undef.h"

/* ---- dispatch.c ---- */

/* Who speaks, into rq; and a frame that was opened, carried out. */
int dispatch_session(struct rq *);
int dispatch_frame(struct rq *);

/* ---- speaking (say.c) ---- */

#define reply(rq, row, ...) \
	rq_reply((rq), &wire_##row, &(const struct row){ __VA_ARGS__ })
/* To one connection, for one of its sessions (key, or NULL: all). */
#define push(b, conn, session, row, ...)               \
	conn_push((b), (conn), (session), &wire_##row, \
	    &(const struct row){ __VA_ARGS__ })
/* To every connection with a session in the mesh, once each, but one. */
#define push_mesh(b, mesh, but, only, row, ...)            \
	mesh_push((b), (mesh), (but), (only), &wire_##row, \
	    &(const struct row){ __VA_ARGS__ })

int rq_reply(struct rq *, const struct wire_msg *, const void *);
int rq_ok(struct rq *);
/* fmt NULL: the general sentence. Returns code. */
int rq_fail(struct rq *, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int rq_field(struct rq *, int code, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void conn_text(struct broker *, struct bconn *, const char *json, size_t n);
void conn_push(struct broker *, struct bconn *, const char *session,
    const struct wire_msg *, const void *);
/* An event: may be dropped for a slow connection, which is told so. member not
 * NULL: only connections with a session of that member. */
void mesh_push(struct broker *, struct mesh *, io_id but, const char *member,
    const struct wire_msg *, const void *);
bool conn_event(struct broker *,
    struct bconn *); /* room for one? else counted */
size_t conn_backlog(struct broker *, struct bconn *);
/* One push to many that ends differently: push_begin encodes it, push_end adds
 * the last members, ",\"name\":...", for one connection. */
int push_begin(struct broker *, const struct wire_msg *, const void *,
    size_t *common);
void push_end(struct broker *, struct bconn *, size_t common, const char *tail,
    size_t ntail);
/* At the end of the turn, after what was said is released. */
void conn_close(struct broker *, struct bconn *, int code, const char *reason);
struct bconn *conn_at(struct broker *, io_id);

/* ---- storing ---- */

#define query(rq, sql, ...) rq_query((rq), (sql), DB_VALS(__VA_ARGS__))
#define change(rq, sql, ...) rq_change((rq), (sql), DB_VALS(__VA_ARGS__))
/* Rows, or NULL: return rq->why.code. */
struct db_rows *rq_query(struct rq *, const char *sql, size_t n,
    const struct db_val *);
/* The same for a statement that writes (rows by RETURNING). */
struct db_rows *rq_change(struct rq *, const char *sql, size_t n,
    const struct db_val *);

/* ---- meshes (mesh.c) ---- */

/* Loads it at first use. NULL with why: E_NO_MESH, E_STORE... */
struct mesh *mesh_find(struct broker *, const char *id, struct why *);
struct mesh *mesh_numbered(struct broker *, uint64_t no, struct why *);
/* A mesh just made: its memory without reading it again. Takes the roll. */
struct mesh *mesh_add(struct broker *, uint64_t no, struct roll *take);
void mesh_free(struct broker *, struct mesh *); /* silently, with all in it */
/* A commit failed: its connections are closed with 1012, its memory freed. */
void mesh_forget(struct broker *, struct mesh *);
struct standing *standing_of(struct mesh *, const char *member);
struct roll_point roll_point_of(const struct roll *);
void tally_add(struct map *, int64_t key, int64_t n, int64_t bytes);
struct tally tally_of(const struct map *, int64_t key);
/* Takes cost from the bucket; 0, or ms to wait. */
int64_t bucket_take(struct bucket *, int64_t now, int64_t cost, int64_t rate,
    int64_t burst);

/* ---- presence (presence.c) ---- */

enum left { LEFT_QUIETLY, LEFT_EVENT };
struct presence *presence_of(struct mesh *, const char *session_key);
struct presence *presence_new(struct broker *, struct mesh *, const char *key,
    const char *member);
/* Binds it to a connection and a queue, leaving others; room was checked. */
void presence_move(struct broker *, struct presence *, struct bconn *,
    int64_t queue);
/* Its connection is lost: the grace begins. */
void presence_lost(struct broker *, struct presence *);
void presence_free(struct broker *, struct presence *, enum left);
/* Ends it by somebody else's word: session_ended, peer_left. */
void presence_end(struct broker *, struct presence *, const char *reason,
    const char *by);
void presence_end_member(struct broker *, struct mesh *, const char *member,
    const char *reason, const char *by);
/* To all but one connection: the peer's own. extra: more of eventData. */
void presence_event(struct broker *, struct presence *, io_id but,
    const char *event, const char *extra);
void presence_name(struct presence *, const char *name);
void presence_attest(struct presence *, const char *b64,
    const struct attestation *);
void presence_due(struct broker *, int64_t mono); /* graces that ran out */
void presence_expired(struct broker *);		  /* attestations that did */
unsigned caps_of(const struct attestation *);
bool name_reserved(const char *);

/* Verified attestation of session by member in this mesh. */
int attest_open(struct rq *, const struct mesh *, const char *member,
    const char *session, const char *b64, struct attestation *out);
/* Is this URL one of ours? E_WRONG_URL names both. */
int url_check(struct rq *, const char *url);
bool host_ours(const struct broker *, const char *host);

/* ---- lanes (lane.c) ---- */

/* Attach the daemon's stream to the connection, reading after `from`. */
struct lane *lane_open(struct broker *, struct mesh *, struct bconn *,
    int64_t queue, int64_t mqueue, int64_t acked, int64_t from);
void lane_free(struct broker *, struct lane *);
void lane_ack(struct broker *, struct lane *, int64_t seq);
/* A message was stored in this queue: to whoever reads it. */
struct message { /* borrowed strings */
	int64_t seq, queue, created_at;
	int64_t epoch;	/* 0: to one */
	int64_t author; /* session.no of the sender */
	const char *id, *target, *priority, *nonce, *ciphertext;
	const char *sender, *sender_member, *sender_name;
};
void lane_offer(struct broker *, struct mesh *, const struct message *);
void lane_catch_up(struct broker *);		 /* those that have room */
void lane_wake(struct broker *, struct bconn *); /* its output drained */
void lane_member_mail(struct broker *, struct mesh *, int64_t mqueue,
    const char *member);
void lane_before_commit(struct broker *); /* cursors, fetched mail */
void room_make(struct broker *);	  /* in queues that fill; room.c */
/* The same for an audience. */
void lane_offer_all(struct broker *, struct mesh *, const struct message *,
    const struct audience *);
/* Drops what is fetched of a queue, a slice; how many rows, or -1. */
int lane_drop(struct broker *, struct mesh *, int64_t queue, int64_t upto,
    bool own);

/* ---- labels and audiences (bearing.c, audience.c) ---- */

#define GROUPS_MAX 64
#define TAGS_MAX 32

/* What a session bears, in the arena: from its rows. */
struct bearing {
	struct peer_group group[GROUPS_MAX];
	struct text tag[TAGS_MAX];
	size_t ngroup, ntag;
};
int bearing_check(struct rq *, const struct bearing *, const char *groups,
    const char *tags);
int bearing_load(struct rq *, int64_t session, struct bearing *);
int bearing_store(struct rq *, const struct mesh *, int64_t session,
    const struct bearing *);
/* In memory, and who is written to is found out anew. */
void bearing_show(struct presence *, const struct bearing *);

struct skip { /* session keys; a member key stands for its home sessions */
	const char *v[128];
	size_t n;
};
/* Who bears the label, the sender among them; n 0: nobody. */
int audience_find(struct rq *, const char *label, const struct skip *,
    const struct audience **);
/* After the request cannot fail any more. label: these are all who bear it. */
struct audience *audience_keep(struct mesh *, const char *label,
    const struct audience *);
struct audience *audience_at(struct broker *, struct mesh *, int64_t queue);
size_t audience_size(const struct audience *, int64_t but);
/* The first of a reader's, or n. */
size_t audience_reader(const struct audience *, int64_t reader);
void audience_list(struct rq *, const struct audience *, int64_t but,
    struct recipient *);
int audience_keys(struct rq *, int64_t queue, int64_t but, struct recipient *);
void audience_changed(struct mesh *); /* who bears what */
void audience_trim(struct broker *, struct mesh *);
/* Its queue is nearly full: the oldest goes, whoever is away. */
void audience_make_room(struct broker *, struct mesh *, struct audience *);
void audience_sweep(struct mesh *);
void audience_fini(struct mesh *);

/* ---- records (record.c) ---- */

/* What is to be written; doc "": it is not signed. */
struct record {
	const char *key, *doc, *text; /* text: what was signed the hash of */
	size_t n;
	bool gone;
};
/* A document of the session that speaks, for this record, of this version. */
int record_check(struct rq *, const char *kind, const struct record *,
    int64_t version, struct record_doc *);
/* The session's attestation is kept while a record names it. */
int record_vouch(struct rq *, int64_t *no);
int record_unvouch(struct rq *, int64_t no); /* one record less; 0 is fine */
struct kept {
	int64_t n, bytes, last;
};
int record_kept(struct rq *, const char *kind, struct kept *);
int record_keep(struct rq *, const char *kind, const struct kept *);
int record_rate(struct rq *);

/* ---- events (event.c) ---- */

/*
 * Pushes an event to every connection of the mesh, but one. data is the text of
 * a JSON object. Like all events it is the broker's word and may be dropped for
 * a slow connection. member not NULL: only to connections of that member.
 */
void system_event(struct broker *, struct mesh *, io_id but, const char *member,
    const char *name, const char *data, size_t ndata);

/* ---- the turn of the epoch (domains/epoch.c) ---- */

struct epoch_turn { /* of an act remove or rotate; member or invite is "" */
	const char *author, *keys_hash, *member, *invite;
	int64_t epoch, keys;
};
/* What its author staged for the act is current, if it is what the act names and
 * everybody who stays has a key. */
int epoch_begin(struct rq *, const struct epoch_turn *);

/* ---- the rest of the core ---- */

void core_open(struct broker *, const struct server_conf *); /* turn, server */
void core_begin(struct broker *);		 /* from now on turns run */
void conn_free(struct broker *, struct bconn *); /* it has no sessions */
void dispatch_run(struct broker *);		 /* the turn's requests */
void dispatch_mark(struct broker *, io_id);	 /* a frame waits */
void dispatch_check_rows(void);
void sweep_run(struct broker *);  /* expiry, in small slices */
void broker_arm(struct broker *); /* the one timer */
void http_request(struct broker *, struct http_request *); /* http_api.c */
/* Writes of ours between requests: a request without a client. */
bool own_begin(struct broker *, struct mesh *, struct rq *);
void own_end(struct broker *, struct rq *, bool ok);

#endif

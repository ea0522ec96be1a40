/*
 * core.h - the daemon's inside: what its files share.
 *
 * Memory is a view of daemon.db plus connections; after a commit that failed it
 * is thrown away and loaded again. Everything runs in requests of a turn
 * (d_begin, d_end): what is said in a request, to clients and to brokers, is
 * held until what it depends on is committed.
 *
 * Pointers between meshes, sessions and peers live as long as the mesh; a mesh
 * is freed between requests only (m->gone). Operations that wait (struct dop)
 * name clients and meshes by number, because those vanish meanwhile.
 */
#ifndef DAEMON_CORE_H
#define DAEMON_CORE_H

#include "base/label.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "client/link.h"
#include "crypto/body.h"
#include "daemon/daemon.h"
#include "store/db.h"
#include "turn/turn.h"

#define LOCAL_LINE_MAX (1024 * 1024)
#define LOCAL_REPLY_MAX (16 * 1024 * 1024)
#define LOCAL_PAGE_BYTES (700 * 1024)
#define MESHES_MAX 1000
#define MAIL_AGE_MS (60LL * 24 * 3600 * 1000)
#define CLOCK_SLACK_MS (5 * 60 * 1000LL)

enum sess_state { SESS_OPEN, SESS_ENDED, SESS_REFUSED };

struct dsess { /* a session of ours */
	int64_t no;
	char id[23];
	struct dmesh *mesh;
	struct key key;
	char name[65];
	bool home;
	enum sess_state state;
	char reason[257];
	bool linger; /* ended, but not all said, or its broker not told */
	int pid;
	int64_t pid_start;
	io_id watch;
	bool died;	  /* its process ended; to be handled in a turn */
	bool asked_heard; /* for its receipts, since the link is up */
	bool welcomed;	  /* since this daemon started */
	char *open_text, *page_text; /* as stored */
	struct arena mem;
	struct local_session_open open; /* cwd, role, groups, ... */
	struct local_profile_page page; /* status, visible, summary, ... */
};

struct dpeer { /* a session of anybody, proven by its attestation */
	char key[65], member[65], name[65];
	char *attestation;
	bool home, online, visible;
	char hostname[65];
	int64_t expires_at, seen_at;
};

struct dcopy {
	int64_t i;
	char target[LABEL_MAX + 1], meant[65];
};
struct dsend { /* an outbox row with copies still to be sent */
	int64_t n;
	int64_t session;
	struct dcopy *copy;
	size_t ncopy, nsent; /* nsent: in the frame under way */
	bool flying;
};

struct dtold {
	int64_t n;
	char receipt[17];
};
struct ditem { /* pushed mail or a receipt, waiting its turn */
	bool receipt;
	int64_t heard; /* receipts were read so far, for this session */
	int64_t session;
	bool asked_show, asked_roll;
	char *text;
	size_t n;
};

struct dmesh {
	struct daemon *d;
	int64_t no;
	char id[MESH_ID_LEN + 1], slug[65], broker[513], me[65], daemon_id[65];
	struct key member;
	struct roll *roll;
	struct link *link;
	struct turn_chan chan;
	bool gone, lost;
	bool idle;    /* no session to be open: not dialled */
	bool deleted; /* at its broker, by its owner */
	bool out;     /* we are no member any more, says its broker */
	char warning[513];
	char *ca;     /* PEM, or "" */
	char pin[65]; /* or "" */
	uint8_t epoch_key[32];
	int64_t epoch;	  /* of epoch_key; 0: none */
	int64_t keys_low; /* from here on all keys are there; 0: not looked */
	bool keys_asked, keys_stuck;
	int64_t turn_at; /* mono: when to turn a due epoch; 0: not set */

	struct map sessions; /* dsess by key; home first */
	struct dsess *home;
	struct map peers;  /* dpeer by key */
	int64_t roster_at; /* mono, when last listed; 0: not since up */
	bool roster_stale, roster_asked;
	io_id timer; /* roster and retries */
	bool due;

	VEC(struct dsend *) sends;
	int64_t sends_to; /* highest outbox.n in sends */
	bool sends_more, pump;
	int flying;
	int64_t retry_at;  /* mono */
	int64_t status_at; /* outbox.n asked last; -1: nothing to ask */
	int status_flying;
	int64_t stale;	/* the epoch that a broker called over */
	bool ask_heard; /* the lists of receipts are to be read */

	char history[33];
	int64_t seq, acked;
	bool gap, cursor_dirty, ack, acking;
	VEC(struct dtold) told; /* rows of the client_ack under way */
	int64_t acking_seq;
	VEC(struct ditem *) items;
	size_t items_at, items_bytes;
	bool items_wait;	    /* the first waits for the broker */
	struct state_ring *changes; /* of shared state; NULL: nobody asked */
};

struct dclient {
	uint64_t id;
	io_id stream;
	struct turn_chan chan;
	struct buf in;
	size_t done; /* bytes of in already handled */
	bool gone, deaf;
	int later; /* requests not yet answered */
};

/* An operation that is answered in a later turn. */
struct dop {
	uint64_t no;
	struct daemon *d;
	uint64_t client;
	char reqid[WIRE_REQID_MAX + 1];
	bool has_reqid, done;
	struct arena mem;
	const struct wire_msg *row;
	void *in;	 /* the request, in mem */
	int64_t mesh;	 /* mesh.no */
	int64_t session; /* session.no that speaks */
	int64_t n;	 /* outbox.n and the like */
	int tries;
	void *state, *extra;	    /* in mem */
	void (*fini)(struct dop *); /* frees what state owns */
	io_id timer;
	bool due;
	/* The broker's answer to op_call. */
	void (*reply)(struct dop *, const struct link_reply *);
	/* News of what it waits for; late: the timer ran. */
	void (*news)(struct dop *, bool late);
	unsigned wants; /* NEWS_ bits */
	/* guest operations */
	struct link *guest;
	struct turn_chan chan;
	void (*up)(struct dop *);
	/* once the mesh's link is up */
	void (*go)(struct dop *, struct dmesh *);
};
enum {
	NEWS_SENT = 1,
	NEWS_INBOX = 2,
	NEWS_UP = 4,
	NEWS_ROLL = 8,
	NEWS_SESSION = 16,
	NEWS_EVENT = 32,
	NEWS_STATE = 64
};

struct daemon {
	struct io *io;
	struct daemon_conf conf;
	char broker[513];
	struct key account;
	struct db *db;
	struct turn *turn;
	struct arena arena; /* of the request */
	struct box_cache *boxes;
	bool in_request, reload, stopping, stopped;
	bool full; /* the disk is: no links until there is room */
	int reload_code;
	int64_t started_at;
	io_id listen, stop_timer, probe_timer, start_timer;
	struct map meshes;  /* by no */
	struct map sess_no; /* dsess by no */
	struct map clients; /* by id */
	struct map by_stream;
	struct map ops;
	struct map safety; /* member key -> number */
	uint64_t next_client, next_op;
	unsigned news;	/* NEWS_ bits of this turn */
	bool news_late; /* some operation's timer ran */
	bool deaths;	/* some session's process ended */
};

/* ---- turn.c of the daemon: daemon.c ---- */
void d_begin(struct daemon *);
void d_end(struct daemon *, bool ok);
void d_wake(struct daemon *);
/* The only way to write. OK or the code. */
int d_write(struct daemon *, struct why *, const char *sql, size_t n,
    const struct db_val *);
struct db_rows *d_read(struct daemon *, struct why *, const char *sql, size_t n,
    const struct db_val *);
void d_ids(struct daemon *, char out[23]);
int64_t d_now(struct daemon *);
/* A write failed where nothing can be answered: start over from the disk. */
void d_broken(struct daemon *, const char *where, const struct why *);

/* ---- mesh.c ---- */
int dmesh_load_all(struct daemon *, struct why *);
struct dmesh *dmesh_at(struct daemon *, int64_t no); /* NULL when gone */
struct dmesh *dmesh_named(struct daemon *, const char *slug_or_id);
/* All rows of a mesh just made or joined; NULL with why. */
struct mesh_new {
	const char *broker, *me, *ca, *pin;
	struct roll *roll; /* taken on success */
	const char *const *act;
	size_t nact;
	const uint8_t *epoch_key;
};
struct dmesh *dmesh_add(struct daemon *, const struct mesh_new *, struct why *);
int dmesh_erase(struct dmesh *, struct why *);
void dmesh_sweep(struct daemon *); /* frees what is gone */
void dmesh_free(struct dmesh *);
extern const struct link_ops dmesh_link_ops; /* uplink.c */
bool dmesh_act(struct dmesh *, const char *act, const char *head);
int dmesh_warn(struct dmesh *, const char *text);
int dmesh_cursor(struct dmesh *); /* writes a dirty cursor */
const char *dmesh_role(const struct dmesh *, const char *member);
/* A member that speaks dialect 1, by the roll, and is let in. */
bool dmesh_old(const struct dmesh *, const char *member);
bool dmesh_owner(struct dmesh *, struct key *owner); /* is the owner mine? */
void dmesh_run(struct dmesh *);			     /* pumps of one turn */
bool dmesh_up(const struct dmesh *);
/* ---- epoch.c ---- */
int64_t dmesh_epoch(const struct dmesh *); /* what is sealed under now */
bool dmesh_epoch_key(struct dmesh *, int64_t n, uint8_t out[32]);
int dmesh_epoch_put(struct dmesh *, int64_t n, const uint8_t key[32],
    struct why *);
bool keys_due(struct dmesh *); /* some are missing, and can be asked for */
void keys_run(struct dmesh *);
void dmesh_timer(struct dmesh *, int64_t ms);
void dmesh_idle(struct dmesh *, const char *reason);
void dmesh_dial(struct dmesh *);	  /* a session is to be open again */
const char *name_fault(const char *name); /* NULL, or why it cannot be one */

/* ---- session.c ---- */
int sess_load(struct dmesh *, struct why *);
struct dsess *sess_new(struct dmesh *, const struct local_session_open *,
    bool home, struct why *);
struct dsess *sess_at(struct daemon *, int64_t no);
struct dsess *sess_id(struct daemon *, const char *id);
int sess_set(struct dsess *, enum sess_state, const char *reason, struct why *);
int sess_end(struct dsess *, struct why *);
int sess_resume(struct dsess *, const struct local_session_open *,
    struct why *);
int sess_groups(struct dsess *, struct peer_group *, size_t n, struct why *);
int sess_page(struct dsess *, const struct local_profile_page *, struct why *);
void sess_settle(struct dsess *); /* a lingering one may go now */
void sess_fill(struct dsess *, struct session_hello *, struct arena *);
void sess_deaths(struct daemon *);
int sess_home_wake(struct dmesh *, struct why *); /* the user acts */
const char *sess_state_name(enum sess_state);
void sess_free(struct dsess *);
void sess_profile_push(struct dsess *); /* what a hello does not carry */

/* ---- roster.c, resolve.c ---- */
int roster_load(struct dmesh *, struct why *);
void roster_free(struct dmesh *);
void roster_run(struct dmesh *);
void roster_take(struct dmesh *, const struct peers_list *);
struct dpeer *roster_learn(struct dmesh *, const char *attestation,
    const char *key, struct why *);
struct dpeer *roster_get(struct dmesh *, const char *key);
bool peer_vouched(struct dmesh *, const struct dpeer *);
void roster_event(struct dmesh *, const struct message_push *);

/* search.c: those that fit, the best first; how many they are. */
size_t peers_search(struct peer_row *, size_t n, const char *query);

struct target { /* key: or a label */
	char key[LABEL_MAX + 1], name[LABEL_MAX + 1], meant[65], member[65];
};
/* One name as it may be sent to. E_NO_PEER, E_AMBIGUOUS with candidates. */
int name_resolve(struct dmesh *, const char *name, struct target *,
    struct why *);
/* A session (home ones, too), for kick and the like. */
int name_session(struct dmesh *, const char *name, struct target *,
    struct why *);
int name_member(struct dmesh *, const char *name, struct target *,
    struct why *);

/* ---- outbox.c, receipt.c ---- */
void outbox_reset(struct dmesh *); /* the link went down */
void outbox_pump(struct dmesh *);
void outbox_free(struct dmesh *);
bool outbox_waits(struct dsess *); /* has copies not yet sent */
void status_pump(struct dmesh *);
int rung_no(const char *rung); /* -1: no rung of the ladder */
bool rung_reached(const char *have, const char *want);
bool rung_next(const char *have, const char *news);
/* What a broker says of one copy, with or without evidence. */
void copy_news(struct dmesh *, int64_t outbox, const struct dsess *,
    const char *id, const struct recipient *);
/* A signed receipt. E_UNAVAILABLE: the signer is not known yet (key). */
int receipt_take(struct dmesh *, const char *doc, const char **signer);
void receipt_expired(struct dmesh *, const struct message_receipt *);
void receipt_queue(struct dmesh *, const char *doc);
void heard_pump(struct dmesh *); /* heard.c */
int heard_take(struct dmesh *, const struct ditem *);
void heard_queue(struct dmesh *, int64_t session, int64_t heard);

/* ---- inbox.c, mail.c ---- */
void inbox_push(struct dmesh *, const struct frame *, const char *text,
    size_t n);
void inbox_run(struct dmesh *); /* handle what waits */
void inbox_free(struct dmesh *);
void inbox_down(struct dmesh *);
void ack_pump(struct dmesh *);
int inbox_release_held(struct dsess *, struct why *);
/* Handles one mail. E_UNAVAILABLE: ask for (session) or the roll first. */
enum mail_need {
	MAIL_DONE,
	MAIL_NEEDS_SESSION,
	MAIL_NEEDS_ROLL,
	MAIL_NEEDS_KEY, /* of an epoch */
	MAIL_BROKEN
};
enum mail_need mail_take(struct dmesh *, const struct message_push *,
    bool asked_show, bool asked_roll);

/* ---- event.c ---- */
void event_told(struct dmesh *, const struct message_push *);
void event_act(struct dmesh *, const char *act);
void event_welcome(struct dmesh *, struct dsess *, const struct hello_ack *);

/* ---- socket.c ---- */
struct dq { /* one local request */
	struct daemon *d;
	struct dclient *client;
	const struct frame *frame;
	struct arena *a;
	struct dsess *session; /* that speaks, or NULL: the home session */
	int64_t now;
	struct why why;
	bool answered;
};
int socket_open(struct daemon *, struct why *);
void socket_run(struct daemon *);
void socket_close_all(struct daemon *);
void socket_sweep(struct daemon *);
void client_say(struct daemon *, uint64_t client, const struct wire_msg *,
    const void *msg, const char *reqid);
int dq_reply(struct dq *, const struct wire_msg *, const void *msg);
int dq_fail(struct dq *, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The mesh meant by a request; NULL and q->why when it is not clear. */
struct dmesh *dq_mesh(struct dq *, const char *mesh);
/* The session that speaks in that mesh. */
struct dsess *dq_speaker(struct dq *, struct dmesh *);
#define reply(q, row, ...) \
	dq_reply(q, &wire_##row, &(const struct row){ __VA_ARGS__ })

/* Every row of local.def has a handler, or the program does not link. */
#define REQUEST(c, wire, scope, rep, doc) \
	int on_##c(struct dq *, const struct c *);
#define REPLY(c, wire, doc)
#define PUSH(c, wire, doc)
#define RECORD(c, doc)
#define END
#include "wire/nofields.h"
#include "proto/local.def"
#include "wire/undef.h"

/* ---- ops.c ---- */
/* Is a hello of the session under way? What it says is of before. */
bool sess_greets(const struct dsess *);
struct dop *op_new(struct dq *, const struct dmesh *, const struct dsess *);
int op_reply(struct dop *, const struct wire_msg *, const void *msg);
int op_fail(struct dop *, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int op_fail_why(struct dop *, const struct why *);
void op_wait(struct dop *, unsigned wants, int64_t ms,
    void (*news)(struct dop *, bool late));
/* A request to the mesh's broker; op->reply gets the answer. */
void op_call(struct dop *, const struct wire_msg *, const void *in,
    const char *session, void (*)(struct dop *, const struct link_reply *));
/* Runs go once the link is up: now, or after a wait of a few seconds. */
void op_up(struct dop *, void (*go)(struct dop *, struct dmesh *));
/* Dials a broker as a guest; op->up when challenged. */
void op_guest(struct dop *, const char *url, const char *ca, const char *pin,
    void (*up)(struct dop *));

/* do_trust.c */
int trust_check(const char *url, const char *ca, const char *pin, struct why *);
const char *trust_text(struct arena *, const struct dmesh *);
void op_run(struct daemon *);
void op_sweep(struct daemon *);
void op_free(struct dop *);
void op_client_gone(struct daemon *, uint64_t client);
/*
 * An act appended to the mesh's roll: make gives the act (and what is sealed
 * with it) anew for each try; done is called when it stands.
 */
struct act_made {
	const char *act;
	struct sealed_key sealed;
	bool has_sealed;
};
void op_act(struct dop *,
    int (*make)(struct dop *, struct dmesh *, struct act_made *, struct why *),
    void (*done)(struct dop *, struct dmesh *));
/* The same, with something to be said to the broker before each try: prepare
 * ends with op_act_ready, or with op_act_conflict: the roll has changed. */
void op_act_staged(struct dop *, void (*prepare)(struct dop *, struct dmesh *),
    int (*make)(struct dop *, struct dmesh *, struct act_made *, struct why *),
    void (*done)(struct dop *, struct dmesh *));
void op_act_ready(struct dop *);
void op_act_conflict(struct dop *);
/* An act signed by this admin's member key, or by the owner's, if it is here:
 * as_owner when only that will do. E_FORBIDDEN. */
int op_sign(struct dop *, struct dmesh *, bool as_owner, const char *kind,
    const struct wire_msg *, const void *fields, const char **act,
    struct why *);
struct dop *op_own(struct dmesh *); /* nobody's: the daemon's own wish */

/* ---- turnover.c ---- */
struct turning {
	const char *member; /* to be removed, or "" */
	const char *invite; /* that leaked, or "" */
	void (*done)(struct dop *, struct dmesh *);
	int64_t epoch, invites; /* done: the new one; how many it revoked */
	uint8_t key[32];
	char epoch_hash[65], keys_hash[65];
	struct sealed_key *keys;
	size_t n, at;
	const char *prev;
};
/* Turns the epoch; t is in op's memory, and op->extra from now on. */
void op_turn(struct dop *, struct turning *t);
bool turnover_due(struct dmesh *);
void turnover_run(struct dmesh *);
void mesh_ref_fill(const struct dmesh *, struct mesh_ref *);
int sent_reply(struct daemon *, int64_t n, struct local_sent *, struct arena *);

#endif

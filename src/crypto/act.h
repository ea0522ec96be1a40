/*
 * act.h - inside crypto: an act as it travels, its kinds and their rules.
 */
#ifndef CRYPTO_ACT_H
#define CRYPTO_ACT_H

#include "base/map.h"
#include "base/vec.h"
#include "crypto/roll.h"

/* The bytes of an act and its JSON, read but not judged. */
struct act_bytes {
	const uint8_t *sigs; /* nsigs of SIG_LEN bytes */
	size_t nsigs;
	const char *json; /* what the signatures cover */
	size_t njson;
	struct json doc; /* the same, checked */
	uint8_t hash[32];
	char hash_hex[65];
};

/* E_TOO_LONG, E_BAD_FIELD, E_BAD_JSON; E_ROLL_REFUSED: another version. */
int act_open(struct arena *, const char *act_b64, struct act_bytes *,
    struct why *);

/* ---- the state ---- */

struct act_hash {
	char hex[65];
};

struct roll {
	char mesh[MESH_ID_LEN + 1], owner[65], nonce[65], log_key[65];
	char name[65], epoch_hash[65];
	int64_t epoch, send_rate, send_burst;
	VEC(struct act_hash) acts;
	VEC(struct act_hash) epochs; /* hashes of their keys, from epoch 1 */
	VEC(struct roll_member *) members;
	VEC(struct roll_invite *) invites;
	struct map member_by_key, invite_by_key;
	struct map revoked; /* member key and session key, 128 digits */
	size_t nadmins;	    /* active ones */
	bool old_clients, turn_due;
};

/* ---- the rules ---- */

/* One act on its way into a roll. */
struct step {
	struct arena arena; /* all of the act's strings */
	struct act_bytes bytes;
	const struct act_kind *kind;
	struct act head;
	bool by_owner;
	struct roll_member *author; /* NULL: the owner, or not a member yet */
	struct roll_member *member; /* the one it is about, when judged */
	struct roll_invite *invite; /* likewise */
	union {
		struct act_genesis genesis;
		struct act_admin admin;
		struct act_invite invite;
		struct act_invite_revoke invite_revoke;
		struct act_join join;
		struct act_leave leave;
		struct act_session_revoke session_revoke;
		struct act_settings settings;
		struct act_add add;
		struct act_demote demote;
		struct act_remove remove;
		struct act_rotate rotate;
		struct act_unban unban;
		struct act_replace replace;
	} is;
};

enum { /* who may be the author; any of them */
	BY_OWNER = 1,
	BY_ADMIN = 2,  /* active */
	BY_MEMBER = 4, /* active, admin or not */
	BY_SELF = 8,   /* whoever signs; the rule looks at the key itself */
};

/*
 * A kind of act. judge changes nothing and says OK or why not; commit is called
 * only after that and cannot fail. Signatures, order and the author's standing
 * have been looked at before judge; it may fill step's member and invite.
 */
struct act_kind {
	const char *name;
	const struct wire_msg *row;
	unsigned by;
	size_t nsigs;
	size_t second_at; /* in `is`: the second signer's hex, if nsigs is 2 */
	int (*judge)(const struct roll *, struct step *, struct why *);
	void (*commit)(struct roll *, struct step *);
};

const struct act_kind *act_kind(const char *name); /* NULL: unknown */

/* ---- what several rules need: kinds.c ---- */

int act_refused(struct why *, const char *field, const char *text);
int need_key(const char *hex, const char *field, struct why *);
int need_hash(const char *hex, const char *field, struct why *);
int need_name(const char *fault, struct why *);
int need_member_key(const struct roll *, struct step *, const char *hex,
    struct why *);
int need_recovery(const struct roll_member *, const char *hex, struct why *);
bool member_active(const struct roll_member *);
/* Makes or brings back step's member, and makes it admin or not. */
void member_put(struct roll *, struct step *, const char *key, const char *name,
    const char *recovery, bool admin);
void epoch_put(struct roll *, int64_t epoch, const char *hash);
void admin_end(struct roll *, struct roll_member *);
void invites_end(struct roll *, const char *author); /* those it made */
void act_set(char *out, size_t cap, const char *s);  /* it fits */
#define SET(array, s) act_set((array), sizeof(array), (s))

/* ---- kinds_admin.c ---- */

#define RULE(k)                                                          \
	int k##_judge(const struct roll *, struct step *, struct why *); \
	void k##_commit(struct roll *, struct step *);
RULE(add)
RULE(demote)
RULE(remove)
RULE(rotate)
RULE(unban)
RULE(replace)
#undef RULE

#endif

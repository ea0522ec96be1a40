/*
 * roll.h - membership: the list of signed acts, replayed.
 *
 * Pure and deterministic: broker and clients use this same code and come to the
 * same state from the same acts. No clock: expiry of invites is the broker's
 * judgement (roll_invite tells when). Acts that this version does not know are
 * refused, because what they change cannot be known.
 *
 * An act's hash is the SHA-256 of its decoded bytes: count, signatures, JSON.
 * When an admin leaves, the invites it made are revoked with that; a member's
 * known recovery key is not changed by joining again or by becoming admin; the
 * last admin may not leave, nor be removed or demoted. No key has two uses:
 * owner, member and invite keys are all different. A removed key comes back only
 * after an unban, by an invite like any other; a replaced one never.
 */
#ifndef CRYPTO_ROLL_H
#define CRYPTO_ROLL_H

#include "crypto/key.h"

#define ACT_BYTES_MAX 16384
#define ACT_SIGS_MAX 2

enum member_state { MEMBER_ACTIVE, MEMBER_LEFT, MEMBER_REMOVED };

struct roll_member {
	char key[65], name[65], recovery[65], invite[65];
	enum member_state state;
	bool admin;
	bool old_client;	     /* speaks dialect 1 */
	int64_t joined_n, joined_at; /* act number; the author's clock */
	int64_t ended_n;	     /* act that ended it; 0 while active */
	char replaced[65];	     /* by this key; "" when it was not */
};
struct roll_invite {
	char key[65], author[65];
	bool admin; /* role */
	bool revoked;
	int64_t uses, used, expires_at, n;
};

struct roll; /* opaque state */

struct roll *roll_new(void);
void roll_free(struct roll *);
struct roll *roll_copy(const struct roll *); /* to try something */

/* A member's or session's name: why it may not be (a fragment such as "is
 * reserved"), or NULL. */
const char *roll_name_fault(const char *name);

/*
 * Append the act in base64 (as on the wire). OK, or E_ROLL_CONFLICT (does not
 * follow the head), E_ROLL_REFUSED (author may not, invite used up, ...; the
 * sentence says which rule), E_BAD_SIGNATURE, E_REVOKED, E_INVITE_* for joins,
 * or a decode error. On failure the state is unchanged.
 */
int roll_apply(struct roll *, const char *act_b64, struct why *);
/* Would it be accepted? State unchanged. */
int roll_check(const struct roll *, const char *act_b64, struct why *);
/* Has exactly this act been applied (its number and hash)? For retries. */
bool roll_has(const struct roll *, const char *act_b64);
/* Hash of act n, hex; NULL when beyond. To compare with other people's heads. */
const char *roll_hash_at(const struct roll *, int64_t n);

int64_t roll_n(const struct roll *);
const char *roll_head(const struct roll *);  /* hex; "" when empty */
const char *roll_mesh(const struct roll *);  /* mesh id; "" when empty */
const char *roll_owner(const struct roll *); /* owner key hex */
const char *roll_genesis_nonce(const struct roll *);
const char *roll_name(const struct roll *);
const char *roll_log_key(const struct roll *);
int64_t roll_epoch(const struct roll *);
const char *roll_epoch_hash(const struct roll *);
/* Of the key of epoch n; NULL when there is none. */
const char *roll_epoch_hash_at(const struct roll *, int64_t n);
int64_t roll_send_rate(const struct roll *); /* 0: not set */
int64_t roll_send_burst(const struct roll *);
bool roll_old_clients(const struct roll *); /* the owner lets them in */
/* Somebody left, or a key was replaced, who knows the epoch key: an admin's
 * daemon is to turn the epoch. */
bool roll_turn_due(const struct roll *);

/* By key; NULL when there is none. Pointers valid until the next apply. */
const struct roll_member *roll_member(const struct roll *, const char *key_hex);
const struct roll_invite *roll_invite(const struct roll *, const char *key_hex);
/* By the pair: a member cannot revoke the session of another by naming it. */
bool roll_session_revoked(const struct roll *, const char *member_hex,
    const char *session_hex);
bool roll_is_admin(const struct roll *,
    const char *member_hex); /* active admin */
/* In order; NULL at the end. */
const struct roll_member *roll_member_at(const struct roll *, size_t i);
const struct roll_invite *roll_invite_at(const struct roll *, size_t i);

/*
 * Make an act that follows the roll's head: head fields n, prev, author, at are
 * filled from the roll, the signer and now. second signs, too (join: the invite
 * key), or is NULL. Base64 in the arena.
 */
char *act_make(struct arena *, const struct roll *, const char *kind,
    const struct wire_msg *row, const void *fields, const struct key *author,
    const struct key *second, int64_t now_ms);
/* Decode without judging: head, and the JSON for the kind's fields. */
int act_peek(struct arena *, const char *act_b64, struct act *head,
    struct json *doc, char hash_hex[65], struct why *);

/*
 * ---- invite links ----
 *
 * Three spellings of the same thing. BROKER is the broker's canonical URL:
 * ws:// or wss://, host in lower case (name, IPv4 or [IPv6]), optional port,
 * and always the path /ws. CODE only helps people to tell links apart.
 *
 *   https://HOST[:PORT]/i/CODE#SECRET	  wss; with http:// the broker is ws
 *   claudemesh://HOST[:PORT]/i/CODE[?tls=0|1]#SECRET
 *	tls=1: wss, tls=0: ws; without it ws on a loopback host, wss elsewhere
 *   ic://join/BLOB			  self-contained
 *
 *   SECRET = base64url(seed 32 | mesh hash 20 | check 4)
 *   check  = the first 4 bytes of SHA-256("claudemesh/link/2" NUL BROKER NUL
 *	      seed | mesh hash)
 *   BLOB   = base64url of {"v":2,"broker":BROKER,"mesh":..,"seed":base64url,
 *	      "name":..,"inviter":..,"expires":ISO,"check":"8 hex digits"},
 *	      check being last, over SHA-256("claudemesh/link/2" NUL text), text
 *	      being all that precedes ,"check":
 *
 * So one changed, lost or added character anywhere is noticed before dialling.
 */

#define INVITE_CODE_LEN 16
#define INVITE_LINK_MAX 4096 /* bytes, NUL included */
struct invite_link {
	char broker[512]; /* ws(s) URL */
	char mesh[33];	  /* pinned: hash of the genesis act */
	char code[INVITE_CODE_LEN +
	    1];		/* base32 of SHA-256(invite key)[0..10) */
	struct key key; /* the invite key */
	char pin[65];	/* wss: the broker's key that is believed, hex, or "" */
	char name[65], inviter[65]; /* self-contained form only, else "" */
	int64_t expires_at;	    /* self-contained form only, else 0 */
};
/* Each writes broker, mesh and key (code is made from the key); 0, E_BAD_FIELD
 * when the broker URL is of another form, E_TOO_LONG when cap is too small. */
int link_print(char *out, size_t cap, const struct invite_link *);
int link_print_app(char *out, size_t cap, const struct invite_link *);
int link_print_self(char *out, size_t cap, const struct invite_link *);
/* Reads any of the three; white space around it is not part of it.
 * E_LINK_SPOILED with what is wrong. Holds a secret: key_wipe it. */
int link_parse(struct invite_link *, const char *text, struct why *);

#endif

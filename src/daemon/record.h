/*
 * record.h - records of state and memory at the daemon: signing and judging.
 */
#ifndef DAEMON_RECORD_H
#define DAEMON_RECORD_H

#include "daemon/core.h"

struct drecord { /* borrowed */
	const char *kind, *key;
	const char *text; /* what is signed the hash of */
	size_t n;
	int64_t version; /* 0: the broker says that there is none */
	bool gone;
	const char *doc, *attestation; /* "" when there is none */
	const struct text *tag;	       /* only to be signed */
	size_t ntag;
};

enum proof { PROOF_REFUSED, PROOF_UNSIGNED, PROOF_VERIFIED, PROOF_NEEDS_ROLL };
const char *proof_name(enum proof);

struct verdict { /* strings in the daemon's arena */
	enum proof proof;
	char problem[257];
	const char *by, *member, *writer; /* "" unless verified */
	int64_t at;
	const struct text *tag;
	size_t ntag;
};

/* The document for this version of the record, signed by the session. */
char *record_sign(struct arena *, const struct dsess *, const struct drecord *);
/* A verified one is remembered as seen. NEEDS_ROLL: the roll is not as long
 * here as where it was signed. */
enum proof record_judge(struct dmesh *, const struct drecord *,
    struct verdict *);
int record_saw(struct dmesh *, const struct drecord *); /* our own */
int64_t record_version(struct dmesh *, const struct drecord *);
/* Once for an operation begun with op_up: go is called again when the roll is
 * in step, or after a while. false: it was waited for already. */
bool record_wait_roll(struct dop *, struct dmesh *);

/* ---- state.c: changes, for those who watch; do_state.c ---- */
struct drecord state_record(const struct state_entry *);
struct state_row state_row_of(const struct dmesh *, const struct state_entry *);
void state_row_judge(struct state_row *, const struct verdict *);
/* How many with this prefix came after that number, in the daemon's arena. */
size_t state_changes(struct dmesh *, const char *prefix, int64_t after,
    struct local_state_changes *);
void state_pushed(struct dmesh *, const struct frame *);
void state_gap(struct dmesh *); /* changes may have been missed */
void state_ring_free(struct state_ring *);

#endif

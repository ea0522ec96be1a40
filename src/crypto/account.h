/*
 * account.h - the account as it is carried to another machine of its user:
 * sealed under a one-time code that travels by another way. No server has part
 * in it.
 *
 *   text  = "claudemesh-account:" base64url( bytes )
 *   bytes = 2 | salt 16 | nonce 24 | box | check 4
 *   box   = crypto_secretbox( JSON of account_parcel, nonce, key )
 *   key   = argon2id( code, salt; 3 passes, 64 MiB, 1 lane; 32 bytes )
 *   check = the first 4 bytes of SHA-256( "claudemesh/account-link/2" NUL and
 *	     all that precedes )
 *
 * The check tells a spoiled text from a wrong code before argon2 is run. The
 * code is 12 of "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 60 bits; in print after each
 * 4th a dash. When read, case, dashes and spaces mean nothing, O is 0, I and L
 * are 1. That the parcel expires is kept by honest readers only.
 */
#ifndef CRYPTO_ACCOUNT_H
#define CRYPTO_ACCOUNT_H

#include "crypto/key.h"

#define ACCOUNT_CODE_LEN 12
#define ACCOUNT_CODE_SHOWN 14
#define ACCOUNT_TEXT_MAX 131072

/* A new code, as it is shown. */
void account_code(char out[ACCOUNT_CODE_SHOWN + 1]);
/* As argon2 takes it; false when it cannot be a code. */
bool account_code_read(char out[ACCOUNT_CODE_LEN + 1], const char *text);

/* The text, in the arena. E_TOO_LONG: too many meshes. */
int account_seal(struct arena *, const struct account_parcel *,
    const char *code, const char **text, struct why *);
/*
 * E_LINK_SPOILED: the text is damaged; E_BAD_FIELD: no code; E_CANNOT_OPEN: the
 * code is another one; E_EXPIRED. seed gets the seed: wipe it.
 */
int account_open(struct arena *, const char *text, const char *code,
    int64_t now, struct account_parcel *, uint8_t seed[32], struct why *);

/* ---- its two parsers, for the fuzzer ---- */

/* The bytes of a text whose check is right. */
int account_text_read(struct arena *, const char *text, const uint8_t **bytes,
    size_t *n, struct why *);
/* The document that was in the box. */
int account_parcel_read(struct arena *, const char *json, size_t n, int64_t now,
    struct account_parcel *, uint8_t seed[32], struct why *);

#endif

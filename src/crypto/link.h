/*
 * link.h - inside crypto: what printing and reading invite links share.
 */
#ifndef CRYPTO_LINK_H
#define CRYPTO_LINK_H

#include "crypto/roll.h"

#define LINK_SECRET_LEN (32 + 20 + 4)	       /* seed, mesh hash, check */
#define LINK_PINNED_LEN (LINK_SECRET_LEN + 32) /* the pin before the check */

/* Where HOST[:PORT] of a canonical broker URL is. */
struct link_url {
	const char *host; /* in the URL */
	size_t nhost;	  /* with the port */
	bool tls, loopback;
};

/* ws(s)://host[:port]/ws and nothing else, host in lower case? */
bool link_url_read(struct link_url *, const char *broker);
/* The same for host[:port] alone; loopback may be NULL. */
bool link_host_ok(const char *host, size_t n, bool *loopback);

/* First 4 bytes of SHA-256 over the link's domain and the n bytes. */
void link_check(uint8_t out[4], const void *p, size_t n);
/* That over broker NUL secret[0..n-4), the check of the short forms. */
void link_secret_check(uint8_t out[4], const char *broker,
    const uint8_t *secret, size_t n);
void link_code(char out[INVITE_CODE_LEN + 1], const uint8_t pub[32]);

#endif

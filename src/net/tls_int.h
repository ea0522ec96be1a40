/*
 * tls_int.h - inside TLS: what tls.c, tls_trust.c and tls_cert.c share.
 */
#ifndef NET_TLS_INT_H
#define NET_TLS_INT_H

#include <openssl/ssl.h>

#include "net/tls.h"

struct tls_server {
	SSL_CTX *ctx; /* NULL: none loaded */
	int64_t expires_at;
	char pin[TLS_PIN_LEN + 1];
};

struct tls {
	SSL *ssl;
	BIO_METHOD *method;
	const char *in; /* not yet taken by OpenSSL */
	size_t nin;
	struct buf out;
	bool open, broken, bye, untrusted;
	char host[256];
	char pin[TLS_PIN_LEN + 1]; /* wanted, or "" */
	char why[TLS_WHY];
};

/* tls.c */
SSL_CTX *tls_ctx(bool server); /* everything but certificates and trust */

/* tls_trust.c */
int tls_trust(struct tls *, SSL_CTX *, const char *ca);
void tls_pin_of(char out[TLS_PIN_LEN + 1], X509 *);
/* Text out of a certificate, fit to be shown; NULL is "". */
void tls_tame(char *out, size_t cap, const char *s, size_t n);
int64_t tls_time(const ASN1_TIME *); /* ms since 1970 */
/* Why one of these dates is against it, or NULL. */
const char *tls_dates(X509 *, char *scratch, size_t cap);

/* The newest complaint of OpenSSL, and the queue is empty. */
const char *tls_errors(void);

#endif

/*
 * tls.h - TLS as a filter of bytes, over OpenSSL: what came from the other end
 * goes in, text comes out, and the other way round. It knows no sockets; the
 * streams of io_uv.c put it between themselves and their owners.
 *
 * TLS 1.2 and 1.3, ALPN http/1.1, no renegotiation, no resumption, no early
 * data. Both ends are ours to configure in one place: tls.c. Whom a client
 * believes is in tls_trust.c, a broker's certificate files in tls_cert.c.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define TLS_PIN_LEN 64 /* SHA-256 of the public key (SPKI), lower hex */
#define TLS_WHY 256
#define TLS_RECORD (16 * 1024)

/* ---- a server's certificate ---- */

struct tls_server;
struct tls_server *tls_server_new(void); /* without one nobody gets in */
void tls_server_free(struct tls_server *);
/*
 * Reads PEM files: a certificate with its chain, and its private key. 0, or -1
 * with a sentence that names the file; then what was loaded before stays.
 * Connections keep the certificate they began with.
 */
int tls_server_load(struct tls_server *, const char *cert, const char *key,
    char why[TLS_WHY]);
const char *tls_server_pin(const struct tls_server *);
/* Is the certificate for this name or address ([] around IPv6 or not)? */
bool tls_server_names(const struct tls_server *, const char *host);
int64_t tls_server_expires(const struct tls_server *); /* ms; 0: none yet */

/*
 * A self-signed certificate for these names and addresses, NULL-ended. A key
 * that is there is used, else one is made, mode 0600. Neither file may hold
 * what is not ours to replace: an existing certificate needs `again`.
 */
int tls_self_signed(const char *cert, const char *key, const char *const *hosts,
    int days, bool again, char pin[TLS_PIN_LEN + 1], char why[TLS_WHY]);

/* ---- one connection ---- */

struct tls;
struct tls *tls_accept(struct tls_server *);
/*
 * host: who it must be. ca: PEM text of those whose word is taken instead of
 * the system's store, or NULL. pin: the key it must have; then neither name nor
 * issuer matter. NULL with why when ca is no good.
 */
struct tls *tls_connect(const char *host, const char *ca, const char *pin,
    char why[TLS_WHY]);
void tls_free(struct tls *);

enum tls_got {
	TLS_MORE,   /* nothing until more comes */
	TLS_DONE,   /* the handshake is over; or *got bytes of text are there */
	TLS_ENDED,  /* they said close_notify */
	TLS_BROKEN, /* see tls_why; what tls_out holds may still go */
};
/* Bytes of theirs, borrowed until tls_read says TLS_MORE. */
void tls_feed(struct tls *, const void *p, size_t n);
enum tls_got tls_shake(struct tls *); /* also begins a client's */
enum tls_got tls_read(struct tls *, char *to, size_t cap, size_t *got);
bool tls_is_open(const struct tls *); /* shaken, and not broken */
int tls_write(struct tls *, const char *p, size_t n); /* when open */
void tls_bye(struct tls *);			      /* close_notify, once */
bool tls_said_bye(const struct tls *);
struct buf *tls_out(struct tls *); /* to be sent; the caller empties it */

const char *tls_why(const struct tls *); /* "" or why it broke, for people */
bool tls_untrusted(const struct tls *);	 /* it broke over their certificate */

bool tls_pin_ok(const char *pin); /* 64 hex digits, lower case */

#endif

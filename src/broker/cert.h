/*
 * cert.h - a broker process's certificate files: loaded at start, watched while
 * it runs, loaded again when they change or when told to.
 */
#ifndef BROKER_CERT_H
#define BROKER_CERT_H

#include "net/io.h"
#include "net/tls.h"
#include "wire/wire.h"

struct cert_watch;

/* Files that do not stand at the beginning are an error, with why. */
struct cert_watch *cert_watch_new(struct io *, const char *cert,
    const char *key, struct why *);
void cert_watch_free(struct cert_watch *); /* after all its connections */
struct tls_server *cert_server(struct cert_watch *);
/* Reads the files now. What is wrong with them is logged; the old pair stays. */
void cert_reload(struct cert_watch *);

#endif

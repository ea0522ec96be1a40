/*
 * trust.h - whom of a broker is believed; see trust.c. For the verbs that meet a
 * broker for the first time.
 */
#ifndef CLI_TRUST_H
#define CLI_TRUST_H

#include "cli/cli.h"

extern const struct flag trust_flags[]; /* --ca and --pin */
/* What was given of them; ca as text. What was not stays. */
int trust_fill(struct cli *, const char **ca, const char **pin);
/*
 * cli_call; when the broker shows an unknown key and there is a terminal, asks
 * about it and calls again. pin is the request's own field.
 */
int trust_call(struct cli *, const struct wire_msg *row, const void *in,
    const char **pin, void *out);
/* Says so when the broker is far away and has no TLS. */
void trust_warn(struct cli *, const char *broker);

#endif

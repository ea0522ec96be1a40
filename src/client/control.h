/*
 * control.h - one line to a broker of this machine, by its control socket.
 */
#ifndef CLIENT_CONTROL_H
#define CLIENT_CONTROL_H

#include "base/buf.h"
#include "wire/wire.h"

/* The answer, one JSON object, in out. E_UNREACHABLE: no broker runs there. */
int control_call(const char *data, const char *line, int timeout_ms,
    struct buf *out, struct why *);

#endif

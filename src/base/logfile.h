/*
 * logfile.h - the log in a file that does not grow for ever: when it is full it
 * is set aside as FILE.1 (FILE.1 as FILE.2 and so on) and a new one is begun.
 */
#ifndef BASE_LOGFILE_H
#define BASE_LOGFILE_H

#include <stdint.h>

/* Opens it, mode 0600, and sends the log there. The descriptor, or -1 with
 * errno. cap 0: it grows. */
int logfile_open(const char *path, int64_t cap, int keep);
void logfile_limit(int64_t cap, int keep);
/* Anew, after somebody moved it away. When that fails the old one goes on. */
int logfile_reopen(void);

#endif

/*
 * self.h - which program this is: its version, when its binary was built, where
 * it lies. A daemon compares them with those of its clients.
 */
#ifndef CLIENT_SELF_H
#define CLIENT_SELF_H

#include <stddef.h>
#include <stdint.h>

const char *self_version(void);
/* Modification time of the running binary, seconds since 1970; 0: unknown. */
int64_t self_build(void);
/* Path of the running binary, or of fallback in $PATH; 0 or -1. */
int self_exe(char *out, size_t cap, const char *fallback);

#endif

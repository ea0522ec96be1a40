/*
 * self.h - which program this is: its version, when its binary was built, where
 * it lies. A daemon compares them with those of its clients.
 */
#ifndef CLIENT_SELF_H
#define CLIENT_SELF_H

#include <stddef.h>
#include <stdint.h>

const char *self_version(void);
/* Modification time of a binary, seconds since 1970; 0: unknown. The one that
 * runs, whatever became of its file; and that of a path. */
int64_t self_build(void);
int64_t self_build_of(const char *exe);
/* Path of the running binary, or of fallback in $PATH; 0 or -1. */
int self_exe(char *out, size_t cap, const char *fallback);

#endif

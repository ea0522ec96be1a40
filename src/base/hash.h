/*
 * hash.h - a keyed hash for tables whose keys strangers choose (SipHash-1-3).
 * The key differs from process to process, so nobody outside can make keys
 * that collide. The value is for this process only: never store or send it,
 * and let no order depend on it.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *p, size_t n);

#endif

/*
 * id.h - row ids as they appear on the wire: 22 base62 characters that sort by
 * time (8 for milliseconds, 14 random).
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#define ID_LEN 22

/* rnd: 16 bytes of randomness from io.h. */
void id_make(char out[ID_LEN + 1], int64_t now_ms, const uint8_t rnd[16]);
bool id_valid(const char *s, int min, int max); /* base62, '-' and '_' */

#endif

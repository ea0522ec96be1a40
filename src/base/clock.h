/*
 * clock.h - instants as text. An instant is int64_t milliseconds since 1970
 * UTC. Nothing here asks what time it is: only io.h knows.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_ISO_LEN 24 /* 2026-11-20T19:13:00.000Z */

void clock_iso(char out[CLOCK_ISO_LEN + 1], int64_t at_ms);
int clock_parse(const char *s, int64_t *at_ms); /* exactly that form; 0 or -1 */
/* "now", "12 s", "5 min", "3 h", "4 d": how long ago, for people. */
void clock_age(char out[16], int64_t now_ms, int64_t at_ms);
/* "90s", "15m", "2h", "7d" to milliseconds; -1 when it is none of these. */
int64_t clock_duration(const char *s);

#endif

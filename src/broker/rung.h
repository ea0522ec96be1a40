/*
 * rung.h - how far a message came, in order. A rung is only ever raised; what
 * was held may be delivered later, not the other way round; failed follows only
 * what has not arrived, and nothing follows it.
 */
#ifndef BROKER_RUNG_H
#define BROKER_RUNG_H

#include <stdbool.h>

int rung_rank(const char *rung); /* -1: none that a receiver signs */
bool rung_may_follow(const char *rung, const char *was);
bool rung_arrived(const char *rung); /* delivered or more */

#endif

/*
 * rung.h - how far a message came, in order. A rung is only ever raised; held
 * and delivered, failed and surfaced stand beside each other, for what was held
 * may be delivered later and the other way round.
 */
#ifndef BROKER_RUNG_H
#define BROKER_RUNG_H

#include <stdbool.h>

int rung_rank(const char *rung); /* -1: none that a receiver signs */
bool rung_may_follow(const char *rung, const char *was);
bool rung_arrived(const char *rung); /* delivered or more */

#endif

/*
 * rung.c - the order of receipts. What a receiver may sign begins at held;
 * stored and expired are the broker's own words, and a late receipt, after a
 * copy expired, still counts.
 */
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "broker/rung.h"

#define HELD 1
#define FAILED 9

static const struct {
	const char *name;
	int rank;
	bool arrived;
} rungs[] = {
	{ "stored", 0, false }, { "expired", 0, false }, { "held", 1, false },
	{ "delivered", 2, true }, { "surfaced", 3, true },
	{ "in_context", 4, true }, { "answered", 5, true },
	{ "failed", FAILED, false }, /* before it arrived, or never */
};

static int
rank_of(const char *rung)
{
	size_t i;

	for (i = 0; i < countof(rungs); i++) {
		if (strcmp(rungs[i].name, rung) == 0)
			return rungs[i].rank;
	}
	return -1;
}

int
rung_rank(const char *rung)
{
	int rank = rank_of(rung);

	return rank <= 0 ? -1 : rank;
}

bool
rung_may_follow(const char *rung, const char *was)
{
	int a = rank_of(rung), b = rank_of(was);

	if (a == FAILED)
		return b <= HELD;
	return b != FAILED && a > b;
}

bool
rung_arrived(const char *rung)
{
	size_t i;

	for (i = 0; i < countof(rungs); i++) {
		if (strcmp(rungs[i].name, rung) == 0)
			return rungs[i].arrived;
	}
	return false;
}

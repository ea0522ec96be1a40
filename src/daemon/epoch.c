/*
 * epoch.c - epoch keys: which one is sealed under, and those of before, under
 * which mail may still be on its way.
 */
#include "daemon/core.h"

#include <string.h>

#include "base/enc.h"

/* The one number that is sealed under, as the roll has it. */
int64_t
dmesh_epoch(const struct dmesh *m)
{
	return roll_epoch(m->roll);
}

bool
dmesh_epoch_key(struct dmesh *m, int64_t n, uint8_t out[32])
{
	struct db_rows *r;

	if (n == m->epoch) {
		memcpy(out, m->epoch_key, 32);
		return n > 0;
	}
	r = d_read(m->d, NULL,
	    "SELECT secret FROM epoch WHERE mesh = $1 AND n = $2 LIMIT 1",
	    DB_VALS(db_i(m->no), db_i(n)));
	return r != NULL && r->n == 1 &&
	    hex_decode(out, 32, db_text(r, 0, 0), 64) == 32;
}

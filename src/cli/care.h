/*
 * care.h - what whoever runs a broker does to it: broker reload, backup,
 * restore, and what it says of itself.
 */
#ifndef CLI_CARE_H
#define CLI_CARE_H

#include "cli/cli.h"

extern const struct flag care_flags[]; /* --data */

/* What the broker of --data, or of this home, says of itself; 0 or E_. */
int care_ask(struct cli *, struct buf *out, struct why *);
void care_show(struct cli *, const char *text, size_t n);

int care_reload(struct cli *, const struct verb *);
int care_backup(struct cli *, const struct verb *);
int care_restore(struct cli *, const struct verb *);
extern const struct flag care_backup_flags[], care_restore_flags[];

#endif

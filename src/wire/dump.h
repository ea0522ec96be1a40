/*
 * dump.h - what the three descriptions of the protocol share. Inside wire.
 */
#ifndef WIRE_DUMP_H
#define WIRE_DUMP_H

#include "wire/wire.h"

void dump_markdown(struct buf *);
void dump_schema(struct buf *);
void dump_typescript(struct buf *);

/* Does a record stand for a bare string in a list? */
bool dump_bare(const struct wire_msg *);

#endif

/*
 * schema.c - the schema texts, taken into the program as they stand in schema/.
 *
 * The table is steps.def, included twice: once to let the assembler include
 * each file under a symbol of its own, once to list the symbols. SCHEMA_ROOT is
 * the source root and comes from the build; without it the compiler must run in
 * the source root. The compiler does not see that this object depends on the
 * .sql files; the build makes schema_stamp.h anew when one of them changes.
 */
#include "base/mem.h"
#include "store/db.h"

#if defined(__has_include)
#if __has_include("schema_stamp.h")
#include "schema_stamp.h"
#endif
#endif

#ifndef SCHEMA_ROOT
#define SCHEMA_ROOT "."
#endif

#define EMBED(symbol, file)                                         \
	__asm__(".pushsection .rodata\n"                            \
		".globl " symbol "\n"                               \
		".hidden " symbol "\n" symbol ":\n"                 \
		".incbin \"" SCHEMA_ROOT "/schema/" file ".sql\"\n" \
		".byte 0\n"                                         \
		".popsection\n");

#define BROKER(no, name)                        \
	extern const char schema_broker_##no[]; \
	EMBED("schema_broker_" #no, "broker/" name)
#define DAEMON(no, name)                        \
	extern const char schema_daemon_##no[]; \
	EMBED("schema_daemon_" #no, "daemon/" name)
#include "store/steps.def"
#undef BROKER
#undef DAEMON

const struct db_step broker_schema[] = {
#define BROKER(no, name) { no, name, schema_broker_##no },
#define DAEMON(no, name)
#include "store/steps.def"
#undef BROKER
#undef DAEMON
};
const size_t broker_schema_n = countof(broker_schema);

const struct db_step daemon_schema[] = {
#define BROKER(no, name)
#define DAEMON(no, name) { no, name, schema_daemon_##no },
#include "store/steps.def"
#undef BROKER
#undef DAEMON
};
const size_t daemon_schema_n = countof(daemon_schema);

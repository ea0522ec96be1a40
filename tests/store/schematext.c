/*
 * schematext.c - schematext broker|daemon: the schema as PostgreSQL wants it,
 * all steps in order.
 */
#include <stdio.h>
#include <string.h>

#include "store/db.h"

int
main(int argc, char **argv)
{
	struct arena a = { 0 };
	bool broker = argc == 2 && strcmp(argv[1], "broker") == 0;
	const struct db_step *s = broker ? broker_schema : daemon_schema;
	size_t n = broker ? broker_schema_n : daemon_schema_n;

	if (argc != 2)
		return 2;
	for (size_t i = 0; i < n; i++)
		printf("%s\n", db_schema_text(&a, s[i].sql, DB_POSTGRES));
	arena_fini(&a);
	return 0;
}

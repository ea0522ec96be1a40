/*
 * jansson_says.c - asks jansson whether a text is JSON without duplicate keys.
 *
 * Where it differs from json.h by design: it refuses numbers that overflow a
 * double or 64 bits, and its nesting goes deeper.
 */
#include <jansson.h>

#include "tests/unit/jansson_says.h"

bool
jansson_accepts(const char *text, size_t n)
{
	json_t *j =
	    json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	bool yes = j != NULL;

	json_decref(j);
	return yes;
}

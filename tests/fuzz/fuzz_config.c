/*
 * fuzz_config.c - a broker's configuration from anybody's editor. The first
 * byte says which flags were given before. What is read must be within its
 * limits, and what is refused must say where.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/config.h"

#define MUST(x)                                                    \
	do {                                                       \
		if (!(x)) {                                        \
			fprintf(stderr, "%d: %s\n", __LINE__, #x); \
			abort();                                   \
		}                                                  \
	} while (0)

static void
within(const struct config *c, int w)
{
	const struct config_row *row = &config_rows[w];
	const struct config_value *v = &c->v[w];

	MUST(v->text != NULL && v->list != NULL && v->list[v->n] == NULL);
	MUST(v->n <= CONFIG_LIST_MAX);
	if (row->kind == CONFIG_NUMBER || row->kind == CONFIG_SIZE)
		MUST(v->i >= row->min && v->i <= row->max);
	if (v->from == CONFIG_FILE)
		MUST(v->line > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct config c, again;
	struct why why = { 0 };
	int r, w;

	if (n == 0)
		return 0;
	config_init(&c);
	if (data[0] & 1)
		MUST(config_flag(&c, CONF_send_rate, "7", &why) == OK);
	if (data[0] & 2)
		MUST(config_flag(&c, CONF_url, "ws://a", &why) == OK);
	r = config_parse(&c, "f", (const char *)data + 1, n - 1, &why);
	MUST(r == OK || (why.text[0] == 'f' && strlen(why.text) > 4));
	for (w = 0; r == OK && w < CONF_COUNT_; w++)
		within(&c, w);
	if (data[0] & 1)
		MUST(c.v[CONF_send_rate].i == 7);
	config_init(&again);
	config_flags_of(&again, &c);
	for (w = 0; w < CONF_COUNT_; w++)
		MUST(c.v[w].from != CONFIG_FLAG ||
		    config_same(&c, &again, (enum config_word)w));
	config_fini(&again);
	config_fini(&c);
	return 0;
}

/*
 * jansson_says.h - the verdict of another JSON reader. jansson's names collide
 * with ours, so its header stays in the one file behind this one.
 */
#ifndef TESTS_JANSSON_SAYS_H
#define TESTS_JANSSON_SAYS_H

#include <stdbool.h>
#include <stddef.h>

bool jansson_accepts(const char *text, size_t n);

#endif

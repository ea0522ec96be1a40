/*
 * scan.h - how far a text is plain, sixteen bytes at a time: what the hot path
 * of broker and daemon does with every byte it is sent.
 */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* How many bytes at s, of n, are ASCII (below 0x80). */
size_t scan_ascii(const char *s, size_t n);
/* How many bytes at s, of n, stand for themselves in a JSON string: ASCII, and
 * no quote, backslash, control character or DEL. */
size_t scan_plain(const char *s, size_t n);
/* Only letters, digits, +, / and = in the NUL-terminated s. */
bool scan_base64(const char *s);

#endif

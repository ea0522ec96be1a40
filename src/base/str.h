/*
 * str.h - small things about text: UTF-8, names, copies with a limit.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
/* Copies at most cap-1 bytes and a NUL; false when s did not fit. */
bool str_copy(char *out, size_t cap, const char *s);

bool utf8_valid(const char *s,
    size_t n); /* RFC 3629: no surrogates, ≤ 10FFFF */
/* Length of the one valid sequence at s[0..n); 0 when there is none. */
size_t utf8_step(const char *s, size_t n);
/* Next code point at *s (valid UTF-8, NUL-terminated); 0 at the end. */
uint32_t utf8_next(const char **s);
size_t utf8_width(const char *s); /* columns on a terminal, roughly */

/*
 * A name is one line: 1..max bytes of valid UTF-8 without control characters,
 * bidirectional controls, zero-width characters, line or paragraph separators,
 * and without white space at either end. Returns NULL when it is fine, else a
 * sentence fragment such as "is longer than 64 bytes".
 */
const char *str_name_fault(const char *s, size_t max);
bool cp_is_unsafe(
    uint32_t cp); /* control, bidi control, zero-width, U+2028.. */

#endif

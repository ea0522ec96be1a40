/*
 * enc.h - bytes as text and back: hex, base64 (standard, padded), base64url
 * (unpadded), base32 (RFC 4648 lower case, unpadded).
 * Encoders write a NUL. Decoders are strict: exact alphabet, exact padding, no
 * white space, no stray bits; they return the number of bytes or -1.
 */
#ifndef BASE_ENC_H
#define BASE_ENC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define HEX_LEN(n) ((n)*2)
#define B64_LEN(n) (((n) + 2) / 3 * 4)
#define B64URL_LEN(n) (((n)*4 + 2) / 3)
#define B32_LEN(n) (((n)*8 + 4) / 5)

void hex_encode(char *out, const void *p, size_t n); /* HEX_LEN(n)+1 bytes */
ssize_t hex_decode(void *out, size_t cap, const char *s, size_t n);
bool hex_is(const char *s, size_t nbytes); /* exactly nbytes as lower hex */

void b64_encode(char *out, const void *p, size_t n);
ssize_t b64_decode(void *out, size_t cap, const char *s, size_t n);
void b64url_encode(char *out, const void *p, size_t n);
ssize_t b64url_decode(void *out, size_t cap, const char *s, size_t n);
void b32_encode(char *out, const void *p, size_t n);
ssize_t b32_decode(void *out, size_t cap, const char *s, size_t n);

#endif

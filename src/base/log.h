/*
 * log.h - four levels, one line per event, key=value. Never payloads, keys or
 * tokens. Values with spaces or odd characters are quoted and escaped, so
 * nobody forges a line. Time comes from whoever set the clock function.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* fd to write to (2 by default; -1: nowhere); now may be NULL (no time). */
void log_setup(int fd, enum log_level max, int64_t (*now)(void *), void *arg);
enum log_level log_level_get(void);
/* Called with the length of each line that was written. */
void log_watch(void (*wrote)(size_t));

/*
 * log_event(LOG_INFO, "link_up", "mesh", slug, "broker", url, NULL):
 * pairs of key and value, all strings, ended by NULL. A NULL value prints "-".
 */
void log_event(enum log_level, const char *event, ...)
    __attribute__((sentinel));
/* A small ring of printed numbers for use as values: log_i(42). */
const char *log_i(int64_t v);

#endif

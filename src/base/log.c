/*
 * log.c - one event, one line, one write. A value is printed as it is when it
 * is made of harmless ASCII; otherwise it is quoted, and everything that could
 * end the line, move a cursor or hide text is escaped.
 *
 * The level and the descriptor are the process's, set once by main.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#define LINE_MAX_BYTES 8192
#define VALUE_MAX_BYTES 1024

static struct {
	int fd;
	enum log_level max;
	int64_t (*now)(void *);
	void *arg;
	void (*wrote)(size_t);
} to = { .fd = STDERR_FILENO, .max = LOG_INFO };

void
log_setup(int fd, enum log_level max, int64_t (*now)(void *), void *arg)
{
	to.fd = fd;
	to.max = max;
	to.now = now;
	to.arg = arg;
}

void
log_watch(void (*wrote)(size_t))
{
	to.wrote = wrote;
}

enum log_level
log_level_get(void)
{
	return to.max;
}

static bool
plain(const char *s)
{
	static const char odd[] = "._:/@+-,%~#[]";

	if (*s == '\0' || strcmp(s, "-") == 0 || strlen(s) > VALUE_MAX_BYTES)
		return false;
	for (; *s != '\0'; s++) {
		if (!((*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') ||
			(*s >= 'A' && *s <= 'Z') || strchr(odd, *s) != NULL))
			return false;
	}
	return true;
}

/* One character of a quoted value; step is its length, 0 when invalid. */
static void
add_char(struct buf *line, const char *s, size_t step)
{
	const char *at = s;
	uint32_t cp;

	if (step == 0) {
		buf_addf(line, "\\x%02x", (unsigned)(unsigned char)*s);
		return;
	}
	cp = utf8_next(&at);
	if (cp == '"' || cp == '\\')
		buf_addf(line, "\\%c", (char)cp);
	else if (cp == '\n')
		buf_adds(line, "\\n");
	else if (cp_is_unsafe(cp))
		buf_addf(line, "\\u{%" PRIx32 "}", cp);
	else
		buf_add(line, s, step);
}

static void
add_value(struct buf *line, const char *s)
{
	const char *begin = s;
	size_t step;

	if (s == NULL || plain(s)) {
		buf_adds(line, s == NULL ? "-" : s);
		return;
	}
	buf_addc(line, '"');
	while (*s != '\0' && s - begin < VALUE_MAX_BYTES) {
		step = utf8_step(s, strnlen(s, 4));
		add_char(line, s, step);
		s += step == 0 ? 1 : step;
	}
	buf_adds(line, *s == '\0' ? "\"" : "...\"");
}

static void
add_head(struct buf *line, enum log_level level, const char *event)
{
	static const char *const name[] = { "error", "warn", "info", "debug" };
	char iso[CLOCK_ISO_LEN + 1];

	if (to.now != NULL) {
		clock_iso(iso, to.now(to.arg));
		buf_addf(line, "time=%s ", iso);
	}
	buf_addf(line, "level=%s event=", name[level]);
	add_value(line, event);
}

void
log_event(enum log_level level, const char *event, ...)
{
	struct buf line;
	const char *k, *v;
	va_list ap;

	if (level > to.max || to.fd < 0)
		return;
	buf_init(&line, LINE_MAX_BYTES);
	add_head(&line, level, event);
	va_start(ap, event);
	while ((k = va_arg(ap, const char *)) != NULL) {
		v = va_arg(ap, const char *);
		buf_addf(&line, " %s=", k);
		add_value(&line, v);
	}
	va_end(ap);
	if (line.over) /* full: the end gives way to the one line feed */
		buf_adds(&line, "...");
	if (line.len > LINE_MAX_BYTES - 1)
		line.len = LINE_MAX_BYTES - 1;
	buf_addc(&line, '\n');
	/* A log that cannot be written (a full disk) has nowhere to say so. */
	if (write(to.fd, line.data, line.len) > 0 && to.wrote != NULL)
		to.wrote(line.len);
	buf_fini(&line);
}

const char *
log_i(int64_t v)
{
	static char ring[16][24];
	static unsigned at;
	char *out = ring[at++ % 16];

	snprintf(out, sizeof(ring[0]), "%" PRId64, v);
	return out;
}

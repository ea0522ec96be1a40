/*
 * safe.c - text that other people wrote, on its way to a terminal: control,
 * bidirectional and zero-width characters are spelt out instead of obeyed.
 */
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"

void
safe_add(struct buf *b, const char *s, bool lines)
{
	const char *from;
	uint32_t cp;
	size_t n;

	if (s == NULL)
		return;
	while (*s != '\0') {
		from = s;
		if ((n = utf8_step(s, strlen(s) < 4 ? strlen(s) : 4)) == 0) {
			buf_addf(b, "<%02X>", (unsigned char)*s++);
			continue;
		}
		cp = utf8_next(&s);
		if (lines && cp == '\n')
			buf_addc(b, '\n');
		else if (cp == '\t' || (!lines && cp == '\n'))
			buf_addc(b, ' ');
		else if (cp_is_unsafe(cp))
			buf_addf(b, "<U+%04X>", (unsigned)cp);
		else
			buf_add(b, from, n);
	}
}

const char *
safe(struct cli *c, const char *s)
{
	struct buf b;
	const char *out;

	buf_init(&b, 1 << 20);
	safe_add(&b, s, false);
	out = arena_strndup(&c->arena, buf_str(&b), b.len);
	buf_fini(&b);
	return out;
}

/* A checked JSON document with what a terminal would obey as \u escapes. Such
 * characters stand only inside strings, where the escape means the same. */
void
safe_json(struct buf *b, const char *text, size_t n)
{
	size_t i, len;
	uint32_t cp;
	const char *s;

	for (i = 0; i < n; i += len) {
		len = (unsigned char)text[i] < 0x80
		    ? 1
		    : utf8_step(text + i, n - i);
		if (len <= 1 && text[i] != 0x7f) {
			len = 1;
			buf_addc(b, text[i]);
			continue;
		}
		s = text + i;
		cp = len == 1 ? 0x7f : utf8_next(&s);
		if (!cp_is_unsafe(cp))
			buf_add(b, text + i, len);
		else if (cp < 0x10000)
			buf_addf(b, "\\u%04x", (unsigned)cp);
		else
			buf_addf(b, "\\u%04x\\u%04x",
			    (unsigned)(0xd800 + ((cp - 0x10000) >> 10)),
			    (unsigned)(0xdc00 + ((cp - 0x10000) & 0x3ff)));
	}
}

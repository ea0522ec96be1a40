/*
 * json_walk.c - stepping through JSON that json_check has passed, taking
 * values out of it, and writing strings.
 *
 * Nothing here looks for faults: a quote has its partner and a backslash its
 * letter. What is not of the kind asked for is answered as absent.
 */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/scan.h"

enum json_kind
json_kind(struct json j)
{
	if (j.p == NULL || j.n == 0)
		return JSON_NONE;
	switch (*j.p) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL_;
	default:
		return JSON_NUMBER;
	}
}

bool
json_is_null(struct json j)
{
	return json_kind(j) == JSON_NULL_;
}

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* p on the opening quote; returns the place behind the closing one. */
static const char *
skip_string(const char *p, const char *end)
{
	const char *quote, *back;

	for (p++;; p = quote + 1) {
		quote = memchr(p, '"', (size_t)(end - p));
		assert(quote != NULL);
		for (back = quote; back > p && back[-1] == '\\'; back--)
			;
		if ((quote - back) % 2 == 0)
			return quote + 1;
	}
}

static const char *
skip_container(const char *p, const char *end)
{
	int depth = 0;

	while (p < end) {
		switch (*p) {
		case '"':
			p = skip_string(p, end);
			continue;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			if (--depth == 0)
				return p + 1;
			break;
		default:
			break;
		}
		p++;
	}
	return end;
}

static const char *
skip_value(const char *p, const char *end)
{
	if (*p == '"')
		return skip_string(p, end);
	if (*p == '{' || *p == '[')
		return skip_container(p, end);
	while (p < end && *p != ',' && *p != '}' && *p != ']' && *p != ' ' &&
	    *p != '\n' && *p != '\r' && *p != '\t')
		p++;
	return p;
}

bool
json_next(struct json of, struct json_iter *it, struct json *key,
    struct json *value)
{
	const char *from;
	enum json_kind kind = json_kind(of);

	if (kind != JSON_OBJECT && kind != JSON_ARRAY)
		return false;
	if (!it->started) {
		it->started = true;
		it->p = of.p + 1;
		it->end = of.p + of.n - 1; /* the closing bracket */
	}
	it->p = skip_space(it->p, it->end);
	if (it->p == it->end)
		return false;
	if (kind == JSON_OBJECT) {
		from = it->p;
		it->p = skip_string(from, it->end);
		if (key != NULL)
			*key = (struct json){ from + 1,
				(size_t)(it->p - from) - 2 };
		it->p = skip_space(it->p, it->end) + 1; /* the colon */
		it->p = skip_space(it->p, it->end);
	}
	from = it->p;
	it->p = skip_value(from, it->end);
	*value = (struct json){ from, (size_t)(it->p - from) };
	it->p = skip_space(it->p, it->end);
	if (it->p < it->end)
		it->p++; /* the comma */
	return true;
}

static unsigned
hex4(const char *p)
{
	unsigned v = 0;
	int i;

	for (i = 0; i < 4; i++)
		v = v << 4 |
		    (unsigned)(p[i] <= '9' ? p[i] - '0'
					   : (p[i] | 32) - 'a' + 10);
	return v;
}

static size_t
put_utf8(char out[4], unsigned cp)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

/* The escape at *p (on its backslash) as UTF-8; moves *p behind it. */
static size_t
unescape(const char **p, char out[4])
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *s = *p + 1, *hit;
	unsigned cp;

	*p += 2;
	if (*s == 'u') {
		cp = hex4(s + 1);
		*p += 4;
		if (cp >= 0xd800 && cp < 0xdc00) {
			cp = 0x10000 + ((cp - 0xd800) << 10) +
			    (hex4(s + 7) - 0xdc00);
			*p += 6;
		}
		return put_utf8(out, cp);
	}
	hit = strchr(from, *s);
	out[0] = hit == NULL ? *s : to[hit - from];
	return 1;
}

bool
json_key_is(struct json key, const char *name)
{
	const char *p = key.p;
	size_t n = strlen(name), len;
	char out[4];

	if (key.n == n)
		return n == 0 || memcmp(key.p, name, n) == 0;
	if (key.n < n || memchr(key.p, '\\', key.n) == NULL)
		return false;
	while (p < key.p + key.n) {
		if (*p != '\\') {
			out[0] = *p++;
			len = 1;
		} else {
			len = unescape(&p, out);
		}
		if (len > n || memcmp(name, out, len) != 0)
			return false;
		name += len;
		n -= len;
	}
	return n == 0;
}

struct json
json_member(struct json object, const char *name)
{
	struct json_iter it = { 0 };
	struct json key, value;

	if (json_kind(object) != JSON_OBJECT)
		return (struct json){ NULL, 0 };
	while (json_next(object, &it, &key, &value)) {
		if (json_key_is(key, name))
			return value;
	}
	return (struct json){ NULL, 0 };
}

/* Resolves the string between p and end; out NULL only counts. */
static size_t
resolve(const char *p, const char *end, char *out)
{
	const char *slash;
	size_t len = 0, n;
	char ch[4];

	while (p < end) {
		slash = memchr(p, '\\', (size_t)(end - p));
		n = (size_t)((slash == NULL ? end : slash) - p);
		if (out != NULL)
			memcpy(out + len, p, n);
		len += n;
		if (slash == NULL)
			break;
		p = slash;
		n = unescape(&p, ch);
		if (out != NULL)
			memcpy(out + len, ch, n);
		len += n;
	}
	return len;
}

char *
json_string(struct arena *a, struct json j, size_t *len)
{
	char *out;
	size_t n;

	if (len != NULL)
		*len = 0;
	if (json_kind(j) != JSON_STRING)
		return NULL;
	out = arena_alloc(a, j.n - 1); /* never longer than it was written */
	n = resolve(j.p + 1, j.p + j.n - 1, out);
	out[n] = '\0';
	if (len != NULL)
		*len = n;
	return out;
}

size_t
json_string_len(struct json j)
{
	if (json_kind(j) != JSON_STRING)
		return 0;
	return resolve(j.p + 1, j.p + j.n - 1, NULL);
}

int
json_int(struct json j, int64_t *out)
{
	bool minus;
	int64_t v = 0;
	size_t i;
	int d;

	if (json_kind(j) != JSON_NUMBER)
		return -1;
	minus = *j.p == '-';
	for (i = minus; i < j.n; i++) {
		if (j.p[i] < '0' || j.p[i] > '9')
			return -1;
		d = j.p[i] - '0';
		/* Below zero, where one more fits than above. */
		if (v < (INT64_MIN + d) / 10)
			return -1;
		v = v * 10 - d;
	}
	if (!minus && v == INT64_MIN)
		return -1;
	*out = minus ? v : -v;
	return 0;
}

void
json_quote(struct buf *b, const char *s)
{
	json_quoten(b, s, strlen(s));
}

static void
quote_one(struct buf *b, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *hit = c == '\0' ? NULL : strchr(from, c);

	if (hit != NULL) {
		buf_addc(b, '\\');
		buf_addc(b, to[hit - from]);
	} else {
		buf_addf(b, "\\u%04x", (unsigned)c);
	}
}

void
json_quoten(struct buf *b, const char *s, size_t n)
{
	size_t run;

	buf_addc(b, '"');
	for (;;) {
		run = scan_plain(s, n);
		while (run < n && (unsigned char)s[run] >= 0x80)
			run++;
		buf_add(b, s, run);
		s += run;
		n -= run;
		if (n == 0)
			break;
		if (scan_plain(s, 1) == 0) {
			quote_one(b, (unsigned char)*s);
			s++;
			n--;
		}
	}
	buf_addc(b, '"');
}

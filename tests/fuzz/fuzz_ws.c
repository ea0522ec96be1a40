/*
 * fuzz_ws.c - the frame decoder. The first byte picks the role; the rest is the
 * other end's bytes, fed whole and in small pieces: the same events must come,
 * and every message must keep the limits. What was decoded is encoded anew and
 * must be decoded to itself.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "net/ws.h"

#define MAX 300

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
again(const char *p, size_t n, bool server)
{
	static const uint8_t key[4] = { 1, 2, 0xfe, 0xff };
	struct buf b, out;
	struct ws_dec d;
	const char *at;
	size_t left;

	buf_init(&b, 65536);
	buf_init(&out, 65536);
	ws_dec_init(&d, server, MAX);
	ws_encode(&b, WS_TEXT, p, n, server ? key : NULL);
	at = b.data;
	left = b.len;
	assert(ws_decode(&d, &at, &left, &out) == WS_MESSAGE);
	assert(left == 0 && d.len == n && out.len == n);
	assert(n == 0 || memcmp(out.data, p, n) == 0);
	ws_dec_fini(&d);
	buf_fini(&b);
	buf_fini(&out);
}

static void
note(struct buf *log, struct ws_dec *d, enum ws_event ev, struct buf *out)
{
	const char *text;

	if (ev == WS_MORE)
		return;
	buf_addf(log, "%d:", (int)ev);
	if (ev == WS_MESSAGE) {
		assert(d->len <= MAX && d->len <= out->len);
		text = d->len > 0 ? out->data + out->len - d->len : "";
		buf_add(log, text, d->len);
		assert(utf8_valid(text, d->len));
		again(text, d->len, d->server);
		buf_clear(out);
		return;
	}
	assert(d->ncontrol <= WS_CONTROL_MAX);
	if (ev == WS_FAILED)
		assert(d->why != NULL && ws_code_valid(d->code));
	else
		buf_add(log, d->control, d->ncontrol);
	if (ev == WS_CLOSED || ev == WS_FAILED)
		buf_addf(log, "%u", (unsigned)d->code);
}

static void
run(const char *p, size_t n, size_t step, bool server, struct buf *log)
{
	struct buf out;
	struct ws_dec d;
	const char *at;
	char *copy;
	size_t k, left;

	buf_init(&out, 1 << 24);
	ws_dec_init(&d, server, MAX);
	for (; n > 0; p += k, n -= k) {
		k = n < step ? n : step;
		left = k;
		at = copy = mem_dup(p, k);
		while (left > 0)
			note(log, &d, ws_decode(&d, &at, &left, &out), &out);
		assert(out.len <= MAX);
		mem_free(copy);
	}
	ws_dec_fini(&d);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf a, b;
	const char *p = (const char *)data + 1;

	if (n < 1)
		return 0;
	buf_init(&a, 1 << 24);
	buf_init(&b, 1 << 24);
	run(p, n - 1, n, data[0] & 1, &a);
	run(p, n - 1, 1 + (data[0] >> 1) % 7, data[0] & 1, &b);
	assert(a.len == b.len);
	assert(memcmp(buf_str(&a), buf_str(&b), a.len) == 0);
	buf_fini(&a);
	buf_fini(&b);
	return 0;
}

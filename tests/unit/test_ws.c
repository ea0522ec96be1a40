/*
 * test_ws.c - the RFC 6455 codec: every case in one piece and cut in two at
 * every position, both roles, what must be refused and with which code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/server.h"
#include "net/ws.h"

#define MAX 1000

static const uint8_t key[4] = { 0x37, 0xfa, 0x21, 0x3d };

/* What came out, as text: "t:hello;", "p:x;", "c:1000:bye;", "f:1002;". */
static void
note(struct buf *log, const struct ws_dec *d, enum ws_event ev,
    const struct buf *out)
{
	switch (ev) {
	case WS_MESSAGE:
		buf_adds(log, "t:");
		if (d->len > 0)
			buf_add(log, out->data + out->len - d->len, d->len);
		buf_adds(log, ";");
		break;
	case WS_PINGED:
	case WS_PONGED:
		buf_adds(log, ev == WS_PINGED ? "p:" : "q:");
		buf_add(log, d->control, d->ncontrol);
		buf_adds(log, ";");
		break;
	case WS_CLOSED:
		buf_addf(log, "c:%u:", (unsigned)d->code);
		buf_add(log, d->control, d->ncontrol);
		buf_adds(log, ";");
		break;
	case WS_FAILED:
		buf_addf(log, "f:%u;", (unsigned)d->code);
		assert_non_null(d->why);
		break;
	case WS_MORE:
		break;
	}
}

static void
feed(struct ws_dec *d, const char *p, size_t n, struct buf *out,
    struct buf *log)
{
	char *copy = mem_dup(p, n); /* exact size: the sanitizer sees beyond */
	const char *at = copy;

	while (n > 0)
		note(log, d, ws_decode(d, &at, &n, out), out);
	mem_free(copy);
}

static void
expect_cut(bool server, const char *p, size_t n, size_t cut, const char *want)
{
	struct buf out, log;
	struct ws_dec d;

	buf_init(&out, 1 << 20);
	buf_init(&log, 1 << 20);
	ws_dec_init(&d, server, MAX);
	feed(&d, p, cut, &out, &log);
	feed(&d, p + cut, n - cut, &out, &log);
	assert_string_equal(buf_str(&log), want);
	ws_dec_fini(&d);
	buf_fini(&out);
	buf_fini(&log);
}

static void
expect(bool server, const char *p, size_t n, const char *want)
{
	for (size_t cut = 0; cut <= n; cut++)
		expect_cut(server, p, n, cut, want);
}

/* Unmasked bytes to a client. */
#define CLIENT(bytes, want) expect(false, bytes, sizeof(bytes) - 1, want)

static void
add_frame(struct buf *b, bool fin, enum ws_op op, const void *p, size_t n)
{
	uint8_t head[WS_HEAD_MAX];
	char *copy = mem_dup(p, n);

	buf_add(b, head, ws_head(head, fin, op, n, key));
	ws_mask(copy, n, key, 0);
	buf_add(b, copy, n);
	mem_free(copy);
}

static void
rfc_examples(void **state)
{
	(void)state;
	CLIENT("\x81\x05Hello", "t:Hello;");
	CLIENT("\x01\x03Hel\x80\x02lo", "t:Hello;");
	CLIENT("\x89\x05Hello", "p:Hello;");
	CLIENT("\x8a\x00", "q:;");
	CLIENT("\x81\x00\x81\x01x", "t:;t:x;");
	expect(true, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11,
	    "t:Hello;");
	expect(true, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11,
	    "q:Hello;");
}

static void
fragments(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 65536);
	add_frame(&b, false, WS_TEXT, "a", 1);
	add_frame(&b, true, WS_PING, "in between", 10);
	add_frame(&b, false, WS_CONT, "", 0);
	add_frame(&b, false, WS_CONT, "\xe2\x82", 2); /* half a euro sign */
	add_frame(&b, true, WS_PONG, "", 0);
	add_frame(&b, true, WS_CONT, "\xac!", 2);
	add_frame(&b, true, WS_TEXT, "next", 4);
	expect(true, b.data, b.len, "p:in between;q:;t:a\xe2\x82\xac!;t:next;");
	buf_fini(&b);
}

static void
refused_heads(void **state)
{
	(void)state;
	CLIENT("\xc1\x01x", "f:1002;"); /* RSV1: a compressed one */
	CLIENT("\xa1\x01x", "f:1002;");
	CLIENT("\x91\x01x", "f:1002;");
	CLIENT("\x83\x01x", "f:1002;"); /* reserved opcodes */
	CLIENT("\x8b\x01x", "f:1002;");
	CLIENT("\x80\x01x", "f:1002;");		 /* nothing to continue */
	CLIENT("\x01\x01x\x81\x01y", "f:1002;"); /* a message within one */
	CLIENT("\x09\x01x", "f:1002;");		 /* a ping in pieces */
	CLIENT("\x89\x7e\x00\x7e", "f:1002;");	 /* a ping of 126 bytes */
	CLIENT("\x82\x01x", "f:1003;");
	CLIENT("\x81\x7e\x00\x05Hello", "f:1002;"); /* length not minimal */
	CLIENT("\x81\x7f\x00\x00\x00\x00\x00\x00\x01\x00", "f:1002;");
	CLIENT("\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00", "f:1002;");
	CLIENT("\x81\x85\x01\x02\x03\x04Hello", "f:1002;"); /* masked to us */
	expect(true, "\x81\x05Hello", 7, "f:1002;");	    /* and not masked */
	expect(true, "\x89\x00", 2, "f:1002;");
	/* Nothing is taken after a failure. */
	CLIENT("\x83\x01x\x81\x05Hello", "f:1002;");
}

static void
sizes(void **state)
{
	char text[MAX + 1], want[MAX + 16];
	struct buf b;

	(void)state;
	memset(text, 'x', sizeof(text));
	buf_init(&b, 65536);
	for (size_t n = 0; n <= MAX; n += n < 130 ? 1 : 290) {
		buf_clear(&b);
		ws_encode(&b, WS_TEXT, text, n, key);
		snprintf(want, sizeof(want), "t:%.*s;", (int)n, text);
		expect(true, b.data, b.len, want);
	}
	CLIENT("\x81\x7e\x03\xe9xxxx", "f:1009;"); /* announced: 1001 */
	CLIENT("\x81\x7f\x00\x00\x00\x01\x00\x00\x00\x00x", "f:1009;");
	buf_clear(&b); /* over the limit only when put together */
	add_frame(&b, false, WS_TEXT, text, MAX - 1);
	add_frame(&b, false, WS_CONT, text, 1);
	add_frame(&b, true, WS_CONT, text, 1);
	expect(true, b.data, b.len, "f:1009;");
	buf_fini(&b);
}

static void
text_is_utf8(void **state)
{
	(void)state;
	CLIENT("\x81\x02\xc3\xa9", "t:\xc3\xa9;");
	CLIENT("\x81\x01\xc3", "f:1007;");
	CLIENT("\x81\x02\xc0\x80", "f:1007;");
	CLIENT("\x81\x03\xed\xa0\x80", "f:1007;"); /* a surrogate */
	CLIENT("\x81\x04\xf4\x90\x80\x80", "f:1007;");
	CLIENT("\x01\x01\xc3\x80\x01x", "f:1007;");
	CLIENT("\x01\x01\xc3\x80\x01\xa9", "t:\xc3\xa9;");
}

static void
closes(void **state)
{
	static const int bad[] = { 0, 999, 1004, 1005, 1006, 1015, 1016, 1100,
		2000, 2999, 5000, 65535 };
	static const int good[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1009,
		1010, 1011, 1012, 1013, 1014, 3000, 4000, 4999 };
	char f[] = "\x88\x05\x03\xe8"
		   "bye",
	     want[32];

	(void)state;
	CLIENT("\x88\x00", "c:1005:;");
	CLIENT("\x88\x01\x03", "f:1002;");
	CLIENT("\x88\x02\x03\xe8", "c:1000:;");
	CLIENT("\x88\x05\x03\xe8"
	       "bye\x81\x01x",
	    "c:1000:bye;");
	CLIENT("\x88\x03\x03\xe8\xff", "f:1007;");
	for (size_t i = 0; i < countof(bad); i++) {
		f[2] = (char)(bad[i] >> 8);
		f[3] = (char)(bad[i] & 0xff);
		expect(false, f, sizeof(f) - 1, "f:1002;");
	}
	for (size_t i = 0; i < countof(good); i++) {
		f[2] = (char)(good[i] >> 8);
		f[3] = (char)(good[i] & 0xff);
		snprintf(want, sizeof(want), "c:%d:bye;", good[i]);
		expect(false, f, sizeof(f) - 1, want);
	}
}

static void
close_reason_is_cut(void **state)
{
	char reason[200];
	struct buf b;

	(void)state;
	/* 61 two-byte characters fill 122 bytes; the next would be split. */
	for (size_t i = 0; i + 2 < sizeof(reason); i += 2)
		memcpy(reason + i, "\xc3\xa9", 3);
	buf_init(&b, 1024);
	ws_encode_close(&b, 1000, reason, NULL);
	assert_int_equal(b.len, 2 + 2 + 122);
	buf_clear(&b);
	ws_encode_close(&b, WS_NO_CODE, "not sent", NULL);
	assert_int_equal(b.len, 2);
	buf_fini(&b);
}

static void
server_frames(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	ws_frame(&b, "hi", 2);
	assert_memory_equal(b.data, "\x81\x02hi", 4);
	expect(false, b.data, b.len, "t:hi;");
	buf_fini(&b);
	buf_init(&b, 3); /* what does not fit is not begun */
	ws_frame(&b, "hi", 2);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void
masks(void **state)
{
	char a[67], b[67];

	(void)state;
	for (size_t from = 0; from < 4; from++)
		for (size_t n = 0; n + from <= sizeof(a); n++) {
			memset(a, 'q', sizeof(a));
			memset(b, 'q', sizeof(b));
			ws_mask(a + from, n, key, (unsigned)from);
			for (size_t i = 0; i < n; i++)
				b[from + i] = (char)('q' ^ key[(from + i) & 3]);
			assert_memory_equal(a, b, sizeof(a));
		}
}

static void
handshake(void **state)
{
	char accept[WS_ACCEPT_LEN + 1];

	(void)state;
	ws_accept(accept, "dGhlIHNhbXBsZSBub25jZQ==");
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_true(ws_key_valid("dGhlIHNhbXBsZSBub25jZQ=="));
	assert_false(ws_key_valid(""));
	assert_false(ws_key_valid("dGhlIHNhbXBsZSBub25jZQ"));
	assert_false(ws_key_valid("dGhlIHNhbXBsZSBub25jZR=="));
	assert_false(ws_key_valid("dGhlIHNhbXBsZSBub25jZQAA"));
	assert_false(ws_key_valid("dGhlIHNhbXBs ZSBub25jZQ="));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_examples),
		cmocka_unit_test(fragments),
		cmocka_unit_test(refused_heads),
		cmocka_unit_test(sizes),
		cmocka_unit_test(text_is_utf8),
		cmocka_unit_test(closes),
		cmocka_unit_test(close_reason_is_cut),
		cmocka_unit_test(server_frames),
		cmocka_unit_test(masks),
		cmocka_unit_test(handshake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

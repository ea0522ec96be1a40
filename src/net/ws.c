/*
 * ws.c - RFC 6455 framing (see ws.h). Pure: it keeps the half of a frame that
 * came, nothing else, and owns memory only while a control frame with payload
 * is under way. What is announced allocates nothing; what came does.
 */
#include "net/ws.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/server.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/* ---- masking ---- */

void
ws_mask(char *p, size_t n, const uint8_t mask[4], unsigned phase)
{
	uint8_t turned[8];
	uint64_t word, key;
	size_t i = 0;

	for (unsigned k = 0; k < 8; k++)
		turned[k] = mask[(phase + k) & 3];
	memcpy(&key, turned, sizeof(key));
	for (; i + 8 <= n; i += 8) {
		memcpy(&word, p + i, sizeof(word));
		word ^= key;
		memcpy(p + i, &word, sizeof(word));
	}
	for (; i < n; i++)
		p[i] = (char)(p[i] ^ (char)turned[i & 7]);
}

/* ---- decoding ---- */

void
ws_dec_init(struct ws_dec *d, bool server, size_t max)
{
	*d = (struct ws_dec){ .server = server, .max = max };
}

void
ws_dec_fini(struct ws_dec *d)
{
	mem_free(d->control);
	d->control = NULL;
}

static enum ws_event
fail(struct ws_dec *d, int code, const char *why)
{
	d->over = true;
	d->code = (uint16_t)code;
	d->why = why;
	return WS_FAILED;
}

/* What the first two bytes tell. */
static enum ws_event
check_head(struct ws_dec *d)
{
	bool control = d->op >= 8;

	if (d->head[0] & 0x70)
		return fail(d, WS_PROTOCOL, "a reserved bit is set");
	if (d->masked != d->server)
		return fail(d, WS_PROTOCOL,
		    d->server ? "a client's frame is not masked"
			      : "a server's frame is masked");
	if (d->op == WS_BINARY)
		return fail(d, WS_UNSUPPORTED, "binary messages are not taken");
	if ((d->op > WS_BINARY && !control) || d->op > WS_PONG)
		return fail(d, WS_PROTOCOL, "unknown opcode");
	if (control && (!d->fin || (d->head[1] & 0x7f) > WS_CONTROL_MAX))
		return fail(d, WS_PROTOCOL, "malformed control frame");
	if (d->op == WS_CONT && !d->message)
		return fail(d, WS_PROTOCOL, "nothing to continue");
	if (d->op == WS_TEXT && d->message)
		return fail(d, WS_PROTOCOL, "a message within a message");
	return WS_MORE;
}

static enum ws_event
check_length(struct ws_dec *d)
{
	size_t n = d->head[1] & 0x7f, bytes = n < 126 ? 0 : n == 126 ? 2 : 8;

	d->left = bytes == 0 ? n : 0;
	for (size_t i = 0; i < bytes; i++)
		d->left = d->left << 8 | d->head[2 + i];
	if ((bytes == 2 && d->left < 126) ||
	    (bytes == 8 && (d->left < 65536 || d->left >> 63)))
		return fail(d, WS_PROTOCOL, "malformed length");
	if (d->op < 8 && d->left > d->max - d->len)
		return fail(d, WS_TOO_BIG_CODE,
		    "the message is over the limit");
	return WS_MORE;
}

static size_t
head_need(const struct ws_dec *d)
{
	size_t n = 2;

	if (d->nhead < 2)
		return 2;
	if ((d->head[1] & 0x7f) == 126)
		n += 2;
	else if ((d->head[1] & 0x7f) == 127)
		n += 8;
	return n + (d->masked ? 4 : 0);
}

static void
begin_payload(struct ws_dec *d)
{
	d->payload = true;
	d->phase = 0;
	if (d->op == WS_TEXT) {
		d->message = true;
		d->len = 0;
	}
	if (d->op >= 8) {
		d->ncontrol = 0;
		if (d->left > 0)
			d->control = mem_alloc((size_t)d->left + 1);
	}
}

/* Header bytes, one at a time; WS_MORE when it is whole or input ended. */
static enum ws_event
take_head(struct ws_dec *d, const char **p, size_t *n)
{
	while (*n > 0 && d->nhead < head_need(d)) {
		d->head[d->nhead++] = (uint8_t) * (*p)++;
		(*n)--;
		if (d->nhead != 2)
			continue;
		d->fin = (d->head[0] & 0x80) != 0;
		d->op = d->head[0] & 0x0f;
		d->masked = (d->head[1] & 0x80) != 0;
		if (check_head(d) == WS_FAILED)
			return WS_FAILED;
	}
	if (d->nhead < 2 || d->nhead < head_need(d))
		return WS_MORE;
	if (check_length(d) == WS_FAILED)
		return WS_FAILED;
	begin_payload(d);
	return WS_MORE;
}

static void
take_payload(struct ws_dec *d, const char **p, size_t *n, struct buf *out)
{
	size_t k = *n < d->left ? *n : (size_t)d->left;
	char *to;

	if (k == 0)
		return;
	if (d->op >= 8) {
		to = d->control + d->ncontrol;
		d->ncontrol = (uint8_t)(d->ncontrol + k);
	} else {
		to = buf_reserve(out, k); /* the owner gave room for max */
		buf_commit(out, k);
		d->len += k;
	}
	assert(to != NULL);
	memcpy(to, *p, k);
	if (d->masked)
		ws_mask(to, k, d->head + d->nhead - 4, d->phase);
	d->phase = (uint8_t)((d->phase + k) & 3);
	d->left -= k;
	*p += k;
	*n -= k;
}

static enum ws_event
closed(struct ws_dec *d)
{
	assert(d->ncontrol == 0 || d->control != NULL);
	d->code = WS_NO_CODE;
	if (d->ncontrol == 1)
		return fail(d, WS_PROTOCOL, "malformed close frame");
	if (d->ncontrol >= 2) {
		d->code = (uint16_t)((uint8_t)d->control[0] << 8 |
		    (uint8_t)d->control[1]);
		if (!ws_code_valid(d->code))
			return fail(d, WS_PROTOCOL, "invalid close code");
		d->ncontrol = (uint8_t)(d->ncontrol - 2);
		memmove(d->control, d->control + 2, (size_t)d->ncontrol + 1);
		if (!utf8_valid(d->control, d->ncontrol))
			return fail(d, WS_BAD_DATA,
			    "close reason is not UTF-8");
	}
	d->over = true;
	return WS_CLOSED;
}

static enum ws_event
frame_done(struct ws_dec *d, const struct buf *out)
{
	d->nhead = 0;
	d->payload = false;
	if (d->op >= 8 && d->control != NULL)
		d->control[d->ncontrol] = '\0';
	if (d->op == WS_CLOSE)
		return closed(d);
	if (d->op >= 8)
		return d->op == WS_PING ? WS_PINGED : WS_PONGED;
	if (!d->fin)
		return WS_MORE;
	d->message = false;
	if (d->len > 0 && !utf8_valid(out->data + out->len - d->len, d->len))
		return fail(d, WS_BAD_DATA, "a text message is not UTF-8");
	return WS_MESSAGE;
}

enum ws_event
ws_decode(struct ws_dec *d, const char **p, size_t *n, struct buf *out)
{
	enum ws_event ev = WS_MORE;

	if (d->over) {
		*p += *n;
		*n = 0;
		return WS_MORE;
	}
	if (d->control != NULL && !d->payload) { /* the last event's */
		mem_free(d->control);
		d->control = NULL;
		d->ncontrol = 0;
	}
	if (!d->message && !d->payload)
		d->len = 0;
	while (ev == WS_MORE && *n > 0) {
		if (!d->payload)
			ev = take_head(d, p, n);
		if (ev != WS_MORE || !d->payload)
			continue;
		take_payload(d, p, n, out);
		if (d->left == 0)
			ev = frame_done(d, out);
	}
	return ev;
}

bool
ws_code_valid(int code)
{
	return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
		   code != 1006) ||
	    (code >= 3000 && code <= 4999);
}

/* ---- encoding ---- */

size_t
ws_head(uint8_t out[WS_HEAD_MAX], bool fin, enum ws_op op, uint64_t n,
    const uint8_t mask[4])
{
	size_t len = 2, bytes = n < 126 ? 0 : n < 65536 ? 2 : 8;

	out[0] = (uint8_t)((fin ? 0x80 : 0) | op);
	out[1] = (uint8_t)(bytes == 0 ? n : bytes == 2 ? 126 : 127);
	for (size_t i = bytes; i > 0; i--)
		out[len++] = (uint8_t)(n >> (8 * (i - 1)));
	if (mask != NULL) {
		out[1] |= 0x80;
		memcpy(out + len, mask, 4);
		len += 4;
	}
	return len;
}

int
ws_encode(struct buf *out, enum ws_op op, const void *p, size_t n,
    const uint8_t mask[4])
{
	uint8_t head[WS_HEAD_MAX];
	size_t len = ws_head(head, true, op, n, mask);
	char *to = buf_reserve(out, len + n);

	if (to == NULL)
		return -1;
	memcpy(to, head, len);
	if (n > 0)
		memcpy(to + len, p, n);
	if (mask != NULL)
		ws_mask(to + len, n, mask, 0);
	buf_commit(out, len + n);
	return 0;
}

int
ws_encode_close(struct buf *out, int code, const char *reason,
    const uint8_t mask[4])
{
	char body[WS_CONTROL_MAX];
	size_t n = reason == NULL ? 0 : strlen(reason);

	if (code == WS_NO_CODE)
		return ws_encode(out, WS_CLOSE, "", 0, mask);
	if (n > sizeof(body) - 2)
		n = sizeof(body) - 2;
	while (n > 0 && !utf8_valid(reason, n)) /* not within a character */
		n--;
	body[0] = (char)(code >> 8);
	body[1] = (char)(code & 0xff);
	if (n > 0)
		memcpy(body + 2, reason, n);
	return ws_encode(out, WS_CLOSE, body, n + 2, mask);
}

void
ws_frame(struct buf *out, const char *text, size_t n)
{
	ws_encode(out, WS_TEXT, text, n, NULL);
}

/* ---- handshake ---- */

bool
ws_key_valid(const char *key)
{
	uint8_t raw[16];

	return strlen(key) == WS_KEY_LEN &&
	    b64_decode(raw, sizeof(raw), key, WS_KEY_LEN) == 16;
}

void
ws_accept(char out[WS_ACCEPT_LEN + 1], const char *key)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	char text[128];
	unsigned n = 0;
	int len;

	len = snprintf(text, sizeof(text), "%s%s", key, GUID);
	EVP_Digest(text, (size_t)len, digest, &n, EVP_sha1(), NULL);
	assert(n == 20);
	b64_encode(out, digest, n);
}

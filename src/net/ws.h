/*
 * ws.h - RFC 6455 framing, both roles: a decoder that is fed bytes as they come
 * and an encoder that appends to a buffer. Extensions are not spoken (so
 * permessage-deflate is refused by not being negotiated), binary messages are
 * refused with 1003.
 */
#ifndef NET_WS_H
#define NET_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define WS_CONTROL_MAX 125
#define WS_HEAD_MAX 14
#define WS_KEY_LEN 24
#define WS_ACCEPT_LEN 28

enum ws_op {
	WS_CONT = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10
};
enum ws_code { /* those we say */
	WS_NORMAL = 1000,
	WS_GOING_AWAY = 1001,
	WS_PROTOCOL = 1002,
	WS_UNSUPPORTED = 1003,
	WS_NO_CODE = 1005,
	WS_VANISHED = 1006,
	WS_BAD_DATA = 1007,
	WS_POLICY = 1008,
	WS_TOO_BIG_CODE = 1009,
	WS_INTERNAL = 1011
};

enum ws_event {
	WS_MORE,    /* all input was taken */
	WS_MESSAGE, /* a whole text message stands at the end of out */
	WS_PINGED,  /* control, ncontrol: what the pong must carry */
	WS_PONGED,
	WS_CLOSED, /* code (1005: none given), reason in control */
	WS_FAILED  /* code and why: close with it; feed no more */
};

struct ws_dec {
	size_t max;    /* bytes of a message */
	uint64_t left; /* payload bytes of this frame to come */
	size_t len;    /* of the message so far */
	char *control; /* payload of a control frame; NUL-terminated */
	const char *why;
	uint16_t code;
	uint8_t ncontrol;
	uint8_t head[WS_HEAD_MAX], nhead; /* header so far */
	uint8_t op;			  /* of this frame */
	uint8_t phase;			  /* of the mask */
	bool fin, masked;		  /* of this frame */
	bool server;			  /* our role: frames must be masked */
	bool payload;			  /* the header is whole */
	bool message;			  /* a fragmented message is open */
	bool over; /* closed or failed: nothing is taken any more */
};

void ws_dec_init(struct ws_dec *, bool server, size_t max);
void ws_dec_fini(struct ws_dec *);
/*
 * Takes bytes from *p up to the next event, moving *p and *n. Payload of text
 * goes unmasked to the end of out; the last d->len bytes of it are the message
 * under way or, at WS_MESSAGE, the whole one.
 */
enum ws_event ws_decode(struct ws_dec *d, const char **p, size_t *n,
    struct buf *out);

/* The header of one frame; mask NULL for a server. Returns its length. */
size_t ws_head(uint8_t out[WS_HEAD_MAX], bool fin, enum ws_op op, uint64_t n,
    const uint8_t mask[4]);
void ws_mask(char *p, size_t n, const uint8_t mask[4], unsigned phase);
/* A whole frame appended to out; 0 or -1 when it does not fit. */
int ws_encode(struct buf *out, enum ws_op op, const void *p, size_t n,
    const uint8_t mask[4]);
/* A close frame; code 1005 sends none. A reason is cut to what fits. */
int ws_encode_close(struct buf *out, int code, const char *reason,
    const uint8_t mask[4]);
bool ws_code_valid(int code); /* may stand in a close frame */

bool ws_key_valid(const char *key); /* base64 of 16 bytes */
void ws_accept(char out[WS_ACCEPT_LEN + 1], const char *key);

#endif

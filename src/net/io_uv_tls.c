/*
 * io_uv_tls.c - a stream with TLS between it and its owner.
 *
 * What comes in is opened at once, one record at a time, into one buffer of the
 * loop's. What goes out collects as plain text until the flush, which makes
 * records of it, so the limit of a stream counts what it counts without TLS and
 * a turn's messages share their records.
 *
 * Ends: our goodbye (close_notify) follows the last bytes we have, and then our
 * side is shut. Theirs is an orderly end; a connection that ends without it was
 * cut, and is told as lost.
 */
#include "net/io_uv.h"

#include "base/log.h"

const char *
op_detail(struct io *io)
{
	const char *s = ((struct uvio *)io)->detail;

	return s != NULL ? s : "";
}

/* The alert, as far as the kernel takes it at once, and the end. */
static void
broken(struct stream *s)
{
	struct buf *out = tls_out(s->tls);
	uv_buf_t b = uv_buf_init(out->data, (unsigned)out->len);

	if (out->len > 0 && !s->inflight)
		uv_try_write(&s->h.stream, &b, 1);
	log_event(LOG_DEBUG, "tls_broken", "why", tls_why(s->tls), NULL);
	stream_fail(s,
	    s->lingering		? IO_OURS
		: tls_untrusted(s->tls) ? IO_UNTRUSTED
					: IO_NO_TLS,
	    tls_why(s->tls));
}

/* True when text may follow. */
static bool
shake(struct stream *s)
{
	enum tls_got got;

	if (tls_is_open(s->tls))
		return true;
	got = tls_shake(s->tls);
	if (tls_out(s->tls)->len > 0)
		stream_dirty(s);
	if (got == TLS_BROKEN || got == TLS_ENDED) {
		broken(s);
		return false;
	}
	if (got == TLS_MORE)
		return false;
	if (s->out.len > 0)
		stream_dirty(s);
	if (s->shaking)
		stream_connected(s);
	return !s->closing;
}

void
tls_begin(struct stream *s)
{
	shake(s);
}

void
tls_input(struct stream *s, const char *p, size_t n)
{
	struct uvio *u = s->t.u;
	enum tls_got got;
	size_t len;

	tls_feed(s->tls, p, n);
	if (!shake(s))
		return;
	while ((got = tls_read(s->tls, u->plain, sizeof(u->plain), &len)) ==
	    TLS_DONE) {
		if (!s->lingering && s->cb != NULL)
			s->cb->data(s->arg, s->t.id, u->plain, len);
		if (s->closing)
			return;
	}
	if (tls_out(s->tls)->len > 0)
		stream_dirty(s);
	if (got == TLS_BROKEN)
		broken(s);
	else if (got == TLS_ENDED)
		stream_eof(s);
}

/* Nothing more will be written: the goodbye is due after what there is. */
static bool
ending(const struct stream *s)
{
	return s->lingering || (s->eof && !s->torn);
}

bool
tls_unsaid(const struct stream *s)
{
	return s->out.len > 0 || (ending(s) && !tls_said_bye(s->tls));
}

void
tls_seal(struct stream *s)
{
	if (!tls_is_open(s->tls))
		return;
	if (s->out.len > 0 && tls_write(s->tls, s->out.data, s->out.len) != 0) {
		broken(s);
		return;
	}
	buf_reset(&s->out);
	if (ending(s))
		tls_bye(s->tls);
}

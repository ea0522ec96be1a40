/*
 * io_uv_stream.c - bytes of one stream, TCP or Unix. With TLS between, what the
 * kernel gets are the records that io_uv_tls.c makes of what was written.
 *
 * Written bytes collect in s->out; a flush offers them to the kernel with one
 * uv_try_write and hands what it did not take, buffer and all, to one uv_write.
 * Empty buffers are freed and reading uses one buffer for the whole loop, so an
 * idle stream owns nothing but itself.
 *
 * A close after flush shuts our side and discards input until the other end is
 * done (5 s at most): closing at once with input unread would make the kernel
 * reset the connection and take our last words with it.
 */
#include "net/io_uv.h"

void
stream_closed(struct stream *s)
{
	struct uvio *u = s->t.u;

	map_deli(&u->things, s->t.id);
	if (s->cb != NULL && !u->dying) {
		uvio_event(u);
		if (s->via != NULL && s->detail == NULL)
			s->detail =
			    via_detail(s, io_why_text((enum io_why)s->why));
		u->detail = s->detail;
		s->cb->close(s->arg, s->t.id, (enum io_why)s->why);
		u->detail = NULL;
	}
	via_free(s);
	tls_free(s->tls);
	mem_free(s->detail);
	buf_fini(&s->out);
	mem_free(s);
}

static void
on_closed(uv_handle_t *h)
{
	stream_closed(h->data);
}

static void
timer_off(struct stream *s)
{
	if (s->timer != 0)
		op_timer_stop(&s->t.u->io, s->timer);
	s->timer = 0;
}

void
stream_end(struct stream *s, enum io_why why)
{
	if (s->closing)
		return;
	s->closing = true;
	s->why = (uint8_t)why;
	timer_off(s);
	dial_drop(s);
	if (!s->redial)
		uv_close(&s->h.handle, on_closed);
}

void
stream_fail(struct stream *s, enum io_why why, const char *detail)
{
	if (s->detail == NULL && *detail != '\0')
		s->detail = mem_strdup(detail);
	stream_end(s, why);
}

struct stream *
stream_new(struct uvio *u, bool unix_)
{
	struct stream *s;

	s = (struct stream *)thing_new(u, STREAM, sizeof(*s));
	buf_init(&s->out, OUT_MAX);
	s->low_water = LOW_WATER;
	if (unix_)
		uv_pipe_init(&u->loop, &s->h.pipe, 0);
	else
		uv_tcp_init(&u->loop, &s->h.tcp);
	s->h.handle.data = s;
	return s;
}

void
stream_dirty(struct stream *s)
{
	if (s->dirty)
		return;
	s->dirty = true;
	vec_add(&s->t.u->dirty, s->t.id);
}

static size_t
queued(const struct stream *s)
{
	size_t n = s->out.len;

	if (s->tls != NULL)
		n += tls_out(s->tls)->len;
	if (s->inflight)
		n += uv_stream_get_write_queue_size(&s->h.stream);
	return n;
}

/* ---- in ---- */

static void
on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *out)
{
	struct stream *s = h->data;

	(void)hint;
	*out = uv_buf_init(s->t.u->chunk, READ_CHUNK);
}

/* The turn may answer what came before; flush ends it. */
void
stream_eof(struct stream *s)
{
	if (s->shut) {
		stream_end(s, IO_OURS);
		return;
	}
	s->eof = true;
	uv_read_stop(&s->h.stream);
	stream_dirty(s);
}

static void
read_end(struct stream *s, ssize_t rc)
{
	if (rc != UV_EOF) {
		stream_end(s, s->lingering ? IO_OURS : IO_RESET);
	} else if (s->tls != NULL && !tls_is_open(s->tls)) {
		stream_fail(s, IO_NO_TLS,
		    "the other end broke off the TLS handshake; does it speak "
		    "TLS?");
	} else {
		s->torn = s->tls != NULL;
		stream_eof(s);
	}
}

static void
on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
	struct stream *s = h->data;

	if (n == 0 || s->closing)
		return;
	uvio_event(s->t.u);
	if (n < 0)
		read_end(s, n);
	else if (s->tls != NULL)
		tls_input(s, b->base, (size_t)n);
	else if (!s->lingering && s->cb != NULL)
		s->cb->data(s->arg, s->t.id, b->base, (size_t)n);
}

void
stream_read(struct stream *s)
{
	if (s->open && !s->closing && !s->eof && !s->stopped)
		uv_read_start(&s->h.stream, on_alloc, on_read);
}

void
op_read_stop(struct io *io, io_id id)
{
	struct stream *s = thing_get(io, STREAM, id);

	if (s == NULL || s->lingering)
		return;
	s->stopped = true;
	if (s->open && !s->closing)
		uv_read_stop(&s->h.stream);
}

void
op_read_start(struct io *io, io_id id)
{
	struct stream *s = thing_get(io, STREAM, id);

	if (s == NULL)
		return;
	s->stopped = false;
	stream_read(s);
}

void
op_bind(struct io *io, io_id id, const struct io_stream_cb *cb, void *arg)
{
	struct stream *s = thing_get(io, STREAM, id);

	if (s == NULL)
		return;
	s->cb = cb;
	s->arg = arg;
	stream_read(s);
}

void
stream_opened(struct stream *s)
{
	s->open = true;
	if (s->h.handle.type == UV_TCP)
		uv_tcp_nodelay(&s->h.tcp, 1);
	if (s->tls != NULL)
		tls_begin(s);
	if (s->cb != NULL)
		stream_read(s);
	if (s->out.len > 0)
		stream_dirty(s);
}

/* ---- out ---- */

int
op_write(struct io *io, io_id id, const void *p, size_t n)
{
	struct stream *s = thing_get(io, STREAM, id);
	size_t have;

	if (s == NULL || s->closing || s->lingering)
		return -1;
	have = queued(s);
	if (n > s->out.max || have > s->out.max - n)
		return -1;
	if (buf_add(&s->out, p, n) != 0)
		return -1;
	if (have + n > s->low_water)
		s->above = true;
	if (s->open)
		stream_dirty(s);
	return 0;
}

size_t
op_queued(struct io *io, io_id id)
{
	struct stream *s = thing_get(io, STREAM, id);

	return s == NULL || s->closing ? 0 : queued(s);
}

void
op_limit(struct io *io, io_id id, size_t out_max, size_t low_water)
{
	struct stream *s = thing_get(io, STREAM, id);

	if (s == NULL)
		return;
	s->out.max = out_max;
	s->low_water = low_water;
}

static void
on_shut(uv_shutdown_t *req, int status)
{
	(void)status;
	mem_free(req);
}

static void
shut(struct stream *s)
{
	uv_shutdown_t *req = mem_alloc(sizeof(*req));

	s->shut = true;
	if (uv_shutdown(req, &s->h.stream, on_shut) != 0) {
		mem_free(req);
		stream_end(s, IO_OURS);
	}
}

static void
on_linger(void *arg, io_id timer)
{
	struct stream *s = arg;

	(void)timer;
	s->timer = 0;
	stream_end(s, s->lingering ? IO_OURS : IO_CLOSED);
}

static void
linger_timer(struct stream *s)
{
	if (s->timer == 0)
		s->timer = op_timer(&s->t.u->io, LINGER_MS, on_linger, s);
}

/* After bytes left: who waits for that? */
static void
settle(struct stream *s)
{
	struct uvio *u = s->t.u;

	if (s->above && queued(s) <= s->low_water) {
		s->above = false;
		if (!s->drained) {
			s->drained = true;
			vec_add(&u->drained, s->t.id);
			io_wake(&u->io);
		}
	}
	if (queued(s) > 0 || (s->tls != NULL && tls_unsaid(s))) {
		if (s->eof)
			linger_timer(s);
	} else if (s->eof)
		stream_end(s,
		    s->lingering  ? IO_OURS
			: s->torn ? IO_RESET
				  : IO_CLOSED);
	else if (s->lingering && !s->shut)
		shut(s);
}

void
stream_drain(struct stream *s)
{
	s->drained = false;
	if (!s->closing && !s->lingering && s->cb != NULL)
		s->cb->drain(s->arg, s->t.id);
}

static void
on_written(uv_write_t *req, int status)
{
	struct stream *s = req->handle->data;

	mem_free(req->data);
	mem_free(req);
	s->inflight = false;
	if (s->closing)
		return;
	if (status < 0)
		stream_end(s, IO_RESET);
	else if (s->out.len > 0 || (s->tls != NULL && tls_unsaid(s)))
		stream_dirty(s);
	settle(s);
}

/* The kernel's buffer is full: the rest goes to libuv, our buffer with it. */
static int
hand_over(struct stream *s, struct buf *out, size_t off)
{
	uv_write_t *req = mem_alloc(sizeof(*req));
	uv_buf_t b;
	int rc;

	b = uv_buf_init(out->data + off, (unsigned)(out->len - off));
	req->data = out->data;
	rc = uv_write(req, &s->h.stream, &b, 1, on_written);
	if (rc != 0) {
		mem_free(req);
		return rc;
	}
	s->inflight = true;
	out->data = NULL;
	out->len = out->cap = 0;
	return 0;
}

void
stream_flush(struct stream *s)
{
	struct buf *out = s->tls != NULL ? tls_out(s->tls) : &s->out;
	uv_buf_t b;
	int n = 0;

	if (s->closing || !s->open)
		return;
	if (s->tls != NULL && !s->inflight)
		tls_seal(s);
	if (s->closing)
		return;
	if (out->len > 0 && !s->inflight) {
		b = uv_buf_init(out->data, (unsigned)out->len);
		n = uv_try_write(&s->h.stream, &b, 1);
		if (n == UV_EAGAIN)
			n = 0;
		if (n >= 0 && (size_t)n == out->len)
			buf_reset(out);
		else if (n >= 0)
			n = hand_over(s, out, (size_t)n);
	}
	if (n < 0)
		stream_end(s, IO_RESET);
	else
		settle(s);
}

void
op_close(struct io *io, io_id id, bool after_flush)
{
	struct stream *s = thing_get(io, STREAM, id);

	if (s == NULL || s->closing || (after_flush && s->lingering))
		return;
	if (!after_flush || !s->open ||
	    (s->tls != NULL && !tls_is_open(s->tls))) {
		stream_end(s, IO_OURS);
		return;
	}
	s->lingering = true;
	s->stopped = false;
	stream_read(s);
	linger_timer(s);
	stream_dirty(s);
}

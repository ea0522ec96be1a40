/*
 * tls.c - one connection's TLS, server or client.
 *
 * OpenSSL reads and writes through a BIO of ours: it takes straight from the
 * bytes just read and appends straight to what the stream sends next. So an idle
 * connection holds no buffers: OpenSSL's are released, and ours is empty.
 *
 * The error queue is emptied before every call: what SSL_get_error says depends
 * on what an earlier connection left in it.
 */
#include <openssl/err.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "net/tls_int.h"

#define OUT_MAX ((size_t)1 << 30) /* the stream limits what goes in */

static const unsigned char alpn[] = "\x08http/1.1";

const char *
tls_errors(void)
{
	unsigned long e = ERR_peek_last_error();
	const char *s = ERR_reason_error_string(e);

	ERR_clear_error();
	return s != NULL ? s : "an error without a name";
}

/* ---- the BIO ---- */

static int
bio_read(BIO *b, char *to, int cap)
{
	struct tls *t = BIO_get_data(b);
	size_t n = t->nin < (size_t)cap ? t->nin : (size_t)cap;

	BIO_clear_retry_flags(b);
	if (n == 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	memcpy(to, t->in, n);
	t->in += n;
	t->nin -= n;
	return (int)n;
}

static int
bio_write(BIO *b, const char *p, int n)
{
	struct tls *t = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	return buf_add(&t->out, p, (size_t)n) == 0 ? n : -1;
}

static long
bio_ctrl(BIO *b, int cmd, long num, void *p)
{
	(void)b, (void)num, (void)p;
	return cmd == BIO_CTRL_FLUSH;
}

static BIO *
bio_of(struct tls *t)
{
	BIO *b;

	t->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 100, "claudemesh");
	BIO_meth_set_read(t->method, bio_read);
	BIO_meth_set_write(t->method, bio_write);
	BIO_meth_set_ctrl(t->method, bio_ctrl);
	b = BIO_new(t->method);
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	return b;
}

/* ---- what both ends agree to ---- */

static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *n,
    const unsigned char *in, unsigned in_n, void *arg)
{
	unsigned char *chosen;

	(void)ssl, (void)arg;
	if (SSL_select_next_proto(&chosen, n, alpn, sizeof(alpn) - 1, in,
		in_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *
tls_ctx(bool server)
{
	SSL_CTX *c =
	    SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());

	if (c == NULL)
		return NULL;
	SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
	SSL_CTX_set_security_level(c, 2);
	SSL_CTX_set_options(c,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_num_tickets(c, 0);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(c,
	    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_cipher_list(c, "ECDHE+AESGCM:ECDHE+CHACHA20");
	if (server)
		SSL_CTX_set_alpn_select_cb(c, on_alpn, NULL);
	else
		SSL_CTX_set_alpn_protos(c, alpn, sizeof(alpn) - 1);
	return c;
}

/* ---- life ---- */

static struct tls *
tls_new(SSL_CTX *ctx)
{
	struct tls *t = mem_zalloc(sizeof(*t));
	BIO *b;

	buf_init(&t->out, OUT_MAX);
	t->ssl = SSL_new(ctx);
	b = bio_of(t);
	SSL_set_bio(t->ssl, b, b);
	SSL_set_app_data(t->ssl, t);
	return t;
}

struct tls *
tls_accept(struct tls_server *sv)
{
	struct tls *t;

	if (sv->ctx == NULL)
		return NULL;
	t = tls_new(sv->ctx);
	SSL_set_accept_state(t->ssl);
	return t;
}

struct tls *
tls_connect(const char *host, const char *ca, const char *pin,
    char why[TLS_WHY])
{
	SSL_CTX *ctx = tls_ctx(false);
	struct tls *t;

	if (ctx == NULL) {
		str_copy(why, TLS_WHY, tls_errors());
		return NULL;
	}
	t = tls_new(ctx);
	SSL_set_connect_state(t->ssl);
	str_copy(t->host, sizeof(t->host), host);
	str_copy(t->pin, sizeof(t->pin), pin != NULL ? pin : "");
	if (tls_trust(t, ctx, ca) != 0) {
		str_copy(why, TLS_WHY, t->why);
		tls_free(t);
		t = NULL;
	}
	SSL_CTX_free(ctx); /* t has it */
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	BIO_meth_free(t->method);
	buf_fini(&t->out);
	mem_free(t);
}

/* ---- bytes ---- */

/*
 * An answer in plain text to who speaks plain HTTP to us: the one mistake that
 * everybody makes once.
 */
static void
answer_http(struct tls *t)
{
	static const char text[] =
	    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 51\r\nConnection: close\r\n\r\n"
	    "this port speaks TLS: say https:// or wss:// to it\n";

	buf_clear(&t->out);
	buf_add(&t->out, text, sizeof(text) - 1);
}

static const char *
reason_text(const struct tls *t, int reason)
{
	switch (reason) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_HTTPS_PROXY_REQUEST:
		return "the other end does not speak TLS";
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		return "the other end speaks no TLS newer than 1.1";
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
		return "the other end does not believe the certificate";
	default:
		return t->why;
	}
}

static enum tls_got
broken(struct tls *t)
{
	unsigned long e = ERR_peek_last_error();
	int reason = ERR_GET_REASON(e);

	t->broken = true;
	t->open = false;
	t->nin = 0;
	if (t->why[0] == '\0') {
		str_copy(t->why, sizeof(t->why),
		    ERR_reason_error_string(e) != NULL
			? ERR_reason_error_string(e)
			: "TLS failed");
		str_copy(t->why, sizeof(t->why), reason_text(t, reason));
	}
	if (SSL_is_server(t->ssl) && !SSL_is_init_finished(t->ssl) &&
	    reason == SSL_R_HTTP_REQUEST)
		answer_http(t);
	ERR_clear_error();
	return TLS_BROKEN;
}

static enum tls_got
result(struct tls *t, int rc)
{
	switch (SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_NONE:
		return TLS_DONE;
	case SSL_ERROR_WANT_READ:
		return TLS_MORE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_ENDED;
	default:
		return broken(t);
	}
}

void
tls_feed(struct tls *t, const void *p, size_t n)
{
	t->in = p;
	t->nin = n;
}

enum tls_got
tls_shake(struct tls *t)
{
	enum tls_got r;

	if (t->broken)
		return TLS_BROKEN;
	ERR_clear_error();
	r = result(t, SSL_do_handshake(t->ssl));
	t->open = r == TLS_DONE;
	return r;
}

enum tls_got
tls_read(struct tls *t, char *to, size_t cap, size_t *got)
{
	*got = 0;
	if (t->broken)
		return TLS_BROKEN;
	ERR_clear_error();
	return result(t, SSL_read_ex(t->ssl, to, cap, got) == 1 ? 1 : -1);
}

bool
tls_is_open(const struct tls *t)
{
	return t->open;
}

int
tls_write(struct tls *t, const char *p, size_t n)
{
	size_t done;

	if (!t->open || t->bye || n == 0)
		return n == 0 ? 0 : -1;
	ERR_clear_error();
	if (SSL_write_ex(t->ssl, p, n, &done) == 1)
		return 0;
	broken(t);
	return -1;
}

void
tls_bye(struct tls *t)
{
	if (!t->open || t->bye)
		return;
	ERR_clear_error();
	t->bye = true;
	SSL_shutdown(t->ssl);
	ERR_clear_error();
}

bool
tls_said_bye(const struct tls *t)
{
	return t->bye || !t->open;
}

struct buf *
tls_out(struct tls *t)
{
	return &t->out;
}

const char *
tls_why(const struct tls *t)
{
	return t->why;
}

bool
tls_untrusted(const struct tls *t)
{
	return t->untrusted;
}

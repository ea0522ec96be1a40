/*
 * tls_cert.c - a server's certificate and key: read from files with a sentence
 * for everything that may be wrong with them, and made when there are none.
 *
 * A pair is loaded whole or not at all, so a broker that reads its files again
 * while somebody copies them keeps what it had.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/tls_int.h"

#define DAY_S (24 * 3600L)

struct tls_server *
tls_server_new(void)
{
	return mem_zalloc(sizeof(struct tls_server));
}

void
tls_server_free(struct tls_server *sv)
{
	if (sv == NULL)
		return;
	SSL_CTX_free(sv->ctx);
	mem_free(sv);
}

const char *
tls_server_pin(const struct tls_server *sv)
{
	return sv->pin;
}

bool
tls_server_names(const struct tls_server *sv, const char *host)
{
	X509 *cert = sv->ctx != NULL ? SSL_CTX_get0_certificate(sv->ctx) : NULL;
	char bare[256];
	size_t n;

	if (cert == NULL ||
	    !str_copy(bare, sizeof(bare), host + (*host == '[')))
		return false;
	n = strlen(bare);
	if (*host == '[' && n > 0)
		bare[n - 1] = '\0';
	return X509_check_host(cert, bare, 0,
		   X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1 ||
	    X509_check_ip_asc(cert, bare, 0) == 1;
}

int64_t
tls_server_expires(const struct tls_server *sv)
{
	return sv->expires_at;
}

static int wrong(char why[TLS_WHY], const char *file, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
wrong(char why[TLS_WHY], const char *file, const char *fmt, ...)
{
	char text[TLS_WHY];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(why, TLS_WHY, "%.110s %.140s", file, text);
	ERR_clear_error();
	return -1;
}

/* ---- reading ---- */

/* A file of at most 1 MiB, open; the key's also for its mode. */
static FILE *
open_pem(const char *file, bool secret, char why[TLS_WHY])
{
	FILE *f = fopen(file, "re");
	struct stat st;

	if (f == NULL || fstat(fileno(f), &st) != 0) {
		wrong(why, file, "cannot be read: %s", strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_size > 1 << 20) {
		wrong(why, file, "is no file of a certificate or key");
	} else if (secret && (st.st_mode & 027) != 0) {
		wrong(why, file,
		    "holds a key and has mode %04o: others may read or change "
		    "it; mend it with: chmod 600 %.60s",
		    (unsigned)(st.st_mode & 07777), file);
	} else {
		return f;
	}
	if (f != NULL)
		fclose(f);
	return NULL;
}

/* We ask for no passphrase: there is nobody to ask. */
static int
no_passphrase(char *to, int cap, int writing, void *arg)
{
	(void)to, (void)cap, (void)writing;
	*(bool *)arg = true;
	return -1;
}

static X509 *
read_cert(const char *file, char why[TLS_WHY])
{
	FILE *f = open_pem(file, false, why);
	X509 *cert;

	if (f == NULL)
		return NULL;
	cert = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	if (cert == NULL)
		wrong(why, file,
		    "holds no certificate in PEM form (-----BEGIN "
		    "CERTIFICATE-----)");
	return cert;
}

static EVP_PKEY *
read_key(const char *file, char why[TLS_WHY])
{
	FILE *f = open_pem(file, true, why);
	bool asked = false;
	EVP_PKEY *key;

	if (f == NULL)
		return NULL;
	key = PEM_read_PrivateKey(f, NULL, no_passphrase, &asked);
	fclose(f);
	if (key == NULL)
		wrong(why, file, "%s",
		    asked ? "is a key locked with a passphrase; store it "
			    "without one"
			  : "holds no private key in PEM form (-----BEGIN "
			    "PRIVATE KEY-----)");
	return key;
}

static bool
weak(int reason)
{
	return reason == SSL_R_EE_KEY_TOO_SMALL ||
	    reason == SSL_R_CA_KEY_TOO_SMALL || reason == SSL_R_CA_MD_TOO_WEAK;
}

/* The chain of the file into ctx, then the key that must be its. */
static int
use_pair(SSL_CTX *ctx, const char *cert_file, X509 *cert, const char *key_file,
    EVP_PKEY *key, char why[TLS_WHY])
{
	char scratch[128];
	const char *text = tls_dates(cert, scratch, sizeof(scratch));
	int reason;

	if (text != NULL)
		return wrong(why, cert_file, "%s", text);
	if (X509_check_private_key(cert, key) != 1)
		return wrong(why, key_file,
		    "is not the key of the certificate in %.100s", cert_file);
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) == 1 &&
	    SSL_CTX_use_PrivateKey(ctx, key) == 1)
		return 0;
	reason = ERR_GET_REASON(ERR_peek_last_error());
	return wrong(why, cert_file, "%s: %s",
	    weak(reason) ? "is too weak" : "cannot be used", tls_errors());
}

int
tls_server_load(struct tls_server *sv, const char *cert_file,
    const char *key_file, char why[TLS_WHY])
{
	SSL_CTX *ctx = tls_ctx(true);
	X509 *cert = read_cert(cert_file, why);
	EVP_PKEY *key = cert != NULL ? read_key(key_file, why) : NULL;
	int rc = -1;

	if (ctx == NULL)
		wrong(why, "TLS", "cannot be used: %s", tls_errors());
	else if (key != NULL)
		rc = use_pair(ctx, cert_file, cert, key_file, key, why);
	if (rc == 0) {
		SSL_CTX_free(sv->ctx);
		sv->ctx = ctx;
		ctx = NULL;
		sv->expires_at = tls_time(X509_get0_notAfter(cert));
		tls_pin_of(sv->pin, cert);
	}
	SSL_CTX_free(ctx);
	X509_free(cert);
	EVP_PKEY_free(key);
	return rc;
}

/* ---- making ---- */

/* Beside its place, synced, then given its name. */
static int
write_pem(const char *file, mode_t mode, X509 *cert, EVP_PKEY *key,
    char why[TLS_WHY])
{
	char *fresh = mem_printf("%s.new", file);
	FILE *f;
	bool good;
	int fd;

	unlink(fresh); /* of one that was killed here */
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (f == NULL) {
		if (fd >= 0)
			close(fd);
		wrong(why, fresh, "cannot be made: %s", strerror(errno));
		mem_free(fresh);
		return -1;
	}
	good = cert != NULL
	    ? PEM_write_X509(f, cert) == 1
	    : PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
	good = fflush(f) == 0 && fsync(fd) == 0 && good;
	good = fclose(f) == 0 && good && rename(fresh, file) == 0;
	if (!good) {
		wrong(why, file, "cannot be written: %s", strerror(errno));
		unlink(fresh);
	}
	mem_free(fresh);
	return good ? 0 : -1;
}

static EVP_PKEY *
key_for(const char *file, char why[TLS_WHY])
{
	EVP_PKEY *key;

	if (access(file, F_OK) == 0)
		return read_key(file, why);
	key = EVP_EC_gen("P-256");
	if (key == NULL)
		wrong(why, file, "cannot be made: %s", tls_errors());
	else if (write_pem(file, 0600, NULL, key, why) == 0)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static int
add_ext(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	int rc;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	rc = e != NULL && X509_add_ext(cert, e, -1) == 1 ? 0 : -1;
	X509_EXTENSION_free(e);
	return rc;
}

/* "DNS:a,IP:1.2.3.4". Checked first: a comma would begin another extension. */
static int
alt_names(struct buf *out, const char *const *hosts, char why[TLS_WHY])
{
	unsigned char a[16];
	bool ip;

	for (size_t i = 0; hosts[i] != NULL; i++) {
		ip = inet_pton(AF_INET, hosts[i], a) == 1 ||
		    inet_pton(AF_INET6, hosts[i], a) == 1;
		if (!ip &&
		    (*hosts[i] == '\0' || strlen(hosts[i]) > 253 ||
			hosts[i][strspn(hosts[i],
			    "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*")] !=
			    '\0')) {
			snprintf(why, TLS_WHY,
			    "'%.100s' is neither a host name nor an address",
			    hosts[i]);
			return -1;
		}
		buf_addf(out, "%s%s:%s", i > 0 ? "," : "", ip ? "IP" : "DNS",
		    hosts[i]);
	}
	return 0;
}

static X509 *
make_cert(EVP_PKEY *key, const char *const *hosts, const char *names, int days)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	BIGNUM *serial = BN_new();
	char cn[65];
	bool good;

	str_copy(cn, sizeof(cn), hosts[0]);
	good = X509_set_version(cert, 2) == 1 &&
	    BN_rand(serial, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
	    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) != NULL &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, NULL) != NULL &&
	    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
		(const unsigned char *)cn, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert, name) == 1 &&
	    X509_set_pubkey(cert, key) == 1 &&
	    add_ext(cert, NID_basic_constraints, "critical,CA:FALSE") == 0 &&
	    add_ext(cert, NID_key_usage, "critical,digitalSignature") == 0 &&
	    add_ext(cert, NID_ext_key_usage, "serverAuth") == 0 &&
	    add_ext(cert, NID_subject_alt_name, names) == 0 &&
	    X509_sign(cert, key, EVP_sha256()) > 0;
	BN_free(serial);
	if (good)
		return cert;
	X509_free(cert);
	return NULL;
}

int
tls_self_signed(const char *cert_file, const char *key_file,
    const char *const *hosts, int days, bool again, char pin[TLS_PIN_LEN + 1],
    char why[TLS_WHY])
{
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	struct buf names;
	int rc;

	if (!again && access(cert_file, F_OK) == 0)
		return wrong(why, cert_file,
		    "is there already; --renew makes it anew, with the same "
		    "key and so the same pin");
	buf_init(&names, 64 * 1024);
	rc = alt_names(&names, hosts, why);
	if (rc == 0 && (key = key_for(key_file, why)) == NULL)
		rc = -1;
	if (rc == 0) {
		cert = make_cert(key, hosts, buf_str(&names), days);
		rc = cert == NULL
		    ? wrong(why, cert_file, "cannot be made: %s", tls_errors())
		    : write_pem(cert_file, 0644, cert, NULL, why);
	}
	if (rc == 0)
		tls_pin_of(pin, cert);
	X509_free(cert);
	EVP_PKEY_free(key);
	buf_fini(&names);
	return rc;
}

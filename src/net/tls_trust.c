/*
 * tls_trust.c - whom a client believes: a chain to the system's store, or to the
 * CA it was given, with the name it dialled; or one key it agreed to before.
 *
 * The decision is taken in OpenSSL's own verification step, so the other end
 * gets the alert that fits and no byte of ours before it. With a pin, name and
 * issuer are not looked at: the key is what was agreed to. Its dates are.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/str.h"
#include "net/tls_int.h"

#define SHOWN 80

bool
tls_pin_ok(const char *pin)
{
	return hex_is(pin, 32);
}

void
tls_pin_of(char out[TLS_PIN_LEN + 1], X509 *cert)
{
	unsigned char *der = NULL, hash[32];
	unsigned n = 0;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	out[0] = '\0';
	if (len > 0 &&
	    EVP_Digest(der, (size_t)len, hash, &n, EVP_sha256(), NULL) == 1)
		hex_encode(out, hash, sizeof(hash));
	OPENSSL_free(der);
}

void
tls_tame(char *out, size_t cap, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n && i + 1 < cap; i++)
		out[i] = (char)(s[i] >= ' ' && s[i] <= '~' ? s[i] : '?');
	out[i] = '\0';
}

int64_t
tls_time(const ASN1_TIME *t)
{
	struct tm tm = { 0 };

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm) * 1000;
}

static void
date_text(char out[11], const ASN1_TIME *t)
{
	char iso[CLOCK_ISO_LEN + 1];

	clock_iso(iso, tls_time(t));
	memcpy(out, iso, 10);
	out[10] = '\0';
}

const char *
tls_dates(X509 *cert, char *scratch, size_t cap)
{
	const ASN1_TIME *from = X509_get0_notBefore(cert),
			*to = X509_get0_notAfter(cert);
	char day[11];

	if (X509_cmp_current_time(from) >= 0) {
		date_text(day, from);
		snprintf(scratch, cap,
		    "is valid only from %s on (is this machine's clock right?)",
		    day);
		return scratch;
	}
	if (X509_cmp_current_time(to) <= 0) {
		date_text(day, to);
		snprintf(scratch, cap, "expired on %s", day);
		return scratch;
	}
	return NULL;
}

/* The first name of its subject alternative names, else its common name. */
static void
names_of(char *out, size_t cap, X509 *cert)
{
	GENERAL_NAMES *all =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	const GENERAL_NAME *g;
	char ip[INET6_ADDRSTRLEN] = "";
	const ASN1_OCTET_STRING *a;

	str_copy(out, cap, "nobody");
	if (sk_GENERAL_NAME_num(all) > 0) {
		g = sk_GENERAL_NAME_value(all, 0);
		if (g->type == GEN_DNS) {
			tls_tame(out, cap,
			    (const char *)ASN1_STRING_get0_data(g->d.dNSName),
			    (size_t)ASN1_STRING_length(g->d.dNSName));
		} else if (g->type == GEN_IPADD) {
			a = g->d.iPAddress;
			inet_ntop(a->length == 4 ? AF_INET : AF_INET6, a->data,
			    ip, sizeof(ip));
			str_copy(out, cap, ip);
		}
	}
	GENERAL_NAMES_free(all);
}

static void
issuer_of(char *out, size_t cap, X509 *cert)
{
	char text[SHOWN] = "";

	if (X509_NAME_get_text_by_NID(X509_get_issuer_name(cert),
		NID_commonName, text, sizeof(text)) <= 0 &&
	    X509_NAME_get_text_by_NID(X509_get_issuer_name(cert),
		NID_organizationName, text, sizeof(text)) <= 0)
		str_copy(text, sizeof(text), "an unnamed issuer");
	tls_tame(out, cap, text, strlen(text));
}

static void
explain(struct tls *t, X509 *leaf, X509 *at, int error)
{
	char name[SHOWN], scratch[128], pin[TLS_PIN_LEN + 1];
	const char *text;

	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		text = tls_dates(at, scratch, sizeof(scratch));
		snprintf(t->why, sizeof(t->why), "its certificate %s%s",
		    at == leaf ? "" : "was issued by one that ",
		    text != NULL ? text : "has expired");
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		names_of(name, sizeof(name), leaf);
		snprintf(t->why, sizeof(t->why),
		    "its certificate is for %s, not for %.100s", name, t->host);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		tls_pin_of(pin, leaf);
		text = tls_dates(leaf, scratch, sizeof(scratch));
		if (text != NULL)
			snprintf(t->why, sizeof(t->why), "its certificate %s",
			    text);
		else
			snprintf(t->why, sizeof(t->why),
			    "its certificate is self-signed and unknown here; "
			    "if this is its pin, say --pin %s",
			    pin);
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		issuer_of(name, sizeof(name), leaf);
		snprintf(t->why, sizeof(t->why),
		    "its certificate was issued by %s, who is unknown here; "
		    "--ca FILE names an issuer",
		    name);
		break;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		snprintf(t->why, sizeof(t->why),
		    "its certificate is too weak: %s",
		    X509_verify_cert_error_string(error));
		break;
	default:
		snprintf(t->why, sizeof(t->why), "its certificate: %s",
		    X509_verify_cert_error_string(error));
	}
}

static int
verify_pin(struct tls *t, X509 *leaf)
{
	char pin[TLS_PIN_LEN + 1], scratch[128];
	const char *text;

	tls_pin_of(pin, leaf);
	text = tls_dates(leaf, scratch, sizeof(scratch));
	if (!str_eq(pin, t->pin))
		snprintf(t->why, sizeof(t->why),
		    "its key is not the pinned one: somebody is in between, or "
		    "it has a new key, with the pin %s",
		    pin);
	else if (text != NULL)
		snprintf(t->why, sizeof(t->why), "its certificate %s", text);
	else
		return 1;
	return 0;
}

static int
on_verify(X509_STORE_CTX *sc, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(sc,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_app_data(ssl);
	X509 *leaf = X509_STORE_CTX_get0_cert(sc), *at;

	(void)arg;
	if (t->pin[0] != '\0') {
		if (verify_pin(t, leaf) == 1)
			return 1;
		X509_STORE_CTX_set_error(sc, X509_V_ERR_CERT_REJECTED);
	} else {
		if (X509_verify_cert(sc) == 1)
			return 1;
		at = X509_STORE_CTX_get_current_cert(sc);
		explain(t, leaf, at != NULL ? at : leaf,
		    X509_STORE_CTX_get_error(sc));
	}
	t->untrusted = true;
	return 0;
}

/* A store of its own, of every certificate in the text. */
static int
trust_ca(struct tls *t, const char *ca)
{
	X509_STORE *store = X509_STORE_new();
	BIO *b = BIO_new_mem_buf(ca, -1);
	X509 *cert;
	int n = 0;

	while ((cert = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_cert(store, cert);
		X509_free(cert);
	}
	ERR_clear_error();
	BIO_free(b);
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	SSL_set1_verify_cert_store(t->ssl, store);
	X509_STORE_free(store);
	if (n > 0)
		return 0;
	str_copy(t->why, sizeof(t->why),
	    "there is no certificate (PEM) in what --ca named");
	return -1;
}

static bool
is_address(const char *host)
{
	unsigned char a[16];

	return inet_pton(AF_INET, host, a) == 1 ||
	    inet_pton(AF_INET6, host, a) == 1;
}

int
tls_trust(struct tls *t, SSL_CTX *ctx, const char *ca)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(t->ssl);

	SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
	SSL_set_verify(t->ssl, SSL_VERIFY_PEER, NULL);
	X509_VERIFY_PARAM_set_hostflags(p,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (is_address(t->host)) {
		X509_VERIFY_PARAM_set1_ip_asc(p, t->host);
	} else {
		X509_VERIFY_PARAM_set1_host(p, t->host, 0);
		SSL_set_tlsext_host_name(t->ssl, t->host);
	}
	if (ca != NULL && *ca != '\0')
		return trust_ca(t, ca);
	SSL_CTX_set_default_verify_paths(ctx);
	return 0;
}

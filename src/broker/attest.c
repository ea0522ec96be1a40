/*
 * attest.c - the two proofs that several domains ask for: that a session speaks
 * for a member, and that a client meant this broker and no other.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "broker/broker.h"

#define SKEW_MS (5 * 60 * (int64_t)1000)

static int
attest_fits(struct rq *rq, const struct mesh *m, const char *member,
    const char *session, const struct attestation *a)
{
	const char *fault = str_name_fault(a->name, 64);

	if (strcmp(a->mesh, m->id) != 0 || strcmp(a->member, member) != 0 ||
	    strcmp(a->session, session) != 0)
		return rq_field(rq, E_BAD_ATTESTATION, "attestation",
		    "the attestation is for another mesh, member or session");
	if (fault != NULL)
		return rq_field(rq, E_BAD_ATTESTATION, "attestation.name",
		    "the session's name %s", fault);
	if (name_reserved(a->name))
		return rq_field(rq, E_BAD_ATTESTATION, "attestation.name",
		    "the name '%s' is reserved", a->name);
	if (a->issued_at > rq->now + SKEW_MS)
		return rq_field(rq, E_BAD_ATTESTATION, "attestation.issuedAt",
		    "the attestation is from the future: the clocks differ by "
		    "more than 5 minutes");
	if (a->expires_at <= rq->now)
		return rq_field(rq, E_EXPIRED, "attestation.expiresAt",
		    "the attestation has run out");
	if (a->expires_at <= a->issued_at ||
	    a->expires_at - a->issued_at > DAY_MS)
		return rq_field(rq, E_BAD_ATTESTATION, "attestation.expiresAt",
		    "an attestation stands for at most 24 hours");
	return OK;
}

int
attest_open(struct rq *rq, const struct mesh *m, const char *member,
    const char *session, const char *b64, struct attestation *out)
{
	int r;

	r = doc_open(rq->arena, b64, "attest", &wire_attestation, out, member,
	    &rq->why);
	if (r != OK)
		return rq_field(rq,
		    r == E_BAD_SIGNATURE ? r : E_BAD_ATTESTATION, "attestation",
		    "the attestation does not stand: %s",
		    arena_strdup(rq->arena, rq->why.text));
	return attest_fits(rq, m, member, session, out);
}

/* ---- URLs ---- */

static bool
is_loopback(const char *host)
{
	return strcasecmp(host, "localhost") == 0 || str_eq(host, "[::1]") ||
	    str_eq(host, "::1") ||
	    (str_starts(host, "127.") && /* not 127.evil.example */
		host[strspn(host, "0123456789.")] == '\0');
}

/* The host of an authority, and its length: without the port. */
static size_t
host_len(const char *s)
{
	return *s == '[' ? strcspn(s, "]") + 1 : strcspn(s, ":/");
}

/*
 * For browsers: a page that was served under this Host is ours only if the name
 * is. Anybody's name may be made to point here (DNS rebinding), an address not.
 */
bool
host_ours(const struct broker *b, const char *host)
{
	const char *const *u = b->conf.url, *h;
	size_t i, n = host_len(host);

	if (*host == '[' || strspn(host, "0123456789.") == n ||
	    (n == 9 && strncasecmp(host, "localhost", 9) == 0))
		return true;
	for (i = 0; u != NULL && u[i] != NULL; i++) {
		h = strstr(u[i], "://");
		if (h != NULL && host_len(h + 3) == n &&
		    strncasecmp(h + 3, host, n) == 0)
			return true;
	}
	return false;
}

/* The host of SCHEME://HOST[:PORT]/ws, and the port or 0; false: not so. */
static bool
url_host(const char *url, const char *scheme, char host[256], long *port)
{
	const char *p = url + strlen(scheme);
	size_t n;
	char *end;

	if (strncasecmp(url, scheme, strlen(scheme)) != 0)
		return false;
	n = *p == '[' && strchr(p, ']') == NULL ? 0 : host_len(p);
	if (n == 0 || n >= 256)
		return false;
	memcpy(host, p, n);
	host[n] = '\0';
	p += n;
	*port = 0;
	if (*p == ':') {
		*port = strtol(p + 1, &end, 10);
		p = end;
	}
	return strcmp(p, "/ws") == 0;
}

/*
 * Loopback with a port we listen on; and, with TLS, a name that our certificate
 * has: nobody else could have answered to it.
 */
static bool
url_ours(const struct broker *b, const char *url)
{
	char host[256];
	long port;
	size_t i;

	if (!url_host(url, b->conf.cert != NULL ? "wss://" : "ws://", host,
		&port))
		return false;
	if (b->conf.cert != NULL && tls_server_names(b->conf.cert, host))
		return true;
	if (!is_loopback(host))
		return false;
	if (port == 0)
		port = b->conf.cert != NULL ? 443 : 80;
	for (i = 0; i < b->addr.n; i++) {
		if (b->addr.v[i].port == port)
			return true;
	}
	return false;
}

int
url_check(struct rq *rq, const char *url)
{
	const struct broker *b = rq->b;
	const char *const *u = b->conf.url;
	char own[320];
	size_t i;

	for (i = 0; u != NULL && u[i] != NULL; i++) {
		if (strcmp(u[i], url) == 0)
			return OK;
	}
	if (url_ours(b, url))
		return OK;
	if (u != NULL && u[0] != NULL)
		str_copy(own, sizeof(own), u[0]);
	else
		io_addr_print(own, sizeof(own), &b->addr.v[0]);
	return rq_field(rq, E_WRONG_URL, "proof.url",
	    "the proof was signed for '%.100s', this broker is '%.100s'", url,
	    own);
}

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

/* ws://LOOPBACK:PORT/ws with a port we listen on. */
static bool
loopback_url(const struct broker *b, const char *url)
{
	char host[64];
	const char *p, *e;
	size_t i, n;
	char *end;
	long port = 80;

	if (strncasecmp(url, "ws://", 5) != 0)
		return false;
	p = url + 5;
	e = *p == '[' ? strchr(p, ']') : p + strcspn(p, ":/");
	if (e == NULL)
		return false;
	n = (size_t)(e - p) + (*e == ']');
	if (n >= sizeof(host))
		return false;
	memcpy(host, p, n);
	host[n] = '\0';
	p += n;
	if (!is_loopback(host))
		return false;
	if (*p == ':') {
		port = strtol(p + 1, &end, 10);
		p = end;
	}
	if (strcmp(p, "/ws") != 0)
		return false;
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
	if (loopback_url(b, url))
		return OK;
	if (u != NULL && u[0] != NULL)
		str_copy(own, sizeof(own), u[0]);
	else
		io_addr_print(own, sizeof(own), &b->addr.v[0]);
	return rq_field(rq, E_WRONG_URL, "proof.url",
	    "the proof was signed for '%.100s', this broker is '%.100s'", url,
	    own);
}

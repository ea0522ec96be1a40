/*
 * proxy.c - CONNECT, RFC 9110 9.3.6, and the variables. What a proxy says after
 * its head would be words put into the broker's mouth: there may be none.
 */
#include "net/proxy.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/enc.h"
#include "base/str.h"
#include "net/wsclient.h"

/* %XX of user names and passwords; -1 when malformed or too long. */
static int
unescape(char *out, size_t cap, const char *s, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (len + 1 >= cap)
			return -1;
		if (s[i] != '%') {
			out[len++] = s[i];
			continue;
		}
		if (i + 2 >= n || hex_decode(out + len, 1, s + i + 1, 2) != 1)
			return -1;
		len++;
		i += 2;
	}
	out[len] = '\0';
	return (int)len;
}

static int
take_user(struct proxy *p, const char *s, size_t n)
{
	char text[512];
	int len = unescape(text, sizeof(text), s, n);

	if (len <= 0)
		return -1;
	if (memchr(text, ':', (size_t)len) == NULL) {
		if ((size_t)len + 1 >= sizeof(text))
			return -1;
		text[len++] = ':';
	}
	b64_encode(p->auth, text, (size_t)len);
	return 0;
}

int
proxy_parse(struct proxy *p, const char *text, const char **why)
{
	const char *at = strstr(text, "://"), *end, *user;
	char url[600];
	struct url u;

	*p = (struct proxy){ 0 };
	*why = "its user name or password is malformed";
	at = at == NULL ? text : at + 3;
	end = at + strcspn(at, "/?#");
	user = memrchr(at, '@', (size_t)(end - at));
	if (user != NULL && take_user(p, at, (size_t)(user - at)) != 0)
		return -1;
	*why = "only proxies at http:// are spoken to";
	if (at != text && strncasecmp(text, "http://", 7) != 0)
		return -1;
	if (user != NULL)
		at = user + 1;
	*why = "it is too long";
	if ((size_t)snprintf(url, sizeof(url), "http://%.*s", (int)(end - at),
		at) >= sizeof(url))
		return -1;
	if (url_parse(&u, url, why) != 0)
		return -1;
	str_copy(p->host, sizeof(p->host), u.host);
	p->port = u.port;
	return 0;
}

/* One entry of NO_PROXY. */
static bool
spares(const char *e, size_t n, const char *host, uint16_t port)
{
	const char *colon = memrchr(e, ':', n);
	size_t len = strlen(host);
	char num[8];

	if (colon != NULL && memchr(e, ':', n) == colon) { /* not IPv6 */
		snprintf(num, sizeof(num), "%u", (unsigned)port);
		if (strlen(num) != n - (size_t)(colon - e) - 1 ||
		    memcmp(num, colon + 1, strlen(num)) != 0)
			return false;
		n = (size_t)(colon - e);
	}
	if (n == 1 && *e == '*')
		return true;
	if (n > 0 && *e == '.') {
		e++;
		n--;
	}
	return n > 0 && n <= len && strncasecmp(host + len - n, e, n) == 0 &&
	    (n == len || host[len - n - 1] == '.');
}

bool
proxy_spares(const char *no, const char *host, uint16_t port)
{
	size_t n;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	    (str_starts(host, "127.") &&
		host[strspn(host, "0123456789.")] == '\0'))
		return true;
	for (; no != NULL && *no != '\0'; no += n + (no[n] != '\0')) {
		n = strcspn(no, ", ");
		if (n > 0 && spares(no, n, host, port))
			return true;
	}
	return false;
}

void
proxy_request(struct buf *b, const struct proxy *p, const char *host,
    uint16_t port)
{
	bool six = strchr(host, ':') != NULL;
	char to[300];

	snprintf(to, sizeof(to), six ? "[%s]:%u" : "%s:%u", host,
	    (unsigned)port);
	buf_addf(b, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", to, to);
	if (p->auth[0] != '\0')
		buf_addf(b, "Proxy-Authorization: Basic %s\r\n", p->auth);
	buf_adds(b, "\r\n");
}

const char *
proxy_fault(const char *line, char *scratch, size_t cap)
{
	int status = 0;

	if (sscanf(line, "HTTP/1.%*1[01] %3d", &status) != 1 || status < 100)
		return "it does not answer as a proxy";
	if (status >= 200 && status < 300)
		return NULL;
	snprintf(scratch, cap, "HTTP status %d%s", status,
	    status == 407 ? ", it wants a user name and a password" : "");
	return scratch;
}

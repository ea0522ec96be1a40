/*
 * url.c - the URLs we take: ws, wss, http, https with a host, perhaps a port
 * and a path. No user names, no fragments: neither has business in a broker's
 * address, and both have been used to dress one up as another.
 */
#include "net/wsclient.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"

static const struct {
	const char *name;
	uint16_t port;
} schemes[] = {
	{ "ws", 80 },
	{ "wss", 443 },
	{ "http", 80 },
	{ "https", 443 },
};

static int
fault(const char **why, const char *text)
{
	if (why != NULL)
		*why = text;
	return -1;
}

static uint16_t
default_port(const char *scheme)
{
	for (size_t i = 0; i < countof(schemes); i++)
		if (strcmp(schemes[i].name, scheme) == 0)
			return schemes[i].port;
	return 0;
}

static const char *
take_scheme(struct url *u, const char *s)
{
	const char *sep = strstr(s, "://");
	size_t n = sep == NULL ? 0 : (size_t)(sep - s);

	for (size_t i = 0; n > 0 && i < countof(schemes); i++)
		if (strlen(schemes[i].name) == n &&
		    strncasecmp(schemes[i].name, s, n) == 0) {
			str_copy(u->scheme, sizeof(u->scheme), schemes[i].name);
			u->port = schemes[i].port;
			return sep + 3;
		}
	return NULL;
}

static bool
is_host(const char *s, bool six)
{
	const char *of = six ? "0123456789abcdef:."
			     : "abcdefghijklmnopqrstuvwxyz0123456789.-_";

	return *s != '\0' && s[strspn(s, of)] == '\0';
}

/* authority[0..n): host[:port], in brackets when it is IPv6. */
static int
take_authority(struct url *u, const char *s, size_t n, const char **why)
{
	char text[sizeof(u->host) + 8], *host = text, *port;
	unsigned long v = 0;

	if (n >= sizeof(text))
		return fault(why, "the host is too long");
	for (size_t i = 0; i < n; i++)
		text[i] =
		    (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 0x20 : s[i]);
	text[n] = '\0';
	port = strrchr(text, ':');
	if (*text == '[') {
		host++;
		port = strchr(text, ']');
		if (port == NULL || (port[1] != '\0' && port[1] != ':'))
			return fault(why, "the host is malformed");
		*port++ = '\0';
		port = *port == '\0' ? NULL : port;
	}
	if (port != NULL) {
		*port++ = '\0';
		if (strspn(port, "0123456789") != strlen(port) ||
		    strlen(port) > 5 || sscanf(port, "%lu", &v) != 1 ||
		    v == 0 || v > 65535)
			return fault(why, "the port is not 1 to 65535");
		u->port = (uint16_t)v;
	}
	if (!is_host(host, host != text) ||
	    !str_copy(u->host, sizeof(u->host), host))
		return fault(why, "the host is malformed");
	return 0;
}

int
url_parse(struct url *u, const char *s, const char **why)
{
	const char *at, *p;
	size_t n;

	*u = (struct url){ 0 };
	at = take_scheme(u, s);
	if (at == NULL)
		return fault(why,
		    "it does not start with ws://, wss://, "
		    "http:// or https://");
	for (p = at; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || *p == '#' || *p == '\\')
			return fault(why,
			    "it has a character that does not "
			    "belong in an address");
	n = strcspn(at, "/?");
	if (memchr(at, '@', n) != NULL)
		return fault(why, "a user name does not belong in it");
	if (take_authority(u, at, n, why) != 0)
		return -1;
	if (snprintf(u->path, sizeof(u->path), "%s%s", at[n] == '/' ? "" : "/",
		at + n) >= (int)sizeof(u->path))
		return fault(why, "the path is too long");
	return 0;
}

static int
print(char *out, size_t cap, const struct url *u, const char *path,
    const char **why)
{
	bool six = strchr(u->host, ':') != NULL;
	char port[8] = "";

	if (u->port != default_port(u->scheme))
		snprintf(port, sizeof(port), ":%u", (unsigned)u->port);
	if ((size_t)snprintf(out, cap, "%s://%s%s%s%s%s", u->scheme,
		six ? "[" : "", u->host, six ? "]" : "", port, path) >= cap)
		return fault(why, "it is too long");
	return 0;
}

bool
url_is_secure(const struct url *u)
{
	return str_eq(u->scheme, "wss") || str_eq(u->scheme, "https");
}

/* The path without a tail of slashes, and without /ws when asked. */
static int
trim_path(struct url *u, bool drop_ws, const char **why)
{
	size_t n;

	if (strchr(u->path, '?') != NULL)
		return fault(why, "a query does not belong in it");
	n = strlen(u->path);
	while (n > 0 && u->path[n - 1] == '/')
		u->path[--n] = '\0';
	if (drop_ws && n >= 3 && strcmp(u->path + n - 3, "/ws") == 0)
		u->path[n - 3] = '\0';
	return 0;
}

int
url_to_ws(char *out, size_t cap, const char *s, const char **why)
{
	char path[sizeof(((struct url *)0)->path) + 4];
	struct url u;
	bool already;

	if (url_parse(&u, s, why) != 0)
		return -1;
	already = u.scheme[0] == 'w' && strcmp(u.path, "/") != 0;
	if (!already && trim_path(&u, true, why) != 0)
		return -1;
	str_copy(u.scheme, sizeof(u.scheme), url_is_secure(&u) ? "wss" : "ws");
	snprintf(path, sizeof(path), "%s%s", u.path, already ? "" : "/ws");
	return print(out, cap, &u, path, why);
}

int
url_to_http(char *out, size_t cap, const char *s, const char **why)
{
	struct url u;

	if (url_parse(&u, s, why) != 0 || trim_path(&u, true, why) != 0)
		return -1;
	str_copy(u.scheme, sizeof(u.scheme),
	    url_is_secure(&u) ? "https" : "http");
	return print(out, cap, &u, u.path, why);
}

/*
 * io.c - the part of io.h that needs no world: addresses as text and the
 * words for a close. Shared by the real network and the simulated one.
 */
#include "net/io.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

const char *
io_why_text(enum io_why why)
{
	static const char *const text[] = {
		[IO_CLOSED] = "closed by the other end",
		[IO_RESET] = "connection lost",
		[IO_REFUSED] = "connection refused",
		[IO_NO_NAME] = "the host name does not resolve",
		[IO_TIMEOUT] = "no answer in time",
		[IO_OURS] = "closed by us",
		[IO_PRIVATE] = "its address is not one of the open internet",
		[IO_NO_TLS] = "TLS failed",
		[IO_UNTRUSTED] = "its certificate is not believed",
	};

	return (size_t)why < countof(text) ? text[why] : "closed";
}

static void
nobody_id(void *arg, io_id id)
{
	(void)arg;
	(void)id;
}

static void
nobody_data(void *arg, io_id id, const void *p, size_t n)
{
	(void)arg;
	(void)id;
	(void)p;
	(void)n;
}

static void
nobody_close(void *arg, io_id id, enum io_why why)
{
	(void)arg;
	(void)id;
	(void)why;
}

const struct io_stream_cb io_nobody = { nobody_id, nobody_data, nobody_id,
	nobody_close };

static int
parse_port(const char *s, uint16_t *out)
{
	unsigned long v = 0;
	size_t i;

	for (i = 0; s[i] >= '0' && s[i] <= '9' && i < 6; i++)
		v = v * 10 + (unsigned long)(s[i] - '0');
	if (i == 0 || s[i] != '\0' || v > 65535)
		return -1;
	*out = (uint16_t)v;
	return 0;
}

static bool
host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

static int
parse_host(struct io_addr *a, const char *s, size_t n)
{
	if (n == 0 || n >= sizeof(a->host))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!host_char(s[i]))
			return -1;
	memcpy(a->host, s, n);
	a->host[n] = '\0';
	return 0;
}

static int
parse_ip6(struct io_addr *a, const char *s, const char *close)
{
	size_t n = (size_t)(close - s);

	if (n < 2 || n >= 64 || strspn(s, "0123456789abcdefABCDEF:.") != n)
		return -1;
	memcpy(a->host, s, n);
	a->host[n] = '\0';
	return close[1] == ':' ? parse_port(close + 2, &a->port) : -1;
}

int
io_addr_parse(struct io_addr *a, const char *s)
{
	const char *colon;

	*a = (struct io_addr){ 0 };
	if (str_starts(s, "unix:")) {
		a->unix_ = true;
		return s[5] != '\0' && str_copy(a->path, sizeof(a->path), s + 5)
		    ? 0
		    : -1;
	}
	if (s[0] == '[') {
		colon = strchr(s, ']');
		return colon == NULL ? -1 : parse_ip6(a, s + 1, colon);
	}
	colon = strrchr(s, ':');
	if (colon == NULL || parse_host(a, s, (size_t)(colon - s)) != 0)
		return -1;
	return parse_port(colon + 1, &a->port);
}

void
io_addr_print(char *out, size_t cap, const struct io_addr *a)
{
	bool six = strchr(a->host, ':') != NULL;

	if (a->unix_)
		snprintf(out, cap, "unix:%s", a->path);
	else
		snprintf(out, cap, six ? "[%s]:%u" : "%s:%u", a->host,
		    (unsigned)a->port);
}

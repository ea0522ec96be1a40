/*
 * trust.c - whom of a broker is believed, as far as the user is asked: --ca, --pin,
 * and the one question when a broker shows a key that nobody vouches for.
 *
 * The answer to that question is never taken from -y: saying yes to everything
 * is not having compared a key.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "cli/trust.h"

#define CA_MAX 65536
#define PIN_LEN 64

const struct flag trust_flags[] = {
	{ "ca", "FILE",
	    "wss: certificates (PEM) of who may vouch for the broker, instead "
	    "of the system's. Kept with the mesh." },
	{ "pin", "SHA256",
	    "wss: the one key the broker must have; broker cert prints it. "
	    "Kept with the mesh." },
	{ NULL, NULL, NULL },
};

static int
read_ca(struct cli *c, const char *file, const char **out)
{
	FILE *f = fopen(file, "re");
	char *text;
	size_t n;

	if (f == NULL)
		return cli_fail(c, E_USAGE, "--ca %s cannot be read: %s",
		    safe(c, file), strerror(errno));
	text = arena_alloc(&c->arena, CA_MAX + 1);
	n = fread(text, 1, CA_MAX + 1, f);
	fclose(f);
	if (n > CA_MAX)
		return cli_fail(c, E_TOO_LARGE,
		    "--ca %s is larger than %d bytes", safe(c, file), CA_MAX);
	text[n] = '\0';
	*out = text;
	if (memchr(text, '\0', n) == NULL && utf8_valid(text, n) &&
	    strstr(text, "-----BEGIN CERTIFICATE-----") != NULL)
		return 0;
	return cli_fail(c, E_USAGE, "--ca %s holds no certificate (PEM)",
	    safe(c, file));
}

/* As people copy it: upper case, colons, sha256: before it. */
static const char *
pin_of(struct cli *c, const char *s)
{
	char *out = arena_strdup(&c->arena, s), *to = out;

	if (strncasecmp(s, "sha256:", 7) == 0)
		s += 7;
	for (; *s != '\0'; s++)
		if (*s != ':')
			*to++ = (char)(*s >= 'A' && *s <= 'F' ? *s | 0x20 : *s);
	*to = '\0';
	return out;
}

int
trust_fill(struct cli *c, const char **ca, const char **pin)
{
	const char *file = arg(c, "ca"), *key = arg(c, "pin");

	if (key != NULL && *key != '\0')
		*pin = pin_of(c, key);
	return file != NULL ? read_ca(c, file, ca) : 0;
}

/* The pin that the refusal names, or NULL. */
static const char *
named_pin(struct cli *c, const struct why *why)
{
	const char *at = strstr(why->text, "say --pin ");

	if (why->code != E_UNTRUSTED || at == NULL ||
	    strspn(at + 10, "0123456789abcdef") != PIN_LEN)
		return NULL;
	return arena_strndup(&c->arena, at + 10, PIN_LEN);
}

static bool
agreed(struct cli *c, const struct why *why, const char *pin)
{
	if (!c->tty_in || c->yes)
		return false;
	fprintf(stderr,
	    "%s\n\nNobody vouches for this broker. Its key's SHA-256 is\n\n"
	    "  %s\n\n"
	    "Compare it with what `claudemesh broker cert` printed there.\n",
	    safe(c, why->text), pin);
	return cli_confirm(c,
		   "Is it the same? It is remembered for this mesh.") == 0;
}

int
trust_call(struct cli *c, const struct wire_msg *row, const void *in,
    const char **pin, void *out)
{
	int64_t began = cli_now();
	const char *named;
	struct why why;

	if (cli_try(c, row, in, out, &why) == 0)
		return 0;
	named = named_pin(c, &why);
	if (named != NULL && (*pin == NULL || **pin == '\0')) {
		if (agreed(c, &why, named)) {
			*pin = named;
			return cli_call(c, row, in, out);
		}
		cli_hint(c, "the same with --pin %s, once it is compared",
		    named);
	}
	return cli_failed(c, row, in, out, began, &why);
}

void
trust_warn(struct cli *c, const char *broker)
{
	const char *h = broker + 5;

	if (!str_starts(broker, "ws://") || str_starts(h, "127.") ||
	    str_starts(h, "localhost") || str_starts(h, "[::1]"))
		return;
	cli_say(c,
	    "warning: %s has no TLS: the network sees who talks when, and can "
	    "cut in; what is said stays sealed",
	    safe(c, broker));
}

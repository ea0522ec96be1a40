/*
 * say.c - talk with people: errors, hints and questions on stderr, so that
 * stdout holds results and nothing else.
 *
 * Errors name the thing and the limit; a second line names the command that
 * helps. In the document modes an error is a document, too.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

void
cli_hint(struct cli *c, const char *fmt, ...)
{
	va_list ap;

	if (c->fix[0] != '\0') /* the first, most particular one stays */
		return;
	va_start(ap, fmt);
	vsnprintf(c->fix, sizeof(c->fix), fmt, ap);
	va_end(ap);
}

/* What helps in general, when nothing more particular is known. */
static const char *
general_hint(const struct cli *c, int code)
{
	if (code == E_UNREACHABLE && c->verb != NULL && c->verb->row != NULL &&
	    c->verb->row == &wire_local_mesh_leave)
		return "claudemesh mesh leave --forget erases it here and "
		       "tells nobody";
	switch (code) {
	case E_NO_MESH:
		return "claudemesh list shows the meshes; claudemesh up makes "
		       "one, claudemesh join URL joins one";
	case E_NO_PEER:
		return "claudemesh peers shows who is there, claudemesh member "
		       "list who may be";
	case E_AMBIGUOUS:
		return "give the key in place of the name: claudemesh peers "
		       "--json name,key";
	case E_UNREACHABLE:
	case E_UNAVAILABLE:
		return "claudemesh doctor";
	case E_TIMED_OUT:
		return "claudemesh status";
	case E_NO_SESSION:
		return "claudemesh session open NAME --resume "
		       "$CLAUDEMESH_SESSION comes back as it; unset "
		       "CLAUDEMESH_SESSION to speak as the home session";
	case E_LINK_SPOILED:
	case E_INVITE_UNKNOWN:
	case E_INVITE_EXPIRED:
	case E_INVITE_USED_UP:
	case E_INVITE_REVOKED:
		return "ask who invited you for another link: claudemesh "
		       "invite create makes one";
	case E_STORAGE_FULL:
		return "df -h";
	default:
		return "";
	}
}

static void
as_document(const struct cli *c, int code, const char *field, const char *text)
{
	struct buf b;

	buf_init(&b, 8192);
	buf_addf(&b,
	    "{\"schema_version\":\"%s\",\"error\":{\"code\":", CLI_SCHEMA);
	json_quote(&b, err_info(code)->wire);
	buf_adds(&b, ",\"message\":");
	json_quote(&b, text);
	buf_adds(&b, ",\"field\":");
	json_quote(&b, field);
	buf_adds(&b, ",\"hint\":");
	json_quote(&b, c->fix);
	buf_adds(&b, "}}\n");
	fputs(buf_str(&b), stderr);
	buf_fini(&b);
}

static int
fail(struct cli *c, int code, const char *field, const char *text)
{
	struct buf clean;

	fflush(stdout);
	buf_init(&clean, 4096);
	safe_add(&clean, text, true);
	cli_hint(c, "%s", general_hint(c, code));
	if (doc_wanted(c)) {
		as_document(c, code, field, buf_str(&clean));
	} else {
		fprintf(stderr, "claudemesh: %s\n", buf_str(&clean));
		if (c->fix[0] != '\0')
			fprintf(stderr, "  hint: %s\n", c->fix);
	}
	buf_fini(&clean);
	c->fix[0] = '\0';
	return err_info(code)->exit;
}

int
cli_fail(struct cli *c, int code, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail(c, code, "", text);
}

/* The daemon's own words are longer than a why holds. */
int
cli_fail_why(struct cli *c, const struct why *w)
{
	const char *text = w->text;

	if (c->local != NULL && local_error(c->local)->message[0] != '\0')
		text = local_error(c->local)->message;
	return fail(c, w->code, w->field, text);
}

int
cli_usage(struct cli *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (c->verb != NULL && c->noun != NULL)
		cli_hint(c, "claudemesh %s%s%s --help", c->noun->name,
		    c->noun->single ? "" : " ",
		    c->noun->single ? "" : c->verb->name);
	else
		cli_hint(c, "claudemesh --help");
	return fail(c, E_USAGE, "", text);
}

void
cli_say(struct cli *c, const char *fmt, ...)
{
	va_list ap;

	if (c->quiet)
		return;
	va_start(ap, fmt);
	vfprintf(doc_wanted(c) ? stderr : stdout, fmt, ap);
	va_end(ap);
	fputc('\n', doc_wanted(c) ? stderr : stdout);
}

/* Where an answer can come from: standard input when it is a terminal and not
 * the data itself, else the terminal behind it. */
static FILE *
ask_where(const struct cli *c)
{
	if (c->stdin_taken)
		return fopen("/dev/tty", "r");
	return c->tty_in ? stdin : NULL;
}

int
cli_confirm(struct cli *c, const char *question)
{
	char line[16] = "";
	FILE *from;
	bool yes;

	if (c->yes && !c->always_ask)
		return 0;
	if ((from = ask_where(c)) == NULL) {
		if (c->always_ask)
			cli_hint(c, "claudemesh join URL, in a terminal");
		else
			cli_hint(c, "the same with -y");
		return cli_fail(c, E_NOT_ALLOWED,
		    "this asks first, and there "
		    "is no terminal to ask on: %s",
		    question);
	}
	fflush(stdout);
	fprintf(stderr, "%s [y/N] ", question);
	fflush(stderr);
	if (fgets(line, sizeof(line), from) == NULL)
		line[0] = '\0';
	if (from != stdin)
		fclose(from);
	yes = line[0] == 'y' || line[0] == 'Y';
	return yes ? 0 : cli_fail(c, E_NOT_ALLOWED, "not done");
}

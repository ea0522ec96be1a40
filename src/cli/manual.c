/*
 * manual.c - the manual page claudemesh-broker(8): its settings from their
 * rows, the rest from here. doc/claudemesh-broker.8 is what this prints.
 */
#include <stdio.h>
#include <string.h>

#include "broker/config.h"
#include "cli/cli.h"

static const char head[] =
    ".Dd December 1, 2026\n"
    ".Dt CLAUDEMESH-BROKER 8\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm claudemesh broker\n"
    ".Nd the meeting point of a mesh\n"
    ".Sh SYNOPSIS\n"
    ".Nm claudemesh broker run\n"
    ".Op Fl -config Ar FILE\n"
    ".Op Fl -name Ar value ...\n"
    ".Nm claudemesh broker config\n"
    ".Op the same flags\n"
    ".Nm claudemesh broker\n"
    ".Cm status | reload\n"
    ".Op Fl -data Ar DIR\n"
    ".Nm claudemesh broker\n"
    ".Cm backup | restore\n"
    ".Ar FILE\n"
    ".Op Fl -data Ar DIR\n"
    ".Sh DESCRIPTION\n"
    "A broker takes its settings from flags, from a file, and from what is\n"
    "usual, in this order.\n"
    "The file is the one that\n"
    ".Fl -config\n"
    "names, else\n"
    ".Pa broker.conf\n"
    "in its data folder when that is there.\n"
    "It holds one\n"
    ".Ql name = value\n"
    "a line;\n"
    ".Ql #\n"
    "begins a comment.\n"
    "A name that is unknown, given twice, or whose value is beyond its limits\n"
    "is refused with file, line and limit.\n"
    ".Cm broker config\n"
    "prints what holds and where each setting comes from.\n"
    ".Pp\n"
    "A broker that runs is spoken to by a socket in its data folder.\n"
    ".Cm status\n"
    "prints what it holds and how much it may;\n"
    ".Cm backup\n"
    "copies its database while it goes on running, and overwrites nothing.\n"
    ".Cm restore\n"
    "puts such a copy in the place of the database of a broker that does not\n"
    "run, after it has looked whether it is whole; what was there is kept\n"
    "beside it.\n"
    "What happened since the copy is gone: members' daemons tell of a gap.\n"
    ".Pp\n"
    "On\n"
    ".Cm reload\n"
    "and on\n"
    ".Dv SIGHUP\n"
    "file, token and certificate are read again and the log is opened anew.\n"
    "What does not stand changes nothing and is logged as\n"
    ".Ql not_reloaded ;\n"
    "settings that need a restart are named in\n"
    ".Ql restart_needed .\n"
    ".Dv SIGTERM\n"
    "and\n"
    ".Dv SIGINT\n"
    "end it in order; a second one at once.\n"
    "Core dumps are off, and the limit of open files is raised to what is "
    "allowed.\n"
    ".Pp\n"
    "With\n"
    ".Fl -keep\n"
    "a parent process starts the broker again when a signal or a failed disk\n"
    "ended it, at once and then after longer and longer waits; after five\n"
    "crashes within ten minutes it gives up and leaves\n"
    ".Pa broker.crashed .\n"
    ".Pp\n"
    "A database of an older schema is copied to\n"
    ".Pa broker.db.step-NNNN\n"
    "before it is migrated; only the last such copy is kept.\n"
    "One of a newer schema is refused.\n"
    ".Sh SETTINGS\n"
    "Each is a flag, too.\n"
    ".Bl -tag -width Ds\n";

static const char tail[] =
    ".El\n"
    ".Sh FILES\n"
    ".Bl -tag -width Ds\n"
    ".It Pa broker.conf\n"
    "Its settings, when there are any.\n"
    ".It Pa broker.db\n"
    "All it knows: rolls, sealed keys, mail on its way.\n"
    ".It Pa broker.db.before-*\n"
    "What restore replaced.\n"
    ".It Pa broker.sock\n"
    "By which it is spoken to.\n"
    ".It Pa broker.addr , broker.pid\n"
    "Address and process, while it runs.\n"
    ".El\n"
    ".Sh EXAMPLES\n"
    ".Bd -literal\n"
    "listen = 0.0.0.0:7900\n"
    "url = wss://mesh.example.org:7900/ws\n"
    "tls-cert = /etc/claudemesh/cert.pem\n"
    "tls-key = /etc/claudemesh/key.pem\n"
    "create = token\n"
    "create-token = /etc/claudemesh/token\n"
    "log = /var/log/claudemesh.log\n"
    "mesh-bytes = 1G\n"
    ".Ed\n"
    ".Sh SEE ALSO\n"
    ".Xr claudemesh 1\n";

/* Sentences begin on a line of their own, as mdoc wants it. */
static void
sentences(const char *s)
{
	for (; *s != '\0'; s++) {
		if (s[0] == '.' && s[1] == ' ') {
			puts(".");
			s++;
		} else {
			putchar(*s);
		}
	}
	putchar('\n');
}

static void
setting(const struct config_row *row)
{
	bool number = row->kind == CONFIG_NUMBER || row->kind == CONFIG_SIZE;

	printf(".It Ic %s = Ar %s\n", row->name,
	    row->arg == NULL ? "yes|no" : row->arg);
	sentences(row->doc);
	if (number)
		printf("From %lld to %lld.\n", (long long)row->min,
		    (long long)row->max);
	if (row->kind == CONFIG_LIST)
		printf("At most %d.\n", CONFIG_LIST_MAX);
	if (row->usual[0] != '\0')
		printf("Usually\n.Ql %s .\n", row->usual);
	puts(row->live ? "Applied by a reload." : "Needs a restart.");
}

void
manual_broker(void)
{
	fputs(head, stdout);
	for (int w = 0; w < CONF_COUNT_; w++)
		setting(&config_rows[w]);
	fputs(tail, stdout);
}

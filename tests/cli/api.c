/*
 * api.c - a program that knows only <claudemesh.h>: `api HOME` says what is in
 * the inbox, `api HOME NAME TEXT` sends. What comes is printed for the test to
 * look at; every error first as code, then as sentence.
 */
#include <claudemesh.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
told(struct cm *cm, int rc, const char *reply)
{
	if (rc == CM_OK)
		puts(reply);
	else
		printf("error %d %s: %s\n", rc, cm_error_code(cm),
		    cm_error(cm));
}

/* Mistakes are errors, and the handle goes on. */
static int
mistakes(struct cm *cm)
{
	const char *reply = "";

	if (cm_call(cm, "no_such_row", NULL, &reply) != CM_USAGE ||
	    strcmp(cm_error_code(cm), "unknown_type") != 0)
		return 1;
	if (cm_call(cm, "local_send", "{\"to\":", &reply) != CM_USAGE)
		return 2;
	if (cm_call(cm, "local_send", "{\"to\":[\"x\"]}", &reply) != CM_USAGE ||
	    strcmp(cm_error_field(cm), "text") != 0)
		return 3;
	if (cm_call(cm, "local_mesh_list", NULL, NULL) != CM_OK)
		return 4;
	return 0;
}

int
main(int argc, char **argv)
{
	struct cm *cm = cm_open(argc > 1 ? argv[1] : NULL);
	const char *to[1], *reply = "";
	int rc;

	if (argc > 3) {
		to[0] = argv[2];
		rc = cm_send(cm, to, 1, argv[3], &reply);
	} else {
		rc = cm_inbox(cm, 5000, 1, &reply);
	}
	told(cm, rc, reply);
	if (rc == CM_OK && (rc = mistakes(cm)) != 0)
		printf("mistake %d: %s\n", rc, cm_error(cm));
	cm_close(cm);
	cm_close(NULL);
	return rc;
}

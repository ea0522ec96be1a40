/*
 * claudemesh.h - the mesh for other programs: a small, blocking C API.
 *
 * It talks to the daemon of the user whose home it is given and starts one when
 * none runs, so a program needs no keys, no network code and no threads.
 *
 *	struct cm *cm = cm_open(NULL);
 *	const char *to[] = { "Bob" }, *reply;
 *
 *	if (cm_send(cm, to, 1, "ship it", &reply) != CM_OK)
 *		fprintf(stderr, "%s\n", cm_error(cm));
 *	else
 *		puts(reply);	// {"type":"local_sent","id":...}
 *	cm_close(cm);
 *
 * Ownership: every pointer given is borrowed for the call and copied if it is
 * kept. Every pointer returned belongs to the handle and is valid until the
 * next call with it, or cm_close. Nothing returned is ever freed by the caller.
 *
 * Errors: functions return CM_OK or one of the codes below, which are those
 * that the command line exits with. cm_error says what was wrong in a sentence,
 * cm_error_code is the wire's name of it ("no_peer"), cm_error_field the field
 * at fault. A failed call leaves the handle usable. When memory runs out the
 * process is ended: everything that comes from outside has a limit long before.
 *
 * Threads: a handle belongs to one thread at a time; different handles are
 * independent. No signals are taken, SIGPIPE is not raised.
 */
#ifndef CLAUDEMESH_H
#define CLAUDEMESH_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	CM_OK = 0,
	CM_FAILED = 1,
	CM_USAGE = 2, /* a field is missing, too long, of the wrong type */
	CM_NOT_FOUND = 3,
	CM_NOT_ALLOWED = 4,
	CM_CONFLICT = 5, /* an ambiguous name, among others */
	CM_UNREACHABLE = 6,
	CM_TIMED_OUT = 7
};

struct cm;

/*
 * A handle on the home given, or on $CLAUDEMESH_HOME or ~/.claudemesh when NULL.
 * Never NULL; nothing is connected before the first call.
 */
struct cm *cm_open(const char *home);
void cm_close(struct cm *); /* NULL is fine */

/* Speak as this session (see CLAUDEMESH_SESSION, which is the default; NULL or
 * "": as the home session), and in this mesh (slug or id; default
 * CLAUDEMESH_MESH; NULL or "": the only one joined). */
void cm_set_session(struct cm *, const char *session);
void cm_set_mesh(struct cm *, const char *mesh);
/* How long a call may take, in milliseconds; 30000 unless set. */
void cm_set_timeout(struct cm *, int ms);

/*
 * Any request of the daemon, by its name in `claudemesh protocol`, with the
 * fields as the text of a JSON object (NULL: none). reply (may be NULL) gets the
 * answer, a JSON object.
 */
int cm_call(struct cm *, const char *type, const char *fields,
    const char **reply);

/* Send text to names or keys. The reply tells each recipient's receipt: never
 * more than was seen. CM_OK, too, when it is still on its way. */
int cm_send(struct cm *, const char *const *to, size_t nto, const char *text,
    const char **reply);

/* Unread messages, oldest first; waits at most wait_ms when there are none.
 * With mark_read they are not shown again. */
int cm_inbox(struct cm *, int wait_ms, int mark_read, const char **reply);

/* Of the last call that failed; never NULL. */
const char *cm_error(const struct cm *);
const char *cm_error_code(const struct cm *);
const char *cm_error_field(const struct cm *);

/* Version of the library, for example "0.1.0". */
const char *cm_version(void);

#ifdef __cplusplus
}
#endif

#endif

/*
 * claudemesh.c - the public library over local.c.
 *
 * It adds nothing but a handle: which home, session and mesh, the last answer
 * and the last error. A connection that broke is made again at the next call;
 * the call that saw it break fails, because only the caller knows whether
 * trying again is right.
 */
#include "claudemesh.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "client/local.h"
#include "client/self.h"

struct cm {
	char *dir, *session, *mesh;
	char exe[PATH_MAX];
	struct home home;
	struct local *local;
	struct arena arena; /* of the last answer */
	int timeout_ms;
	struct why why;
	char message[513];
};

struct cm *
cm_open(const char *home)
{
	struct cm *cm = mem_zalloc(sizeof(*cm));

	cm->dir = mem_strdup(home);
	cm->session = mem_strdup(getenv("CLAUDEMESH_SESSION"));
	cm->mesh = mem_strdup(getenv("CLAUDEMESH_MESH"));
	cm->timeout_ms = LOCAL_WAIT_MS;
	arena_init(&cm->arena);
	return cm;
}

static void
hang_up(struct cm *cm)
{
	local_close(cm->local);
	cm->local = NULL;
}

void
cm_close(struct cm *cm)
{
	if (cm == NULL)
		return;
	hang_up(cm);
	arena_fini(&cm->arena);
	mem_free(cm->dir);
	mem_free(cm->session);
	mem_free(cm->mesh);
	mem_free(cm);
}

void
cm_set_session(struct cm *cm, const char *session)
{
	mem_free(cm->session);
	cm->session = mem_strdup(session);
	hang_up(cm);
}

void
cm_set_mesh(struct cm *cm, const char *mesh)
{
	mem_free(cm->mesh);
	cm->mesh = mem_strdup(mesh);
}

void
cm_set_timeout(struct cm *cm, int ms)
{
	cm->timeout_ms = ms > 0 ? ms : LOCAL_WAIT_MS;
}

static int
failed(struct cm *cm)
{
	const struct local_error *e;

	str_copy(cm->message, sizeof(cm->message), cm->why.text);
	if (cm->local != NULL && (e = local_error(cm->local))->message[0] != 0)
		str_copy(cm->message, sizeof(cm->message), e->message);
	if (cm->why.code == E_UNREACHABLE || cm->why.code == E_TIMED_OUT)
		hang_up(cm);
	return err_info(cm->why.code)->exit;
}

static int
connected(struct cm *cm)
{
	struct local_conf conf = { .home = &cm->home, .session = cm->session };
	int rc;

	if (cm->local != NULL)
		return 0;
	if ((rc = home_locate(&cm->home, cm->dir, &cm->why)) != 0)
		return rc;
	if (self_exe(cm->exe, sizeof(cm->exe), "claudemesh") == 0)
		conf.exe = cm->exe;
	return local_open(&cm->local, &conf, &cm->why);
}

int
cm_call(struct cm *cm, const char *type, const char *fields, const char **reply)
{
	struct local_answer answer = { .msg = NULL };
	int rc;

	arena_reset(&cm->arena);
	memset(&cm->why, 0, sizeof(cm->why));
	cm->message[0] = '\0';
	if ((rc = connected(cm)) == 0)
		rc = local_call_text(cm->local, type,
		    fields == NULL ? "{}" : fields, cm->timeout_ms, &cm->arena,
		    &answer, &cm->why);
	if (rc != 0)
		return failed(cm);
	if (reply != NULL)
		*reply =
		    arena_strndup(&cm->arena, answer.object.p, answer.object.n);
	return CM_OK;
}

static void
add_mesh(const struct cm *cm, struct buf *b)
{
	if (cm->mesh == NULL || *cm->mesh == '\0')
		return;
	buf_adds(b, ",\"mesh\":");
	json_quote(b, cm->mesh);
}

static int
call_buf(struct cm *cm, const char *type, struct buf *b, const char **reply)
{
	int rc;

	if (b->over) {
		arena_reset(&cm->arena);
		why_set(&cm->why, E_TOO_LARGE, "the request is over 1 MiB");
		rc = failed(cm);
	} else {
		rc = cm_call(cm, type, buf_str(b), reply);
	}
	buf_fini(b);
	return rc;
}

int
cm_send(struct cm *cm, const char *const *to, size_t nto, const char *text,
    const char **reply)
{
	struct buf b;
	size_t i;

	buf_init(&b, WIRE_FRAME_MAX);
	buf_adds(&b, "{\"to\":[");
	for (i = 0; i < nto; i++) {
		if (i > 0)
			buf_addc(&b, ',');
		json_quote(&b, to[i]);
	}
	buf_adds(&b, "],\"text\":");
	json_quote(&b, text);
	add_mesh(cm, &b);
	buf_addc(&b, '}');
	return call_buf(cm, wire_local_send.wire, &b, reply);
}

int
cm_inbox(struct cm *cm, int wait_ms, int mark_read, const char **reply)
{
	struct buf b;
	int rc, timeout = cm->timeout_ms;

	buf_init(&b, WIRE_FRAME_MAX);
	buf_addf(&b, "{\"wait_ms\":%d,\"read\":%s", wait_ms < 0 ? 0 : wait_ms,
	    mark_read ? "true" : "false");
	add_mesh(cm, &b);
	buf_addc(&b, '}');
	if (wait_ms > 0)
		cm->timeout_ms += wait_ms;
	rc = call_buf(cm, wire_local_inbox.wire, &b, reply);
	cm->timeout_ms = timeout;
	return rc;
}

const char *
cm_error(const struct cm *cm)
{
	return cm->message;
}

const char *
cm_error_code(const struct cm *cm)
{
	return cm->why.code == 0 ? "" : err_info(cm->why.code)->wire;
}

const char *
cm_error_field(const struct cm *cm)
{
	return cm->why.field;
}

const char *
cm_version(void)
{
	return self_version();
}

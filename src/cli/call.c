/*
 * call.c - the daemon, as the verbs see it: one request, one answer, errors
 * printed.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "client/self.h"

#define BACK_MS 3000

int64_t
cli_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int
cli_home(struct cli *c)
{
	struct why why = { 0 };

	if (c->home.dir[0] != '\0' || home_locate(&c->home, NULL, &why) == 0)
		return 0;
	return cli_fail_why(c, &why);
}

static int
connect_to(struct cli *c, bool start, struct why *why)
{
	struct local_conf conf = { .home = &c->home,
		.exe = start ? c->exe : NULL,
		.session = getenv("CLAUDEMESH_SESSION") };
	int rc;

	if (c->local != NULL)
		return 0;
	rc = c->home.dir[0] != '\0' ? 0 : home_locate(&c->home, NULL, why);
	if (rc == 0)
		rc = local_open(&c->local, &conf, why);
	if (rc != 0 && c->home.fix[0] != '\0')
		cli_hint(c, "%s", c->home.fix);
	if (rc == 0 && c->verbose)
		fprintf(stderr, "daemon: version %s, process %lld\n",
		    local_version(c->local), (long long)local_pid(c->local));
	return rc;
}

int
cli_connect(struct cli *c, bool start)
{
	struct why why = { 0 };

	return connect_to(c, start, &why) == 0 ? 0 : cli_fail_why(c, &why);
}

/* The row's own waiting, and some time for the answer to come. */
static int
patience(const struct wire_msg *row, const void *in)
{
	const struct wire_field *f = wire_field(row, "wait_ms");
	int64_t ms = 0;

	if (f != NULL)
		memcpy(&ms, (const char *)in + f->at, sizeof(ms));
	return LOCAL_WAIT_MS + (ms < 0 || ms > 3600000 ? 0 : (int)ms);
}

int
cli_try(struct cli *c, const struct wire_msg *row, const void *in, void *out,
    struct why *why)
{
	int rc;

	memset(why, 0, sizeof(*why));
	if ((rc = wire_validate(row, in, why)) != 0)
		return rc;
	if ((rc = connect_to(c, true, why)) != 0)
		return rc;
	return local_call(c->local, row, in, patience(row, in), &c->arena, out,
	    why);
}

/* ---- a connection that breaks ---- */

/* Does a daemon come back by itself (a newer program took over)? */
static bool
come_back(struct cli *c)
{
	struct timespec nap = { 0, 50 * 1000000L };
	struct why why = { 0 };
	int left = BACK_MS;

	local_close(c->local);
	c->local = NULL;
	for (; left > 0; left -= 50) {
		nanosleep(&nap, NULL);
		if (local_alive(&c->home) && connect_to(c, false, &why) == 0)
			return true;
	}
	return false;
}

static bool
disk_full(struct cli *c)
{
	struct local_status in = { 0 };
	struct local_state state;
	struct why why;
	size_t i;

	if (local_call(c->local, &wire_local_status, &in, BACK_MS, &c->arena,
		&state, &why) != 0)
		return false;
	for (i = 0; i < state.checks.n; i++) {
		if (strcmp(state.checks.v[i].name, "store") == 0)
			return !state.checks.v[i].ok;
	}
	return false;
}

/*
 * The daemon went away instead of answering. Waiting goes on when there is one
 * again, since asking twice does no harm; for anything else nobody knows
 * whether it was done, and it is not done twice.
 */
static int
broke_off(struct cli *c, const struct wire_msg *row, const void *in, void *out,
    int64_t began)
{
	const struct wire_field *f = wire_field(row, "wait_ms");
	char *again = arena_dup(&c->arena, in, row->size);
	int64_t left = 0;

	if (!come_back(c)) {
		cli_hint(c, "claudemesh daemon up");
		return cli_fail(c, E_UNREACHABLE, "the daemon ended");
	}
	if (f != NULL && row != &wire_local_send) {
		memcpy(&left, again + f->at, sizeof(left));
		left -= cli_now() - began;
		memcpy(again + f->at, &left, sizeof(left));
		if (left > 0)
			return cli_call(c, row, again, out);
	}
	if (disk_full(c)) {
		cli_hint(c, "df -h %s", c->home.dir);
		return cli_fail(c, E_STORAGE_FULL, "%s",
		    err_info(E_STORAGE_FULL)->text);
	}
	cli_hint(c, "claudemesh message list, claudemesh status");
	return cli_fail(c, E_UNREACHABLE,
	    "the daemon closed the connection; whether it did what was asked "
	    "is not known");
}

int
cli_failed(struct cli *c, const struct wire_msg *row, const void *in, void *out,
    int64_t began, const struct why *why)
{
	if (why->code == E_UNREACHABLE && c->local != NULL &&
	    local_error(c->local)->code[0] == '\0')
		return broke_off(c, row, in, out, began);
	return cli_fail_why(c, why);
}

int
cli_call(struct cli *c, const struct wire_msg *row, const void *in, void *out)
{
	int64_t began = cli_now();
	struct why why;

	return cli_try(c, row, in, out, &why) == 0
	    ? 0
	    : cli_failed(c, row, in, out, began, &why);
}

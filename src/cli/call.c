/*
 * call.c - the daemon, as the verbs see it: one request, one answer, errors
 * printed.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "client/self.h"

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

int
cli_call(struct cli *c, const struct wire_msg *row, const void *in, void *out)
{
	struct why why;

	return cli_try(c, row, in, out, &why) == 0 ? 0 : cli_fail_why(c, &why);
}

/*
 * state.c - shared state. A value is printed as the JSON it is, byte for byte;
 * what nobody signed says so, and what cannot be so is not printed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"

#define WATCH_MS 30000

/* 0 verified, 1 unsigned, 4 refused. */
static int
proof_exit(const char *proof)
{
	if (strcmp(proof, "verified") == 0)
		return 0;
	return strcmp(proof, "unsigned") == 0 ? 1
					      : err_info(E_BAD_SIGNATURE)->exit;
}

static void
put_value(struct json value)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	safe_json(&b, value.p == NULL ? "null" : value.p,
	    value.p == NULL ? 4 : value.n);
	fwrite(buf_str(&b), 1, b.len, stdout);
	buf_fini(&b);
}

static void
show_value(struct cli *c, const void *reply)
{
	const struct local_state_value *r = reply;

	if (strcmp(r->proof, "refused") != 0) {
		put_value(r->value);
		putchar('\n');
	}
	if (strcmp(r->proof, "verified") != 0)
		fprintf(stderr, "claudemesh: %s: %s: %s\n", safe(c, r->proof),
		    safe(c, r->key), safe(c, r->problem));
}

static int
exit_value(struct cli *c, const void *reply)
{
	(void)c;
	return proof_exit(((const struct local_state_value *)reply)->proof);
}

static int
exit_list(struct cli *c, const void *reply)
{
	const struct local_state_entries *r = reply;
	int rc = 0;
	size_t i;

	for (i = 0; i < r->entries.n; i++) {
		if (strcmp(r->entries.v[i].proof, "refused") == 0)
			rc = proof_exit("refused");
	}
	if (r->more && !c->quiet)
		fprintf(stderr, "there are more: --after '%s'\n",
		    safe(c, r->entries.v[r->entries.n - 1].key));
	return rc;
}

static int
fill_set(struct cli *c, void *in)
{
	struct local_state_set *m = in;
	const char *text = arg(c, "value"), *why;
	struct buf b;
	int rc;

	if (arg(c, "if-version") != NULL &&
	    (rc = args_not_zero(c, "if-version")) != 0)
		return rc;
	if ((rc = args_text(c, text, 32768, &text)) != 0)
		return rc;
	if (arg(c, "string") == NULL &&
	    json_check(text, strlen(text), &m->value, &why, NULL) == 0)
		return 0;
	if (!utf8_valid(text, strlen(text)))
		return cli_usage(c, "value is not valid UTF-8");
	buf_init(&b, WIRE_FRAME_MAX);
	json_quote(&b, text);
	m->value.p = arena_strndup(&c->arena, buf_str(&b), b.len);
	m->value.n = b.len;
	buf_fini(&b);
	return 0;
}

static int
fill_version(struct cli *c, void *in)
{
	(void)in;
	return arg(c, "if-version") == NULL ? 0
					    : args_not_zero(c, "if-version");
}

static void
show_written(struct cli *c, const void *reply)
{
	const struct local_state_written *r = reply;

	cli_say(c, "%s is at version %lld", safe(c, r->key),
	    (long long)r->version);
}

/* ---- watching ---- */

static void
show_change(struct cli *c, const struct state_row *r)
{
	if (doc_wanted(c)) {
		doc_print_row(c, &wire_state_row, r);
	} else {
		printf("%s ", safe(c, r->key));
		if (r->deleted)
			fputs("deleted", stdout);
		else if (strcmp(r->proof, "refused") == 0)
			printf("refused: %s", safe(c, r->problem));
		else
			put_value(r->value);
		printf("  (%s%s)\n", safe(c, r->updated_by),
		    strcmp(r->proof, "unsigned") == 0 ? ", unsigned" : "");
	}
	fflush(stdout);
}

static int
watch(struct cli *c, const struct verb *v)
{
	struct local_state_watch in = { 0 };
	struct local_state_changes out;
	int64_t left = 0, end = 0, timeout = 0;
	const char *count = arg(c, "count");
	size_t i;
	int rc;

	if ((rc = args_fill(c, v->row, &in)) != 0 ||
	    (arg(c, "timeout") != NULL &&
		(rc = args_duration(c, "timeout", arg(c, "timeout"),
		     &timeout)) != 0))
		return rc;
	if (count != NULL && (left = atoll(count)) < 1)
		return cli_usage(c, "--count is a number from 1");
	in.after = 0;
	in.wait_ms = 0;
	end = cli_now() + timeout;
	for (;;) {
		if ((rc = cli_call(c, v->row, &in, &out)) != 0)
			return rc;
		if (out.gap && in.after != 0)
			fprintf(stderr,
			    "changes may be missing here: claudemesh state "
			    "list shows what stands\n");
		for (i = 0; i < out.changes.n; i++) {
			show_change(c, &out.changes.v[i]);
			if (count != NULL && --left == 0)
				return 0;
		}
		in.after = out.next;
		in.wait_ms = WATCH_MS;
		if (timeout > 0 && end - cli_now() < WATCH_MS)
			in.wait_ms = end - cli_now();
		if (in.wait_ms <= 0)
			return count == NULL ? 0 : err_info(E_TIMED_OUT)->exit;
	}
}

static const struct flag set_flags[] = {
	{ "string", NULL,
	    "VALUE is text, whatever it looks like. Without it VALUE is taken as "
	    "JSON if it is JSON, else as text." },
	{ NULL, NULL, NULL },
};

static const struct flag watch_flags[] = {
	{ "count", "N", "End after so many changes." },
	{ "timeout", "D",
	    "End after so long; exit status 7 when --count was not reached." },
	{ NULL, NULL, NULL },
};

static const struct verb verbs[] = {
	{ .name = "delete",
	    .row = &wire_local_state_delete,
	    .fill = fill_version,
	    .show = show_written },
	{ .name = "get",
	    .row = &wire_local_state_get,
	    .show = show_value,
	    .exit = exit_value },
	{ .name = "list",
	    .row = &wire_local_state_list,
	    .args = "prefix?",
	    .columns = "key value updated_by updated_at version proof problem",
	    .exit = exit_list,
	    .empty = "there are no keys; claudemesh state set KEY VALUE" },
	{ .name = "set",
	    .row = &wire_local_state_set,
	    .flags = set_flags,
	    .fill = fill_set,
	    .show = show_written,
	    .doc =
		"Sets a key of the mesh's shared state: any JSON, - reads it "
		"from standard input. Signed by the session that speaks, and "
		"pushed to everybody who watches." },
	{ .name = "watch",
	    .row = &wire_local_state_watch,
	    .args = "prefix?",
	    .hide = "after wait_ms",
	    .flags = watch_flags,
	    .run = watch,
	    .doc = "Prints the keys that begin with PREFIX as they change, "
		   "until it is interrupted." },
	{ .name = NULL },
};

const struct noun noun_state = { .name = "state",
	.doc = "Facts that the mesh shares: any JSON under a key.",
	.verbs = verbs,
	.dflt = "list" };

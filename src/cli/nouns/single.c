/*
 * single.c - commands that are a noun of their own: status, doctor, whoami,
 * protocol, completions, version.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/checks.h"
#include "client/self.h"

static int
look(struct cli *c, const struct verb *v)
{
	struct checks *k = arena_alloc(&c->arena, sizeof(*k));
	struct local_state state;
	int rc;

	if ((rc = cli_home(c)) != 0)
		return rc;
	checks_run(c, k, &state, strcmp(v->name, "doctor") == 0);
	return checks_print(c, k, &state);
}

/* ---- whoami ---- */

static void
add_str(struct buf *b, const char *key, const char *value)
{
	buf_addf(b, ",\"%s\":", key);
	json_quote(b, value == NULL ? "" : value);
}

static int
whoami_document(struct cli *c, const struct local_account *a,
    const struct local_meshes *m)
{
	struct buf b;
	size_t i;
	int rc;

	buf_init(&b, 4 << 20);
	buf_adds(&b, "{\"account\":");
	json_quote(&b, a->account);
	add_str(&b, "home", c->home.dir);
	add_str(&b, "session", getenv("CLAUDEMESH_SESSION"));
	buf_adds(&b, ",\"meshes\":[");
	for (i = 0; i < m->meshes.n; i++) {
		buf_adds(&b, i > 0 ? ",{\"slug\":" : "{\"slug\":");
		json_quote(&b, m->meshes.v[i].slug);
		add_str(&b, "name", m->meshes.v[i].me);
		add_str(&b, "member", m->meshes.v[i].member);
		add_str(&b, "role", m->meshes.v[i].role);
		buf_addc(&b, '}');
	}
	buf_adds(&b, "]}");
	rc = doc_print(c, buf_str(&b), b.len);
	buf_fini(&b);
	return rc;
}

static int
whoami(struct cli *c, const struct verb *v)
{
	struct local_account_show ask = { 0 };
	struct local_mesh_list list = { 0 };
	struct local_account a;
	struct local_meshes m;
	const char *session = getenv("CLAUDEMESH_SESSION");
	size_t i;
	int rc;

	(void)v;
	if ((rc = cli_call(c, &wire_local_account_show, &ask, &a)) != 0 ||
	    (rc = cli_call(c, &wire_local_mesh_list, &list, &m)) != 0)
		return rc;
	if (doc_wanted(c))
		return whoami_document(c, &a, &m);
	show_pair(c, "account", a.account);
	show_pair(c, "home", c->home.dir);
	show_pair(c, "session", session);
	for (i = 0; i < m.meshes.n; i++)
		show_pair(c,
		    arena_printf(&c->arena, "in %s",
			safe(c, m.meshes.v[i].slug)),
		    arena_printf(&c->arena, "%s (%s) %s",
			safe(c, m.meshes.v[i].me), safe(c, m.meshes.v[i].role),
			m.meshes.v[i].member));
	return 0;
}

/* ---- protocol ---- */

static int
rows(void)
{
	const struct wire_msg *m;
	size_t i;

	for (i = 0; (m = wire_row(i)) != NULL; i++)
		if (m->kind != W_RECORD) /* records are parts of others */
			puts(m->name);
	return 0;
}

static int
protocol(struct cli *c, const struct verb *v)
{
	static const char *const names[] = { "markdown", "json-schema",
		"typescript" };
	const char *format = arg(c, "format");
	struct buf b;
	int i;

	(void)v;
	if (arg(c, "rows") != NULL)
		return rows();
	for (i = 0; format != NULL && i < 3; i++) {
		if (strcmp(names[i], format) == 0)
			break;
	}
	if (format != NULL && i == 3)
		return cli_usage(c,
		    "--format is markdown, json-schema or "
		    "typescript, not '%s'",
		    safe(c, format));
	buf_init(&b, 16 << 20);
	proto_dump(&b, (enum proto_format)(format == NULL ? 0 : i));
	fwrite(buf_str(&b), 1, b.len, stdout);
	buf_fini(&b);
	return 0;
}

static int
completions(struct cli *c, const struct verb *v)
{
	(void)v;
	return complete_print(c, arg(c, "shell"));
}

static int
version(struct cli *c, const struct verb *v)
{
	char text[128];
	int n;

	(void)v;
	if (!doc_wanted(c)) {
		printf("claudemesh %s\n", self_version());
		return 0;
	}
	n = snprintf(text, sizeof(text), "{\"version\":\"%s\",\"build\":%lld}",
	    self_version(), (long long)self_build());
	return doc_print(c, text, (size_t)n);
}

static const struct flag protocol_flags[] = {
	{ "format", "F", "markdown, json-schema or typescript." },
	{ "rows", NULL, "Only the names of the messages, one a line." },
	{ NULL, NULL, NULL },
};

static const struct flag completions_args[] = {
	{ "shell", "SHELL", "bash, zsh or fish." },
	{ NULL, NULL, NULL },
};

static const struct verb completions_verbs[] = {
	{ .name = "completions",
	    .run = completions,
	    .args = "shell",
	    .flags = completions_args,
	    .doc = "Prints the completions for a shell: eval \"$(claudemesh "
		   "completions bash)\"." },
	{ .name = NULL },
};

static const struct verb doctor_verbs[] = {
	{ .name = "doctor",
	    .row = &wire_local_status,
	    .run = look,
	    .doc =
		"Looks at everything: files, keys, daemon, links, brokers, "
		"clocks, disk. Changes nothing. Exit status 1 when something is "
		"wrong." },
	{ .name = NULL },
};

static const struct verb protocol_verbs[] = {
	{ .name = "protocol",
	    .run = protocol,
	    .flags = protocol_flags,
	    .doc = "Prints the protocol as this program speaks it." },
	{ .name = NULL },
};

static const struct verb status_verbs[] = {
	{ .name = "status",
	    .row = &wire_local_status,
	    .run = look,
	    .doc = "Shows whether daemon and links are up. Exit status 1 when "
		   "something is not." },
	{ .name = NULL },
};

static const struct verb version_verbs[] = {
	{ .name = "version", .run = version, .doc = "Prints the version." },
	{ .name = NULL },
};

static const struct verb whoami_verbs[] = {
	{ .name = "whoami",
	    .run = whoami,
	    .doc =
		"Shows the account, the session that speaks, and who you are "
		"in each mesh." },
	{ .name = NULL },
};

const struct noun noun_completions = { .name = "completions",
	.doc = "Completions for bash, zsh and fish.",
	.verbs = completions_verbs,
	.single = true };
const struct noun noun_doctor = { .name = "doctor",
	.doc = "What is wrong, and what mends it.",
	.verbs = doctor_verbs,
	.single = true };
const struct noun noun_protocol = { .name = "protocol",
	.doc = "The protocol, written from its rows.",
	.verbs = protocol_verbs,
	.single = true };
const struct noun noun_status = { .name = "status",
	.doc = "Whether everything stands.",
	.verbs = status_verbs,
	.single = true };
const struct noun noun_version = { .name = "version",
	.doc = "The version of this program.",
	.verbs = version_verbs,
	.single = true };
const struct noun noun_whoami = { .name = "whoami",
	.doc = "Who you are, in each mesh.",
	.verbs = whoami_verbs,
	.single = true };

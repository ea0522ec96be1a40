/*
 * mesh.c - the meshes of the account: making, leaving, changing them.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/trust.h"

static void
show_meshes(struct cli *c, const void *reply)
{
	const struct local_meshes *r = reply;
	size_t i;

	for (i = 0; i < r->meshes.n; i++) {
		if (i > 0)
			putchar('\n');
		show_row(c, &wire_mesh_row, &r->meshes.v[i]);
	}
}

static void
show_created(struct cli *c, const void *reply)
{
	const struct local_mesh *r = reply;

	cli_say(c, "mesh %s made at %s; you are %s, its owner",
	    safe(c, r->mesh.slug), safe(c, r->mesh.broker),
	    safe(c, r->member.name));
	trust_warn(c, r->mesh.broker);
	cli_say(c, "next: claudemesh share --mesh %s", safe(c, r->mesh.slug));
}

static int
create(struct cli *c, const struct verb *v)
{
	struct local_mesh_create in = { .name = "" };
	struct local_mesh out;
	int rc;

	if ((rc = args_fill(c, v->row, &in)) != 0 ||
	    (rc = trust_fill(c, &in.ca, &in.pin)) != 0 ||
	    (rc = trust_call(c, v->row, &in, &in.pin, &out)) != 0)
		return rc;
	if (doc_wanted(c))
		return doc_print_row(c, v->row->reply, &out);
	show_created(c, &out);
	return 0;
}

static int
fill_trust(struct cli *c, void *in)
{
	struct local_mesh_trust *t = in;

	return trust_fill(c, &t->ca, &t->pin);
}

static int
attach(struct cli *c, const struct verb *v)
{
	struct local_mesh_attach in = { .id = "" };
	struct local_mesh out;
	int rc;

	if ((rc = args_fill(c, v->row, &in)) != 0 ||
	    (rc = trust_fill(c, &in.ca, &in.pin)) != 0 ||
	    (rc = trust_call(c, v->row, &in, &in.pin, &out)) != 0)
		return rc;
	if (doc_wanted(c))
		return doc_print_row(c, v->row->reply, &out);
	cli_say(c, "you are %s in %s, on this machine, too",
	    safe(c, out.member.name), safe(c, out.mesh.slug));
	return 0;
}

/* `mesh settings old-clients on` is `mesh settings --old-clients on`. */
static int
fill_settings(struct cli *c, void *in)
{
	const char *what = arg(c, "setting"), *value = arg(c, "value");
	struct local_mesh_settings *m = in;
	int64_t *number = NULL;
	char *end;

	if (what == NULL)
		return 0;
	if (value == NULL)
		return cli_usage(c, "mesh settings %s needs a value",
		    safe(c, what));
	if (strcmp(what, "name") == 0)
		m->name = value;
	else if (strcmp(what, "old-clients") == 0)
		m->old_clients = value;
	else if (strcmp(what, "send-rate") == 0)
		number = &m->send_rate;
	else if (strcmp(what, "send-burst") == 0)
		number = &m->send_burst;
	else
		return cli_usage(c,
		    "the settings are name, old-clients, send-rate and "
		    "send-burst, not '%s'",
		    safe(c, what));
	if (number == NULL)
		return 0;
	*number = strtoll(value, &end, 10);
	if (*end != '\0' || end == value || *number < 1 || *number > 1000000)
		return cli_usage(c, "%s is a number from 1, not '%s'", what,
		    safe(c, value));
	return 0;
}

static const struct flag settings_args[] = {
	{ "setting", "SETTING", "name, old-clients, send-rate or send-burst." },
	{ "value", "VALUE", "Its new value." },
	{ NULL, NULL, NULL },
};

static const struct verb verbs[] = {
	{ .name = "attach",
	    .row = &wire_local_mesh_attach,
	    .hide = "ca pin",
	    .flags = trust_flags,
	    .run = attach },
	{ .name = "create",
	    .row = &wire_local_mesh_create,
	    .rename = "display=name",
	    .hide = "ca pin",
	    .flags = trust_flags,
	    .run = create,
	    .doc = "Makes a mesh at a broker; you become its owner and first "
		   "admin." },
	{ .name = "delete",
	    .row = &wire_local_mesh_delete,
	    .args = "mesh?",
	    .ask = "Erase mesh %s for all its members?",
	    .done = "deleted" },
	{ .name = "info",
	    .row = &wire_local_mesh_list,
	    .args = "mesh?",
	    .doc = "Shows all about one mesh, or about each.",
	    .show = show_meshes },
	{ .name = "leave",
	    .row = &wire_local_mesh_leave,
	    .args = "mesh?",
	    .ask = "Leave mesh %s and erase its mail and keys here?",
	    .done = "left" },
	{ .name = "list",
	    .row = &wire_local_mesh_list,
	    .hide = "mesh",
	    .doc = "Lists the meshes joined.",
	    .columns = "slug role me members state broker warning",
	    .empty =
		"no mesh yet: claudemesh up makes one, claudemesh join URL "
		"joins one" },
	{ .name = "rename",
	    .row = &wire_local_mesh_settings,
	    .args = "name",
	    .hide = "send_rate send_burst old_clients",
	    .show = show_meshes,
	    .doc = "Gives the mesh another name, by a signed act." },
	{ .name = "settings",
	    .row = &wire_local_mesh_settings,
	    .args = "setting? value?",
	    .flags = settings_args,
	    .fill = fill_settings,
	    .show = show_meshes },
	{ .name = "trust",
	    .row = &wire_local_mesh_trust,
	    .args = "mesh?",
	    .hide = "ca pin",
	    .flags = trust_flags,
	    .fill = fill_trust,
	    .ask = "Change whom of the broker mesh %s believes?",
	    .done = "changed" },
	{ .name = NULL },
};

const struct noun noun_mesh = { .name = "mesh",
	.doc = "The meshes you are in.",
	.verbs = verbs,
	.dflt = "list" };

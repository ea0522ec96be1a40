/*
 * mesh.c - the meshes of the account: making, leaving, changing them.
 */
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
	    .hide = "send_rate send_burst",
	    .show = show_meshes,
	    .doc = "Gives the mesh another name, by a signed act." },
	{ .name = "settings",
	    .row = &wire_local_mesh_settings,
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

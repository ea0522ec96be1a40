/*
 * care.c - broker reload, backup, restore and status, over the control socket in
 * its data folder.
 */
#include "cli/care.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/main.h"
#include "client/control.h"

#define ANSWER_MS 10000
#define BACKUP_MS (24 * 3600 * 1000)

static int
folder(struct cli *c, const char **data)
{
	int rc;

	*data = arg(c, "data");
	if (*data != NULL)
		return 0;
	if ((rc = cli_home(c)) != 0)
		return rc;
	*data = arena_printf(&c->arena, "%s/broker", c->home.dir);
	return 0;
}

/* What a refusal says, as an error of ours. */
static int
judge(struct cli *c, struct buf *out, struct why *why)
{
	const struct err_info *e;
	struct json doc;
	const char *fault;

	while (out->len > 0 && out->data[out->len - 1] == '\n')
		out->len--;
	if (json_check(buf_str(out), out->len, &doc, &fault, NULL) != 0)
		return why_set(why, E_UNREACHABLE, "the broker's answer: %s",
		    fault);
	if (json_kind(json_member(doc, "ok")) == JSON_TRUE)
		return OK;
	e = err_named(json_string(&c->arena, json_member(doc, "code"), NULL));
	return why_set(why, e == NULL ? E_INTERNAL : e->code, "%s",
	    json_string(&c->arena, json_member(doc, "message"), NULL));
}

static int
ask(struct cli *c, const char *data, const char *line, int ms, struct buf *out,
    struct why *why)
{
	int code = control_call(data, line, ms, out, why);

	return code == OK ? judge(c, out, why) : code;
}

int
care_ask(struct cli *c, struct buf *out, struct why *why)
{
	const char *data;

	if (folder(c, &data) != 0)
		return why_set(why, E_UNREACHABLE, "there is no home");
	return ask(c, data, "status", ANSWER_MS, out, why);
}

/* ---- status for people ---- */

static const char *
number(struct cli *c, struct json doc, const char *name)
{
	struct json v = json_member(doc, name);

	return arena_printf(&c->arena, "%.*s", (int)v.n, v.p);
}

static int64_t
integer(struct json doc, const char *name)
{
	int64_t v = 0;

	json_int(json_member(doc, name), &v);
	return v;
}

static const char *
since(struct cli *c, int64_t ms)
{
	int64_t s = ms / 1000;

	if (s < 120)
		return arena_printf(&c->arena, "%lld s", (long long)s);
	if (s < 7200)
		return arena_printf(&c->arena, "%lld min", (long long)s / 60);
	if (s < 2 * 86400)
		return arena_printf(&c->arena, "%lld h", (long long)s / 3600);
	return arena_printf(&c->arena, "%lld days", (long long)s / 86400);
}

void
care_show(struct cli *c, const char *text, size_t n)
{
	struct json doc, l;
	const char *fault;
	int64_t up;

	if (json_check(text, n, &doc, &fault, NULL) != 0)
		return;
	l = json_member(doc, "limits");
	up = integer(doc, "uptime_ms");
	show_pair(c, "version",
	    json_string(&c->arena, json_member(doc, "version"), NULL));
	show_pair(c, "schema", number(c, doc, "schema"));
	show_pair(c, "process", number(c, doc, "pid"));
	show_pair(c, "up for", since(c, up));
	show_pair(c, "data",
	    json_string(&c->arena, json_member(doc, "data"), NULL));
	show_pair(c, "meshes",
	    arena_printf(&c->arena, "%s of %s, %s in memory",
		number(c, doc, "meshes"), number(c, l, "meshes"),
		number(c, doc, "meshes_loaded")));
	show_pair(c, "connections",
	    arena_printf(&c->arena, "%s; %s sessions; %s files may be open",
		number(c, doc, "connections"), number(c, doc, "sessions"),
		number(c, doc, "files_max")));
	show_pair(c, "waiting",
	    arena_printf(&c->arena, "%s messages, %s bytes",
		number(c, doc, "queued"), number(c, doc, "queued_bytes")));
	show_pair(c, "database",
	    arena_printf(&c->arena, "%s bytes%s", number(c, doc, "db_bytes"),
		json_kind(json_member(doc, "disk_full")) == JSON_TRUE
		    ? "; the disk is full"
		    : ""));
	show_pair(c, "stored",
	    arena_printf(&c->arena,
		"%s since it began; a member may send %s/s, %s at once",
		number(c, doc, "stored"), number(c, l, "send_rate"),
		number(c, l, "send_burst")));
}

/* ---- reload ---- */

int
care_reload(struct cli *c, const struct verb *v)
{
	struct why why = { 0 };
	const char *data, *names;
	struct json doc;
	struct buf out;
	int rc;

	(void)v;
	if ((rc = folder(c, &data)) != 0)
		return rc;
	buf_init(&out, 64 * 1024);
	if (ask(c, data, "reload", ANSWER_MS, &out, &why) != OK) {
		cli_hint(c,
		    "nothing was changed; see claudemesh broker config");
		rc = cli_fail_why(c, &why);
	} else if (doc_wanted(c)) {
		rc = doc_print(c, buf_str(&out), out.len);
	} else if (json_check(buf_str(&out), out.len, &doc, &names, NULL) ==
	    0) {
		names = json_string(&c->arena,
		    json_member(doc, "restart_needed"), NULL);
		cli_say(c, "reloaded");
		if (names != NULL && names[0] != '\0')
			cli_say(c, "a restart is needed for: %s",
			    safe(c, names));
	}
	buf_fini(&out);
	return rc;
}

/* ---- backup ---- */

static const char *
absolute(struct cli *c, const char *path)
{
	char here[1024];

	if (path[0] == '/' || getcwd(here, sizeof(here)) == NULL)
		return path;
	return arena_printf(&c->arena, "%s/%s", here, path);
}

static void
sync_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

/* On the disk, then under its name, which must still be free. */
static int
settle(struct cli *c, const char *part, const char *file)
{
	char *dir = arena_strdup(&c->arena, file), *slash = strrchr(dir, '/');
	int err = 0;

	sync_path(part);
	if (link(part, file) != 0)
		err = errno;
	unlink(part);
	if (slash != NULL && slash != dir)
		*slash = '\0';
	sync_path(dir);
	if (err == 0)
		return 0;
	return cli_fail(c, err == EEXIST ? E_CONFLICT : E_STORE, "%s: %s",
	    safe(c, file), strerror(err));
}

static int
finished(struct cli *c, const char *file)
{
	struct stat st;
	struct buf b;
	int rc;

	if (stat(file, &st) != 0)
		st.st_size = 0;
	if (!doc_wanted(c)) {
		cli_say(c, "%s: %lld bytes, of a broker that went on running",
		    safe(c, file), (long long)st.st_size);
		return 0;
	}
	buf_init(&b, 16384);
	buf_adds(&b, "{\"file\":");
	json_quote(&b, file);
	buf_addf(&b, ",\"bytes\":%lld}", (long long)st.st_size);
	rc = doc_print(c, buf_str(&b), b.len);
	buf_fini(&b);
	return rc;
}

int
care_backup(struct cli *c, const struct verb *v)
{
	struct why why = { 0 };
	const char *data, *file, *part;
	struct buf out;
	int rc;

	(void)v;
	if ((rc = folder(c, &data)) != 0)
		return rc;
	file = absolute(c, arg(c, "file"));
	if (strlen(file) > 1000 || strpbrk(file, "\r\n") != NULL)
		return cli_usage(c, "FILE has at most 1000 bytes, in one line");
	if (access(file, F_OK) == 0)
		return cli_fail(c, E_CONFLICT,
		    "%s is there; a backup overwrites nothing", safe(c, file));
	part = arena_printf(&c->arena, "%s.part-%ld", file, (long)getpid());
	buf_init(&out, 64 * 1024);
	rc = ask(c, data, arena_printf(&c->arena, "backup %s", part), BACKUP_MS,
	    &out, &why);
	buf_fini(&out);
	if (rc != OK)
		return cli_fail_why(c, &why);
	if ((rc = settle(c, part, file)) != 0)
		return rc;
	return finished(c, file);
}

/* ---- restore ---- */

static int
restored(struct cli *c, const char *aside)
{
	struct buf b;
	int rc;

	if (!doc_wanted(c)) {
		cli_say(c, "restored");
		if (aside[0] != '\0')
			cli_say(c, "what was there before is %s",
			    safe(c, aside));
		cli_say(c,
		    "next: start the broker; members' daemons will say that "
		    "mail may be missing");
		return 0;
	}
	buf_init(&b, 16384);
	buf_adds(&b, "{\"ok\":true,\"before\":");
	json_quote(&b, aside);
	buf_addc(&b, '}');
	rc = doc_print(c, buf_str(&b), b.len);
	buf_fini(&b);
	return rc;
}

int
care_restore(struct cli *c, const struct verb *v)
{
	struct why why = { 0 };
	char aside[2048];
	const char *data;
	int rc;

	(void)v;
	if ((rc = folder(c, &data)) != 0)
		return rc;
	if ((rc = cli_confirm(c,
		 arena_printf(&c->arena,
		     "Put %s in the place of the database in %s?",
		     arg(c, "file"), data))) != 0)
		return rc;
	umask(077);
	if (broker_restore(data, arg(c, "file"), aside, sizeof(aside), &why) !=
	    OK) {
		if (why.code == E_CONFLICT)
			cli_hint(c,
			    "a broker that runs is stopped first "
			    "(claudemesh down); nothing was changed");
		return cli_fail_why(c, &why);
	}
	return restored(c, aside);
}

#define DATA_FLAG                                                                     \
	{                                                                             \
		"data", "DIR",                                                        \
		    "The broker's data folder; $CLAUDEMESH_HOME/broker unless given." \
	}

const struct flag care_flags[] = {
	DATA_FLAG,
	{ NULL, NULL, NULL },
};

const struct flag care_backup_flags[] = {
	{ "file", "FILE", "Where the copy goes; it must not be there yet." },
	DATA_FLAG,
	{ NULL, NULL, NULL },
};

const struct flag care_restore_flags[] = {
	{ "file", "FILE", "A copy that broker backup made." },
	DATA_FLAG,
	{ NULL, NULL, NULL },
};

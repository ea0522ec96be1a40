/*
 * do_trust.c - whom of a mesh's brokers is believed: given when a mesh is made or
 * joined, kept with it, changed by the user alone.
 */
#include "daemon/core.h"

#include "base/log.h"
#include "net/tls.h"
#include "net/wsclient.h"

int
trust_check(const char *url, const char *ca, const char *pin, struct why *why)
{
	if (*pin != '\0' && !tls_pin_ok(pin))
		return why_field(why, E_BAD_FIELD, "pin",
		    "a pin is 64 hex digits in lower case");
	if (*pin != '\0' && *ca != '\0')
		return why_field(why, E_BAD_FIELD, "ca",
		    "with a pin no issuer is asked: name one of the two");
	if ((*pin != '\0' || *ca != '\0') && !str_starts(url, "wss:"))
		return why_field(why, E_BAD_FIELD, *pin ? "pin" : "ca",
		    "%.200s has no TLS: a pin or a CA needs wss://", url);
	return OK;
}

/* "" without TLS. */
const char *
trust_text(struct arena *a, const struct dmesh *m)
{
	if (!str_starts(m->broker, "wss:"))
		return "";
	if (m->pin[0] != '\0')
		return arena_printf(a, "pin %s", m->pin);
	return *m->ca != '\0' ? "ca" : "system";
}

int
on_local_mesh_trust(struct dq *q, const struct local_mesh_trust *in)
{
	struct dmesh *m = dq_mesh(q, in->mesh);
	struct ok out = { 0 };

	if (m == NULL)
		return q->why.code;
	if (trust_check(m->broker, in->ca, in->pin, &q->why) != OK)
		return q->why.code;
	if (d_write(q->d, &q->why,
		"UPDATE mesh SET ca = $1, pin = $2 WHERE no = $3",
		DB_VALS(db_s(in->ca), db_s(in->pin), db_i(m->no))) != OK)
		return q->why.code;
	mem_free(m->ca);
	m->ca = mem_strdup(in->ca);
	str_copy(m->pin, sizeof(m->pin), in->pin);
	link_trust(m->link, m->ca, m->pin);
	if (!m->idle && !m->deleted)
		link_dial(m->link);
	log_event(LOG_WARN, "trust_changed", "mesh", m->slug, "trust",
	    trust_text(q->a, m), NULL);
	return dq_reply(q, &wire_ok, &out);
}

/*
 * compat_say.c - what older clients are told: which requests get no answer, the
 * shapes of those that do, pushes that dialect 1 knows, and the texts that go
 * from old client to old client without encryption.
 *
 * An answer that nobody asked for would be taken for another's, so everything
 * without its like in dialect 1 is dropped.
 */
#include "broker/compat.h"

#include <string.h>

#include "base/clock.h"
#include "base/scan.h"

static void
say(struct rq *rq, struct buf *b)
{
	if (!b->over)
		conn_text(rq->b, rq->conn, b->data, b->len);
	buf_fini(b);
}

static void
member(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, ",\"%s\":", name);
	json_quote(b, value);
}

static void
reqid(struct buf *b, const struct rq *rq)
{
	if (rq->frame.reqid != NULL)
		member(b, "_reqId", rq->frame.reqid);
}

/* ---- answers ---- */

void
compat_hello_ack(struct rq *rq, const struct presence *p)
{
	struct buf b;

	buf_init(&b, 65536);
	buf_adds(&b, "{\"type\":\"hello_ack\"");
	member(&b, "presenceId", p->id);
	member(&b, "memberDisplayName", p->name);
	buf_adds(&b,
	    ",\"memberProfile\":{\"roleTag\":null,\"groups\":[],"
	    "\"messageMode\":\"push\"},\"services\":[]}");
	say(rq, &b);
}

/* Both that look for an error and that look at the ack learn of a failure. */
void
compat_sent(struct rq *rq, const char *message_id, bool queued,
    const char *error)
{
	struct buf b;

	if (!queued) {
		buf_init(&b, 4096);
		buf_adds(&b, "{\"type\":\"error\",\"code\":\"not_sent\"");
		member(&b, "message", error);
		member(&b, "id", rq->id);
		reqid(&b, rq);
		buf_addc(&b, '}');
		say(rq, &b);
	}
	buf_init(&b, 4096);
	buf_adds(&b, "{\"type\":\"ack\"");
	member(&b, "id", rq->id);
	member(&b, "messageId", message_id);
	buf_addf(&b, ",\"queued\":%s", queued ? "true" : "false");
	if (!queued)
		member(&b, "error", error);
	reqid(&b, rq);
	buf_addc(&b, '}');
	say(rq, &b);
	rq->replied = true;
}

static void
bare_ack(struct rq *rq)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_adds(&b, "{\"type\":\"ack\"");
	member(&b, "id", rq->frame.reqid == NULL ? "" : rq->frame.reqid);
	buf_adds(&b, ",\"messageId\":\"\",\"queued\":false");
	reqid(&b, rq);
	buf_addc(&b, '}');
	say(rq, &b);
}

static const char *
role_of(const struct peer *f)
{
	if (str_eq(f->channel, "claudemesh-daemon"))
		return "control-plane";
	return str_eq(f->peer_type, "connector") ? "service" : "session";
}

static void
one_peer(struct buf *b, const struct peer *f)
{
	char at[CLOCK_ISO_LEN + 1];
	size_t i;

	clock_iso(at, f->connected_at);
	buf_addf(b, "{\"pubkey\":\"%s\",\"memberPubkey\":\"%s\"", f->pubkey,
	    f->member_pubkey);
	member(b, "displayName", f->display_name);
	member(b, "status", f->status);
	buf_adds(b, ",\"summary\":");
	if (f->summary[0] != '\0')
		json_quote(b, f->summary);
	else
		buf_adds(b, "null");
	buf_adds(b, ",\"groups\":[");
	for (i = 0; i < f->groups.n; i++) {
		buf_adds(b, i == 0 ? "" : ",");
		wire_encode(b, &wire_peer_group, &f->groups.v[i], NULL, NULL);
	}
	buf_adds(b, "]");
	member(b, "sessionId", f->session_id);
	member(b, "connectedAt", at);
	member(b, "cwd", f->cwd);
	member(b, "peerRole", role_of(f));
	member(b, "hostname", f->hostname);
	member(b, "peerType", f->peer_type);
	member(b, "channel", f->channel);
	member(b, "model", f->model);
	buf_addf(b, ",\"visible\":%s", f->visible ? "true" : "false");
	if (f->profile.n > 0)
		buf_addf(b, ",\"profile\":%.*s", (int)f->profile.n,
		    f->profile.p);
	if (f->stats.n > 0)
		buf_addf(b, ",\"stats\":%.*s", (int)f->stats.n, f->stats.p);
	buf_addc(b, '}');
}

static void
peers(struct rq *rq, const struct peers_list *in)
{
	struct buf b;
	size_t i;

	buf_init(&b, WIRE_FRAME_MAX);
	buf_adds(&b, "{\"type\":\"peers_list\",\"peers\":[");
	for (i = 0; i < in->peers.n; i++) {
		buf_adds(&b, i == 0 ? "" : ",");
		one_peer(&b, &in->peers.v[i]);
	}
	buf_adds(&b, "]");
	reqid(&b, rq);
	buf_addc(&b, '}');
	say(rq, &b);
}

static bool
silent(const char *type)
{
	static const char *const list[] = { "set_state", "set_status",
		"set_summary", "set_stats", "join_group", "leave_group" };

	for (size_t i = 0; i < countof(list); i++) {
		if (str_eq(list[i], type))
			return true;
	}
	return false;
}

bool
compat_reply(struct rq *rq, const struct wire_msg *m, const void *in)
{
	const struct ack *ack = in;

	if (silent(rq->frame.type))
		return true;
	if (m == &wire_ack) {
		compat_sent(rq, ack->queued ? ack->message_id : "", ack->queued,
		    ack->error == NULL ? "" : ack->error);
		return true;
	}
	if (m == &wire_peers_list)
		peers(rq, in);
	else if (m == &wire_ok)
		bare_ack(rq);
	return m == &wire_peers_list || m == &wire_ok;
}

/* ---- pushes ---- */

static void
end_of(struct broker *b, struct bconn *c, const struct session_ended *in)
{
	if (str_eq(in->reason, "kicked"))
		conn_close(b, c, 4001, "kicked");
	else if (str_eq(in->reason, "replaced"))
		conn_close(b, c, 1000, "session_replaced");
	else if (str_eq(in->reason, "revoked") ||
	    str_eq(in->reason, "removed") || str_eq(in->reason, "not_member"))
		conn_close(b, c, 4002, "banned");
	else
		conn_close(b, c, 1008, in->reason);
}

void
compat_push(struct broker *b, struct bconn *c, const char *session,
    const struct wire_msg *m, const void *in)
{
	static const char none[] = ",\"nonce\":\"\",\"ciphertext\":\"\"";
	const struct message_push *p = in;
	size_t common;

	(void)session;
	if (m == &wire_session_ended) {
		end_of(b, c, in);
		return;
	}
	if (m != &wire_message_push && !str_eq(m->wire, "state_change"))
		return;
	if (push_begin(b, m, in, &common) != OK)
		return;
	if (m == &wire_message_push && p->subtype != NULL &&
	    p->subtype[0] != '\0')
		push_end(b, c, common, none, sizeof(none) - 1);
	else
		push_end(b, c, common, "", 0);
}

/* ---- texts without encryption ---- */

static int
check_rate(struct rq *rq)
{
	const struct broker_limits *l = &rq->b->conf.limits;
	int64_t rate = roll_send_rate(rq->mesh->roll),
		burst = roll_send_burst(rq->mesh->roll);
	struct bucket *k = &standing_of(rq->mesh, rq->peer->member)->send;

	rq->retry_after_ms = bucket_take(k, io_mono(rq->b->io), 1,
	    rate > 0 ? rate : l->send_rate, burst > 0 ? burst : l->send_burst);
	return rq->retry_after_ms == 0
	    ? OK
	    : rq_fail(rq, E_RATE_LIMITED, "too many messages a second");
}

static bool
meant(const struct rq *rq, const struct presence *p, const char *target)
{
	size_t i;

	if (!p->old || p->conn == 0 || !p->face.visible ||
	    str_eq(p->member, rq->peer->member))
		return false;
	if (str_eq(target, "*") || str_eq(target, "@all"))
		return true;
	for (i = 0; i < p->face.groups.n; i++) {
		if (str_eq(p->face.groups.v[i].name, target + 1))
			return true;
	}
	return false;
}

int
compat_fan(struct rq *rq, const struct old_send *in, const char *message_id)
{
	struct message_push push = { .message_id = message_id,
		.mesh_id = rq->mesh->id,
		.sender_pubkey = rq->peer->key,
		.sender_member_pubkey = rq->peer->member,
		.sender_name = rq->peer->name,
		.target_spec = in->target_spec,
		.priority = in->priority,
		.nonce = in->nonce,
		.ciphertext = in->ciphertext,
		.created_at = rq->now };
	struct presence *p;
	struct bconn *c;
	size_t i = 0;
	int r;

	if (!scan_base64(in->ciphertext) || !scan_base64(in->nonce))
		return rq_field(rq, E_BAD_FIELD, "ciphertext",
		    "nonce and ciphertext are base64");
	if (!str_eq(in->priority, "now") && !str_eq(in->priority, "next") &&
	    !str_eq(in->priority, "low"))
		return rq_field(rq, E_BAD_FIELD, "priority",
		    "now, next or low");
	if ((r = check_rate(rq)) != OK)
		return r;
	while ((p = map_next(&rq->mesh->here, &i)) != NULL) {
		c = meant(rq, p, in->target_spec) ? conn_at(rq->b, p->conn)
						  : NULL;
		if (c != NULL && conn_event(rq->b, c))
			compat_push(rq->b, c, NULL, &wire_message_push, &push);
	}
	compat_sent(rq, message_id, true, NULL);
	return OK;
}

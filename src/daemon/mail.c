/*
 * mail.c - one message that came: everything about it is verified, then it
 * enters the inbox, once. What cannot be opened or verified enters, too, with
 * no text and the reason; a text that is shown as verified was said by that
 * member's session, to this session, in this mesh, with this id and priority.
 */
#include "daemon/core.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

struct mail {
	struct dmesh *m;
	const struct message_push *in;
	struct dsess *to;	/* whose inbox; of many, one of them */
	bool label;		/* it was said to a label */
	const struct key *mine; /* what it was encrypted to */
	bool asked_show, asked_roll;
	struct body body;
	const char *member, *name; /* proven */
	char problem[257];
	const char *doubt; /* shown, but not as verified; or NULL */
};

static enum mail_need
bad(struct mail *x, const char *what)
{
	str_copy(x->problem, sizeof(x->problem), what);
	log_event(LOG_WARN, "mail_refused", "mesh", x->m->slug, "id",
	    x->in->message_id, "why", what, NULL);
	return MAIL_DONE;
}

static bool
find_target(struct mail *x)
{
	const char *t = x->in->target_spec;

	x->label = label_kind(t) != LABEL_NONE;
	if (x->label) { /* those that the broker names are asked one by one */
		for (size_t i = 0; i < x->in->sessions.n && !x->to; i++)
			x->to =
			    map_gets(&x->m->sessions, x->in->sessions.v[i].s);
		return x->to != NULL;
	}
	if (str_eq(t, x->m->member.hex)) {
		x->to = x->m->home;
		x->mine = &x->m->member;
	} else if ((x->to = map_gets(&x->m->sessions, t)) != NULL) {
		x->mine = &x->to->key;
	}
	return x->to != NULL;
}

/* Who is the sender, by an attestation that was good when it was sent? */
static enum mail_need
know_sender(struct mail *x)
{
	const char *key = x->in->sender_pubkey;
	const struct dsess *own = map_gets(&x->m->sessions, key);
	const struct dpeer *p = roster_get(x->m, key);

	if (own != NULL) {
		x->member = x->m->member.hex;
		x->name = own->name;
		return MAIL_DONE;
	}
	if ((p == NULL || p->attestation == NULL ||
		x->body.sent_at > p->expires_at + CLOCK_SLACK_MS) &&
	    !x->asked_show)
		return MAIL_NEEDS_SESSION;
	if (p == NULL || p->attestation == NULL)
		return bad(x, "no member vouches for its sender");
	if (x->body.sent_at > p->expires_at + CLOCK_SLACK_MS)
		return bad(x,
		    "its sender's attestation had run out when it was sent");
	x->member = p->member;
	x->name = p->name;
	return MAIL_DONE;
}

static enum mail_need
judge_member(struct mail *x)
{
	const struct roll *roll = x->m->roll;
	const struct roll_member *rm = roll_member(roll, x->member);

	if (x->body.roll.n > roll_n(roll) && !x->asked_roll)
		return MAIL_NEEDS_ROLL;
	if (rm == NULL)
		return bad(x, "its sender is no member of the mesh");
	if (roll_session_revoked(roll, x->member, x->in->sender_pubkey))
		return bad(x, "its sender's session key was revoked");
	if (rm->state == MEMBER_REMOVED)
		return bad(x, "its sender was removed from the mesh");
	if (rm->state == MEMBER_LEFT && x->body.roll.n > rm->ended_n)
		return bad(x, "its sender had left the mesh");
	if (rm->state == MEMBER_LEFT)
		x->doubt = "its sender has left the mesh; whether this was "
			   "written before cannot be proven";
	if (*x->in->sender_member_pubkey != '\0' &&
	    !str_eq(x->in->sender_member_pubkey, x->member))
		return bad(x, "the broker names another member as its sender");
	if (*x->body.member != '\0' && !str_eq(x->body.member, x->member))
		return bad(x,
		    "another member vouches for its sender's session");
	return MAIL_DONE;
}

/* Does the sender see the roll we see? If not, somebody shows two. That it is
 * ahead of ours even after we asked is the same: acts are held back. */
static enum mail_need
compare_rolls(struct mail *x)
{
	const struct roll_point *p = &x->body.roll;
	const char *hash;
	char text[256];

	if (p->n < 1)
		return MAIL_DONE;
	hash = roll_hash_at(x->m->roll, p->n - 1);
	if (hash != NULL && str_eq(hash, p->head))
		return MAIL_DONE;
	snprintf(text, sizeof(text),
	    "two members are shown different rolls: '%s' "
	    "sees another act %lld than this daemon; do not trust the broker",
	    x->name, (long long)(p->n - 1));
	return dmesh_warn(x->m, text) == OK ? MAIL_DONE : MAIL_BROKEN;
}

static enum mail_need
open_label(struct mail *x, const struct envelope *env)
{
	const struct message_push *in = x->in;
	struct daemon *d = x->m->d;
	uint8_t key[32];
	struct why why;
	int code;

	if (in->epoch > dmesh_epoch(x->m) && !x->asked_roll)
		return MAIL_NEEDS_ROLL;
	if (in->epoch > 0 && !dmesh_epoch_key(x->m, in->epoch, key) &&
	    keys_due(x->m))
		return MAIL_NEEDS_KEY;
	if (in->epoch == 0 || !dmesh_epoch_key(x->m, in->epoch, key)) {
		why_set(&why, E_CANNOT_OPEN,
		    "the key of epoch %lld is not here", (long long)in->epoch);
		return bad(x, why.text);
	}
	code = body_open_group(&d->arena, &x->body, key, env, in->nonce,
	    in->ciphertext, &why);
	key_wipe(key, sizeof(key));
	return code == OK ? MAIL_DONE : bad(x, why.text);
}

/* Does the roll let it speak dialect 1? Then nothing proves who it is. */
static bool
from_old(const struct mail *x)
{
	const char *member = x->in->sender_member_pubkey;
	const struct dpeer *p = roster_get(x->m, x->in->sender_pubkey);

	return !x->label && dmesh_old(x->m, member) &&
	    (p == NULL || p->attestation == NULL) &&
	    map_gets(&x->m->sessions, x->in->sender_pubkey) == NULL;
}

static enum mail_need
open_old(struct mail *x)
{
	const struct message_push *in = x->in;
	const struct roll_member *rm =
	    roll_member(x->m->roll, in->sender_member_pubkey);
	struct why why;

	if (body_open_bare(&x->m->d->arena, x->mine, in->sender_pubkey,
		in->nonce, in->ciphertext, &x->body.text, &why) != OK)
		return bad(x, why.text);
	if (!utf8_valid(x->body.text, strlen(x->body.text)))
		return bad(x, "it is no text");
	x->member = rm->key;
	x->name = rm->name;
	x->body.sent_at = in->created_at;
	x->body.reply_to = x->body.expects = "";
	x->doubt = "it is from an old client: not signed, so that only the "
		   "broker says who wrote it";
	return MAIL_DONE;
}

static enum mail_need
verify(struct mail *x)
{
	const struct message_push *in = x->in;
	struct envelope env = { .mesh = x->m->id,
		.from = in->sender_pubkey,
		.to = in->target_spec,
		.id = in->message_id,
		.priority = in->priority,
		.epoch = in->epoch };
	struct daemon *d = x->m->d;
	struct why why;
	enum mail_need need = MAIL_DONE;

	if (from_old(x))
		return open_old(x);
	if (x->label)
		need = open_label(x, &env);
	else if (body_open_direct(&d->arena, d->boxes, &x->body, x->mine, &env,
		     in->nonce, in->ciphertext, &why) != OK)
		return bad(x, why.text);
	if (need != MAIL_DONE || *x->problem)
		return need;
	need = know_sender(x);
	if (need != MAIL_DONE || *x->problem)
		return need;
	need = judge_member(x);
	if (need != MAIL_DONE || *x->problem)
		return need;
	if (x->body.sent_at < d_now(d) - MAIL_AGE_MS)
		return bad(x, "it is older than 60 days: it may be a replay");
	return compare_rolls(x);
}

static bool
holds(const struct dsess *s, const char *priority)
{
	return str_eq(s->page.status, "dnd") && !str_eq(priority, "now");
}

/*
 * A session gets a message once, by whatever target it came, and as often as a
 * broker says it. Who sends it again has not heard of our receipt.
 */
static bool
has_it(struct mail *x)
{
	struct daemon *d = x->m->d;
	struct db_rows *r;
	struct why why;

	r = d_read(d, NULL,
	    "SELECT n FROM inbox WHERE mesh = $1 AND from_key = $2 AND id = $3"
	    " AND session = $4 LIMIT 1",
	    DB_VALS(db_i(x->m->no), db_s(x->in->sender_pubkey),
		db_s(x->in->message_id), db_i(x->to->no)));
	if (r == NULL || r->n == 0)
		return false;
	if (d_write(d, &why, "UPDATE inbox SET told = 0 WHERE n = $1",
		DB_VALS(db_i(db_int(r, 0, 0)))) != OK)
		d_broken(d, "inbox", &why);
	return true;
}

static int
insert(struct mail *x, struct why *why)
{
	const struct message_push *in = x->in;
	bool ok = *x->problem == '\0';
	bool held = ok && holds(x->to, in->priority);
	struct daemon *d = x->m->d;

	if (has_it(x))
		return OK;

	return d_write(d, why,
	    "INSERT INTO inbox (mesh, id, from_key, from_member,"
	    " from_name, to_key, session, body, priority, reply_to, expects,"
	    " verified, problem, sent_at, received_at, receipt, reason, target,"
	    " told, seen)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
	    " $15, $16, $17, $18, 0, 0)"
	    " ON CONFLICT (mesh, from_key, id, to_key) DO NOTHING",
	    DB_VALS(db_i(x->m->no), db_s(in->message_id),
		db_s(in->sender_pubkey),
		db_s(ok ? x->member : in->sender_member_pubkey),
		db_s(ok ? x->name : in->sender_name),
		db_s(x->label ? x->to->key.hex : in->target_spec),
		db_i(x->to->no), db_s(ok ? x->body.text : ""),
		db_s(in->priority), db_s(ok ? x->body.reply_to : ""),
		db_s(ok ? x->body.expects : ""), db_i(ok && x->doubt == NULL),
		db_s(ok && x->doubt != NULL ? x->doubt : x->problem),
		db_i(ok ? x->body.sent_at : in->created_at), db_i(d_now(d)),
		db_s(!ok       ? "failed"
			: held ? "held"
			       : "delivered"),
		db_s(!ok       ? x->problem
			: held ? "dnd"
			       : ""),
		db_s(x->label ? in->target_spec : "")));
}

/* Into each inbox that it is for. */
static int
enter(struct mail *x, struct why *why)
{
	int code = OK;

	if (!x->label)
		return insert(x, why);
	for (size_t i = 0; i < x->in->sessions.n && code == OK; i++) {
		x->to = map_gets(&x->m->sessions, x->in->sessions.v[i].s);
		if (x->to != NULL)
			code = insert(x, why);
	}
	return code;
}

enum mail_need
mail_take(struct dmesh *m, const struct message_push *in, bool asked_show,
    bool asked_roll)
{
	struct mail x = { .m = m,
		.in = in,
		.asked_show = asked_show,
		.asked_roll = asked_roll };
	enum mail_need need;
	struct why why;

	if (in->seq != 0 && in->seq <= m->seq)
		return MAIL_DONE; /* streamed again after a reconnect */
	if (!str_eq(in->mesh_id, m->id) || !find_target(&x)) {
		log_event(LOG_WARN, "mail_astray", "mesh", m->slug, "id",
		    in->message_id, NULL);
	} else {
		need = verify(&x);
		if (need != MAIL_DONE)
			return need;
		if (enter(&x, &why) != OK) {
			d_broken(m->d, "inbox", &why);
			return MAIL_BROKEN;
		}
		m->d->news |= NEWS_INBOX;
	}
	if (in->seq > m->seq) {
		m->seq = in->seq;
		m->cursor_dirty = true;
	}
	m->ack = true;
	return MAIL_DONE;
}

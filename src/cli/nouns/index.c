/*
 * index.c - the nouns and the daily aliases. Keep both alphabetized.
 */
#include <stddef.h>

#include "cli/noun.h"

extern const struct noun noun_account, noun_broker, noun_completions,
    noun_daemon, noun_demo, noun_doctor, noun_down, noun_events, noun_fetch,
    noun_group, noun_invite, noun_join, noun_mcp, noun_member, noun_memory,
    noun_mesh, noun_message, noun_peer, noun_profile, noun_protocol,
    noun_session, noun_state, noun_status, noun_up, noun_version, noun_whoami;

const struct noun *const nouns[] = { &noun_account, &noun_broker,
	&noun_completions, &noun_daemon, &noun_demo, &noun_doctor, &noun_down,
	&noun_events, &noun_fetch, &noun_group, &noun_invite, &noun_join,
	&noun_mcp, &noun_member, &noun_memory, &noun_mesh, &noun_message,
	&noun_peer, &noun_profile, &noun_protocol, &noun_session, &noun_state,
	&noun_status, &noun_up, &noun_version, &noun_whoami, NULL };

const struct alias aliases[] = {
	{ "ban", "member", "ban" },
	{ "create", "mesh", "create" },
	{ "forget", "memory", "forget" },
	{ "inbox", "message", "inbox" },
	{ "info", "mesh", "info" },
	{ "kick", "peer", "kick" },
	{ "launch", "session", "launch" },
	{ "leave", "mesh", "leave" },
	{ "list", "mesh", "list" },
	{ "peers", "peer", "list" },
	{ "recall", "memory", "recall" },
	{ "remember", "memory", "remember" },
	{ "send", "message", "send" },
	{ "share", "invite", "share" },
	{ "verify", "peer", "verify" },
	{ NULL, NULL, NULL },
};

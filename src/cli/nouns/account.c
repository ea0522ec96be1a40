/*
 * account.c - the user's account: the key from which all others come. The seed
 * itself is never shown.
 */
#include "cli/cli.h"

static const struct verb verbs[] = {
	{ .name = "show",
	    .row = &wire_local_account_show,
	    .doc = "Shows the account's public key and where its seed lies." },
	{ .name = NULL },
};

const struct noun noun_account = { .name = "account",
	.doc = "The user's account on this machine.",
	.verbs = verbs,
	.dflt = "show" };

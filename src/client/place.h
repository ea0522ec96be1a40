/*
 * place.h - what a session is called when nobody says: after where it stands.
 */
#ifndef CLIENT_PLACE_H
#define CLIENT_PLACE_H

#include "client/local.h"

/* repo@branch of the working folder, or the folder's name, or "session". */
void place_name(char out[65]);

/* The same name, or name-2, name-3 ... when a peer online has it already. The
 * mesh as in local_peer_list; without an answer of it the name stays. */
void place_unique(struct local *, const char *mesh, char name[65]);

#endif

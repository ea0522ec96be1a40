/*
 * present.h - what a peer wrote, made fit for a model to read: data with
 * provenance, never an instruction.
 *
 * It stands between two markers that carry a fresh random tag, which the writer
 * could not know, so no text closes its own frame. Each line of it begins with
 * "| ", so none passes for a head or for somebody else's turn. Control,
 * bidirectional and invisible characters are spelt out (<U+202E>), and so is the
 * bracket of a tag that agents give a meaning to. What this cannot do is make a
 * model obey the frame; grants and hooks do that.
 */
#ifndef CLIENT_PRESENT_H
#define CLIENT_PRESENT_H

#include <stdint.h>

#include "wire/wire.h"

#define PRESENT_TAG 16		       /* letters and digits of a tag */
#define PRESENT_TEXT (192 * 1024 + 64) /* 64 KiB of empty lines */

struct present {
	char tag[PRESENT_TAG + 1]; /* fresh for each: present_tag */
	int64_t now;		   /* wall clock, for ages */
	size_t max;		   /* bytes of text shown; 0: PRESENT_TEXT */
};

/* A tag from ten bytes of chance. */
void present_tag(char out[PRESENT_TAG + 1], const uint8_t random[10]);

/* A message from its row, whole: marker, provenance, text, marker. */
void present_message(struct buf *, const struct present *,
    const struct inbox_row *);

/* Anything else of a peer's: a summary, state, memory, an event. what is ours
 * ("summary of a peer"), by is its author's name, text any. */
void present_note(struct buf *, const struct present *, const char *what,
    const char *by, const char *mesh, const char *text);

/* One line of a peer's inside a line of ours: a name. Quotes and angle brackets
 * are spelt out, too, so that it fits between "" in markup. */
void present_word(struct buf *, const char *s);

/* Is it only letters, digits, - and _: fit for a command line as it is? */
bool present_plain(const char *s);

#endif

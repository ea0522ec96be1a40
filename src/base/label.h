/*
 * label.h - targets that are not one key: @group, * (or @all), tag:key=value.
 * A label says who is written to; who that is at the time is the broker's to
 * find out.
 */
#ifndef BASE_LABEL_H
#define BASE_LABEL_H

#include <stdbool.h>

#define LABEL_MAX 128 /* bytes of a label; of a tag with its prefix */

enum label { LABEL_NONE, LABEL_GROUP, LABEL_ALL, LABEL_TAG };

enum label label_kind(const char *spec);
/* The one spelling that is signed: @all is *. */
const char *label_canonical(const char *spec);
/* NULL when it is fine, else a sentence fragment: "holds white space". */
const char *label_fault(const char *spec);
const char *group_fault(const char *name); /* without the @ */
const char *tag_fault(const char *tag);	   /* key=value */

#endif

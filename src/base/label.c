/*
 * label.c - what a label may look like. Names of groups leave out what separates
 * them on a command line: white space, commas, colons, and the marks of labels.
 */
#include <string.h>

#include "base/label.h"
#include "base/str.h"

#define TAG "tag:"
#define GROUP_MAX 64

enum label
label_kind(const char *spec)
{
	if (str_eq(spec, "*") || str_eq(spec, "@all"))
		return LABEL_ALL;
	if (spec[0] == '@')
		return LABEL_GROUP;
	return str_starts(spec, TAG) ? LABEL_TAG : LABEL_NONE;
}

const char *
label_canonical(const char *spec)
{
	return label_kind(spec) == LABEL_ALL ? "*" : spec;
}

const char *
group_fault(const char *name)
{
	const char *fault = str_name_fault(name, GROUP_MAX);

	if (fault != NULL)
		return fault;
	return strpbrk(name, " @#*:,") == NULL
	    ? NULL
	    : "holds a blank or one of @ # * : ,";
}

const char *
tag_fault(const char *tag)
{
	const char *fault = str_name_fault(tag, LABEL_MAX - strlen(TAG));
	const char *eq = strchr(tag, '=');

	if (fault != NULL)
		return fault;
	if (eq == NULL || eq == tag)
		return "is not key=value";
	return strpbrk(tag, " ,") == NULL ? NULL : "holds a blank or a comma";
}

const char *
label_fault(const char *spec)
{
	switch (label_kind(spec)) {
	case LABEL_GROUP:
		return group_fault(spec + 1);
	case LABEL_TAG:
		return tag_fault(spec + strlen(TAG));
	case LABEL_ALL:
		return NULL;
	case LABEL_NONE:
		break;
	}
	return "is no label";
}

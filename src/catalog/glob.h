/* Globs of the settings: fnmatch with FNM_PATHNAME. */
#ifndef CATALOG_GLOB_H
#define CATALOG_GLOB_H

#include "base/slice.h"

/* Whether a glob matches a name below a mount: the whole of it, or, when the glob has no slash, its
 * last segment. */
bool glob_matches(struct slice glob, struct slice name);

/* Whether one of a list does, whose globs are separated by ':'. */
bool glob_list_matches(struct slice list, struct slice name);

#endif

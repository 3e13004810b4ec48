/* Globs of the settings: those of fnmatch with FNM_PATHNAME in the C locale. Of our own, because C
 * libraries differ in what a character is, and two programs with two of them are to agree. */
#ifndef CATALOG_GLOB_H
#define CATALOG_GLOB_H

#include "base/slice.h"

/* Whether a glob matches all of a path. */
bool glob_matches_path(struct slice glob, struct slice path);

/* Whether a glob matches a name below a mount: the whole of it, or, when the glob has no slash, its
 * last segment. */
bool glob_matches(struct slice glob, struct slice name);

/* Whether one of a list does, whose globs are separated by ':'. */
bool glob_list_matches(struct slice list, struct slice name);

#endif

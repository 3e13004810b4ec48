/* What mod_mime is told: types, codings, and all that a host reads into names to be forgotten. */
#ifndef PREPARE_HTACCESS_MIME_H
#define PREPARE_HTACCESS_MIME_H

#include "prepare/htaccess_lines.h"
#include "prepare/htaccess_plan.h"

#include <stdbool.h>

/* `variants`: they are sent, and their codings are told by their suffixes. What is added in a
 * section may not be removed in it. */
void htaccess_mime_removals(struct htaccess_lines *text, const struct htaccess_plan *plan,
                            bool variants);
void htaccess_mime_types(struct htaccess_lines *text, const struct htaccess_plan *plan,
                         bool variants);

/* Level 0: types and removals of all that lies there. */
void htaccess_mime_level_0(struct htaccess_lines *text, const struct htaccess_plan *plan);

/* That nothing is compressed a second time: lines for mod_env. */
extern const struct htaccess_line htaccess_mime_never_twice[2];

#endif

/* The header fields of what Apache sends by itself, and those of the request that it may see. */
#ifndef PREPARE_HTACCESS_FIELDS_H
#define PREPARE_HTACCESS_FIELDS_H

#include "prepare/htaccess_lines.h"
#include "prepare/htaccess_plan.h"

/* What goes with every file. */
void htaccess_fields_policy(struct htaccess_lines *text, const struct htaccess_plan *plan);

/* The operator's own fields that go with every file. */
void htaccess_fields_own(struct htaccess_lines *text, const struct htaccess_plan *plan);

/* What a request of the fast path asks and is promised. `prefix`: of the variables, once the file
 * is sent. */
void htaccess_fields_asked(struct htaccess_lines *text, const struct htaccess_plan *plan,
                           const char *prefix);
void htaccess_fields_promise(struct htaccess_lines *text, const struct htaccess_plan *plan,
                             const char *prefix);

/* Level 0, where Apache answers for all that lies there: its fields, and the operator's own ones
 * in the order in which they were given. */
void htaccess_fields_level_0(struct htaccess_lines *text, const struct htaccess_plan *plan);
void htaccess_fields_own_level_0(struct htaccess_lines *text, const struct htaccess_plan *plan);

#endif

/* Which requests Apache answers by itself: the rules of the fast path. */
#ifndef PREPARE_HTACCESS_MATCH_H
#define PREPARE_HTACCESS_MATCH_H

#include "prepare/htaccess_lines.h"
#include "prepare/htaccess_plan.h"

/* The rules for hashed files whose answers need no decision; nothing where there are none. */
void htaccess_match_add(struct htaccess_lines *text, const struct htaccess_plan *plan);

/* The rule for all the rest: it goes to the program. At level 0 the rules after the fast path have
 * it: `skip` rules are passed over. */
const char *htaccess_match_otherwise(const struct htaccess_plan *plan, int skip, apr_pool_t *pool);

/* Every manifest that a setting names, each as an alternative with a bar before it. */
const char *htaccess_match_manifests(const struct htaccess_plan *plan, apr_pool_t *pool);

/* The links that lead out of the root, which a host may follow: level 0. */
void htaccess_match_links(struct htaccess_lines *text, const struct htaccess_plan *plan);

#endif

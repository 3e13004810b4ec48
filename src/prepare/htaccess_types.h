/* The media types that Apache has to know where the program is not asked. */
#ifndef PREPARE_HTACCESS_TYPES_H
#define PREPARE_HTACCESS_TYPES_H

#include "prepare/htaccess_plan.h"

/* Fills in types and named, once the extensions are known. `catalog` as for htaccess_plan_make. */
void htaccess_types_plan(struct htaccess_plan *plan, const struct work *work, uint32_t mount,
                         const struct catalog *catalog);

/* The type of a name. */
const char *htaccess_types_of(const struct catalog *catalog, uint32_t mount, const char *name,
                              apr_pool_t *pool);

#endif

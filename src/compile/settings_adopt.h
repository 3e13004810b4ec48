/* Settings over the policy of a catalog: what the environment and the file do not say, the catalog
 * says. */
#ifndef COMPILE_SETTINGS_ADOPT_H
#define COMPILE_SETTINGS_ADOPT_H

#include "catalog/catalog.h"
#include "compile/settings.h"

/* Fills *effective: the mounts of the catalog in their order, each with what `settings` gives and
 * the catalog's own policy for the rest. `state` is the absolute path of the directory in which the
 * catalog lies, to which its roots are relative. Strings live in `pool`. Returns 0, or -1 with
 * HB0035 when the catalog was made for other mounts, or from other names or types. */
int settings_adopt(struct settings *effective, const struct settings *settings,
                   const struct catalog *catalog, const char *state, apr_pool_t *pool,
                   struct error *error);

#endif

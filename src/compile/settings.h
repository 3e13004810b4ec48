/* The settings of a site, from the process environment and a JSON file. In ascending order of rank:
 * Django's own names in the environment (STATIC_ROOT …), the file, HANDBACK_* variables. */
#ifndef COMPILE_SETTINGS_H
#define COMPILE_SETTINGS_H

#include "compile/settings_table.h"

/* Reads everything from `environment` (a NULL-terminated list of NAME=value) and the file. Settings
 * that this version knows but does not use are logged as HB0006. Returns 0, or -1 with the number
 * of the first fault; settings->file is set in either case. */
int settings_read(struct settings *settings, char **environment, apr_pool_t *pool,
                  struct error *error);

/* The state directory: `state`, or .handback below the root of the first static mount. NULL:
 * neither is known. */
const char *settings_state(const struct settings *settings, apr_pool_t *pool);

/* Without a catalog every mount needs a root. Returns 0, or -1 with HB0005. */
int settings_require_roots(const struct settings *settings, struct error *error);

/* Whether every root can be opened at this moment: what is asked of new settings while old ones
 * serve. Returns 0, or -1 with HB0010 to HB0013. */
int settings_open_roots(const struct settings *settings, struct error *error);

/* Whether the mounts can be served, alone and beside each other. Returns 0, or -1 with the error.
 */
int settings_check(const struct settings *settings, apr_pool_t *pool, struct error *error);

#endif

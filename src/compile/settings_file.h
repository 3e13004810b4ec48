/* The settings file: {site keys…, "mounts": [{…}]}, or one mount's keys at the top level. */
#ifndef COMPILE_SETTINGS_FILE_H
#define COMPILE_SETTINGS_FILE_H

#include "compile/settings_table.h"

/* Reads the file at `path` on top of the defaults in *settings, which holds one mount. A file that
 * does not exist is no fault unless `named`. Returns 0, or -1 with HB0001 to HB0004. */
int settings_file_read(struct settings *settings, const char *path, bool named, apr_pool_t *pool,
                       struct error *error);

#endif

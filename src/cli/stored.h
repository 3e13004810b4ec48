/* The catalog as it lies in the state directory: found, checked for who may have written it, and
 * brought together with the settings. */
#ifndef CLI_STORED_H
#define CLI_STORED_H

#include "base/error.h"
#include "catalog/catalog.h"
#include "compile/settings.h"

#include <apr_pools.h>
#include <sys/stat.h>

enum stored_verdict {
    STORED_MISSING,
    STORED_GOOD,
    STORED_REFUSED, /* with HB0030 or HB0033 to HB0035 */
};

/* "catalog" in the state directory; NULL when no state directory is known. */
const char *stored_path(const struct settings *settings, apr_pool_t *pool);

/* Opens the file: a regular one that not everybody may write to, of root, of this user, or of the
 * owner of a root that the settings give (where they give none: of the state directory). What the
 * catalog says itself has no say in that. The caller closes *fd. */
enum stored_verdict stored_open(const char *path, const struct settings *settings, int *fd,
                                struct stat *status, struct error *error);

/* All of an open file, in memory that the caller frees; NULL when there is none. */
void *stored_read(int fd, size_t size);

/* Judges a block: its head, and its mounts together with the settings (*effective: those in force,
 * in `pool`). */
enum stored_verdict stored_judge(const void *block, uint64_t size, const struct settings *settings,
                                 struct settings *effective, apr_pool_t *pool, struct error *error);

#endif

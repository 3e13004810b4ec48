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

/* Opens the file: a regular one that not everybody may write to. The caller closes *fd. */
enum stored_verdict stored_open(const char *path, int *fd, struct stat *status,
                                struct error *error);

/* Maps `size` bytes of an open file, read-only; NULL when that cannot be done. */
void *stored_map(int fd, off_t offset, size_t size);

/* Judges the block that lies in the file of `status`: its head, the mounts (*effective: the
 * settings in force, in `pool`), and its owner: root, this user, or whoever owns a root. */
enum stored_verdict stored_judge(const void *block, uint64_t size, const struct stat *status,
                                 const struct settings *settings, struct settings *effective,
                                 apr_pool_t *pool, struct error *error);

#endif

/* Django's manifest: {"paths": {original name: hashed name}, "version": "1.0" or "1.1"}. Unknown
 * keys are ignored. */
#ifndef COMPILE_MANIFEST_H
#define COMPILE_MANIFEST_H

#include "base/error.h"

#include <apr_pools.h>
#include <apr_tables.h>
#include <stdint.h>
#include <sys/stat.h>

struct manifest_pair {
    const char *original;
    const char *hashed; /* relative to the root of the mount */
};

struct manifest {
    apr_array_header_t *pairs; /* of struct manifest_pair, every name safe to open below a root */
    char md5[33];              /* of the file, in hexadecimal digits */
    struct stat status;        /* of the file that was read */
    unsigned refused;          /* pairs that were left out for their names */
    const char *first_refused; /* one of them, for the diagnosis */
};

/* Reads the manifest at `path` below the directory `root`. Strings live in `pool`. Returns 0, or -1
 * with HB0020 to HB0023. */
int manifest_read(struct manifest *manifest, int root, const char *path, apr_pool_t *pool,
                  struct error *error);

/* A pair, `index` below the number of them. */
const struct manifest_pair *manifest_pair_at(const struct manifest *manifest, int index);

/* The same manifest with its pairs in another pool. */
struct manifest manifest_copy(const struct manifest *manifest, apr_pool_t *pool);

#endif

/* From settings, manifests and trees to one catalog in memory. */
#ifndef COMPILE_COMPILE_H
#define COMPILE_COMPILE_H

#include "base/error.h"
#include "compile/settings.h"
#include "compile/watch.h"

#include <apr_pools.h>
#include <stdint.h>

struct compiled {
    void *block; /* a catalog of format.h; the caller frees it */
    uint64_t size;
    struct watch watch;            /* what it was made from */
    apr_array_header_t *manifests; /* of const char *: absolute paths of those that were read */
    bool broken;                   /* a manifest was there but could not be used; it was logged */
};

/* Compiles the site. A root that cannot be opened is logged and gives a mount without names; so
 * does a mount without a manifest, silently. Apart from the block everything lives in `pool`.
 * Returns 0, or -1 with HB0031 or HB0064. */
int compile_site(const struct settings *settings, struct compiled *compiled, apr_pool_t *pool,
                 struct error *error);

#endif

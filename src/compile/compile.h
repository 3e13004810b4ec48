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
    apr_array_header_t *manifests; /* of struct kept_manifest (manifests.h) */
};

/* Compiles the site. A root that cannot be opened is logged and gives a mount without names; so
 * does, silently, a mount without a manifest. A manifest that cannot be had at this moment is taken
 * from `before`, an earlier result (NULL: there is none). Apart from the block everything lives in
 * `pool`. Returns 0, or -1 with HB0031 or HB0064. */
int compile_site(const struct settings *settings, const struct compiled *before,
                 struct compiled *compiled, apr_pool_t *pool, struct error *error);

#endif

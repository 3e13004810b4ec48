/* From settings, manifests and trees to one catalog in memory. */
#ifndef COMPILE_COMPILE_H
#define COMPILE_COMPILE_H

#include "base/error.h"
#include "compile/proof.h"
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

struct compile_options {
    const struct compiled *before; /* an earlier result; NULL: none */
    const struct proofs *proofs;   /* what prepare has read; NULL: nothing was */
    bool relocatable;              /* roots are written relative to the state directory */
    const char *state; /* how that is reached from where the catalog will lie; NULL: it is there */
};

/* Compiles the site: the manifests below the roots, those that the state directory keeps, the files
 * of its pool and of the trees. A root that cannot be opened is logged and gives a mount without
 * files; so does, silently, a mount without a manifest. A manifest that cannot be had at this
 * moment is taken from `before`. Apart from the block everything lives in `pool`. Returns 0, or -1
 * with HB0031 or HB0064. */
int compile_site(const struct settings *settings, const struct compile_options *options,
                 struct compiled *compiled, apr_pool_t *pool, struct error *error);

#endif

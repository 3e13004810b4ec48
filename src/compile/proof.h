/* What prepare has found out about files by reading them: the compiler writes it into the catalog.
 */
#ifndef COMPILE_PROOF_H
#define COMPILE_PROOF_H

#include "catalog/catalog.h"

#include <apr_hash.h>
#include <apr_pools.h>

/* A variant that decodes to its source. */
struct proof_variant {
    enum coding coding;
    const char *suffix; /* ".br" */
    uint64_t size;
};

struct proof {
    enum catalog_proof finding; /* PROOF_AGREES (or its manifest is trusted), or PROOF_DIFFERS */
    unsigned char md5[16];      /* of the bytes */
    uint64_t size;              /* of the file that was read */
    unsigned variants;
    struct proof_variant variant[CODING_IDENTITY];
};

/* Proofs by where the file lies: below the pool (root NULL), or below the root of a mount. */
struct proofs {
    apr_hash_t *of;
    apr_pool_t *pool;
};

struct proofs proofs_make(apr_pool_t *pool);

/* Remembers a copy. */
void proofs_add(struct proofs *proofs, const char *root, const char *path,
                const struct proof *proof);

/* NULL: nobody has read it. `proofs` may be NULL. */
const struct proof *proofs_find(const struct proofs *proofs, const char *root, const char *path);

#endif

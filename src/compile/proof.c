#include "compile/proof.h"

#include <apr_strings.h>

struct proofs proofs_make(apr_pool_t *pool)
{
    return (struct proofs){.of = apr_hash_make(pool), .pool = pool};
}

/* No path ends with a slash, so a root and a path are never another root and path. */
static const char *key_of(apr_pool_t *pool, const char *root, const char *path)
{
    return apr_pstrcat(pool, root ? root : "", "//", path, NULL);
}

void proofs_add(struct proofs *proofs, const char *root, const char *path,
                const struct proof *proof)
{
    apr_hash_set(proofs->of, key_of(proofs->pool, root, path), APR_HASH_KEY_STRING,
                 apr_pmemdup(proofs->pool, proof, sizeof *proof));
}

const struct proof *proofs_find(const struct proofs *proofs, const char *root, const char *path)
{
    return proofs ? apr_hash_get(proofs->of, key_of(proofs->pool, root, path), APR_HASH_KEY_STRING)
                  : NULL;
}

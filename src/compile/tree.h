/* The names below a mount's root, read once, so that looking for a file or a sibling costs nothing.
 */
#ifndef COMPILE_TREE_H
#define COMPILE_TREE_H

#include "compile/watch.h"

#include <apr_hash.h>
#include <apr_pools.h>
#include <stdbool.h>

enum {
    TREE_WHOLE = 64
}; /* deeper than any tree that collectstatic fills */

struct tree {
    apr_hash_t *names;         /* relative path of everything that is no directory */
    apr_array_header_t *below; /* of const char *: directories that were not read */
    bool siblings;             /* a name ends as compressed copies do */
    apr_pool_t *pool;
};

/* A table of paths, which hashes them faster than one of APR's own. */
apr_hash_t *tree_make_table(apr_pool_t *pool);

/* No names at all. */
struct tree tree_make(apr_pool_t *pool);

/* Reads the directory `root`, known by the absolute path `path`, down to `depth` levels below it.
 * What begins with a dot is left out, as is what cannot be opened (logged as HB0013). Every
 * directory that was read is added to `watch`. */
struct tree tree_read(int root, const char *path, int depth, struct watch *watch, apr_pool_t *pool);

/* Reads what the depth had left out, down to the ground. */
void tree_read_rest(struct tree *tree, int root, const char *path, struct watch *watch);

bool tree_has(const struct tree *tree, const char *name);

#endif

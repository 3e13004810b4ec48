/* Which releases are kept and which of them was published last: decided from what was kept before
 * and what was found now, and nothing else. */
#ifndef PREPARE_RELEASES_H
#define PREPARE_RELEASES_H

#include "compile/kept.h"

#include <apr_pools.h>
#include <apr_tables.h>
#include <time.h>

/* A manifest that lies below a root. */
struct releases_found {
    const char *path; /* below the root */
    const char *md5;  /* 32 hexadecimal digits */
    struct timespec modified;
};

/* A root that was looked at. */
struct releases_root {
    const char *url;           /* of its mount */
    const char *path;          /* absolute, links resolved */
    const char *wanted;        /* RELEASE_ID; NULL: not set */
    apr_array_header_t *found; /* of struct releases_found */
    apr_array_header_t *held;  /* of const char *: manifests that cannot be had at this moment, and
                                  whose releases stay published here */
};

/* The releases that are kept after a look at one root: those of `before` and those found, one for
 * each id; the numbers say in which order they were published. `before` is left as it is. Returns
 * an array of struct kept_release in the order of its numbers. */
apr_array_header_t *releases_update(const apr_array_header_t *before,
                                    const struct releases_root *root, apr_pool_t *pool);

/* Whether two lists say the same. */
bool releases_equal(const apr_array_header_t *a, const apr_array_header_t *b);

#endif

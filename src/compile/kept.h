/* What the state directory keeps of each release: its manifest and where it was published.
 * `releases.json` holds the list, manifests/MD5.json the manifests. */
#ifndef COMPILE_KEPT_H
#define COMPILE_KEPT_H

#include "base/error.h"

#include <apr_pools.h>
#include <apr_tables.h>
#include <stdbool.h>
#include <stdint.h>

struct kept_release {
    const char *url;           /* of its mount */
    const char *id;            /* one of them for each URL */
    const char *manifest;      /* its path below the root in which it was found */
    const char *md5;           /* of its bytes, 32 hexadecimal digits */
    int64_t published;         /* 1, 2, 3 …: the highest was published last */
    apr_array_header_t *roots; /* of const char *: absolute; where prepare saw it last */
};

/* Reads releases.json below the open directory `state`, whose absolute path is `path`; links in
 * that path are resolved before anything is relative to it. A missing file is an empty list.
 * Everything lives in `pool`. Returns 0, or -1 with HB0085; then the list is empty. */
int kept_read(apr_array_header_t **releases, int state, const char *path, apr_pool_t *pool,
              struct error *error);

/* Writes it, with roots relative to the state directory, by atomic replacement; whoever may read
 * that directory may read it. The same list gives the same bytes. Returns 0, or -1 with HB0084. */
int kept_write(const apr_array_header_t *releases, int state, const char *path, apr_pool_t *pool,
               struct error *error);

const struct kept_release *kept_at(const apr_array_header_t *releases, int index);

/* Whether a name can stand in the list: it is UTF-8, and holds no control byte. */
bool kept_can_hold(const char *text);

/* A directory without the links by which somebody came to it, as roots are kept; itself when it is
 * not there. */
const char *kept_real_path(const char *path, apr_pool_t *pool);

/* "manifests/MD5.json": where the manifest of a release is kept, below the state directory. */
const char *kept_manifest_path(const char *md5, apr_pool_t *pool);

#endif

/* The manifests of a mount: found by its globs, read, and remembered while one cannot be had. */
#ifndef COMPILE_MANIFESTS_H
#define COMPILE_MANIFESTS_H

#include "compile/manifest.h"
#include "compile/settings.h"
#include "compile/tree.h"
#include "compile/watch.h"

#include <time.h>

/* Seconds for which a manifest that is gone still counts: collectstatic deletes it before it writes
 * the new one. */
enum {
    MANIFESTS_PATIENCE = 60
};

struct kept_manifest {
    const char *root; /* of its mount */
    const char *path; /* below the root */
    struct manifest manifest;
    time_t gone_since; /* 0: it is there */
};

/* Reads the manifests below the open directory `root` of a mount, in the order of their names, and
 * adds what was looked at to `watch`; *top becomes the names down to where manifests may lie. One
 * that cannot be used is logged and taken from `before` (what an earlier call gave; NULL: nothing)
 * as it was then; so is one that is gone, for MANIFESTS_PATIENCE and as long as its directory is
 * there. Returns an array of struct kept_manifest; all of it lives in `pool`. */
apr_array_header_t *manifests_read(int root, const struct settings_mount *mount,
                                   const apr_array_header_t *before, struct watch *watch,
                                   struct tree *top, apr_pool_t *pool);

/* Whether a path below the root is one of the mount's manifests by its name. */
bool manifests_match(const struct settings_mount *mount, const char *path, apr_pool_t *pool);

/* An element of the array. */
const struct kept_manifest *manifests_at(const apr_array_header_t *manifests, int index);

#endif

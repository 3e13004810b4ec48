#include "compile/manifests.h"

#include "base/log.h"
#include "compile/tree.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

bool manifests_match(const struct settings_mount *mount, const char *path, apr_pool_t *pool)
{
    for (struct slice rest = slice_of(mount->manifests); rest.at;) {
        struct slice glob = slice_cut(&rest, ':');
        if (fnmatch(apr_pstrmemdup(pool, glob.at, glob.len), path, FNM_PATHNAME | FNM_PERIOD) ==
            0) {
            return true;
        }
    }
    return false;
}

static int glob_depth(const char *globs)
{
    int depth = 0, deepest = 0;
    for (; *globs; globs++) {
        depth = *globs == ':' ? 0 : depth + (*globs == '/');
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest;
}

static const struct kept_manifest *find_kept(const apr_array_header_t *manifests, const char *root,
                                             const char *path)
{
    for (int i = 0; manifests && i < manifests->nelts; i++) {
        const struct kept_manifest *kept = manifests_at(manifests, i);
        if (strcmp(kept->path, path) == 0 && strcmp(kept->root, root) == 0) {
            return kept;
        }
    }
    return NULL;
}

static void log_refused(const char *path, const struct manifest *manifest)
{
    struct error error;
    if (manifest->refused > 0) {
        error_set(&error, HB_MANIFEST_NAME,
                  "manifest %s: %u names left out that are hidden, too long or no paths below the "
                  "root (first: %s)",
                  path, manifest->refused, manifest->first_refused);
        log_error(&error);
    }
}

/* One that is there. False when it cannot be used and nothing is remembered of it. */
static bool read_one(int root, struct kept_manifest *one, const struct kept_manifest *before,
                     struct watch *watch, apr_pool_t *pool)
{
    struct error error;
    int result = manifest_read(&one->manifest, root, one->path, pool, &error);
    watch_add(watch, apr_pstrcat(pool, one->root, "/", one->path, NULL), &one->manifest.status);
    if (result == 0) {
        log_refused(one->path, &one->manifest);
        return true;
    }
    log_error(&error);
    if (!before) {
        return false;
    }
    one->manifest = manifest_copy(&before->manifest, pool);
    return true;
}

/* One that was there before. False when it no longer counts. */
static bool keep_one(int root, struct kept_manifest *one, const struct kept_manifest *before,
                     struct watch *watch, apr_pool_t *pool)
{
    const char *slash = strrchr(before->path, '/');
    const char *directory =
        slash ? apr_pstrmemdup(pool, before->path, (apr_size_t)(slash - before->path)) : ".";
    struct error error;
    one->gone_since = before->gone_since ? before->gone_since : time(NULL);
    if (faccessat(root, directory, F_OK, 0) != 0) {
        return false;
    }
    if (time(NULL) - one->gone_since >= MANIFESTS_PATIENCE) {
        error_set(&error, HB_MANIFEST_GONE,
                  "manifest %s has been gone for %d seconds: its names are looked up live",
                  before->path, MANIFESTS_PATIENCE);
        log_error(&error);
        return false;
    }
    watch_expire(watch, one->gone_since + MANIFESTS_PATIENCE);
    one->manifest = manifest_copy(&before->manifest, pool);
    return true;
}

static int compare_paths(const void *left, const void *right)
{
    const struct kept_manifest *a = left, *b = right;
    return strcmp(a->path, b->path);
}

apr_array_header_t *manifests_read(int root, const struct settings_mount *mount,
                                   const apr_array_header_t *before, struct watch *watch,
                                   struct tree *top, apr_pool_t *pool)
{
    apr_array_header_t *found = apr_array_make(pool, 4, sizeof(struct kept_manifest));
    *top = tree_read(root, mount->root, glob_depth(mount->manifests), watch, pool);
    for (apr_hash_index_t *at = apr_hash_first(pool, top->names); at; at = apr_hash_next(at)) {
        struct kept_manifest one = {.root = apr_pstrdup(pool, mount->root),
                                    .path = apr_hash_this_key(at)};
        if (manifests_match(mount, one.path, pool) &&
            read_one(root, &one, find_kept(before, mount->root, one.path), watch, pool)) {
            *(struct kept_manifest *)apr_array_push(found) = one;
        }
    }
    for (int i = 0; before && i < before->nelts; i++) {
        const struct kept_manifest *old = manifests_at(before, i);
        struct kept_manifest one = {.root = apr_pstrdup(pool, old->root),
                                    .path = apr_pstrdup(pool, old->path)};
        if (strcmp(old->root, mount->root) == 0 && manifests_match(mount, one.path, pool) &&
            !tree_has(top, one.path) && keep_one(root, &one, old, watch, pool)) {
            *(struct kept_manifest *)apr_array_push(found) = one;
        }
    }
    qsort(found->elts, (size_t)found->nelts, sizeof(struct kept_manifest), compare_paths);
    return found;
}

const struct kept_manifest *manifests_at(const apr_array_header_t *manifests, int index)
{
    return &((const struct kept_manifest *)(const void *)manifests->elts)[index];
}

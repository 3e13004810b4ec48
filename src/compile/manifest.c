#include "compile/manifest.h"

#include "base/beneath.h"
#include "base/file.h"
#include "base/md5.h"
#include "catalog/format.h"
#include "http/path.h"

#include <apr_strings.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Room for two million names; more than that is not a manifest. */
enum {
    MANIFEST_LIMIT = 256 << 20
};

static int shape_fault(const char *path, const char *what, struct error *error)
{
    return error_set(error, HB_MANIFEST_SHAPE, "manifest %s: %s: run collectstatic again", path,
                     what);
}

/* A pair whose names could lead anywhere but below the root is left out and counted. */
static void read_pair(struct manifest *manifest, const char *key, size_t key_len, json_t *value,
                      apr_pool_t *pool)
{
    struct slice original = {key, key_len};
    struct slice hashed = {json_string_value(value), json_string_length(value)};
    if (!hashed.at || !path_is_plain(original) || !path_is_plain(hashed) ||
        path_is_hidden(hashed) || original.len > FORMAT_NAME_MAX || hashed.len > FORMAT_NAME_MAX) {
        if (manifest->refused++ == 0) {
            manifest->first_refused = apr_pstrmemdup(pool, key, key_len);
        }
        return;
    }
    *(struct manifest_pair *)apr_array_push(manifest->pairs) =
        (struct manifest_pair){.original = apr_pstrmemdup(pool, original.at, original.len),
                               .hashed = apr_pstrmemdup(pool, hashed.at, hashed.len)};
}

static int read_object(struct manifest *manifest, json_t *object, const char *path,
                       apr_pool_t *pool, struct error *error)
{
    const char *version = json_string_value(json_object_get(object, "version"));
    json_t *paths = json_object_get(object, "paths");
    if (!json_is_object(object) || !version || !json_is_object(paths)) {
        return shape_fault(path, "is not an object with \"version\" and \"paths\"", error);
    }
    if (strcmp(version, "1.0") != 0 && strcmp(version, "1.1") != 0) {
        return error_set(error, HB_MANIFEST_VERSION,
                         "manifest %s: version \"%s\" is not known (1.0 and 1.1 are)", path,
                         version);
    }
    manifest->pairs =
        apr_array_make(pool, (int)json_object_size(paths) + 1, sizeof(struct manifest_pair));
    for (void *at = json_object_iter(paths); at; at = json_object_iter_next(paths, at)) {
        read_pair(manifest, json_object_iter_key(at), json_object_iter_key_len(at),
                  json_object_iter_value(at), pool);
    }
    return 0;
}

static int parse(struct manifest *manifest, const char *bytes, size_t length, const char *path,
                 apr_pool_t *pool, struct error *error)
{
    json_error_t fault;
    struct md5 md5;
    md5_begin(&md5);
    md5_add(&md5, bytes, length);
    md5_end(&md5, manifest->md5);
    json_t *object = json_loadb(bytes, length, JSON_ALLOW_NUL, &fault);
    if (!object) {
        return error_set(
            error, HB_MANIFEST_NOT_JSON,
            "manifest %s: line %d is not JSON (%s): it is being written, or collectstatic must "
            "run again",
            path, fault.line, fault.text);
    }
    int result = read_object(manifest, object, path, pool, error);
    json_decref(object);
    return result;
}

int manifest_read(struct manifest *manifest, int root, const char *path, apr_pool_t *pool,
                  struct error *error)
{
    char *bytes = NULL;
    size_t length;
    *manifest = (struct manifest){0};
    int fd = beneath_open(root, path);
    int cause = errno;
    if (fd < 0 && fstatat(root, path, &manifest->status, 0) != 0) {
        manifest->status = (struct stat){0};
    }
    errno = cause;
    int failed = fd < 0 || fstat(fd, &manifest->status) != 0;
    if (!failed && !S_ISREG(manifest->status.st_mode)) {
        failed = 1;
        errno = EINVAL;
    }
    failed = failed || file_read(fd, MANIFEST_LIMIT, &bytes, &length) != 0;
    cause = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (failed) {
        return error_set(error, HB_MANIFEST_UNREADABLE, "manifest %s cannot be read: %s", path,
                         strerror(cause));
    }
    int result = parse(manifest, bytes, length, path, pool, error);
    free(bytes);
    return result;
}

const struct manifest_pair *manifest_pair_at(const struct manifest *manifest, int index)
{
    return &((const struct manifest_pair *)(const void *)manifest->pairs->elts)[index];
}

struct manifest manifest_copy(const struct manifest *manifest, apr_pool_t *pool)
{
    struct manifest copy = *manifest;
    copy.pairs = apr_array_copy(pool, manifest->pairs);
    for (int i = 0; i < copy.pairs->nelts; i++) {
        struct manifest_pair *pair = &((struct manifest_pair *)(void *)copy.pairs->elts)[i];
        pair->original = apr_pstrdup(pool, pair->original);
        pair->hashed = apr_pstrdup(pool, pair->hashed);
    }
    copy.first_refused =
        manifest->first_refused ? apr_pstrdup(pool, manifest->first_refused) : NULL;
    return copy;
}

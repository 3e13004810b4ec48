#include "prepare/objects.h"

#include "catalog/hashed_name.h"
#include "http/coding.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

struct objects objects_make(apr_pool_t *pool)
{
    return (struct objects){.of = apr_hash_make(pool), .listed = apr_hash_make(pool), .pool = pool};
}

struct object *objects_find(const struct objects *objects, const char *path)
{
    return apr_hash_get(objects->of, path, APR_HASH_KEY_STRING);
}

bool objects_lists(const struct objects *objects, const char *name)
{
    return apr_hash_get(objects->listed, name, APR_HASH_KEY_STRING) != NULL;
}

/* The object of a path that carries a hash, made at its first mention; NULL: it carries none. */
static struct object *object_of(struct objects *objects, const char *path)
{
    struct object *object = objects_find(objects, path);
    if (!object && hashed_name_digits(slice_of(path)).at) {
        object = apr_pcalloc(objects->pool, sizeof *object);
        object->path = path;
        apr_hash_set(objects->of, path, APR_HASH_KEY_STRING, object);
    }
    return object;
}

void objects_add_manifest(struct objects *objects, const struct manifest *manifest, int mount,
                          bool required)
{
    for (int i = 0; i < manifest->pairs->nelts; i++) {
        const struct manifest_pair *pair = manifest_pair_at(manifest, i);
        struct object *object = object_of(objects, pair->hashed);
        apr_hash_set(objects->listed, pair->original, APR_HASH_KEY_STRING, "");
        apr_hash_set(objects->listed, pair->hashed, APR_HASH_KEY_STRING, "");
        if (!object) {
            continue;
        }
        /* A name that stands for itself was hashed by another tool, if at all. */
        bool named = strcmp(pair->original, pair->hashed) != 0;
        object->listed = object->listed || named;
        object->required = object->required || (named && required);
        object->sources |= mount >= 0 ? UINT32_C(1) << mount : 0;
    }
}

/* Whether it is a compressed copy of another name, though it may look hashed (LICENSE.H.br). */
static bool is_variant(const struct objects *objects, apr_hash_t *names, const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < CODING_SIBLINGS; i++) {
        size_t suffix = strlen(coding_siblings[i].suffix);
        if (len > suffix && strcmp(path + len - suffix, coding_siblings[i].suffix) == 0 &&
            apr_hash_get(names, path, (apr_ssize_t)(len - suffix))) {
            return !objects_lists(objects, path);
        }
    }
    return false;
}

static bool is_below(const char *path, const char *directory)
{
    size_t len = directory ? strlen(directory) : 0;
    return len > 0 && strncmp(path, directory, len) == 0 && path[len] == '/';
}

void objects_add_tree(struct objects *objects, apr_hash_t *names, int mount, const char *except)
{
    for (apr_hash_index_t *at = apr_hash_first(objects->pool, names); at; at = apr_hash_next(at)) {
        const char *path = apr_hash_this_key(at);
        struct object *object = is_below(path, except) || is_variant(objects, names, path)
                                    ? NULL
                                    : object_of(objects, path);
        if (object) {
            object->sources |= UINT32_C(1) << mount;
        }
    }
}

void objects_add_pool(struct objects *objects, apr_hash_t *names)
{
    for (apr_hash_index_t *at = apr_hash_first(objects->pool, names); at; at = apr_hash_next(at)) {
        const char *path = apr_hash_this_key(at);
        struct object *object = is_variant(objects, names, path) ? NULL : object_of(objects, path);
        if (object) {
            object->pooled = true;
        }
    }
}

static int compare_paths(const void *left, const void *right)
{
    const struct object *const *a = left, *const *b = right;
    return strcmp((*a)->path, (*b)->path);
}

apr_array_header_t *objects_sorted(const struct objects *objects)
{
    apr_array_header_t *sorted = apr_array_make(objects->pool, (int)apr_hash_count(objects->of) + 1,
                                                sizeof(struct object *));
    for (apr_hash_index_t *at = apr_hash_first(objects->pool, objects->of); at;
         at = apr_hash_next(at)) {
        *(struct object **)apr_array_push(sorted) = apr_hash_this_val(at);
    }
    qsort(sorted->elts, (size_t)sorted->nelts, (size_t)sorted->elt_size, compare_paths);
    return sorted;
}

#include "prepare/htaccess_types.h"

#include "http/media.h"
#include "prepare/htaccess_names.h"
#include "prepare/words.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* Where types are looked for. */
struct place {
    const struct htaccess_plan *plan;
    const struct work *work;
    const struct catalog *catalog;
    uint32_t mount;
};

const char *htaccess_types_of(const struct catalog *catalog, uint32_t mount, const char *name,
                              apr_pool_t *pool)
{
    struct catalog_mount policy = catalog_mount(catalog, mount);
    struct slice type = catalog_media_type(catalog, &policy, slice_of(name));
    return apr_pstrmemdup(pool, type.at, type.len);
}

static const char *type_of(const struct place *place, const char *name)
{
    return htaccess_types_of(place->catalog, place->mount, name, place->work->pool);
}

static int compare_types(const void *left, const void *right)
{
    const struct settings_type *a = left, *b = right;
    return strcmp(a->key, b->key);
}

/* At level 0 Apache answers for all that lies there. */
static void look_at_types(const struct place *place, apr_hash_t *extensions, apr_hash_t *named)
{
    apr_pool_t *pool = place->work->pool;
    apr_hash_t *names = place->work->keep.mount[place->mount].tree.names;
    for (apr_hash_index_t *at = apr_hash_first(pool, names); at; at = apr_hash_next(at)) {
        const char *name = apr_hash_this_key(at), *extension = htaccess_names_extension(name, pool);
        const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
        const char *usual =
            extension ? type_of(place, apr_pstrcat(pool, "x.", extension, NULL)) : "";
        if (extension) {
            words_put(extensions, extension);
        }
        if (strcmp(type_of(place, base), usual) != 0 && htaccess_names_is_quotable(base) &&
            extension) {
            words_put(named, base);
        }
    }
}

static void list_types(const struct place *place, apr_hash_t *words, bool whole,
                       apr_array_header_t *types)
{
    apr_pool_t *pool = place->work->pool;
    apr_array_header_t *sorted = words_sorted(words, NULL, pool);
    for (int i = 0; i < sorted->nelts; i++) {
        const char *word = APR_ARRAY_IDX(sorted, i, const char *);
        const char *name = whole ? word : apr_pstrcat(pool, "x.", word, NULL);
        const char *type = type_of(place, name);
        struct slice text = slice_of(type);
        const char *charset = place->plan->mount->charset;
        if (media_has_charset(text) && *charset) {
            type = apr_pstrcat(pool, type, "; charset=", charset, NULL);
        }
        if (htaccess_names_is_quotable(type)) {
            *(struct settings_type *)apr_array_push(types) =
                (struct settings_type){whole ? word : apr_pstrcat(pool, ".", word, NULL), type};
        }
    }
    qsort(types->elts, (size_t)types->nelts, (size_t)types->elt_size, compare_types);
}

void htaccess_types_plan(struct htaccess_plan *plan, const struct work *work, uint32_t mount,
                         const struct catalog *catalog)
{
    const struct place place = {plan, work, catalog, mount};
    apr_pool_t *pool = work->pool;
    apr_hash_t *extensions = apr_hash_make(pool), *named = apr_hash_make(pool);
    plan->types = apr_array_make(pool, 32, sizeof(struct settings_type));
    plan->named = apr_array_make(pool, 8, sizeof(struct settings_type));
    if (plan->level == 0) {
        look_at_types(&place, extensions, named);
    }
    for (int i = 0; i < plan->extensions->nelts; i++) {
        words_put(
            extensions,
            htaccess_names_extension(
                apr_pstrcat(pool, "x.", APR_ARRAY_IDX(plan->extensions, i, const char *), NULL),
                pool));
    }
    list_types(&place, extensions, false, plan->types);
    list_types(&place, named, true, plan->named);
}

#include "compile/settings_adopt.h"

#include "base/place.h"

#include <apr_strings.h>
#include <limits.h>
#include <string.h>

/* What one mount is adopted from, and into. */
struct adoption {
    const struct catalog *catalog;
    struct catalog_mount from;
    struct settings_mount *to; /* what was given stays */
    const char *state;
    apr_pool_t *pool;
};

static const char *string_of(const struct adoption *adoption, struct slice text)
{
    return apr_pstrmemdup(adoption->pool, text.at ? text.at : "", text.len);
}

static bool is_given(const struct adoption *adoption, const char *key)
{
    return settings_gave(adoption->to->given, key);
}

static void adopt_string(const struct adoption *adoption, const char *key, struct slice from,
                         const char **to)
{
    if (!is_given(adoption, key)) {
        *to = string_of(adoption, from);
    }
}

static bool adopt_root(const struct adoption *adoption)
{
    char root[PATH_MAX];
    if (is_given(adoption, "root")) {
        return true;
    }
    if (!place_resolve(slice_of(string_of(adoption, adoption->from.root)), adoption->state, root,
                       sizeof root)) {
        return false;
    }
    adoption->to->root = apr_pstrdup(adoption->pool, root);
    return true;
}

static void adopt_types(const struct adoption *adoption)
{
    bool own = adoption->to->types->nelts > 0;
    for (uint32_t i = 0; !own && i < adoption->from.types; i++) {
        struct slice key, type;
        catalog_own_type(adoption->catalog, &adoption->from, i, &key, &type);
        APR_ARRAY_PUSH(adoption->to->types, struct settings_type) =
            (struct settings_type){string_of(adoption, key), string_of(adoption, type)};
    }
}

static void adopt_fields(const struct adoption *adoption)
{
    bool own = adoption->to->fields->nelts > 0;
    struct catalog_field field;
    for (uint32_t i = 0; !own && i < adoption->from.fields; i++) {
        if (catalog_field(adoption->catalog, &adoption->from, i, &field)) {
            APR_ARRAY_PUSH(adoption->to->fields, struct settings_field) = (struct settings_field){
                .glob = string_of(adoption, field.glob),
                .name = string_of(adoption, field.name),
                .value = field.removed ? NULL : string_of(adoption, field.value)};
        }
    }
}

static bool adopt_mount(const struct adoption *adoption)
{
    const struct catalog_mount *from = &adoption->from;
    struct settings_mount *to = adoption->to;
    adopt_string(adoption, "url", from->url, &to->url);
    adopt_string(adoption, "charset", from->charset, &to->charset);
    adopt_string(adoption, "manifests", from->manifests, &to->manifests);
    adopt_string(adoption, "immutable", from->immutable, &to->immutable);
    adopt_string(adoption, "follow", from->follow, &to->follow);
    adopt_string(adoption, "index_file", from->index_file, &to->index_file);
    adopt_string(adoption, "delivery_url", from->delivery_url, &to->delivery_url);
    adopt_string(adoption, "delivery_root", from->delivery_root, &to->delivery_root);
    adopt_string(adoption, "dirs", from->dirs, &to->dirs);
    if (!is_given(adoption, "max_age")) {
        to->max_age_sent = from->max_age_sent;
        to->max_age = from->max_age;
    }
    if (!is_given(adoption, "allow_all_origins")) {
        to->allow_all_origins = from->allow_all_origins;
    }
    adopt_types(adoption);
    adopt_fields(adoption);
    return adopt_root(adoption);
}

/* Whether the names of the catalog are those that these settings would find. */
static const char *find_difference(const struct adoption *adoption)
{
    const struct settings_mount *mount = adoption->to;
    if (!slice_equal(adoption->from.manifests, slice_of(mount->manifests))) {
        return "manifests";
    }
    bool same = (uint32_t)mount->types->nelts == adoption->from.types;
    for (uint32_t i = 0; same && i < adoption->from.types; i++) {
        const struct settings_type *own = &APR_ARRAY_IDX(mount->types, i, struct settings_type);
        struct slice key, type;
        catalog_own_type(adoption->catalog, &adoption->from, i, &key, &type);
        same = slice_equal(key, slice_of(own->key)) && slice_equal(type, slice_of(own->type));
    }
    return same ? NULL : "mimetypes";
}

/* The mount of the settings that is meant: the one with the URL, else one of the kind whose URL was
 * not given. */
static const struct settings_mount *find_mount(const struct settings *settings,
                                               const struct catalog_mount *wanted, uint32_t *taken)
{
    for (int loose = 0; loose < 2; loose++) {
        for (uint32_t i = 0; i < settings->mounts; i++) {
            const struct settings_mount *mount = &settings->mount[i];
            bool fits = loose ? !settings_gave(mount->given, "url")
                              : slice_equal(wanted->url, slice_of(mount->url));
            if (fits && mount->kind == wanted->kind && !(*taken & UINT32_C(1) << i)) {
                *taken |= UINT32_C(1) << i;
                return mount;
            }
        }
    }
    return NULL;
}

static int refuse(struct error *error, const char *url, const char *what)
{
    return error_set(error, HB_CATALOG_OTHER,
                     "%s: the catalog was made with another %s: it is set aside until prepare "
                     "makes it with these settings",
                     url, what);
}

/* Mounts that the catalog does not have: uploads and the top of the site need no names of it. */
static int add_live_mounts(struct settings *effective, const struct settings *settings,
                           uint32_t taken, struct error *error)
{
    for (uint32_t i = 0; i < settings->mounts; i++) {
        const struct settings_mount *mount = &settings->mount[i];
        if (taken & UINT32_C(1) << i) {
            continue;
        }
        if (mount->kind == MOUNT_STATIC || effective->mounts == CATALOG_MOUNTS_MAX) {
            return error_set(error, HB_CATALOG_OTHER,
                             "%s: the catalog was made without this mount: it is set aside until "
                             "prepare makes it with these settings",
                             mount->url);
        }
        effective->mount[effective->mounts++] = *mount;
    }
    return 0;
}

static int adopt_mounts(struct settings *effective, const struct settings *settings,
                        struct adoption *adoption, struct error *error)
{
    uint32_t taken = 0;
    effective->mounts = catalog_mounts(adoption->catalog);
    for (uint32_t i = 0; i < effective->mounts; i++) {
        adoption->from = catalog_mount(adoption->catalog, i);
        adoption->to = &effective->mount[i];
        const struct settings_mount *given = find_mount(settings, &adoption->from, &taken);
        *adoption->to = settings_default_mount(adoption->from.kind, adoption->pool);
        if (given) {
            *adoption->to = *given;
            adoption->to->types = apr_array_copy(adoption->pool, given->types);
            adoption->to->fields = apr_array_copy(adoption->pool, given->fields);
        }
        const char *fault = adopt_mount(adoption) ? find_difference(adoption) : "root";
        if (fault) {
            return refuse(error, adoption->to->url, fault);
        }
    }
    return add_live_mounts(effective, settings, taken, error);
}

int settings_adopt(struct settings *effective, const struct settings *settings,
                   const struct catalog *catalog, const char *state, apr_pool_t *pool,
                   struct error *error)
{
    struct adoption adoption = {.catalog = catalog, .state = state, .pool = pool};
    struct catalog_site site = catalog_site(catalog);
    *effective = *settings;
    if (!settings_gave(settings->given, "delivery")) {
        effective->delivery = site.delivery;
    }
    if (!settings_gave(settings->given, "coding_header")) {
        effective->coding_header = string_of(&adoption, site.coding_header);
    }
    return adopt_mounts(effective, settings, &adoption, error);
}

#include "prepare/htaccess_plan.h"

#include "base/beneath.h"
#include "base/md5.h"
#include "catalog/glob.h"
#include "catalog/hashed_name.h"
#include "prepare/htaccess_names.h"
#include "prepare/htaccess_types.h"
#include "prepare/words.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* One survey of a tree. */
struct survey {
    struct htaccess_plan *plan;
    struct work *work;
    uint32_t mount;
    const struct catalog *catalog;
    apr_hash_t *extensions; /* const char * by itself */
    apr_hash_t *inner;
    apr_hash_t *lost;           /* extensions that are given up */
    apr_array_header_t *unlike; /* of const char *: names that Apache must not answer */
};

static const char *type_of(const struct survey *survey, const char *name)
{
    return htaccess_types_of(survey->catalog, survey->mount, name, survey->work->pool);
}

static bool is_universal(const char *glob)
{
    return strcmp(glob, "*") == 0;
}

/* Whether a field of the mount's own is sent with it, and not with every other file too. */
static bool has_own_field(const struct survey *survey, const char *name)
{
    const apr_array_header_t *fields = survey->plan->mount->fields;
    for (int i = 0; i < fields->nelts; i++) {
        const char *glob = APR_ARRAY_IDX(fields, i, struct settings_field).glob;
        if (!is_universal(glob) && glob_matches(slice_of(glob), slice_of(name))) {
            return true;
        }
    }
    return false;
}

/* ---- what lies in the tree, where it is sent from there ---- */

/* Whether the bytes below the root are those that were proven, perhaps in the pool. */
static bool is_proven_in_tree(const struct survey *survey, const struct object *object)
{
    int root = survey->work->keep.mount[survey->mount].root;
    struct stat status;
    char md5[MD5_HEX + 1];
    if (fstatat(root, object->path, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode) || (uint64_t)status.st_size != object->proof.size) {
        return false;
    }
    if (object->place == (int)survey->mount) {
        return true;
    }
    int fd = beneath_open(root, object->path);
    bool same = fd >= 0 && md5_file(fd, md5) == 0 && strcmp(md5, object->md5) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return same;
}

/* A sibling that Apache would send: a proven one, and the very file. */
static bool has_strange_sibling(const struct survey *survey, const struct object *object)
{
    const struct keep_mount *place = &survey->work->keep.mount[survey->mount];
    for (size_t i = 0; i < CODING_SIBLINGS; i++) {
        const char *suffix = coding_siblings[i].suffix;
        const char *name = apr_pstrcat(survey->work->pool, object->path, suffix, NULL);
        struct stat status;
        bool known = !tree_has(&place->tree, name);
        for (unsigned v = 0; v < object->proof.variants && !known; v++) {
            const struct proof_variant *variant = &object->proof.variant[v];
            known = strcmp(variant->suffix, suffix) == 0 &&
                    fstatat(place->root, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                    S_ISREG(status.st_mode) && (uint64_t)status.st_size == variant->size;
        }
        if (!known) {
            return true;
        }
    }
    return false;
}

/* ---- one name ---- */

static bool has_variant(const struct object *object, const char *suffix)
{
    for (unsigned i = 0; i < object->proof.variants; i++) {
        if (strcmp(object->proof.variant[i].suffix, suffix) == 0) {
            return true;
        }
    }
    return false;
}

/* With a variant that the rules cannot send there must be one that they can: else they would not
 * know that the answer varies. */
static bool has_known_variant(const struct object *object)
{
    return object->proof.variants == 0 || has_variant(object, ".br") || has_variant(object, ".gz");
}

/* Whether what is found under the name is immutable. A dry run has put nothing into the pool that
 * would be found there. */
static bool is_promised(const struct survey *survey, const struct object *object)
{
    struct catalog_entry entry;
    struct slice name = slice_of(object->path);
    bool found = catalog_find(survey->catalog, survey->mount, name, &entry) == CATALOG_FOUND &&
                 entry.hashed && entry.proof == PROOF_AGREES &&
                 slice_equal(entry.hash, hashed_name_digits(name));
    return object->finding == OBJECT_PROVEN &&
           (found || (survey->work->dry && object->sources & UINT32_C(1) << survey->mount));
}

/* Whether Apache, following the rules, would answer as the program does. */
static bool is_simple(const struct survey *survey, const struct object *object,
                      const struct htaccess_names_parts *parts)
{
    const struct work *work = survey->work;
    const char *usual = apr_pstrcat(work->pool, "x.", parts->extension, NULL);
    if (!is_promised(survey, object) || htaccess_names_is_taken(parts->extension) ||
        strcmp(type_of(survey, object->path), type_of(survey, usual)) != 0 ||
        has_own_field(survey, object->path) || !has_known_variant(object)) {
        return false;
    }
    for (int i = 0; i < parts->inner->nelts; i++) {
        if (htaccess_names_is_taken(APR_ARRAY_IDX(parts->inner, i, const char *))) {
            return false;
        }
    }
    if (survey->plan->pooled) {
        return object->place == OBJECT_IN_POOL;
    }
    return is_proven_in_tree(survey, object) && !has_strange_sibling(survey, object);
}

static void look_at_object(struct survey *survey, const struct object *object)
{
    struct htaccess_plan *plan = survey->plan;
    struct htaccess_names_parts parts;
    if (!htaccess_names_take(object->path, &parts, survey->work->pool)) {
        return;
    }
    if (!is_simple(survey, object, &parts)) {
        /* The rules send what the pool has, and nothing else under these names. */
        if (!plan->pooled || object->pooled || object->place == OBJECT_IN_POOL) {
            APR_ARRAY_PUSH(survey->unlike, const char *) = object->path;
        }
        return;
    }
    for (int i = 0; i < parts.inner->nelts; i++) {
        const char *word = APR_ARRAY_IDX(parts.inner, i, const char *);
        if (!words_has(survey->inner, word) &&
            apr_hash_count(survey->inner) >= HTACCESS_INNER_MAX) {
            return; /* the rules do not match it: it is the program's */
        }
        words_put(survey->inner, word);
    }
    words_put(survey->extensions, parts.extension);
    plan->br = plan->br || has_variant(object, ".br");
    plan->gzip = plan->gzip || has_variant(object, ".gz");
}

/* ---- exceptions ---- */

/* Whether the rules would match it. */
static bool is_matched(const struct survey *survey, const struct htaccess_names_parts *parts)
{
    for (int i = 0; i < parts->inner->nelts; i++) {
        if (!words_has(survey->inner, APR_ARRAY_IDX(parts->inner, i, const char *))) {
            return false;
        }
    }
    return words_has(survey->extensions, parts->extension) &&
           !words_has(survey->lost, parts->extension);
}

/* The exceptions of an extension; all of them when it is NULL. */
static int count_exceptions(const struct survey *survey, const char *extension,
                            apr_array_header_t *into)
{
    int count = 0;
    for (int i = 0; i < survey->unlike->nelts; i++) {
        struct htaccess_names_parts parts;
        const char *name = APR_ARRAY_IDX(survey->unlike, i, const char *);
        if (htaccess_names_take(name, &parts, survey->work->pool) && is_matched(survey, &parts) &&
            (!extension || strcmp(extension, parts.extension) == 0)) {
            count++;
            if (into) {
                APR_ARRAY_PUSH(into, const char *) = name;
            }
        }
    }
    return count;
}

/* Gives up the extensions with the most exceptions until few enough are left. */
static void bound_exceptions(struct survey *survey)
{
    struct htaccess_plan *plan = survey->plan;
    apr_array_header_t *all = words_sorted(survey->extensions, NULL, survey->work->pool);
    while (count_exceptions(survey, NULL, NULL) > HTACCESS_EXCEPTIONS_MAX) {
        const char *worst = NULL;
        int most = 0;
        for (int i = 0; i < all->nelts; i++) {
            int count = count_exceptions(survey, APR_ARRAY_IDX(all, i, const char *), NULL);
            if (count > most) {
                most = count;
                worst = APR_ARRAY_IDX(all, i, const char *);
            }
        }
        words_put(survey->lost, worst);
        plan->first_lost = plan->first_lost ? plan->first_lost : worst;
    }
    plan->exceptions = apr_array_make(survey->work->pool, 8, sizeof(const char *));
    count_exceptions(survey, NULL, plan->exceptions);
    plan->extensions = words_sorted(survey->extensions, survey->lost, survey->work->pool);
    plan->inner = words_sorted(survey->inner, NULL, survey->work->pool);
}

/* ---- fields of the mount's own ---- */

static bool is_last_segment(const char *glob)
{
    return !strchr(glob, '/') && !strpbrk(glob, "\"\\<>");
}

static void plan_fields(struct survey *survey)
{
    const apr_array_header_t *all = survey->plan->mount->fields;
    survey->plan->fields =
        apr_array_make(survey->work->pool, all->nelts + 1, sizeof(struct settings_field));
    for (int i = 0; i < all->nelts; i++) {
        const struct settings_field *field = &APR_ARRAY_IDX(all, i, struct settings_field);
        if (is_universal(field->glob) ||
            (survey->plan->level == 0 && is_last_segment(field->glob))) {
            *(struct settings_field *)apr_array_push(survey->plan->fields) = *field;
        }
    }
}

/* Links in the tree that lead to where the settings do not allow; to a directory inside it they
 * may.
 */
static void plan_links(struct survey *survey)
{
    struct htaccess_plan *plan = survey->plan;
    const struct keep_mount *place = &survey->work->keep.mount[survey->mount];
    struct stat status;
    apr_hash_t *leaving = apr_hash_make(survey->work->pool);
    apr_hash_t *names = plan->level == 0 ? place->tree.names : apr_hash_make(survey->work->pool);
    for (apr_hash_index_t *i = apr_hash_first(survey->work->pool, names); i; i = apr_hash_next(i)) {
        const char *name = apr_hash_this_key(i);
        if (fstatat(place->root, name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISLNK(status.st_mode)) {
            continue;
        }
        int fd = beneath_open_following(place->root, name, slice_of(plan->mount->follow));
        if (fd >= 0) {
            close(fd);
        } else if (errno == EXDEV) {
            words_put(leaving, name);
            plan->links_closed = plan->links_closed || !htaccess_names_is_quotable(name);
        }
    }
    plan->leaving = words_sorted(leaving, NULL, survey->work->pool);
    plan->links_closed = plan->links_closed || plan->leaving->nelts > HTACCESS_EXCEPTIONS_MAX;
}

/* The path of the state directory below the root, where the rules can name it. */
static const char *state_below(struct work *work, uint32_t mount)
{
    const char *below = work_state_below(work, mount);
    return below && below[0] == '.' && below[strspn(below, HTACCESS_NAMES_LETTERS "./")] == '\0'
               ? below
               : NULL;
}

void htaccess_plan_make(struct htaccess_plan *plan, struct work *work, uint32_t mount,
                        const struct catalog *catalog)
{
    struct survey survey = {.plan = plan,
                            .work = work,
                            .mount = mount,
                            .catalog = catalog,
                            .extensions = apr_hash_make(work->pool),
                            .inner = apr_hash_make(work->pool),
                            .lost = apr_hash_make(work->pool),
                            .unlike = apr_array_make(work->pool, 8, sizeof(const char *))};
    plan->mount = &work->settings->mount[mount];
    plan->state = state_below(work, mount);
    plan->pooled = plan->state && !work->keep.in_place;
    for (int i = 0; i < work->sorted->nelts; i++) {
        look_at_object(&survey, work_object(work, i));
    }
    bound_exceptions(&survey);
    htaccess_types_plan(plan, work, mount, catalog);
    plan_fields(&survey);
    plan_links(&survey);
}

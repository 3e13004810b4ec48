#include "prepare/htaccess_plan.h"

#include "base/beneath.h"
#include "base/md5.h"
#include "catalog/glob.h"
#include "catalog/hashed_name.h"
#include "http/media.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

/* One survey of a tree. */
struct survey {
    struct htaccess_plan *plan;
    struct work *work;
    uint32_t mount;
    const struct catalog *catalog;
    struct catalog_mount policy;
    apr_hash_t *extensions; /* const char * by itself */
    apr_hash_t *inner;
    apr_hash_t *lost;           /* extensions that are given up */
    apr_array_header_t *unlike; /* of const char *: names that Apache must not answer */
};

/* What a handler or a filter of some host runs or reads, or what is a coding of its own. */
static bool is_taken(const char *extension)
{
    static const char *const taken[] = {"br",   "gz",   "zst",   "zstd",  "z",       "tgz",  "bz2",
                                        "php",  "php3", "php4",  "php5",  "php7",    "php8", "phps",
                                        "pht",  "phar", "phtml", "shtml", "cgi",     "fcgi", "pl",
                                        "py",   "pyc",  "rb",    "asp",   "aspx",    "jsp",  "lua",
                                        "wsgi", "var",  "asis",  "sh",    "htaccess"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (slice_equal_nocase(slice_of(extension), taken[i])) {
            return true;
        }
    }
    return false;
}

/* A name as the rules read it: directories, then base[.inner…].hash.extension. */
struct parts {
    apr_array_header_t *inner; /* of const char * */
    const char *extension;
};

static bool is_word(const char *text)
{
    return *text && text[strspn(text, LETTERS)] == '\0';
}

static bool take_last_segment(const char *name, struct parts *parts, apr_pool_t *pool)
{
    apr_array_header_t *words = apr_array_make(pool, 8, sizeof(const char *));
    char *rest = apr_pstrdup(pool, name), *word;
    while ((word = strsep(&rest, "."))) {
        if (!is_word(word)) {
            return false;
        }
        APR_ARRAY_PUSH(words, const char *) = word;
    }
    if (words->nelts < 3) {
        return false;
    }
    parts->extension = APR_ARRAY_IDX(words, words->nelts - 1, const char *);
    parts->inner = apr_array_make(pool, 4, sizeof(const char *));
    for (int i = 1; i < words->nelts - 2; i++) {
        APR_ARRAY_PUSH(parts->inner, const char *) = APR_ARRAY_IDX(words, i, const char *);
    }
    return true;
}

/* False: the rules do not match it whatever the tree. */
static bool take_parts(const char *path, struct parts *parts, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');
    struct slice digits = hashed_name_digits(slice_of(path));
    if (!digits.at || path[strspn(path, LETTERS "./")] != '\0' || path[0] == '.' ||
        strstr(path, "/.") || strstr(path, "//") || digits.at[digits.len] != '.') {
        return false;
    }
    return take_last_segment(slash ? slash + 1 : path, parts, pool);
}

static const char *type_of(const struct survey *survey, const char *name)
{
    struct slice type = catalog_media_type(survey->catalog, &survey->policy, slice_of(name));
    return apr_pstrmemdup(survey->work->pool, type.at, type.len);
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
                      const struct parts *parts)
{
    const struct work *work = survey->work;
    const char *usual = apr_pstrcat(work->pool, "x.", parts->extension, NULL);
    if (!is_promised(survey, object) || is_taken(parts->extension) ||
        strcmp(type_of(survey, object->path), type_of(survey, usual)) != 0 ||
        has_own_field(survey, object->path) || !has_known_variant(object)) {
        return false;
    }
    for (int i = 0; i < parts->inner->nelts; i++) {
        if (is_taken(APR_ARRAY_IDX(parts->inner, i, const char *))) {
            return false;
        }
    }
    if (survey->plan->pooled) {
        return object->place == OBJECT_IN_POOL;
    }
    return is_proven_in_tree(survey, object) && !has_strange_sibling(survey, object);
}

static void put(apr_hash_t *set, const char *word)
{
    apr_hash_set(set, word, APR_HASH_KEY_STRING, word);
}

static bool has(apr_hash_t *set, const char *word)
{
    return apr_hash_get(set, word, APR_HASH_KEY_STRING) != NULL;
}

static void look_at_object(struct survey *survey, const struct object *object)
{
    struct htaccess_plan *plan = survey->plan;
    struct parts parts;
    if (!take_parts(object->path, &parts, survey->work->pool)) {
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
        if (!has(survey->inner, word) && apr_hash_count(survey->inner) >= HTACCESS_INNER_MAX) {
            return; /* the rules do not match it: it is the program's */
        }
        put(survey->inner, word);
    }
    put(survey->extensions, parts.extension);
    plan->br = plan->br || has_variant(object, ".br");
    plan->gzip = plan->gzip || has_variant(object, ".gz");
}

/* ---- exceptions ---- */

/* Whether the rules would match it. */
static bool is_matched(const struct survey *survey, const struct parts *parts)
{
    for (int i = 0; i < parts->inner->nelts; i++) {
        if (!has(survey->inner, APR_ARRAY_IDX(parts->inner, i, const char *))) {
            return false;
        }
    }
    return has(survey->extensions, parts->extension) && !has(survey->lost, parts->extension);
}

/* The exceptions of an extension; all of them when it is NULL. */
static int count_exceptions(const struct survey *survey, const char *extension,
                            apr_array_header_t *into)
{
    int count = 0;
    for (int i = 0; i < survey->unlike->nelts; i++) {
        struct parts parts;
        const char *name = APR_ARRAY_IDX(survey->unlike, i, const char *);
        if (take_parts(name, &parts, survey->work->pool) && is_matched(survey, &parts) &&
            (!extension || strcmp(extension, parts.extension) == 0)) {
            count++;
            if (into) {
                APR_ARRAY_PUSH(into, const char *) = name;
            }
        }
    }
    return count;
}

static int compare_words(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static apr_array_header_t *sorted_words(apr_hash_t *set, apr_hash_t *without, apr_pool_t *pool)
{
    apr_array_header_t *words =
        apr_array_make(pool, (int)apr_hash_count(set) + 1, sizeof(const char *));
    for (apr_hash_index_t *at = apr_hash_first(pool, set); at; at = apr_hash_next(at)) {
        const char *word = apr_hash_this_key(at);
        if (!without || !has(without, word)) {
            APR_ARRAY_PUSH(words, const char *) = word;
        }
    }
    qsort(words->elts, (size_t)words->nelts, (size_t)words->elt_size, compare_words);
    return words;
}

/* Gives up the extensions with the most exceptions until few enough are left. */
static void bound_exceptions(struct survey *survey)
{
    struct htaccess_plan *plan = survey->plan;
    apr_array_header_t *all = sorted_words(survey->extensions, NULL, survey->work->pool);
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
        put(survey->lost, worst);
        plan->first_lost = plan->first_lost ? plan->first_lost : worst;
    }
    plan->exceptions = apr_array_make(survey->work->pool, 8, sizeof(const char *));
    count_exceptions(survey, NULL, plan->exceptions);
    plan->extensions = sorted_words(survey->extensions, survey->lost, survey->work->pool);
    plan->inner = sorted_words(survey->inner, NULL, survey->work->pool);
}

/* ---- types ---- */

static void add_type(apr_array_header_t *types, const char *key, const char *type)
{
    *(struct settings_type *)apr_array_push(types) = (struct settings_type){key, type};
}

static int compare_types(const void *left, const void *right)
{
    const struct settings_type *a = left, *b = right;
    return strcmp(a->key, b->key);
}

/* What stands behind the last dot of the last segment, in lower case as Apache compares it; NULL:
 * none, or none that can stand in a configuration. */
static const char *extension_of(const char *name, apr_pool_t *pool)
{
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name,
               *dot = strrchr(base, '.');
    if (!dot || dot == base || !is_word(dot + 1) || hashed_name_digits(slice_of(dot)).at) {
        return NULL;
    }
    char *extension = apr_pstrdup(pool, dot + 1);
    for (char *c = extension; *c; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    return extension;
}

static bool is_quotable(const char *text)
{
    return !strpbrk(text, "\"\\*?[]%$<>{}") && !slice_has_control(slice_of(text));
}

/* At level 0 Apache answers for all that lies there. */
static void look_at_types(struct survey *survey, apr_hash_t *extensions, apr_hash_t *named)
{
    apr_pool_t *pool = survey->work->pool;
    apr_hash_t *names = survey->work->keep.mount[survey->mount].tree.names;
    for (apr_hash_index_t *at = apr_hash_first(pool, names); at; at = apr_hash_next(at)) {
        const char *name = apr_hash_this_key(at), *extension = extension_of(name, pool);
        const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
        const char *usual =
            extension ? type_of(survey, apr_pstrcat(pool, "x.", extension, NULL)) : "";
        if (extension) {
            put(extensions, extension);
        }
        if (strcmp(type_of(survey, base), usual) != 0 && is_quotable(base) && extension) {
            put(named, base);
        }
    }
}

static void list_types(const struct survey *survey, apr_hash_t *words, bool whole,
                       apr_array_header_t *types)
{
    apr_pool_t *pool = survey->work->pool;
    apr_array_header_t *sorted = sorted_words(words, NULL, pool);
    for (int i = 0; i < sorted->nelts; i++) {
        const char *word = APR_ARRAY_IDX(sorted, i, const char *);
        const char *name = whole ? word : apr_pstrcat(pool, "x.", word, NULL);
        const char *type = type_of(survey, name);
        struct slice text = slice_of(type);
        const char *charset = survey->plan->mount->charset;
        if (media_has_charset(text) && *charset) {
            type = apr_pstrcat(pool, type, "; charset=", charset, NULL);
        }
        if (is_quotable(type)) {
            add_type(types, whole ? word : apr_pstrcat(pool, ".", word, NULL), type);
        }
    }
    qsort(types->elts, (size_t)types->nelts, (size_t)types->elt_size, compare_types);
}

static void plan_types(struct survey *survey)
{
    struct htaccess_plan *plan = survey->plan;
    apr_pool_t *pool = survey->work->pool;
    apr_hash_t *extensions = apr_hash_make(pool), *named = apr_hash_make(pool);
    plan->types = apr_array_make(pool, 32, sizeof(struct settings_type));
    plan->named = apr_array_make(pool, 8, sizeof(struct settings_type));
    if (plan->level == 0) {
        look_at_types(survey, extensions, named);
    }
    for (int i = 0; i < plan->extensions->nelts; i++) {
        put(extensions,
            extension_of(
                apr_pstrcat(pool, "x.", APR_ARRAY_IDX(plan->extensions, i, const char *), NULL),
                pool));
    }
    list_types(survey, extensions, false, plan->types);
    list_types(survey, named, true, plan->named);
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

/* The path of the state directory below the root, where the rules can name it. */
static const char *state_below(struct work *work, uint32_t mount)
{
    const char *below = work_state_below(work, mount);
    return below && below[0] == '.' && below[strspn(below, LETTERS "./")] == '\0' ? below : NULL;
}

void htaccess_plan_make(struct htaccess_plan *plan, struct work *work, uint32_t mount,
                        const struct catalog *catalog)
{
    struct survey survey = {.plan = plan,
                            .work = work,
                            .mount = mount,
                            .catalog = catalog,
                            .policy = catalog_mount(catalog, mount),
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
    plan_types(&survey);
    plan_fields(&survey);
}

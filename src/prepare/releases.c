#include "prepare/releases.h"

#include "catalog/hashed_name.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* One update. */
struct update {
    apr_array_header_t *releases; /* of struct kept_release */
    const apr_array_header_t *before;
    const struct releases_root *root;
    apr_pool_t *pool;
};

static struct kept_release *release_at(const struct update *update, int index)
{
    return &((struct kept_release *)(void *)update->releases->elts)[index];
}

static const struct releases_found *found_at(const apr_array_header_t *found, int index)
{
    return &((const struct releases_found *)(const void *)found->elts)[index];
}

static const char *root_at(const struct kept_release *release, int index)
{
    return ((const char *const *)(const void *)release->roots->elts)[index];
}

static bool has_root(const struct kept_release *release, const char *root)
{
    for (int i = 0; i < release->roots->nelts; i++) {
        if (strcmp(root_at(release, i), root) == 0) {
            return true;
        }
    }
    return false;
}

/* A release of this root's URL. */
static bool is_ours(const struct update *update, const struct kept_release *release)
{
    return strcmp(release->url, update->root->url) == 0;
}

/* The release that this manifest of this root was before; NULL: it was not there. */
static const struct kept_release *find_former(const struct update *update, const char *manifest)
{
    const struct kept_release *former = NULL;
    for (int i = 0; i < update->before->nelts; i++) {
        const struct kept_release *one = kept_at(update->before, i);
        if (is_ours(update, one) && strcmp(one->manifest, manifest) == 0 &&
            has_root(one, update->root->path) && (!former || one->published > former->published)) {
            former = one;
        }
    }
    return former;
}

static struct kept_release *find_id(const struct update *update, const char *id)
{
    for (int i = 0; i < update->releases->nelts; i++) {
        struct kept_release *one = release_at(update, i);
        if (is_ours(update, one) && strcmp(one->id, id) == 0) {
            return one;
        }
    }
    return NULL;
}

/* Whether the id is that of a manifest in a directory. */
static bool is_directory(const struct releases_root *root, const char *id)
{
    size_t len = strlen(id);
    for (int i = 0; i < root->found->nelts; i++) {
        const char *path = found_at(root->found, i)->path;
        const char *end = strrchr(path, '/');
        if (end && (size_t)(end - path) >= len && strncmp(end - len, id, len) == 0 &&
            ((size_t)(end - path) == len || end[-(ptrdiff_t)len - 1] == '/')) {
            return true;
        }
    }
    return false;
}

/* The id of a manifest at the root itself. */
static const char *id_at_root(const struct update *update, const struct releases_found *found)
{
    const char *wanted = update->root->wanted;
    const struct kept_release *former = find_former(update, found->path);
    bool unchanged = former && strcmp(former->md5, found->md5) == 0;
    if (wanted && !is_directory(update->root, wanted)) {
        const struct kept_release *known = find_id(update, wanted);
        /* RELEASE_ID may also choose a release that only the state directory keeps; what lies
         * unchanged in the root does not become that one. */
        if (!known || strcmp(known->md5, found->md5) == 0 || !unchanged) {
            return wanted;
        }
    }
    return unchanged ? former->id : apr_pstrndup(update->pool, found->md5, HASHED_NAME_DIGITS);
}

static const char *id_of(const struct update *update, const struct releases_found *found)
{
    const char *slash = strrchr(found->path, '/');
    if (!slash) {
        return id_at_root(update, found);
    }
    const char *directory =
        apr_pstrmemdup(update->pool, found->path, (size_t)(slash - found->path));
    const char *last = strrchr(directory, '/');
    return last ? last + 1 : directory;
}

static int64_t last_number(const struct update *update, bool ours)
{
    int64_t last = 0;
    for (int i = 0; i < update->releases->nelts; i++) {
        const struct kept_release *one = release_at(update, i);
        if (one->published > last && (!ours || is_ours(update, one))) {
            last = one->published;
        }
    }
    return last;
}

static void publish(struct update *update, struct kept_release *release)
{
    release->published = last_number(update, false) + 1;
}

/* Its id goes to another manifest. What it promised is kept, under its md5. */
static bool rename_older(const struct update *update, struct kept_release *release)
{
    const char *id = apr_pstrndup(update->pool, release->md5, HASHED_NAME_DIGITS);
    bool free = !find_id(update, id);
    release->id = free ? id : release->id;
    return free;
}

static void take(struct update *update, const struct releases_found *found)
{
    const char *id = id_of(update, found);
    const struct kept_release *former = find_former(update, found->path);
    bool changed = former && strcmp(former->md5, found->md5) != 0;
    struct kept_release *release = find_id(update, id);
    bool replaced = release && strcmp(release->md5, found->md5) != 0;
    if (!release || (replaced && rename_older(update, release))) {
        replaced = false;
        release = apr_array_push(update->releases);
        *release = (struct kept_release){.url = update->root->url, .id = id};
    }
    if (!release->roots || replaced) {
        release->roots = apr_array_make(update->pool, 2, sizeof(const char *));
    }
    if (!release->md5 || replaced || changed) {
        publish(update, release);
    }
    release->md5 = found->md5;
    release->manifest = found->path;
    if (!has_root(release, update->root->path)) {
        *(const char **)apr_array_push(release->roots) = update->root->path;
    }
}

static bool is_held(const struct releases_root *root, const char *manifest)
{
    for (int i = 0; i < root->held->nelts; i++) {
        if (strcmp(((const char *const *)(const void *)root->held->elts)[i], manifest) == 0) {
            return true;
        }
    }
    return false;
}

/* A copy of what was kept, in which nothing lies in this root but what is held. */
static void copy_before(struct update *update)
{
    for (int i = 0; i < update->before->nelts; i++) {
        struct kept_release *copy = apr_array_push(update->releases);
        *copy = *kept_at(update->before, i);
        copy->roots = apr_array_make(update->pool, 2, sizeof(const char *));
        for (int r = 0; r < kept_at(update->before, i)->roots->nelts; r++) {
            const char *root = root_at(kept_at(update->before, i), r);
            if (!is_ours(update, copy) || strcmp(root, update->root->path) != 0 ||
                is_held(update->root, copy->manifest)) {
                *(const char **)apr_array_push(copy->roots) = root;
            }
        }
    }
}

static int compare_found(const void *left, const void *right)
{
    const struct releases_found *a = left, *b = right;
    if (a->modified.tv_sec != b->modified.tv_sec) {
        return a->modified.tv_sec < b->modified.tv_sec ? -1 : 1;
    }
    if (a->modified.tv_nsec != b->modified.tv_nsec) {
        return a->modified.tv_nsec < b->modified.tv_nsec ? -1 : 1;
    }
    return strcmp(a->path, b->path);
}

static int compare_published(const void *left, const void *right)
{
    const struct kept_release *a = left, *b = right;
    return a->published != b->published ? (a->published < b->published ? -1 : 1)
                                        : strcmp(a->id, b->id);
}

/* Two directories of one name at different depths are one release: of them the later one counts,
 * lest they replace each other with every look. */
static bool is_hidden_by_a_later_one(const struct update *update, const apr_array_header_t *found,
                                     int index)
{
    const char *id = id_of(update, found_at(found, index));
    for (int i = index + 1; i < found->nelts; i++) {
        if (strcmp(id_of(update, found_at(found, i)), id) == 0) {
            return true;
        }
    }
    return false;
}

apr_array_header_t *releases_update(const apr_array_header_t *before,
                                    const struct releases_root *root, apr_pool_t *pool)
{
    struct update update = {.releases = apr_array_make(pool, before->nelts + root->found->nelts + 1,
                                                       sizeof(struct kept_release)),
                            .before = before,
                            .root = root,
                            .pool = pool};
    apr_array_header_t *found = apr_array_copy(pool, root->found);
    qsort(found->elts, (size_t)found->nelts, (size_t)found->elt_size, compare_found);
    copy_before(&update);
    for (int i = 0; i < found->nelts; i++) {
        if (!is_hidden_by_a_later_one(&update, found, i)) {
            take(&update, found_at(found, i));
        }
    }
    struct kept_release *wanted = root->wanted ? find_id(&update, root->wanted) : NULL;
    if (wanted && wanted->published != last_number(&update, true)) {
        publish(&update, wanted);
    }
    qsort(update.releases->elts, (size_t)update.releases->nelts, (size_t)update.releases->elt_size,
          compare_published);
    return update.releases;
}

static bool roots_equal(const struct kept_release *a, const struct kept_release *b)
{
    for (int i = 0; i < a->roots->nelts; i++) {
        if (!has_root(b, root_at(a, i))) {
            return false;
        }
    }
    return a->roots->nelts == b->roots->nelts;
}

bool releases_equal(const apr_array_header_t *a, const apr_array_header_t *b)
{
    for (int i = 0; i < a->nelts && i < b->nelts; i++) {
        const struct kept_release *one = kept_at(a, i), *other = kept_at(b, i);
        if (strcmp(one->url, other->url) != 0 || strcmp(one->id, other->id) != 0 ||
            strcmp(one->manifest, other->manifest) != 0 || strcmp(one->md5, other->md5) != 0 ||
            one->published != other->published || !roots_equal(one, other)) {
            return false;
        }
    }
    return a->nelts == b->nelts;
}

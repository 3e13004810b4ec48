#include "compile/compile.h"

#include "base/file.h"
#include "base/log.h"
#include "base/place.h"
#include "catalog/format.h"
#include "catalog/hashed_name.h"
#include "compile/kept.h"
#include "compile/manifests.h"
#include "compile/tree.h"
#include "compile/writer.h"
#include "http/media.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The state directory while the site is compiled. */
struct state_work {
    const char *path; /* NULL: there is none */
    const char *real; /* the same without links */
    int fd;           /* below 0: it is not there */
    apr_array_header_t *kept;
    int pool;          /* below 0: there is no pool */
    int static_mounts; /* that share it */
    struct tree objects;
};

/* One mount while it is compiled. */
struct mount_work {
    const struct settings_mount *settings;
    const char *real; /* the root without links */
    uint32_t index;
    int root;
    struct state_work *state;
    struct writer *writer;
    struct compiled *compiled;
    const struct compile_options *options;
    apr_pool_t *pool;
    struct tree tree;
    apr_hash_t *listed;  /* every name that a manifest holds: content, never a sibling */
    apr_hash_t *entries; /* index by path */
};

/* A manifest, and what is known of its release. */
struct release_work {
    struct writer_release release;
    const struct manifest *manifest;
};

static void list_names(struct mount_work *work, const apr_array_header_t *releases)
{
    for (int r = 0; r < releases->nelts; r++) {
        const struct manifest *manifest = APR_ARRAY_IDX(releases, r, struct release_work).manifest;
        for (int i = 0; i < manifest->pairs->nelts; i++) {
            const struct manifest_pair *pair = manifest_pair_at(manifest, i);
            apr_hash_set(work->listed, pair->original, APR_HASH_KEY_STRING, "");
            apr_hash_set(work->listed, pair->hashed, APR_HASH_KEY_STRING, "");
        }
    }
}

/* ---- files ---- */

static bool is_listed(const struct mount_work *work, const char *name)
{
    return apr_hash_get(work->listed, name, APR_HASH_KEY_STRING) != NULL;
}

static bool has_coding(const struct writer_entry *entry, enum coding coding)
{
    for (unsigned i = 0; i < entry->variants; i++) {
        if (entry->variant[i].coding == coding) {
            return true;
        }
    }
    return false;
}

/* Records the siblings that are there and nobody has proven: what they are, and whether one may be
 * sent, is looked at when it is asked for. */
static void add_siblings(struct mount_work *work, const struct tree *tree,
                         struct writer_entry *entry)
{
    char path[FORMAT_NAME_MAX + FORMAT_SUFFIX];
    size_t len = strlen(entry->path);
    memcpy(path, entry->path, len);
    for (size_t i = 0; tree->siblings && i < CODING_SIBLINGS; i++) {
        strcpy(path + len, coding_siblings[i].suffix);
        if (!has_coding(entry, coding_siblings[i].coding) && tree_has(tree, path) &&
            !is_listed(work, path)) {
            entry->variant[entry->variants++] = (struct writer_variant){
                .coding = coding_siblings[i].coding, .suffix = coding_siblings[i].suffix};
        }
    }
}

static void take_proof(struct writer_entry *entry, const struct proof *proof)
{
    entry->sized = true;
    entry->size = proof->size;
    entry->proof = proof->finding;
    memcpy(entry->md5, proof->md5, sizeof entry->md5);
    for (unsigned i = 0; i < proof->variants; i++) {
        entry->variant[entry->variants++] =
            (struct writer_variant){.coding = proof->variant[i].coding,
                                    .suffix = proof->variant[i].suffix,
                                    .size = proof->variant[i].size,
                                    .proven = true};
    }
}

/* What lies under the entry's path in one of the two places; false: nothing, or (where prepare has
 * read all objects) nothing that is proven. */
static bool take_file(struct mount_work *work, bool pooled, struct writer_entry *entry)
{
    const struct tree *tree = pooled ? &work->state->objects : &work->tree;
    int directory = pooled ? work->state->pool : work->root;
    const struct proofs *proofs = work->options->proofs;
    const struct proof *proof =
        proofs_find(proofs, pooled ? NULL : work->settings->root, entry->path);
    struct stat status;
    if (directory < 0 || !tree_has(tree, entry->path) || (pooled && proofs && !proof) ||
        fstatat(directory, entry->path, &status, 0) != 0 || !S_ISREG(status.st_mode)) {
        return false;
    }
    entry->pooled = pooled;
    if (proof) {
        take_proof(entry, proof);
        return true;
    }
    entry->sized = true;
    entry->size = (uint64_t)status.st_size;
    add_siblings(work, tree, entry);
    return true;
}

static const char *type_of(const struct settings_mount *mount, const char *name)
{
    for (int i = 0; i < mount->types->nelts; i++) {
        const struct settings_type *type =
            &((const struct settings_type *)(const void *)mount->types->elts)[i];
        if (media_key_matches(slice_of(type->key), slice_of(name))) {
            return type->type;
        }
    }
    return media_type(slice_of(name));
}

/* The entry of a file, for what is asked for as `original`; made at its first mention. */
static uint32_t entry_of(struct mount_work *work, const char *path, const char *original)
{
    const uint32_t *known = apr_hash_get(work->entries, path, APR_HASH_KEY_STRING);
    if (known) {
        return *known;
    }
    bool hashed = hashed_name_digits(slice_of(path)).at != NULL;
    struct writer_entry entry = {.path = path,
                                 .type = type_of(work->settings, original),
                                 .proof = hashed ? PROOF_UNREAD : PROOF_NO_HASH};
    if (!hashed || !take_file(work, true, &entry)) {
        take_file(work, false, &entry);
    }
    uint32_t *index = apr_palloc(work->pool, sizeof *index);
    *index = writer_add_entry(work->writer, &entry);
    apr_hash_set(work->entries, path, APR_HASH_KEY_STRING, index);
    return *index;
}

static void add_pair(struct mount_work *work, const struct manifest_pair *pair, uint32_t release)
{
    uint32_t entry = entry_of(work, pair->hashed, pair->original);
    writer_add_original_name(work->writer, work->index, pair->original, release, entry);
    if (hashed_name_digits(slice_of(pair->hashed)).at) {
        writer_add_hashed_name(work->writer, work->index, pair->hashed, entry);
    }
}

/* Whether the object is a compressed copy of another one. */
static bool is_sibling_of_object(const struct state_work *state, const char *name)
{
    for (size_t i = 0; i < CODING_SIBLINGS; i++) {
        struct slice suffix = slice_of(coding_siblings[i].suffix);
        char source[PATH_MAX];
        if (slice_ends(slice_of(name), suffix) &&
            slice_copy((struct slice){name, strlen(name) - suffix.len}, source, sizeof source) &&
            tree_has(&state->objects, source)) {
            return true;
        }
    }
    return false;
}

/* Objects that no manifest names: with Django's one manifest those are former releases. Of several
 * static mounts nobody knows whose they were. */
static void add_unlisted_objects(struct mount_work *work)
{
    const struct tree *objects = &work->state->objects;
    bool known = work->state->pool >= 0 && work->state->static_mounts == 1;
    for (apr_hash_index_t *at = known ? apr_hash_first(work->pool, objects->names) : NULL; at;
         at = apr_hash_next(at)) {
        const char *name = apr_hash_this_key(at);
        const struct proofs *proofs = work->options->proofs;
        if (!is_listed(work, name) && hashed_name_digits(slice_of(name)).at &&
            strlen(name) <= FORMAT_NAME_MAX && !is_sibling_of_object(work->state, name) &&
            (!proofs || proofs_find(proofs, NULL, name))) {
            writer_add_hashed_name(work->writer, work->index, name, entry_of(work, name, name));
        }
    }
}

/* ---- releases ---- */

/* The id of a manifest that prepare has not seen: the name of its directory; for one in the root
 * itself the chosen release, unless that is a directory's, else the beginning of its md5. */
static const char *release_id(struct mount_work *work, const apr_array_header_t *manifests,
                              const struct kept_manifest *found)
{
    const char *slash = strrchr(found->path, '/');
    const char *chosen = work->settings->release;
    if (slash) {
        const char *directory =
            apr_pstrmemdup(work->pool, found->path, (apr_size_t)(slash - found->path));
        const char *last = strrchr(directory, '/');
        return last ? last + 1 : directory;
    }
    for (int i = 0; chosen && i < manifests->nelts; i++) {
        const char *path = manifests_at(manifests, i)->path;
        size_t len = strlen(chosen);
        if (strncmp(path, chosen, len) == 0 && path[len] == '/') {
            chosen = NULL;
        }
    }
    return chosen ? chosen : apr_pstrndup(work->pool, found->manifest.md5, HASHED_NAME_DIGITS);
}

/* The root as it stands in the catalog, relative to the directory `base`. */
static const char *root_as_written(const struct mount_work *work, const char *root,
                                   const char *base)
{
    char relative[PATH_MAX];
    return work->options->relocatable && place_relative(root, base, relative, sizeof relative)
               ? apr_pstrdup(work->pool, relative)
               : root;
}

/* Where the release was published, as prepare saw it; all without links, since a link may be
 * flipped to another release. `here`: it lies in this root; `not_here`: another one lies in its
 * place. */
static apr_array_header_t *homes_of(struct mount_work *work, const struct kept_release *kept,
                                    bool here, bool not_here)
{
    apr_array_header_t *homes = apr_array_make(work->pool, 2, sizeof(const char *));
    for (int i = 0; kept && i < kept->roots->nelts; i++) {
        const char *one = APR_ARRAY_IDX(kept->roots, i, const char *);
        if (strcmp(one, work->real) != 0 || !(here || not_here)) {
            APR_ARRAY_PUSH(homes, const char *) = root_as_written(work, one, work->state->real);
        }
    }
    if (here) {
        APR_ARRAY_PUSH(homes, const char *) = root_as_written(work, work->real, work->state->real);
    }
    return homes;
}

static bool has_root(const struct kept_release *kept, const char *root)
{
    for (int i = 0; i < kept->roots->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(kept->roots, i, const char *), root) == 0) {
            return true;
        }
    }
    return false;
}

/* The release of a manifest; rather one that was seen in this root, as two may be alike. */
static const struct kept_release *find_kept(const struct mount_work *work, const char *manifest,
                                            const char *md5)
{
    const struct kept_release *found = NULL;
    for (int i = 0; i < work->state->kept->nelts; i++) {
        const struct kept_release *kept = kept_at(work->state->kept, i);
        if (strcmp(kept->url, work->settings->url) == 0 && strcmp(kept->md5, md5) == 0 &&
            strcmp(kept->manifest, manifest) == 0 && (!found || has_root(kept, work->real))) {
            found = kept;
        }
    }
    return found;
}

static bool has_release(const apr_array_header_t *releases, const char *id)
{
    for (int i = 0; i < releases->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(releases, i, struct release_work).release.id, id) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_manifest(const apr_array_header_t *releases, const char *manifest)
{
    for (int i = 0; i < releases->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(releases, i, struct release_work).release.manifest, manifest) ==
            0) {
            return true;
        }
    }
    return false;
}

/* Where prepare never ran, the date of the manifest is later than any of its numbers. */
static void add_releases_of_root(struct mount_work *work, const apr_array_header_t *manifests,
                                 apr_array_header_t *releases)
{
    for (int i = 0; i < manifests->nelts; i++) {
        const struct kept_manifest *found = manifests_at(manifests, i);
        const struct kept_release *kept = find_kept(work, found->path, found->manifest.md5);
        const struct timespec *date = &found->manifest.status.st_mtim;
        if (!kept && work->options->proofs) {
            continue; /* prepare has decided against it, or did not see it */
        }
        APR_ARRAY_PUSH(releases, struct release_work) = (struct release_work){
            .release = {.mount = work->index,
                        .id = kept ? kept->id : release_id(work, manifests, found),
                        .manifest = found->path,
                        .md5 = found->manifest.md5,
                        .published = kept ? kept->published
                                          : (int64_t)date->tv_sec * 1000000000 + date->tv_nsec,
                        .homes = homes_of(work, kept, true, false)},
            .manifest = &found->manifest};
    }
}

static void add_kept_releases(struct mount_work *work, apr_array_header_t *releases)
{
    for (int i = 0; i < work->state->kept->nelts; i++) {
        const struct kept_release *kept = kept_at(work->state->kept, i);
        const char *path = kept_manifest_path(kept->md5, work->pool);
        struct manifest *manifest = apr_palloc(work->pool, sizeof *manifest);
        struct error error;
        if (strcmp(kept->url, work->settings->url) != 0 || has_release(releases, kept->id)) {
            continue;
        }
        if (manifest_read(manifest, work->state->fd, path, work->pool, &error) != 0) {
            log_error(&error);
            continue;
        }
        if (strcmp(manifest->md5, kept->md5) != 0) {
            continue; /* prepare tells of it */
        }
        bool replaced = has_manifest(releases, kept->manifest);
        APR_ARRAY_PUSH(releases, struct release_work) =
            (struct release_work){.release = {.mount = work->index,
                                              .id = kept->id,
                                              .manifest = kept->manifest,
                                              .md5 = kept->md5,
                                              .published = kept->published,
                                              .homes = homes_of(work, kept, false, replaced)},
                                  .manifest = manifest};
    }
}

static int compare_releases(const void *left, const void *right)
{
    const struct release_work *a = left, *b = right;
    return strcmp(a->release.id, b->release.id);
}

static void compile_manifests(struct mount_work *work)
{
    const struct compiled *before = work->options->before;
    apr_array_header_t *releases = apr_array_make(work->pool, 4, sizeof(struct release_work));
    if (work->root >= 0) {
        apr_array_header_t *manifests =
            manifests_read(work->root, work->settings, before ? before->manifests : NULL,
                           &work->compiled->watch, &work->tree, work->pool);
        apr_array_cat(work->compiled->manifests, manifests);
        add_releases_of_root(work, manifests, releases);
    }
    add_kept_releases(work, releases);
    qsort(releases->elts, (size_t)releases->nelts, sizeof(struct release_work), compare_releases);
    if (releases->nelts > 0 && work->root >= 0) {
        tree_read_rest(&work->tree, work->root, work->settings->root, &work->compiled->watch);
    }
    /* Only siblings and objects are compared with them. */
    if (work->tree.siblings || work->state->pool >= 0) {
        list_names(work, releases);
    }
    for (int r = 0; r < releases->nelts; r++) {
        const struct release_work *one = &APR_ARRAY_IDX(releases, r, struct release_work);
        uint32_t release = writer_add_release(work->writer, &one->release);
        for (int i = 0; i < one->manifest->pairs->nelts; i++) {
            add_pair(work, manifest_pair_at(one->manifest, i), release);
        }
    }
    add_unlisted_objects(work);
}

/* ---- the site ---- */

static void compile_mount(struct mount_work *work)
{
    struct settings_mount mount = *work->settings;
    struct stat status = {0};
    struct error error;
    if (stat(mount.root, &status) != 0) {
        status = (struct stat){0};
    }
    watch_add_place(&work->compiled->watch, mount.root, &status);
    mount.root = root_as_written(work, mount.root, work->state->path);
    mount.dirs = work->options->relocatable ? "" : mount.dirs; /* of the developer's machine */
    work->index = writer_add_mount(work->writer, &mount);
    work->root = open(work->settings->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (work->root < 0) {
        file_explain_directory(mount.url, work->settings->root, errno, &error);
        log_error(&error);
    }
    if (mount.kind == MOUNT_STATIC) {
        compile_manifests(work);
    }
    if (work->root >= 0) {
        close(work->root);
    }
}

static int open_directory(int parent, const char *name)
{
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* What the state directory holds; everything is empty where there is none. */
static void open_state(struct state_work *state, const struct settings *settings,
                       struct watch *watch, apr_pool_t *pool)
{
    struct error error;
    struct stat status = {0};
    *state = (struct state_work){.path = settings_state(settings, pool),
                                 .fd = -1,
                                 .kept = apr_array_make(pool, 1, sizeof(struct kept_release)),
                                 .pool = -1,
                                 .objects = tree_make(pool)};
    state->real = state->path ? kept_real_path(state->path, pool) : NULL;
    for (uint32_t i = 0; i < settings->mounts; i++) {
        state->static_mounts += settings->mount[i].kind == MOUNT_STATIC;
    }
    if (state->path && stat(state->path, &status) == 0) {
        state->fd = open_directory(AT_FDCWD, state->path);
    }
    if (state->path) {
        watch_add_place(watch, state->path, &status);
    }
    if (state->fd < 0) {
        return;
    }
    if (kept_read(&state->kept, state->fd, state->path, pool, &error) != 0) {
        log_error(&error);
    }
    state->pool = settings->pool == POOL_OFF ? -1 : open_directory(state->fd, "pool");
    if (state->pool >= 0) {
        state->objects = tree_read(state->pool, apr_pstrcat(pool, state->path, "/pool", NULL),
                                   TREE_WHOLE, watch, pool);
    }
}

static void close_state(const struct state_work *state)
{
    if (state->pool >= 0) {
        close(state->pool);
    }
    if (state->fd >= 0) {
        close(state->fd);
    }
}

int compile_site(const struct settings *settings, const struct compile_options *options,
                 struct compiled *compiled, apr_pool_t *pool, struct error *error)
{
    struct writer *writer = writer_make(pool);
    struct state_work state;
    *compiled =
        (struct compiled){.watch = watch_make(pool),
                          .manifests = apr_array_make(pool, 4, sizeof(struct kept_manifest))};
    open_state(&state, settings, &compiled->watch, pool);
    writer_set_site(writer, settings->delivery, settings->coding_header);
    if (options->state) {
        writer_set_state(writer, options->state);
    }
    for (uint32_t i = 0; i < settings->mounts; i++) {
        struct mount_work work = {.settings = &settings->mount[i],
                                  .real = kept_real_path(settings->mount[i].root, pool),
                                  .state = &state,
                                  .writer = writer,
                                  .compiled = compiled,
                                  .options = options,
                                  .pool = pool,
                                  .tree = tree_make(pool),
                                  .listed = tree_make_table(pool),
                                  .entries = tree_make_table(pool)};
        compile_mount(&work);
    }
    close_state(&state);
    return writer_finish(writer, &compiled->block, &compiled->size, error);
}

#include "compile/compile.h"

#include "base/file.h"
#include "base/log.h"
#include "catalog/hashed_name.h"
#include "compile/manifests.h"
#include "compile/tree.h"
#include "compile/writer.h"
#include "http/media.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One mount while it is compiled. */
struct mount_work {
    const struct settings_mount *settings;
    uint32_t index;
    int root;
    struct writer *writer;
    struct compiled *compiled;
    const struct compiled *before;
    apr_pool_t *pool;
    struct tree tree;
    apr_hash_t *listed;  /* every name that a manifest holds: content, never a sibling */
    apr_hash_t *entries; /* index by path */
};

static const struct manifest_pair *pair_at(const struct manifest *manifest, int index)
{
    return &((const struct manifest_pair *)(const void *)manifest->pairs->elts)[index];
}

static void list_names(struct mount_work *work, const apr_array_header_t *manifests)
{
    for (int m = 0; m < manifests->nelts; m++) {
        const struct manifest *manifest = &manifests_at(manifests, m)->manifest;
        for (int i = 0; i < manifest->pairs->nelts; i++) {
            const struct manifest_pair *pair = pair_at(manifest, i);
            apr_hash_set(work->listed, pair->original, APR_HASH_KEY_STRING, "");
            apr_hash_set(work->listed, pair->hashed, APR_HASH_KEY_STRING, "");
        }
    }
}

/* Records the siblings that are there; whether one may be sent is decided when it is asked for. */
static void add_variants(struct mount_work *work, struct writer_entry *entry)
{
    for (size_t i = 0; i < CODING_SIBLINGS; i++) {
        struct stat status;
        const char *path = apr_pstrcat(work->pool, entry->path, coding_siblings[i].suffix, NULL);
        bool again = entry->variants > 0 &&
                     entry->variant[entry->variants - 1].coding == coding_siblings[i].coding;
        if (!again && tree_has(&work->tree, path) &&
            !apr_hash_get(work->listed, path, APR_HASH_KEY_STRING) &&
            fstatat(work->root, path, &status, 0) == 0 && S_ISREG(status.st_mode)) {
            entry->variant[entry->variants++] =
                (struct writer_variant){.coding = coding_siblings[i].coding,
                                        .path = path,
                                        .size = (uint64_t)status.st_size};
        }
    }
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

/* The entry of the file that a pair points to; made at its first mention. */
static uint32_t entry_of(struct mount_work *work, const struct manifest_pair *pair)
{
    const uint32_t *known = apr_hash_get(work->entries, pair->hashed, APR_HASH_KEY_STRING);
    struct stat status;
    if (known) {
        return *known;
    }
    struct writer_entry entry = {.path = pair->hashed,
                                 .hash = hashed_name_digits(slice_of(pair->hashed)),
                                 .type = type_of(work->settings, pair->original)};
    if (tree_has(&work->tree, entry.path) && fstatat(work->root, entry.path, &status, 0) == 0 &&
        S_ISREG(status.st_mode)) {
        entry.sized = true;
        entry.size = (uint64_t)status.st_size;
        add_variants(work, &entry);
    }
    uint32_t *index = apr_palloc(work->pool, sizeof *index);
    *index = writer_add_entry(work->writer, &entry);
    apr_hash_set(work->entries, pair->hashed, APR_HASH_KEY_STRING, index);
    return *index;
}

static void add_pair(struct mount_work *work, const struct manifest_pair *pair, uint32_t release)
{
    uint32_t entry = entry_of(work, pair);
    writer_add_original_name(work->writer, work->index, pair->original, release, entry);
    if (hashed_name_digits(slice_of(pair->hashed)).at) {
        writer_add_hashed_name(work->writer, work->index, pair->hashed, entry);
    }
}

/* The name of the manifest's directory; for one in the root itself the chosen release, unless that
 * is a directory's, else the beginning of its md5. */
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

static void compile_manifests(struct mount_work *work)
{
    const apr_array_header_t *before = work->before ? work->before->manifests : NULL;
    apr_array_header_t *manifests =
        manifests_read(work->root, work->settings, before, &work->compiled->watch, work->pool);
    apr_array_cat(work->compiled->manifests, manifests);
    if (manifests->nelts == 0) {
        return;
    }
    list_names(work, manifests);
    work->tree =
        tree_read(work->root, work->settings->root, TREE_WHOLE, &work->compiled->watch, work->pool);
    for (int m = 0; m < manifests->nelts; m++) {
        const struct kept_manifest *found = manifests_at(manifests, m);
        const struct timespec *published = &found->manifest.status.st_mtim;
        uint32_t release =
            writer_add_release(work->writer, work->index, release_id(work, manifests, found), true,
                               (int64_t)published->tv_sec * 1000000000 + published->tv_nsec);
        for (int i = 0; i < found->manifest.pairs->nelts; i++) {
            add_pair(work, pair_at(&found->manifest, i), release);
        }
    }
}

static void compile_mount(struct mount_work *work)
{
    const struct settings_mount *mount = work->settings;
    struct stat status = {0};
    struct error error;
    if (stat(mount->root, &status) != 0) {
        status = (struct stat){0};
    }
    watch_add_place(&work->compiled->watch, mount->root, &status);
    work->index = writer_add_mount(work->writer, mount);
    work->root = open(mount->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (work->root < 0) {
        file_explain_directory(mount->url, mount->root, errno, &error);
        log_error(&error);
        return;
    }
    if (mount->kind == MOUNT_STATIC) {
        compile_manifests(work);
    }
    close(work->root);
}

int compile_site(const struct settings *settings, const struct compile_options *options,
                 struct compiled *compiled, apr_pool_t *pool, struct error *error)
{
    struct writer *writer = writer_make(pool);
    *compiled =
        (struct compiled){.watch = watch_make(pool),
                          .manifests = apr_array_make(pool, 4, sizeof(struct kept_manifest))};
    writer_set_site(writer, settings->delivery, settings->coding_header);
    for (uint32_t i = 0; i < settings->mounts; i++) {
        struct mount_work work = {.settings = &settings->mount[i],
                                  .writer = writer,
                                  .compiled = compiled,
                                  .before = options->before,
                                  .pool = pool,
                                  .listed = apr_hash_make(pool),
                                  .entries = apr_hash_make(pool)};
        compile_mount(&work);
    }
    return writer_finish(writer, &compiled->block, &compiled->size, error);
}

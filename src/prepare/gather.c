#include "prepare/gather.h"

#include "base/beneath.h"
#include "base/file.h"
#include "base/log.h"
#include "base/md5.h"
#include "compile/manifests.h"
#include "prepare/releases.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_found(const apr_array_header_t *found, const char *path)
{
    for (int i = 0; i < found->nelts; i++) {
        if (strcmp(manifests_at(found, i)->path, path) == 0) {
            return true;
        }
    }
    return false;
}

/* What has the name of a manifest and cannot be used has been logged where it was read; here it is
 * counted. */
static void count_unusable(struct work *work, uint32_t mount)
{
    const struct settings_mount *settings = &work->settings->mount[mount];
    apr_hash_t *names = work->keep.mount[mount].tree.names;
    struct error error;
    for (apr_hash_index_t *at = apr_hash_first(work->pool, names); at; at = apr_hash_next(at)) {
        const char *path = apr_hash_this_key(at);
        if (manifests_match(settings, path, work->pool) && !is_found(work->found[mount], path)) {
            error_set(&error, HB_MANIFEST_UNREADABLE, "%s/%s is not kept, since it cannot be used",
                      settings->root, path);
            report_logged(work->report, &error);
        }
    }
}

/* The bytes of a manifest that was read a moment ago; false: they are others by now. */
static bool take_bytes(struct work *work, uint32_t mount, const struct kept_manifest *one)
{
    char *text = NULL, md5[MD5_HEX + 1];
    size_t length = 0;
    int fd = beneath_open(work->keep.mount[mount].root, one->path);
    bool read = fd >= 0 && file_read(fd, (size_t)one->manifest.status.st_size, &text, &length) == 0;
    if (fd >= 0) {
        close(fd);
    }
    if (read) {
        struct md5 digest;
        md5_begin(&digest);
        md5_add(&digest, text, length);
        md5_end(&digest, md5);
    }
    bool same = read && strcmp(md5, one->manifest.md5) == 0;
    if (same) {
        struct bytes *bytes = apr_palloc(work->pool, sizeof *bytes);
        *bytes = (struct bytes){apr_pmemdup(work->pool, text, length + 1), length};
        apr_hash_set(work->bytes, one->manifest.md5, APR_HASH_KEY_STRING, bytes);
    }
    free(text);
    return same;
}

/* Whether the release can be written down. */
static bool take_manifest(struct work *work, uint32_t mount, const struct kept_manifest *one)
{
    struct error error;
    if (one->manifest.refused > 0) {
        error_set(&error, HB_MANIFEST_NAME, "manifest %s: some of its names are not used",
                  one->path);
        report_logged(work->report, &error);
    }
    if (!kept_can_hold(one->path)) {
        error_set(&error, HB_MANIFEST_NAME, "manifest %s: its name is no UTF-8: rename it",
                  one->path);
    } else if (!take_bytes(work, mount, one)) {
        error_set(&error, HB_MANIFEST_UNREADABLE,
                  "manifest %s was replaced meanwhile: run prepare again when collectstatic has "
                  "ended",
                  one->path);
    } else {
        keep_note_time(&work->keep, one->manifest.status.st_mtim);
        return true;
    }
    report_fault(work->report, &error);
    return false;
}

static void take_manifests(struct work *work, uint32_t mount)
{
    apr_array_header_t *all = work->found[mount];
    work->found[mount] = apr_array_make(work->pool, all->nelts + 1, sizeof(struct kept_manifest));
    for (int i = 0; i < all->nelts; i++) {
        /* A copy: its md5 is the key under which its bytes are found. */
        const struct kept_manifest *one =
            apr_pmemdup(work->pool, manifests_at(all, i), sizeof *one);
        if (take_manifest(work, mount, one)) {
            *(struct kept_manifest *)apr_array_push(work->found[mount]) = *one;
        }
    }
}

void gather_manifests(struct work *work)
{
    work->watch = watch_make(work->pool);
    work->bytes = apr_hash_make(work->pool);
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        const struct settings_mount *mount = &work->settings->mount[i];
        struct keep_mount *place = &work->keep.mount[i];
        if (!work_is_static(work, i)) {
            continue;
        }
        work->found[i] =
            manifests_read(place->root, mount, NULL, &work->watch, &place->tree, work->pool);
        tree_read_rest(&place->tree, place->root, mount->root, &work->watch);
        count_unusable(work, i);
        take_manifests(work, i);
    }
}

/* Whether the release was published in this root, by a manifest whose directory is there still:
 * collectstatic deletes it before it writes the new one. */
static bool is_interrupted(const struct work *work, uint32_t mount,
                           const struct kept_release *release)
{
    const char *slash = strrchr(release->manifest, '/');
    const char *directory = slash ? apr_pstrmemdup(work->pool, release->manifest,
                                                   (apr_size_t)(slash - release->manifest))
                                  : ".";
    bool here = false;
    for (int i = 0; i < release->roots->nelts; i++) {
        here = here || strcmp(((const char *const *)(const void *)release->roots->elts)[i],
                              work->real[mount]) == 0;
    }
    return here && strcmp(release->url, work->settings->mount[mount].url) == 0 &&
           !is_found(work->found[mount], release->manifest) &&
           faccessat(work->keep.mount[mount].root, directory, F_OK, 0) == 0;
}

/* The manifests that cannot be had at this moment. One that is cut was told of already. */
static apr_array_header_t *hold_interrupted(struct work *work, uint32_t mount)
{
    apr_array_header_t *held = apr_array_make(work->pool, 2, sizeof(const char *));
    struct error error;
    for (int i = 0; i < work->before->nelts; i++) {
        const struct kept_release *release = kept_at(work->before, i);
        if (!is_interrupted(work, mount, release)) {
            continue;
        }
        *(const char **)apr_array_push(held) = release->manifest;
        if (!tree_has(&work->keep.mount[mount].tree, release->manifest)) {
            error_set(&error, HB_MANIFEST_GONE,
                      "manifest %s is gone: release %s stays published here; run collectstatic to "
                      "its end, and prepare again",
                      release->manifest, release->id);
            report_fault(work->report, &error);
        }
    }
    return held;
}

static struct releases_root root_of(struct work *work, uint32_t mount)
{
    const apr_array_header_t *manifests = work->found[mount];
    struct releases_root root = {
        .url = work->settings->mount[mount].url,
        .path = work->real[mount],
        .wanted = work->settings->mount[mount].release,
        .found = apr_array_make(work->pool, manifests->nelts + 1, sizeof(struct releases_found)),
        .held = hold_interrupted(work, mount)};
    for (int i = 0; i < manifests->nelts; i++) {
        const struct kept_manifest *one = manifests_at(manifests, i);
        *(struct releases_found *)apr_array_push(root.found) = (struct releases_found){
            .path = one->path, .md5 = one->manifest.md5, .modified = one->manifest.status.st_mtim};
    }
    return root;
}

int gather_releases(struct work *work, struct error *error)
{
    work->before = apr_array_make(work->pool, 1, sizeof(struct kept_release));
    if (work->state.fd >= 0 &&
        kept_read(&work->before, work->state.fd, work->report->state, work->pool, error) != 0) {
        return -1;
    }
    work->releases = work->before;
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        if (work_is_static(work, i)) {
            struct releases_root root = root_of(work, i);
            work->releases = releases_update(work->releases, &root, work->pool);
        }
    }
    work->report->releases = work->releases->nelts;
    if (work->releases->nelts == 0) {
        struct error notice;
        error_set(&notice, HB_NO_MANIFEST,
                  "there is no manifest to keep: run collectstatic first, with "
                  "ManifestStaticFilesStorage; of other files those are kept that have the md5 of "
                  "their bytes in their name");
        log_error(&notice);
    }
    if (work->releases->nelts > 0) {
        work->report->published = kept_at(work->releases, work->releases->nelts - 1)->id;
    }
    return 0;
}

static void add_source(struct work *work, const struct manifest *manifest, const char *name,
                       int mount, bool found)
{
    *(struct source *)apr_array_push(work->sources) =
        (struct source){.manifest = manifest, .name = name, .found = found};
    objects_add_manifest(&work->objects, manifest, mount, found);
}

static int mount_of(const struct work *work, const char *url)
{
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        if (work_is_static(work, i) && strcmp(work->settings->mount[i].url, url) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* The manifest of a release as one of the roots has it; NULL: only the state directory does. */
static const struct manifest *find_found(const struct work *work,
                                         const struct kept_release *release)
{
    int mount = mount_of(work, release->url);
    for (int i = 0; mount >= 0 && i < work->found[mount]->nelts; i++) {
        const struct kept_manifest *one = manifests_at(work->found[mount], i);
        if (strcmp(one->manifest.md5, release->md5) == 0) {
            return &one->manifest;
        }
    }
    return NULL;
}

static void add_kept(struct work *work, const struct kept_release *release)
{
    const char *path = kept_manifest_path(release->md5, work->pool);
    struct manifest *manifest = apr_palloc(work->pool, sizeof *manifest);
    struct error error;
    bool read = work->state.fd >= 0 &&
                manifest_read(manifest, work->state.fd, path, work->pool, &error) == 0;
    if (read && strcmp(manifest->md5, release->md5) == 0) {
        add_source(work, manifest, path, mount_of(work, release->url), false);
        return;
    }
    if (read) {
        error_set(&error, HB_OBJECT_DIFFERS,
                  "%s/%s does not have the md5 of its name: put a copy of it back",
                  work->real_state, path);
    }
    report_fault(work->report, &error);
}

void gather_files(struct work *work)
{
    work->objects = objects_make(work->pool);
    work->sources = apr_array_make(work->pool, 8, sizeof(struct source));
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        for (int m = 0; work_is_static(work, i) && m < work->found[i]->nelts; m++) {
            const struct kept_manifest *one = manifests_at(work->found[i], m);
            add_source(work, &one->manifest, one->path, (int)i, true);
        }
    }
    for (int i = 0; i < work->releases->nelts; i++) {
        if (!find_found(work, kept_at(work->releases, i))) {
            add_kept(work, kept_at(work->releases, i));
        }
    }
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        if (work_is_static(work, i)) {
            objects_add_tree(&work->objects, work->keep.mount[i].tree.names, (int)i,
                             work_state_below(work, i));
        }
    }
    objects_add_pool(&work->objects, work->keep.pooled);
    work->sorted = objects_sorted(&work->objects);
}

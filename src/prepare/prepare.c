#include "prepare/prepare.h"

#include "base/file.h"
#include "base/log.h"
#include "base/place.h"
#include "compile/compile.h"
#include "compile/kept.h"
#include "compile/manifests.h"
#include "prepare/keep.h"
#include "prepare/releases.h"
#include "prepare/state.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A manifest whose files are kept. */
struct source {
    const struct manifest *manifest;
    const char *name; /* for diagnoses */
    bool found;       /* in a root, not only in the state directory */
};

/* One run. */
struct work {
    const struct settings *settings;
    bool dry;
    struct report *report;
    apr_pool_t *pool;
    struct state state;
    const char *real_state;
    struct timespec began;
    const char *real[CATALOG_MOUNTS_MAX];          /* of each static root: without links */
    apr_array_header_t *found[CATALOG_MOUNTS_MAX]; /* of struct kept_manifest */
    struct watch watch;
    apr_array_header_t *before, *releases; /* of struct kept_release */
    apr_array_header_t *sources;           /* of struct source */
    struct objects objects;
    apr_array_header_t *sorted; /* of struct object * */
    struct keep keep;
};

static bool is_static(const struct work *work, uint32_t index)
{
    return work->settings->mount[index].kind == MOUNT_STATIC;
}

static const char *path_behind(int fd, const char *otherwise, apr_pool_t *pool)
{
    char name[32], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(name, path, sizeof path - 1);
    return len > 0 && path[0] == '/' ? apr_pstrmemdup(pool, path, (size_t)len) : otherwise;
}

/* Opens every static root; *first is the status of the first. */
static int open_roots(struct work *work, struct stat *first, struct error *error)
{
    bool found = false;
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        const struct settings_mount *mount = &work->settings->mount[i];
        if (!is_static(work, i)) {
            continue;
        }
        int root = open(mount->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root < 0) {
            return file_explain_directory(mount->url, mount->root, errno, error);
        }
        work->keep.mount[i].root = root;
        work->real[i] = path_behind(root, mount->root, work->pool);
        if (!found && fstat(root, first) != 0) {
            return error_set(error, HB_TREE_UNREADABLE, "%s: %s", mount->root, strerror(errno));
        }
        found = true;
    }
    return found ? 0
                 : error_set(error, HB_SETTING_REQUIRED,
                             "there is no static mount (STATIC_ROOT): nothing is to be prepared");
}

/* How the state directory is reached from a root; NULL: it lies elsewhere. */
static const char *state_below(const struct work *work, uint32_t mount)
{
    char text[PATH_MAX];
    bool fits = place_relative(work->real_state, work->real[mount], text, sizeof text);
    return fits && strncmp(text, "..", 2) != 0 ? apr_pstrdup(work->pool, text) : NULL;
}

static int open_state(struct work *work, const struct stat *root, struct error *error)
{
    work->report->state = settings_state(work->settings, work->pool);
    if (state_open(&work->state, work->report->state, root, work->dry, error) != 0) {
        return -1;
    }
    work->real_state = work->state.fd >= 0
                           ? path_behind(work->state.fd, work->report->state, work->pool)
                           : work->report->state;
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        const char *way = is_static(work, i) ? state_below(work, i) : NULL;
        if (way && strcmp(way, ".") == 0) {
            return error_set(error, HB_STATE_CLOSED,
                             "the state directory %s is the root itself: set HANDBACK_STATE to a "
                             "directory of its own",
                             work->report->state);
        }
    }
    /* As coarse as the times that the file system writes. */
    clock_gettime(CLOCK_REALTIME_COARSE, &work->began);
    return 0;
}

static void note_time(struct work *work, struct timespec modified)
{
    struct timespec *newest = &work->keep.newest;
    if (modified.tv_sec > newest->tv_sec ||
        (modified.tv_sec == newest->tv_sec && modified.tv_nsec > newest->tv_nsec)) {
        *newest = modified;
    }
}

static void fault(struct work *work, const struct error *error)
{
    report_fault(work->report, error);
}

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
            fault(work, &error);
        }
    }
}

/* A release whose name cannot be written down is left out. */
static void drop_unnameable(struct work *work, uint32_t mount)
{
    apr_array_header_t *all = work->found[mount];
    struct error error;
    work->found[mount] = apr_array_make(work->pool, all->nelts + 1, sizeof(struct kept_manifest));
    for (int i = 0; i < all->nelts; i++) {
        const struct kept_manifest *one = manifests_at(all, i);
        if (!kept_can_hold(one->path)) {
            error_set(&error, HB_MANIFEST_NAME, "manifest %s: its name is no UTF-8: rename it",
                      one->path);
            fault(work, &error);
            continue;
        }
        if (one->manifest.refused > 0) {
            error_set(&error, HB_MANIFEST_NAME, "manifest %s: some of its names are not used",
                      one->path);
            fault(work, &error);
        }
        *(struct kept_manifest *)apr_array_push(work->found[mount]) = *one;
        note_time(work, one->manifest.status.st_mtim);
    }
}

static void read_roots(struct work *work)
{
    work->watch = watch_make(work->pool);
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        const struct settings_mount *mount = &work->settings->mount[i];
        struct keep_mount *place = &work->keep.mount[i];
        if (!is_static(work, i)) {
            continue;
        }
        work->found[i] = manifests_read(place->root, mount, NULL, &work->watch, work->pool);
        place->tree = tree_read(place->root, mount->root, TREE_WHOLE, &work->watch, work->pool);
        count_unusable(work, i);
        drop_unnameable(work, i);
    }
}

static struct releases_root root_of(struct work *work, uint32_t mount)
{
    const apr_array_header_t *manifests = work->found[mount];
    struct releases_root root = {
        .url = work->settings->mount[mount].url,
        .path = work->real[mount],
        .wanted = work->settings->mount[mount].release,
        .found = apr_array_make(work->pool, manifests->nelts + 1, sizeof(struct releases_found))};
    for (int i = 0; i < manifests->nelts; i++) {
        const struct kept_manifest *one = manifests_at(manifests, i);
        *(struct releases_found *)apr_array_push(root.found) = (struct releases_found){
            .path = one->path, .md5 = one->manifest.md5, .modified = one->manifest.status.st_mtim};
    }
    return root;
}

static int decide_releases(struct work *work, struct error *error)
{
    work->before = apr_array_make(work->pool, 1, sizeof(struct kept_release));
    if (work->state.fd >= 0 &&
        kept_read(&work->before, work->state.fd, work->report->state, work->pool, error) != 0) {
        return -1;
    }
    work->releases = work->before;
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        if (is_static(work, i)) {
            struct releases_root root = root_of(work, i);
            work->releases = releases_update(work->releases, &root, work->pool);
        }
    }
    work->report->releases = work->releases->nelts;
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
        if (is_static(work, i) && strcmp(work->settings->mount[i].url, url) == 0) {
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
    fault(work, &error);
}

/* Every file that a manifest names, that the pool holds, or whose own name tells its hash. */
static void collect(struct work *work)
{
    work->objects = objects_make(work->pool);
    work->sources = apr_array_make(work->pool, 8, sizeof(struct source));
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        for (int m = 0; is_static(work, i) && m < work->found[i]->nelts; m++) {
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
        if (is_static(work, i)) {
            objects_add_tree(&work->objects, work->keep.mount[i].tree.names, (int)i,
                             state_below(work, i));
        }
    }
    objects_add_pool(&work->objects, work->keep.pooled);
    work->sorted = objects_sorted(&work->objects);
}

static struct object *object_at(const struct work *work, int index)
{
    return ((struct object *const *)(const void *)work->sorted->elts)[index];
}

/* Whether a manifest's storage hashes otherwise: some names carry what looks like a hash, and not
 * one of them is the md5 of its bytes. */
static bool is_trusted(const struct work *work, const struct manifest *manifest)
{
    bool differs = false;
    for (int i = 0; i < manifest->pairs->nelts; i++) {
        const struct manifest_pair *pair =
            &((const struct manifest_pair *)(const void *)manifest->pairs->elts)[i];
        const struct object *object = strcmp(pair->original, pair->hashed) != 0
                                          ? objects_find(&work->objects, pair->hashed)
                                          : NULL;
        if (object && object->finding == OBJECT_PROVEN) {
            return false;
        }
        differs = differs || (object && object->finding == OBJECT_DIFFERS);
    }
    return differs;
}

static void keep_files_of(struct work *work, const struct manifest *manifest)
{
    for (int i = 0; i < manifest->pairs->nelts; i++) {
        const struct manifest_pair *pair =
            &((const struct manifest_pair *)(const void *)manifest->pairs->elts)[i];
        struct object *object = objects_find(&work->objects, pair->hashed);
        if (object) {
            keep_trusted(&work->keep, object);
        }
    }
}

/* All are judged before the files of any are kept, since manifests share files. */
static void keep_by_trust(struct work *work)
{
    const struct source *sources = (const struct source *)(const void *)work->sources->elts;
    bool *trusted = apr_pcalloc(work->pool, (size_t)work->sources->nelts + 1);
    struct error notice;
    for (int i = 0; i < work->sources->nelts; i++) {
        trusted[i] = is_trusted(work, sources[i].manifest);
    }
    for (int i = 0; i < work->sources->nelts; i++) {
        if (!trusted[i]) {
            continue;
        }
        keep_files_of(work, sources[i].manifest);
        if (sources[i].found) {
            error_set(&notice, HB_MANIFEST_TRUSTED,
                      "manifest %s: none of its names carries the md5 of its file, so its storage "
                      "hashes otherwise, and it is trusted",
                      sources[i].name);
            log_error(&notice);
        }
    }
}

static void report_gone(struct work *work)
{
    struct error notice;
    if (work->report->gone > 0 && !work->keep.in_place) {
        error_set(&notice, HB_SOURCE_MISSING,
                  "%llu files of former releases lie nowhere any more: requests for them are "
                  "answered 404",
                  (unsigned long long)work->report->gone);
        log_error(&notice);
    }
}

static void keep_files(struct work *work)
{
    work->keep.objects = &work->objects;
    for (int i = 0; i < work->sorted->nelts; i++) {
        keep_object(&work->keep, object_at(work, i));
    }
    keep_by_trust(work);
    for (int i = 0; i < work->sorted->nelts; i++) {
        if (object_at(work, i)->finding == OBJECT_PROVEN) {
            keep_variants(&work->keep, object_at(work, i));
        }
        keep_report(&work->keep, object_at(work, i));
    }
    report_gone(work);
}

static int open_pool(struct work *work, struct error *error)
{
    struct keep *keep = &work->keep;
    keep->in_place = work->settings->pool == POOL_OFF;
    if (!keep->in_place &&
        pool_open(&keep->pool, &work->state, work->settings->pool == POOL_LINK, !work->dry) != 0) {
        return error_set(error, HB_STATE_CLOSED, "%s/pool cannot be opened by user %u: %s",
                         work->report->state, (unsigned)geteuid(), strerror(errno));
    }
    keep->settings = work->settings;
    keep->dry = work->dry;
    keep->state = work->report->state;
    keep->report = work->report;
    keep->memory = work->pool;
    keep->pooled = pool_names(&keep->pool, !work->dry, work->pool);
    return 0;
}

static struct proofs proofs_of(const struct work *work)
{
    struct proofs proofs = proofs_make(work->pool);
    for (int i = 0; i < work->sorted->nelts; i++) {
        const struct object *object = object_at(work, i);
        if (object->finding == OBJECT_PROVEN || object->finding == OBJECT_DIFFERS) {
            proofs_add(&proofs,
                       object->place == OBJECT_IN_POOL ? NULL
                                                       : work->settings->mount[object->place].root,
                       object->path, &object->proof);
        }
    }
    return proofs;
}

static int write_fault(const struct work *work, const char *name, struct error *error)
{
    return error_set(error, HB_WRITE_FAILED, "%s/%s cannot be written: %s", work->report->state,
                     name, strerror(errno));
}

/* The bytes of a manifest that was read before, as they are now. */
static int read_again(const struct work *work, uint32_t mount, const struct kept_manifest *one,
                      char **bytes, size_t *length)
{
    char md5[MD5_HEX + 1];
    int fd = file_open_beneath(work->keep.mount[mount].root, one->path);
    if (fd < 0) {
        return -1;
    }
    int result =
        md5_file(fd, md5) == 0 && strcmp(md5, one->manifest.md5) == 0 && lseek(fd, 0, SEEK_SET) == 0
            ? file_read(fd, (size_t)one->manifest.status.st_size, bytes, length)
            : -1;
    close(fd);
    return result;
}

static bool is_kept(const struct work *work, const char *path, const char *md5)
{
    char hex[MD5_HEX + 1];
    int fd = openat(work->state.fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool good = fd >= 0 && md5_file(fd, hex) == 0 && strcmp(hex, md5) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

static int keep_manifest(const struct work *work, int manifests, uint32_t mount,
                         const struct kept_manifest *one, struct error *error)
{
    const char *path = kept_manifest_path(one->manifest.md5, work->pool);
    char *bytes;
    size_t length;
    if (is_kept(work, path, one->manifest.md5)) {
        return 0;
    }
    if (read_again(work, mount, one, &bytes, &length) != 0) {
        return error_set(error, HB_MANIFEST_UNREADABLE,
                         "manifest %s was replaced meanwhile: run prepare again when collectstatic "
                         "has ended",
                         one->path);
    }
    int result =
        replace_file(manifests, strchr(path, '/') + 1, bytes, length, &work->state.files, NULL);
    free(bytes);
    return result == 0 ? 0 : write_fault(work, path, error);
}

static int keep_manifests(struct work *work, struct error *error)
{
    int manifests = state_open_directory(work->state.fd, "manifests", &work->state.directories),
        result = 0;
    if (manifests < 0) {
        return write_fault(work, "manifests", error);
    }
    state_clear(manifests);
    for (uint32_t i = 0; i < work->settings->mounts && result == 0; i++) {
        for (int m = 0; is_static(work, i) && m < work->found[i]->nelts && result == 0; m++) {
            result = keep_manifest(work, manifests, i, manifests_at(work->found[i], m), error);
        }
    }
    close(manifests);
    return result;
}

/* What the catalog will name is durable before it does. */
static int keep_releases(struct work *work, struct error *error)
{
    const struct report *report = work->report;
    if (report->added + report->variants_added > 0 && pool_sync(&work->keep.pool) != 0) {
        return write_fault(work, "pool", error);
    }
    if (keep_manifests(work, error) != 0) {
        return -1;
    }
    return releases_equal(work->before, work->releases)
               ? 0
               : kept_write(work->releases, work->state.fd, work->report->state, work->pool, error);
}

/* The catalog as it is. False: there is none, or it has other bytes. */
static bool has_bytes(const struct work *work, const void *block, uint64_t size,
                      struct stat *status)
{
    char *bytes = NULL;
    size_t length = 0;
    int fd = work->state.fd >= 0
                 ? openat(work->state.fd, "catalog", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
                 : -1;
    bool same = fd >= 0 && fstat(fd, status) == 0 && S_ISREG(status->st_mode) &&
                (uint64_t)status->st_size == size && file_read(fd, size, &bytes, &length) == 0 &&
                length == size && memcmp(bytes, block, size) == 0;
    if (fd >= 0) {
        close(fd);
    }
    free(bytes);
    return same;
}

/* Whether something was read that is not older than the catalog: then the catalog says nothing of
 * it until its own time is a later one. */
static bool needs_new_time(const struct work *work, const struct stat *catalog)
{
    struct timespec newest = work->keep.newest, time = catalog->st_mtim;
    return work->report->added + work->report->variants_added > 0 || newest.tv_sec > time.tv_sec ||
           (newest.tv_sec == time.tv_sec && newest.tv_nsec >= time.tv_nsec);
}

/* Its time is that at which the work began: what is written from then on was not read. */
static int write_catalog(struct work *work, const void *block, uint64_t size, struct error *error)
{
    struct stat status;
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, work->began};
    int result = 0;
    work->report->changed = !has_bytes(work, block, size, &status);
    if (work->dry) {
        return 0;
    }
    if (work->report->changed) {
        result =
            replace_file(work->state.fd, "catalog", block, size, &work->state.files, &work->began);
    } else if (needs_new_time(work, &status)) {
        result = utimensat(work->state.fd, "catalog", times, AT_SYMLINK_NOFOLLOW);
    }
    return result == 0 ? 0 : write_fault(work, "catalog", error);
}

static int compile(struct work *work, struct error *error)
{
    struct compiled compiled;
    struct proofs proofs = proofs_of(work);
    const struct compile_options options = {.proofs = &proofs, .relocatable = true};
    if (compile_site(work->settings, &options, &compiled, work->pool, error) != 0) {
        return -1;
    }
    int result = write_catalog(work, compiled.block, compiled.size, error);
    free(compiled.block);
    return result;
}

static int run(struct work *work, struct error *error)
{
    struct stat root;
    if (open_roots(work, &root, error) != 0 || open_state(work, &root, error) != 0) {
        return -1;
    }
    read_roots(work);
    if (decide_releases(work, error) != 0 || open_pool(work, error) != 0) {
        return -1;
    }
    collect(work);
    keep_files(work);
    if (!work->dry && keep_releases(work, error) != 0) {
        return -1;
    }
    if (compile(work, error) != 0) {
        return -1;
    }
    /* A dry run compiles from what is there; what it would add changes the catalog. */
    if (work->dry && (work->report->added + work->report->variants_added > 0 ||
                      !releases_equal(work->before, work->releases))) {
        work->report->changed = true;
    }
    return 0;
}

int prepare_site(const struct settings *settings, bool dry, struct report *report, apr_pool_t *pool,
                 struct error *error)
{
    struct work work = {.settings = settings, .dry = dry, .report = report, .pool = pool};
    work.state = (struct state){.fd = -1, .lock = -1};
    work.keep.pool = (struct pool){.fd = -1, .last_fd = -1};
    for (int i = 0; i < CATALOG_MOUNTS_MAX; i++) {
        work.keep.mount[i].root = -1;
    }
    int result = run(&work, error);
    for (int i = 0; i < CATALOG_MOUNTS_MAX; i++) {
        if (work.keep.mount[i].root >= 0) {
            close(work.keep.mount[i].root);
        }
    }
    pool_close(&work.keep.pool);
    state_close(&work.state);
    return result;
}

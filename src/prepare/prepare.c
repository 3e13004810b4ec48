#include "prepare/prepare.h"

#include "base/file.h"
#include "base/log.h"
#include "base/place.h"
#include "http/path.h"
#include "prepare/beside.h"
#include "prepare/gather.h"
#include "prepare/publish.h"
#include "prepare/releases.h"
#include "prepare/work.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *path_behind(int fd, const char *otherwise, apr_pool_t *pool)
{
    char name[32], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(name, path, sizeof path - 1);
    return len > 0 && path[0] == '/' ? apr_pstrmemdup(pool, path, (size_t)len) : otherwise;
}

/* Where a directory that need not be there yet really is. */
static const char *place_of(const char *path, apr_pool_t *pool)
{
    char real[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (realpath(path, real)) {
        return apr_pstrdup(pool, real);
    }
    bool known = slash > path && realpath(apr_pstrmemdup(pool, path, (size_t)(slash - path)), real);
    return known ? apr_pstrcat(pool, strcmp(real, "/") == 0 ? "" : real, slash, NULL) : path;
}

/* Opens every static root; *first is the status of the first. */
static int open_roots(struct work *work, struct stat *first, struct error *error)
{
    bool found = false;
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        const struct settings_mount *mount = &work->settings->mount[i];
        if (!work_is_static(work, i)) {
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

/* Clients may ask for what lies visibly below a root. */
static bool is_visible(const struct work *work)
{
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        const char *below = work_is_static(work, i) ? work_state_below(work, i) : NULL;
        if (below && strcmp(below, ".") != 0 && !path_is_hidden(slice_of(below))) {
            return true;
        }
    }
    return false;
}

/* Its .htaccess counts for everything below it. */
static bool holds_root(const struct work *work)
{
    char text[PATH_MAX];
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        if (work_is_static(work, i) &&
            place_below(work->real[i], work->real_state, text, sizeof text)) {
            return true;
        }
    }
    return false;
}

static int open_state(struct work *work, const struct stat *root, struct error *error)
{
    const char *path = settings_state(work->settings, work->pool);
    work->report->state = path;
    work->real_state = place_of(path, work->pool);
    if (holds_root(work) || is_visible(work)) {
        return error_set(error, HB_STATE_CLOSED,
                         "the state directory %s %s: set HANDBACK_STATE to a directory beside the "
                         "root",
                         path,
                         holds_root(work) ? "holds a root, which its .htaccess would close"
                                          : "lies below a root, where clients could ask for it");
    }
    if (state_open(&work->state, path, root, work->dry, error) != 0) {
        return -1;
    }
    work->real_state = work->state.fd >= 0 ? path_behind(work->state.fd, path, work->pool) : path;
    /* As coarse as the times that the file system writes. */
    clock_gettime(CLOCK_REALTIME_COARSE, &work->began);
    return 0;
}

/* Whether a manifest's storage hashes otherwise: some names carry what looks like a hash, and not
 * one of them is the md5 of its bytes. */
static bool is_trusted(const struct work *work, const struct manifest *manifest, bool found)
{
    bool differs = false, whole = true;
    for (int i = 0; i < manifest->pairs->nelts; i++) {
        const struct manifest_pair *pair = manifest_pair_at(manifest, i);
        const struct object *object = strcmp(pair->original, pair->hashed) != 0
                                          ? objects_find(&work->objects, pair->hashed)
                                          : NULL;
        if (object && object->finding == OBJECT_PROVEN) {
            return false;
        }
        differs = differs || (object && object->finding == OBJECT_DIFFERS);
        whole = whole && (!object || object->finding == OBJECT_DIFFERS);
    }
    /* Of a former release only what is left is seen: that may be just what is damaged. */
    return differs && (found || whole);
}

/* Whether one file at least has the md5 of its name: then all should. */
static void mark_md5(struct work *work, const struct manifest *manifest)
{
    bool proven = false;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < manifest->pairs->nelts; i++) {
            const struct manifest_pair *pair = manifest_pair_at(manifest, i);
            struct object *object = objects_find(&work->objects, pair->hashed);
            bool named = strcmp(pair->original, pair->hashed) != 0;
            proven = proven || (named && object && object->finding == OBJECT_PROVEN);
            if (object && round == 1) {
                object->by_md5 = object->by_md5 || proven;
            }
        }
    }
}

static void keep_files_of(struct work *work, const struct manifest *manifest)
{
    for (int i = 0; i < manifest->pairs->nelts; i++) {
        const struct manifest_pair *pair = manifest_pair_at(manifest, i);
        struct object *object = objects_find(&work->objects, pair->hashed);
        /* Below two roots it may be two files, and nothing in the name tells them apart. */
        bool one_root = object && (object->sources & (object->sources - 1)) == 0;
        if (one_root) {
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
        trusted[i] = is_trusted(work, sources[i].manifest, sources[i].found);
        mark_md5(work, sources[i].manifest);
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
                  "files of former releases that lie nowhere any more: %llu (the first is %s): "
                  "requests for them are answered 404",
                  (unsigned long long)work->report->gone, work->report->first_gone);
        log_error(&notice);
    }
}

static void keep_files(struct work *work)
{
    work->keep.objects = &work->objects;
    for (int i = 0; i < work->sorted->nelts; i++) {
        keep_object(&work->keep, work_object(work, i));
    }
    keep_by_trust(work);
    for (int i = 0; i < work->sorted->nelts; i++) {
        if (work_object(work, i)->finding == OBJECT_PROVEN) {
            keep_variants(&work->keep, work_object(work, i));
        }
        keep_report(&work->keep, work_object(work, i));
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

static int run(struct work *work, const struct prepare_wish *wish, struct error *error)
{
    struct stat root;
    if (open_roots(work, &root, error) != 0 || open_state(work, &root, error) != 0 ||
        beside_open(work, wish->beside, error) != 0) {
        return -1;
    }
    gather_manifests(work);
    if (gather_releases(work, error) != 0 || open_pool(work, error) != 0) {
        return -1;
    }
    gather_files(work);
    keep_files(work);
    if (!work->dry && publish_releases(work, error) != 0) {
        return -1;
    }
    if (publish_catalog(work, error) != 0) {
        return -1;
    }
    /* A dry run compiles from what is there; what it would add changes the catalog. */
    if (work->dry && (work->report->added + work->report->variants_added > 0 ||
                      !releases_equal(work->before, work->releases))) {
        work->report->changed = true;
    }
    return 0;
}

int prepare_site(const struct settings *settings, const struct prepare_wish *wish,
                 struct report *report, apr_pool_t *pool, struct error *error)
{
    struct work work = {.settings = settings,
                        .dry = wish->dry,
                        .htaccess = wish->htaccess,
                        .report = report,
                        .pool = pool};
    work.state = (struct state){.fd = -1, .lock = -1};
    work.keep.pool = (struct pool){.fd = -1, .last_fd = -1};
    for (int i = 0; i < CATALOG_MOUNTS_MAX; i++) {
        work.keep.mount[i].root = -1;
    }
    int result = run(&work, wish, error);
    for (int i = 0; i < CATALOG_MOUNTS_MAX; i++) {
        if (work.keep.mount[i].root >= 0) {
            close(work.keep.mount[i].root);
        }
    }
    pool_close(&work.keep.pool);
    state_close(&work.state);
    return result;
}

#include "prepare/publish.h"

#include "base/file.h"
#include "base/md5.h"
#include "compile/compile.h"
#include "compile/manifests.h"
#include "prepare/beside.h"
#include "prepare/htaccess.h"
#include "prepare/releases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct proofs proofs_of(const struct work *work)
{
    struct proofs proofs = proofs_make(work->pool);
    for (int i = 0; i < work->sorted->nelts; i++) {
        const struct object *object = work_object(work, i);
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

static int keep_manifest(const struct work *work, int manifests, const char *md5,
                         struct error *error)
{
    const char *path = kept_manifest_path(md5, work->pool);
    const struct bytes *bytes = apr_hash_get(work->bytes, md5, APR_HASH_KEY_STRING);
    if (is_kept(work, path, md5) || replace_file(manifests, strchr(path, '/') + 1, bytes->at,
                                                 bytes->length, &work->state.files, NULL) == 0) {
        return 0;
    }
    return write_fault(work, path, error);
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
        for (int m = 0; work_is_static(work, i) && m < work->found[i]->nelts && result == 0; m++) {
            result = keep_manifest(work, manifests, manifests_at(work->found[i], m)->manifest.md5,
                                   error);
        }
    }
    close(manifests);
    return result;
}

int publish_releases(struct work *work, struct error *error)
{
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
    /* What a killed run has added is not counted as added, and may not be on the disk either. */
    if (work->report->changed && pool_sync(&work->keep.pool) != 0) {
        return write_fault(work, "pool", error);
    }
    if (work->report->changed) {
        result =
            replace_file(work->state.fd, "catalog", block, size, &work->state.files, &work->began);
    } else if (needs_new_time(work, &status)) {
        result = utimensat(work->state.fd, "catalog", times, AT_SYMLINK_NOFOLLOW);
    }
    return result == 0 ? 0 : write_fault(work, "catalog", error);
}

static bool has_manifest(const apr_array_header_t *list, const struct kept_manifest *one,
                         const char *root)
{
    for (int i = 0; i < list->nelts; i++) {
        const struct kept_manifest *other = manifests_at(list, i);
        if (strcmp(other->path, one->path) == 0 && strcmp(other->root, root) == 0 &&
            strcmp(other->manifest.md5, one->manifest.md5) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the roots are still those that were read, with the same manifests. */
static bool is_as_read(const struct work *work, const struct compiled *compiled)
{
    struct stat ours, theirs;
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        const char *root = work->settings->mount[i].root;
        if (!work_is_static(work, i)) {
            continue;
        }
        if (fstat(work->keep.mount[i].root, &ours) != 0 || stat(root, &theirs) != 0 ||
            ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev) {
            return false;
        }
        for (int m = 0; m < work->found[i]->nelts; m++) {
            if (!has_manifest(compiled->manifests, manifests_at(work->found[i], m), root)) {
                return false;
            }
        }
    }
    return true;
}

/* From what was compiled, whether or not the catalog has other bytes than before. */
static int write_htaccess(struct work *work, const struct compiled *compiled, struct error *error)
{
    struct catalog catalog;
    return catalog_open(&catalog, compiled->block, compiled->size, error) == 0
               ? htaccess_publish(work, &catalog, error)
               : -1;
}

int publish_catalog(struct work *work, struct error *error)
{
    struct compiled compiled;
    struct proofs proofs = proofs_of(work);
    const struct compile_options options = {.proofs = &proofs, .relocatable = true};
    if (compile_site(work->settings, &options, &compiled, work->pool, error) != 0) {
        return -1;
    }
    int result = is_as_read(work, &compiled)
                     ? write_catalog(work, compiled.block, compiled.size, error)
                     : error_set(error, HB_MANIFEST_UNREADABLE,
                                 "a root or its manifest was replaced meanwhile: run prepare again "
                                 "when collectstatic has ended");
    result = result == 0 ? write_htaccess(work, &compiled, error) : -1;
    free(compiled.block);
    return result == 0 ? beside_publish(work, &options, error) : -1;
}

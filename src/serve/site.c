#include "serve/site.h"

#include "base/file.h"
#include "base/place.h"
#include "http/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_closed_on_the_way(const char *path)
{
    char part[PATH_SIZE];
    struct stat status;
    struct slice whole = slice_of(path);
    for (size_t len = whole.len; len > 1; len--) {
        bool directory = len == whole.len || path[len] == '/';
        if (directory && slice_copy((struct slice){path, len}, part, sizeof part) &&
            stat(part, &status) == 0 && !(status.st_mode & S_IXOTH)) {
            return true;
        }
    }
    return false;
}

/* Whether the modes of a directory, and of what it lies in, keep others out; of both ways when it
 * lies behind a link. */
static bool is_closed(const char *path)
{
    char real[PATH_MAX];
    return is_closed_on_the_way(path) || (realpath(path, real) && is_closed_on_the_way(real));
}

/* ---- opening ---- */

static int open_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static char *resolve(struct slice text, const char *base)
{
    char copy[PATH_MAX], path[PATH_MAX];
    return slice_copy(text, copy, sizeof copy) &&
                   place_resolve(copy, base ? base : "/", path, sizeof path)
               ? strdup(path)
               : NULL;
}

static bool open_roots(struct site *site)
{
    for (uint32_t i = 0; i < catalog_mounts(&site->policy); i++) {
        site->path[i] = resolve(site_mount(site, i).root, site->state);
        if (!site->path[i]) {
            return false;
        }
        site->root[i] = open_directory(site->path[i]);
        site->closed[i] = is_closed(site->path[i]);
    }
    return true;
}

static bool open_pool(struct site *site, const char *state)
{
    site->pool = -ENOENT;
    if (!state) {
        return true;
    }
    site->state = strdup(state);
    site->pool_path = resolve(slice_of("pool"), state);
    site->real_state = realpath(state, NULL);
    if (!site->state || !site->pool_path) {
        return false;
    }
    site->pool = open_directory(site->pool_path);
    site->pool_closed = is_closed(site->pool_path);
    return true;
}

/* The catalog and the policy, each checked. */
static int open_catalogs(struct site *site, const struct site_parts *parts, struct error *error)
{
    if (catalog_open(&site->catalog, parts->block, parts->size, error) != 0) {
        if (parts->fd > 0) {
            close(parts->fd);
        }
        return -1;
    }
    site->catalog.verified = parts->verified;
    site->catalog.fd = parts->fd;
    site->catalog.sound = parts->verified;
    site->policy = site->catalog;
    return parts->policy ? catalog_open(&site->policy, parts->policy, parts->policy_size, error)
                         : 0;
}

struct site *site_open(const struct site_parts *parts, struct error *error)
{
    struct site *site = calloc(1, sizeof *site);
    if (!site) {
        abort(); /* a process without memory for this can do nothing */
    }
    *site = (struct site){.block = parts->block,
                          .mapped = parts->mapped,
                          .stored = parts->stored,
                          .policy_block = parts->policy,
                          .pool = -ENOENT,
                          .made = parts->made};
    memset(site->root, 0xff, sizeof site->root);
    site->catalog.size = parts->size;
    atomic_init(&site->holders, 1);
    if (open_catalogs(site, parts, error) != 0) {
        site_release(site);
        return NULL;
    }
    if (!open_pool(site, parts->state) || !open_roots(site)) {
        error_set(error, HB_OUT_OF_MEMORY, "no memory for the site");
        site_release(site);
        return NULL;
    }
    return site;
}

/* ---- the chosen release ---- */

struct slice site_current_link(const struct site *site, uint32_t mount, char text[SITE_NAME_SIZE])
{
    char target[PATH_MAX];
    ssize_t len = site->root[mount] < 0
                      ? -1
                      : readlinkat(site->root[mount], "current", target, sizeof target);
    while (len > 1 && target[len - 1] == '/') {
        len--;
    }
    struct slice last = slice_behind_last((struct slice){target, len > 0 ? (size_t)len : 0}, '/');
    return len > 0 && slice_copy(last, text, SITE_NAME_SIZE) ? slice_of(text) : (struct slice){0};
}

struct here {
    const struct site *site;
    struct stat root;
};

/* By what the directories are, not by their names: the root may lie behind a link. */
static bool is_here(const void *context, struct slice root)
{
    const struct here *here = context;
    struct stat status;
    char *path = resolve(root, here->site->real_state);
    bool same = path && stat(path, &status) == 0 && status.st_ino == here->root.st_ino &&
                status.st_dev == here->root.st_dev;
    free(path);
    return same;
}

int site_choose_release(struct site *site, uint32_t mount, struct slice wanted, struct error *error)
{
    char current[SITE_NAME_SIZE];
    struct here here = {.site = site};
    struct catalog_wish wish = {.wanted = wanted,
                                .current = site_current_link(site, mount, current),
                                .is_here = is_here,
                                .context = &here};
    if (site->root[mount] < 0 || fstat(site->root[mount], &here.root) != 0) {
        here.root = (struct stat){0};
    }
    return catalog_choose(&site->catalog, mount, &wish, error);
}

/* ---- use ---- */

struct catalog_mount site_mount(const struct site *site, uint32_t mount)
{
    return catalog_mount(&site->policy, mount);
}

int site_open_file(const struct site *site, uint32_t mount, enum place place, const char *path)
{
    if (place == PLACE_POOL) {
        return file_open_beneath(site->pool, path);
    }
    if (site->root[mount] < 0) {
        errno = -site->root[mount];
        return -1;
    }
    int fd = file_open_beneath(site->root[mount], path);
    if (fd >= 0 || errno != EXDEV) {
        return fd;
    }
    return file_open_following(site->root[mount], path, site_mount(site, mount).follow);
}

bool site_is_as_made(const struct site *site, const struct stat *status)
{
    int64_t seconds = status->st_mtim.tv_sec;
    return seconds < INT64_MAX / 1000000000 &&
           seconds * 1000000000 + status->st_mtim.tv_nsec < site->made;
}

struct site *site_hold(struct site *site)
{
    atomic_fetch_add(&site->holders, 1);
    return site;
}

void site_release(struct site *site)
{
    if (!site || atomic_fetch_sub(&site->holders, 1) != 1) {
        return;
    }
    for (uint32_t i = 0; i < CATALOG_MOUNTS_MAX; i++) {
        if (site->root[i] >= 0) {
            close(site->root[i]);
        }
        free(site->path[i]);
    }
    if (site->pool >= 0) {
        close(site->pool);
    }
    if (site->catalog.fd > 0) {
        close(site->catalog.fd);
    }
    if (site->mapped) {
        munmap(site->block, site->catalog.size);
    } else {
        free(site->block);
    }
    free(site->policy_block);
    free(site->state);
    free(site->real_state);
    free(site->pool_path);
    free(site);
}

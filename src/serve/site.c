#include "serve/site.h"

#include "base/beneath.h"
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

void site_look_who_may_enter(struct site *site)
{
    for (uint32_t i = 0; i < site->mounts; i++) {
        site->closed[i] = is_closed(site->path[i]);
    }
    site->pool_closed = site->pool >= 0 && is_closed(site->pool_path);
}

/* ---- opening ---- */

static int open_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

const char *site_keep_path(struct site *site, const char *what, struct slice text, const char *base,
                           struct error *error)
{
    char *path = site->texts + site->texts_used;
    if (!(base ? place_resolve(text, *base ? base : "/", path, PATH_MAX)
               : slice_copy(text, path, PATH_MAX))) {
        error_set(error, HB_SETTING_BAD_VALUE, "%s: a path is too long", what);
        return NULL;
    }
    site->texts_used += strlen(path) + 1;
    return path;
}

int site_open_directories(struct site *site, struct error *error)
{
    for (uint32_t i = 0; i < site->mounts; i++) {
        site->path[i] = site_keep_path(site, "root", site->mount[i].root, site->state, error);
        if (!site->path[i]) {
            return -1;
        }
        site->root[i] = open_directory(site->path[i]);
    }
    if (!site->state[0]) {
        return 0;
    }
    site->pool_path = site_keep_path(site, "state", slice_of("pool"), site->state, error);
    if (!site->pool_path) {
        return -1;
    }
    site->pool = open_directory(site->pool_path);
    return 0;
}

/* The policy in force, as values: it is asked for in every request. */
static void read_policy(struct site *site)
{
    site->hand_back = catalog_site(&site->policy);
    site->mounts = catalog_read_mounts(&site->policy, site->mount);
}

int site_begin(struct site *site, const struct site_parts *parts, struct error *error)
{
    site->block = parts->block;
    site->mapped = parts->mapped;
    site->stored = parts->stored;
    site->policy_block = parts->policy;
    site->pool = -ENOENT;
    site->made = parts->made;
    site->state = site->pool_path = "";
    memset(site->root, 0xff, sizeof site->root);
    atomic_init(&site->holders, 1);
    int result = catalog_open(&site->catalog, parts->block, parts->size, error);
    site->catalog.fd = parts->fd;
    site->catalog.verified = parts->verified;
    site->catalog.sound = parts->verified;
    site->policy = site->catalog;
    if (result == 0 && parts->policy) {
        result = catalog_open(&site->policy, parts->policy, parts->policy_size, error);
    }
    if (result == 0 && parts->state) {
        site->state = site_keep_path(site, "state", slice_of(parts->state), NULL, error);
        result = site->state ? 0 : -1;
    }
    if (result == 0) {
        read_policy(site);
    }
    return result;
}

struct site *site_open(const struct site_parts *parts, struct error *error)
{
    struct site *site = calloc(1, sizeof *site);
    if (!site) {
        abort(); /* a process without memory for this can do nothing */
    }
    if (site_begin(site, parts, error) != 0 || site_open_directories(site, error) != 0) {
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
    const char *state;
    struct stat root;
};

static bool is_root(const struct here *here, int directory, const char *path)
{
    struct stat status;
    return fstatat(directory, path, &status, 0) == 0 && status.st_ino == here->root.st_ino &&
           status.st_dev == here->root.st_dev;
}

/* By what the directories are, not by their names: the root may lie behind a link, the state
 * directory too, or a link stand where it was before it was moved. */
static bool is_here(const void *context, struct slice root)
{
    const struct here *here = context;
    char path[PATH_MAX];
    bool absolute = slice_starts(root, slice_of("/"));
    if (!absolute && !here->state[0]) {
        return false;
    }
    if (place_resolve(root, here->state, path, sizeof path) && is_root(here, AT_FDCWD, path)) {
        return true;
    }
    int state = absolute ? -1 : open(here->state, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool found = state >= 0 && slice_copy(root, path, sizeof path) && is_root(here, state, path);
    if (state >= 0) {
        close(state);
    }
    return found;
}

int site_choose_release(struct site *site, uint32_t mount, struct slice wanted, struct error *error)
{
    char current[SITE_NAME_SIZE];
    struct here here = {.state = site->state};
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

int site_open_file(const struct site *site, uint32_t mount, enum place place, const char *path)
{
    if (place == PLACE_POOL) {
        return beneath_open(site->pool, path);
    }
    if (site->root[mount] < 0) {
        errno = -site->root[mount];
        return -1;
    }
    int fd = beneath_open(site->root[mount], path);
    if (fd >= 0 || errno != EXDEV) {
        return fd;
    }
    return beneath_open_following(site->root[mount], path, site->mount[mount].follow);
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

/* Closes what is open and frees what the parts brought. */
static void close_parts(struct site *site)
{
    for (uint32_t i = 0; i < CATALOG_MOUNTS_MAX; i++) {
        if (site->root[i] >= 0) {
            close(site->root[i]);
        }
    }
    if (site->pool >= 0) {
        close(site->pool);
    }
    if (site->catalog.fd > 0) {
        close(site->catalog.fd);
    }
    if (site->mapped) {
        munmap(site->block, site->mapped);
    } else {
        free(site->block);
    }
    free(site->policy_block);
}

void site_release(struct site *site)
{
    if (site && atomic_fetch_sub(&site->holders, 1) == 1) {
        close_parts(site);
        free(site);
    }
}

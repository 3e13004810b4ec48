#include "serve/site.h"

#include "base/file.h"
#include "http/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_root(const struct catalog *catalog, uint32_t index)
{
    char path[PATH_SIZE];
    struct slice root = catalog_mount(catalog, index).root;
    int fd = slice_copy(root, path, sizeof path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                                                 : -ENAMETOOLONG;
    return fd == -1 ? -errno : fd;
}

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

/* Whether the modes of a root, and of what it lies in, keep others out; of both ways when it lies
 * behind a link. */
static bool is_closed(struct slice root)
{
    char path[PATH_SIZE], real[PATH_MAX];
    return slice_copy(root, path, sizeof path) &&
           (is_closed_on_the_way(path) || (realpath(path, real) && is_closed_on_the_way(real)));
}

struct site *site_open(void *block, uint64_t size, struct error *error)
{
    struct site *site = calloc(1, sizeof *site);
    if (!site) {
        error_set(error, HB_OUT_OF_MEMORY, "no memory for the site");
    } else if (catalog_open(&site->catalog, block, size, error) == 0 &&
               catalog_verify(&site->catalog, error) == 0) {
        site->block = block;
        atomic_init(&site->holders, 1);
        for (uint32_t i = 0; i < catalog_mounts(&site->catalog); i++) {
            site->root[i] = open_root(&site->catalog, i);
            site->closed[i] = is_closed(catalog_mount(&site->catalog, i).root);
        }
        return site;
    }
    free(site);
    free(block);
    return NULL;
}

int site_open_file(const struct site *site, uint32_t mount, const char *path)
{
    int fd = file_open_beneath(site->root[mount], path);
    if (fd >= 0 || errno != EXDEV) {
        return fd;
    }
    return file_open_following(site->root[mount], path,
                               catalog_mount(&site->catalog, mount).follow);
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
    for (uint32_t i = 0; i < catalog_mounts(&site->catalog); i++) {
        if (site->root[i] >= 0) {
            close(site->root[i]);
        }
    }
    free(site->block);
    free(site);
}

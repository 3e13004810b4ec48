#include "cli/stored.h"

#include "catalog/trust.h"
#include "compile/settings_adopt.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *stored_path(const struct settings *settings, apr_pool_t *pool)
{
    const char *state = settings_state(settings, pool);
    return state ? apr_pstrcat(pool, state, "/catalog", NULL) : NULL;
}

/* Whether the settings speak for the owner: never decided by what the catalog itself says. */
static bool is_known(uid_t owner, const char *path, const struct settings *settings)
{
    bool given = false;
    for (uint32_t i = 0; i < settings->mounts; i++) {
        const char *root = settings->mount[i].root;
        given = given || root;
        if (root && trust_owns(root, owner)) {
            return true;
        }
    }
    /* The settings name a state directory alone: then whoever owns that. */
    char directory[PATH_MAX];
    struct slice parent = slice_of(path);
    parent.len = (size_t)(strrchr(path, '/') - path);
    return !given && slice_copy(parent, directory, sizeof directory) &&
           trust_owns_alone(directory, owner);
}

enum stored_verdict stored_open(const char *path, const struct settings *settings, int *fd,
                                struct stat *status, struct error *error)
{
    *fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return STORED_MISSING;
    }
    if (*fd < 0 || fstat(*fd, status) != 0) {
        error_set(error, HB_CATALOG_INVALID,
                  "the catalog %s cannot be read by user %u: %s: let others read it and enter its "
                  "directories (chmod -R go+rX)",
                  path, (unsigned)geteuid(), strerror(errno));
        if (*fd >= 0) {
            close(*fd);
        }
        return STORED_REFUSED;
    }
    if (trust_judge(path, status, is_known(status->st_uid, path, settings), error) != 0) {
        close(*fd);
        *fd = -1;
        return STORED_REFUSED;
    }
    return STORED_GOOD;
}

void *stored_read(int fd, size_t size)
{
    char *block = malloc(size);
    size_t done = 0;
    while (block && done < size) {
        ssize_t got = pread(fd, block + done, size - done, (off_t)done);
        if (got <= 0) {
            memset(block + done, 0, size - done); /* it has been cut: its sums will tell */
            break;
        }
        done += (size_t)got;
    }
    return block;
}

enum stored_verdict stored_judge(const void *block, uint64_t size, const struct settings *settings,
                                 struct settings *effective, apr_pool_t *pool, struct error *error)
{
    struct catalog catalog;
    if (catalog_open(&catalog, block, size, error) != 0) {
        return STORED_REFUSED;
    }
    if (catalog_site(&catalog).state.len > 0) {
        error_set(error, HB_CATALOG_MISPLACED,
                  "the catalog was made for the directory of a program (prepare --beside), and "
                  "lies in a state directory: run handback prepare");
        return STORED_REFUSED;
    }
    if (settings_adopt(effective, settings, &catalog, settings_state(settings, pool), pool,
                       error) != 0 ||
        settings_check(effective, pool, error) != 0) {
        return STORED_REFUSED;
    }
    return STORED_GOOD;
}

#include "cli/stored.h"

#include "base/log.h"
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

static int refuse(struct error *error, enum diagnosis number, const char *path, const char *what)
{
    return error_set(error, number, "the catalog %s %s", path, what);
}

/* Whose word counts: never decided by what the catalog itself says. */
static bool is_trusted(uid_t owner, const char *path, const struct settings *settings)
{
    struct stat place;
    bool given = false;
    if (owner == 0 || owner == geteuid()) {
        return true;
    }
    for (uint32_t i = 0; i < settings->mounts; i++) {
        const char *root = settings->mount[i].root;
        given = given || root;
        if (root && stat(root, &place) == 0 && place.st_uid == owner) {
            return true;
        }
    }
    /* The settings name a state directory alone: then whoever owns that. */
    char directory[PATH_MAX];
    struct slice parent = slice_of(path);
    parent.len = (size_t)(strrchr(path, '/') - path);
    return !given && slice_copy(parent, directory, sizeof directory) &&
           stat(directory, &place) == 0 && place.st_uid == owner && !(place.st_mode & S_IWOTH);
}

static enum stored_verdict judge_file(const char *path, const struct settings *settings,
                                      const struct stat *status, struct error *error)
{
    struct error warning;
    if (!S_ISREG(status->st_mode) || status->st_size == 0) {
        refuse(error, HB_CATALOG_INVALID, path, "is no file, or empty: run handback prepare");
        return STORED_REFUSED;
    }
    if (status->st_mode & S_IWOTH) {
        refuse(error, HB_CATALOG_UNTRUSTED, path,
               "may be written to by everybody: it is set aside until that is mended (chmod o-w)");
        return STORED_REFUSED;
    }
    if (!is_trusted(status->st_uid, path, settings)) {
        error_set(
            error, HB_CATALOG_UNTRUSTED,
            "the catalog %s belongs to user %u, who is neither root, nor this user (%u), nor the "
            "owner of a root: it is set aside until that is mended (chown)",
            path, (unsigned)status->st_uid, (unsigned)geteuid());
        return STORED_REFUSED;
    }
    if (status->st_mode & S_IWGRP) {
        refuse(&warning, HB_CATALOG_GROUP, path,
               "may be written to by its group, which then decides what is served (chmod g-w)");
        log_error(&warning);
    }
    return STORED_GOOD;
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
    enum stored_verdict verdict = judge_file(path, settings, status, error);
    if (verdict != STORED_GOOD) {
        close(*fd);
        *fd = -1;
    }
    return verdict;
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
    if (catalog_open(&catalog, block, size, error) != 0 ||
        settings_adopt(effective, settings, &catalog, settings_state(settings, pool), pool,
                       error) != 0 ||
        settings_check(effective, pool, error) != 0) {
        return STORED_REFUSED;
    }
    return STORED_GOOD;
}

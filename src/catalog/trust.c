#include "catalog/trust.h"

#include "base/log.h"

#include <unistd.h>

static int refuse(struct error *error, enum diagnosis number, const char *path, const char *what)
{
    return error_set(error, number, "the catalog %s %s", path, what);
}

int trust_judge(const char *path, const struct stat *status, bool known, struct error *error)
{
    struct error warning;
    if (!S_ISREG(status->st_mode) || status->st_size == 0) {
        return refuse(error, HB_CATALOG_INVALID, path,
                      "is no file, or empty: run handback prepare");
    }
    if (status->st_mode & S_IWOTH) {
        return refuse(error, HB_CATALOG_UNTRUSTED, path,
                      "may be written to by everybody: it is set aside until that is mended "
                      "(chmod o-w)");
    }
    if (status->st_uid != 0 && status->st_uid != geteuid() && !known) {
        return error_set(
            error, HB_CATALOG_UNTRUSTED,
            "the catalog %s belongs to user %u, who is neither root, nor this user (%u), nor the "
            "owner of a root: it is set aside until that is mended (chown)",
            path, (unsigned)status->st_uid, (unsigned)geteuid());
    }
    if (status->st_mode & S_IWGRP) {
        refuse(&warning, HB_CATALOG_GROUP, path,
               "may be written to by its group, which then decides what is served (chmod g-w)");
        log_error(&warning);
    }
    return 0;
}

bool trust_owns(const char *directory, uid_t owner)
{
    struct stat place;
    return stat(directory, &place) == 0 && place.st_uid == owner;
}

bool trust_owns_alone(const char *directory, uid_t owner)
{
    struct stat place;
    return stat(directory, &place) == 0 && place.st_uid == owner && !(place.st_mode & S_IWOTH);
}

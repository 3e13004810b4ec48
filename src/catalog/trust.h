/* Whether a file may be believed to be a catalog: by what the file system says of it, never by what
 * it says itself. */
#ifndef CATALOG_TRUST_H
#define CATALOG_TRUST_H

#include "base/error.h"

#include <stdbool.h>
#include <sys/stat.h>

/* Judges an open file. `known`: its owner is that of a root that the settings give, or of the
 * directory that they name. It counts too when it is root's or this user's. Nobody else may write
 * to it, and that its group may is logged. Returns 0, or -1 with HB0030 when it is no file, or
 * HB0033. */
int trust_judge(const char *path, const struct stat *status, bool known, struct error *error);

/* Whether a directory belongs to this user id. */
bool trust_owns(const char *directory, uid_t owner);

/* The same, and not everybody may write to it: else whoever does could have put the file there. */
bool trust_owns_alone(const char *directory, uid_t owner);

#endif

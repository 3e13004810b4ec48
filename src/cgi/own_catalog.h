/* The catalog of the static CGI: `handback.catalog` beside the program, else `catalog` in the state
 * directory that the environment names, or in that of STATIC_ROOT. */
#ifndef CGI_OWN_CATALOG_H
#define CGI_OWN_CATALOG_H

#include "cgi/environment.h"

#include <limits.h>
#include <sys/stat.h>

struct own_catalog {
    int fd; /* of the one who asked */
    struct stat status;
    char path[PATH_MAX];  /* of the file itself: one beside the program may be a link to it */
    char place[PATH_MAX]; /* the directory that it lies in */
    bool beside;          /* it was found beside the program, and may name its state directory */
};

enum own_verdict {
    OWN_FOUND,
    OWN_MISSING,
    OWN_REFUSED, /* with HB0030 or HB0033 */
};

/* Finds and opens it, and judges by the file system whether it may be believed. */
enum own_verdict own_catalog_find(struct own_catalog *own, const struct environment *environment,
                                  struct error *error);

/* The directory of this program; false when it is not known. */
bool own_catalog_directory(char directory[PATH_MAX]);

#endif

/* What a name stands for: its entry in the catalog or the live file, opened, with its siblings. */
#ifndef SERVE_RESOURCE_H
#define SERVE_RESOURCE_H

#include "base/error.h"
#include "catalog/hashed_name.h"
#include "http/path.h"
#include "serve/finding.h"
#include "serve/site.h"
#include "serve/trace.h"

#include <sys/stat.h>

enum resource_verdict {
    RESOURCE_FOUND,
    RESOURCE_MISSING,     /* 404 */
    RESOURCE_CLOSED,      /* 403: the file system refuses it to us */
    RESOURCE_UNAVAILABLE, /* 503: promised, but not whole at this moment; or a fault of the system
                           */
};

/* One copy of the content: the file itself (identity) or a compressed sibling. */
struct copy {
    int fd; /* -1: there is none */
    struct stat status;
    enum place place;
    bool proven;    /* the catalog knows its bytes, and nobody has touched it since */
    char suffix[8]; /* what its path has behind that of the file */
};

struct resource {
    uint32_t mount;
    struct slice name; /* below the mount, as asked for */
    struct slice hash; /* that of the bytes, when they are what was promised; else absent */
    struct slice type; /* without charset */
    bool immutable;    /* the name was promised for ever, and the bytes agree */
    bool vouched;      /* the operator promises it whatever the bytes are */
    bool suspect;      /* the file's name carries a hash that its bytes do not have */
    char digits[HASHED_NAME_DIGITS + 1]; /* what `hash` is a view of */
    struct catalog_entry entry;          /* what `type` may be a view of */
    struct copy copy[CODING_COUNT];
    char path[PATH_SIZE + 8]; /* of the file, below its place; with room for a suffix */
};

/* Finds and opens what stands behind a name. `now` is in seconds since 1970. Whatever the verdict,
 * the caller ends with resource_close. error->number is set when the operator should hear of it;
 * `trace` (may be NULL) is told what was found. */
enum resource_verdict resource_open(struct resource *resource, const struct site *site,
                                    uint32_t mount, struct slice name, int64_t now,
                                    struct error *error, struct trace *trace);

void resource_close(struct resource *resource);

#endif

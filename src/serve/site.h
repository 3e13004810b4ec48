/* What is served at this moment: an opened catalog, the policy in force, and the directories behind
 * them. Shared by threads and never changed after it was opened; a newer one takes its place. */
#ifndef SERVE_SITE_H
#define SERVE_SITE_H

#include "base/error.h"
#include "catalog/catalog.h"

#include <limits.h>
#include <stdatomic.h>
#include <sys/stat.h>

enum {
    SITE_NAME_SIZE = 256
};

/* Where a file lies: below the root of its mount, in the pool, or in one of `dirs`. */
enum place {
    PLACE_ROOT,
    PLACE_POOL,
    PLACE_DIRS
};

struct site {
    struct catalog catalog; /* names and files */
    struct catalog policy;  /* the media types and fields of the mounts */
    struct catalog_site hand_back;
    void *block;        /* of the catalog */
    uint64_t mapped;    /* what munmap frees of it; 0: free does */
    bool stored;        /* prepare has written it */
    void *policy_block; /* allocated; NULL: the policy is the catalog's own */
    int64_t made; /* when the catalog was written, nanoseconds since 1970: files that are older are
                     as they were proven */
    int pool;     /* a directory; below 0: there is none */
    bool pool_closed;
    uint32_t mounts;
    int root[CATALOG_MOUNTS_MAX];    /* a directory; below 0: it cannot be opened, -errno */
    bool closed[CATALOG_MOUNTS_MAX]; /* others than its owner and group may not enter it */
    struct catalog_mount mount[CATALOG_MOUNTS_MAX];
    const char *state; /* where the pool lies; empty: nowhere */
    const char *pool_path;
    const char *path[CATALOG_MOUNTS_MAX]; /* absolute paths of the roots */
    size_t texts_used;
    char texts[(CATALOG_MOUNTS_MAX + 2) * PATH_MAX]; /* in which these lie, close together: a CGI
                                                        pays for each page that it touches */
    atomic_int holders;
};

/* What a site is opened from. The blocks belong to the site from then on, also on failure. */
struct site_parts {
    void *block;
    uint64_t size;
    uint64_t mapped; /* what munmap frees of the block; 0: free does */
    int fd;          /* as in struct catalog: the site's from then on */
    bool stored;     /* prepare has written it */
    bool verified;   /* nobody can change it, and it was verified */
    void *policy;    /* NULL: the catalog's own */
    uint64_t policy_size;
    const char *state; /* absolute path of the directory with the pool; NULL: none */
    int64_t made;      /* as in struct site; INT64_MIN: nothing was proven */
};

/* Gives out the site of this moment, held for the caller, or NULL while there is none (bad
 * settings). The layers above decide where it comes from. */
struct site_source {
    struct site *(*current)(void *context);
    void *context;
};

/* Opens a site in memory of the caller, up to its directories: until these are opened, its mounts
 * may be changed. Returns 0, or -1 with the error. Nothing closes such a site: it lasts as long as
 * its process. */
int site_begin(struct site *site, const struct site_parts *parts, struct error *error);

/* Keeps the absolute path that `text` means, seen from `base` (NULL: it is one, and stays as it is
 * written), for as long as the site. At most
 * CATALOG_MOUNTS_MAX + 2 of them. Returns NULL with HB0004 when it is too long; `what` it is. */
const char *site_keep_path(struct site *site, const char *what, struct slice text, const char *base,
                           struct error *error);

/* Opens the directories. Returns 0, or -1 with HB0004 when a path is too long. */
int site_open_directories(struct site *site, struct error *error);

/* Opens a site that others may hold. The caller holds the result. Returns NULL with the error. */
struct site *site_open(const struct site_parts *parts, struct error *error);

/* Looks whether others than its owner and group may enter each directory, for a web server that
 * runs as another user. */
void site_look_who_may_enter(struct site *site);

/* Chooses the release that answers the original names of a mount: `wanted` (absent: none), else
 * what the link `current` in its root points to, else the last one that was published in it. Before
 * the site is shared. Returns 0, or -1 with HB0026 when `wanted` is unknown; the choice is made all
 * the same. */
int site_choose_release(struct site *site, uint32_t mount, struct slice wanted,
                        struct error *error);

/* The last segment of what the link `current` in the root of a mount points to; absent when there
 * is none. */
struct slice site_current_link(const struct site *site, uint32_t mount, char text[SITE_NAME_SIZE]);

/* Opens a file for reading: of the pool; or of a mount, below its root or where its links may lead
 * (`follow`). Returns a descriptor that the caller closes, or -1 with errno. */
int site_open_file(const struct site *site, uint32_t mount, enum place place, const char *path);

/* Whether a file was last written before the catalog was. */
bool site_is_as_made(const struct site *site, const struct stat *status);

struct site *site_hold(struct site *site);

/* The last release frees everything. NULL is ignored. */
void site_release(struct site *site);

#endif

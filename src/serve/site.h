/* What is served at this moment: an opened catalog and the directories behind its mounts. Shared by
 * threads and never changed after it was opened; a newer one takes its place. */
#ifndef SERVE_SITE_H
#define SERVE_SITE_H

#include "base/error.h"
#include "catalog/catalog.h"

#include <stdatomic.h>

struct site {
    struct catalog catalog;
    void *block;
    int root[CATALOG_MOUNTS_MAX];    /* a directory; below 0: it cannot be opened yet, -errno */
    bool closed[CATALOG_MOUNTS_MAX]; /* others than its owner and group may not enter it */
    atomic_int holders;
};

/* Gives out the site of this moment, held for the caller, or NULL while there is none (bad
 * settings). The layers above decide where it comes from. */
struct site_source {
    struct site *(*current)(void *context);
    void *context;
};

/* Opens a catalog; the block belongs to the site from then on, also on failure (free). The caller
 * holds the result. Returns NULL with the error. */
struct site *site_open(void *block, uint64_t size, struct error *error);

/* Opens a file of a mount for reading: below its root, or where its links may lead (`follow`).
 * Returns a descriptor that the caller closes, or -1 with errno. */
int site_open_file(const struct site *site, uint32_t mount, const char *path);

struct site *site_hold(struct site *site);

/* The last release frees everything. NULL is ignored. */
void site_release(struct site *site);

#endif

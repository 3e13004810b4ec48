/* Reads each file once, keeps it in the pool when its bytes are what its name promises, and its
 * compressed copies when they decode to it. */
#ifndef PREPARE_KEEP_H
#define PREPARE_KEEP_H

#include "compile/settings.h"
#include "compile/tree.h"
#include "prepare/objects.h"
#include "prepare/pool.h"
#include "prepare/report.h"

#include <time.h>

struct keep_mount {
    int root; /* open; -1: not looked at */
    struct tree tree;
};

struct keep {
    const struct settings *settings;
    struct keep_mount mount[CATALOG_MOUNTS_MAX];
    struct pool pool;
    apr_hash_t *pooled; /* every name in the pool */
    bool in_place;      /* nothing is put into the pool: files are proven where they lie */
    bool dry;           /* nothing is changed; what would be is counted */
    const char *state;  /* path of the state directory, for diagnoses */
    const struct objects *objects;
    struct report *report;
    struct timespec newest; /* the latest modification of what is proven */
    apr_pool_t *memory;
};

/* Finds out about an object, and keeps it if it is proven. */
void keep_object(struct keep *keep, struct object *object);

/* Keeps one whose bytes differ from its name all the same: its manifest's storage hashes otherwise.
 */
void keep_trusted(struct keep *keep, struct object *object);

/* Finds the compressed copies of a proven object, and keeps those that decode to it. */
void keep_variants(struct keep *keep, struct object *object);

/* Reports what is wrong with an object: once it is known whether it is trusted. */
void keep_report(struct keep *keep, const struct object *object);

/* Remembers when something that the catalog rests on was modified. */
void keep_note_time(struct keep *keep, struct timespec modified);

#endif

/* The files that are to be kept: every name that carries a hash, wherever it is known from. */
#ifndef PREPARE_OBJECTS_H
#define PREPARE_OBJECTS_H

#include "base/md5.h"
#include "compile/manifest.h"
#include "compile/proof.h"

#include <apr_hash.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <stdbool.h>
#include <time.h>

enum object_finding {
    OBJECT_MISSING, /* it lies nowhere */
    OBJECT_FAILED,  /* it cannot be read */
    OBJECT_DIFFERS, /* its bytes are not those that its name tells */
    OBJECT_PROVEN,
};

enum {
    OBJECT_IN_POOL = -1
};

struct object {
    const char *path;
    uint32_t sources; /* bit i: it may lie below the root of mount i */
    bool listed;      /* a manifest, kept or found, gives it as the name of another file */
    bool required;    /* a manifest that was found now does */
    bool pooled;      /* the pool has a file of this name */
    bool by_md5;      /* a manifest whose storage hashes by md5 names it: trust says nothing */
    enum object_finding finding;
    int cause; /* errno of OBJECT_FAILED */
    int place; /* of the file that was read: OBJECT_IN_POOL, or a mount */
    char md5[MD5_HEX + 1];
    struct timespec modified; /* of the file that was read */
    struct proof proof;
};

struct objects {
    apr_hash_t *of;     /* struct object by path */
    apr_hash_t *listed; /* every name that a manifest holds: content, never a variant */
    apr_pool_t *pool;
};

struct objects objects_make(apr_pool_t *pool);

/* Adds what a manifest names. `mount`: below whose root its files may lie, or -1. `required`: it
 * lies there itself. All manifests are added before trees and pool. */
void objects_add_manifest(struct objects *objects, const struct manifest *manifest, int mount,
                          bool required);

/* Adds the names below a root, by their paths, without those below `except` (NULL: none). */
void objects_add_tree(struct objects *objects, apr_hash_t *names, int mount, const char *except);

/* Adds the names in the pool, by their paths. */
void objects_add_pool(struct objects *objects, apr_hash_t *names);

/* The one of this path; NULL: there is none. */
struct object *objects_find(const struct objects *objects, const char *path);

/* Whether a manifest holds the name. */
bool objects_lists(const struct objects *objects, const char *name);

/* All of them, as an array of struct object *, in the order of their paths. */
apr_array_header_t *objects_sorted(const struct objects *objects);

#endif

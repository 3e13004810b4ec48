/* One run of prepare: what its parts share. */
#ifndef PREPARE_WORK_H
#define PREPARE_WORK_H

#include "compile/kept.h"
#include "compile/watch.h"
#include "prepare/keep.h"
#include "prepare/state.h"
#include "prepare/wish.h"

/* A manifest whose files are kept. */
struct source {
    const struct manifest *manifest;
    const char *name; /* for diagnoses */
    bool found;       /* in a root, not only in the state directory */
};

struct bytes {
    const char *at;
    size_t length;
};

struct work {
    const struct settings *settings;
    bool dry;
    struct htaccess_wish htaccess;
    struct report *report;
    apr_pool_t *pool;
    struct state state;
    const char *real_state;
    struct timespec began;
    const char *real[CATALOG_MOUNTS_MAX];          /* of each static root: without links */
    apr_array_header_t *found[CATALOG_MOUNTS_MAX]; /* of struct kept_manifest */
    apr_hash_t *bytes;                             /* of these manifests: struct bytes by md5 */
    struct watch watch;
    apr_array_header_t *before, *releases; /* of struct kept_release */
    apr_array_header_t *sources;           /* of struct source */
    struct objects objects;
    apr_array_header_t *sorted; /* of struct object * */
    struct keep keep;
    apr_array_header_t *beside; /* where catalogs lie besides (beside.c) */
};

bool work_is_static(const struct work *work, uint32_t mount);

/* How the state directory is reached from a root; NULL: it lies elsewhere. */
const char *work_state_below(const struct work *work, uint32_t mount);

/* One of the sorted objects. */
struct object *work_object(const struct work *work, int index);

#endif

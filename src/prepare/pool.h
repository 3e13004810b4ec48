/* The pool: files under their own paths, added whole or not at all, never written in place. No
 * symbolic link below it is followed. */
#ifndef PREPARE_POOL_H
#define PREPARE_POOL_H

#include "base/replace.h"
#include "prepare/state.h"

#include <apr_hash.h>
#include <apr_pools.h>
#include <stdbool.h>

struct pool {
    int fd;     /* -1: there is none */
    bool links; /* a link will do; else each file is a copy of its own */
    struct replace_access files;
    struct replace_access directories;
    bool no_clone; /* this file system has none: not asked again */
    /* The directory that was used last: names come sorted. */
    char *last;
    int last_fd;
};

/* An object before it has its name. */
struct pool_object {
    int fd;        /* what is in the pool, for reading */
    int directory; /* belongs to the pool */
    const char *name;
    char temporary[REPLACE_NAME];
};

/* Opens the pool of a state directory. It is made when `make` is set, else it may be missing.
 * Returns 0, or -1 with errno. */
int pool_open(struct pool *pool, const struct state *state, bool links, bool make);

void pool_close(struct pool *pool);

/* Every file in it by its path, the hidden ones left out. With `clear`, what a killed process left
 * is removed. */
apr_hash_t *pool_names(const struct pool *pool, bool clear, apr_pool_t *memory);

/* Opens an object for reading. Returns a descriptor that the caller closes, or -1 with errno. */
int pool_open_object(struct pool *pool, const char *path);

/* Puts what `source` holds beside the place of `path`, as a clone, a hard link or a copy, under a
 * temporary name. Returns 0, or -1 with errno. */
int pool_begin(struct pool *pool, struct pool_object *object, int source, const char *path);

/* The same with another time of modification than the source's; NULL: with the source's. The source
 * itself keeps its own: with another one it is never linked. */
int pool_begin_dated(struct pool *pool, struct pool_object *object, int source, const char *path,
                     const struct timespec *modified);

/* Gives it its name, in place of what has it. Returns 0, or -1 with errno; the object is closed in
 * both cases. */
int pool_finish(struct pool_object *object);

/* Removes it. */
void pool_drop(struct pool_object *object);

/* Makes what was added durable. Returns 0, or -1 with errno. */
int pool_sync(const struct pool *pool);

#endif

/* What a compiled catalog was made from, so that a later look can tell whether it still holds: a
 * few stat calls, no reading. */
#ifndef COMPILE_WATCH_H
#define COMPILE_WATCH_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <stdbool.h>
#include <sys/stat.h>

struct watch {
    apr_array_header_t *items;
    apr_pool_t *pool;
};

/* An empty list; everything added lives in `pool`. */
struct watch watch_make(apr_pool_t *pool);

/* Remembers a path and what was seen there before it was read; `seen` is NULL for a path at which
 * there was nothing. */
void watch_add(struct watch *watch, const char *path, const struct stat *seen);

/* Whether anything remembered is not what it was. What had been changed less than a second before
 * it was seen counts as changed once: the clock of the file system may be too coarse to tell. */
bool watch_changed(const struct watch *watch);

#endif

/* What a compiled catalog was made from, so that a later look can tell whether it still holds: a
 * few stat calls, no reading. */
#ifndef COMPILE_WATCH_H
#define COMPILE_WATCH_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

struct watch {
    apr_array_header_t *items;
    time_t expires; /* seconds since 1970 at which everything counts as changed; 0: never */
    apr_pool_t *pool;
};

/* An empty list; everything added lives in `pool`. */
struct watch watch_make(apr_pool_t *pool);

/* Remembers a path and what was seen there before it was read. What `seen` says was not there (its
 * st_nlink is 0) may appear. */
void watch_add(struct watch *watch, const char *path, const struct stat *seen);

/* The same for a place of which only its being the same directory matters, not what lies in it. */
void watch_add_place(struct watch *watch, const char *path, const struct stat *seen);

/* Lets everything count as changed at that time, unless an earlier one is set. */
void watch_expire(struct watch *watch, time_t when);

/* Whether anything remembered is not what it was. What had been changed a moment before it was seen
 * counts as changed once: the clock of the file system may be too coarse to tell. */
bool watch_changed(const struct watch *watch);

#endif

#include "compile/watch.h"

#include <apr_strings.h>

enum {
    YOUNG_SECONDS = 2
};

struct watch_item {
    const char *path;
    bool place; /* only its identity and its mode matter */
    bool young; /* changed just before it was seen */
    struct stat seen;
};

struct watch watch_make(apr_pool_t *pool)
{
    return (struct watch){.items = apr_array_make(pool, 32, sizeof(struct watch_item)),
                          .pool = pool};
}

static struct watch_item *add(struct watch *watch, const char *path, const struct stat *seen)
{
    struct watch_item *item = apr_array_push(watch->items);
    *item = (struct watch_item){.path = apr_pstrdup(watch->pool, path), .seen = *seen};
    return item;
}

void watch_add(struct watch *watch, const char *path, const struct stat *seen)
{
    /* A date well in the future is a wrong clock, not a change. */
    time_t age = time(NULL) - seen->st_mtim.tv_sec;
    add(watch, path, seen)->young = age > -YOUNG_SECONDS && age < YOUNG_SECONDS;
}

void watch_add_place(struct watch *watch, const char *path, const struct stat *seen)
{
    add(watch, path, seen)->place = true;
}

void watch_expire(struct watch *watch, time_t when)
{
    if (watch->expires == 0 || when < watch->expires) {
        watch->expires = when;
    }
}

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* The time of the last change of status tells of chmod too. */
static bool is_same(const struct watch_item *item, const struct stat *now)
{
    const struct stat *seen = &item->seen;
    return seen->st_dev == now->st_dev && seen->st_ino == now->st_ino &&
           seen->st_mode == now->st_mode && seen->st_uid == now->st_uid &&
           seen->st_gid == now->st_gid &&
           (item->place ||
            (seen->st_size == now->st_size && is_same_time(seen->st_mtim, now->st_mtim) &&
             is_same_time(seen->st_ctim, now->st_ctim)));
}

bool watch_changed(const struct watch *watch)
{
    if (watch->expires != 0 && time(NULL) >= watch->expires) {
        return true;
    }
    for (int i = 0; i < watch->items->nelts; i++) {
        const struct watch_item *item = &((const struct watch_item *)watch->items->elts)[i];
        struct stat now;
        bool there = stat(item->path, &now) == 0;
        if (item->young || there != (item->seen.st_nlink > 0) || (there && !is_same(item, &now))) {
            return true;
        }
    }
    return false;
}

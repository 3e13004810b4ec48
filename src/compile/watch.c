#include "compile/watch.h"

#include <apr_strings.h>
#include <time.h>

struct watch_item {
    const char *path;
    bool there;
    bool young; /* changed just before it was seen */
    struct stat seen;
};

struct watch watch_make(apr_pool_t *pool)
{
    return (struct watch){.items = apr_array_make(pool, 32, sizeof(struct watch_item)),
                          .pool = pool};
}

void watch_add(struct watch *watch, const char *path, const struct stat *seen)
{
    struct watch_item *item = apr_array_push(watch->items);
    *item = (struct watch_item){.path = apr_pstrdup(watch->pool, path), .there = seen != NULL};
    if (seen) {
        item->seen = *seen;
        item->young = time(NULL) - seen->st_mtim.tv_sec < 2;
    }
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool watch_changed(const struct watch *watch)
{
    for (int i = 0; i < watch->items->nelts; i++) {
        const struct watch_item *item = &((const struct watch_item *)watch->items->elts)[i];
        struct stat now;
        bool there = stat(item->path, &now) == 0;
        if (item->young || there != item->there || (there && !is_same(&item->seen, &now))) {
            return true;
        }
    }
    return false;
}

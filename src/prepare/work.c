#include "prepare/work.h"

#include "base/place.h"

#include <apr_strings.h>
#include <limits.h>
#include <string.h>

bool work_is_static(const struct work *work, uint32_t mount)
{
    return work->settings->mount[mount].kind == MOUNT_STATIC;
}

const char *work_state_below(const struct work *work, uint32_t mount)
{
    char text[PATH_MAX];
    bool fits = place_relative(work->real_state, work->real[mount], text, sizeof text);
    return fits && strncmp(text, "..", 2) != 0 ? apr_pstrdup(work->pool, text) : NULL;
}

struct object *work_object(const struct work *work, int index)
{
    return ((struct object *const *)(const void *)work->sorted->elts)[index];
}

void work_note_time(struct work *work, struct timespec modified)
{
    struct timespec *newest = &work->keep.newest;
    if (modified.tv_sec > newest->tv_sec ||
        (modified.tv_sec == newest->tv_sec && modified.tv_nsec > newest->tv_nsec)) {
        *newest = modified;
    }
}

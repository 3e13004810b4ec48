#include "prepare/work.h"

#include "base/place.h"

#include <apr_strings.h>
#include <limits.h>

bool work_is_static(const struct work *work, uint32_t mount)
{
    return work->settings->mount[mount].kind == MOUNT_STATIC;
}

const char *work_state_below(const struct work *work, uint32_t mount)
{
    char text[PATH_MAX];
    return place_below(work->real_state, work->real[mount], text, sizeof text)
               ? apr_pstrdup(work->pool, text)
               : NULL;
}

struct object *work_object(const struct work *work, int index)
{
    return ((struct object *const *)(const void *)work->sorted->elts)[index];
}

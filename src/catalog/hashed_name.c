#include "catalog/hashed_name.h"

#include <string.h>

static bool is_hash(struct slice part)
{
    if (part.len != HASHED_NAME_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < part.len; i++) {
        char c = part.at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
    }
    return true;
}

/* Cuts the last part behind a '.' off *name; absent when there is no dot. */
static struct slice cut_last(struct slice *name)
{
    const char *dot = name->len > 0 ? memrchr(name->at, '.', name->len) : NULL;
    if (!dot) {
        return (struct slice){0};
    }
    size_t before = (size_t)(dot - name->at);
    struct slice last = slice_from(*name, before + 1);
    name->len = before;
    return last;
}

struct slice hashed_name_digits(struct slice name)
{
    while (name.len > 0 && memchr(name.at, '/', name.len)) {
        slice_cut(&name, '/');
    }
    struct slice last = cut_last(&name);
    struct slice before = last.at ? cut_last(&name) : (struct slice){0};
    if (before.at && is_hash(before)) {
        return before;
    }
    return last.at && is_hash(last) ? last : (struct slice){0};
}

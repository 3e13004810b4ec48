#include "base/place.h"

#include "base/slice.h"

#include <string.h>

/* Appends a segment behind a slash. */
static bool add_segment(struct slice segment, char *path, size_t *len, size_t size)
{
    if (*len + 1 + segment.len >= size) {
        return false;
    }
    path[(*len)++] = '/';
    memcpy(path + *len, segment.at, segment.len);
    *len += segment.len;
    path[*len] = '\0';
    return true;
}

static bool remove_segment(char *path, size_t *len)
{
    if (*len == 0) {
        return false;
    }
    while (path[--*len] != '/') {
    }
    path[*len] = '\0';
    return true;
}

static bool add_segments(struct slice text, char *path, size_t *len, size_t size)
{
    while (text.at) {
        struct slice segment = slice_cut(&text, '/');
        bool here = segment.len == 0 || slice_equal(segment, slice_of("."));
        bool up = slice_equal(segment, slice_of(".."));
        if (!here && !(up ? remove_segment(path, len) : add_segment(segment, path, len, size))) {
            return false;
        }
    }
    return true;
}

bool place_resolve(struct slice text, const char *base, char *path, size_t size)
{
    size_t len = 0;
    if (size < 2) {
        return false;
    }
    path[0] = '\0';
    if ((!slice_starts(text, slice_of("/")) && !add_segments(slice_of(base), path, &len, size)) ||
        !add_segments(text, path, &len, size)) {
        return false;
    }
    if (len == 0) {
        strcpy(path, "/");
    }
    return true;
}

/* The length of the longest beginning of whole segments that both have. */
static size_t common_length(const char *a, const char *b)
{
    size_t i = 0, common = 0;
    for (; a[i] && a[i] == b[i]; i++) {
        common = a[i] == '/' ? i : common;
    }
    bool whole = (a[i] == '\0' || a[i] == '/') && (b[i] == '\0' || b[i] == '/');
    return whole ? i : common;
}

bool place_relative(const char *path, const char *base, char *text, size_t size)
{
    size_t common = common_length(path, base), len = 0;
    for (const char *rest = base + common; *rest; rest++) {
        if (rest[0] == '/' && rest[1] != '\0') {
            if (!add_segment(slice_of(".."), text, &len, size)) {
                return false;
            }
        }
    }
    const char *rest = path + common;
    rest += *rest == '/';
    if ((*rest && !add_segment(slice_of(rest), text, &len, size)) || size < 2) {
        return false;
    }
    if (len == 0) {
        strcpy(text, ".");
    } else {
        memmove(text, text + 1, len); /* without the slash that came first */
    }
    return true;
}

bool place_below(const char *path, const char *base, char *text, size_t size)
{
    return place_relative(path, base, text, size) && strcmp(text, "..") != 0 &&
           strncmp(text, "../", 3) != 0;
}

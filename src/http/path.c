#include "http/path.h"

#include <stdio.h>
#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
        return (c | 0x20) - 'a' + 10;
    }
    return -1;
}

/* Absolute-form (RFC 9112 3.2.2) does arrive; what stands before its path is not ours to judge. */
static struct slice without_authority(struct slice target)
{
    struct slice rest = target;
    struct slice scheme = slice_cut(&rest, ':');
    if (!rest.at || scheme.len == 0 || memchr(scheme.at, '/', scheme.len) ||
        !slice_starts(rest, slice_of("//"))) {
        return target;
    }
    const char *slash = memchr(rest.at + 2, '/', rest.len - 2);
    return slash ? slice_from(rest, (size_t)(slash - rest.at)) : slice_of("/");
}

static enum path_verdict decode(struct slice raw, struct path *path)
{
    path->len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.at[i];
        if (c == '%') {
            int high = i + 2 < raw.len ? hex_value(raw.at[i + 1]) : -1;
            int low = i + 2 < raw.len ? hex_value(raw.at[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return PATH_MALFORMED;
            }
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (slice_has_control((struct slice){&c, 1})) {
            return PATH_MALFORMED;
        }
        if (path->len + 1 >= PATH_SIZE) {
            return PATH_TOO_LONG;
        }
        path->text[path->len++] = c;
    }
    return PATH_OK;
}

static size_t without_last_segment(const char *text, size_t len)
{
    while (len > 0 && text[len - 1] != '/') {
        len--;
    }
    return len > 0 ? len - 1 : 0;
}

/* Drops empty and `.` segments and resolves `..`, in place: the result is never longer. */
static enum path_verdict normalize(struct path *path)
{
    struct slice rest = slice_from((struct slice){path->text, path->len}, 1);
    size_t len = 0;
    path->directory = false;
    while (rest.at) {
        struct slice segment = slice_cut(&rest, '/');
        path->directory = true;
        if (segment.len == 0 || slice_equal(segment, slice_of("."))) {
            continue;
        }
        if (slice_equal(segment, slice_of(".."))) {
            if (len == 0) {
                return PATH_OUTSIDE;
            }
            len = without_last_segment(path->text, len);
            continue;
        }
        path->directory = false;
        path->text[len++] = '/';
        memmove(path->text + len, segment.at, segment.len);
        len += segment.len;
    }
    if (len == 0 || path->directory) {
        path->text[len++] = '/';
    }
    path->text[len] = '\0';
    path->len = len;
    return PATH_OK;
}

enum path_verdict path_resolve(struct slice target, struct path *path)
{
    struct slice raw = without_authority(slice_cut(&target, '?'));
    if (raw.len == 0 || raw.at[0] != '/') {
        return PATH_MALFORMED;
    }
    enum path_verdict verdict = decode(raw, path);
    return verdict == PATH_OK ? normalize(path) : verdict;
}

enum path_verdict path_resolve_decoded(struct slice decoded, struct path *path)
{
    if (decoded.len >= PATH_SIZE) {
        return PATH_TOO_LONG;
    }
    if (decoded.len == 0 || decoded.at[0] != '/') {
        return PATH_MALFORMED;
    }
    if (slice_has_control(decoded)) {
        return PATH_MALFORMED;
    }
    memcpy(path->text, decoded.at, decoded.len);
    path->len = decoded.len;
    return normalize(path);
}

bool path_read_prefix(const char *value, struct path *path)
{
    char rooted[PATH_SIZE];
    const char *authority = strstr(value, "//");
    bool absolute = authority && (authority == value || authority[-1] == ':');
    const char *slash = absolute ? strchr(authority + 2, '/') : NULL;
    const char *from = !absolute ? value : slash ? slash : "/";
    int len = snprintf(rooted, sizeof rooted, "%s%s%s", from[0] == '/' ? "" : "/", from,
                       !from[0] || from[strlen(from) - 1] == '/' ? "" : "/");
    return len > 0 && (size_t)len < sizeof rooted && !strpbrk(rooted, "?#\\ ") &&
           !strstr(rooted, "//") && !strstr(rooted, "..") &&
           path_resolve(slice_of(rooted), path) == PATH_OK;
}

bool path_is_plain(struct slice name)
{
    if (name.len == 0 || name.len >= PATH_SIZE || slice_has_control(name)) {
        return false;
    }
    for (struct slice rest = name; rest.at;) {
        struct slice segment = slice_cut(&rest, '/');
        if (segment.len == 0 || slice_equal(segment, slice_of(".")) ||
            slice_equal(segment, slice_of(".."))) {
            return false;
        }
    }
    return true;
}

bool path_is_hidden(struct slice name)
{
    for (struct slice rest = name; rest.at;) {
        if (slice_starts(slice_cut(&rest, '/'), slice_of("."))) {
            return true;
        }
    }
    return false;
}

#include "catalog/glob.h"

#include "http/path.h"

#include <ctype.h>
#include <string.h>

/* ---- a set: [a-z], [!a-z], [[:digit:]] ---- */

static bool is_of_class(struct slice name, unsigned char c)
{
    static const struct {
        const char *name;
        int (*has)(int);
    } classes[] = {{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank},
                   {"cntrl", iscntrl}, {"digit", isdigit}, {"graph", isgraph},
                   {"lower", islower}, {"print", isprint}, {"punct", ispunct},
                   {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit}};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (slice_equal(name, slice_of(classes[i].name))) {
            return classes[i].has(c) != 0;
        }
    }
    return false;
}

/* The length of "[:name:]" at the beginning, 0 when there is none. */
static size_t class_length(struct slice rest)
{
    const char *end = slice_starts(rest, slice_of("[:")) && rest.len > 2
                          ? memmem(rest.at + 2, rest.len - 2, ":]", 2)
                          : NULL;
    return end ? (size_t)(end - rest.at) + 2 : 0;
}

/* A byte of a set, behind its backslash if it has one; *rest goes on behind it. */
static bool take_byte(struct slice *rest, unsigned char *byte)
{
    *rest = slice_from(*rest, rest->len > 1 && rest->at[0] == '\\' ? 1 : 0);
    if (rest->len == 0) {
        return false;
    }
    *byte = (unsigned char)rest->at[0];
    *rest = slice_from(*rest, 1);
    return true;
}

/* A byte, a range or a class of a set. */
static bool take_item(struct slice *rest, unsigned char c, bool *found)
{
    unsigned char first, last;
    size_t length = class_length(*rest);
    if (length > 0) {
        *found |= is_of_class((struct slice){rest->at + 2, length - 4}, c);
        *rest = slice_from(*rest, length);
        return true;
    }
    if (!take_byte(rest, &first)) {
        return false;
    }
    last = first;
    if (rest->len > 1 && rest->at[0] == '-' && rest->at[1] != ']') {
        *rest = slice_from(*rest, 1);
        if (!take_byte(rest, &last)) {
            return false;
        }
    }
    *found |= first <= c && c <= last;
    return true;
}

/* The length of the set that the glob begins with, 0 when it is not closed; *matches: whether a
 * byte belongs to it. */
static size_t read_set(struct slice glob, unsigned char c, bool *matches)
{
    bool found = false, first = true;
    struct slice rest = slice_from(glob, 1);
    bool negated = rest.len > 0 && (rest.at[0] == '!' || rest.at[0] == '^');
    rest = slice_from(rest, negated ? 1 : 0);
    while (rest.len > 0 && (first || rest.at[0] != ']')) {
        first = false;
        if (!take_item(&rest, c, &found)) {
            return 0;
        }
    }
    *matches = found != negated;
    return rest.len > 0 ? glob.len - rest.len + 1 : 0;
}

/* ---- the whole glob ---- */

/* The length of the element of the glob that matches one byte, 0 when it does not. */
static size_t match_byte(struct slice glob, char c)
{
    bool matches = false;
    size_t length = 1;
    switch (glob.at[0]) {
    case '?':
        return c != '/' ? 1 : 0;
    case '[':
        length = read_set(glob, (unsigned char)c, &matches);
        if (length > 0) {
            return matches && c != '/' ? length : 0;
        }
        return c == '[' ? 1 : 0;
    case '\\':
        return glob.len > 1 && glob.at[1] == c ? 2 : 0;
    default:
        return glob.at[0] == c ? length : 0;
    }
}

/* Only the last star is ever tried again: an earlier one that took more would have to take a byte
 * that it has already been tried without. So a long name stays cheap. */
bool glob_matches_path(struct slice glob, struct slice path)
{
    struct slice behind_star = {0}, mark = {0};
    while (path.len > 0) {
        size_t length = glob.len > 0 && glob.at[0] != '*' ? match_byte(glob, path.at[0]) : 0;
        if (glob.len > 0 && glob.at[0] == '*') {
            glob = behind_star = slice_from(glob, 1);
            mark = path;
        } else if (length > 0) {
            glob = slice_from(glob, length);
            path = slice_from(path, 1);
        } else if (mark.len > 0 && mark.at[0] != '/') {
            path = mark = slice_from(mark, 1);
            glob = behind_star;
        } else {
            return false;
        }
    }
    while (glob.len > 0 && glob.at[0] == '*') {
        glob = slice_from(glob, 1);
    }
    return glob.len == 0;
}

bool glob_matches(struct slice glob, struct slice name)
{
    bool whole = glob.len > 0 && memchr(glob.at, '/', glob.len);
    return glob.len > 0 && glob.len < PATH_SIZE && name.len < PATH_SIZE &&
           glob_matches_path(glob, whole ? name : slice_behind_last(name, '/'));
}

bool glob_list_matches(struct slice list, struct slice name)
{
    while (list.at) {
        if (glob_matches(slice_cut(&list, ':'), name)) {
            return true;
        }
    }
    return false;
}

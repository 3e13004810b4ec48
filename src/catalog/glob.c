#include "catalog/glob.h"

#include "http/path.h"

#include <fnmatch.h>
#include <string.h>

bool glob_matches(struct slice glob, struct slice name)
{
    char pattern[PATH_SIZE], text[PATH_SIZE];
    if (glob.len == 0 || !slice_copy(glob, pattern, sizeof pattern) ||
        !slice_copy(name, text, sizeof text)) {
        return false;
    }
    const char *last = strrchr(text, '/');
    return fnmatch(pattern, last && !strchr(pattern, '/') ? last + 1 : text, FNM_PATHNAME) == 0;
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

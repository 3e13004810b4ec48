#include "http/etag.h"

#include <string.h>

struct etag {
    bool weak;
    struct slice quoted;
};

static bool is_etag_byte(char c)
{
    return c == 0x21 || ((unsigned char)c >= 0x23 && c != 0x7f);
}

/* Takes one entity tag off the front of *list. */
static bool take_etag(struct slice *list, struct etag *etag)
{
    struct slice rest = *list;
    etag->weak = slice_starts(rest, slice_of("W/"));
    if (etag->weak) {
        rest = slice_from(rest, 2);
    }
    if (rest.len < 2 || rest.at[0] != '"') {
        return false;
    }
    size_t end = 1;
    while (end < rest.len && is_etag_byte(rest.at[end])) {
        end++;
    }
    if (end == rest.len || rest.at[end] != '"') {
        return false;
    }
    etag->quoted = (struct slice){rest.at, end + 1};
    *list = slice_from(rest, end + 1);
    return true;
}

/* Whether `sent` is `tag` with a suffix of mod_deflate or mod_brotli inside the closing quote. */
static bool equals_with_suffix(struct slice sent, struct slice tag)
{
    struct slice bare = {tag.at, tag.len - 1};
    struct slice rest = slice_from(sent, bare.len);
    return slice_starts(sent, bare) &&
           (slice_equal(rest, slice_of("-gzip\"")) || slice_equal(rest, slice_of("-br\"")));
}

static bool etag_matches(const struct etag *sent, struct slice tag, enum etag_comparison comparison)
{
    if (comparison == ETAG_STRONG) {
        return !sent->weak && slice_equal(sent->quoted, tag);
    }
    return slice_equal(sent->quoted, tag) || (tag.len > 1 && equals_with_suffix(sent->quoted, tag));
}

enum etag_verdict etag_find(struct slice list, struct slice tag, enum etag_comparison comparison)
{
    bool found = false;
    size_t count = 0;
    list = slice_trim(list);
    if (slice_equal(list, slice_of("*"))) {
        return ETAG_ANY;
    }
    while (list.len > 0) {
        struct etag sent;
        if (list.at[0] == ',') { /* empty elements are legal (RFC 9110 5.6.1.2) */
            list = slice_trim(slice_from(list, 1));
            continue;
        }
        if (!take_etag(&list, &sent)) {
            return ETAG_INVALID;
        }
        found = found || etag_matches(&sent, tag, comparison);
        count++;
        list = slice_trim(list);
        if (list.len > 0 && list.at[0] != ',') {
            return ETAG_INVALID;
        }
    }
    return found ? ETAG_MATCH : count > 0 ? ETAG_NO_MATCH : ETAG_INVALID;
}

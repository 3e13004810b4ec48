/* Conditional requests (RFC 9110 13), evaluated in the order of section 13.2.2. */
#ifndef HTTP_CONDITION_H
#define HTTP_CONDITION_H

#include "base/slice.h"

#include <stdint.h>

/* The header fields as sent; absent slices where they were not. */
struct conditions {
    struct slice if_match;
    struct slice if_unmodified_since;
    struct slice if_none_match;
    struct slice if_modified_since;
    struct slice if_range;
};

/* The validators of the selected representation. */
struct validators {
    struct slice etag; /* strong, with quotes */
    bool dated;        /* whether Last-Modified is sent */
    int64_t modified;  /* seconds since 1970 */
};

enum condition_verdict {
    CONDITION_NONE,         /* go on */
    CONDITION_NOT_MODIFIED, /* 304 */
    CONDITION_FAILED,       /* 412 */
};

/* For GET and HEAD. `now` is the time of the answer in seconds since 1970. */
enum condition_verdict condition_judge(const struct conditions *sent, const struct validators *ours,
                                       int64_t now);

/* Whether the Range field counts (RFC 9110 13.1.5): If-Range is absent, or it names this very
 * representation by a strong tag or by its exact date. */
bool condition_range_counts(const struct conditions *sent, const struct validators *ours,
                            int64_t now);

#endif

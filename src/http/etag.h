/* Entity tags (RFC 9110 8.8.3) and the lists of them in If-Match and If-None-Match. */
#ifndef HTTP_ETAG_H
#define HTTP_ETAG_H

#include "base/slice.h"

enum etag_comparison {
    ETAG_STRONG, /* If-Match, If-Range: a weak tag never matches (RFC 9110 8.8.3.2) */
    ETAG_WEAK,   /* If-None-Match; a tag to which Apache has added -gzip or -br still matches */
};

enum etag_verdict {
    ETAG_NO_MATCH,
    ETAG_MATCH,
    ETAG_ANY,     /* the list is "*" */
    ETAG_INVALID, /* not a list of entity tags: to be ignored */
};

/* Looks for `tag` (a strong one, with its quotes) in the list of a header field. */
enum etag_verdict etag_find(struct slice list, struct slice tag, enum etag_comparison comparison);

#endif

/* Everything that the steps of answer.c find out on the way to an answer. For answer.c and what it
 * is divided into: fields.c and hand_back.c. */
#ifndef SERVE_STORY_H
#define SERVE_STORY_H

#include "http/method.h"
#include "http/range.h"
#include "serve/answer.h"
#include "serve/resource.h"
#include "serve/trace.h"

enum {
    TAG_SIZE = 64
};

struct story {
    const struct site *site;
    const struct request *request;
    int64_t now;
    struct answer *answer;
    struct trace *trace; /* NULL: nobody listens */
    enum method method;
    uint32_t mount;
    struct slice name; /* below the mount */
    struct catalog_mount policy;
    bool redirects; /* the target only stands for what `name` is */
    enum coding coding;
    char tag[TAG_SIZE];
    struct validators validators;
    enum range_verdict range_verdict;
    struct range_set ranges;
    struct resource resource;
    char
        index_name[PATH_SIZE]; /* the name of an index file, when `name` is one that was not sent */
};

/* The copy that the client is to get. */
static inline const struct copy *story_copy(const struct story *story)
{
    return &story->resource.copy[story->coding];
}

#endif

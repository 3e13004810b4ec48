/* Byte ranges (RFC 9110 14). */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include "base/slice.h"

#include <stdint.h>

enum {
    RANGE_PARTS_MAX = 16, /* of one answer; who wants more gets everything (RFC 9110 17.15) */
    RANGE_TEXT_SIZE = 80, /* the longest Content-Range takes 69, with its NUL */
};

struct range {
    uint64_t first;  /* offset of the first byte */
    uint64_t length; /* in bytes, at least 1 */
};

/* No two parts overlap; they stand in the order in which they were asked for. */
struct range_set {
    unsigned count;
    struct range part[RANGE_PARTS_MAX];
};

enum range_verdict {
    RANGE_WHOLE,         /* no Range, another unit, not well-formed, too many parts: everything */
    RANGE_PARTS,         /* 206: one part or several, in *set */
    RANGE_UNSATISFIABLE, /* 416 */
};

/* Reads a Range field for a representation of `size` bytes. Parts that overlap become one, in the
 * place of the earliest of them; parts that only touch stay two (RFC 9110 14.2, 15.3.7.2). What
 * lies beyond the end is dropped. set->count is 0 unless the verdict is RANGE_PARTS. */
enum range_verdict range_parse(struct slice field, uint64_t size, struct range_set *set);

/* Writes the value of Content-Range (RFC 9110 14.4): "bytes 0-9/100". When `range` is NULL it is
 * the one of a 416, with an asterisk where the positions stand. */
void range_write(const struct range *range, uint64_t size, char text[RANGE_TEXT_SIZE]);

/* Whether a field is so ordinary that every server reads it alike: "bytes=", one range, no spaces,
 * no number of more than 18 digits. */
bool range_is_ordinary(struct slice field);

#endif

/* Byte ranges (RFC 9110 14). */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include "base/slice.h"

#include <stdint.h>

struct range {
    uint64_t first;  /* offset of the first byte */
    uint64_t length; /* in bytes, at least 1 */
};

enum range_verdict {
    RANGE_WHOLE,         /* no Range, another unit, not well-formed: answer with everything */
    RANGE_ONE,           /* one part, in *range */
    RANGE_SEVERAL,       /* more than one satisfiable part */
    RANGE_UNSATISFIABLE, /* 416 */
};

/* Reads a Range field for a representation of `size` bytes. */
enum range_verdict range_parse(struct slice field, uint64_t size, struct range *range);

/* Whether a field is so ordinary that every server reads it alike: "bytes=", one range, no spaces,
 * no number of more than 18 digits. */
bool range_is_ordinary(struct slice field);

#endif

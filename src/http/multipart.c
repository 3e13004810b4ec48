#include "http/multipart.h"

#include "http/head.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

bool multipart_make(struct multipart *multipart, const struct range_set *ranges, uint64_t size,
                    struct slice type, uint64_t seed)
{
    multipart->ranges = *ranges;
    multipart->size = size;
    snprintf(multipart->boundary, sizeof multipart->boundary, "%016" PRIx64, seed);
    /* A line break in the type would end the header of the part. */
    return head_is_value(type) && slice_copy(type, multipart->type, sizeof multipart->type);
}

size_t multipart_delimiter(const struct multipart *multipart, unsigned part,
                           char text[MULTIPART_TEXT_SIZE])
{
    const struct range_set *ranges = &multipart->ranges;
    /* The line break before a delimiter belongs to it, not to the part (RFC 2046 5.1.1). */
    const char *line_break = part == 0 ? "" : "\r\n";
    char content_range[RANGE_TEXT_SIZE];
    if (part > ranges->count) {
        abort();
    }
    if (part == ranges->count) {
        return (size_t)snprintf(text, MULTIPART_TEXT_SIZE, "%s--%s--\r\n", line_break,
                                multipart->boundary);
    }
    range_write(&ranges->part[part], multipart->size, content_range);
    return (size_t)snprintf(text, MULTIPART_TEXT_SIZE,
                            "%s--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n", line_break,
                            multipart->boundary, multipart->type, content_range);
}

uint64_t multipart_length(const struct multipart *multipart)
{
    char text[MULTIPART_TEXT_SIZE];
    unsigned count = multipart->ranges.count;
    uint64_t length = multipart_delimiter(multipart, count, text);
    for (unsigned part = 0; part < count; part++) {
        length += multipart_delimiter(multipart, part, text) + multipart->ranges.part[part].length;
    }
    return length;
}

void multipart_content_type(const struct multipart *multipart, char text[MULTIPART_TEXT_SIZE])
{
    snprintf(text, MULTIPART_TEXT_SIZE, "multipart/byteranges; boundary=%s", multipart->boundary);
}

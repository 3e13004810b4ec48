/* multipart/byteranges: the body of a 206 with several parts (RFC 9110 14.6, 15.3.7.2; RFC 2046
 * 5.1.1). The body is, for each part in turn, its delimiter and the bytes of its range, and then
 * the closing delimiter. */
#ifndef HTTP_MULTIPART_H
#define HTTP_MULTIPART_H

#include "http/range.h"

enum {
    MULTIPART_TYPE_SIZE = 256,
    MULTIPART_TEXT_SIZE = 512, /* the longest delimiter takes 381, with its NUL */
    MULTIPART_BOUNDARY_SIZE = 17,
};

struct multipart {
    struct range_set ranges;
    uint64_t size; /* of the whole representation, in bytes */
    char type[MULTIPART_TYPE_SIZE];
    char boundary[MULTIPART_BOUNDARY_SIZE];
};

/* Takes what the delimiters are made of. `type` is the Content-Type that a 200 would have. The
 * boundary is `seed` in 16 hexadecimal digits: it must not occur in the file, so who wrote the file
 * must not have been able to foresee it. False when the type does not fit or is no field value;
 * then *multipart is not to be used. */
bool multipart_make(struct multipart *multipart, const struct range_set *ranges, uint64_t size,
                    struct slice type, uint64_t seed);

/* Writes what stands before part number `part`, the fields of the part included; the closing
 * delimiter for part == ranges.count, beyond which no part may be asked for. Returns its length
 * without the NUL. */
size_t multipart_delimiter(const struct multipart *multipart, unsigned part,
                           char text[MULTIPART_TEXT_SIZE]);

/* The length of the whole body in bytes. No file is so large that it overflows: off_t has 63 bits.
 */
uint64_t multipart_length(const struct multipart *multipart);

/* Writes the Content-Type of the 206. The parts carry that of the representation. */
void multipart_content_type(const struct multipart *multipart, char text[MULTIPART_TEXT_SIZE]);

#endif

/* Whether a compressed copy decodes to its source, read piece by piece in bounded memory. */
#ifndef PREPARE_DECODE_H
#define PREPARE_DECODE_H

#include "base/md5.h"
#include "http/coding.h"

enum decode_verdict {
    DECODE_WHOLE,
    DECODE_FAILED,    /* it cannot be read: errno */
    DECODE_NO_MEMORY, /* of this machine, not a fault of the file */
    DECODE_DAMAGED,   /* is not of its coding, or damaged */
    DECODE_CUT,       /* ends too early */
    DECODE_GARBAGE,   /* goes on behind the end of what clients decode */
    DECODE_LARGER,    /* decodes to more than `limit` bytes */
    DECODE_WINDOW,    /* zstd: needs a window over 8 MiB, which browsers refuse (RFC 9659) */
    DECODE_DICTIONARY /* zstd: needs a dictionary, which nobody has */
};

/* Decodes a file from its first byte to its last; `hex` becomes the md5 of what comes out, when the
 * verdict is DECODE_WHOLE. Decoding ends as soon as more than `limit` bytes have come out. Exactly
 * one gzip member and one zstd frame are taken: not every client goes on behind the first. */
enum decode_verdict decode_file(enum coding coding, int fd, uint64_t limit, char hex[MD5_HEX + 1]);

/* What a verdict says about a file, as "is cut off". */
const char *decode_says(enum decode_verdict verdict);

#endif

/* The bytes behind the head of an answer: a file, a range of it, or several with delimiters between
 * them. A value that can be moved from where it was decided to where it is sent. */
#ifndef SERVE_BODY_H
#define SERVE_BODY_H

#include "base/error.h"
#include "http/multipart.h"

#include <sys/types.h>

struct body {
    int fd;                        /* of the file; -1: there is no body */
    uint64_t length;               /* bytes that are left, delimiters included */
    uint64_t offset;               /* of the next byte in the file */
    uint64_t left;                 /* bytes of the file up to the next delimiter, or the end */
    const struct multipart *parts; /* NULL: one piece. Not owned */
    unsigned part;                 /* the delimiter that comes next */
    size_t written;                /* bytes of it that have been read already */
};

/* One piece of a file. The descriptor belongs to whoever holds the body. */
struct body body_of_range(int fd, const struct range *range);

/* Several pieces with their delimiters; *parts must live as long as the body. */
struct body body_of_parts(int fd, const struct multipart *parts);

/* Reads the next bytes and moves on. Returns their number, 0 at the end, or -1 with *fault when the
 * file ends early or cannot be read. Then the body stays shorter than the length that was
 * announced, so the client knows; nothing may be put in its place. */
ssize_t body_read(struct body *body, char *buffer, size_t size, struct error *fault);

#endif

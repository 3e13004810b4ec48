#include "serve/body.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct body body_of_range(int fd, const struct range *range)
{
    return (struct body){
        .fd = fd, .length = range->length, .offset = range->first, .left = range->length};
}

struct body body_of_parts(int fd, const struct multipart *parts)
{
    return (struct body){.fd = fd, .length = multipart_length(parts), .parts = parts};
}

static ssize_t read_file(struct body *body, char *buffer, size_t size, struct error *fault)
{
    size_t wanted = body->left < size ? (size_t)body->left : size;
    ssize_t got;
    do {
        got = pread(body->fd, buffer, wanted, (off_t)body->offset);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        return error_set(fault, HB_FILE_SHRANK, "a file %s while it was sent",
                         got == 0 ? "became shorter" : "could not be read");
    }
    body->offset += (uint64_t)got;
    body->left -= (uint64_t)got;
    return got;
}

static ssize_t read_delimiter(struct body *body, char *buffer, size_t size)
{
    char text[MULTIPART_TEXT_SIZE];
    size_t len = multipart_delimiter(body->parts, body->part, text) - body->written;
    size_t taken = len < size ? len : size;
    memcpy(buffer, text + body->written, taken);
    body->written += taken;
    if (taken == len) {
        if (body->part < body->parts->ranges.count) {
            body->offset = body->parts->ranges.part[body->part].first;
            body->left = body->parts->ranges.part[body->part].length;
        }
        body->part++;
        body->written = 0;
    }
    return (ssize_t)taken;
}

ssize_t body_read(struct body *body, char *buffer, size_t size, struct error *fault)
{
    size_t got = 0;
    while (got < size && body->length > 0) {
        ssize_t n = body->left > 0 ? read_file(body, buffer + got, size - got, fault)
                                   : read_delimiter(body, buffer + got, size - got);
        if (n < 0) {
            return -1;
        }
        got += (size_t)n;
        body->length -= (uint64_t)n;
    }
    return (ssize_t)got;
}

#include "serve/deliver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t write_head(const struct answer *answer, char *buffer, size_t size)
{
    struct slice line = answer_status_line(answer->status);
    int len = snprintf(buffer, size, "Status: %.*s\r\n%.*s\r\n%.*s%s", (int)line.len, line.at,
                       (int)answer->head.len, answer->head.text, (int)answer->text.len,
                       answer->text.at ? answer->text.at : "", answer->text.at ? "\n" : "");
    return len > 0 ? (size_t)len : 0;
}

size_t deliver_begin(struct answer *answer, char *buffer, size_t size)
{
    size_t len = write_head(answer, buffer, size);
    ssize_t got = answer->fd >= 0 ? deliver_read(answer, buffer + len, size - len) : 0;
    if (got >= 0) {
        return len + (size_t)got;
    }
    answer_make_unavailable(answer);
    return write_head(answer, buffer, size);
}

ssize_t deliver_read(struct answer *answer, char *buffer, size_t size)
{
    size_t wanted = answer->length < size ? (size_t)answer->length : size;
    size_t got = 0;
    while (got < wanted) {
        ssize_t n = pread(answer->fd, buffer + got, wanted - got, (off_t)(answer->offset + got));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return error_set(&answer->fault, HB_FILE_SHRANK, "a file %s while it was sent",
                             n == 0 ? "became shorter" : "could not be read");
        }
        got += (size_t)n;
    }
    answer->offset += got;
    answer->length -= got;
    return (ssize_t)got;
}

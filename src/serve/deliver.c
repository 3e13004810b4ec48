#include "serve/deliver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

size_t deliver_head(const struct answer *answer, char buffer[DELIVER_HEAD_SIZE])
{
    struct slice line = answer_status_line(answer->status);
    int len = snprintf(buffer, DELIVER_HEAD_SIZE, "Status: %.*s\r\n%.*s\r\n%.*s%s", (int)line.len,
                       line.at, (int)answer->head.len, answer->head.text, (int)answer->text.len,
                       answer->text.at ? answer->text.at : "", answer->text.at ? "\n" : "");
    return len > 0 ? (size_t)len : 0;
}

ssize_t deliver_read(struct answer *answer, void *buffer, size_t size)
{
    size_t wanted = answer->length < size ? (size_t)answer->length : size;
    size_t got = 0;
    while (got < wanted) {
        ssize_t n =
            pread(answer->fd, (char *)buffer + got, wanted - got, (off_t)(answer->offset + got));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return error_set(&answer->fault, HB_FILE_SHRANK,
                             "a file %s while it was sent: the connection is broken off",
                             n == 0 ? "became shorter" : "could not be read");
        }
        got += (size_t)n;
    }
    answer->offset += got;
    answer->length -= got;
    return (ssize_t)got;
}

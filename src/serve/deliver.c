#include "serve/deliver.h"

#include <stdio.h>
#include <string.h>

static size_t write_head(const struct answer *answer, char *buffer, size_t size)
{
    struct slice line = answer_status_line(answer->status);
    bool redirect = answer->delivery == DELIVERY_LOCAL_REDIRECT;
    int len = snprintf(buffer, size, "%s%.*s%s%.*s\r\n%.*s%s",
                       redirect ? "" : "Status: ", redirect ? 0 : (int)line.len, line.at,
                       redirect ? "" : "\r\n", (int)answer->head.len, answer->head.text,
                       (int)answer->text.len, answer->text.at ? answer->text.at : "",
                       answer->text.at ? "\n" : "");
    return len > 0 ? (size_t)len : 0;
}

size_t deliver_begin(struct answer *answer, char *buffer, size_t size)
{
    size_t len = write_head(answer, buffer, size);
    ssize_t got = answer->body.fd >= 0
                      ? body_read(&answer->body, buffer + len, size - len, &answer->fault)
                      : 0;
    if (got >= 0) {
        return len + (size_t)got;
    }
    answer_make_unavailable(answer);
    return write_head(answer, buffer, size);
}

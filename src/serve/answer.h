/* The answer to a request, as a value: decided completely before a byte of it is written. */
#ifndef SERVE_ANSWER_H
#define SERVE_ANSWER_H

#include "base/error.h"
#include "http/head.h"
#include "serve/request.h"
#include "serve/site.h"

struct answer {
    int status;       /* RFC 9110 15 */
    struct head head; /* every header field but Status */
    struct slice
        text;        /* the body of an error, a line without its newline; absent: none, or a file */
    int fd;          /* the file whose bytes are the body; -1: none. Owned: answer_close */
    uint64_t offset; /* of the body in the file */
    uint64_t length; /* of the body in bytes */
    struct error fault; /* what the operator should hear; number 0: nothing */
};

/* Decides the answer. A NULL site is answered 503: the settings are bad. `now` is in seconds since
 * 1970. The caller ends with answer_close. */
void answer_make(struct answer *answer, const struct site *site, const struct request *request,
                 int64_t now);

/* Makes it a 503 instead, while nothing of it has been written: its file turned out not to be
 * whole. The fault stays. */
void answer_make_unavailable(struct answer *answer);

void answer_close(struct answer *answer);

/* "404 Not Found" for a status that answer_make gives (RFC 9110 15). */
struct slice answer_status_line(int status);

#endif

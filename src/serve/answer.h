/* The answer to a request, as a value: decided completely before a byte of it is written. */
#ifndef SERVE_ANSWER_H
#define SERVE_ANSWER_H

#include "base/error.h"
#include "http/head.h"
#include "serve/body.h"
#include "serve/request.h"
#include "serve/site.h"
#include "serve/trace.h"

struct answer {
    int status;             /* RFC 9110 15 */
    enum delivery delivery; /* who sends the bytes of the file */
    struct slice text;      /* the body of an error, a line without its newline; absent: none */
    struct body body;       /* the bytes of a file. Its descriptor is owned: answer_close */
    struct multipart parts; /* what the body's delimiters are made of; it points here, so that an
                             * answer stays where it was made */
    struct error fault;     /* what the operator should hear; number 0: nothing */
    struct head head;       /* every header field but Status */
};

/* Decides the answer. A NULL site is answered 503: the settings are bad. `now` is in seconds since
 * 1970. The caller ends with answer_close. */
void answer_make(struct answer *answer, const struct site *site, const struct request *request,
                 int64_t now);

/* The same, and tells the steps to `trace`, which may be NULL. */
void answer_explain(struct answer *answer, const struct site *site, const struct request *request,
                    int64_t now, struct trace *trace);

/* Makes it a 503 instead, while nothing of it has been written: its file turned out not to be
 * whole. The fault stays. */
void answer_make_unavailable(struct answer *answer);

void answer_close(struct answer *answer);

/* "404 Not Found" for a status that answer_make gives (RFC 9110 15). */
struct slice answer_status_line(int status);

#endif

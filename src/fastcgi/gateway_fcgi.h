/* The FastCGI gateway: the request that waits on a connection becomes its answer's first record. */
#ifndef FASTCGI_GATEWAY_FCGI_H
#define FASTCGI_GATEWAY_FCGI_H

#include "fastcgi/record.h"
#include "serve/answer.h"

#include <sys/types.h>

enum {
    GATEWAY_FCGI_BUFFER = 2 * RECORD_HEADER + 1024 + RECORD_CONTENT_MAX + RECORD_END
};

/* What is left to do after gateway_fcgi_answer. */
struct gateway_fcgi_rest {
    unsigned request_id;
    bool keep;       /* FCGI_KEEP_CONN was set */
    int file;        /* the file that the body goes on with, or -1. The caller closes it */
    uint64_t offset; /* bytes */
    uint64_t length; /* bytes that are not in the buffer yet */
};

/* Takes the request off `fd` (judged whole by peek_judge), decides the answer and writes its
 * records into `buffer`: a diagnosis for the server's log when one is due, the head, and the
 * beginning of the body; all of it and the end of the request when it fits. Returns the number of
 * bytes, 0 when the connection was of no use: libfcgi has closed it; -1 when the answer cannot be
 * kept. */
ssize_t gateway_fcgi_answer(int fd, bool body, const struct site_source *source,
                            unsigned char buffer[GATEWAY_FCGI_BUFFER],
                            struct gateway_fcgi_rest *rest);

/* Writes the next record of the body into `buffer`, and the end of the request behind the last one.
 * Returns the number of bytes, or -1 when the file ended early: the connection must be broken off.
 */
ssize_t gateway_fcgi_continue(struct gateway_fcgi_rest *rest,
                              unsigned char buffer[GATEWAY_FCGI_BUFFER]);

#endif

/* The FastCGI gateway: the request that waits on a connection becomes its answer's first record. */
#ifndef FASTCGI_GATEWAY_FCGI_H
#define FASTCGI_GATEWAY_FCGI_H

#include "fastcgi/record.h"
#include "serve/answer.h"

enum {
    GATEWAY_FCGI_BUFFER = 2 * RECORD_HEADER + 1024 + RECORD_CONTENT_MAX + RECORD_END
};

/* What is left to do after gateway_fcgi_answer. */
struct gateway_fcgi_rest {
    unsigned request_id;
    int status;              /* of the answer */
    bool keep;               /* FCGI_KEEP_CONN was set */
    struct body body;        /* what is not in the buffer yet. Owned: gateway_fcgi_drop */
    struct multipart *parts; /* what the body has its delimiters from, or NULL. Owned likewise */
};

/* Lets go of the file and what else is left of an answer. */
void gateway_fcgi_drop(struct gateway_fcgi_rest *rest);

/* Reads the head of a request (judged whole by peek_judge), decides the answer and writes its
 * records into `buffer`, in which the head may stand: the head and the beginning of the body, a
 * diagnosis for the server's log when one is due, and the end of the request when that is all.
 * Returns the number of bytes, or 0 when libfcgi finds fault with the head or memory has
 * run out. */
size_t gateway_fcgi_answer(const unsigned char *head, size_t head_len,
                           const struct site_source *source, struct request_front front,
                           unsigned char buffer[GATEWAY_FCGI_BUFFER],
                           struct gateway_fcgi_rest *rest);

/* Writes the next record of the body into `buffer`, and the end of the request behind the last one.
 * A file that has become shorter ends the body where it ends: the server knows the length that was
 * announced, and breaking the connection makes mod_fcgid put an error page into the body. Returns
 * the number of bytes. */
size_t gateway_fcgi_continue(struct gateway_fcgi_rest *rest,
                             unsigned char buffer[GATEWAY_FCGI_BUFFER]);

#endif

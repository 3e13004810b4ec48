/* Looking at what a peer has sent before libfcgi reads it: a head that is whole and well-formed
 * cannot make libfcgi wait or give up. FastCGI 1.0, sections 3.3, 3.4, 5.1 and 5.2. */
#ifndef FASTCGI_PEEK_H
#define FASTCGI_PEEK_H

#include <stddef.h>

/* The largest head (records from FCGI_BEGIN_REQUEST to the empty FCGI_PARAMS) that is taken. */
enum {
    PEEK_HEAD_MAX = 131072,
    PEEK_SIZE = PEEK_HEAD_MAX + 4096
};

enum peek_verdict {
    PEEK_INCOMPLETE, /* well-formed as far as it goes */
    PEEK_HEAD,       /* a whole head; the end of its empty body is not here yet */
    PEEK_REQUEST,    /* a whole head, and the end of its empty body */
    PEEK_BODY,       /* a whole head, and a body comes */
    PEEK_INVALID,    /* not a request for a responder, or too large: close */
};

/* Judges the bytes at the beginning of a connection or behind the last request, and rearranges them
 * on the way. With PEEK_HEAD, PEEK_REQUEST and PEEK_BODY, *head is the number of bytes of the head;
 * the end of an empty body that is here counts to it. A whole head must be taken at once:
 * mod_proxy_fcgi sends nothing more while a quarter of the socket's buffer is full of what nobody
 * has taken. */
enum peek_verdict peek_judge(unsigned char *bytes, size_t len, size_t *head);

/* What the next record behind a head means while a body is thrown away. */
enum peek_rest {
    PEEK_REST_UNKNOWN, /* its header is not all there */
    PEEK_REST_SKIP,    /* it belongs to the body: *whole bytes, its header included */
    PEEK_REST_LAST,    /* the end of the body, likewise */
    PEEK_REST_NEXT,    /* the next request begins: the body was cut off */
};
enum peek_rest peek_at_body(const unsigned char *bytes, size_t len, size_t *whole);

#endif

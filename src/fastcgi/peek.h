/* Looking at what a peer has sent before libfcgi reads it: a head that is whole and well-formed
 * cannot make libfcgi wait or give up. FastCGI 1.0, sections 3.3 to 5.4. */
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
    PEEK_MANAGEMENT, /* a management record (4) */
    PEEK_ABORT,      /* the end of a request that has been answered already (5.4) */
    PEEK_OTHER_ROLE, /* the beginning of a request that is not for a responder (6.1) */
    PEEK_INVALID,    /* anything else, or a head that is too large: close */
};

/* Judges the bytes at the beginning of a connection or behind the last request, and rearranges them
 * on the way. Unless it is incomplete or invalid, *head is the number of bytes that the verdict is
 * about: of the head, with the end of an empty body if that is here, or of the one record. A whole
 * head must be taken at once: mod_proxy_fcgi sends nothing more while a quarter of the socket's
 * buffer is full of what nobody has taken. */
enum peek_verdict peek_judge(unsigned char *bytes, size_t len, size_t *head);

/* What the next record behind a head means while a body is thrown away. */
enum peek_rest {
    PEEK_REST_UNKNOWN, /* its header is not all there */
    PEEK_REST_SKIP,    /* it belongs to the body: *whole bytes, its header included */
    PEEK_REST_LAST,    /* the end of the body or of the request (5.4), likewise */
    PEEK_REST_NEXT,    /* the next request begins: the body was cut off */
};
enum peek_rest peek_at_body(const unsigned char *bytes, size_t len, size_t *whole);

#endif

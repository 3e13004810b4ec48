/* A request as a value: what the client asked, and what the web server announced beside it. */
#ifndef SERVE_REQUEST_H
#define SERVE_REQUEST_H

#include "base/slice.h"
#include "catalog/catalog.h"
#include "http/condition.h"
#include "http/path.h"

/* What the web server that asks is to this process. */
struct request_front {
    bool spawned;   /* it has started it (CGI, mod_fcgid), and follows a local redirect (RFC 3875
                     * 6.2.2) */
    bool same_user; /* it reads files as this process does */
};

/* Where the meta-variables of RFC 3875 come from: the environment of a CGI, the parameters of a
 * FastCGI request. Returns NULL for what is not set. */
struct request_source {
    const char *(*variable)(void *context, const char *name);
    void *context;
    struct request_front front;
};

struct request {
    struct slice method;
    enum path_verdict path_verdict;
    struct path path;
    struct slice target; /* as it was sent; absent where the server does not say it */
    struct slice query;  /* of the target, encoded as it was sent; absent: none */
    struct slice accept_encoding;
    struct slice range;
    struct conditions conditions;
    bool preflight;             /* Access-Control-Request-Method was sent */
    int error_status;           /* it is the page of an error that the web server answers; or 0 */
    struct slice delivery;      /* HANDBACK_DELIVERY, as the web server announced it */
    struct slice coding_header; /* HANDBACK_CODING_HEADER, likewise */
    struct request_front front;
};

/* Reads a request. The slices are views into what the source returned. */
void request_read(struct request *request, const struct request_source *source);

/* The length of the request's body in bytes, UINT64_MAX when it has one of unknown length
 * (chunked), 0 when there is none. */
uint64_t request_body_length(const struct request_source *source);

#endif

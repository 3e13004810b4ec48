/* Request methods (RFC 9110 9, RFC 5789). */
#ifndef HTTP_METHOD_H
#define HTTP_METHOD_H

#include "base/slice.h"

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_OPTIONS,
    METHOD_REFUSED, /* known, but not for static files: 405 */
    METHOD_UNKNOWN, /* 501 */
};

/* The value of the Allow header (RFC 9110 10.2.1) that goes with 405 and OPTIONS. */
#define METHOD_ALLOWED "GET, HEAD, OPTIONS"

/* Method names are case-sensitive (RFC 9110 9.1). */
enum method method_parse(struct slice name);

#endif

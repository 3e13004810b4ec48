/* The CGI gateway (RFC 3875): one request from the environment, one answer to standard output. */
#ifndef SERVE_GATEWAY_CGI_H
#define SERVE_GATEWAY_CGI_H

#include "serve/site.h"

/* Serves the request of this process; a NULL site is answered 503. Returns the exit status: 0, or 1
 * when the answer could not be written whole. */
int gateway_cgi_serve(const struct site *site);

#endif

/* What `handback serve --status` shows: the scoreboard and the site of one worker, as JSON. */
#ifndef FASTCGI_STATUS_H
#define FASTCGI_STATUS_H

#include "fastcgi/scoreboard.h"
#include "serve/site.h"

/* The name under which FCGI_GET_VALUES gives it. A client of the web server cannot send that. */
#define STATUS_NAME "HANDBACK_STATUS"

/* Writes one JSON object, without a newline. Bytes of a name that are no plain ASCII are
 * percent-encoded. Returns its length, or 0 when it does not fit. */
size_t status_write(char *buffer, size_t size, struct scoreboard *board,
                    const struct site_source *source);

#endif

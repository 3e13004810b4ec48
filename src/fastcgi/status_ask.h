/* Asking a responder that runs how it is: the other side of fastcgi/management. */
#ifndef FASTCGI_STATUS_ASK_H
#define FASTCGI_STATUS_ASK_H

#include "base/error.h"

#include <stddef.h>

enum {
    STATUS_ASK_SIZE = 65536
};

/* Asks the responder that listens on `where` (unix:PATH, a path, or HOST:PORT) and copies what
 * fastcgi/status has written into `text`, with a NUL. Waits no longer than a few seconds. Returns
 * its length, or -1 with HB0074. */
long status_ask(const char *where, char text[STATUS_ASK_SIZE], struct error *error);

#endif

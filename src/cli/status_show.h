/* `handback serve --status`: a status of fastcgi/status, shown to a person. */
#ifndef CLI_STATUS_SHOW_H
#define CLI_STATUS_SHOW_H

#include "base/error.h"

#include <stdbool.h>

/* Asks the responder at `where` and prints its status, as it came when `json` is wanted. Returns 0,
 * or -1 with HB0074. */
int status_show(const char *where, bool json, struct error *error);

#endif

/* The listening socket of `serve`. */
#ifndef FASTCGI_LISTEN_H
#define FASTCGI_LISTEN_H

#include "base/error.h"

/* Listens on "unix:PATH" (mode and group apply; a socket file that nobody listens on is taken over,
 * a live one is HB0061) or "HOST:PORT" (only what it names; IPv6 in brackets). Returns the socket,
 * which the caller closes, or -1. */
int listen_open(const char *where, unsigned mode, const char *group, struct error *error);

/* The path of the socket file in "unix:PATH"; NULL for another form. */
const char *listen_path(const char *where);

/* The listening socket that this process was started with: the one of LISTEN_FDS, as systemd passes
 * it, or standard input. -1: none. */
int listen_passed(void);

#endif

/* The listening socket of `serve`. */
#ifndef FASTCGI_LISTEN_H
#define FASTCGI_LISTEN_H

#include "base/error.h"

/* Listens on an address of fastcgi/address: a socket file (mode and group apply; one that nobody
 * listens on is taken over, else HB0061) or HOST:PORT (only what it names). Returns the socket,
 * which the caller closes, or -1. */
int listen_open(const char *where, unsigned mode, const char *group, struct error *error);

/* Logs HB0071 when the socket file lies below a temporary directory. */
void listen_warn(const char *where);

/* The listening socket that this process was started with: the one of LISTEN_FDS, as systemd passes
 * it, or standard input. -1: none. */
int listen_passed(void);

#endif

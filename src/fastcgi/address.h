/* Where a responder listens: "unix:PATH" or "HOST:PORT" (IPv6 in brackets). */
#ifndef FASTCGI_ADDRESS_H
#define FASTCGI_ADDRESS_H

#include <sys/socket.h>

struct address {
    struct sockaddr_storage socket;
    socklen_t len;
};

/* Reads it; a name is looked up, and its first address counts. Returns NULL, or what is wrong with
 * it (a text that lasts). */
const char *address_read(const char *where, struct address *address);

/* The path of the socket file; NULL for HOST:PORT. */
const char *address_path(const char *where);

/* Connects. Reading, writing and this wait no longer than `seconds`. Returns the socket, which the
 * caller closes, or -1 with errno. */
int address_connect(const struct address *address, int seconds);

#endif

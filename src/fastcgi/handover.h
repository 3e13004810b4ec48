/* Handing a connection over to a successor. Closing one that the web server keeps would race with
 * its next request. So a worker that ends sends the connection (SCM_RIGHTS, unix(7)) to its own
 * listening socket: it waits in the backlog like any other, with whatever has arrived on it, until
 * the next worker takes it, even if that starts later. */
#ifndef FASTCGI_HANDOVER_H
#define FASTCGI_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct handover {
    struct sockaddr_un address;
    socklen_t len; /* 0: it cannot be done */
};

/* To whom this listening socket leads; only a unix socket can pass descriptors on. */
struct handover handover_to(int listener);

/* Sends a connection, at a request's end or before its head was taken. Never waits. Returns 0: the
 * caller closes its descriptor, the connection lives on; or -1 when nobody takes it. */
int handover_send(const struct handover *to, int connection);

/* Takes `len` bytes that are known to be on `carrier` (a management record, as handover_send writes
 * it). Returns false when they are not there. *connection is a descriptor that came with them from
 * a process of the same user, which the caller owns, or -1. */
bool handover_receive(int carrier, unsigned char *bytes, size_t len, int *connection);

#endif

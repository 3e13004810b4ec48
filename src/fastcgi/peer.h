/* Who is at the other end of a connection. */
#ifndef FASTCGI_PEER_H
#define FASTCGI_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* The user of the process that connected; false where the kernel does not know (TCP). */
bool peer_find_user(int fd, uid_t *user);

#endif

#include "fastcgi/peer.h"

#include <sys/socket.h>

bool peer_find_user(int fd, uid_t *user)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid == (uid_t)-1) {
        return false;
    }
    *user = peer.uid;
    return true;
}

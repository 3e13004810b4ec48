#include "fastcgi/address.h"

#include "base/slice.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

const char *address_path(const char *where)
{
    return strncmp(where, "unix:", 5) == 0 ? where + 5 : NULL;
}

static const char *read_path(const char *path, struct address *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (*path == '\0') {
        return "give the path of a socket file behind unix:";
    }
    if (!slice_copy(slice_of(path), name.sun_path, sizeof name.sun_path)) {
        return "the path of a socket has at most 107 bytes";
    }
    memcpy(&address->socket, &name, sizeof name);
    address->len = sizeof name;
    return NULL;
}

/* getaddrinfo takes the port modulo 65536. */
static bool is_port(const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);
    return *end != '\0' || (port > 0 && port <= 65535);
}

static const char *read_host_and_port(const char *where, struct address *address)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const char *colon = strrchr(where, ':');
    if (!colon || colon == where || !colon[1] || !is_port(colon + 1)) {
        return "give unix:PATH or HOST:PORT";
    }
    size_t bracketed = where[0] == '[' && colon[-1] == ']';
    char *host = strndup(where + bracketed, (size_t)(colon - where) - 2 * bracketed);
    int cause = host ? getaddrinfo(host, colon + 1, &wanted, &found) : EAI_MEMORY;
    free(host);
    if (cause != 0) {
        return gai_strerror(cause);
    }
    memcpy(&address->socket, found->ai_addr, found->ai_addrlen);
    address->len = found->ai_addrlen;
    freeaddrinfo(found);
    return NULL;
}

const char *address_read(const char *where, struct address *address)
{
    const char *path = address_path(where);
    return path ? read_path(path, address) : read_host_and_port(where, address);
}

int address_connect(const struct address *address, int seconds)
{
    const struct timeval patience = {.tv_sec = seconds};
    int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
                    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
                    connect(fd, (const struct sockaddr *)&address->socket, address->len) != 0)) {
        int cause = errno;
        close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}

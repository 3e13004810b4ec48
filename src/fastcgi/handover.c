#include "fastcgi/handover.h"

#include "base/slice.h"
#include "fastcgi/pair.h"
#include "fastcgi/peer.h"
#include "fastcgi/record.h"

#include <fastcgi.h>
#include <string.h>
#include <unistd.h>

enum {
    NOTE_SIZE = 64
};

/* Room for one descriptor, aligned as cmsg(3) asks. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

struct handover handover_to(int listener)
{
    struct handover to = {.len = sizeof to.address};
    if (getsockname(listener, (struct sockaddr *)&to.address, &to.len) != 0 ||
        to.address.sun_family != AF_UNIX || to.len > sizeof to.address) {
        to.len = 0;
    }
    return to;
}

/* What goes with the descriptor: a question that any responder understands. */
static size_t write_note(unsigned char note[NOTE_SIZE])
{
    size_t len = pair_write(note + RECORD_HEADER, NOTE_SIZE - RECORD_HEADER,
                            slice_of("HANDBACK_CONNECTION"), slice_of(""));
    record_header(note, FCGI_GET_VALUES, FCGI_NULL_REQUEST_ID, len);
    return RECORD_HEADER + len;
}

static int send_with(int carrier, int connection)
{
    unsigned char note[NOTE_SIZE];
    union control control = {.bytes = {0}};
    struct iovec part = {.iov_base = note, .iov_len = write_note(note)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof connection);
    memcpy(CMSG_DATA(header), &connection, sizeof connection);
    ssize_t sent = sendmsg(carrier, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent == (ssize_t)part.iov_len ? 0 : -1;
}

int handover_send(const struct handover *to, int connection)
{
    int carrier = to->len > 0 ? socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (carrier < 0) {
        return -1;
    }
    int result = -1;
    if (connect(carrier, (const struct sockaddr *)&to->address, to->len) == 0) {
        result = send_with(carrier, connection);
    }
    close(carrier);
    return result;
}

static bool is_of_this_user(int carrier)
{
    uid_t user;
    return peer_find_user(carrier, &user) && user == geteuid();
}

static bool is_stream(int fd)
{
    int type;
    socklen_t size = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/* The first of the descriptors in a message; others, which nobody of ours sends, are closed. */
static int first_descriptor(struct msghdr *message)
{
    int first = -1, fd;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        for (size_t at = CMSG_LEN(0); at + sizeof fd <= header->cmsg_len; at += sizeof fd) {
            memcpy(&fd, (const char *)header + at, sizeof fd);
            if (first < 0) {
                first = fd;
            } else {
                close(fd);
            }
        }
    }
    return first;
}

bool handover_receive(int carrier, unsigned char *bytes, size_t len, int *connection)
{
    union control control;
    struct iovec part = {.iov_base = bytes, .iov_len = len};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(carrier, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    *connection = got > 0 ? first_descriptor(&message) : -1;
    if (*connection >= 0 && !(is_of_this_user(carrier) && is_stream(*connection))) {
        close(*connection);
        *connection = -1;
    }
    return got == (ssize_t)len;
}

#include "fastcgi/listen.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    FIRST_PASSED = 3, /* sd_listen_fds(3) */
};

static int failed(const char *where, const char *what, struct error *error)
{
    return error_set(error, HB_LISTEN_FAILED, "cannot listen on %s: %s", where, what);
}

const char *listen_path(const char *where)
{
    return strncmp(where, "unix:", 5) == 0 ? where + 5 : NULL;
}

/* Whether somebody accepts on the socket file. */
static int is_live(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int live = fd >= 0 &&
               connect(fd, (const struct sockaddr *)(const void *)address, sizeof *address) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return live;
}

static int remove_stale(const struct sockaddr_un *address, struct error *error)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0) {
        return 0;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return failed(address->sun_path, "there is a file that is no socket", error);
    }
    if (is_live(address)) {
        return error_set(error, HB_SOCKET_LIVE, "another responder serves on %s: stop it first",
                         address->sun_path);
    }
    return unlink(address->sun_path) == 0 ? 0 : failed(address->sun_path, strerror(errno), error);
}

static int give_to_group(const char *path, const char *name, struct error *error)
{
    const struct group *group = name ? getgrnam(name) : NULL;
    if (name && !group) {
        return error_set(error, HB_LISTEN_FAILED, "cannot listen on %s: there is no group %s", path,
                         name);
    }
    if (group && chown(path, (uid_t)-1, group->gr_gid) != 0) {
        return error_set(error, HB_LISTEN_FAILED,
                         "cannot give %s to group %s (%s): this user must be a member of it", path,
                         name, strerror(errno));
    }
    return 0;
}

static int listen_unix(const char *path, unsigned mode, const char *group, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return failed(path, "the path of a socket has at most 107 bytes", error);
    }
    strcpy(address.sun_path, path);
    if (remove_stale(&address, error) != 0) {
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Nobody may connect between bind and chmod who could not afterwards. */
    mode_t mask = umask(0177);
    int bound =
        fd < 0 ? -1 : bind(fd, (const struct sockaddr *)(const void *)&address, sizeof address);
    umask(mask);
    if (bound != 0) {
        failed(path, strerror(errno), error);
    } else if (give_to_group(path, group, error) == 0) {
        if (chmod(path, (mode_t)mode) == 0 && listen(fd, BACKLOG) == 0) {
            return fd;
        }
        failed(path, strerror(errno), error);
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static int bind_to(const struct addrinfo *address)
{
    int yes = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
        return fd;
    }
    close(fd);
    return -1;
}

/* getaddrinfo takes the port modulo 65536. */
static int is_port(const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);
    return *end != '\0' || (port > 0 && port <= 65535);
}

static int listen_tcp(const char *where, struct error *error)
{
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    const char *colon = strrchr(where, ':');
    if (!colon || colon == where || !colon[1] || !is_port(colon + 1)) {
        return failed(where, "give unix:PATH or HOST:PORT", error);
    }
    int bracketed = where[0] == '[' && colon[-1] == ']';
    char *host = strndup(where + bracketed, (size_t)(colon - where) - 2 * (size_t)bracketed);
    int cause = host ? getaddrinfo(host, colon + 1, &wanted, &found) : EAI_MEMORY;
    free(host);
    if (cause != 0) {
        return failed(where, gai_strerror(cause), error);
    }
    int fd = bind_to(found);
    if (fd < 0) {
        failed(where, strerror(errno), error);
    }
    freeaddrinfo(found);
    return fd;
}

int listen_open(const char *where, unsigned mode, const char *group, struct error *error)
{
    const char *path = listen_path(where);
    return path ? listen_unix(path, mode, group, error) : listen_tcp(where, error);
}

static int is_listening(int fd)
{
    int listening = 0;
    socklen_t size = sizeof listening;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

int listen_passed(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (pid && count && strtol(pid, NULL, 10) == (long)getpid() && strtol(count, NULL, 10) == 1 &&
        is_listening(FIRST_PASSED)) {
        return FIRST_PASSED;
    }
    return is_listening(STDIN_FILENO) ? STDIN_FILENO : -1;
}

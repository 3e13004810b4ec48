#include "fastcgi/listen.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/slice.h"
#include "fastcgi/address.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    BACKLOG = 1024,
    FIRST_PASSED = 3,     /* sd_listen_fds(3) */
    LOCK_PATIENCE = 2000, /* milliseconds */
    CONNECT_PATIENCE = 5  /* seconds */
};

static int failed(const char *where, const char *what, struct error *error)
{
    return error_set(error, HB_LISTEN_FAILED, "cannot listen on %s: %s", where, what);
}

/* ---- a socket file ---- */

/* Two that start at the same moment would both find a stale socket, and the second would remove
 * what the first has made. So they take turns, by a lock on the directory, which leaves nothing
 * behind. Returns a descriptor that holds it, or has waited long enough; -1 when the directory
 * cannot be opened, which is no reason not to start. */
static int lock_directory(const char *path)
{
    char copy[PATH_MAX];
    const struct timespec pause = {.tv_nsec = 10000000};
    long long end = clock_now() + LOCK_PATIENCE;
    int fd = slice_copy(slice_of(path), copy, sizeof copy)
                 ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                 : -1;
    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && clock_now() < end) {
        nanosleep(&pause, NULL);
    }
    return fd;
}

/* Whether nobody accepts on the socket file: only a refusal says so. */
static int check_stale(const char *path, const struct address *address, struct error *error)
{
    int fd = address_connect(address, CONNECT_PATIENCE);
    if (fd >= 0) {
        close(fd);
        return error_set(error, HB_SOCKET_LIVE, "another responder serves on %s: stop it first",
                         path);
    }
    if (errno != ECONNREFUSED) {
        return error_set(error, HB_SOCKET_LIVE,
                         "%s is there, and whether somebody serves on it cannot be told (%s): "
                         "remove it if not",
                         path, strerror(errno));
    }
    return 0;
}

static int remove_stale(const char *path, const struct address *address, struct error *error)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        return 0;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return failed(path, "there is a file that is no socket", error);
    }
    if (check_stale(path, address, error) != 0) {
        return -1;
    }
    return unlink(path) == 0 ? 0 : failed(path, strerror(errno), error);
}

/* Returns the socket, bound, or -1 with errno. Nobody may connect between bind and chmod who could
 * not afterwards. */
static int bind_file(const struct address *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    int bound = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&address->socket, address->len);
    int cause = errno;
    umask(mask);
    if (bound != 0 && fd >= 0) {
        close(fd);
    }
    errno = cause;
    return bound == 0 ? fd : -1;
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

/* Lets others in, now that the file is what it shall be. */
static int open_file(int fd, const char *path, unsigned mode, const char *group,
                     struct error *error)
{
    if (give_to_group(path, group, error) != 0) {
        return -1;
    }
    if (chmod(path, (mode_t)mode) != 0 || listen(fd, BACKLOG) != 0) {
        return failed(path, strerror(errno), error);
    }
    return 0;
}

static int make_file(const char *path, const struct address *address, unsigned mode,
                     const char *group, struct error *error)
{
    if (remove_stale(path, address, error) != 0) {
        return -1;
    }
    int fd = bind_file(address);
    if (fd < 0) {
        return failed(path, errno == ENOENT ? "its directory does not exist" : strerror(errno),
                      error);
    }
    if (open_file(fd, path, mode, group, error) == 0) {
        return fd;
    }
    unlink(path);
    close(fd);
    return -1;
}

static int listen_on_file(const char *path, const struct address *address, unsigned mode,
                          const char *group, struct error *error)
{
    int lock = lock_directory(path);
    int fd = make_file(path, address, mode, group, error);
    if (lock >= 0) {
        close(lock);
    }
    return fd;
}

/* ---- the others ---- */

static int listen_on_port(const char *where, const struct address *address, struct error *error)
{
    int yes = 1;
    int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return failed(where, strerror(errno), error);
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes); /* [::] does not mean 0.0.0.0 */
    if (bind(fd, (const struct sockaddr *)&address->socket, address->len) == 0 &&
        listen(fd, BACKLOG) == 0) {
        return fd;
    }
    failed(where, strerror(errno), error);
    close(fd);
    return -1;
}

int listen_open(const char *where, unsigned mode, const char *group, struct error *error)
{
    struct address address;
    const char *path = address_path(where), *fault = address_read(where, &address);
    if (fault) {
        return failed(where, fault, error);
    }
    return path ? listen_on_file(path, &address, mode, group, error)
                : listen_on_port(where, &address, error);
}

/* Debian's Apache has temporary directories of its own (PrivateTmp), and others are cleaned up. */
void listen_warn(const char *where)
{
    const char *path = address_path(where);
    const char *const temporary[] = {"/tmp", "/var/tmp", getenv("TMPDIR")};
    char copy[PATH_MAX], directory[PATH_MAX];
    struct error error;
    if (!path || !slice_copy(slice_of(path), copy, sizeof copy) ||
        !realpath(dirname(copy), directory)) {
        return;
    }
    for (size_t i = 0; i < sizeof temporary / sizeof *temporary; i++) {
        size_t len = temporary[i] ? strlen(temporary[i]) : 0;
        if (len > 1 && strncmp(directory, temporary[i], len) == 0 &&
            (directory[len] == '/' || directory[len] == '\0')) {
            error_set(&error, HB_SOCKET_TEMPORARY,
                      "the socket %s is below a temporary directory: an Apache with PrivateTmp "
                      "(Debian's) does not see it, use one below /run",
                      path);
            log_error(&error);
            return;
        }
    }
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

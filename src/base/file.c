#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Declared here because musl's compiler wrapper brings no linux/ headers. */
struct open_how_24 {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};
enum {
    BENEATH = 0x08,
    NO_MAGICLINKS = 0x02,
    TRIES = 4,
    DESCRIPTOR_NAME = 32
};

static int open_resolving(int directory, const char *path, int flags, uint64_t resolve)
{
    struct open_how_24 how = {.flags = (uint64_t)flags | O_CLOEXEC, .resolve = resolve};
    long fd = -1;
    /* EAGAIN: something was renamed while the kernel walked, so it could not prove the path. */
    for (int i = 0; i < TRIES; i++) {
        fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
            break;
        }
    }
    return (int)fd;
}

static int open_beneath(int directory, const char *path, int flags)
{
    return open_resolving(directory, path, flags, BENEATH | NO_MAGICLINKS);
}

int file_open_beneath(int directory, const char *path)
{
    return open_beneath(directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

/* "/proc/self/fd/N": where the kernel shows what a descriptor stands for. */
static void name_descriptor(int fd, char name[DESCRIPTOR_NAME])
{
    snprintf(name, DESCRIPTOR_NAME, "/proc/self/fd/%d", fd);
}

static bool find_path_of(int fd, char path[PATH_MAX])
{
    char name[DESCRIPTOR_NAME];
    name_descriptor(fd, name);
    ssize_t len = readlink(name, path, PATH_MAX - 1);
    path[len > 0 ? len : 0] = '\0';
    return len > 0 && path[0] == '/';
}

/* Whether `path` is the directory behind a descriptor, or lies below it. */
static bool is_inside(const char *path, int directory)
{
    char root[PATH_MAX];
    if (directory < 0 || !find_path_of(directory, root)) {
        return false;
    }
    size_t len = strcmp(root, "/") == 0 ? 0 : strlen(root);
    return strncmp(path, root, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool is_inside_one_of(const char *path, struct slice directories)
{
    char name[PATH_MAX];
    while (directories.at) {
        int fd = slice_copy(slice_cut(&directories, ':'), name, sizeof name)
                     ? open(name, O_PATH | O_DIRECTORY | O_CLOEXEC)
                     : -1;
        bool inside = is_inside(path, fd);
        if (fd >= 0) {
            close(fd);
        }
        if (inside) {
            return true;
        }
    }
    return false;
}

/* Opens for reading what an O_PATH descriptor stands for. */
static int open_again(int fd)
{
    char name[DESCRIPTOR_NAME];
    name_descriptor(fd, name);
    return open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int file_open_following(int directory, const char *path, struct slice others)
{
    char found[PATH_MAX];
    struct stat status;
    int file = -1, place = open_resolving(directory, path, O_PATH, NO_MAGICLINKS);
    if (place < 0) {
        errno = errno == EACCES ? EXDEV : errno; /* it ends where nobody here may look */
        return -1;
    }
    if (!find_path_of(place, found) || fstat(place, &status) != 0 ||
        !(is_inside(found, directory) || is_inside_one_of(found, others))) {
        errno = EXDEV;
    } else if (!S_ISREG(status.st_mode)) {
        errno = ENXIO;
    } else {
        file = open_again(place);
    }
    int cause = errno;
    close(place);
    errno = cause;
    return file;
}

int file_open_directory_beneath(int directory, const char *path)
{
    return open_beneath(directory, path, O_RDONLY | O_DIRECTORY);
}

/* The time of the last change of status tells of chmod and chown too. */
bool file_is_untouched(const struct stat *before, const struct stat *after)
{
    return before->st_ino == after->st_ino && before->st_dev == after->st_dev &&
           before->st_size == after->st_size && before->st_mtim.tv_sec == after->st_mtim.tv_sec &&
           before->st_mtim.tv_nsec == after->st_mtim.tv_nsec &&
           before->st_ctim.tv_sec == after->st_ctim.tv_sec &&
           before->st_ctim.tv_nsec == after->st_ctim.tv_nsec;
}

bool file_descriptors_left(int count)
{
    int taken[FILE_DESCRIPTORS_ASKED], got = 0;
    while (got < count && got < FILE_DESCRIPTORS_ASKED &&
           (taken[got] = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) >= 0) {
        got++;
    }
    for (int i = 0; i < got; i++) {
        close(taken[i]);
    }
    return got >= count;
}

void file_open_standard_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

int file_read(int fd, size_t limit, char **bytes, size_t *length)
{
    size_t room = 65536, used = 0;
    char *buffer = malloc(room);
    while (buffer) {
        ssize_t got = read(fd, buffer + used, room - used - 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            break;
        }
        if (got == 0) {
            buffer[used] = '\0';
            *bytes = buffer;
            *length = used;
            return 0;
        }
        used += (size_t)got;
        if (used > limit) {
            errno = EFBIG;
            break;
        }
        if (room - used < 2) {
            char *larger = realloc(buffer, room *= 2);
            if (!larger) {
                break;
            }
            buffer = larger;
        }
    }
    int cause = errno;
    free(buffer);
    errno = cause;
    return -1;
}

int file_write(int fd, const void *bytes, size_t length)
{
    const char *from = bytes;
    while (length > 0) {
        ssize_t written = write(fd, from, length);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return -1;
        }
        from += written;
        length -= (size_t)written;
    }
    return 0;
}

/* The first directory on the way to `path` (itself included) that may not be entered; false when
 * none is found. `found` has room for PATH_MAX bytes. */
static bool find_closed_directory(const char *path, char *found, struct stat *status)
{
    for (const char *end = strchr(path, '/'); end; end = strchr(end, '/')) {
        end++;
        size_t length = *end && strchr(end, '/') ? (size_t)(strchr(end, '/') - path) : strlen(path);
        if (length >= PATH_MAX) {
            return false;
        }
        memcpy(found, path, length);
        found[length] = '\0';
        if (stat(found, status) == 0 && S_ISDIR(status->st_mode) &&
            faccessat(AT_FDCWD, found, X_OK, AT_EACCESS) != 0) {
            return true;
        }
    }
    return false;
}

int file_explain_directory(const char *name, const char *path, int cause, struct error *error)
{
    char closed[PATH_MAX];
    struct stat status;
    switch (cause) {
    case ENOENT:
        return error_set(
            error, HB_ROOT_MISSING,
            "%s %s does not exist: make it (collectstatic makes STATIC_ROOT), or correct the "
            "setting",
            name, path);
    case ENOTDIR:
        return error_set(error, HB_ROOT_NOT_DIRECTORY,
                         "%s %s is not a directory: correct the setting", name, path);
    case EACCES:
        if (find_closed_directory(path, closed, &status)) {
            return error_set(
                error, HB_ROOT_CLOSED,
                "%s %s cannot be reached: user %u may not enter %s (mode %04o, owner %u): "
                "chmod o+x it, or move the files",
                name, path, (unsigned)geteuid(), closed, status.st_mode & 07777u,
                (unsigned)status.st_uid);
        }
        return error_set(error, HB_ROOT_CLOSED, "%s %s cannot be read by user %u: chmod o+rx it",
                         name, path, (unsigned)geteuid());
    default:
        return error_set(error, HB_TREE_UNREADABLE, "%s %s cannot be opened: %s", name, path,
                         strerror(cause));
    }
}

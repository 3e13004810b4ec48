#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void file_name_descriptor(int fd, char name[FILE_DESCRIPTOR_NAME])
{
    snprintf(name, FILE_DESCRIPTOR_NAME, "/proc/self/fd/%d", fd);
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
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            open("/dev/null", O_RDWR); /* the lowest number that is free: this one */
        }
    }
}

/* memfd_create is new in Linux 3.17, O_TMPFILE in 3.11. */
int file_open_unnamed(const char *name)
{
    static const char *const places[] = {"/dev/shm", P_tmpdir};
    char path[sizeof "/dev/shm/handback-XXXXXX"];
    int fd = memfd_create(name, MFD_CLOEXEC);
    for (size_t i = 0; fd < 0 && i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s/handback-XXXXXX", places[i]);
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0) {
            unlink(path);
        }
    }
    return fd;
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

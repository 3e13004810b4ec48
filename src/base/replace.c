#include "base/replace.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PREFIX ".handback-tmp-"

enum {
    TRIES = 1000
};

void replace_grant(int fd, const struct replace_access *access)
{
    if (fchown(fd, geteuid() == 0 ? access->owner : (uid_t)-1, access->group) != 0) {
        errno = 0; /* not a member of the group: the mode is what remains */
    }
    fchmod(fd, access->mode);
}

void replace_make_name(char name[REPLACE_NAME])
{
    static atomic_uint count;
    snprintf(name, REPLACE_NAME, PREFIX "%u-%u", (unsigned)getpid(), atomic_fetch_add(&count, 1));
}

bool replace_is_temporary(const char *name)
{
    return strncmp(name, PREFIX, strlen(PREFIX)) == 0;
}

int replace_open(int directory, char name[REPLACE_NAME], const struct replace_access *access)
{
    int fd = -1;
    /* A killed process of the same number may have left such a name. */
    for (int i = 0; i < TRIES; i++) {
        replace_make_name(name);
        fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST) {
            break;
        }
    }
    if (fd >= 0) {
        replace_grant(fd, access);
    }
    return fd;
}

static int set_time(int fd, const struct timespec *modified)
{
    const struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT}, modified ? *modified : (struct timespec){.tv_nsec = UTIME_NOW}};
    return futimens(fd, times);
}

int replace_file(int directory, const char *name, const void *bytes, size_t length,
                 const struct replace_access *access, const struct timespec *modified)
{
    char temporary[REPLACE_NAME];
    int fd = replace_open(directory, temporary, access);
    if (fd < 0) {
        return -1;
    }
    bool done = file_write(fd, bytes, length) == 0 && set_time(fd, modified) == 0 && fsync(fd) == 0;
    int cause = errno;
    /* Some network file systems tell of a full disk only now. */
    if (close(fd) != 0 && done) {
        done = false;
        cause = errno;
    }
    if (done && renameat(directory, temporary, directory, name) == 0) {
        /* Not every file system can do that to a directory. */
        return fsync(directory) == 0 || errno == EINVAL ? 0 : -1;
    }
    cause = done ? errno : cause;
    unlinkat(directory, temporary, 0);
    errno = cause;
    return -1;
}

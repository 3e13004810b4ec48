#include "base/beneath.h"

#include "base/file.h"
#include "base/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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
    NO_SYMLINKS = 0x04,
    TRIES = 4
};

/* Whether the kernel is known to lack openat2, or a sandbox to forbid it. */
static atomic_bool lacking;

static int ask_kernel(int directory, const char *path, int flags, uint64_t resolve)
{
    struct open_how_24 how = {.flags = (uint64_t)flags | O_CLOEXEC, .resolve = resolve};
    long fd = -1;
    /* EAGAIN: something was renamed while the kernel walked, anywhere, so it could not prove that
     * `..` stays inside. */
    for (int i = 0; i < TRIES; i++) {
        fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
            break;
        }
    }
    return (int)fd;
}

static int open_within(int directory, const char *path, int flags, enum walk_bounds bounds)
{
    if (!atomic_load_explicit(&lacking, memory_order_relaxed)) {
        int fd = ask_kernel(directory, path, flags,
                            NO_MAGICLINKS | (bounds == WALK_BENEATH ? BENEATH : 0u));
        if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EAGAIN)) {
            return fd;
        }
        if (errno != EAGAIN) {
            atomic_store_explicit(&lacking, true, memory_order_relaxed);
        }
    }
    return walk_open(directory, path, flags, bounds);
}

int beneath_open(int directory, const char *path)
{
    return open_within(directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, WALK_BENEATH);
}

static bool find_path_of(int fd, char path[PATH_MAX])
{
    char name[FILE_DESCRIPTOR_NAME];
    file_name_descriptor(fd, name);
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
    char name[FILE_DESCRIPTOR_NAME];
    file_name_descriptor(fd, name);
    return open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

int beneath_open_following(int directory, const char *path, struct slice others)
{
    char found[PATH_MAX];
    struct stat status;
    int file = -1, place = open_within(directory, path, O_PATH, WALK_ANYWHERE);
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

int beneath_open_directory(int directory, const char *path)
{
    return open_within(directory, path, O_RDONLY | O_DIRECTORY, WALK_BENEATH);
}

bool beneath_has_no_link(const char *path)
{
    int fd = path[0] == '/' ? ask_kernel(AT_FDCWD, path, O_PATH, NO_SYMLINKS) : -1;
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

bool beneath_find_place(const char *directory, char *path)
{
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool found = fd >= 0 && find_path_of(fd, path);
    if (fd >= 0) {
        close(fd);
    }
    return found;
}

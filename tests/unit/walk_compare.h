/* The walk beside openat2 itself: what the kernel opens, and the error that it gives. */
#ifndef WALK_COMPARE_H
#define WALK_COMPARE_H

#include "base/walk.h"
#include "check.h"
#include "scratch.h"

#include <errno.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

enum {
    COMPARED_ERRORS = 256,
    A_FILE = O_RDONLY | O_NONBLOCK | O_NOCTTY,
    A_DIRECTORY = O_RDONLY | O_DIRECTORY
};

static unsigned walk_outcomes[COMPARED_ERRORS]; /* by errno; 0: opened */

static inline int walk_ask_kernel(int directory, const char *path, int flags,
                                  enum walk_bounds bounds)
{
    struct open_how how = {.flags = (unsigned)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_NO_MAGICLINKS |
                                      (bounds == WALK_BENEATH ? RESOLVE_BENEATH : 0u)};
    long fd;
    do { /* EAGAIN: something was renamed meanwhile, anywhere */
        fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
    } while (fd < 0 && errno == EAGAIN);
    return (int)fd;
}

static inline bool walk_is_same_file(int fd, int other)
{
    const int shown = O_ACCMODE | O_NONBLOCK | O_PATH;
    struct stat one, two;
    return fstat(fd, &one) == 0 && fstat(other, &two) == 0 && one.st_dev == two.st_dev &&
           one.st_ino == two.st_ino && one.st_mode == two.st_mode &&
           ((fcntl(fd, F_GETFL) ^ fcntl(other, F_GETFL)) & shown) == 0 &&
           (fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static inline void walk_print_difference(const char *path, int flags, enum walk_bounds bounds,
                                         int kernel, int walk)
{
    print_error("    \"%.200s\" %s, flags %o: the kernel says %s, the walk %s\n", path,
                bounds == WALK_BENEATH ? "beneath" : "anywhere", (unsigned)flags,
                kernel ? strerror(kernel) : "opened", walk ? strerror(walk) : "opened");
}

static inline bool walk_compare_once(int directory, const char *path, int flags,
                                     enum walk_bounds bounds)
{
    int wanted = walk_ask_kernel(directory, path, flags, bounds), cause = wanted < 0 ? errno : 0;
    int found = walk_open(directory, path, flags, bounds), error = found < 0 ? errno : 0;
    bool same = cause == error && (cause != 0 || walk_is_same_file(found, wanted));
    if (!same) {
        walk_print_difference(path, flags, bounds, cause, error);
    }
    walk_outcomes[cause < COMPARED_ERRORS ? cause : COMPARED_ERRORS - 1]++;
    if (wanted >= 0) {
        close(wanted);
    }
    if (found >= 0) {
        close(found);
    }
    return same;
}

/* In every way that the program opens. */
static inline bool walk_compare(int directory, const char *path)
{
    static const int flags[] = {A_FILE, A_DIRECTORY, O_PATH};
    bool same = true;
    for (size_t i = 0; i < COUNT(flags); i++) {
        same = walk_compare_once(directory, path, flags[i], WALK_BENEATH) && same;
        same = walk_compare_once(directory, path, flags[i], WALK_ANYWHERE) && same;
    }
    return same;
}

/* False on an older kernel or in a sandbox, where there is nothing to compare with. */
static inline bool walk_has_kernel(void)
{
    int fd = walk_ask_kernel(AT_FDCWD, ".", O_PATH, WALK_ANYWHERE);
    if (fd < 0) {
        print_message("skipped: no openat2 here\n");
        return false;
    }
    close(fd);
    return true;
}

#endif

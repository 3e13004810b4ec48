/* A directory of a test's own, with files whose times are long past: what was written a moment ago
 * counts as still being written. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SCRATCH_PATH = 256,
    SCRATCH_OLD = 1700000000, /* 2023-11-14 22:13:20 UTC */
    SCRATCH_NOBODY = 65534,
};

struct scratch {
    char path[SCRATCH_PATH]; /* absolute, without a '/' at the end */
    int fd;
};

/* What a test cannot do without; the reason goes to stderr. */
static inline void scratch_need(bool done, const char *what)
{
    if (!done) {
        perror(what);
        abort();
    }
}

static inline struct scratch scratch_make(void)
{
    struct scratch scratch;
    char real[PATH_MAX];
    const char *base = getenv("TMPDIR");
    snprintf(scratch.path, sizeof scratch.path, "%s/handback-test-XXXXXX", base ? base : P_tmpdir);
    scratch_need(mkdtemp(scratch.path) && realpath(scratch.path, real) &&
                     strlen(real) < SCRATCH_PATH,
                 "mkdtemp");
    strcpy(scratch.path, real);
    scratch_need(chmod(scratch.path, 0755) == 0, "chmod");
    scratch.fd = open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    scratch_need(scratch.fd >= 0, "open");
    return scratch;
}

static inline int scratch_remove_one(const char *path, const struct stat *status, int kind,
                                     struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void scratch_remove(struct scratch *scratch)
{
    close(scratch->fd);
    nftw(scratch->path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Makes the directories that lead to `name`. */
static inline void scratch_parents(const struct scratch *scratch, const char *name)
{
    char part[SCRATCH_PATH];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - name), name);
        mkdirat(scratch->fd, part, 0755);
    }
}

static inline void scratch_age(const struct scratch *scratch, const char *name, long long seconds)
{
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    scratch_need(utimensat(scratch->fd, name, times, 0) == 0, "utimensat");
}

/* Writes a file in place (the same inode when it is there already), with the time SCRATCH_OLD. */
static inline void scratch_write_bytes(const struct scratch *scratch, const char *name,
                                       const void *bytes, size_t len)
{
    scratch_parents(scratch, name);
    int fd = openat(scratch->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    scratch_need(fd >= 0 && write(fd, bytes, len) == (ssize_t)len, name);
    close(fd);
    scratch_age(scratch, name, SCRATCH_OLD);
}

static inline void scratch_write(const struct scratch *scratch, const char *name, const char *text)
{
    scratch_write_bytes(scratch, name, text, strlen(text));
}

/* Removes a file or an empty directory. */
static inline void scratch_unlink(const struct scratch *scratch, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", scratch->path, name);
    scratch_need(remove(path) == 0, path);
}

static inline void scratch_link(const struct scratch *scratch, const char *name, const char *target)
{
    scratch_parents(scratch, name);
    scratch_need(symlinkat(target, scratch->fd, name) == 0, name);
}

/* The number of descriptors that are open. */
static inline int scratch_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

/* Runs `body` in a child that is not root, and returns its exit status, or -1 when a signal ended
 * it. What the child prints is seen; cmocka's asserts do not work in it. */
static inline int scratch_as_nobody(int (*body)(void *), void *context)
{
    int status = -1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(SCRATCH_NOBODY) != 0 || setuid(SCRATCH_NOBODY) != 0)) {
            _exit(99);
        }
        int result = body(context);
        fflush(NULL);
        _exit(result);
    }
    scratch_need(child > 0 && waitpid(child, &status, 0) == child, "fork");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif

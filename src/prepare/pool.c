#include "prepare/pool.h"

#include "base/file.h"

#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    DEPTH = 64,
    PIECE = 65536
};

int pool_open(struct pool *pool, const struct state *state, bool links, bool make)
{
    *pool = (struct pool){.fd = -1,
                          .links = links,
                          .files = state->files,
                          .directories = state->directories,
                          .last_fd = -1};
    if (state->fd >= 0) {
        pool->fd = state_open_directory(state->fd, "pool", make ? &pool->directories : NULL);
    }
    return pool->fd >= 0 || (!make && (state->fd < 0 || errno == ENOENT)) ? 0 : -1;
}

static void forget_directory(struct pool *pool)
{
    if (pool->last_fd >= 0) {
        close(pool->last_fd);
    }
    free(pool->last);
    pool->last = NULL;
    pool->last_fd = -1;
}

void pool_close(struct pool *pool)
{
    forget_directory(pool);
    if (pool->fd >= 0) {
        close(pool->fd);
    }
    pool->fd = -1;
}

/* Goes down from the pool, one name after the other. `way` is written to and restored. */
static int walk_down(const struct pool *pool, char *way, bool make)
{
    int at = openat(pool->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0 && *way) {
        char *slash = strchr(way, '/');
        if (slash) {
            *slash = '\0';
        }
        int next = state_open_directory(at, way, make ? &pool->directories : NULL);
        int cause = errno;
        close(at);
        errno = cause;
        at = next;
        if (slash) {
            *slash = '/';
        }
        way = slash ? slash + 1 : way + strlen(way);
    }
    return at;
}

/* The directory in which `path` lies; it belongs to the pool. -1 with errno. */
static int directory_of(struct pool *pool, const char *path, bool make)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (pool->last && strlen(pool->last) == len && strncmp(pool->last, path, len) == 0) {
        return pool->last_fd;
    }
    if (pool->fd < 0) {
        errno = ENOENT;
        return -1;
    }
    forget_directory(pool);
    char *way = strndup(path, len);
    int fd = way ? walk_down(pool, way, make) : -1;
    if (fd < 0) {
        int cause = errno;
        free(way);
        errno = cause;
        return -1;
    }
    pool->last = way;
    pool->last_fd = fd;
    return fd;
}

static const char *name_in(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int pool_open_object(struct pool *pool, const char *path)
{
    int directory = directory_of(pool, path, false);
    return directory < 0 ? -1
                         : openat(directory, name_in(path),
                                  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static int copy_bytes(int from, int to)
{
    char piece[PIECE];
    off_t at = 0;
    for (;;) {
        ssize_t got = pread(from, piece, sizeof piece, at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return (int)got;
        }
        if (file_write(to, piece, (size_t)got) != 0) {
            return -1;
        }
        at += got;
    }
}

static int set_time(int fd, const struct timespec *modified)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, *modified};
    return futimens(fd, times);
}

static int clone_bytes(int from, int to)
{
    return ioctl(to, FICLONE, from);
}

/* A file of its own, filled in one of two ways. */
static int begin_file(struct pool *pool, struct pool_object *object, int source,
                      const struct timespec *modified, int (*fill)(int from, int to))
{
    object->fd = replace_open(object->directory, object->temporary, &pool->files);
    if (object->fd < 0) {
        return -1;
    }
    if (fill(source, object->fd) != 0 || set_time(object->fd, modified) != 0) {
        int cause = errno;
        pool_drop(object);
        errno = cause;
        return -1;
    }
    return 0;
}

static int begin_clone(struct pool *pool, struct pool_object *object, int source,
                       const struct timespec *modified)
{
    int result = pool->no_clone ? -1 : begin_file(pool, object, source, modified, clone_bytes);
    pool->no_clone = result != 0;
    return result;
}

static int begin_link(struct pool_object *object, int source)
{
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", source);
    replace_make_name(object->temporary);
    if (linkat(AT_FDCWD, name, object->directory, object->temporary, AT_SYMLINK_FOLLOW) != 0) {
        return -1;
    }
    object->fd = fcntl(source, F_DUPFD_CLOEXEC, 0);
    if (object->fd < 0) {
        unlinkat(object->directory, object->temporary, 0);
        return -1;
    }
    return 0;
}

int pool_begin_dated(struct pool *pool, struct pool_object *object, int source, const char *path,
                     const struct timespec *modified)
{
    struct stat status;
    if (fstat(source, &status) != 0) {
        return -1;
    }
    /* With the time of its source, so that Last-Modified stays what it was. */
    modified = modified ? modified : &status.st_mtim;
    bool same =
        modified->tv_sec == status.st_mtim.tv_sec && modified->tv_nsec == status.st_mtim.tv_nsec;
    *object = (struct pool_object){.fd = -1, .name = name_in(path)};
    object->directory = directory_of(pool, path, true);
    if (object->directory < 0) {
        return -1;
    }
    if (pool->links && (begin_clone(pool, object, source, modified) == 0 ||
                        (same && begin_link(object, source) == 0))) {
        return 0;
    }
    /* Another file system, somebody else's file, too many links: a copy does as well. */
    return begin_file(pool, object, source, modified, copy_bytes);
}

int pool_begin(struct pool *pool, struct pool_object *object, int source, const char *path)
{
    return pool_begin_dated(pool, object, source, path, NULL);
}

int pool_finish(struct pool_object *object)
{
    int result = renameat(object->directory, object->temporary, object->directory, object->name);
    int cause = errno;
    /* rename() leaves both names when they are links to one file. */
    unlinkat(object->directory, object->temporary, 0);
    close(object->fd);
    object->fd = -1;
    errno = cause;
    return result;
}

void pool_drop(struct pool_object *object)
{
    unlinkat(object->directory, object->temporary, 0);
    close(object->fd);
    object->fd = -1;
}

int pool_sync(const struct pool *pool)
{
    return pool->fd >= 0 ? syncfs(pool->fd) : 0;
}

/* One walk over the pool. */
struct walk {
    apr_hash_t *names;
    apr_pool_t *memory;
    bool clear;
};

static void read_directory(struct walk *walk, int fd, const char *parent, int depth);

static void read_entry(struct walk *walk, int directory, const char *name, const char *path,
                       int depth)
{
    struct stat status;
    if (replace_is_temporary(name) && walk->clear) {
        unlinkat(directory, name, 0);
    }
    if (name[0] == '.' || fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return;
    }
    if (S_ISREG(status.st_mode)) {
        apr_hash_set(walk->names, path, APR_HASH_KEY_STRING, path);
    } else if (S_ISDIR(status.st_mode) && depth > 0) {
        read_directory(walk, state_open_directory(directory, name, NULL), path, depth - 1);
    }
}

/* Closes `fd`. */
static void read_directory(struct walk *walk, int fd, const char *parent, int depth)
{
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    while (directory && (entry = readdir(directory))) {
        const char *path = *parent ? apr_pstrcat(walk->memory, parent, "/", entry->d_name, NULL)
                                   : apr_pstrdup(walk->memory, entry->d_name);
        read_entry(walk, fd, entry->d_name, path, depth);
    }
    if (directory) {
        closedir(directory);
    } else if (fd >= 0) {
        close(fd);
    }
}

apr_hash_t *pool_names(const struct pool *pool, bool clear, apr_pool_t *memory)
{
    struct walk walk = {.names = apr_hash_make(memory), .memory = memory, .clear = clear};
    if (pool->fd >= 0) {
        read_directory(&walk, state_open_directory(pool->fd, ".", NULL), "", DEPTH);
    }
    return walk.names;
}

#include "base/walk.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    GO_ON = -2,          /* in place of a descriptor: there is more to walk */
    LINKS_MAX = 40,      /* as in the kernel */
    TRIES = 8,           /* for what is a link at one call and none at the next */
    PROCFS = 0x9fa0,     /* PROC_SUPER_MAGIC */
    NOSYMFOLLOW = 0x2000 /* ST_NOSYMFOLLOW */
};

/* The text is walked from left to right; a link's takes the place of its name, in front of the
 * rest. So what has been walked is a row of directories, none of them a link. */
struct walk {
    int directory;
    int at; /* the directory that has been reached */
    enum walk_bounds bounds;
    int links; /* that were followed */
    size_t done;
    char names[PATH_MAX]; /* of the directories from `directory` to `at`, each with its NUL */
    char *rest;           /* within `text`, to whose end it reaches */
    char text[2 * PATH_MAX];
};

struct component {
    char *name, *end; /* a NUL stands at `end`, in place of */
    char mark;        /* this */
    bool last;
};

static int fail(int cause)
{
    errno = cause;
    return -1;
}

/* Takes `fd` over. */
static int enter(struct walk *walk, int fd)
{
    if (fd == -1) {
        return -1;
    }
    if (walk->at != walk->directory) {
        close(walk->at);
    }
    walk->at = fd;
    return 0;
}

static int open_directory(int at, const char *name)
{
    return openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* O_PATH would open a link itself; here that is an error as without it. */
static int open_last(int at, const char *name, int flags)
{
    struct stat status;
    int fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && (flags & O_PATH) && fstat(fd, &status) == 0 && S_ISLNK(status.st_mode)) {
        close(fd);
        return fail(ELOOP);
    }
    return fd;
}

static int put_in_front(struct walk *walk, const char *text, size_t len)
{
    if (len > (size_t)(walk->rest - walk->text)) {
        return fail(ENAMETOOLONG);
    }
    walk->rest -= len;
    memcpy(walk->rest, text, len);
    if (text[0] != '/') {
        return 0;
    }
    return walk->bounds == WALK_BENEATH ? fail(EXDEV) : enter(walk, open_directory(AT_FDCWD, "/"));
}

/* Into a directory below, which go_back finds again by its name. */
static int go_down(struct walk *walk, const char *name, int fd)
{
    size_t size = strlen(name) + 1;
    enter(walk, fd);
    if (walk->bounds != WALK_BENEATH) {
        return 0;
    }
    if (size > sizeof walk->names - walk->done) {
        return fail(ENAMETOOLONG);
    }
    memcpy(walk->names + walk->done, name, size);
    walk->done += size;
    return 0;
}

/* From the first directory again, without the last name: the kernel's own `..` leads to wherever
 * this directory may have been moved. */
static int go_back(struct walk *walk)
{
    if (walk->done == 0) {
        return fail(EXDEV);
    }
    do {
        walk->done--;
    } while (walk->done > 0 && walk->names[walk->done - 1] != '\0');
    enter(walk, walk->directory);
    for (size_t i = 0; i < walk->done; i += strlen(walk->names + i) + 1) {
        if (enter(walk, open_directory(walk->at, walk->names + i)) != 0) {
            return -1;
        }
    }
    return 0;
}

static int go_up(struct walk *walk)
{
    int fd = open_directory(walk->at, "..");
    if (walk->bounds != WALK_BENEATH || fd < 0) {
        return enter(walk, fd);
    }
    close(fd); /* it was asked for because the kernel lets nobody back who may not enter */
    return go_back(walk);
}

/* Links that the kernel would not follow: all of a mount with that option, and those of procfs that
 * stand for a file instead of naming it (the others there are relative and hold no ':'). */
static bool is_magic(int directory, const char *target, size_t len)
{
    char name[FILE_DESCRIPTOR_NAME];
    struct statfs status;
    file_name_descriptor(directory, name);
    /* By its name: before Linux 3.12 fstatfs took no O_PATH descriptor. */
    if (statfs(name, &status) != 0) {
        return false;
    }
    return ((unsigned long)status.f_flags & NOSYMFOLLOW) ||
           ((unsigned long)status.f_type == PROCFS &&
            (target[0] == '/' || memchr(target, ':', len)));
}

/* EINVAL: it is no link. */
static int follow(struct walk *walk, const struct component *component)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(walk->at, component->name, target, sizeof target);
    if (len <= 0) {
        return -1;
    }
    if (++walk->links > LINKS_MAX || is_magic(walk->at, target, (size_t)len)) {
        return fail(ELOOP);
    }
    *component->end = component->mark;
    walk->rest = component->end;
    return put_in_front(walk, target, (size_t)len);
}

static struct component cut_component(struct walk *walk)
{
    struct component component = {.name = walk->rest + strspn(walk->rest, "/")};
    component.end = component.name + strcspn(component.name, "/");
    component.last = component.end[strspn(component.end, "/")] == '\0';
    component.mark = *component.end;
    *component.end = '\0';
    walk->rest = component.end + !component.last;
    return component;
}

/* A slash behind the last name asks for a directory. It is not passed on: the kernel follows a link
 * in front of it, whatever the flags. */
static int open_component(const struct walk *walk, const struct component *component, int flags)
{
    return component->last ? open_last(walk->at, component->name,
                                       flags | (component->mark == '/' ? O_DIRECTORY : 0))
                           : open_directory(walk->at, component->name);
}

static int pass_component(struct walk *walk, const struct component *component, int flags)
{
    int fd = open_component(walk, component, flags);
    for (int i = 0; fd < 0 && (errno == ELOOP || errno == ENOTDIR) && i < TRIES; i++) {
        if (follow(walk, component) == 0) {
            return GO_ON;
        }
        if (errno != EINVAL) {
            return -1;
        }
        fd = open_component(walk, component, flags);
    }
    if (fd < 0 || component->last) {
        return fd;
    }
    return go_down(walk, component->name, fd) == 0 ? GO_ON : -1;
}

/* Returns GO_ON, the descriptor of what the last name stands for, or -1. */
static int take_step(struct walk *walk, int flags)
{
    struct component component = cut_component(walk);
    bool up = strcmp(component.name, "..") == 0;
    if (up && go_up(walk) != 0) {
        return -1;
    }
    if (up || component.name[0] == '\0' || strcmp(component.name, ".") == 0) {
        return component.last ? open_last(walk->at, ".", flags) : GO_ON;
    }
    return pass_component(walk, &component, flags);
}

int walk_open(int directory, const char *path, int flags, enum walk_bounds bounds)
{
    struct walk walk;
    size_t len = strlen(path);
    if (len == 0 || len >= PATH_MAX) {
        return fail(len == 0 ? ENOENT : ENAMETOOLONG);
    }
    walk.directory = walk.at = directory;
    walk.bounds = bounds;
    walk.links = 0;
    walk.done = 0;
    walk.rest = walk.text + sizeof walk.text - 1;
    *walk.rest = '\0';
    int fd = put_in_front(&walk, path, len) == 0 ? GO_ON : -1;
    while (fd == GO_ON) {
        fd = take_step(&walk, flags);
    }
    int cause = errno;
    if (walk.at != directory) {
        close(walk.at);
    }
    errno = cause;
    return fd;
}

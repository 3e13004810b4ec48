#include "prepare/state.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* The web server may publish the root with everything in it. Only what it redirects inside, as a
 * hand-back does, may reach the pool. */
static const char closing[] =
    "# Written by handback prepare when it is missing: the state directory is not for clients.\n"
    "<IfModule mod_rewrite.c>\n"
    "    RewriteEngine On\n"
    "    RewriteCond %{ENV:REDIRECT_STATUS} ^$\n"
    "    RewriteRule ^ - [R=404,L]\n"
    "</IfModule>\n"
    "<IfModule !mod_rewrite.c>\n"
    "    <If \"-z reqenv('REDIRECT_STATUS')\">\n"
    "        RedirectMatch 404 ^\n"
    "    </If>\n"
    "</IfModule>\n";

const char *state_htaccess(void)
{
    return closing;
}

static int closed(const char *path, const char *what, int cause, struct error *error)
{
    return error_set(error, HB_STATE_CLOSED,
                     "the state directory %s cannot be %s by user %u: %s: set HANDBACK_STATE to a "
                     "directory that this user may write",
                     path, what, (unsigned)geteuid(), strerror(cause));
}

static struct replace_access access_like(const struct stat *root, mode_t kept, mode_t added)
{
    return (struct replace_access){
        .mode = (root->st_mode & kept) | added, .owner = root->st_uid, .group = root->st_gid};
}

int state_open_directory(int parent, const char *name, const struct replace_access *access)
{
    bool made = access && mkdirat(parent, name, access->mode) == 0;
    int cause = errno;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && made) {
        replace_grant(fd, access);
    }
    if (fd < 0 && errno == ENOENT && access) {
        errno = cause;
    }
    return fd;
}

/* The directory itself may lie behind a link: that is how the operator says where it is. */
static int open_place(const struct state *state, bool dry, struct error *error)
{
    bool made = !dry && mkdir(state->path, state->directories.mode) == 0;
    int cause = errno;
    int fd = open(state->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && (!dry || errno != ENOENT)) {
        return closed(state->path, errno == ENOENT ? "made" : "opened",
                      errno == ENOENT ? cause : errno, error);
    }
    if (made) {
        replace_grant(fd, &state->directories);
    }
    return fd;
}

/* For a dry run: whether the next run could make or write it. */
static int judge_place(const struct state *state, struct error *error)
{
    char parent[PATH_MAX];
    const char *name = state->path;
    if (state->fd < 0) {
        const char *slash = strrchr(state->path, '/');
        snprintf(parent, sizeof parent, "%.*s",
                 slash == state->path ? 1 : (int)(slash - state->path), state->path);
        name = parent;
    }
    if (faccessat(AT_FDCWD, name, W_OK | X_OK, AT_EACCESS) != 0) {
        return closed(state->path, state->fd < 0 ? "made" : "written", errno, error);
    }
    return 0;
}

static unsigned holder_of(int lock)
{
    char text[16] = "";
    ssize_t got = pread(lock, text, sizeof text - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    return (unsigned)strtoul(text, NULL, 10);
}

/* Whether the locked file is still the one that others would lock: `collectstatic --clear` may have
 * removed it. */
static bool is_in_place(const struct state *state)
{
    struct stat ours, theirs;
    return fstat(state->lock, &ours) == 0 &&
           fstatat(state->fd, "lock", &theirs, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

static int open_lock(struct state *state, struct error *error)
{
    bool made = true;
    int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    state->lock = openat(state->fd, "lock", flags | O_CREAT | O_EXCL, 0600);
    if (state->lock < 0 && errno == EEXIST) {
        made = false;
        state->lock = openat(state->fd, "lock", flags);
    }
    if (state->lock < 0) {
        return closed(state->path, "written", errno, error);
    }
    if (made) {
        replace_grant(state->lock, &state->files);
    }
    return 0;
}

/* One attempt: 1 when it is ours, 0 when another has it, -1 with the fault. */
static int try_lock(struct state *state, struct error *error)
{
    if (state->lock < 0 && open_lock(state, error) != 0) {
        return -1;
    }
    if (flock(state->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK || errno == EINTR) {
            return 0;
        }
        return closed(state->path, "locked", errno, error);
    }
    if (is_in_place(state)) {
        return 1;
    }
    close(state->lock);
    state->lock = -1;
    return 0;
}

static int lock(struct state *state, struct error *error)
{
    static const struct timespec pause = {.tv_nsec = 100000000};
    long long until = clock_now() + STATE_PATIENCE * 1000;
    bool said = false;
    for (;;) {
        int got = try_lock(state, error);
        if (got != 0) {
            return got < 0 ? -1 : 0;
        }
        unsigned holder = state->lock >= 0 ? holder_of(state->lock) : 0;
        if (clock_now() >= until) {
            return error_set(error, HB_STATE_LOCKED,
                             "another prepare (process %u) is at work in %s and does not end: try "
                             "again, or end it",
                             holder, state->path);
        }
        if (!said && state->lock >= 0) {
            error_set(error, HB_STATE_LOCKED,
                      "another prepare (process %u) is at work in %s: waiting up to %d seconds",
                      holder, state->path, STATE_PATIENCE);
            log_always(error);
            said = true;
        }
        nanosleep(&pause, NULL);
    }
}

static void sign(const struct state *state)
{
    char text[16];
    int length = snprintf(text, sizeof text, "%u\n", (unsigned)getpid());
    if (ftruncate(state->lock, 0) == 0 && pwrite(state->lock, text, (size_t)length, 0) < 0) {
        errno = 0; /* a full disk: nobody is told our number, which is all */
    }
}

void state_clear(int directory)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    while (names && (entry = readdir(names))) {
        if (replace_is_temporary(entry->d_name)) {
            unlinkat(directory, entry->d_name, 0);
        }
    }
    if (names) {
        closedir(names);
    } else if (fd >= 0) {
        close(fd);
    }
}

/* One that is there stays: the operator may have written it. */
static int write_htaccess(const struct state *state, struct error *error)
{
    struct stat status;
    if (fstatat(state->fd, ".htaccess", &status, AT_SYMLINK_NOFOLLOW) == 0) {
        return 0;
    }
    if (replace_file(state->fd, ".htaccess", closing, strlen(closing), &state->files, NULL) != 0) {
        return closed(state->path, "written", errno, error);
    }
    return 0;
}

int state_open(struct state *state, const char *path, const struct stat *root, bool dry,
               struct error *error)
{
    *state = (struct state){.path = path,
                            .fd = -1,
                            .lock = -1,
                            .files = access_like(root, 0444, 0600),
                            .directories = access_like(root, 0755, 0700)};
    error->number = NO_DIAGNOSIS;
    state->fd = open_place(state, dry, error);
    if (error->number != NO_DIAGNOSIS) {
        return -1;
    }
    if (dry) {
        return judge_place(state, error);
    }
    if (lock(state, error) != 0) {
        return -1;
    }
    sign(state);
    state_clear(state->fd);
    return write_htaccess(state, error);
}

void state_close(struct state *state)
{
    if (state->lock >= 0) {
        close(state->lock);
    }
    if (state->fd >= 0) {
        close(state->fd);
    }
    state->lock = state->fd = -1;
}

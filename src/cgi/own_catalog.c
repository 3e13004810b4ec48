#include "cgi/own_catalog.h"

#include "base/beneath.h"
#include "catalog/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

enum {
    LINKS_MAX = 40, /* as in the kernel */
    OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
};

/* Cuts a path at its last slash. */
static bool cut_name(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash) {
        slash[slash == path] = '\0';
    }
    return slash != NULL;
}

bool own_catalog_directory(char directory[PATH_MAX])
{
    /* What the web server has started, where that is the program's one name: /proc would make its
     * entries for this process first, which costs more than any file that is opened. */
    const char *started = (const char *)getauxval(AT_EXECFN);
    if (started && beneath_has_no_link(started)) {
        return slice_copy(slice_of(started), directory, PATH_MAX) && cut_name(directory);
    }
    ssize_t len = readlink("/proc/self/exe", directory, PATH_MAX - 1);
    if (len > 0) {
        directory[len] = '\0';
        return cut_name(directory);
    }
    /* Without /proc; the web server says it, and no client can. */
    return slice_copy(slice_of(getenv("SCRIPT_FILENAME")), directory, PATH_MAX) &&
           directory[0] == '/' && cut_name(directory);
}

static bool join(char path[PATH_MAX], const char *directory, const char *name)
{
    int len = snprintf(path, PATH_MAX, "%s/%s", directory, name);
    return len > 0 && len < PATH_MAX;
}

/* Goes one link further. Not a part of its caller, whose room on the stack costs each request. */
__attribute__((noinline)) static bool follow_link(char path[PATH_MAX])
{
    char target[PATH_MAX];
    ssize_t len = readlink(path, target, sizeof target - 1);
    if (len <= 0) {
        return false;
    }
    target[len] = '\0';
    if (target[0] == '/') {
        return slice_copy(slice_of(target), path, PATH_MAX);
    }
    if (!cut_name(path)) {
        return false;
    }
    size_t used = strlen(path);
    int more = snprintf(path + used, PATH_MAX - used, "/%s", target);
    return more > 0 && (size_t)more < PATH_MAX - used;
}

/* Opens the file that the links lead to and leaves its path; the directories on the way keep their
 * names. */
static int open_behind_links(char path[PATH_MAX])
{
    int fd = -1;
    for (int i = 0; i <= LINKS_MAX; i++) {
        fd = open(path, O_NOFOLLOW | OPEN_FLAGS);
        if (fd >= 0 || errno != ELOOP || !follow_link(path)) {
            break;
        }
    }
    return fd;
}

/* Whether whoever owns the file also owns what the web server or the program were told to use. */
static bool is_known(const struct own_catalog *own, const struct environment *environment,
                     const char *directory)
{
    bool given = false;
    uid_t owner = own->status.st_uid;
    if (owner == 0 || owner == geteuid()) {
        return true;
    }
    for (int kind = 0; kind < MOUNT_KINDS; kind++) {
        const char *root = environment->root[kind];
        given = given || root;
        if (root && trust_owns(root, owner)) {
            return true;
        }
    }
    return (own->beside || !given) && trust_owns_alone(directory, owner);
}

static enum own_verdict open_in(struct own_catalog *own, const char *directory, const char *name,
                                const struct environment *environment, struct error *error)
{
    if (!join(own->path, directory, name)) {
        return OWN_MISSING;
    }
    own->fd = own->beside ? open_behind_links(own->path) : open(own->path, OPEN_FLAGS);
    if (own->fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return OWN_MISSING;
    }
    if (own->fd < 0 || fstat(own->fd, &own->status) != 0) {
        error_set(error, HB_CATALOG_INVALID,
                  "the catalog %s cannot be read by user %u: %s: let others read it and enter its "
                  "directories (chmod -R go+rX)",
                  own->path, (unsigned)geteuid(), strerror(errno));
        return OWN_REFUSED;
    }
    bool known = is_known(own, environment, directory);
    strcpy(own->place, own->path);
    cut_name(own->place);
    return trust_judge(own->path, &own->status, known, error) == 0 ? OWN_FOUND : OWN_REFUSED;
}

enum own_verdict own_catalog_find(struct own_catalog *own, const struct environment *environment,
                                  struct error *error)
{
    char *directory = own->place; /* first that in which it is looked for */
    enum own_verdict verdict = OWN_MISSING;
    own->fd = -1;
    own->beside = true;
    if (own_catalog_directory(directory)) {
        verdict = open_in(own, directory, "handback.catalog", environment, error);
    }
    own->beside = verdict != OWN_MISSING;
    if (verdict == OWN_MISSING && environment->state) {
        return open_in(own, environment->state, "catalog", environment, error);
    }
    if (verdict == OWN_MISSING && environment->root[MOUNT_STATIC] &&
        join(directory, environment->root[MOUNT_STATIC], ".handback")) {
        return open_in(own, directory, "catalog", environment, error);
    }
    return verdict;
}

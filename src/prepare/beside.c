#include "prepare/beside.h"

#include "base/file.h"
#include "base/place.h"
#include "catalog/catalog.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME "handback.catalog"
#define LIST "beside"

enum {
    LIST_MAX = 65536 /* bytes */
};

struct beside {
    const char *path; /* without links */
    bool asked;       /* by this run; else by a former one */
};

static struct beside *at(const struct work *work, int index)
{
    return &((struct beside *)(void *)work->beside->elts)[index];
}

static void add(struct work *work, const char *path, bool asked)
{
    for (int i = 0; i < work->beside->nelts; i++) {
        if (strcmp(at(work, i)->path, path) == 0) {
            at(work, i)->asked |= asked;
            return;
        }
    }
    APR_ARRAY_PUSH(work->beside, struct beside) =
        (struct beside){.path = apr_pstrdup(work->pool, path), .asked = asked};
}

static int fault_of(const char *directory, int cause, struct error *error)
{
    return error_set(error, HB_WRITE_FAILED, "%s/" NAME " cannot be written: %s", directory,
                     strerror(cause));
}

static void report_unwritten(struct work *work, const char *directory, int cause)
{
    struct error fault;
    fault_of(directory, cause, &fault);
    report_fault(work->report, &fault);
}

/* One directory a line, relative to the state directory. */
static void read_list(struct work *work)
{
    char *bytes = NULL, path[PATH_MAX], text[PATH_MAX];
    size_t length = 0;
    int fd = work->state.fd < 0
                 ? -1
                 : openat(work->state.fd, LIST, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && file_read(fd, LIST_MAX, &bytes, &length) == 0) {
        for (struct slice rest = {bytes, length}; rest.len > 0;) {
            struct slice line = slice_cut(&rest, '\n');
            if (line.len > 0 && slice_copy(line, text, sizeof text) &&
                place_resolve(slice_of(text), work->real_state, path, sizeof path)) {
                add(work, path, false);
            }
        }
    }
    free(bytes);
    if (fd >= 0) {
        close(fd);
    }
}

/* The list holds one a line, so none with a line's end in it. */
static bool is_usable(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0 || faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) != 0) {
        return false;
    }
    errno = S_ISDIR(status.st_mode) ? EINVAL : ENOTDIR;
    return S_ISDIR(status.st_mode) && !slice_has_control(slice_of(path));
}

static bool is_published(const struct work *work, const char *path)
{
    char text[PATH_MAX];
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        if (work_is_static(work, i) && place_below(path, work->real[i], text, sizeof text)) {
            return true;
        }
    }
    return false;
}

int beside_open(struct work *work, const char *directory, struct error *error)
{
    char real[PATH_MAX];
    work->beside = apr_array_make(work->pool, 1, sizeof(struct beside));
    read_list(work);
    if (!directory) {
        return 0;
    }
    if (!realpath(directory, real) || !is_usable(real)) {
        return error_set(error, HB_WRITE_FAILED,
                         "--beside %s: %s: it takes the directory of handback.cgi, which must be "
                         "there and writable",
                         directory, strerror(errno));
    }
    if (is_published(work, real)) {
        return error_set(error, HB_WRITE_FAILED,
                         "%s lies below a root, where clients could ask for the catalog in it: put "
                         "the program into a directory beside the root",
                         directory);
    }
    add(work, real, true);
    return 0;
}

static bool has_bytes(int directory, const struct compiled *compiled, const struct stat *catalog)
{
    struct stat status;
    char *bytes = NULL;
    size_t length = 0;
    int fd = openat(directory, NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool same = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                status.st_mtim.tv_sec == catalog->st_mtim.tv_sec &&
                status.st_mtim.tv_nsec == catalog->st_mtim.tv_nsec &&
                file_read(fd, compiled->size, &bytes, &length) == 0 && length == compiled->size &&
                memcmp(bytes, compiled->block, length) == 0;
    if (fd >= 0) {
        close(fd);
    }
    free(bytes);
    return same;
}

static void report_one(struct work *work, const char *path, bool changed, int directory)
{
    APR_ARRAY_PUSH(work->report->beside, struct report_beside) =
        (struct report_beside){.path = apr_pstrcat(work->pool, path, "/" NAME, NULL),
                               .changed = changed,
                               .program = faccessat(directory, "handback.cgi", F_OK, 0) == 0};
}

/* Its time is that of the catalog: what is older was read. Whoever owns the directory owns it: a
 * host may refuse another's files there. The group stays that of the root, whose mode it has. */
static int write_one(struct work *work, const char *path, int directory,
                     const struct compiled *compiled)
{
    struct stat place, catalog = {0};
    struct replace_access access = work->state.files;
    bool made = fstatat(work->state.fd, "catalog", &catalog, AT_SYMLINK_NOFOLLOW) == 0;
    bool same = made && has_bytes(directory, compiled, &catalog);
    report_one(work, path, !same, directory);
    if (same || fstat(directory, &place) != 0) {
        return 0;
    }
    work->report->changed = true;
    access.owner = place.st_uid;
    return work->dry ? 0
                     : replace_file(directory, NAME, compiled->block, compiled->size, &access,
                                    &catalog.st_mtim);
}

static int publish_one(struct work *work, const struct beside *beside,
                       const struct compile_options *options, struct error *error)
{
    char state[PATH_MAX];
    struct compiled compiled;
    struct compile_options ours = *options;
    int directory = open(beside->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool reached = place_relative(work->report->state, beside->path, state, sizeof state);
    if (directory < 0 || !reached) {
        report_unwritten(work, beside->path, directory < 0 ? errno : ENAMETOOLONG);
        if (directory >= 0) {
            close(directory);
        }
        return 0;
    }
    ours.state = state;
    int result = compile_site(work->settings, &ours, &compiled, work->pool, error);
    if (result == 0 && write_one(work, beside->path, directory, &compiled) != 0) {
        report_unwritten(work, beside->path, errno);
    }
    if (result == 0) {
        free(compiled.block);
    }
    close(directory);
    return result;
}

/* Whether the catalog in `fd` names a state directory that is there, and another than ours. */
static bool names_another(const struct work *work, int fd, const char *directory)
{
    char path[PATH_MAX];
    struct stat file, ours, theirs;
    struct catalog catalog;
    struct error error;
    uint64_t mapped = 0;
    void *head = fstat(fd, &file) == 0 && S_ISREG(file.st_mode)
                     ? catalog_read_head(fd, (uint64_t)file.st_size, &mapped)
                     : NULL;
    bool another = head && catalog_open(&catalog, head, (uint64_t)file.st_size, &error) == 0 &&
                   catalog_site(&catalog).state.len > 0 &&
                   place_resolve(catalog_site(&catalog).state, directory, path, sizeof path) &&
                   stat(path, &theirs) == 0 && fstat(work->state.fd, &ours) == 0 &&
                   (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev);
    if (head) {
        munmap(head, mapped);
    }
    return another;
}

/* What is remembered may be out of date, and the list is no permission: where another state
 * directory has put its catalog since, it stays. */
static bool is_forgotten(const struct work *work, const struct beside *beside)
{
    if (beside->asked) {
        return false;
    }
    const char *path = apr_pstrcat(work->pool, beside->path, "/" NAME, NULL);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR;
    }
    bool another = names_another(work, fd, beside->path);
    close(fd);
    return another;
}

static int write_list(const struct work *work, struct error *error)
{
    const char *text = "";
    char relative[PATH_MAX];
    for (int i = 0; i < work->beside->nelts; i++) {
        if (place_relative(at(work, i)->path, work->real_state, relative, sizeof relative)) {
            text = apr_pstrcat(work->pool, text, relative, "\n", NULL);
        }
    }
    return replace_file(work->state.fd, LIST, text, strlen(text), &work->state.files, NULL) == 0
               ? 0
               : fault_of(work->report->state, errno, error);
}

/* Whether the list is to be written anew. */
static bool forget(struct work *work)
{
    bool changed = false;
    for (int i = 0; i < work->beside->nelts; i++) {
        if (is_forgotten(work, at(work, i))) {
            *at(work, i--) = *at(work, --work->beside->nelts);
            changed = true;
        } else {
            changed = changed || at(work, i)->asked;
        }
    }
    return changed;
}

/* The list first: a line too many is forgotten, but a catalog that no line tells of grows old. */
int beside_publish(struct work *work, const struct compile_options *options, struct error *error)
{
    if (forget(work) && !work->dry && write_list(work, error) != 0) {
        return -1;
    }
    for (int i = 0; i < work->beside->nelts; i++) {
        if (publish_one(work, at(work, i), options, error) != 0) {
            return -1;
        }
    }
    return 0;
}

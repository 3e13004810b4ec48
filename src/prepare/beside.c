#include "prepare/beside.h"

#include "base/file.h"
#include "base/place.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
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

int beside_open(struct work *work, const char *directory, struct error *error)
{
    char real[PATH_MAX];
    work->beside = apr_array_make(work->pool, 1, sizeof(struct beside));
    read_list(work);
    if (!directory) {
        return 0;
    }
    if (!realpath(directory, real) || faccessat(AT_FDCWD, real, W_OK | X_OK, AT_EACCESS) != 0) {
        return fault_of(directory, errno, error);
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

/* Its time is that of the catalog: what is older was read. Whoever owns the directory owns it: a
 * host may refuse another's files there. */
static int write_one(struct work *work, int directory, const struct compiled *compiled)
{
    struct stat place, catalog = {0};
    struct replace_access access = work->state.files;
    bool made = fstatat(work->state.fd, "catalog", &catalog, AT_SYMLINK_NOFOLLOW) == 0;
    if (fstat(directory, &place) != 0 || (made && has_bytes(directory, compiled, &catalog))) {
        return 0;
    }
    work->report->changed = true;
    access.owner = place.st_uid;
    access.group = place.st_gid;
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
        return 0;
    }
    ours.state = state;
    int result = compile_site(work->settings, &ours, &compiled, work->pool, error);
    if (result == 0 && write_one(work, directory, &compiled) != 0) {
        report_unwritten(work, beside->path, errno);
    }
    if (result == 0) {
        free(compiled.block);
    }
    close(directory);
    return result;
}

static bool is_forgotten(const struct beside *beside, apr_pool_t *pool)
{
    struct stat status;
    return !beside->asked && lstat(apr_pstrcat(pool, beside->path, "/" NAME, NULL), &status) != 0 &&
           errno == ENOENT;
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

int beside_publish(struct work *work, const struct compile_options *options, struct error *error)
{
    bool listed = false;
    for (int i = 0; i < work->beside->nelts; i++) {
        if (is_forgotten(at(work, i), work->pool)) {
            *at(work, i) = *at(work, work->beside->nelts - 1);
            work->beside->nelts--;
            listed = true;
            i--;
            continue;
        }
        listed = listed || at(work, i)->asked;
        if (publish_one(work, at(work, i), options, error) != 0) {
            return -1;
        }
    }
    return listed && !work->dry ? write_list(work, error) : 0;
}

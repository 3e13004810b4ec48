#include "prepare/htaccess.h"

#include "base/file.h"
#include "base/log.h"
#include "base/place.h"
#include "prepare/htaccess_plan.h"
#include "prepare/htaccess_text.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME ".htaccess"

enum {
    FILE_MAX = 1 << 20,
    URL_MAX = 200
};

const char *htaccess_wish(struct htaccess_wish *wish, const char *level, const char *cgi)
{
    if (!level) {
        return cgi ? "--cgi goes with --htaccess" : NULL;
    }
    if (level[0] < '0' || level[0] >= '0' + HTACCESS_LEVELS || level[1] != '\0') {
        return "--htaccess takes a level: 0, 1, 2 or 3";
    }
    wish->given = true;
    wish->level = level[0] - '0';
    wish->cgi = cgi ? cgi : wish->level == 3 ? "/cgi-bin/handback.fcgi" : "/cgi-bin/handback.cgi";
    bool plain = wish->cgi[0] == '/' && strlen(wish->cgi) <= URL_MAX &&
                 wish->cgi[strspn(wish->cgi, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789._~/-")] == '\0';
    if (plain && wish->cgi[strlen(wish->cgi) - 1] == '/') {
        return "--cgi takes the URL path of the program, not that of its directory";
    }
    return plain ? NULL : "--cgi takes a URL path of letters, digits and ._~/-";
}

/* ---- the files ---- */

/* What a directory holds under the name; NULL: nothing, or nothing that can be read. *there: there
 * is something. */
static const char *read_text(int directory, bool *there, apr_pool_t *pool)
{
    char *bytes = NULL;
    size_t length;
    const char *text = NULL;
    int fd = openat(directory, NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    *there = fd >= 0 || errno != ENOENT;
    if (fd >= 0 && file_read(fd, FILE_MAX, &bytes, &length) == 0) {
        text = apr_pstrmemdup(pool, bytes, length);
    }
    free(bytes);
    if (fd >= 0) {
        close(fd);
    }
    return text;
}

/* ---- the delivery ---- */

static bool is_below_a_root(const struct settings *settings, const char *state)
{
    char text[PATH_MAX];
    for (uint32_t i = 0; i < settings->mounts; i++) {
        const struct settings_mount *mount = &settings->mount[i];
        if (mount->kind == MOUNT_STATIC && mount->root &&
            place_below(state, mount->root, text, sizeof text)) {
            return true;
        }
    }
    return false;
}

/* Whether a root has, or is to have, a file that leads to a program which redirects. */
static bool redirects(const struct settings_mount *mount, const struct htaccess_wish *wish,
                      apr_pool_t *pool)
{
    bool there;
    int level = 0, root = open(mount->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *cgi, *text = root >= 0 ? read_text(root, &there, pool) : NULL;
    bool ours = text && htaccess_text_is_ours(text, &level, &cgi, pool);
    if (root < 0) {
        return false;
    }
    close(root);
    return wish->given ? wish->level >= 2 && (ours || !there) : ours && level >= 2;
}

void htaccess_set_delivery(struct settings *settings, const struct htaccess_wish *wish,
                           apr_pool_t *pool)
{
    const char *state = settings_state(settings, pool);
    if (settings_gave(settings->given, "delivery") || !state || settings->pool == POOL_OFF ||
        !is_below_a_root(settings, state)) {
        return;
    }
    for (uint32_t i = 0; i < settings->mounts; i++) {
        struct settings_mount *mount = &settings->mount[i];
        if (mount->kind == MOUNT_STATIC && redirects(mount, wish, pool)) {
            settings->delivery = DELIVERY_LOCAL_REDIRECT;
            mount->delivery_url = *mount->delivery_url ? mount->delivery_url : mount->url;
        }
    }
}

static void report_foreign(struct work *work, const char *path)
{
    struct error fault;
    error_set(&fault, HB_HTACCESS_FOREIGN,
              "%s was not generated, or somebody has changed it: it stays as it is: move your own "
              "lines to the directory above, delete it, and run prepare again",
              path);
    report_fault(work->report, &fault);
}

static void add_report(struct work *work, const struct htaccess_plan *plan, const char *path,
                       const char *text, bool changed)
{
    *(struct report_htaccess *)apr_array_push(work->report->htaccess) = (struct report_htaccess){
        .path = path, .text = text, .level = plan->level, .changed = changed};
}

/* Puts a text in the place of one of ours, or where none was. */
static int put(struct work *work, const struct htaccess_plan *plan, int directory, const char *path,
               const char *text, struct error *error)
{
    bool there = false;
    const char *before = directory >= 0 ? read_text(directory, &there, work->pool) : NULL;
    const char *signed_text = htaccess_text_sign(plan, text, work->pool);
    bool changed = !before || strcmp(before, signed_text) != 0;
    add_report(work, plan, path, signed_text, changed);
    if (!changed || work->dry ||
        replace_file(directory, NAME, signed_text, strlen(signed_text), &work->state.files, NULL) ==
            0) {
        return 0;
    }
    return error_set(error, HB_WRITE_FAILED, "%s cannot be written: %s", path, strerror(errno));
}

/* ---- notices ---- */

static void say(const struct htaccess_plan *plan, enum diagnosis number, const char *what)
{
    struct error notice;
    error_set(&notice, number, "%s: %s", plan->mount->url, what);
    log_error(&notice);
}

static bool has_fields_of_paths(const struct settings_mount *mount)
{
    for (int i = 0; i < mount->fields->nelts; i++) {
        if (strchr(APR_ARRAY_IDX(mount->fields, i, struct settings_field).glob, '/')) {
            return true;
        }
    }
    return false;
}

static void tell(const struct work *work, const struct htaccess_plan *plan)
{
    const struct settings_mount *mount = plan->mount;
    if (plan->level < 2 && !plan->pooled) {
        say(plan, HB_HTACCESS_TREE,
            "Apache sends from the root itself, since the pool is not below it: a running "
            "collectstatic can tear what it sends: leave HANDBACK_STATE unset, and "
            "HANDBACK_POOL unset or copy");
    }
    if (plan->level >= 2 && work->settings->delivery == DELIVERY_BODY) {
        say(plan, HB_HTACCESS_TREE,
            "the program sends every body itself, since the pool is not below the root: leave "
            "HANDBACK_STATE unset, and HANDBACK_POOL unset or copy");
    }
    if (plan->level < 2 && plan->first_lost) {
        say(plan, HB_HTACCESS_DECLINED,
            apr_psprintf(work->pool,
                         "too many files look hashed and are not: those with the extension .%s "
                         "(and perhaps others) are %s",
                         plan->first_lost,
                         plan->level == 0 ? "not promised" : "answered by the program"));
    }
    if (plan->level == 0 &&
        (*mount->immutable || *mount->index_file || *mount->dirs || has_fields_of_paths(mount))) {
        say(plan, HB_HTACCESS_SETTING,
            "level 0 has no program to keep immutable, index_file, dirs, and headers of globs with "
            "a slash: they are without effect: take level 1");
    }
}

/* ---- one root ---- */

/* What is wanted for this root: what was asked for, else what its file says. */
static bool find_wish(struct work *work, uint32_t mount, struct htaccess_plan *plan)
{
    bool there;
    const char *text = read_text(work->keep.mount[mount].root, &there, work->pool), *cgi;
    int level;
    bool ours = text && htaccess_text_is_ours(text, &level, &cgi, work->pool) && level >= 0 &&
                level < HTACCESS_LEVELS;
    if (work->htaccess.given) {
        plan->level = work->htaccess.level;
        plan->cgi = work->htaccess.cgi;
        if (there && !ours) {
            report_foreign(
                work, apr_pstrcat(work->pool, work->settings->mount[mount].root, "/" NAME, NULL));
        }
        return !there || ours;
    }
    if (ours) {
        plan->level = level;
        plan->cgi = cgi;
    }
    return ours;
}

/* The file of the state directory: one that prepare writes for every site counts as ours. */
static int put_state(struct work *work, const struct htaccess_plan *plan, struct error *error)
{
    bool there = false;
    int level;
    const char *cgi, *path = apr_pstrcat(work->pool, work->report->state, "/" NAME, NULL);
    const char *text = work->state.fd >= 0 ? read_text(work->state.fd, &there, work->pool) : NULL;
    if (there && (!text || (strcmp(text, state_htaccess()) != 0 &&
                            !htaccess_text_is_ours(text, &level, &cgi, work->pool)))) {
        report_foreign(work, path);
        return 0;
    }
    return put(work, plan, work->state.fd, path, htaccess_text_state(plan, work->pool), error);
}

static int publish(struct work *work, uint32_t mount, const struct catalog *catalog,
                   struct error *error)
{
    struct htaccess_plan plan = {0};
    if (!find_wish(work, mount, &plan)) {
        return 0;
    }
    htaccess_plan_make(&plan, work, mount, catalog);
    tell(work, &plan);
    /* First what is sent, then the rules that lead there. */
    if (plan.state && put_state(work, &plan, error) != 0) {
        return -1;
    }
    return put(work, &plan, work->keep.mount[mount].root,
               apr_pstrcat(work->pool, plan.mount->root, "/" NAME, NULL),
               htaccess_text_root(&plan, work->pool), error);
}

int htaccess_publish(struct work *work, const struct catalog *catalog, struct error *error)
{
    for (uint32_t i = 0; i < work->settings->mounts; i++) {
        if (work_is_static(work, i) && publish(work, i, catalog, error) != 0) {
            return -1;
        }
    }
    return 0;
}

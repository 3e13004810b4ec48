#include "compile/settings.h"

#include "base/file.h"
#include "compile/settings_file.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static const char *const root_names[MOUNT_KINDS] = {"STATIC_ROOT", "MEDIA_ROOT", "HANDBACK_ROOT"};

static bool is_known(const char *name, size_t len)
{
    /* The second names the program itself to those who start it (examples/django). */
    static const char *const others[] = {"HANDBACK_CONFIG", "HANDBACK_PROGRAM"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (len == strlen(others[i]) && strncmp(name, others[i], len) == 0) {
            return true;
        }
    }
    return settings_has_variable(name, len);
}

/* A HANDBACK_ variable that is no setting is a typing error that would else go unnoticed. */
static int refuse_unknown_variables(char **environment, struct error *error)
{
    for (; *environment; environment++) {
        size_t len = strcspn(*environment, "=");
        if (strncmp(*environment, "HANDBACK_", 9) == 0 && !is_known(*environment, len)) {
            return error_set(error, HB_SETTING_UNKNOWN, "%.*s: there is no such setting", (int)len,
                             *environment);
        }
    }
    return 0;
}

/* handback.json beside the executable; NULL when that cannot be named. */
static const char *default_file(apr_pool_t *pool)
{
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (len <= 0) {
        return NULL;
    }
    program[len] = '\0';
    char *slash = strrchr(program, '/');
    return slash ? apr_psprintf(pool, "%.*s/handback.json", (int)(slash - program), program) : NULL;
}

/* The directory of a Django project holds its settings, SECRET_KEY and all. */
static int refuse_project(const struct settings_mount *mount, apr_pool_t *pool, struct error *error)
{
    if (access(apr_pstrcat(pool, mount->root, "/manage.py", NULL), F_OK) != 0) {
        return 0;
    }
    return error_set(error, HB_ROOT_IS_PROJECT,
                     "%s %s holds manage.py: it is a Django project, whose settings must not be "
                     "served; correct %s",
                     mount->url, mount->root, root_names[mount->kind]);
}

static int take_pending_mounts(struct settings *settings, struct error *error)
{
    for (int kind = 0; kind < MOUNT_KINDS; kind++) {
        const struct settings_mount *mount = &settings->pending[kind];
        if (mount->root && settings->mounts == CATALOG_MOUNTS_MAX) {
            return error_set(error, HB_SETTING_BAD_VALUE, "%s: more than %d mounts",
                             root_names[kind], CATALOG_MOUNTS_MAX);
        }
        if (mount->root) {
            settings->mount[settings->mounts++] = *mount;
        }
    }
    return 0;
}

static int refuse_missing_root(const struct settings *settings, const struct settings_mount *mount,
                               struct error *error)
{
    return error_set(error, HB_SETTING_REQUIRED,
                     "%s is not set: give the directory, in the environment or as \"root\" in %s",
                     root_names[mount->kind], settings->file ? settings->file : "handback.json");
}

static int check_mount(const struct settings *settings, const struct settings_mount *mount,
                       apr_pool_t *pool, struct error *error)
{
    if (!mount->root && !settings->state) {
        return refuse_missing_root(settings, mount, error);
    }
    if (mount->kind == MOUNT_ROOT && strcmp(mount->url, "/") != 0) {
        return error_set(error, HB_SETTING_BAD_VALUE,
                         "url: \"%s\": that of a mount of kind root is /", mount->url);
    }
    if (mount->kind == MOUNT_ROOT && *mount->index_file) {
        return error_set(error, HB_SETTING_BAD_VALUE,
                         "index_file: not for a mount of kind root: what is no file there is the "
                         "application's");
    }
    if (mount->kind == MOUNT_MEDIA && *mount->immutable) {
        return error_set(error, HB_SETTING_BAD_VALUE,
                         "immutable: uploads may change: take it out of the mount of kind media");
    }
    return mount->root ? refuse_project(mount, pool, error) : 0;
}

/* Two mounts cannot share a URL, and what is redirected inside must not come back to us. */
static int check_urls(const struct settings *settings, uint32_t index, struct error *error)
{
    struct slice url = slice_of(settings->mount[index].url);
    for (uint32_t i = 0; i < settings->mounts; i++) {
        struct slice delivery = slice_of(settings->mount[i].delivery_url);
        if (i < index && slice_equal(url, slice_of(settings->mount[i].url))) {
            return error_set(error, HB_SETTING_BAD_VALUE, "url: two mounts have the URL %s",
                             url.at);
        }
        /* One that nobody has given is prepare's, whose .htaccess ends what comes back. */
        bool given = settings_gave(settings->mount[i].given, "delivery_url");
        if (given && delivery.len > 0 && url.len > 1 &&
            (slice_starts(delivery, url) || slice_starts(url, delivery))) {
            return error_set(error, HB_SETTING_BAD_VALUE,
                             "delivery_url: \"%s\" overlaps the mount %s: give a URL that nothing "
                             "else has",
                             delivery.at, url.at);
        }
    }
    return 0;
}

/* A redirecting delivery needs somewhere to redirect to. */
static int check_delivery(const struct settings *settings, struct error *error)
{
    bool found = false;
    for (uint32_t i = 0; i < settings->mounts; i++) {
        found = found || *settings->mount[i].delivery_url;
    }
    if (!found && (settings->delivery == DELIVERY_LOCAL_REDIRECT ||
                   settings->delivery == DELIVERY_X_ACCEL_REDIRECT)) {
        return error_set(error, HB_SETTING_REQUIRED,
                         "delivery %s needs delivery_url (HANDBACK_DELIVERY_URL): the URL under "
                         "which the web server finds the root",
                         delivery_name(settings->delivery));
    }
    return 0;
}

int settings_read(struct settings *settings, char **environment, apr_pool_t *pool,
                  struct error *error)
{
    const char *named = settings_variable(environment, "HANDBACK_CONFIG");
    settings_clear(settings, pool);
    settings->file = named ? named : default_file(pool);
    if (named && named[0] != '/') {
        return error_set(error, HB_SETTING_BAD_VALUE,
                         "HANDBACK_CONFIG: \"%s\" is not an absolute path", named);
    }
    if (refuse_unknown_variables(environment, error) != 0 ||
        settings_set_variables(settings, environment, false, pool, error) != 0 ||
        (settings->file &&
         settings_file_read(settings, settings->file, named != NULL, pool, error) != 0) ||
        settings_set_variables(settings, environment, true, pool, error) != 0) {
        return -1;
    }
    return take_pending_mounts(settings, error) != 0 ? -1 : settings_check(settings, pool, error);
}

int settings_check(const struct settings *settings, apr_pool_t *pool, struct error *error)
{
    for (uint32_t i = 0; i < settings->mounts; i++) {
        if (check_mount(settings, &settings->mount[i], pool, error) != 0 ||
            check_urls(settings, i, error) != 0) {
            return -1;
        }
    }
    return check_delivery(settings, error);
}

const char *settings_state(const struct settings *settings, apr_pool_t *pool)
{
    if (settings->state) {
        return settings->state;
    }
    for (uint32_t i = 0; i < settings->mounts; i++) {
        const struct settings_mount *mount = &settings->mount[i];
        if (mount->kind == MOUNT_STATIC && mount->root) {
            return apr_pstrcat(pool, mount->root, "/.handback", NULL);
        }
    }
    return NULL;
}

int settings_require_roots(const struct settings *settings, struct error *error)
{
    for (uint32_t i = 0; i < settings->mounts; i++) {
        if (!settings->mount[i].root) {
            return refuse_missing_root(settings, &settings->mount[i], error);
        }
    }
    return 0;
}

int settings_open_roots(const struct settings *settings, struct error *error)
{
    for (uint32_t i = 0; i < settings->mounts; i++) {
        const struct settings_mount *mount = &settings->mount[i];
        if (!mount->root) {
            continue; /* the catalog says it */
        }
        int fd = open(mount->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
            return file_explain_directory(mount->url, mount->root, errno, error);
        }
        close(fd);
    }
    return 0;
}

#include "compile/settings.h"

#include "base/file.h"
#include "compile/settings_file.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static bool is_known(const char *name, size_t len)
{
    const char *config = "HANDBACK_CONFIG";
    return settings_has_variable(name, len) ||
           (len == strlen(config) && strncmp(name, config, len) == 0);
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
                     "%s %s holds manage.py: it is a Django project, not what collectstatic fills; "
                     "correct STATIC_ROOT",
                     mount->url, mount->root);
}

int settings_read(struct settings *settings, char **environment, apr_pool_t *pool,
                  struct error *error)
{
    const char *named = settings_variable(environment, "HANDBACK_CONFIG");
    *settings = (struct settings){.mounts = 1, .delivery = DELIVERY_BODY, .coding_header = ""};
    settings->mount[0] = settings_default_mount(pool);
    settings->media = settings_default_mount(pool);
    settings->media.media = true;
    settings->media.url = "/media/";
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
    if (settings->media.root && settings->mounts == CATALOG_MOUNTS_MAX) {
        return error_set(error, HB_SETTING_BAD_VALUE, "MEDIA_ROOT: more than %d mounts",
                         CATALOG_MOUNTS_MAX);
    }
    if (settings->media.root) {
        settings->mount[settings->mounts++] = settings->media;
    }
    for (uint32_t i = 0; i < settings->mounts; i++) {
        if (!settings->mount[i].root) {
            return error_set(
                error, HB_SETTING_REQUIRED,
                "%s is not set: give the directory, in the environment or as \"root\" in %s",
                settings->mount[i].media ? "MEDIA_ROOT" : "STATIC_ROOT",
                settings->file ? settings->file : "handback.json");
        }
        if (refuse_project(&settings->mount[i], pool, error) != 0) {
            return -1;
        }
    }
    return 0;
}

int settings_open_roots(const struct settings *settings, struct error *error)
{
    for (uint32_t i = 0; i < settings->mounts; i++) {
        const struct settings_mount *mount = &settings->mount[i];
        int fd = open(mount->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
            return file_explain_directory(mount->url, mount->root, errno, error);
        }
        close(fd);
    }
    return 0;
}

#include "cli/current.h"

#include "base/file.h"
#include "base/log.h"
#include "compile/compile.h"
#include "compile/settings.h"

#include <apr_pools.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

enum {
    DESCRIPTORS = CATALOG_MOUNTS_MAX + 8 /* to compile with: roots, directories, a manifest */
};

struct current {
    apr_pool_t *pool; /* of `compiled`; NULL while there is none */
    struct compiled compiled;
    apr_pool_t *settings_pool;
    struct settings settings;
    bool settings_good;
    pthread_mutex_t
        lock; /* guards `site` alone; everything else belongs to the refreshing thread */
    struct site *site;
};

/* A pool that ends the process when memory does, as malloc's callers here could not go on either.
 */
static apr_pool_t *make_pool(void)
{
    apr_pool_t *pool = NULL;
    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        abort();
    }
    return pool;
}

/* The target of the link `current` in a mount's root, its last segment; absent when there is none.
 */
static struct slice read_current_link(const char *root, char target[PATH_MAX])
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/current", root);
    ssize_t got = len > 0 && len < PATH_MAX ? readlink(path, target, PATH_MAX - 1) : -1;
    if (got <= 0) {
        return (struct slice){0};
    }
    target[got] = '\0';
    for (; got > 1 && target[got - 1] == '/'; got--) {
        target[got - 1] = '\0';
    }
    char *slash = strrchr(target, '/');
    return slice_of(slash ? slash + 1 : target);
}

static void choose_releases(struct current *current, struct site *site)
{
    char target[PATH_MAX];
    struct error error;
    for (uint32_t i = 0; i < current->settings.mounts; i++) {
        const struct settings_mount *mount = &current->settings.mount[i];
        if (catalog_releases(&site->catalog) > 0 &&
            catalog_choose(&site->catalog, i, slice_of(mount->release),
                           read_current_link(mount->root, target), &error) != 0) {
            log_error(&error);
        }
    }
}

static void swap_site(struct current *current, struct site *site)
{
    pthread_mutex_lock(&current->lock);
    struct site *old = current->site;
    current->site = site;
    pthread_mutex_unlock(&current->lock);
    site_release(old);
}

static int compile(struct current *current, struct error *error)
{
    struct compiled compiled;
    apr_pool_t *pool = make_pool();
    struct site *site = NULL;
    struct compile_options options = {.before = current->pool ? &current->compiled : NULL};
    if (compile_site(&current->settings, &options, &compiled, pool, error) == 0) {
        site = site_open(compiled.block, compiled.size, error);
    }
    if (!site) {
        apr_pool_destroy(pool);
        return -1;
    }
    choose_releases(current, site);
    swap_site(current, site);
    if (current->pool) {
        apr_pool_destroy(current->pool);
    }
    current->pool = pool;
    current->compiled = compiled;
    return 0;
}

/* Reads the settings anew; the good ones of before stay when the new ones are bad. */
static int read_settings(struct current *current, struct error *error)
{
    struct settings settings;
    apr_pool_t *pool = make_pool();
    int result = settings_read(&settings, environ, pool, error);
    if (result != 0 && current->settings_good) {
        apr_pool_destroy(pool);
        return -1;
    }
    if (current->settings_pool) {
        apr_pool_destroy(current->settings_pool);
    }
    current->settings_pool = pool;
    current->settings = settings;
    current->settings_good = result == 0;
    return result;
}

struct current *current_make(const struct settings *settings, struct error *error)
{
    struct current *current = calloc(1, sizeof *current);
    error->number = NO_DIAGNOSIS;
    if (!current) {
        error_set(error, HB_OUT_OF_MEMORY, "no memory for the site");
        return NULL;
    }
    pthread_mutex_init(&current->lock, NULL);
    if (settings) {
        current->settings = *settings;
        current->settings_good = true;
    }
    if (settings || read_settings(current, error) == 0) {
        compile(current, error);
    }
    return current;
}

static struct site *give_out(void *context)
{
    struct current *current = context;
    pthread_mutex_lock(&current->lock);
    struct site *site = current->site ? site_hold(current->site) : NULL;
    pthread_mutex_unlock(&current->lock);
    return site;
}

struct site_source current_source(struct current *current)
{
    return (struct site_source){.current = give_out, .context = current};
}

void current_reload(struct current *current)
{
    struct error error;
    if (read_settings(current, &error) != 0 || compile(current, &error) != 0) {
        log_error(&error);
    }
}

void current_refresh(struct current *current)
{
    struct error error;
    bool changed = !current->pool || watch_changed(&current->compiled.watch);
    /* Without descriptors nothing can be looked at, and that is no change. */
    if ((current->settings_good && !changed) || !file_descriptors_left(DESCRIPTORS)) {
        return;
    }
    if (!current->settings_good) {
        current_reload(current);
    } else if (compile(current, &error) != 0) {
        log_error(&error);
    }
}

void current_free(struct current *current)
{
    swap_site(current, NULL);
    if (current->pool) {
        apr_pool_destroy(current->pool);
    }
    if (current->settings_pool) {
        apr_pool_destroy(current->settings_pool);
    }
    pthread_mutex_destroy(&current->lock);
    free(current);
}

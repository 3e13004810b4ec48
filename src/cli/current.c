#include "cli/current.h"

#include "base/file.h"
#include "base/log.h"
#include "base/md5.h"
#include "cli/stored.h"
#include "compile/compile.h"
#include "compile/settings.h"
#include "compile/writer.h"

#include <apr_allocator.h>
#include <apr_pools.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum {
    LARGE = 64 << 20,                     /* bytes of address space */
    PREPARE_PATIENCE = 5,                 /* seconds */
    DESCRIPTORS = CATALOG_MOUNTS_MAX + 12 /* to open a site with: roots, directories, a manifest */
};

/* What tells that a root was flipped, or written to. */
struct root_seen {
    struct stat status;
    char link[SITE_NAME_SIZE]; /* where its `current` points to */
};

struct current {
    struct current_options options;
    apr_pool_t *settings_pool;
    struct settings settings;
    bool settings_good;
    /* The stored catalog, while `stored` says that the site comes from it. */
    bool stored;
    apr_pool_t *stored_pool;
    struct settings effective; /* the settings over its policy */
    struct stat file;          /* the file that was looked at last, good or not */
    struct stat good;          /* the one that the site comes from */
    unsigned long generation;  /* of the shared copy */
    struct root_seen root[CATALOG_MOUNTS_MAX];
    struct stat manifest[CATALOG_MOUNTS_MAX]; /* of the chosen releases, as they were read last */
    bool older_said;
    /* What was compiled in memory, while it does not. */
    apr_pool_t *pool; /* of `compiled`; NULL while there is none */
    struct compiled compiled;
    pthread_mutex_t
        lock; /* guards `site` alone; everything else belongs to the refreshing thread */
    struct site *site;
};

/* The same, for much: its memory comes in one piece, of which only what is used is there. Debian's
 * APR maps and unmaps 8 KB at a time, which costs more than to compile. */
static apr_pool_t *make_large_pool(void)
{
    apr_allocator_t *allocator = NULL;
    apr_pool_t *pool = NULL;
    if (apr_allocator_create(&allocator) != APR_SUCCESS ||
        apr_pool_create_ex(&pool, NULL, NULL, allocator) != APR_SUCCESS) {
        abort();
    }
    apr_allocator_owner_set(allocator, pool);
    apr_memnode_t *node = apr_allocator_alloc(allocator, LARGE);
    if (node) {
        apr_allocator_free(allocator, node);
    }
    return pool;
}

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

static void replace_pool(apr_pool_t **kept, apr_pool_t *pool)
{
    if (*kept) {
        apr_pool_destroy(*kept);
    }
    *kept = pool;
}

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* ---- the site ---- */

static void swap_site(struct current *current, struct site *site)
{
    pthread_mutex_lock(&current->lock);
    struct site *old = current->site;
    current->site = site;
    pthread_mutex_unlock(&current->lock);
    site_release(old);
}

/* `opened`: the directory that the site has open, which the link may have left already. */
static void see_root(struct root_seen *seen, const struct site *site, uint32_t mount, bool opened)
{
    if ((opened ? fstat(site->root[mount], &seen->status)
                : stat(site->path[mount], &seen->status)) != 0) {
        seen->status = (struct stat){0};
    }
    if (!site_current_link(site, mount, seen->link).at) {
        seen->link[0] = '\0';
    }
}

/* Gives the site out from now on. */
static void publish(struct current *current, const struct settings *settings, struct site *site)
{
    struct error error;
    if (!current->options.same_user) {
        site_look_who_may_enter(site);
    }
    for (uint32_t i = 0; i < settings->mounts; i++) {
        if (catalog_releases(&site->catalog) > 0 &&
            site_choose_release(site, i, slice_of(settings->mount[i].release), &error) != 0) {
            log_error(&error);
        }
        see_root(&current->root[i], site, i, true);
    }
    swap_site(current, site);
}

/* ---- from the trees ---- */

static int compile(struct current *current, struct error *error)
{
    struct compiled compiled;
    apr_pool_t *pool = make_large_pool();
    struct compile_options options = {.before = current->pool ? &current->compiled : NULL};
    struct site *site = NULL;
    if (settings_require_roots(&current->settings, error) == 0 &&
        compile_site(&current->settings, &options, &compiled, pool, error) == 0) {
        struct site_parts parts = {.block = compiled.block,
                                   .size = compiled.size,
                                   .verified = true,
                                   .state = settings_state(&current->settings, pool),
                                   .made = INT64_MIN};
        site = site_open(&parts, error);
    }
    if (!site) {
        apr_pool_destroy(pool);
        return -1;
    }
    publish(current, &current->settings, site);
    replace_pool(&current->pool, pool);
    current->compiled = compiled;
    return 0;
}

/* ---- from the stored catalog ---- */

/* A block with the mounts of these settings and no names. */
static int write_policy(const struct settings *settings, struct site_parts *parts, apr_pool_t *pool,
                        struct error *error)
{
    struct writer *writer = writer_make(pool);
    writer_set_site(writer, settings->delivery, settings->coding_header);
    for (uint32_t i = 0; i < settings->mounts; i++) {
        writer_add_mount(writer, &settings->mount[i]);
    }
    return writer_finish(writer, &parts->policy, &parts->policy_size, error);
}

/* Maps the master's copy, or reads the head of the file itself. */
static enum stored_verdict take_stored(struct current *current, struct site_parts *parts,
                                       struct stat *status, struct error *error)
{
    int fd;
    apr_pool_t *pool = make_pool();
    const char *path = stored_path(&current->settings, pool);
    enum stored_verdict verdict = path ? STORED_GOOD : STORED_MISSING;
    if (current->options.shared) {
        current->generation = 0;
        parts->verified = true;
        parts->block =
            shared_catalog_map(current->options.shared, &current->generation, &parts->size, status);
        parts->mapped = parts->size;
        verdict = parts->block ? STORED_GOOD : STORED_MISSING;
    } else if (path && (verdict = stored_open(path, &current->settings, &fd, status, error)) ==
                           STORED_GOOD) {
        parts->size = (uint64_t)status->st_size;
        /* An answer needs three pages of it, wherever they lie. */
        posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
        parts->block = catalog_read_head(fd, parts->size, &parts->mapped);
        parts->fd = fd;
        if (!parts->block) {
            close(fd);
            error_set(error, HB_OUT_OF_MEMORY, "no memory for the catalog");
            verdict = STORED_REFUSED;
        }
    }
    apr_pool_destroy(pool);
    return verdict;
}

/* Whoever serves on reads all of it once: what is not as it was written is not believed. Nothing of
 * that is kept. */
static int verify(const struct current *current, const struct site_parts *parts,
                  const struct stat *status, struct error *error)
{
    struct catalog catalog;
    bool again = current->stored && file_is_untouched(status, &current->good);
    if (!current->options.lasting || parts->verified || again) {
        return 0;
    }
    void *block = stored_read(parts->fd, parts->size);
    int result = block ? catalog_open(&catalog, block, parts->size, error)
                       : error_set(error, HB_OUT_OF_MEMORY, "no memory for the catalog");
    result = result == 0 ? catalog_verify(&catalog, error) : -1;
    free(block);
    return result;
}

static void drop_parts(const struct site_parts *parts)
{
    munmap(parts->block, parts->mapped);
    if (parts->fd > 0) {
        close(parts->fd);
    }
}

static enum stored_verdict open_stored(struct current *current, struct error *error)
{
    struct site_parts parts = {.stored = true};
    struct stat status = {0};
    struct settings effective;
    struct site *site = NULL;
    enum stored_verdict verdict = take_stored(current, &parts, &status, error);
    current->file = status;
    if (verdict != STORED_GOOD) {
        return verdict;
    }
    apr_pool_t *pool = make_pool();
    verdict = stored_judge(parts.block, parts.size, &current->settings, &effective, pool, error);
    parts.state = settings_state(&current->settings, pool);
    parts.made = nanoseconds(status.st_mtim);
    if (verdict == STORED_GOOD && verify(current, &parts, &status, error) == 0 &&
        write_policy(&effective, &parts, pool, error) == 0) {
        site = site_open(&parts, error);
    } else {
        drop_parts(&parts);
    }
    if (!site) {
        apr_pool_destroy(pool);
        return STORED_REFUSED;
    }
    current->stored = true;
    current->older_said = false;
    memset(current->manifest, 0, sizeof current->manifest);
    current->good = status;
    publish(current, &effective, site);
    current->effective = effective;
    replace_pool(&current->stored_pool, pool);
    replace_pool(&current->pool, NULL);
    return STORED_GOOD;
}

/* Whether there is a catalog that was not looked at yet. */
static bool is_stored_new(struct current *current)
{
    struct stat status = {0};
    if (current->options.shared) {
        return shared_catalog_generation(current->options.shared) != current->generation;
    }
    apr_pool_t *pool = make_pool();
    const char *path = stored_path(&current->settings, pool);
    bool there = path && stat(path, &status) == 0;
    apr_pool_destroy(pool);
    if (!there && current->stored && current->file.st_nlink > 0) {
        struct error error;
        error_set(&error, HB_CATALOG_GONE,
                  "the catalog is gone: the last good one stays; run handback prepare");
        log_error(&error);
    }
    if (!there) {
        current->file = (struct stat){0};
    }
    return there && !file_is_untouched(&status, &current->file);
}

/* Whether the file that is read from is now something else, which was refused: nothing is left of
 * the last good one. The master's copy stays. */
static bool is_overwritten(const struct current *current)
{
    return !current->options.shared && current->file.st_ino == current->good.st_ino &&
           current->file.st_dev == current->good.st_dev &&
           !file_is_untouched(&current->file, &current->good);
}

/* Whether a root leads elsewhere than when the site was opened. */
static bool is_root_flipped(const struct current *current)
{
    for (uint32_t i = 0; i < current->effective.mounts; i++) {
        const struct root_seen *before = &current->root[i];
        struct root_seen now;
        see_root(&now, current->site, i, false);
        if (now.status.st_ino != before->status.st_ino ||
            now.status.st_dev != before->status.st_dev || strcmp(now.link, before->link) != 0) {
            return true;
        }
    }
    return false;
}

static bool is_stored_there(const struct current *current)
{
    struct stat status;
    apr_pool_t *pool = make_pool();
    const char *path = stored_path(&current->settings, pool);
    bool there = path && stat(path, &status) == 0;
    apr_pool_destroy(pool);
    return there;
}

/* A root leads elsewhere. Where it led away from the catalog too (a state directory inside the
 * root), what that one says is not about this root, and the trees say what is there. */
static void open_again(struct current *current)
{
    struct error error = {.number = NO_DIAGNOSIS};
    enum stored_verdict verdict =
        is_stored_there(current) ? open_stored(current, &error) : STORED_MISSING;
    if (verdict == STORED_REFUSED) {
        log_error(&error);
    }
    if (verdict == STORED_MISSING) {
        current->stored = false;
        if (compile(current, &error) != 0) {
            log_error(&error);
        }
    }
}

/* Whether nobody has said it of this catalog yet. */
static bool is_first_to_say(struct current *current)
{
    bool first = !current->older_said;
    current->older_said = true;
    return first && (!current->options.shared ||
                     shared_catalog_is_first(current->options.shared, current->generation));
}

/* Whether the file has other bytes; one that cannot be read is not said to have. */
static bool differs(const char *path, struct slice md5)
{
    char found[MD5_HEX + 1];
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool differs = fd >= 0 && md5_file(fd, found) == 0 && !slice_equal(md5, slice_of(found));
    if (fd >= 0) {
        close(fd);
    }
    return differs;
}

/* collectstatic ran, and prepare did not: said once for each catalog, and not while prepare may
 * still be about to run. Only a manifest that was touched is read. */
static void tell_older(struct current *current, uint32_t mount)
{
    struct catalog_release release = catalog_chosen_release(&current->site->catalog, mount);
    struct stat *seen = &current->manifest[mount], now;
    struct error error;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%.*s", current->site->path[mount], (int)release.manifest.len,
             release.manifest.at ? release.manifest.at : "");
    if (current->older_said || !release.id.at || stat(path, &now) != 0 || !S_ISREG(now.st_mode) ||
        file_is_untouched(&now, seen) || time(NULL) - now.st_ctim.tv_sec < PREPARE_PATIENCE) {
        return;
    }
    *seen = now;
    if (differs(path, release.md5) && is_first_to_say(current)) {
        error_set(&error, HB_CATALOG_OLDER,
                  "%s: %s is not that of the catalog: original names keep to the release of the "
                  "catalog until handback prepare has run",
                  current->effective.mount[mount].url, path);
        log_error(&error);
    }
}

/* ---- settings ---- */

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
    replace_pool(&current->settings_pool, pool);
    current->settings = settings;
    current->settings_good = result == 0;
    return result;
}

/* ---- what is called from outside ---- */

/* Whoever names a state directory means the catalog in it. */
static void log_missing(const struct current *current)
{
    struct error error;
    if (settings_gave(current->settings.given, "state")) {
        error_set(&error, HB_CATALOG_MISSING,
                  "there is no catalog in %s: what the trees hold is served; run handback prepare "
                  "with this HANDBACK_STATE, or correct it",
                  current->settings.state);
        log_error(&error);
    }
}

/* The stored catalog if it can be used, else the trees. */
static int open_site(struct current *current, struct error *error)
{
    enum stored_verdict verdict = open_stored(current, error);
    if (verdict == STORED_GOOD) {
        return 0;
    }
    if (verdict == STORED_REFUSED) {
        log_error(error);
    } else if (current->options.lasting) {
        log_missing(current);
    }
    error->number = NO_DIAGNOSIS;
    return compile(current, error);
}

struct current *current_make(const struct current_options *options, struct error *error)
{
    struct current *current = calloc(1, sizeof *current);
    error->number = NO_DIAGNOSIS;
    if (!current) {
        error_set(error, HB_OUT_OF_MEMORY, "no memory for the site");
        return NULL;
    }
    pthread_mutex_init(&current->lock, NULL);
    current->options = *options;
    if (options->settings) {
        current->settings = *options->settings;
        current->settings_good = true;
    }
    if (options->settings || read_settings(current, error) == 0) {
        open_site(current, error);
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
    if (read_settings(current, &error) != 0) {
        log_error(&error);
        return;
    }
    current->stored = false;
    if (open_site(current, &error) != 0) {
        log_error(&error);
    }
}

/* The site comes from the catalog, and goes on to do so. */
static void refresh_stored(struct current *current)
{
    if (is_root_flipped(current)) {
        open_again(current);
    }
    for (uint32_t i = 0; i < current->effective.mounts; i++) {
        tell_older(current, i);
    }
}

void current_refresh(struct current *current)
{
    struct error error = {.number = NO_DIAGNOSIS};
    /* Without descriptors nothing can be looked at, and that is no change. */
    if (!file_descriptors_left(DESCRIPTORS)) {
        return;
    }
    if (!current->settings_good) {
        current_reload(current);
    } else if (is_stored_new(current) && open_stored(current, &error) == STORED_GOOD) {
        return;
    } else if (current->stored && is_overwritten(current)) {
        current->stored = false;
        log_error(&error);
        compile(current, &error);
    } else if (current->stored) {
        refresh_stored(current);
    } else if (!current->pool || watch_changed(&current->compiled.watch)) {
        compile(current, &error);
    }
    if (error.number != NO_DIAGNOSIS) {
        log_error(&error);
    }
}

void current_free(struct current *current)
{
    swap_site(current, NULL);
    replace_pool(&current->pool, NULL);
    replace_pool(&current->stored_pool, NULL);
    replace_pool(&current->settings_pool, NULL);
    pthread_mutex_destroy(&current->lock);
    free(current);
}

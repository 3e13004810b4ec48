#include "cgi/own_site.h"

#include "base/beneath.h"
#include "base/log.h"
#include "base/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- what the environment says of the mounts ---- */

static struct slice text_of(const struct path *url)
{
    return (struct slice){url->text, url->len};
}

/* The mount of a kind that has the URL, or the first one when none is given. */
static struct catalog_mount *find_mount(struct site *site, enum mount_kind kind,
                                        const struct path *url)
{
    for (uint32_t i = 0; i < site->mounts; i++) {
        if (site->mount[i].kind == kind &&
            (!url || slice_equal(site->mount[i].url, text_of(url)))) {
            return &site->mount[i];
        }
    }
    return NULL;
}

/* Uploads and the top of the site need no names of a catalog. */
static struct catalog_mount *add_mount(struct site *site, enum mount_kind kind,
                                       const struct path *url)
{
    if (site->mounts == CATALOG_MOUNTS_MAX) {
        return NULL;
    }
    struct catalog_mount *mount = &site->mount[site->mounts++];
    *mount = catalog_default_mount(kind);
    if (url) {
        mount->url = text_of(url);
    }
    return mount;
}

static int adopt(struct site *site, const struct environment *environment, enum mount_kind kind,
                 struct error *error)
{
    const struct path *url = environment->url[kind];
    struct catalog_mount *mount = find_mount(site, kind, url);
    if (!mount && kind == MOUNT_STATIC && url) {
        return error_set(error, HB_CATALOG_OTHER,
                         "%s: the catalog was made with another url: it is set aside until "
                         "prepare makes it with these settings",
                         url->text);
    }
    if (!mount && environment->root[kind]) {
        mount = add_mount(site, kind, url);
    }
    if (mount && environment->root[kind]) {
        mount->root = slice_of(environment->root[kind]);
    }
    if (mount && kind == MOUNT_STATIC && environment->delivery_url) {
        mount->delivery_url = text_of(environment->delivery_url);
    }
    if (mount && kind == MOUNT_STATIC && environment->delivery_root) {
        mount->delivery_root = slice_of(environment->delivery_root);
    }
    return 0;
}

static int adopt_all(struct site *site, const struct environment *environment, struct error *error)
{
    for (int kind = 0; kind < MOUNT_KINDS; kind++) {
        if (adopt(site, environment, (enum mount_kind)kind, error) != 0) {
            return -1;
        }
    }
    for (uint32_t i = 1; i < site->mounts; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (slice_equal(site->mount[i].url, site->mount[j].url)) {
                return error_set(error, HB_SETTING_BAD_VALUE, "url: two mounts have the URL %.*s",
                                 (int)site->mount[i].url.len, site->mount[i].url.at);
            }
        }
    }
    return 0;
}

/* ---- the directories ---- */

/* The directory of a Django project holds its settings, SECRET_KEY and all. Of the roots of the
 * catalog prepare has seen to that. */
static int refuse_projects(const struct site *site, const struct environment *environment,
                           struct error *error)
{
    for (uint32_t i = 0; i < site->mounts; i++) {
        if (environment->root[site->mount[i].kind] && site->root[i] >= 0 &&
            faccessat(site->root[i], "manage.py", F_OK, 0) == 0) {
            return error_set(error, HB_ROOT_IS_PROJECT,
                             "%.*s %s holds manage.py: it is a Django project, whose settings "
                             "must not be served; correct the root",
                             (int)site->mount[i].url.len, site->mount[i].url.at, site->path[i]);
        }
    }
    return 0;
}

static int open_directories(struct site *site, const struct environment *environment,
                            struct error *error)
{
    return site_open_directories(site, error) != 0 ? -1 : refuse_projects(site, environment, error);
}

/* ---- with a catalog ---- */

/* Not a part of its caller, whose room on the stack costs each request. */
__attribute__((noinline)) static const char *keep_state_behind_links(struct site *site,
                                                                     struct slice state,
                                                                     const char *place,
                                                                     struct error *error)
{
    char real[PATH_MAX];
    return site_keep_path(site, "state", state, beneath_find_place(place, real) ? real : place,
                          error);
}

static const char *keep_named_state(struct site *site, struct slice state, const char *place,
                                    struct error *error)
{
    return beneath_has_no_link(place) ? site_keep_path(site, "state", state, place, error)
                                      : keep_state_behind_links(site, state, place, error);
}

/* One that lies beside the program says where its state directory is, from where it really lies;
 * that in a state directory may be linked to, and says nothing. A copy of that would lead its
 * relative paths astray. */
static int find_state(struct site *site, const struct own_catalog *own, struct error *error)
{
    struct slice state = site->hand_back.state;
    const char *name = strrchr(own->path, '/') + 1;
    bool named = state.len > 0;
    bool placed = own->beside && named ? true : !named && strcmp(name, "catalog") == 0;
    if (!placed) {
        return error_set(error, HB_CATALOG_MISPLACED,
                         "the catalog %s is a mere copy: make it a link to the catalog in the "
                         "state directory, or let handback prepare --beside write it",
                         own->path);
    }
    site->state = named ? keep_named_state(site, state, own->place, error)
                        : site_keep_path(site, "state", slice_of(own->place), NULL, error);
    return site->state ? 0 : -1;
}

static int open_catalog(struct site *site, const struct own_catalog *own, struct error *error)
{
    struct site_parts parts = {.fd = own->fd,
                               .size = (uint64_t)own->status.st_size,
                               .stored = true,
                               .made = (int64_t)own->status.st_mtim.tv_sec * 1000000000 +
                                       own->status.st_mtim.tv_nsec};
    /* An answer needs three pages of it, wherever they lie. */
    posix_fadvise(own->fd, 0, 0, POSIX_FADV_RANDOM);
    parts.block = catalog_read_head(own->fd, parts.size, &parts.mapped);
    if (!parts.block) {
        return error_set(error, HB_OUT_OF_MEMORY, "no memory for the catalog");
    }
    return site_begin(site, &parts, error);
}

static void choose_releases(struct site *site, const struct environment *environment)
{
    struct error error;
    for (uint32_t i = 0; i < site->mounts; i++) {
        if (catalog_releases(&site->catalog) > 0 && site->mount[i].kind == MOUNT_STATIC &&
            site_choose_release(site, i, slice_of(environment->release), &error) != 0) {
            log_error(&error);
        }
    }
}

int own_site_open(struct site *site, struct own_catalog *own, const struct environment *environment,
                  struct error *error)
{
    error->number = NO_DIAGNOSIS;
    if (own_catalog_find(own, environment, error) != OWN_FOUND ||
        open_catalog(site, own, error) != 0 || find_state(site, own, error) != 0 ||
        adopt_all(site, environment, error) != 0 ||
        open_directories(site, environment, error) != 0) {
        return -1;
    }
    choose_releases(site, environment);
    return 0;
}

/* ---- without ---- */

int own_site_open_live(struct site *site, const struct environment *environment,
                       struct error *error)
{
    if (!environment->root[MOUNT_STATIC]) {
        return error_set(error, HB_CATALOG_MISSING,
                         "there is no catalog beside the program, in HANDBACK_STATE or in "
                         "STATIC_ROOT, and no STATIC_ROOT: nothing can be served; run handback "
                         "prepare --beside with the directory of handback.cgi");
    }
    *site = (struct site){.catalog = catalog_of_nothing(),
                          .state = "",
                          .pool_path = "",
                          .pool = -ENOENT,
                          .made = INT64_MIN};
    site->policy = site->catalog;
    memset(site->root, 0xff, sizeof site->root);
    add_mount(site, MOUNT_STATIC, environment->url[MOUNT_STATIC]);
    return adopt_all(site, environment, error) != 0 ? -1
                                                    : open_directories(site, environment, error);
}

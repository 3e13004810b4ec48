#include "cgi/environment.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "HANDBACK_"

static const char *find(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static int refuse(struct error *error, const char *name, const char *value, const char *wanted)
{
    return error_set(error, HB_SETTING_BAD_VALUE, "%s: \"%s\" is not %s", name, value, wanted);
}

static int read_directory(const char *name, const char **directory, struct error *error)
{
    *directory = find(name);
    bool good = !*directory || (**directory == '/' && !slice_has_control(slice_of(*directory)));
    return good ? 0 : refuse(error, name, *directory, "an absolute path");
}

static int read_url(const char *name, struct path *room, const struct path **url,
                    struct error *error)
{
    const char *value = find(name);
    *url = value ? room : NULL;
    return !value || path_read_prefix(value, room)
               ? 0
               : refuse(error, name, value, "a URL prefix such as /static/");
}

int environment_read(struct environment *environment, struct error *error)
{
    static struct path static_url, media_url, delivery_url;
    static const char *const roots[MOUNT_KINDS] = {"STATIC_ROOT", "MEDIA_ROOT", "HANDBACK_ROOT"};
    environment->release = find("RELEASE_ID");
    if (slice_has_control(slice_of(environment->release))) {
        return refuse(error, "RELEASE_ID", environment->release, "a release id");
    }
    for (int kind = 0; kind < MOUNT_KINDS; kind++) {
        if (read_directory(roots[kind], &environment->root[kind], error) != 0) {
            return -1;
        }
    }
    environment->url[MOUNT_ROOT] = NULL;
    if (read_url("STATIC_URL", &static_url, &environment->url[MOUNT_STATIC], error) != 0 ||
        read_url("MEDIA_URL", &media_url, &environment->url[MOUNT_MEDIA], error) != 0 ||
        read_url("HANDBACK_DELIVERY_URL", &delivery_url, &environment->delivery_url, error) != 0 ||
        read_directory("HANDBACK_DELIVERY_ROOT", &environment->delivery_root, error) != 0) {
        return -1;
    }
    return read_directory("HANDBACK_STATE", &environment->state, error);
}

static bool is_taken(struct slice name)
{
    /* The first two are announced with each request (serve/request.c), the last names a program to
     * those who start it. */
    static const char *const taken[] = {
        PREFIX "DELIVERY", PREFIX "CODING_HEADER", PREFIX "DELIVERY_URL", PREFIX "DELIVERY_ROOT",
        PREFIX "ROOT",     PREFIX "STATE",         PREFIX "PROGRAM"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (slice_equal(name, slice_of(taken[i]))) {
            return true;
        }
    }
    return false;
}

void environment_tell_ignored(void)
{
    struct error notice;
    for (char **variable = environ; *variable; variable++) {
        struct slice name = {*variable, strcspn(*variable, "=")};
        if (slice_starts(name, slice_of(PREFIX)) && !is_taken(name)) {
            error_set(&notice, HB_SETTING_WITHOUT_EFFECT,
                      "%.*s has no effect on handback.cgi, which has its settings from the "
                      "catalog: run handback prepare with it",
                      (int)name.len, name.at);
            log_error(&notice);
        }
    }
}

#include "compile/kept.h"

#include "base/file.h"
#include "base/md5.h"
#include "base/place.h"
#include "base/replace.h"
#include "http/path.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "releases.json"

enum {
    LIMIT = 16 << 20,
    VERSION = 1
};

/* Every JSON reader keeps numbers as large as that, and there is always a next one. */
#define PUBLISHED_MAX (INT64_C(1) << 53)

const struct kept_release *kept_at(const apr_array_header_t *releases, int index)
{
    return &((const struct kept_release *)(const void *)releases->elts)[index];
}

bool kept_can_hold(const char *text)
{
    json_t *string = json_string(text);
    json_decref(string);
    return string && *text && !slice_has_control(slice_of(text));
}

const char *kept_manifest_path(const char *md5, apr_pool_t *pool)
{
    return apr_pstrcat(pool, "manifests/", md5, ".json", NULL);
}

const char *kept_real_path(const char *path, apr_pool_t *pool)
{
    char real[PATH_MAX];
    return realpath(path, real) ? apr_pstrdup(pool, real) : path;
}

static int fault(const char *base, const char *what, struct error *error)
{
    return error_set(error, HB_RELEASES_INVALID,
                     "%s/" NAME " %s: put a copy of it back, or delete it to begin anew", base,
                     what);
}

/* The text of a key; NULL when it is not there or cannot be a name. */
static const char *text_of(const json_t *object, const char *key, apr_pool_t *pool)
{
    const char *text = json_string_value(json_object_get(object, key));
    bool good = text && *text && !slice_has_control(slice_of(text));
    return good ? apr_pstrdup(pool, text) : NULL;
}

static bool is_md5(const char *text)
{
    return strlen(text) == MD5_HEX && strspn(text, "0123456789abcdef") == MD5_HEX;
}

static bool is_url(const char *text)
{
    return text[0] == '/' && text[strlen(text) - 1] == '/';
}

static apr_array_header_t *read_roots(const json_t *list, const char *base, apr_pool_t *pool)
{
    apr_array_header_t *roots = apr_array_make(pool, 2, sizeof(const char *));
    char path[PATH_MAX];
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || !*text || slice_has_control(slice_of(text)) ||
            !place_resolve(slice_of(text), base, path, sizeof path)) {
            return NULL;
        }
        *(const char **)apr_array_push(roots) = apr_pstrdup(pool, path);
    }
    return json_is_array(list) ? roots : NULL;
}

static bool read_release(struct kept_release *release, const json_t *object, const char *base,
                         apr_pool_t *pool)
{
    *release = (struct kept_release){
        .url = text_of(object, "url", pool),
        .id = text_of(object, "id", pool),
        .manifest = text_of(object, "manifest", pool),
        .md5 = text_of(object, "md5", pool),
        .published = json_integer_value(json_object_get(object, "published")),
        .roots = read_roots(json_object_get(object, "roots"), base, pool),
    };
    return release->url && is_url(release->url) && release->id && release->manifest &&
           path_is_plain(slice_of(release->manifest)) && release->md5 && is_md5(release->md5) &&
           release->published > 0 && release->published <= PUBLISHED_MAX && release->roots;
}

static int read_list(apr_array_header_t *releases, const json_t *whole, const char *base,
                     apr_pool_t *pool, struct error *error)
{
    const json_t *list = json_object_get(whole, "releases");
    apr_hash_t *known = apr_hash_make(pool);
    if (json_integer_value(json_object_get(whole, "version")) != VERSION || !json_is_array(list)) {
        return fault(base, "is not of version 1", error);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct kept_release *release = apr_array_push(releases);
        if (!read_release(release, json_array_get(list, i), base, pool)) {
            return fault(base, "holds a release that is not sound", error);
        }
        const char *key = apr_pstrcat(pool, release->url, "\n", release->id, NULL);
        if (apr_hash_get(known, key, APR_HASH_KEY_STRING)) {
            return fault(base, "holds a release twice", error);
        }
        apr_hash_set(known, key, APR_HASH_KEY_STRING, "");
    }
    return 0;
}

static int parse(apr_array_header_t *releases, const char *bytes, size_t length, const char *base,
                 apr_pool_t *pool, struct error *error)
{
    json_error_t cause;
    json_t *whole = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &cause);
    if (!whole) {
        return fault(base, "is not JSON", error);
    }
    int result = read_list(releases, whole, base, pool, error);
    json_decref(whole);
    return result;
}

int kept_read(apr_array_header_t **releases, int state, const char *path, apr_pool_t *pool,
              struct error *error)
{
    char *bytes = NULL;
    size_t length;
    struct stat status;
    *releases = apr_array_make(pool, 8, sizeof(struct kept_release));
    int fd = openat(state, NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        return 0;
    }
    bool failed = fd < 0 || fstat(fd, &status) != 0;
    if (!failed && !S_ISREG(status.st_mode)) {
        failed = true;
        errno = EINVAL;
    }
    failed = failed || file_read(fd, LIMIT, &bytes, &length) != 0;
    int cause = errno;
    if (fd >= 0) {
        close(fd);
    }
    const char *base = kept_real_path(path, pool);
    if (failed) {
        return fault(base, apr_pstrcat(pool, "cannot be read: ", strerror(cause), NULL), error);
    }
    int result = parse(*releases, bytes, length, base, pool, error);
    free(bytes);
    if (result != 0) {
        apr_array_clear(*releases);
    }
    return result;
}

static json_t *roots_of(const struct kept_release *release, const char *base)
{
    json_t *list = json_array();
    char text[PATH_MAX];
    for (int i = 0; i < release->roots->nelts; i++) {
        const char *root = ((const char *const *)(const void *)release->roots->elts)[i];
        bool fits = place_relative(root, base, text, sizeof text);
        if (json_array_append_new(list, fits ? json_string(text) : NULL) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *list_of(const apr_array_header_t *releases, const char *base)
{
    json_t *list = json_array();
    for (int i = 0; list && i < releases->nelts; i++) {
        const struct kept_release *release = kept_at(releases, i);
        json_t *one =
            json_pack("{s:s, s:s, s:s, s:s, s:I, s:o}", "url", release->url, "id", release->id,
                      "manifest", release->manifest, "md5", release->md5, "published",
                      (json_int_t)release->published, "roots", roots_of(release, base));
        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

/* Whoever may list the directory may read what is in it. */
static struct replace_access access_in(int directory)
{
    struct stat status;
    if (fstat(directory, &status) != 0) {
        return (struct replace_access){.mode = 0600, .owner = (uid_t)-1, .group = (gid_t)-1};
    }
    return (struct replace_access){
        .mode = (status.st_mode & 0444) | 0600, .owner = status.st_uid, .group = status.st_gid};
}

int kept_write(const apr_array_header_t *releases, int state, const char *path, apr_pool_t *pool,
               struct error *error)
{
    const char *base = kept_real_path(path, pool);
    struct replace_access access = access_in(state);
    json_t *list = list_of(releases, base);
    json_t *whole = list ? json_pack("{s:i, s:o}", "version", VERSION, "releases", list) : NULL;
    char *text = whole ? json_dumps(whole, JSON_INDENT(2)) : NULL;
    json_decref(whole);
    if (!text) {
        return error_set(error, HB_WRITE_FAILED,
                         "%s/" NAME " cannot be written: a path in it is too long or no UTF-8",
                         base);
    }
    const char *bytes = apr_pstrcat(pool, text, "\n", NULL);
    free(text);
    if (replace_file(state, NAME, bytes, strlen(bytes), &access, NULL) != 0) {
        return error_set(error, HB_WRITE_FAILED, "%s/" NAME " cannot be written: %s", base,
                         strerror(errno));
    }
    return 0;
}

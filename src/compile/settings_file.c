#include "compile/settings_file.h"

#include "base/file.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FILE_LIMIT = 1 << 20
};

/* What is being read, for diagnoses and relative paths. */
struct reader {
    struct settings *settings;
    const char *path;
    const char *base;
    apr_pool_t *pool;
    unsigned seen[MOUNT_KINDS]; /* mounts of each kind read so far */
};

/* Puts the name of the file before the fault. */
static int in_file(const struct reader *reader, struct error *error)
{
    struct error inner = *error;
    return error_set(error, inner.number, "%s: %s", reader->path, inner.text);
}

static bool join_list(const json_t *list, apr_pool_t *pool, const char **joined)
{
    *joined = "";
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));
        if (!item || strchr(item, ':')) {
            return false;
        }
        *joined = apr_pstrcat(pool, *joined, i > 0 ? ":" : "", item, NULL);
    }
    return true;
}

/* False when the value has no form that a setting takes. */
static bool value_of(const json_t *json, apr_pool_t *pool, struct settings_value *value)
{
    char digits[32];
    switch (json_typeof(json)) {
    case JSON_STRING:
        *value = (struct settings_value){SETTINGS_TEXT, json_string_value(json)};
        return true;
    case JSON_INTEGER:
        snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
        *value = (struct settings_value){SETTINGS_NUMBER, apr_pstrdup(pool, digits)};
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        *value = (struct settings_value){SETTINGS_BOOLEAN, json_is_true(json) ? "true" : "false"};
        return true;
    case JSON_ARRAY:
        value->form = SETTINGS_LIST;
        return join_list(json, pool, &value->text);
    case JSON_OBJECT:
        *value = (struct settings_value){SETTINGS_OBJECT, "{}"};
        return true;
    case JSON_REAL:
    case JSON_NULL:
    default:
        return false;
    }
}

/* jansson's iterators take no const object, though they only read it. */
static void *first_item(const json_t *object)
{
    return json_object_iter((json_t *)(uintptr_t)object);
}

static void *next_item(const json_t *object, void *at)
{
    return json_object_iter_next((json_t *)(uintptr_t)object, at);
}

static int read_types(const struct reader *reader, struct settings_mount *mount,
                      const json_t *types, struct error *error)
{
    const char *key;
    json_t *type;
    if (!json_is_object(types)) {
        return error_set(error, HB_SETTING_BAD_VALUE, "mimetypes is not an object");
    }
    for (void *at = first_item(types); at; at = next_item(types, at)) {
        key = json_object_iter_key(at);
        type = json_object_iter_value(at);
        if (!json_is_string(type)) {
            return error_set(error, HB_SETTING_BAD_VALUE, "mimetypes: \"%s\" is not a string", key);
        }
        if (settings_add_type(mount, apr_pstrdup(reader->pool, key),
                              apr_pstrdup(reader->pool, json_string_value(type)), error) != 0) {
            return -1;
        }
    }
    return 0;
}

static int read_fields_of(const struct reader *reader, struct settings_mount *mount,
                          const char *glob, const json_t *fields, struct error *error)
{
    for (void *at = first_item(fields); at; at = next_item(fields, at)) {
        const json_t *value = json_object_iter_value(at);
        const char *text = json_string_value(value);
        struct settings_field field = {.glob = apr_pstrdup(reader->pool, glob),
                                       .name = apr_pstrdup(reader->pool, json_object_iter_key(at)),
                                       .value = text ? apr_pstrdup(reader->pool, text) : NULL};
        if (!text && !json_is_null(value)) {
            return error_set(error, HB_SETTING_BAD_VALUE,
                             "headers: \"%s\": %s is neither a string nor null", glob, field.name);
        }
        if (settings_add_field(mount, &field, error) != 0) {
            return -1;
        }
    }
    return 0;
}

/* {"glob": {"Name": "value", "Name": null}}, in the order of the file. */
static int read_fields(const struct reader *reader, struct settings_mount *mount,
                       const json_t *globs, struct error *error)
{
    if (!json_is_object(globs)) {
        return error_set(error, HB_SETTING_BAD_VALUE, "headers is not an object");
    }
    for (void *at = first_item(globs); at; at = next_item(globs, at)) {
        const json_t *fields = json_object_iter_value(at);
        if (!json_is_object(fields)) {
            return error_set(error, HB_SETTING_BAD_VALUE, "headers: \"%s\" is not an object",
                             json_object_iter_key(at));
        }
        if (read_fields_of(reader, mount, json_object_iter_key(at), fields, error) != 0) {
            return -1;
        }
    }
    return 0;
}

/* One key; `mount` is NULL where only keys of the whole site may stand. */
static int read_key(const struct reader *reader, struct settings_mount *mount, const char *key,
                    const json_t *value, struct error *error)
{
    if (mount && strcmp(key, "mimetypes") == 0) {
        return read_types(reader, mount, value, error);
    }
    if (mount && strcmp(key, "headers") == 0) {
        return read_fields(reader, mount, value, error);
    }
    struct settings_value plain;
    if (!value_of(value, reader->pool, &plain)) {
        return error_set(error, HB_SETTING_BAD_VALUE,
                         "%s: not a string, a whole number, a boolean or a list of strings", key);
    }
    return settings_set(reader->settings, mount, key, &plain, reader->base, reader->pool, error);
}

/* The keys of an object, except those named in `skip`. */
static int read_keys(const struct reader *reader, struct settings_mount *mount, json_t *object,
                     const char *skip, struct error *error)
{
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        if (strcmp(key, skip) != 0 &&
            read_key(reader, mount, key, json_object_iter_value(at), error) != 0) {
            return -1;
        }
    }
    return 0;
}

static int read_kind(const json_t *object, enum mount_kind *kind, struct error *error)
{
    static const char *const names[MOUNT_KINDS] = {"static", "media", "root"};
    const json_t *json = json_object_get(object, "kind");
    const char *name = json ? json_string_value(json) : names[MOUNT_STATIC];
    if (!json_is_object(object) || !name) {
        return error_set(error, HB_SETTINGS_FILE_NOT_JSON, "mounts: every item must be an object");
    }
    for (int i = 0; i < MOUNT_KINDS; i++) {
        if (strcmp(name, names[i]) == 0) {
            *kind = (enum mount_kind)i;
            return 0;
        }
    }
    return error_set(error, HB_SETTING_BAD_VALUE, "kind: \"%s\" is not static, media or root",
                     name);
}

static int read_mount(struct reader *reader, json_t *object, struct error *error)
{
    struct settings *settings = reader->settings;
    enum mount_kind kind = MOUNT_STATIC;
    if (read_kind(object, &kind, error) != 0) {
        return -1;
    }
    if (settings->mounts == CATALOG_MOUNTS_MAX) {
        return error_set(error, HB_SETTING_BAD_VALUE, "mounts: more than %d", CATALOG_MOUNTS_MAX);
    }
    /* The first of each kind already holds what the environment says. */
    struct settings_mount *mount = &settings->mount[settings->mounts++];
    if (reader->seen[kind]++ == 0) {
        *mount = settings->pending[kind];
        settings->pending[kind].root = NULL;
    } else {
        *mount = settings_default_mount(kind, reader->pool);
    }
    return read_keys(reader, mount, object, "kind", error);
}

static int read_object(struct reader *reader, json_t *object, struct error *error)
{
    json_t *mounts = json_object_get(object, "mounts");
    if (!json_is_object(object)) {
        return error_set(error, HB_SETTINGS_FILE_NOT_JSON, "not a JSON object");
    }
    if (!mounts) {
        return read_keys(reader, &reader->settings->mount[0], object, "", error);
    }
    if (!json_is_array(mounts)) {
        return error_set(error, HB_SETTINGS_FILE_NOT_JSON, "mounts is not a list");
    }
    reader->settings->pending[MOUNT_STATIC] = reader->settings->mount[0];
    reader->settings->mounts = 0;
    if (read_keys(reader, NULL, object, "mounts", error) != 0) {
        return -1;
    }
    for (size_t i = 0; i < json_array_size(mounts); i++) {
        if (read_mount(reader, json_array_get(mounts, i), error) != 0) {
            return -1;
        }
    }
    if (reader->seen[MOUNT_STATIC] == 0) {
        return error_set(error, HB_SETTING_REQUIRED,
                         "mounts names no static mount: add {\"kind\": \"static\", \"root\": ...}");
    }
    return 0;
}

static int parse(struct reader *reader, const char *bytes, size_t length, struct error *error)
{
    json_error_t fault;
    json_t *object = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &fault);
    if (!object) {
        return error_set(error, HB_SETTINGS_FILE_NOT_JSON, "line %d is not JSON: %s", fault.line,
                         fault.text);
    }
    int result = read_object(reader, object, error);
    json_decref(object);
    return result;
}

int settings_file_read(struct settings *settings, const char *path, bool named, apr_pool_t *pool,
                       struct error *error)
{
    char *bytes;
    size_t length;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT && !named) {
        return 0;
    }
    int failed = fd < 0 || file_read(fd, FILE_LIMIT, &bytes, &length) != 0;
    int cause = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (failed) {
        return error_set(error, HB_SETTINGS_FILE_UNREADABLE, "%s: cannot be read: %s", path,
                         strerror(cause));
    }
    const char *slash = strrchr(path, '/');
    struct reader reader = {.settings = settings,
                            .path = path,
                            .base =
                                apr_pstrndup(pool, path, slash ? (apr_size_t)(slash - path) : 0),
                            .pool = pool};
    int result = parse(&reader, bytes, length, error);
    free(bytes);
    return result == 0 ? 0 : in_file(&reader, error);
}

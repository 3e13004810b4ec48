#include "compile/settings_table.h"

#include "base/log.h"
#include "http/coding.h"
#include "http/field.h"
#include "http/head.h"
#include "http/path.h"

#include <apr_strings.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    TYPE_MAX = 200
};

/* What a setter may use beside the text itself. */
struct setting_context {
    struct settings *settings;
    struct settings_mount *mount;
    const char *name; /* as the operator wrote it */
    const char *base; /* directory for relative paths; NULL: they must be absolute */
    apr_pool_t *pool;
};

static int bad_value(const struct setting_context *context, const char *value, const char *wanted,
                     struct error *error)
{
    return error_set(error, HB_SETTING_BAD_VALUE, "%s: \"%s\" is not %s", context->name, value,
                     wanted);
}

static bool parse_boolean(const char *value, bool *result)
{
    static const char *const words[2][3] = {{"false", "0", "off"}, {"true", "1", "on"}};
    for (int truth = 0; truth < 2; truth++) {
        for (int i = 0; i < 3; i++) {
            if (strcasecmp(value, words[truth][i]) == 0) {
                *result = truth == 1;
                return true;
            }
        }
    }
    return false;
}

/* The absolute path of a directory, without a slash at its end. */
static int read_directory(const struct setting_context *context, const char *value,
                          const char **directory, struct error *error)
{
    if (slice_has_control(slice_of(value)) || !*value || strlen(value) >= PATH_MAX) {
        return bad_value(context, value, "a path", error);
    }
    if (value[0] != '/' && !context->base) {
        return bad_value(context, value, "an absolute path", error);
    }
    char *path = value[0] == '/' ? apr_pstrdup(context->pool, value)
                                 : apr_pstrcat(context->pool, context->base, "/", value, NULL);
    for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--) {
        path[len - 1] = '\0';
    }
    *directory = path;
    return 0;
}

static int set_root(struct setting_context *context, const char *value, struct error *error)
{
    return read_directory(context, value, &context->mount->root, error);
}

/* A path, or a URL whose path counts, as a decoded prefix. */
static int read_url(const struct setting_context *context, const char *value, const char **url,
                    struct error *error)
{
    struct path path;
    if (!path_read_prefix(value, &path)) {
        return bad_value(context, value, "a URL prefix such as /static/", error);
    }
    *url = apr_pstrdup(context->pool, path.text);
    return 0;
}

static int set_url(struct setting_context *context, const char *value, struct error *error)
{
    return read_url(context, value, &context->mount->url, error);
}

/* The first mount of a kind: of the file, or as the environment describes it. */
static struct settings_mount *mount_of(struct settings *settings, enum mount_kind kind)
{
    for (uint32_t i = 0; i < settings->mounts; i++) {
        if (settings->mount[i].kind == kind) {
            return &settings->mount[i];
        }
    }
    return &settings->pending[kind];
}

static int set_media_root(struct setting_context *context, const char *value, struct error *error)
{
    context->mount = mount_of(context->settings, MOUNT_MEDIA);
    return set_root(context, value, error);
}

static int set_media_url(struct setting_context *context, const char *value, struct error *error)
{
    context->mount = mount_of(context->settings, MOUNT_MEDIA);
    return set_url(context, value, error);
}

static int set_root_mount(struct setting_context *context, const char *value, struct error *error)
{
    context->mount = mount_of(context->settings, MOUNT_ROOT);
    return set_root(context, value, error);
}

static int read_globs(const struct setting_context *context, const char *value, const char **globs,
                      struct error *error)
{
    for (struct slice rest = slice_of(value); rest.at;) {
        if (!path_is_plain(slice_cut(&rest, ':'))) {
            return bad_value(context, value, "a list of file names or globs below the root", error);
        }
    }
    *globs = apr_pstrdup(context->pool, value);
    return 0;
}

static int set_manifests(struct setting_context *context, const char *value, struct error *error)
{
    return read_globs(context, value, &context->mount->manifests, error);
}

static int set_immutable(struct setting_context *context, const char *value, struct error *error)
{
    return read_globs(context, value, &context->mount->immutable, error);
}

/* As WhiteNoise: true stands for index.html. */
static int set_index_file(struct setting_context *context, const char *value, struct error *error)
{
    bool on;
    if (parse_boolean(value, &on)) {
        context->mount->index_file = on ? "index.html" : "";
        return 0;
    }
    /* Without a dot it is rather a word that was meant as a boolean. */
    if (!path_is_plain(slice_of(value)) || strchr(value, '/') || value[0] == '.' ||
        !strchr(value, '.')) {
        return bad_value(context, value, "true, false, or a file name such as index.html", error);
    }
    context->mount->index_file = apr_pstrdup(context->pool, value);
    return 0;
}

static int set_delivery_url(struct setting_context *context, const char *value, struct error *error)
{
    if (value[0] != '/' || value[1] == '\0' || value[1] == '/' ||
        read_url(context, value, &context->mount->delivery_url, error) != 0) {
        return bad_value(context, value, "the path of an internal URL such as /handback/", error);
    }
    return 0;
}

/* A list of directories; `word` is one that stands for what needs no saying. */
static int read_directories(const struct setting_context *context, const char *value,
                            const char *word, const char **directories, struct error *error)
{
    *directories = "";
    for (struct slice rest = slice_of(value); rest.at;) {
        struct slice item = slice_cut(&rest, ':');
        const char *directory, *before = *directories;
        if (slice_equal(item, slice_of(word))) {
            continue;
        }
        if (read_directory(context, apr_pstrmemdup(context->pool, item.at, item.len), &directory,
                           error) != 0) {
            return -1;
        }
        if (strcmp(directory, "/") == 0) {
            return bad_value(context, value, "a list of directories: / is the whole machine",
                             error);
        }
        *directories = apr_pstrcat(context->pool, before, *before ? ":" : "", directory, NULL);
    }
    return 0;
}

/* "inside", or the directories that links may reach besides. */
static int set_follow(struct setting_context *context, const char *value, struct error *error)
{
    return read_directories(context, value, "inside", &context->mount->follow, error);
}

static int set_dirs(struct setting_context *context, const char *value, struct error *error)
{
    return read_directories(context, value, NULL, &context->mount->dirs, error);
}

static int set_delivery_root(struct setting_context *context, const char *value,
                             struct error *error)
{
    return read_directory(context, value, &context->mount->delivery_root, error);
}

static int set_release(struct setting_context *context, const char *value, struct error *error)
{
    if (slice_has_control(slice_of(value))) {
        return bad_value(context, value, "a release id", error);
    }
    context->mount->release = apr_pstrdup(context->pool, value);
    return 0;
}

static int set_max_age(struct setting_context *context, const char *value, struct error *error)
{
    char *end;
    if (strcmp(value, "none") == 0) {
        context->mount->max_age_sent = false;
        return 0;
    }
    unsigned long long seconds = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end || seconds > 315360000) {
        return bad_value(context, value, "a number of seconds from 0 to 315360000, or none", error);
    }
    context->mount->max_age_sent = true;
    context->mount->max_age = (uint32_t)seconds;
    return 0;
}

static int set_charset(struct setting_context *context, const char *value, struct error *error)
{
    if (!head_is_token(slice_of(value))) {
        return bad_value(context, value, "the name of a charset", error);
    }
    context->mount->charset = apr_pstrdup(context->pool, value);
    return 0;
}

static int set_allow_all_origins(struct setting_context *context, const char *value,
                                 struct error *error)
{
    if (!parse_boolean(value, &context->mount->allow_all_origins)) {
        return bad_value(context, value, "one of true, false, 1, 0, on, off", error);
    }
    return 0;
}

static int set_delivery(struct setting_context *context, const char *value, struct error *error)
{
    context->settings->delivery = delivery_of(slice_of(value));
    if (context->settings->delivery == DELIVERY_COUNT) {
        return bad_value(context, value, "body, x-sendfile, local-redirect or x-accel-redirect",
                         error);
    }
    return 0;
}

static int set_state(struct setting_context *context, const char *value, struct error *error)
{
    return read_directory(context, value, &context->settings->state, error);
}

static int set_pool(struct setting_context *context, const char *value, struct error *error)
{
    static const char *const words[] = {"link", "copy", "off"};
    for (int i = POOL_LINK; i <= POOL_OFF; i++) {
        if (strcmp(value, words[i]) == 0) {
            context->settings->pool = (enum pool_kind)i;
            return 0;
        }
    }
    return bad_value(context, value, "link, copy or off", error);
}

static int set_coding_header(struct setting_context *context, const char *value,
                             struct error *error)
{
    if (!coding_is_header(slice_of(value))) {
        return bad_value(context, value, "the name of a header field that is free", error);
    }
    context->settings->coding_header = apr_pstrdup(context->pool, value);
    return 0;
}

/* The forms that a value may have in the file. */
enum {
    TEXT = SETTINGS_TEXT,
    NUMBER = SETTINGS_NUMBER | SETTINGS_TEXT,
    BOOLEAN = SETTINGS_BOOLEAN | SETTINGS_NUMBER | SETTINGS_TEXT,
    LIST = SETTINGS_LIST | SETTINGS_TEXT,
    ANY = BOOLEAN | LIST | SETTINGS_OBJECT,
};

/* Every setting once. Without a setter: part of the contract, not of this version. */
static const struct setting {
    const char *key;      /* in the file; NULL: in the environment only */
    const char *variable; /* NULL: in the file only */
    bool of_site;
    unsigned forms;
    int (*set)(struct setting_context *, const char *value, struct error *);
} table[] = {
    {"root", "STATIC_ROOT", false, TEXT, set_root},
    {"url", "STATIC_URL", false, TEXT, set_url},
    {NULL, "MEDIA_ROOT", false, TEXT, set_media_root},
    {NULL, "MEDIA_URL", false, TEXT, set_media_url},
    {"release", "RELEASE_ID", false, TEXT, set_release},
    {"manifests", "HANDBACK_MANIFESTS", false, LIST, set_manifests},
    {"max_age", "HANDBACK_MAX_AGE", false, NUMBER, set_max_age},
    {"charset", "HANDBACK_CHARSET", false, TEXT, set_charset},
    {"allow_all_origins", "HANDBACK_ALLOW_ALL_ORIGINS", false, BOOLEAN, set_allow_all_origins},
    {"delivery", "HANDBACK_DELIVERY", true, TEXT, set_delivery},
    {"coding_header", "HANDBACK_CODING_HEADER", true, TEXT, set_coding_header},
    {"state", "HANDBACK_STATE", true, TEXT, set_state},
    {"pool", "HANDBACK_POOL", true, TEXT, set_pool},
    {"delivery_url", "HANDBACK_DELIVERY_URL", false, TEXT, set_delivery_url},
    {"delivery_root", "HANDBACK_DELIVERY_ROOT", false, TEXT, set_delivery_root},
    {"immutable", "HANDBACK_IMMUTABLE", false, LIST, set_immutable},
    {"follow", "HANDBACK_FOLLOW", false, LIST, set_follow},
    {"index_file", "HANDBACK_INDEX_FILE", false, BOOLEAN, set_index_file},
    {"dirs", "HANDBACK_DIRS", false, LIST, set_dirs},
    {"skip_compress_extensions", NULL, false, ANY, NULL},
    {"keep_only_hashed_files", NULL, false, ANY, NULL},
    {NULL, "HANDBACK_ROOT", true, TEXT, set_root_mount},
};
enum {
    SETTINGS = sizeof table / sizeof *table
};

/* The bit of a key. Variables without a key are the root and the URL of one kind of mount. */
static uint32_t bit_of(const char *key)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        if (table[i].key && strcmp(table[i].key, key) == 0) {
            return UINT32_C(1) << i;
        }
    }
    abort();
}

static const char *key_of(const struct setting *setting)
{
    return setting->key ? setting->key : strstr(setting->variable, "URL") ? "url" : "root";
}

bool settings_gave(uint32_t given, const char *key)
{
    return (given & bit_of(key)) != 0;
}

static int apply(const struct setting *setting, struct setting_context *context, const char *value,
                 struct error *error)
{
    if (setting->set) {
        int result = setting->set(context, value, error);
        context->mount->given |= bit_of(key_of(setting));
        context->settings->given |= bit_of(key_of(setting));
        return result;
    }
    struct error notice;
    error_set(&notice, HB_SETTING_WITHOUT_EFFECT, "%s has no effect in this version",
              context->name);
    log_error(&notice);
    return 0;
}

static const char *form_names(unsigned forms)
{
    return (forms & SETTINGS_LIST)      ? "a string or a list of strings"
           : (forms & SETTINGS_BOOLEAN) ? "true or false"
           : (forms & SETTINGS_NUMBER)  ? "a number or a string"
                                        : "a string";
}

int settings_set(struct settings *settings, struct settings_mount *mount, const char *key,
                 const struct settings_value *value, const char *base, apr_pool_t *pool,
                 struct error *error)
{
    struct setting_context context = {.settings = settings,
                                      .mount = mount ? mount : mount_of(settings, MOUNT_STATIC),
                                      .name = key,
                                      .base = base,
                                      .pool = pool};
    for (size_t i = 0; i < SETTINGS; i++) {
        if (!table[i].key || strcmp(table[i].key, key) != 0 || (!mount && !table[i].of_site)) {
            continue;
        }
        if (!(table[i].forms & value->form) || (table[i].set && !*value->text)) {
            return error_set(error, HB_SETTING_BAD_VALUE, "%s: not %s, or empty", key,
                             form_names(table[i].forms));
        }
        return apply(&table[i], &context, value->text, error);
    }
    return error_set(error, HB_SETTING_UNKNOWN, "%s: there is no such setting%s", key,
                     mount ? "" : " beside mounts: what is about one stands in it");
}

/* type "/" subtype (RFC 9110 8.3.1), in lower case; the charset is a setting of its own. */
static bool is_media_type(const char *type)
{
    struct slice subtype = slice_of(type);
    struct slice main_type = slice_cut(&subtype, '/');
    for (const char *c = type; *c; c++) {
        if (*c >= 'A' && *c <= 'Z') {
            return false;
        }
    }
    return head_is_token(main_type) && head_is_token(subtype) && strlen(type) < TYPE_MAX;
}

int settings_add_type(struct settings_mount *mount, const char *key, const char *type,
                      struct error *error)
{
    if (!*key || strchr(key, '/') || slice_has_control(slice_of(key)) || !is_media_type(type)) {
        return error_set(error, HB_SETTING_BAD_VALUE,
                         "mimetypes: \"%s\": \"%s\" is not \".extension\" or \"name\": "
                         "\"type/subtype\", in lower case and without parameters",
                         key, type);
    }
    *(struct settings_type *)apr_array_push(mount->types) = (struct settings_type){key, type};
    return 0;
}

int settings_add_field(struct settings_mount *mount, const struct settings_field *field,
                       struct error *error)
{
    struct slice name = slice_of(field->name);
    const char *fault = NULL;
    if (!path_is_plain(slice_of(field->glob))) {
        fault = "is no glob of names below the root";
    } else if (!head_is_token(name)) {
        fault = "names no header field";
    } else if (field_is_reserved(name)) {
        fault = "is a field in which the answer itself decides: take it out";
    } else if (!field_may_be_set(name, slice_of(field->value), !field->value)) {
        fault = field->value
                    ? "has a value that is empty, too long, begins or ends with a blank, or "
                      "holds control characters"
                    : "cannot be taken away";
    }
    if (fault) {
        return error_set(error, HB_SETTING_BAD_VALUE, "headers: \"%s\": \"%s\" %s", field->glob,
                         field->name, fault);
    }
    *(struct settings_field *)apr_array_push(mount->fields) = *field;
    return 0;
}

struct settings_mount settings_default_mount(enum mount_kind kind, apr_pool_t *pool)
{
    const struct catalog_mount mount = catalog_default_mount(kind);
    return (struct settings_mount){
        .url = mount.url.at,
        .kind = kind,
        .manifests = mount.manifests.at,
        .charset = mount.charset.at,
        .max_age_sent = mount.max_age_sent,
        .max_age = mount.max_age,
        .allow_all_origins = mount.allow_all_origins,
        .immutable = "",
        .follow = "",
        .index_file = "",
        .delivery_url = "",
        .delivery_root = "",
        .dirs = "",
        .types = apr_array_make(pool, 4, sizeof(struct settings_type)),
        .fields = apr_array_make(pool, 4, sizeof(struct settings_field)),
    };
}

void settings_clear(struct settings *settings, apr_pool_t *pool)
{
    *settings = (struct settings){.mounts = 1, .delivery = DELIVERY_BODY, .coding_header = ""};
    for (int kind = 0; kind < MOUNT_KINDS; kind++) {
        settings->pending[kind] = settings_default_mount((enum mount_kind)kind, pool);
    }
    settings->mount[0] = settings->pending[MOUNT_STATIC];
}

const char *settings_variable(char **environment, const char *name)
{
    size_t len = strlen(name);
    for (; *environment; environment++) {
        if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=') {
            const char *value = *environment + len + 1;
            return *value ? value : NULL;
        }
    }
    return NULL;
}

int settings_set_variables(struct settings *settings, char **environment, bool ours,
                           apr_pool_t *pool, struct error *error)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        const char *name = table[i].variable;
        const char *value = name ? settings_variable(environment, name) : NULL;
        struct setting_context context = {.settings = settings,
                                          .mount = mount_of(settings, MOUNT_STATIC),
                                          .name = name,
                                          .pool = pool};
        if (value && (strncmp(name, "HANDBACK_", 9) == 0) == ours &&
            apply(&table[i], &context, value, error) != 0) {
            return -1;
        }
    }
    return 0;
}

bool settings_has_variable(const char *name, size_t len)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        const char *known = table[i].variable;
        if (known && strlen(known) == len && strncmp(known, name, len) == 0) {
            return true;
        }
    }
    return false;
}

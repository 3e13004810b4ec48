/* Every setting once: its names, the forms that it takes, and what it sets. */
#ifndef COMPILE_SETTINGS_TABLE_H
#define COMPILE_SETTINGS_TABLE_H

#include "base/error.h"
#include "catalog/catalog.h"

#include <apr_pools.h>
#include <apr_tables.h>
#include <stdbool.h>
#include <stdint.h>

struct settings_type {
    const char *key; /* ".ext", or a whole file name */
    const char *type;
};

/* A header field of the answers whose names a glob matches. */
struct settings_field {
    const char *glob;
    const char *name;
    const char *value; /* NULL: what would be sent under this name is not */
};

/* One mount. Strings live in the pool that settings_read was given. */
struct settings_mount {
    const char *root;      /* absolute, without a '/' at the end */
    const char *url;       /* decoded, begins and ends with '/' */
    const char *manifests; /* globs, separated by ':' */
    const char *release;   /* NULL: not chosen */
    const char *charset;
    bool max_age_sent;
    uint32_t max_age; /* seconds */
    bool allow_all_origins;
    enum mount_kind kind;
    const char *immutable;      /* globs, separated by ':' */
    const char *follow;         /* directories that links may reach, separated by ':' */
    const char *index_file;     /* "": none */
    const char *delivery_url;   /* "": none */
    const char *delivery_root;  /* "": as root */
    const char *dirs;           /* directories searched live before the root, separated by ':' */
    uint32_t given;             /* which settings were given, see settings_gave */
    apr_array_header_t *types;  /* of struct settings_type */
    apr_array_header_t *fields; /* of struct settings_field */
};

/* How prepare keeps files in the pool. */
enum pool_kind {
    POOL_LINK, /* reflink, hard link, or copy: whatever the file system can, in this order */
    POOL_COPY,
    POOL_OFF
};

struct settings {
    struct settings_mount mount[CATALOG_MOUNTS_MAX];
    uint32_t mounts;
    /* As the environment describes them, until a mount of the file takes them. */
    struct settings_mount pending[MOUNT_KINDS];
    enum delivery delivery;
    const char *coding_header; /* "": none */
    const char *state;         /* absolute; NULL: below the root of the first static mount */
    enum pool_kind pool;
    uint32_t given;
    const char *file; /* the settings file; it need not exist unless it was named */
};

/* A value of the file as the text that a variable would hold, and the form that it had. */
enum settings_form {
    SETTINGS_TEXT = 1,
    SETTINGS_NUMBER = 2,
    SETTINGS_BOOLEAN = 4,
    SETTINGS_LIST = 8, /* its strings, joined by ':' */
    SETTINGS_OBJECT = 16,
};

struct settings_value {
    enum settings_form form;
    const char *text;
};

/* Sets one key of the file. Relative paths are relative to `base`. With a NULL mount only keys of
 * the whole site are known. For settings_file.c. Returns 0, or -1 with the fault. */
int settings_set(struct settings *settings, struct settings_mount *mount, const char *key,
                 const struct settings_value *value, const char *base, apr_pool_t *pool,
                 struct error *error);

/* Adds a media type of a mount. Returns 0, or -1 with the fault. */
int settings_add_type(struct settings_mount *mount, const char *key, const char *type,
                      struct error *error);

/* Adds a header field of a mount; a NULL value removes it. Returns 0, or -1 with the fault. */
int settings_add_field(struct settings_mount *mount, const struct settings_field *field,
                       struct error *error);

/* Whether the setting with this key of the file was given, under whatever name. */
bool settings_gave(uint32_t given, const char *key);

/* A mount with every default of its kind. */
struct settings_mount settings_default_mount(enum mount_kind kind, apr_pool_t *pool);

/* Settings with one static mount and every default. */
void settings_clear(struct settings *settings, apr_pool_t *pool);

/* Sets what the variables of one rank in `environment` say: Django's own names, or (`ours`) those
 * that begin with HANDBACK_. Returns 0, or -1 with the fault. */
int settings_set_variables(struct settings *settings, char **environment, bool ours,
                           apr_pool_t *pool, struct error *error);

/* Whether the name of `len` bytes is that of a variable of ours. */
bool settings_has_variable(const char *name, size_t len);

/* The value of a variable; NULL when it is not set or empty. */
const char *settings_variable(char **environment, const char *name);

#endif

/* Names as the rules and mod_mime read them. */
#ifndef PREPARE_HTACCESS_NAMES_H
#define PREPARE_HTACCESS_NAMES_H

#include <apr_tables.h>
#include <stdbool.h>

/* The letters of names that the rules match, but for dot and slash. */
#define HTACCESS_NAMES_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

/* Directories, then base[.inner…].hash.extension. */
struct htaccess_names_parts {
    apr_array_header_t *inner; /* of const char * */
    const char *extension;
};

/* False: the rules do not match it whatever the tree. */
bool htaccess_names_take(const char *path, struct htaccess_names_parts *parts, apr_pool_t *pool);

/* What a handler or a filter of some host runs or reads, or what is a coding of its own. */
bool htaccess_names_is_taken(const char *extension);

/* What stands behind the last dot of the last segment, in lower case as Apache compares it; NULL:
 * none, or none that can stand in a configuration. */
const char *htaccess_names_extension(const char *name, apr_pool_t *pool);

/* Whether it can stand between quotes in a configuration, and means nothing but itself. */
bool htaccess_names_is_quotable(const char *text);

#endif

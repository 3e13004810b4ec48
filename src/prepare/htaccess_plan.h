/* What a .htaccess of a static root has to know of its tree: which hashed names Apache may answer
 * by itself, and which of the others look like them. */
#ifndef PREPARE_HTACCESS_PLAN_H
#define PREPARE_HTACCESS_PLAN_H

#include "compile/settings_table.h"
#include "prepare/work.h"

#include <apr_tables.h>
#include <stdbool.h>

enum {
    HTACCESS_LEVELS = 4,
    HTACCESS_EXCEPTIONS_MAX = 40, /* names that are told one by one; each costs every request */
    HTACCESS_INNER_MAX = 30       /* inner extensions that are allowed */
};

struct htaccess_plan {
    int level;
    const char *cgi; /* URL path of the program */
    const struct settings_mount *mount;
    const char *state;              /* the state directory, seen from the root; NULL: elsewhere */
    bool pooled;                    /* files are sent from the pool there, not from the tree */
    bool br, gzip;                  /* variants that occur */
    apr_array_header_t *extensions; /* of const char *: of the names that Apache may answer */
    apr_array_header_t *inner;      /* of const char *: what may stand before their hash (.min) */
    apr_array_header_t *exceptions; /* of const char *: names that look like them and are not */
    apr_array_header_t *leaving;    /* of const char *: links that may not be followed (level 0) */
    bool links_closed;              /* they cannot be told one by one: no link is followed */
    apr_array_header_t *types;      /* of struct settings_type: ".ext" and its type, sorted */
    apr_array_header_t *named;      /* of struct settings_type: file names of another type */
    apr_array_header_t *fields;     /* of struct settings_field: those that are sent (level 0, 1) */
    const char *first_lost;         /* an extension given up for its many exceptions; NULL: none */
};

/* Looks at the tree of a mount, after its files were kept. `catalog` is what they were compiled to.
 */
void htaccess_plan_make(struct htaccess_plan *plan, struct work *work, uint32_t mount,
                        const struct catalog *catalog);

#endif

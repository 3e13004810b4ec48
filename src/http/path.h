/* From a request target to the one path that it means (RFC 9110 4.2.3, RFC 3986 5.2.4 and 6.2.2).
 */
#ifndef HTTP_PATH_H
#define HTTP_PATH_H

#include "base/slice.h"

enum {
    PATH_SIZE = 4096
};

enum path_verdict {
    PATH_OK,
    PATH_MALFORMED, /* bad percent-encoding, a control byte, no path at all: 400 */
    PATH_OUTSIDE,   /* `..` climbs above the top: 404 */
    PATH_TOO_LONG,  /* 414 */
};

struct path {
    size_t len;
    bool directory;       /* the target ended in '/', "/." or "/..": so the text ends in '/' */
    char text[PATH_SIZE]; /* decoded, without `.`, `..` and empty segments; NUL-terminated */
};

/* Resolves a raw request target: drops scheme and authority, cuts at '?', percent-decodes once. */
enum path_verdict path_resolve(struct slice target, struct path *path);

/* The same for a path that somebody has decoded already (SCRIPT_NAME and PATH_INFO, RFC 3875 4.1).
 */
enum path_verdict path_resolve_decoded(struct slice decoded, struct path *path);

/* Reads what a setting such as STATIC_URL says, a path or a URL whose path counts, as a prefix that
 * begins and ends with '/'. False: it is none. */
bool path_read_prefix(const char *value, struct path *path);

/* Whether a relative name is safe to open below a directory: no empty, `.` or `..` segment, no
 * control byte, neither absolute nor empty. */
bool path_is_plain(struct slice name);

/* Whether a segment of the name begins with a dot. */
bool path_is_hidden(struct slice name);

#endif

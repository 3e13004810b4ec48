/* What the environment says to the static CGI: what the shipped Apache files set. All other
 * settings are those of its catalog. */
#ifndef CGI_ENVIRONMENT_H
#define CGI_ENVIRONMENT_H

#include "base/error.h"
#include "catalog/catalog.h"
#include "http/path.h"

/* NULL: not given. */
struct environment {
    const char *root[MOUNT_KINDS];
    const struct path *url[MOUNT_KINDS];
    const char *state;
    const char *release;
    const struct path *delivery_url;
    const char *delivery_root;
};

/* Reads the variables, which the result views; its URLs are valid until the next call. Returns 0,
 * or -1 with HB0004. */
int environment_read(struct environment *environment, struct error *error);

/* Logs HB0006 for each setting that is in the environment and has no effect here. */
void environment_tell_ignored(void);

#endif

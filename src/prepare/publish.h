/* What was kept is written down: the manifests, the list of releases, at last the catalog. */
#ifndef PREPARE_PUBLISH_H
#define PREPARE_PUBLISH_H

#include "prepare/work.h"

/* Makes the pool durable, which the catalog will name, and keeps manifests and releases. Returns 0,
 * or -1 with HB0084. */
int publish_releases(struct work *work, struct error *error);

/* Compiles the site and puts the catalog in its place, if it has other bytes than the one that is
 * there; a dry run only compares. Returns 0, or -1 with HB0031, HB0064 or HB0084. */
int publish_catalog(struct work *work, struct error *error);

#endif

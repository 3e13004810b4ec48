/* What there is to keep: manifests, releases, files. */
#ifndef PREPARE_GATHER_H
#define PREPARE_GATHER_H

#include "prepare/work.h"

/* Reads the manifests and the names below every static root. What cannot be used is a fault. */
void gather_manifests(struct work *work);

/* Decides which releases are kept. Returns 0, or -1 with HB0085. */
int gather_releases(struct work *work, struct error *error);

/* Collects every file that a manifest names, that the pool holds, or whose own name tells its hash.
 */
void gather_files(struct work *work);

#endif

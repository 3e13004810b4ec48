/* The site of this moment: compiled from settings, manifests and trees, looked at again once a
 * second, replaced by an atomic swap. The last good one stays while the new one cannot be had. */
#ifndef CLI_CURRENT_H
#define CLI_CURRENT_H

#include "base/error.h"
#include "compile/settings.h"
#include "serve/site.h"

struct current;

/* Compiles the site, with these settings, which the caller keeps, or with those that are read here,
 * from this process's environment (NULL). With bad ones the result gives out no site; *error then
 * says why (number 0: all is well). Returns NULL only when there is no memory. */
struct current *current_make(const struct settings *settings, struct error *error);

/* What the gateways take sites from. */
struct site_source current_source(struct current *current);

/* Looks whether settings, manifests or trees have changed, and swaps the site when they have.
 * Called once a second by one thread, while others serve. */
void current_refresh(struct current *current);

/* Reads the settings again (not for given ones) and compiles the site anew; with bad settings,
 * which are logged, everything stays as it was. By the same thread. */
void current_reload(struct current *current);

void current_free(struct current *current);

#endif

/* The site of this moment, looked at again once a second and replaced by an atomic swap: from the
 * catalog of the state directory, or, where there is none that can be used, compiled in memory from
 * settings, manifests and trees. The last good one stays while a new one cannot be had. */
#ifndef CLI_CURRENT_H
#define CLI_CURRENT_H

#include "base/error.h"
#include "cli/shared_catalog.h"
#include "compile/settings.h"
#include "serve/site.h"

struct current;

struct current_options {
    const struct settings *settings; /* kept by the caller; NULL: read from this environment */
    struct shared_catalog *shared;   /* the master's copy of the catalog; NULL: none */
    bool same_user; /* the web server runs as this one: nobody else opens what is handed back */
    bool
        lasting; /* for more than one request: a catalog is read as a whole before it is believed */
};

/* Opens the site. With bad settings the result gives out no site; *error then says why (number 0:
 * all is well). Returns NULL only when there is no memory. */
struct current *current_make(const struct current_options *options, struct error *error);

/* What the gateways take sites from. */
struct site_source current_source(struct current *current);

/* Looks whether the catalog, the roots or (without a catalog) settings, manifests and trees have
 * changed, and swaps the site when they have. Called once a second by one thread, while others
 * serve. */
void current_refresh(struct current *current);

/* Reads the settings again (not for given ones) and opens the site anew; with bad settings, which
 * are logged, everything stays as it was. By the same thread. */
void current_reload(struct current *current);

void current_free(struct current *current);

#endif

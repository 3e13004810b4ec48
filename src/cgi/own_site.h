/* The site of the static CGI: its catalog with what the environment says, or the live tree. */
#ifndef CGI_OWN_SITE_H
#define CGI_OWN_SITE_H

#include "cgi/own_catalog.h"
#include "serve/site.h"

/* Opens the site of the catalog, which *own tells of, in memory of the caller, which is of zeros.
 * Returns 0, or -1: with HB0004, HB0014, HB0030, HB0033 to HB0035, HB0039 or, without memory,
 * HB_OUT_OF_MEMORY; with NO_DIAGNOSIS when there is no catalog. */
int own_site_open(struct site *site, struct own_catalog *own, const struct environment *environment,
                  struct error *error);

/* Opens what the roots of the environment hold, live. Returns 0, or -1 with HB0005, HB0014 or
 * HB0038. */
int own_site_open_live(struct site *site, const struct environment *environment,
                       struct error *error);

#endif

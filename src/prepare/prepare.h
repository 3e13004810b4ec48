/* After collectstatic: keeps the release with its files, and writes the catalog. */
#ifndef PREPARE_PREPARE_H
#define PREPARE_PREPARE_H

#include "compile/settings.h"
#include "prepare/report.h"
#include "prepare/wish.h"

/* What is asked for on the command line. */
struct prepare_wish {
    bool dry;           /* nothing on disk is changed, and the report says what would be */
    const char *beside; /* a directory that is to have a catalog as well; NULL: none */
    struct htaccess_wish htaccess;
};

/* Keeps what the static roots hold and writes the catalog into the state directory. Faults are
 * logged and counted in the report, and end nothing. Before it, htaccess_set_delivery completes the
 * settings. Everything lives in `pool`. Returns 0, or -1 with the reason why there is no new
 * catalog: the old one stays. */
int prepare_site(const struct settings *settings, const struct prepare_wish *wish,
                 struct report *report, apr_pool_t *pool, struct error *error);

#endif

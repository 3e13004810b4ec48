/* The .htaccess of each static root, for hosts that allow nothing else: `prepare --htaccess`. */
#ifndef PREPARE_HTACCESS_H
#define PREPARE_HTACCESS_H

#include "prepare/work.h"

/* Reads what a user asks for: a level of one digit, and the URL path of the program (NULL: the
 * usual one). Returns NULL, or what is wrong in a few words. */
const char *htaccess_wish(struct htaccess_wish *wish, const char *level, const char *cgi);

/* Before the site is prepared: the delivery that the level needs, where no setting names another
 * one. The static CGI reads it from the catalog, since suEXEC leaves no other way. */
void htaccess_set_delivery(struct settings *settings, const struct htaccess_wish *wish,
                           apr_pool_t *pool);

/* Writes, or for a dry run says what would be written, once the site is compiled. A file with lines
 * of somebody else is reported and stays. Without a wish those are renewed that are there. Returns
 * 0, or -1 with HB0084. */
int htaccess_publish(struct work *work, const struct catalog *catalog, struct error *error);

#endif

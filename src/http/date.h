/* HTTP dates (RFC 9110 5.6.7), as whole seconds since 1970-01-01 UTC. */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include "base/slice.h"

#include <stdint.h>

enum {
    DATE_SIZE = 30
};

/* Reads IMF-fixdate, rfc850-date and asctime-date. `now` decides the century of a two-digit year:
 * the latest one that is not more than 50 years ahead. False for anything else. */
bool date_parse(struct slice text, int64_t now, int64_t *seconds);

/* Writes IMF-fixdate, 29 characters and a NUL; seconds outside the years 1970 to 9999 are clamped.
 */
void date_write(int64_t seconds, char text[DATE_SIZE]);

#endif

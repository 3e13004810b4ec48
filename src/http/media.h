/* Media types by file name (RFC 9110 8.3), from a table compiled in, so that every machine gives
 * the same answer whatever its mime.types says. */
#ifndef HTTP_MEDIA_H
#define HTTP_MEDIA_H

#include "base/slice.h"

/* The type without parameters; application/octet-stream for a name that the table does not know.
 * The last extension decides, in either case of letters; a few whole names go before it. */
const char *media_type(struct slice name);

/* Whether a setting's key (".extension", or a whole file name) is about this name. */
bool media_key_matches(struct slice key, struct slice name);

/* Whether a browser would run the content as a document or script of the site that sends it. In any
 * case of letters, and with parameters or without. */
bool media_is_active(struct slice type);

/* Whether a charset parameter belongs behind the type: every text type. */
bool media_has_charset(struct slice type);

#endif

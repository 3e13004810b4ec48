/* Percent-encoding for the URLs that we send ourselves (RFC 3986 2.1, 3.3, 3.4). */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include "base/slice.h"

/* Both write at most `size` bytes with the NUL. False when that is too few: then the text is empty,
 * so that half a URL cannot be sent. */

/* A path that is not encoded yet: every byte but the unreserved characters and '/' becomes %XX.
 * What it gives means the same to everybody and holds no ':' that could be read as a scheme's. */
bool uri_encode_path(struct slice path, char *text, size_t size);

/* A query as a client sent it, so encoded already: visible ASCII (0x21 to 0x7e) stays as it is,
 * '%' too, and only what no header field or query may hold is encoded. */
bool uri_encode_query(struct slice query, char *text, size_t size);

#endif

/* Content-Disposition (RFC 6266, RFC 8187): what a browser is to save a file as. */
#ifndef HTTP_DISPOSITION_H
#define HTTP_DISPOSITION_H

#include "base/slice.h"

enum {
    DISPOSITION_SIZE = 2048 /* room for every name of 255 bytes */
};

/* Writes the value that has a file saved under `name`: the last segment of a path, decoded.
 *
 *   attachment; filename="plain.html"                          a name of plain ASCII
 *   attachment; filename="caf_.html"; filename*=UTF-8''caf%C3%A9.html      one that is not
 *   attachment; filename="caf_.html"                           one that is not UTF-8 either
 *   attachment                                                 no name, a control byte, too long
 *
 * The fallback has one '_' for each character that is not ASCII, for quotes and backslashes, which
 * not every browser unescapes, and for a '%' that some take for percent-encoding (RFC 6266
 * appendix D). */
void disposition_attachment(struct slice name, char text[DISPOSITION_SIZE]);

#endif
